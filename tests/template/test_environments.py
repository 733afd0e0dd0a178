"""What template.yaml must say of environments that sleep: off by default, dry at first, and with few rights."""

import json
import re
from typing import Any

import pytest
from rendering import Rendered
from world import templates
from world.templates import TARGET_ROLE, Json, actions, policies, statements

CHANGING = ("EnvironmentsServicesPolicy", "EnvironmentsDatabasesPolicy", "EnvironmentsGroupsPolicy")
ROLES = ("EnvSchedulerRole", "EnvironmentsPolicy", *CHANGING, "EnvironmentsScheduleRole", "EnvFanOutRole")
# IAM knows no resource for these.
WITHOUT_RESOURCE = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScheduledActions",
    "autoscaling:DescribeAutoScalingGroups",
    "ecs:DescribeTaskDefinition",
    "ecs:ListClusters",
    "ecs:ListServices",
}
# All that can be done to environments.
CHANGES = {
    *("ecs:UpdateService", "ecs:TagResource", "ecs:UntagResource", "application-autoscaling:RegisterScalableTarget"),
    *("rds:StartDBCluster", "rds:StartDBInstance", "rds:StopDBCluster", "rds:StopDBInstance"),
    *("rds:AddTagsToResource", "rds:RemoveTagsFromResource", "autoscaling:UpdateAutoScalingGroup"),
    *("autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"),
}
TAGGING = re.compile(r":(Tag|Untag|AddTags|RemoveTags|CreateOrUpdateTags|DeleteTags)")
READS = re.compile(r":(Describe|Get|List)")
ROLE = "arn:aws:iam::111122223333:role/r"


def _allowed(resources: Json, *names: str) -> set[str]:
    allowing = [each for each in statements(resources, *names) if each["Effect"] == "Allow"]
    return {action for statement in allowing for action in actions(statement)}


def _parameter(template: Json, name: str) -> Json:
    return dict(template["Parameters"][f"Environments{name}"])


def test_they_are_off_by_default_and_dry_at_first(template: Json) -> None:
    assert _parameter(template, "")["Default"] == "off"
    assert _parameter(template, "DryRun")["Default"] == "true"
    assert _parameter(template, "Links")["Default"] == "false"
    for name in ("Config", "FanOut", "TargetRoles", "ExternalId", "Clusters", "Databases", "Groups"):
        assert _parameter(template, name)["Default"] == "", name
    assert template["Conditions"]["WithEnvironments"] == {"Equals": [{"Ref": "Environments"}, "on"]}


def test_every_parameter_is_labelled_grouped_and_explained(template: Json) -> None:
    names = [name for name in template["Parameters"] if name.startswith("Environments")]
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"])
    for name in names:
        parameter = template["Parameters"][name]
        assert interface["ParameterLabels"][name]["default"], name
        assert parameter["Description"].endswith("."), name
        assert {"AllowedValues", "AllowedPattern", "MaxValue"} & set(parameter), name


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("Zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"], ["", "Europe/", "a b"]),
        ("Tag", ["deploy-hooks:schedule", "Schedule"], ["", "aws:x", "AWS:x", "a,b", "(x)", "x" * 129]),
        ("Windows", ["Mon-Fri 09:00-22:00", "always", "Sat 10:00-12:00 + office"], ["", "a,b", "(x)", "x" * 257]),
        ("Down", ["cron(0 22 ? * MON-FRI *)"], ["", "22:00", "rate(1 day)", "cron(0 22"]),
        ("Up", ["cron(30 8 ? * 2-6 *)"], ["", "cron()"]),
        ("Tick", ["rate(5 minutes)", "rate(1 hour)", "cron(0/5 * * * ? *)"], ["", "rate(5)", "5 minutes"]),
        (
            "Clusters",
            ["", "dev-*", "dev?", "dev-*,staging", "*-dev"],
            ["*", "dev-*,*", "-", "a/b", "arn:aws:ecs", "a,"],
        ),
        ("Databases", ["", "dev-*", "dev-*,shop-dev"], ["*", "?*", "dev-*,**", "Dev", "a b", "a" + ",a" * 12]),
        ("Groups", ["", "dev-*", "Dev.web_1"], ["*", "*-*", "a,*", "a/b", "a" + ",a" * 12]),
        ("SlackSigningSecret", ["", "secretsmanager:a#b", "ssm:/a"], ["8f742231b10e8888abcd99yyyzzz85a5"]),
        (
            "Config",
            ["", "s3://bucket/a/b.yaml", "ssm:/a/b", "file:/opt/e.yaml"],
            ["https://a/b", "s3://bucket", "ssm:"],
        ),
        (
            "FanOut",
            ["", "s3://bucket/targets.json", '[{"account":"111122223333","region":"eu-west-1"}, {"region":"a"}]'],
            ["[]", "111122223333", '[{"a":"\\\\"}]', "{}", "http://a/b"],
        ),
        ("TargetRoles", ["", ROLE, f"{ROLE},{ROLE}", "arn:aws:iam::*:role/r"], [f"{ROLE}, {ROLE}", "*", "role/r"]),
        ("ExternalId", ["", "our-own:1"], ["x", "a b"]),
    ],
)
def test_a_parameter_takes_what_is_right_only(template: Json, name: str, right: list[str], wrong: list[str]) -> None:
    pattern = re.compile(_parameter(template, name)["AllowedPattern"])
    assert [value for value in right if not pattern.search(value)] == []
    assert [value for value in wrong if pattern.search(value)] == []


def test_defaults_keep_to_their_own_patterns(template: Json) -> None:
    for name, parameter in template["Parameters"].items():
        if "Default" in parameter and "AllowedPattern" in parameter:
            assert re.search(parameter["AllowedPattern"], parameter["Default"]), name


def test_the_function_gets_its_settings_and_no_secret(resources: Json) -> None:
    function = resources["EnvScheduler"]
    assert function["Condition"] == "WithEnvironments"
    properties = function["Properties"]
    assert properties["Timeout"] == 900
    # Lambda stops a function that starts itself without end.
    assert "RecursiveLoop" not in properties
    variables = properties["Environment"]["Variables"]
    assert variables["ENVIRONMENTS_DRY_RUN"] == {"Ref": "EnvironmentsDryRun"}
    assert variables["STATE_TABLE"] == {"Ref": "EnvironmentsTable"}
    assert variables["KEYS_SECRET_ARN"] == {"Ref": "EnvironmentsKeys"}
    assert variables["SLACK_SECRET"] == {"Ref": "EnvironmentsSlackSigningSecret"}
    assert not [name for name, value in variables.items() if not isinstance(value, dict)]


@pytest.mark.parametrize("owner", ["EnvScheduler", "EnvFanOut"])
@pytest.mark.parametrize("action", ["down", "up", "tick"])
def test_a_schedule_has_zone_retries_and_a_queue(resources: Json, owner: str, action: str) -> None:
    event = resources[owner]["Properties"]["Events"][action.capitalize()]
    assert event["Type"] == "ScheduleV2"
    schedule = event["Properties"]
    assert schedule["ScheduleExpression"] == {"Ref": f"Environments{action.capitalize()}"}
    assert schedule["ScheduleExpressionTimezone"] == {"Ref": "EnvironmentsZone"}
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["RetryPolicy"]["MaximumRetryAttempts"] >= 5
    assert schedule["DeadLetterConfig"] == {"Arn": {"GetAtt": "EnvironmentsQueue.Arn"}}
    assert schedule["RoleArn"] == {"GetAtt": "EnvironmentsScheduleRole.Arn"}
    # With a suffix, so that two stacks don't quarrel about it.
    assert schedule["Name"]["Sub"].endswith("${FunctionNameSuffix}-" + action)


def test_the_schedules_say_what_they_are_for_and_when_they_were_due(resources: Json) -> None:
    for action in ("down", "up", "tick"):
        text = resources["EnvScheduler"]["Properties"]["Events"][action.capitalize()]["Properties"]["Input"]
        assert json.loads(text) == {"action": action, "at": "<aws.scheduler.scheduled-time>"}


def test_one_of_the_two_sets_of_schedules_is_at_work(resources: Json) -> None:
    for event in resources["EnvScheduler"]["Properties"]["Events"].values():
        assert event["Properties"]["State"] == {"If": ["EnvironmentsFannedOut", "DISABLED", "ENABLED"]}
    fan_out = resources["EnvFanOut"]
    assert fan_out["Condition"] == "EnvironmentsFannedOut"
    assert not [e for e in fan_out["Properties"]["Events"].values() if "State" in e["Properties"]]


@pytest.mark.parametrize("action", ["down", "up", "tick"])
@pytest.mark.parametrize("targets", ["s3://bucket/key", '[{"account":"1","region":"r"},{"account":"2"}]'])
def test_the_targets_are_put_into_the_input_as_text(resources: Json, action: str, targets: str) -> None:
    text = _resolved(
        resources["EnvFanOut"]["Properties"]["Events"][action.capitalize()]["Properties"]["Input"], targets
    )
    assert json.loads(text) == {"action": action, "at": "<aws.scheduler.scheduled-time>", "targets": targets}


def _resolved(value: Any, fan_out: str) -> str:
    """What CloudFormation makes of an input."""
    match value:
        case {"Ref": "EnvironmentsFanOut"}:
            return fan_out
        case {"Join": [str(separator), {"Split": [str(at), inner]}]}:
            return separator.join(_resolved(inner, fan_out).split(at))
        case {"Sub": [str(text), dict(variables)]}:
            for name, inner in variables.items():
                text = text.replace("${" + name + "}", _resolved(inner, fan_out))
            return text
    raise AssertionError(value)


def test_what_fails_for_good_waits_in_an_encrypted_queue_and_raises_an_alarm(resources: Json) -> None:
    config = resources["EnvScheduler"]["Properties"]["EventInvokeConfig"]
    queue_arn = {"GetAtt": "EnvironmentsQueue.Arn"}
    assert config["DestinationConfig"]["OnFailure"] == {"Type": "SQS", "Destination": queue_arn}
    queue = resources["EnvironmentsQueue"]["Properties"]
    assert (queue["SqsManagedSseEnabled"], queue["MessageRetentionPeriod"]) == (True, 1209600)
    alarm = resources["EnvironmentsQueueAlarm"]["Properties"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"GetAtt": "EnvironmentsQueue.QueueName"}}]
    for name in ("EnvironmentsQueueAlarm", "EnvironmentsFailedAlarm", "EnvFanOutAlarm"):
        properties = resources[name]["Properties"]
        assert properties["AlarmActions"] == [{"Ref": "AlarmTopic"}], name
        assert (properties["Threshold"], properties["ComparisonOperator"]) == (0, "GreaterThanThreshold"), name
        assert properties["TreatMissingData"] == "notBreaching", name


def test_the_alarm_on_failures_reads_the_metric_that_the_function_writes(resources: Json) -> None:
    # A snapshot of that line is in its tests.
    source = (templates.ROOT / "crates/env-scheduler/src/metrics.rs").read_text()
    alarm = resources["EnvironmentsFailedAlarm"]["Properties"]
    [dimension] = alarm["Dimensions"]
    written = f'{{"Namespace":"{alarm["Namespace"]}","Dimensions":[["{dimension["Name"]}"]],"Metrics":['
    assert written in source
    assert f'{{"Name":"{alarm["MetricName"]}","Unit":"Count"}}' in source.split(written)[1].split("]")[0]
    assert dimension["Value"] == {"Ref": "EnvScheduler"}


def test_topics_and_queues_are_encrypted(resources: Json) -> None:
    topic = resources["EnvironmentsTopic"]["Properties"]
    assert topic["KmsMasterKeyId"] == {"If": ["HasKey", {"Ref": "KmsKeyArn"}, "alias/aws/sns"]}
    [deny] = resources["EnvironmentsQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert deny["Effect"] == "Deny"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": False}}


def test_an_address_is_made_only_where_links_are_wanted(template: Json, resources: Json) -> None:
    assert "FunctionUrlConfig" not in resources["EnvScheduler"]["Properties"]
    public = {name for name, made in resources.items() if made.get("Condition") == "EnvironmentsLinked"}
    assert public == {"EnvSchedulerUrl", "EnvSchedulerUrlPermission", "EnvSchedulerUrlInvokePermission"}
    assert template["Conditions"]["EnvironmentsLinked"]["And"][0] == {"Condition": "WithEnvironments"}
    assert resources["EnvSchedulerUrlInvokePermission"]["Properties"]["InvokedViaFunctionUrl"] is True
    assert template["Outputs"]["EnvironmentsUrl"]["Condition"] == "EnvironmentsLinked"


def test_all_of_it_is_conditional(resources: Json) -> None:
    ours = {name: made for name, made in resources.items() if name.startswith(("Env", "Environments"))}
    assert len(ours) > 15
    switches = ("With", "Env", "Names")
    assert [name for name, made in ours.items() if not str(made.get("Condition", "")).startswith(switches)] == []


def test_no_permission_is_wider_than_a_kind_of_resource(resources: Json) -> None:
    for statement in statements(resources, *ROLES):
        assert not [action for action in actions(statement) if "*" in action], statement
        if statement["Resource"] == "*" and statement["Effect"] == "Allow":
            assert set(actions(statement)) <= WITHOUT_RESOURCE, statement


def test_nothing_more_can_be_done_to_environments_than_sleeping_and_waking_them(resources: Json) -> None:
    allowed = _allowed(resources, "EnvironmentsPolicy", *CHANGING)
    assert {action for action in allowed if not READS.search(action)} == CHANGES
    everything = _allowed(resources, *ROLES)
    assert not [action for action in everything if action.startswith("iam:")]
    assert "dynamodb:DeleteItem" not in everything
    assert not {action for action in _allowed(resources, "EnvironmentsPolicy") if not READS.search(action)}


def test_only_the_mirror_can_be_tagged(resources: Json) -> None:
    allowing = [each for each in statements(resources, *CHANGING) if each["Effect"] == "Allow"]
    tagging = [each for each in allowing if any(TAGGING.search(action) for action in actions(each))]
    assert len(tagging) == 3
    mirror = (templates.ROOT / "crates/environments/src/backup_tag.rs").read_text()
    for statement in tagging:
        [key] = statement["Condition"]["ForAllValues:StringEquals"]["aws:TagKeys"]
        assert f'TAG: &str = "{key}"' in mirror


def test_roles_of_other_accounts_are_taken_only_where_named(resources: Json) -> None:
    [document] = policies(resources["EnvSchedulerRole"])
    [taking] = [s["If"] for s in document["Statement"] if "If" in s and actions(s["If"][1]) == ["sts:AssumeRole"]]
    assert taking[0] == "EnvironmentsElsewhere"
    assert taking[1]["Resource"] == {"Split": [",", {"Ref": "EnvironmentsTargetRoles"}]}


def test_services_take_their_roles_for_this_account_only(resources: Json) -> None:
    for name in ("EnvironmentsScheduleRole", "EnvFanOutRole"):
        [trust] = resources[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}, name


def test_the_role_of_other_accounts_allows_the_same(resources: Json) -> None:
    theirs = templates.load(TARGET_ROLE)["Resources"]
    for name in ("EnvironmentsPolicy", *CHANGING):
        text = json.dumps(policies(resources[name]))
        for parameter in ("Clusters", "Databases", "Groups"):
            text = text.replace(f'"Environments{parameter}"', f'"{parameter}"')
        assert policies(theirs[name]) == json.loads(text), name
    named = json.dumps(theirs["Role"]["Properties"]["ManagedPolicyArns"])
    assert all(name in named for name in CHANGING)


def test_the_role_of_other_accounts_is_lent_to_one_role_that_knows_the_external_id() -> None:
    template = templates.load(TARGET_ROLE)
    [trust] = template["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": {"Ref": "SchedulerRoleArn"}},
        "StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}},
    }
    assert "Default" not in template["Parameters"]["ExternalId"]


def test_a_role_of_another_account_that_could_change_nothing_is_refused() -> None:
    template = templates.load(TARGET_ROLE)
    known = {"SchedulerRoleArn": "arn:aws:iam::111122223333:role/scheduler", "ExternalId": "of-our-choice"}
    [told] = Rendered(template, known).broken_rules()
    assert told.startswith("The role could change nothing; name clusters in Clusters (such as dev-*)")
    for parameter in ("Clusters", "Databases", "Groups"):
        assert Rendered(template, known | {parameter: "dev-*"}).broken_rules() == []
