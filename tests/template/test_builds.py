"""The builds of the reference pipelines: which version they make, what they push, and what stops them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack import MiniStack
from world import templates
from world.checkout import Checkout
from world.templates import ROOT

PIPELINES = ROOT / "examples" / "pipelines"
EXAMPLE = PIPELINES / "ecs-native"
REPOSITORY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/books"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """MiniStack."""
    ministack = MiniStack(tmp_path_factory.mktemp("ministack"))
    yield ministack
    ministack.stop()


@pytest.fixture
def ecr(registry: MiniStack) -> Iterator[Any]:
    """The registry with a repository as the template makes it."""
    client = registry.aws.client("ecr")
    made = templates.load(EXAMPLE / "infrastructure" / "shared.yaml")["Resources"]["Images"]["Properties"]
    assert made["ImageTagMutability"] == "IMMUTABLE"
    client.create_repository(repositoryName=made["RepositoryName"], imageTagMutability=made["ImageTagMutability"])
    client.put_lifecycle_policy(
        repositoryName=made["RepositoryName"], lifecyclePolicyText=made["LifecyclePolicy"]["LifecyclePolicyText"]
    )
    yield client
    client.delete_repository(repositoryName=made["RepositoryName"], force=True)


@pytest.fixture
def checkout(registry: MiniStack, ecr: Any, tmp_path: Path) -> Checkout:  # noqa: ARG001
    """A clone of its repository."""
    return Checkout(EXAMPLE, tmp_path, registry.environment)


def _tags(ecr: Any) -> set[str]:
    found = ecr.describe_images(repositoryName="books")["imageDetails"]
    return {tag for image in found for tag in image.get("imageTags", [])}


def test_a_release_is_the_tagged_commit_and_is_named_by_digest(checkout: Checkout, ecr: Any) -> None:
    checkout.release("1.3.0")
    built = checkout.build("production", REPOSITORY)
    assert built.status == 0, built.output
    commit = checkout.git("rev-parse", "HEAD")
    assert built.variables == {"VERSION": "1.3.0", "COMMIT": commit}
    assert _tags(ecr) == {commit, "v1.3.0"}
    [image] = ecr.describe_images(repositoryName="books", imageIds=[{"imageTag": commit}])["imageDetails"]
    named = json.loads(built.artifact("Release")["imageDetail.json"])
    assert named == {"ImageURI": f"{REPOSITORY}@{image['imageDigest']}"}


def test_what_is_scanned_is_what_is_pushed_and_before_it_is(checkout: Checkout) -> None:
    built = checkout.build("development", REPOSITORY)
    assert built.status == 0, built.output
    image = f"{REPOSITORY}:{built.variables['COMMIT']}"
    assert [line.split()[0] for line in built.docker] == ["login", "build", "run", "push"]
    [scan] = [line for line in built.docker if line.startswith("run")]
    assert scan.endswith(f"--severity HIGH,CRITICAL --exit-code 1 {image}"), scan
    assert built.docker[-1].endswith(image)


def test_an_image_with_vulnerabilities_is_not_pushed(checkout: Checkout, ecr: Any) -> None:
    built = checkout.build("development", REPOSITORY, SCAN="1")
    assert built.status != 0
    assert _tags(ecr) == set()
    assert not (checkout.folder / "imageDetail.json").exists()


def test_a_commit_is_built_once_and_scanned_each_time(checkout: Checkout, ecr: Any) -> None:
    checkout.release("1.3.0")
    first = checkout.build("staging", REPOSITORY)
    again = checkout.build("production", REPOSITORY)
    once_more = checkout.build("production", REPOSITORY)
    for built in (first, again, once_more):
        assert built.status == 0, built.output
    assert [line.split()[0] for line in again.docker] == ["login", "pull", "run"]
    assert len(ecr.describe_images(repositoryName="books")["imageDetails"]) == 1


def test_a_failed_test_ends_the_build_before_anything_is_pushed(checkout: Checkout, ecr: Any) -> None:
    source = next(checkout.folder.rglob("service.py"))
    source.write_text(source.read_text().replace('"total"', '"sum"'))
    checkout.commit("A bad change")
    built = checkout.build("development", REPOSITORY)
    assert built.status != 0 and "FAILED" in built.output
    assert _tags(ecr) == set()


def test_a_tag_must_say_the_packages_version_and_be_on_main(checkout: Checkout, ecr: Any) -> None:
    checkout.release("1.3.0")
    checkout.git("tag", "--delete", "v1.3.0")
    checkout.git("tag", "v1.4.0")
    refused = checkout.build("production", REPOSITORY)
    assert refused.status != 0
    assert "pyproject.toml says 1.3.0, and the commit has the tags 'v1.4.0'" in refused.output
    checkout.git("checkout", "--quiet", "-b", "feature")
    checkout.commit("Not merged", push=False)
    checkout.git("tag", "v1.3.0")
    refused = checkout.build("production", REPOSITORY)
    assert refused.status != 0 and "the tag v1.3.0 is not on main" in refused.output
    assert _tags(ecr) == set()


def test_a_version_is_used_for_one_image_only(checkout: Checkout, ecr: Any) -> None:
    checkout.release("1.3.0")
    assert checkout.build("production", REPOSITORY).status == 0
    checkout.commit("Something else under the same version")
    checkout.git("tag", "--force", "v1.3.0")
    refused = checkout.build("production", REPOSITORY)
    assert refused.status != 0 and "v1.3.0 is the image sha256:" in refused.output, refused.output
    assert len([tag for tag in _tags(ecr) if tag == "v1.3.0"]) == 1


@pytest.mark.parametrize(("environment", "kind"), [("staging", "rc"), ("development", "dev")])
def test_versions_of_branches_grow_with_each_commit(checkout: Checkout, environment: str, kind: str) -> None:
    first = checkout.version(environment)
    checkout.commit("One more")
    second = checkout.version(environment)
    short = checkout.git("rev-parse", "--short=7", "HEAD")
    assert first.startswith(f"1.2.0-{kind}.1.g")
    assert second == f"1.2.0-{kind}.2.g{short}"


def test_the_tests_of_the_sample_service_pass() -> None:
    command = [sys.executable, "-m", "unittest", "discover", "--start-directory", "tests"]
    env = {"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=EXAMPLE, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Ran " in done.stderr and "Ran 0 tests" not in done.stderr


SERVICE_TOOL = """#!{python}
import json, os, sys
words = sys.argv[1:]
with open(os.environ["AWS_LOG"], "a") as log:
    log.write(json.dumps(words) + "\\n")
command = words[1]
if command == "describe-services":
    print(os.environ.get("SERVING", ""))
elif command == "describe-stacks":
    stack = words[words.index("--stack-name") + 1]
    if "--query" not in words:
        sys.exit(0 if "EXISTS" in os.environ else 255)
    name = words[words.index("--query") + 1].split("'")[1]
    if name == os.environ.get("MISSING"):
        print("None")
    elif name == "RepositoryUri":
        print("000000000000.dkr.ecr.us-east-1.amazonaws.com/books")
    else:
        print(f"{{stack}}/{{name}}")
elif command == "describe-images":
    print("sha256:1234")
elif command == "get-caller-identity":
    print("arn:aws:sts::000000000000:assumed-role/a/b" if "Arn" in words else "000000000000")
elif command == "register-task-definition":
    print("arn:aws:ecs:us-east-1:000000000000:task-definition/books-development:1")
"""


def _service(checkout: Checkout, tmp_path: Path, **env: str) -> tuple[int, str, list[list[str]]]:
    """Runs infrastructure/service.sh with a stand-in for `aws`: status, error, and its calls."""
    programs = tmp_path / "service-bin"
    programs.mkdir(exist_ok=True)
    (programs / "aws").write_text(SERVICE_TOOL.format(python=sys.executable))
    (programs / "aws").chmod(0o755)
    log = tmp_path / "aws.log"
    given = {"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin", "AWS_LOG": str(log)} | env
    command = [str(checkout.folder / "infrastructure" / "service.sh"), "development", "subnet-1,subnet-2"]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr, [json.loads(line) for line in log.read_text().splitlines()]


@pytest.fixture
def clone(tmp_path: Path) -> Checkout:
    """A clone that no registry belongs to."""
    return Checkout(EXAMPLE, tmp_path, {})


def test_a_new_service_gets_the_task_definition_of_the_commit(clone: Checkout, tmp_path: Path) -> None:
    status, error, calls = _service(clone, tmp_path)
    assert status == 0, error
    given = dict(word.split("=", 1) for word in calls[-1][calls[-1].index("--parameter-overrides") + 1 :])
    assert set(given) == set(templates.load(EXAMPLE / "infrastructure" / "service.yaml")["Parameters"])
    assert given["TaskDefinition"].endswith("/books-development:1")
    assert given["TestRuleArn"] == "books-development/TestRuleArn"
    assert given["EcsHookRoleArn"] == "deploy-hooks/EcsHookRoleArn"
    definition = json.loads((clone.folder / "release" / "taskdef.json").read_text())
    assert definition["containerDefinitions"][0]["image"].endswith("/books@sha256:1234")
    assert "<" not in json.dumps(definition), "no placeholder is left"


def test_a_service_that_is_there_keeps_what_serves(clone: Checkout, tmp_path: Path) -> None:
    serving = "arn:aws:ecs:us-east-1:000000000000:task-definition/books-development:41"
    status, error, calls = _service(clone, tmp_path, SERVING=serving)
    assert status == 0, error
    assert f"TaskDefinition={serving}" in calls[-1]
    assert "register-task-definition" not in [call[1] for call in calls]


def test_a_missing_output_changes_nothing(clone: Checkout, tmp_path: Path) -> None:
    status, error, calls = _service(clone, tmp_path, SERVING="arn", MISSING="EcsHookRoleArn")
    assert status != 0 and "the stack deploy-hooks has no output EcsHookRoleArn" in error
    assert "deploy" not in [call[1] for call in calls]


def test_under_codedeploy_the_first_task_definition_stays(tmp_path: Path) -> None:
    """CloudFormation can't change one, so it is named once."""
    folder = PIPELINES / "ecs-codedeploy"
    clone = Checkout(folder, tmp_path, {})
    parameters = set(templates.load(folder / "infrastructure" / "service.yaml")["Parameters"])
    for there in (False, True):
        status, error, calls = _service(clone, tmp_path, **({"EXISTS": "1"} if there else {}))
        assert status == 0, error
        named = {word.split("=", 1)[0] for word in calls[-1][calls[-1].index("--parameter-overrides") + 1 :]}
        assert named == (parameters - {"TaskDefinition"} if there else parameters)


@pytest.mark.parametrize("folder", sorted(path.parent for path in PIPELINES.glob("*/buildspec.yaml")))
def test_the_builds_of_all_pipelines_are_one(folder: Path) -> None:
    """What is tried on one holds for the others."""
    for name in ("buildspec.yaml", "ci/version.sh", "ci/image.sh"):
        assert (folder / name).read_text() == (EXAMPLE / name).read_text(), name
