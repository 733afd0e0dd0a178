"""Puts a release together: packages for Lambda, the command line, what they are made of, checksums.

Usage: release.py FOLDER ARCHITECTURE=BUILD_FOLDER=PROGRAM ...

BUILD_FOLDER is what `make build` left, .aws-sam/arm64; PROGRAM the command line for the same processor. The folder is:

    lambda/arm64/template.yaml      what `deploy-hooks install --built lambda/arm64` and `sam deploy` take
    lambda/arm64/PreTraffic.zip     and so on; named by the template beside them
    cli/deploy-hooks-0.1.0-linux-arm64
    sbom-arm64.cdx.json             every crate that is linked in
    SHA256SUMS                      of all of these: the one file to sign
    CHANGELOG.md, UPGRADING.md, SECURITY.md, LICENSE, README.md

The same programs give the same bytes, whenever it is made.
"""

import hashlib
import json
import re
import shutil
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import sbom

ROOT = Path(__file__).resolve().parents[1]
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
DOCUMENTS = {
    "CHANGELOG.md": "CHANGELOG.md",
    "UPGRADING.md": "docs/how-to/upgrading.md",
    "SECURITY.md": "SECURITY.md",
    "LICENSE": "LICENSE",
    "README.md": "README.md",
}
# The earliest that a zip archive can say.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Built:
    """What was built for a processor."""

    architecture: str
    packages: Path
    program: Path

    @classmethod
    def read(cls, argument: str) -> "Built":
        """`arm64=.aws-sam/arm64=target/…/deploy-hooks`"""
        architecture, packages, program = argument.split("=")
        if architecture not in TARGETS:
            raise SystemExit(f"{architecture} is no processor of Lambda; expected one of {', '.join(TARGETS)}")
        return cls(architecture, Path(packages), Path(program))


def version() -> str:
    """Of the workspace; the template's must be the same."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    return str(manifest["workspace"]["package"]["version"])


def zipped(program: Path, place: Path) -> None:
    """The same bytes for the same program."""
    info = zipfile.ZipInfo("bootstrap", EPOCH)
    info.external_attr = 0o100755 << 16
    info.create_system = 3
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr(info, program.read_bytes(), compresslevel=9)


def packages(built: Built, folder: Path) -> None:
    """The packages with their template."""
    folder.mkdir(parents=True)
    template = (built.packages / "template.yaml").read_text()
    names = re.findall(r"^ +CodeUri: (\w+)$", template, re.MULTILINE)
    if not names:
        raise SystemExit(f"{built.packages}/template.yaml names no package; build first: make build")
    for name in names:
        zipped(built.packages / name / "bootstrap", folder / f"{name}.zip")
    template = re.sub(r"^( +CodeUri: \w+)$", r"\1.zip", template, flags=re.MULTILINE)
    # The packages are for one processor, so that is what the stack gets unless somebody says otherwise.
    template, count = re.subn(
        r"(\n  Architecture:\n(?:    .*\n)*?    Default: )\w+", rf"\g<1>{built.architecture}", template
    )
    if count != 1:
        raise SystemExit(f"{built.packages}/template.yaml has no default of Architecture that was understood")
    (folder / "template.yaml").write_text(template)
    for document in re.findall(r"^ +(?:LicenseUrl|ReadmeUrl): ([\w.]+)$", template, re.MULTILINE):
        shutil.copy(ROOT / document, folder)


def checksums(folder: Path) -> str:
    """As `sha256sum --check` reads them."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n" for path in paths
    ]
    return "".join(lines)


def release(folder: Path, all_built: list[Built]) -> None:
    """Makes the folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    for built in all_built:
        packages(built, folder / "lambda" / built.architecture)
        program = folder / "cli" / f"deploy-hooks-{version()}-linux-{built.architecture}"
        program.parent.mkdir(exist_ok=True)
        shutil.copy(built.program, program)
        program.chmod(0o755)
        document = sbom.bom(TARGETS[built.architecture])
        (folder / f"sbom-{built.architecture}.cdx.json").write_text(json.dumps(document, indent=1) + "\n")
    for name, source in DOCUMENTS.items():
        shutil.copy(ROOT / source, folder / name)
    (folder / "SHA256SUMS").write_text(checksums(folder))


def main(arguments: list[str]) -> None:
    """Makes it, and lists it."""
    folder = Path(arguments[0])
    release(folder, [Built.read(argument) for argument in arguments[1:]])
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size / 1e6:>8.2f} MB  {path.relative_to(folder)}")
    print(f"{folder}: sign it with `cosign sign-blob --yes {folder}/SHA256SUMS --bundle {folder}/SHA256SUMS.bundle`")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(sys.argv[1:])
