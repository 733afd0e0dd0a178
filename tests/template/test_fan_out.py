"""The state machine that sends one worker to each account and region: run in MiniStack, and checked by cfn-lint.

MiniStack runs a distributed map as AWS does, but for its limits (256 KiB of state, concurrency) and rights.
"""

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fan_out import FanOut
from world import paths
from world.templates import Json

GOOD = {"account": "111111111111", "region": "eu-west-1", "role_arn": "arn:aws:iam::111111111111:role/environments"}
FAILING = {"account": "222222222222", "region": "eu-west-1"}
SLOW = {"account": "333333333333", "region": "us-east-1"}
ENDLESS = {"account": "444444444444", "region": "us-east-1"}


@pytest.fixture(scope="module")
def definition(resources: Json) -> Json:
    return dict(resources["EnvFanOut"]["Properties"]["Definition"])


@pytest.fixture(scope="module")
def fan_out(definition: Json, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FanOut]:
    made = FanOut(tmp_path_factory.mktemp("fan-out"), definition)
    yield made
    made.stop()


def test_each_target_gets_a_worker_with_the_event(fan_out: FanOut) -> None:
    run = {"action": "down", "at": "2026-11-23T22:00:00Z", "cause": "all"}
    ended = fan_out.run(run | {"targets": json.dumps([GOOD, SLOW])})
    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    assert (output["targets"], output["failed"]) == (2, [])
    assert (output["stopped"], output["woken"], output["failed_services"]) == (4, 2, 0)
    first, second, third = ({"loop": True, "continuation": continuation} for continuation in range(3))
    slow = [SLOW | run | first, SLOW | run | second | {"at": "later"}, SLOW | run | third | {"at": "later"}]
    assert fan_out.events("all") == [GOOD | run | first, *slow]
    assert fan_out.told() == []


def test_one_failure_stops_nobody_and_is_told_in_the_evening(fan_out: FanOut) -> None:
    ended = fan_out.run({"action": "down", "cause": "fails", "targets": json.dumps([FAILING, GOOD, SLOW])})
    assert (ended["status"], ended["error"]) == ("FAILED", "EnvironmentsNotReached")
    assert ended["cause"].startswith("1 of 3 accounts and regions could not be looked after")
    assert "222222222222 eu-west-1: CrossAccount: " in ended["cause"]
    assert "the role can't be taken" in ended["cause"]
    assert "111111111111" not in ended["cause"]
    assert len(ended["cause"]) < 800, "a long error is cut"
    accounts = [event["account"][0] for event in fan_out.events("fails")]
    assert accounts == ["1", "2", "2", "3", "3", "3"], "the failed one is tried again, once"
    assert fan_out.told() == [ended["cause"]]


def test_a_tick_that_fails_tells_nobody_but_the_alarm(fan_out: FanOut) -> None:
    ended = fan_out.run({"action": "tick", "targets": json.dumps([FAILING])})
    assert (ended["status"], ended["error"]) == ("FAILED", "EnvironmentsNotReached")
    assert fan_out.told() == []


def test_a_worker_that_never_ends_is_left_to_the_next_tick(fan_out: FanOut) -> None:
    ended = fan_out.run({"action": "tick", "cause": "endless", "targets": [ENDLESS, GOOD]})
    assert ended["status"] == "FAILED"
    assert "444444444444 us-east-1: there was more to do after 50 runs" in ended["cause"]
    assert [e["continuation"] for e in fan_out.events("endless") if e["account"][0] == "4"] == list(range(51))


def test_the_list_may_lie_in_a_bucket(fan_out: FanOut) -> None:
    place = fan_out.store(json.dumps([GOOD, {"region": "eu-central-1"}]))
    ended = fan_out.run({"action": "up", "cause": "bucket", "dry_run": True, "targets": place})
    assert ended["status"] == "SUCCEEDED", ended
    first = {"action": "up", "cause": "bucket", "dry_run": True, "loop": True, "continuation": 0}
    assert fan_out.events("bucket") == [{"region": "eu-central-1"} | first, GOOD | first]


def test_a_list_that_is_not_there_is_an_error(fan_out: FanOut) -> None:
    ended = fan_out.run({"action": "up", "targets": "s3://targets/none.json"})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ItemReaderFailed")


@pytest.mark.parametrize("given", [{}, {"targets": []}, {"targets": "[]"}])
def test_no_targets_is_no_success(fan_out: FanOut, given: Json) -> None:
    ended = fan_out.run({"action": "up"} | given)
    assert (ended["status"], ended["error"]) == ("FAILED", "NoTargets")
    assert "EnvironmentsFanOut" in ended["cause"]


def _lint(definition: Json, folder: Path) -> str:
    """What cfn-lint says of the definition by itself; behind SAM it doesn't look at it."""
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": "arn:aws:iam::111122223333:role/any",
            "Definition": json.loads(json.dumps(definition).replace("${Partition}", "aws")),
            "DefinitionSubstitutions": {"Function": "function", "Topic": "topic"},
        },
    }
    path = folder / "template.json"
    path.write_text(json.dumps({"Resources": {"Machine": machine}}))
    done = subprocess.run([paths.TOOLS / "cfn-lint", path], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_definition_is_good_states_language(definition: Json, tmp_path: Path) -> None:
    assert _lint(definition, tmp_path) == ""
    # And cfn-lint would say if it were not.
    broken = copy.deepcopy(definition)
    broken["States"]["Workers"]["Type"] = "Mapp"
    assert "Mapp" in _lint(broken, tmp_path)


def test_every_state_can_be_reached_and_leads_to_a_state(definition: Json) -> None:
    worker = definition["States"]["Workers"]["ItemProcessor"]
    assert worker["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    for machine in (definition, worker):
        states = machine["States"]
        led = {machine["StartAt"]}
        for state in states.values():
            ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
            led |= {way[key] for way in ways for key in ("Next", "Default") if key in way}
        assert led == set(states)
