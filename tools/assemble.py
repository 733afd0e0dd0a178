"""Puts the functions, as plain cargo built them for this machine, into a folder that SAM deploys from.

Usage: assemble.py TEMPLATE BINARIES BUILD_FOLDER [FUNCTION ...]

The local world runs packages as processes, so they need no cross compiler and no optimisation; what `make build` makes
for Lambda takes five times as long. Functions that are named stay as SAM built them into the folder before. The folder
looks like one of `sam build`: a template, and beside it a folder for each function.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

FUNCTION = re.compile(
    r"^  (?P<name>\w+):\n    Type: AWS::Serverless::Function\n(?P<head>(?:(?:    .*)?\n)*?)"
    r"(?P<indent> {6})CodeUri: crates/(?P<binary>[\w-]+)$",
    re.MULTILINE,
)

STRIP = shutil.which("strip") or "strip"
DOCUMENT = re.compile(r"^ +(?:LicenseUrl|ReadmeUrl): ([\w.]+)$", re.MULTILINE)


def assemble(template: Path, binaries: Path, build: Path, built: list[str]) -> list[str]:
    """Fills the folder; returns the names of the functions that were put there."""
    text = template.read_text()
    functions = {match["name"]: match["binary"] for match in FUNCTION.finditer(text)}
    if len(functions) != text.count("CodeUri: "):
        raise SystemExit(f"{template}: not every CodeUri was understood; found {', '.join(functions) or 'none'}")
    for name in built:
        if not (build / name / "bootstrap").is_file():
            raise SystemExit(f"{build}/{name} holds no package")
    others = [name for name in functions if name not in built]
    if not built:
        shutil.rmtree(build, ignore_errors=True)
    for name in others:
        package = build / name
        shutil.rmtree(package, ignore_errors=True)
        package.mkdir(parents=True)
        # Debug information is most of an unoptimised program, and is zipped and copied at each deployment.
        subprocess.run([STRIP, "-o", package / "bootstrap", binaries / functions[name]], check=True)
    for name in DOCUMENT.findall(text):
        shutil.copy(template.parent / name, build)
    (build / "template.yaml").write_text(
        FUNCTION.sub(lambda match: match[0].replace(f"crates/{match['binary']}", match["name"]), text)
    )
    return others


if __name__ == "__main__":
    names = assemble(*(Path(argument) for argument in sys.argv[1:4]), sys.argv[4:])
    print(f"{sys.argv[3]}: {', '.join(names)}", file=sys.stderr)
