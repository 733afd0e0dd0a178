"""Example templates say what the functions understand."""

import json
import re

import yaml
from world import templates
from world.templates import ROOT, Json

PIPELINE = ROOT / "examples" / "pipelines" / "verdict-as-condition.yaml"


def _stages() -> Json:
    pipeline = templates.load(PIPELINE)["Resources"]["Pipeline"]["Properties"]
    return {stage["Name"]: stage for stage in pipeline["Stages"]}


def test_the_gate_of_the_pipeline_is_asked_what_it_understands_and_only_reports() -> None:
    [smoke] = [action for action in _stages()["Staging"]["Actions"] if action["Name"] == "Smoke"]
    asked = json.loads(re.sub(r"[$#]\{[^}]+\}", "x", smoke["Configuration"]["UserParameters"]["Sub"]))
    assert set(asked) == {"stage", "suite", "on_failed", "target"}
    assert (asked["stage"], asked["on_failed"]) == ("post-traffic", "continue")
    assert {"url", "application"} <= set(asked["target"])


def test_production_is_entered_by_a_variable_that_the_gate_gives() -> None:
    stages = _stages()
    [condition] = stages["Production"]["BeforeEntry"]["Conditions"]
    [rule] = condition["Rules"]
    assert condition["Result"] == "FAIL" and rule["RuleTypeId"]["Provider"] == "VariableCheck"
    checked = rule["Configuration"]
    namespace, variable = re.fullmatch(r"#\{(\w+)\.(\w+)\}", checked["Variable"]).groups()  # type: ignore[union-attr]
    assert namespace in {action.get("Namespace") for action in stages["Staging"]["Actions"]}
    documented = (ROOT / "docs" / "callers.md").read_text()
    assert f"`{variable}` (`true` or `false`" in documented
    assert (checked["Operator"], checked["Value"]) == ("EQ", "true")
    assert yaml.safe_dump(checked["Value"]).startswith("'true'"), "a text, as CodePipeline compares texts"


def test_the_guide_shows_the_right_that_the_role_of_the_pipeline_needs() -> None:
    guide = (ROOT / "docs" / "callers.md").read_text()
    [shown] = [
        json.loads(block) for block in re.findall(r"```json\n(.*?)```", guide, re.DOTALL) if "InvokeFunction" in block
    ]
    [right] = shown["Statement"]
    pipeline = templates.load(PIPELINE)
    gate = pipeline["Parameters"]["GateFunction"]["Default"]
    assert (right["Action"], right["Resource"].rpartition(":")[2]) == ("lambda:InvokeFunction", gate)
    role = pipeline["Resources"]["PipelineRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    [same] = [statement for statement in role if statement["Action"] == right["Action"]]
    assert same["Resource"]["Sub"].endswith(":function:${GateFunction}")


def test_the_gate_of_the_pipeline_runs_after_the_deployment_that_it_measures() -> None:
    order = {action["Name"]: action["RunOrder"] for action in _stages()["Staging"]["Actions"]}
    assert order["Deploy"] < order["Smoke"]
