"""The alarms and the dashboard: every metric that they name exists, and every function has its alarm."""

import json
import re
from typing import Any

import pytest
from conftest import EVERYTHING
from rendering import Rendered
from world.templates import ROOT, Json

SUITE = {"SuiteLocation": "file:/opt/suite.yaml"}
OF_LAMBDA = {"Errors", "Throttles", "Duration", "Invocations"}
# A gate and the scheduler use all but a reserve of their time; the others are done long before.
SHARES = {"PreTraffic": 99, "PostTraffic": 99, "EnvScheduler": 99}


def _functions(template: Json) -> list[str]:
    return [name for name, made in template["Resources"].items() if made["Type"] == "AWS::Serverless::Function"]


def _documented() -> dict[tuple[str, str], list[str]]:
    """The metrics of docs/metrics.md with their dimensions."""
    section = (ROOT / "docs/metrics.md").read_text().split("\n## Metrics\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in row.split("|")] for row in section.splitlines() if row.startswith("| `")]
    return {(row[1].strip("`"), row[2].strip("`")): re.findall(r"`(\w+)`", row[4]) for row in rows}


def _rendered(template: Json, monitoring: str, **given: str) -> Rendered:
    return Rendered(template, SUITE | given | {"Monitoring": monitoring})


def test_nothing_that_costs_is_made_unless_it_is_asked_for(template: Json) -> None:
    monitors = {f"{name}Alarm" for name in _functions(template)} | {"Dashboard"}
    assert monitors <= set(template["Resources"])

    def made(monitoring: str, **given: str) -> set[str]:
        rendered = _rendered(template, monitoring, **given)
        return {name for name in monitors if rendered.made(name)}

    assert made("off", **{**EVERYTHING, "Monitoring": "off"}) == set()
    assert made("alarms") == {"PreTrafficAlarm", "PostTrafficAlarm"}
    assert made("dashboard") == made("alarms") | {"Dashboard"}
    assert made("dashboard", **EVERYTHING) == monitors
    assert _rendered(template, "alarms").made("AlarmTopic"), "an alarm needs a topic"


def test_each_function_has_an_alarm_on_errors_throttles_and_its_own_time_limit(everything: Rendered) -> None:
    for name in _functions(everything.template):
        alarm = everything.resource(f"{name}Alarm")
        [expression, *metrics] = alarm["Metrics"]
        assert [each["MetricStat"]["Metric"]["MetricName"] for each in metrics] == ["Errors", "Throttles", "Duration"]
        for each in metrics:
            assert each["MetricStat"]["Metric"]["Namespace"] == "AWS/Lambda"
            assert each["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "FunctionName", "Value": name}]
            assert each["ReturnData"] is False and f"FILL({each['Id']}, 0)" in expression["Expression"]
        timeout = int(everything.resource(name)["Timeout"])
        assert f"/ ({timeout} * 10) > {SHARES.get(name, 90)}" in expression["Expression"], name
        assert alarm["AlarmActions"] == [everything.arn("AlarmTopic")]
        assert alarm["TreatMissingData"] == "notBreaching"
        assert name in alarm["AlarmDescription"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"ApprovalsConfig": "s3://b/c.yaml", "FunctionNameSuffix": "-x"},
        {"Environments": "on", "EnvironmentsClusters": "dev-*"},
        EVERYTHING,
    ],
    ids=["gates", "approvals", "environments", "everything"],
)
def test_the_dashboard_shows_metrics_that_exist(template: Json, given: dict[str, str]) -> None:
    rendered = _rendered(template, "dashboard", **given)
    body = rendered.resource("Dashboard")["DashboardBody"]
    widgets = json.loads(body)["widgets"]
    names = {
        str(rendered.value(rendered.resource(name)["FunctionName"]))
        for name in _functions(template)
        if rendered.made(name)
    }
    places = [(each["x"], each["y"]) for each in widgets]
    assert len(places) == len(set(places)), "two widgets in one place"
    shown: set[tuple[str, str]] = set()
    for each in widgets:
        for metric in each["properties"]["metrics"]:
            shown |= _shown(metric, names)
    own = {metric for metric in shown if metric[0] != "AWS/Lambda"}
    assert own <= set(_documented())
    if given is EVERYTHING:
        left_out = {metric for _, metric in set(_documented()) - own}
        assert left_out == {"Continued"}


def _shown(metric: list[Any], names: set[str]) -> set[tuple[str, str]]:
    """What one line of a widget shows, once it is sure that it names what is there."""
    documented = _documented()
    if isinstance(metric[0], dict):
        found = set()
        searches = re.findall(
            r"SEARCH\('\{([^}]+)\} MetricName=\"(\w+)\" FunctionName=\(([^)]+)\)'", metric[0]["expression"]
        )
        for schema, name, functions in searches:
            namespace, *dimensions = schema.split(",")
            assert documented[namespace, name] == dimensions, (namespace, name)
            assert set(re.findall(r'"([^"]+)"', functions)) <= names
            found.add((namespace, name))
        return found
    namespace, name, *pairs = [each for each in metric if not isinstance(each, dict)]
    dimensions = dict(zip(pairs[::2], pairs[1::2], strict=True))
    assert dimensions["FunctionName"] in names
    if namespace == "AWS/Lambda":
        assert name in OF_LAMBDA and set(dimensions) == {"FunctionName"}
    else:
        assert documented[namespace, name] == list(dimensions), (namespace, name)
    return {(namespace, name)}


def test_alarms_of_our_own_metrics_name_ones_that_exist(template: Json) -> None:
    found = 0
    for name, made in template["Resources"].items():
        given = made["Properties"]
        if made["Type"] == "AWS::CloudWatch::Alarm" and given.get("Namespace", "").startswith("DeployHooks/"):
            dimensions = [each["Name"] for each in given["Dimensions"]]
            assert _documented()[given["Namespace"], given["MetricName"]] == dimensions, name
            found += 1
    assert found


def test_logs_are_encrypted_with_a_key_of_ones_own_where_one_is_named(template: Json) -> None:
    key = "arn:aws:kms:eu-central-1:111122223333:key/5678"
    groups = [name for name, made in template["Resources"].items() if made["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) == len(_functions(template))
    for name in groups:
        assert Rendered(template, EVERYTHING | {"LogsKmsKeyArn": key}).resource(name)["KmsKeyId"] == key
        assert "KmsKeyId" not in Rendered(template, EVERYTHING | {"LogsKmsKeyArn": ""}).resource(name)
