"""`deploy-hooks doctor` against an installation that gates deployments: in order, and spoiled in one way or another."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from follow import ENDED, Follower
from gates import Gates
from suites import GOOD, INVALID
from world import World, paths
from world.servers import environment
from world.shop import Release, Shop
from world.stack import SUITE_LOCATION, SUITES

NewRelease = Callable[..., Release]
Findings = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def examine(world: World) -> Callable[[], Findings]:
    """Runs it; its findings by their rules."""
    env = environment(world.url, world.home)

    def run() -> Findings:
        command = [str(paths.BINARIES / "deploy-hooks"), "doctor", "--json"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=90)
        assert done.stdout, done.stderr
        found: Findings = {}
        for each in json.loads(done.stdout)["findings"]:
            found.setdefault(each["rule"], []).append(each)
        outcomes = {each["outcome"] for of in found.values() for each in of}
        assert done.returncode == (1 if "problem" in outcomes else 2 if "unknown" in outcomes else 0)
        return found

    return run


def _problems(found: Findings, rule: str) -> list[str]:
    return [f"{each['place']} {each['what']}" for each in found[rule] if each["outcome"] == "problem"]


def _outcomes(found: Findings, *rules: str) -> dict[str, set[str]]:
    return {rule: {each["outcome"] for each in found[rule]} for rule in rules}


def test_an_installation_that_gates_deployments_is_in_order_and_each_thing_that_is_spoiled_is_found(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease, examine: Callable[[], Findings]
) -> None:
    deployment = lab.deploy(release(), gates.hooks("pre-traffic", "post-traffic"))
    assert follower.ended(deployment) in ENDED, follower.told()

    # What a gate does after its answer is over.
    for stage in ("pre-traffic", "post-traffic"):
        world.outcomes.wait(deployment, stage)

    found, changes = gates.changes_by(examine)
    assert not changes, "it only reads"
    sound = ("stack", "functions", "settings", "callers", "required-checks", "bake", "questions", "configurations")
    assert _outcomes(found, *sound) == {rule: {"held"} for rule in sound}, found
    assert not [text for text in _problems(found, "suites") if lab.name in text]

    place = SUITE_LOCATION.format(application=lab.name, deployment_group=lab.group)
    lab.put_suite(INVALID)
    assert any(place in text and "is wrong" in text for text in _problems(examine(), "suites"))
    world.aws.s3.delete_object(Bucket=SUITES, Key=place.split("/", 3)[3])
    assert any(place in text and "is not there" in text for text in _problems(examine(), "suites"))
    lab.put_suite(GOOD.replace("checks:\n", "checks:\n  - name: tries\n    severity: advisory\n    http: GET /\n", 1))
    assert _problems(examine(), "suites") == []
    lab.put_suite(GOOD.replace("name: home page\n", "name: home page\n    severity: advisory\n"))
    assert any(place in text for text in _problems(examine(), "required-checks"))
    lab.put_suite(GOOD + "secrets:\n  token: ssm:/lab/doctor/missing\n")
    assert any("/lab/doctor/missing" in text and "does not exist" in text for text in _problems(examine(), "secrets"))
    with _parameter(world, "/elsewhere/doctor"):
        lab.put_suite(GOOD + "secrets:\n  token: ssm:/elsewhere/doctor\n")
        [text] = _problems(examine(), "secrets")
        assert "may not be read by the gates: SsmParameterArns does not name" in text
    with _parameter(world, "/lab/doctor/there"):
        lab.put_suite(GOOD + "secrets:\n  token: ssm:/lab/doctor/there\n")
        assert _outcomes(examine(), "secrets") == {"secrets": {"held"}}
    lab.put_suite(GOOD)
    with gates.timeout(17):
        [one, other] = _problems(examine(), "settings")
        assert "has a time limit of 17 s" in one and "has a time limit of 17 s" in other


def test_what_can_not_be_read_is_unknown_and_names_the_right(world: World, examine: Callable[[], Findings]) -> None:
    with world.control.fault("lambda", "GetFunctionConfiguration", code="AccessDeniedException", status=403):
        found = examine()
    unknown = [each["why"] for each in found["functions"] if each["outcome"] == "unknown"]
    assert unknown and all("lambda:GetFunctionConfiguration" in why for why in unknown)


@contextmanager
def _parameter(world: World, name: str) -> Iterator[None]:
    world.aws.ssm.put_parameter(Name=name, Value="exemplary", Type="SecureString")
    yield
    world.aws.ssm.delete_parameter(Name=name)
