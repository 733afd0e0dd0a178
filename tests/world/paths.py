"""Where things lie in the checkout."""

import os
import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
TOOLS = ROOT / ".tools" / "tools" / "bin"
MINISTACK = ROOT / ".tools" / "ministack" / "bin" / "ministack"
BINARIES = ROOT / "target" / "debug"
SUITES = ROOT / "examples" / "suites"
APPROVALS = ROOT / "examples" / "demo" / "approvals.yaml"
ENVIRONMENTS = ROOT / "examples" / "demo" / "environments.yaml"
APPSPEC = ROOT / "examples" / "appspec" / "ecs-blue-green.yaml"

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


class NotSetUp(Exception):
    """Something that `make` prepares is missing."""


def architecture() -> str:
    """Lambda's name of this machine's processor; the functions run here as processes."""
    machine = platform.machine().lower()
    if platform.system() != "Linux":
        raise NotSetUp(
            f"the local world runs the Lambda packages as processes, so it needs Linux, not {platform.system()}; "
            "use a Linux machine, a virtual machine or a dev container"
        )
    if machine not in ARCHITECTURES:
        raise NotSetUp(f"Lambda knows no processor {machine}; it has x86_64 and arm64")
    return ARCHITECTURES[machine]


def built_template() -> Path:
    """The template beside the packages: those of `make build`, or another folder of .aws-sam that PACKAGES names."""
    return ROOT / ".aws-sam" / os.environ.get("PACKAGES", architecture()) / "template.yaml"


def check() -> None:
    """Tells all at once what is missing, and how to get it."""
    remedies = {
        MINISTACK: "make setup",
        TOOLS / "sam": "make setup",
        BINARIES / "local-aws": "make local",
        BINARIES / "sample-shop": "make local",
        built_template().parent / "EnvScheduler": "make build",
        built_template(): "make build",
    }
    missing = [
        f"{path.relative_to(ROOT)} is missing: {remedy}" for path, remedy in remedies.items() if not path.exists()
    ]
    if missing:
        raise NotSetUp("; ".join(missing))
