"""Writes what a release is made of, in CycloneDX's form, from Cargo's own resolution.

Usage: sbom.py TARGET > sbom.cdx.json       TARGET: such as aarch64-unknown-linux-gnu

Every crate that is linked into a function or the command line is in it, with its version, licence, checksum and what it
depends on; what only tests and benches need is not. The same Cargo.lock gives the same bytes.
https://cyclonedx.org/docs/1.6/json/
"""

import json
import re
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
# Of the workspace: what is shipped.
SHIPPED = (
    *("pre-traffic", "post-traffic", "deploy-action", "approval-notifier", "approval-decision", "env-scheduler"),
    "cli",
)
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def metadata(target: str) -> Json:
    """Cargo's resolution for a target."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: Json = json.loads(done.stdout)
    return found


def checksums() -> dict[tuple[str, str], str]:
    """The registry's SHA-256 of each crate, by name and version."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(it["name"], it["version"]): it["checksum"] for it in lock["package"] if "checksum" in it}


def linked(resolved: Json) -> dict[str, list[str]]:
    """What the shipped programs are linked from, with what each of these depends on, by package id."""
    names = {package["id"]: package["name"] for package in resolved["packages"]}
    nodes = {node["id"]: node for node in resolved["resolve"]["nodes"]}
    open_ids = [id_ for id_, name in names.items() if name in SHIPPED and id_ in resolved["workspace_members"]]
    assert len(open_ids) == len(SHIPPED), open_ids
    found: dict[str, list[str]] = {}
    while open_ids:
        id_ = open_ids.pop()
        if id_ in found:
            continue
        found[id_] = sorted(
            it["pkg"] for it in nodes[id_]["deps"] if any(kind["kind"] != "dev" for kind in it["dep_kinds"])
        )
        open_ids += found[id_]
    return found


def _purl(package: Json) -> str:
    return f"pkg:cargo/{package['name']}@{package['version']}"


def _component(package: Json, sums: dict[tuple[str, str], str]) -> Json:
    component: Json = {
        "type": "application" if package["name"] in SHIPPED else "library",
        "bom-ref": _purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": _purl(package),
    }
    if package["license"]:
        # `MIT/Apache-2.0` is how old manifests write a choice.
        component["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return component


def bom(target: str) -> Json:
    """The whole document."""
    resolved, sums = metadata(target), checksums()
    packages = {package["id"]: package for package in resolved["packages"]}
    found = linked(resolved)
    version = next(package["version"] for package in packages.values() if package["name"] == "cli")
    components = sorted((_component(packages[id_], sums) for id_ in found), key=lambda it: it["bom-ref"])
    dependencies = sorted(
        (
            {"ref": _purl(packages[id_]), "dependsOn": sorted({_purl(packages[it]) for it in needs})}
            for id_, needs in found.items()
        ),
        key=lambda it: str(it["ref"]),
    )
    document: Json = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"deploy-hooks@{version}",
                "name": "deploy-hooks",
                "version": version,
                "licenses": [{"expression": "Apache-2.0"}],
                "properties": [{"name": "target", "value": target}],
            }
        },
        "components": components,
        "dependencies": [
            {
                "ref": f"deploy-hooks@{version}",
                "dependsOn": sorted(it["bom-ref"] for it in components if it["type"] == "application"),
            },
            *dependencies,
        ],
    }
    content = json.dumps(document, sort_keys=True)
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, content)}"}


if __name__ == "__main__":
    print(json.dumps(bom(sys.argv[1]), indent=1))
