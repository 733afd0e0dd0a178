"""What template.yaml must say of approvals, and no emulator would notice if it didn't."""

import re
from typing import Any

import pytest
import yaml
from world.paths import ROOT

Json = dict[str, Any]
# Made without ApprovalsConfig, too.
GATES = {
    *("PreTraffic", "PostTraffic", "PreTrafficLogs", "PostTrafficLogs", "PreTrafficRole", "PostTrafficRole"),
    *("GatePolicy", "ReportBucket", "ReportBucketPolicy", "OutcomeTopic", "OutcomeEmailSubscription"),
}
CONDITIONS = {"WithApprovals", "AlarmsByEmail", "HearsTopic", "HearsSecondTopic", "HearsThirdTopic"}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref x` is `{"Ref": "x"}`."""


def _function(loader: _Loader, name: str, node: yaml.Node) -> Json:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _function)


@pytest.fixture(scope="module")
def template() -> Json:
    return dict(yaml.load((ROOT / "template.yaml").read_text(), _Loader))  # noqa: S506


@pytest.fixture(scope="module")
def resources(template: Json) -> Json:
    return dict(template["Resources"])


def _statements(resources: Json, *names: str) -> list[Json]:
    """The statements of roles and policies."""
    found: list[Json] = []
    for name in names:
        properties = resources[name]["Properties"]
        policies = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        policies += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
        for policy in policies:
            found += [s["If"][1] if "If" in s else s for s in policy["Statement"]]
    return found


def _actions(statement: Json) -> list[str]:
    actions = statement["Action"]
    return list(actions) if isinstance(actions, list) else [actions]


APPROVAL_ROLES = ("ApprovalPolicy", "ApprovalNotifierRole", "ApprovalDecisionRole")


def test_without_a_configuration_nothing_of_approvals_is_made(resources: Json) -> None:
    conditions = {name: made.get("Condition") for name, made in resources.items() if name not in GATES}
    assert set(conditions.values()) == CONDITIONS, conditions


def test_the_state_table_is_kept_encrypted_and_forgets_in_time(resources: Json) -> None:
    table = resources["StateTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_no_function_may_delete_from_the_table(resources: Json) -> None:
    allowed = {a for s in _statements(resources, *APPROVAL_ROLES) for a in _actions(s) if a.startswith("dynamodb:")}
    assert allowed == {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"}


def test_only_the_decision_may_answer_and_only_for_the_pipelines_named(resources: Json) -> None:
    answering = "codepipeline:PutApprovalResult"
    [statement] = [s for s in _statements(resources, "ApprovalDecisionRole") if answering in _actions(s)]
    assert _actions(statement) == [answering]
    assert statement["Resource"]["Sub"].endswith(":${PipelinePattern}/*/*")
    others = _statements(resources, "ApprovalPolicy", "ApprovalNotifierRole", "GatePolicy")
    assert not [s for s in others if any("Put" in a for a in _actions(s) if a.startswith("codepipeline:"))]


def test_no_permission_is_wider_than_a_kind_of_resource(resources: Json) -> None:
    for statement in _statements(resources, *APPROVAL_ROLES, "ReminderRole"):
        assert statement["Resource"] != "*", statement
        assert not [action for action in _actions(statement) if "*" in action], statement


def test_one_function_has_an_address_and_it_has_no_secret_in_its_environment(resources: Json) -> None:
    public = [name for name, made in resources.items() if "FunctionUrlConfig" in made["Properties"]]
    assert public == ["ApprovalDecision"]
    variables = resources["ApprovalDecision"]["Properties"]["Environment"]["Variables"]
    assert variables["SLACK_SECRET"] == {"Ref": "SlackSigningSecret"}
    assert variables["KEYS_SECRET_ARN"] == {"Ref": "KeysSecret"}


def test_the_signing_secrets_setting_holds_a_place_and_never_a_secret(template: Json) -> None:
    parameter = template["Parameters"]["SlackSigningSecret"]
    pattern = re.compile(parameter["AllowedPattern"])
    for place in ("", "secretsmanager:deploy-hooks/slack", "secretsmanager:a#signing_secret", "ssm:/a/b"):
        assert pattern.fullmatch(place), place
    for secret in ("8f742231b10e8888abcd99yyyzzz85a5", "env:SECRET", "https://example.com"):
        assert not pattern.fullmatch(secret), secret


@pytest.mark.parametrize("name", ["ApprovalNotifier", "ApprovalDecision"])
def test_what_fails_for_good_waits_in_the_queue(resources: Json, name: str) -> None:
    config = resources[name]["Properties"]["EventInvokeConfig"]
    assert config["DestinationConfig"]["OnFailure"] == {
        "Type": "SQS",
        "Destination": {"GetAtt": "UndeliveredQueue.Arn"},
    }
    queue = resources["UndeliveredQueue"]["Properties"]
    assert (queue["SqsManagedSseEnabled"], queue["MessageRetentionPeriod"]) == (True, 1209600)
    alarm = resources["UndeliveredAlarm"]["Properties"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"GetAtt": "UndeliveredQueue.QueueName"}}]
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
