"""What the functions write: lines with the keys that Powertools users query, and never a secret."""

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote

from follow import Follower
from gates import PRE, Gates
from suites import INDISCREET
from world import World
from world.outcomes import wait_for
from world.shop import Release, Shop

NewRelease = Callable[..., Release]
# What Lambda itself writes into a function's log.
PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")
VALUE = 'pw-7/Zq+9&x"Lm=Ÿ-k'


def test_each_line_is_json_with_the_keys_of_powertools(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    deployment = lab.deploy(release(), gates.hooks("pre-traffic", "post-traffic"))
    assert follower.ended(deployment) == "Succeeded", follower.told()
    for stage, function in gates.functions.items():
        world.outcomes.wait(deployment, stage)
        lines = wait_for(f"the log of {stage}", lambda stage=stage: gates.log(stage, deployment))
        assert {"the gate has decided", "the answer was given"} <= {line["message"] for line in lines}
        for line in lines:
            assert line["correlation_id"] == deployment
            assert (line["service"], line["function_name"]) == ("deploy-hooks", function)
            assert isinstance(line["cold_start"], bool), line
            assert line["level"] in {"INFO", "WARN", "ERROR"}
            missing = {"timestamp", "location", "function_request_id", "function_arn", "function_memory_size"} - set(
                line
            )
            assert not missing, f"{missing} missing in {line}"
        assert len({line["function_request_id"] for line in lines}) == 1
        others = [line for line in gates.raw_log(stage) if line.strip() and not line.startswith(PLATFORM)]
        assert [line for line in others if not line.startswith("{")] == [], "a line that is no JSON"


def test_a_decision_is_measured_once_with_the_ids_of_its_release(
    lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
    assert follower.ended(deployment) == "Succeeded", follower.told()
    lines = wait_for("the metrics", lambda: gates.metrics("pre-traffic", deployment))
    values: dict[str, list[object]] = {}
    for line in lines:
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "DeployHooks/Gates"
        assert line["deployment_id"] == deployment
        [dimensions] = directive["Dimensions"]
        assert dimensions[0] == "FunctionName" and line["FunctionName"] == gates.functions["pre-traffic"]
        for metric in directive["Metrics"]:
            said = {name: line[name] for name in dimensions[1:]}
            values.setdefault(metric["Name"], []).append((line[metric["Name"]], said))
    passed = {"Stage": "pre-traffic", "Verdict": "passed", "Reason": "checks-passed"}
    assert values["Verdicts"] == [(1, passed)]
    assert values["Stopped"] == [(0, {"Stage": "pre-traffic"})]
    assert values["Answers"] == [(1, {"Caller": "CodeDeploy", "Answer": "Succeeded"})]
    assert values["CheckLatency"] and values["RunTime"]


def test_only_the_first_invocation_is_a_cold_start(gates: Gates) -> None:
    with gates.timeout(9):
        for number, cold in [(1, True), (2, False)]:
            deployment = f"d-COLD0000{number}"
            gates.invoke("pre-traffic", {"DeploymentId": deployment, "LifecycleEventHookExecutionId": "x"})
            seen = {line["cold_start"] for line in gates.log("pre-traffic", deployment)}
            assert seen == {cold}, f"invocation {number} after a change of the function"


def test_a_secret_is_told_nowhere(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: NewRelease
) -> None:
    world.aws.ssm.put_parameter(Name="/lab/key", Value=VALUE, Type="SecureString", Overwrite=True)
    # A path is sent as it is written, so what stands in one must be encoded.
    encoded = quote(VALUE, safe="")
    world.aws.ssm.put_parameter(Name="/lab/encoded-key", Value=encoded, Type="SecureString", Overwrite=True)
    lab.put_suite(INDISCREET)
    deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
    assert follower.ended(deployment) == "Failed", follower.told()
    assert follower.answers(deployment) == [(PRE, "Failed")]
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    report = json.loads(world.outcomes.report(outcome))
    assert [check["measurement"] for check in report["checks"]] == ["failed"] * 7, outcome.text
    assert "***" in outcome.text, "nothing was masked, so there was no secret to tell:\n" + outcome.text
    served = [unquote(request["path"]) for request in lab.access_log()]
    assert f"/{VALUE}" in served, "the shop did not get the secret, so the test shows nothing"

    wait_for("the log", lambda: gates.log("pre-traffic", deployment))
    told = {
        "the log": "\n".join(gates.raw_log("pre-traffic")),
        "the message": "\n".join([outcome.subject, outcome.text, json.dumps(outcome.attributes)]),
        "the report (JSON)": world.outcomes.report(outcome, "json").decode(),
        "the report (HTML)": world.outcomes.report(outcome, "html").decode(),
        "the calls": json.dumps(world.control.calls()),
        "the timeline": follower.told(),
    }
    found = [f"{place} has it {form}" for place, text in told.items() for form, s in _forms().items() if s in text]
    assert not found, found


def _forms() -> dict[str, str]:
    """The value as it may be written."""
    return {
        "as it is": VALUE,
        "in JSON": json.dumps(VALUE)[1:-1],
        "in JSON within JSON": json.dumps(json.dumps(VALUE))[3:-3],
        "in HTML": html.escape(VALUE),
        "in an address": quote(VALUE, safe=""),
        "in a path": quote(VALUE),
        "in a form": quote_plus(VALUE),
        "in base64": base64.b64encode(VALUE.encode()).decode(),
        "in part": VALUE[:9],
    }
