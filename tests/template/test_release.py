"""`make release`: what a release has, that the same programs give the same bytes, and what it is made of."""

import hashlib
import json
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import release
import sbom
from world import templates
from world.paths import ROOT
from world.templates import Json


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> release.Built:
    """What a build leaves, with programs that hold nothing."""
    folder = tmp_path_factory.mktemp("built")
    template = templates.TEMPLATE.read_text()
    for name in _functions():
        (folder / name).mkdir()
        (folder / name / "bootstrap").write_text(f"#!/bin/sh\n# {name}\n")
    for name, crate in _functions().items():
        template = template.replace(f"CodeUri: crates/{crate}\n", f"CodeUri: {name}\n")
    (folder / "template.yaml").write_text(template)
    program = folder / "deploy-hooks"
    program.write_text("#!/bin/sh\n")
    return release.Built("x86_64", folder, program)


def _functions() -> dict[str, str]:
    made = templates.load(templates.TEMPLATE)["Resources"]
    uris = {name: it["Properties"]["CodeUri"] for name, it in made.items() if it["Type"] == "AWS::Serverless::Function"}
    return {name: uri.removeprefix("crates/") for name, uri in uris.items()}


@pytest.fixture(scope="module")
def made(built: release.Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of one processor."""
    folder = tmp_path_factory.mktemp("release") / "made"
    release.release(folder, [built])
    return folder


def test_a_release_has_packages_program_sbom_documents_and_checksums_of_all(made: Path) -> None:
    version = release.version()
    names = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    packages = {f"lambda/x86_64/{name}.zip" for name in _functions()}
    assert names == packages | {
        *("lambda/x86_64/template.yaml", "lambda/x86_64/LICENSE", "lambda/x86_64/README.md"),
        *(f"cli/deploy-hooks-{version}-linux-x86_64", "sbom-x86_64.cdx.json", "SHA256SUMS"),
        *release.DOCUMENTS,
    }
    lines = [line.split("  ") for line in (made / "SHA256SUMS").read_text().splitlines()]
    assert {name for _, name in lines} == names - {"SHA256SUMS"}
    for digest, name in lines:
        assert hashlib.sha256((made / name).read_bytes()).hexdigest() == digest
    checked = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=made, check=False)  # noqa: S607
    assert checked.returncode == 0


def test_a_package_is_what_lambda_runs_and_the_template_names_it(made: Path) -> None:
    template = templates.load(made / "lambda/x86_64/template.yaml")
    assert template["Parameters"]["Architecture"]["Default"] == "x86_64"
    for name in _functions():
        assert template["Resources"][name]["Properties"]["CodeUri"] == f"{name}.zip"
        with zipfile.ZipFile(made / f"lambda/x86_64/{name}.zip") as archive:
            [member] = archive.infolist()
            assert member.filename == "bootstrap" and member.external_attr >> 16 == 0o100755
            assert archive.read("bootstrap").decode() == f"#!/bin/sh\n# {name}\n"


def test_the_same_programs_give_the_same_release(built: release.Built, made: Path, tmp_path: Path) -> None:
    release.release(tmp_path / "again", [built])
    assert (tmp_path / "again/SHA256SUMS").read_text() == (made / "SHA256SUMS").read_text()


def test_what_was_not_built_is_refused(built: release.Built, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    with pytest.raises(SystemExit, match="build first: make build"):
        release.packages(release.Built("arm64", tmp_path, built.program), tmp_path / "made")
    with pytest.raises(SystemExit, match="mips is no processor of Lambda"):
        release.Built.read("mips=a=b")


def test_the_sbom_has_what_is_linked_in_and_nothing_of_the_tests() -> None:
    document = sbom.bom("x86_64-unknown-linux-gnu")
    names = {it["name"] for it in document["components"]}
    assert {*sbom.SHIPPED, "gate", "hook", "tokio", "rustls", "ring", "aws-sdk-s3", "saphyr-parser"} <= names
    assert not {"test-support", "local-aws", "insta", "proptest", "drill", "sample-shop"} & names
    refs = [it["bom-ref"] for it in document["components"]]
    assert len(refs) == len(set(refs))
    assert all("licenses" in it for it in document["components"])
    assert all("hashes" in it for it in document["components"] if it["name"] not in _own())
    for it in document["dependencies"]:
        assert set(it["dependsOn"]) <= set(refs)
    assert {it["ref"] for it in document["dependencies"]} == {*refs, f"deploy-hooks@{release.version()}"}
    assert document == sbom.bom("x86_64-unknown-linux-gnu"), "the same again"


def _own() -> set[str]:
    return {path.parent.name for path in (ROOT / "crates").glob("*/Cargo.toml")}


def test_the_sbom_of_the_other_processor_is_of_that() -> None:
    document: dict[str, Any] = sbom.bom("aarch64-unknown-linux-gnu")
    assert document["metadata"]["component"]["properties"] == [{"name": "target", "value": "aarch64-unknown-linux-gnu"}]


def test_the_template_has_the_version_of_the_workspace(template: Json) -> None:
    application = template["Metadata"]["AWS::ServerlessRepo::Application"]
    assert application["SemanticVersion"] == release.version()
    # What the repository of serverless applications wants before it publishes one.
    for key in ("Name", "Description", "Author", "SpdxLicenseId", "LicenseUrl", "ReadmeUrl", "Labels"):
        assert application[key], key
    assert len(application["Description"]) <= 256 and len(application["Labels"]) <= 10
    assert json.dumps(application["Labels"]).isascii()


def test_no_dependency_needs_a_newer_rust_than_is_promised() -> None:
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    toolchain = tomllib.loads((ROOT / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    promised = _numbers(manifest["workspace"]["package"]["rust-version"])
    assert promised <= _numbers(toolchain), "what CI builds with is older than what is promised"
    packages = sbom.metadata("x86_64-unknown-linux-gnu")["packages"]
    newer = [
        f"{it['name']} {it['version']} needs {it['rust_version']}"
        for it in packages
        if it["rust_version"] and _numbers(it["rust_version"]) > promised
    ]
    assert newer == []
    needed = max(_numbers(it["rust_version"]) for it in packages if it["rust_version"] and it["name"] not in _own())
    assert needed == promised, "less would do; promise that"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in f"{version}.0".split(".")[:3])


def test_the_documents_of_a_release_are_there() -> None:
    for source in release.DOCUMENTS.values():
        assert (ROOT / source).stat().st_size > 0, source
