"""A clone of an example's repository, and its builds: the commands of its buildspec, as CodeBuild runs them.

Docker is a stand-in, which keeps images as what they were built from; the registry is MiniStack's.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from world import paths

GIT = ("git", "-c", "user.name=developer", "-c", "user.email=developer@example.com", "-c", "init.defaultBranch=main")
PHASES = ("pre_build", "build", "post_build")
# Builds and pulls note the image; a push puts it into the registry; to run the scanner ends as $SCAN says.
DOCKER = """#!/bin/bash
printf '%s\\n' "$*" >>"$DOCKER_LOG"
last=${@: -1}
case $1 in
  login) cat >/dev/null ;;
  build) : ;;
  pull) : ;;
  run) exit "${SCAN:-0}" ;;
  push)
    repository=${last#*/}
    aws ecr put-image --repository-name "${repository%:*}" --image-tag "${repository##*:}" \\
      --image-manifest "{\\"schemaVersion\\": 2, \\"of\\": \\"${repository##*:}\\"}" >/dev/null ;;
  *) echo "docker: $1 is not served here" >&2; exit 1 ;;
esac
"""


@dataclass
class Built:
    """What came of a build."""

    status: int
    output: str
    variables: dict[str, str]
    folder: Path
    docker: list[str] = field(default_factory=list)

    def artifact(self, name: str) -> dict[str, str]:
        """The files of an output artifact."""
        spec = yaml.safe_load((self.folder / "buildspec.yaml").read_text())
        base = self.folder / spec["artifacts"]["secondary-artifacts"][name]["base-directory"]
        return {str(path.relative_to(base)): path.read_text() for path in sorted(base.rglob("*")) if path.is_file()}


class Checkout:
    """A working copy with a remote called origin, which has `main`."""

    def __init__(self, example: Path, home: Path, environment: dict[str, str]) -> None:
        """`environment` says where AWS is."""
        self.folder, self._home, self._environment = home / "clone", home, environment
        shutil.copytree(example, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.git("init", "--quiet")
        origin = home / "origin.git"
        self.git("init", "--quiet", "--bare", str(origin))
        self.git("remote", "add", "origin", str(origin))
        self.commit("The first")
        programs = home / "bin"
        programs.mkdir()
        (programs / "docker").write_text(DOCKER)
        (programs / "docker").chmod(0o755)
        (programs / "python3").symlink_to(sys.executable)

    def git(self, *words: str) -> str:
        """What a command of git prints."""
        done = subprocess.run([*GIT, *words], cwd=self.folder, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout.strip()

    def commit(self, message: str, *, push: bool = True) -> str:
        """Commits everything; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        if push:
            self.git("push", "--quiet", "--force", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def release(self, version: str) -> None:
        """Sets the version, commits, and tags the commit."""
        place = self.folder / "pyproject.toml"
        changed, count = re.subn(r'(?m)^version = ".*"$', f'version = "{version}"', place.read_text())
        assert count == 1
        place.write_text(changed)
        self.commit(f"Version {version}")
        self.git("tag", f"v{version}")

    def version(self, environment: str) -> str:
        """What ci/version.sh prints."""
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "ENVIRONMENT": environment}
        done = subprocess.run(
            [str(self.folder / "ci/version.sh")],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.strip()

    def build(self, environment: str, repository_uri: str, **variables: str) -> Built:
        """Runs the commands of the buildspec, for one of the environments."""
        spec = yaml.safe_load((self.folder / "buildspec.yaml").read_text())
        commands = [command for phase in PHASES for command in spec["phases"][phase]["commands"]]
        # As CodeBuild does, each command's own status counts, and variables live on.
        exported = " ".join(spec["env"]["exported-variables"])
        tail = f'for name in {exported}; do printf "exported %s=%s\\n" "$name" "${{!name}}"; done'
        log = self._home / "docker.log"
        log.write_text("")
        given = {
            **self._environment,
            **{name: str(value) for name, value in spec["env"]["variables"].items()},
            "PATH": f"{self._home / 'bin'}:{paths.TOOLS}:/usr/local/bin:/usr/bin:/bin",
            "DOCKER_LOG": str(log),
            "ENVIRONMENT": environment,
            "REPOSITORY_URI": repository_uri,
            "LOG_GROUP": f"/ecs/books-{environment}",
            "TASK_ROLE_ARN": f"arn:aws:iam::000000000000:role/books-{environment}-task",
            "EXECUTION_ROLE_ARN": f"arn:aws:iam::000000000000:role/books-{environment}-execution",
        } | variables
        done = subprocess.run(
            ["/bin/bash", "-c", "\n".join(["set -e", *commands, tail])],
            cwd=self.folder,
            env=given,
            capture_output=True,
            text=True,
            timeout=120,
        )
        output = done.stdout + done.stderr
        found = dict(re.findall(r"^exported (\w+)=(.*)$", done.stdout, re.MULTILINE))
        return Built(done.returncode, output, found, self.folder, log.read_text().splitlines())
