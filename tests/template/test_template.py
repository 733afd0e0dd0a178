"""What template.yaml must say of approvals, and of what they share with environments."""

import json
import re
from typing import Any

import pytest
from cfnlint.helpers import REGIONS
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as SCHEMAS
from conftest import EVERYTHING
from iam import Request, allows
from rendering import Rendered
from world.templates import ROOT, Json
from world.templates import actions as _actions
from world.templates import statements as _statements

# Made without ApprovalsConfig, too.
GATES = {
    *(
        "PreTraffic",
        "PreTrafficEventInvokeConfig",
        "PostTraffic",
        "PostTrafficEventInvokeConfig",
        "PreTrafficLogs",
        "PostTrafficLogs",
        "PreTrafficRole",
        "PostTrafficRole",
    ),
    *("GatePolicy", "ProbePolicy", "ReportBucket", "ReportBucketPolicy", "OutcomeTopic", "OutcomeEmailSubscription"),
}
CONDITIONS = {
    *("WithApprovals", "WithAlarms", "AlarmsByEmail", "HearsTopic", "HearsSecondTopic", "HearsThirdTopic"),
    *("WithEnvironments", "EnvironmentsByEmail", "EnvironmentsLinked", "EnvironmentsFannedOut", "DecisionsAddressed"),
    *("NamesClusters", "NamesDatabases", "NamesGroups", "DeployedByEcs", "WithPauses", "PutsEvents", "AsksPeople"),
    *("DeploysServices", "Monitored", "DeployActionMonitored", "ApprovalsMonitored", "EnvironmentsMonitored"),
    *("WithDashboard", "BrowsesOrAsksModels"),
}
APPROVAL_ROLES = ("ApprovalPolicy", "ApprovalNotifierRole", "ApprovalDecisionRole")


def test_by_default_only_the_gates_are_made(template: Json, resources: Json) -> None:
    conditions = {name: made.get("Condition") for name, made in resources.items() if name not in GATES}
    assert set(conditions.values()) == CONDITIONS, conditions
    rendered = Rendered(template, {"SuiteLocation": "file:/opt/suite.yaml"})
    assert {name for name in resources if rendered.made(name)} == GATES - {"OutcomeEmailSubscription"}
    assert rendered.broken_rules() == []


def test_what_approvals_and_environments_share_is_made_for_either(template: Json, resources: Json) -> None:
    shared = {name for name, made in resources.items() if made.get("Condition") == "WithAlarms"}
    assert shared == {"AlarmTopic", "AlarmTopicPolicy"}
    either = [{"Condition": "WithApprovals"}, {"Condition": "WithEnvironments"}, {"Condition": "Monitored"}]
    assert template["Conditions"]["WithAlarms"] == {"Or": either}
    assert template["Conditions"]["AlarmsByEmail"]["And"][0] == {"Condition": "WithAlarms"}


@pytest.mark.parametrize("name", ["StateTable", "EnvironmentsTable"])
def test_a_table_is_kept_encrypted_and_forgets_in_time(resources: Json, name: str) -> None:
    table = resources[name]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_no_function_may_delete_from_the_table(resources: Json) -> None:
    allowing = [each for each in _statements(resources, *APPROVAL_ROLES) if each["Effect"] == "Allow"]
    allowed = {a for s in allowing for a in _actions(s) if a.startswith("dynamodb:")}
    reading = {"dynamodb:GetItem", "dynamodb:Query"}
    assert allowed == reading | {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:PartiQLInsert"}


def test_other_callers_cost_no_rights_unless_they_are_asked_for(template: Json, resources: Json) -> None:
    plain = Rendered(template, {"SuiteLocation": "file:/opt/suite.yaml"})
    asked = Rendered(template, EVERYTHING)
    new = {
        *("ecs:DescribeServiceDeployments", "ecs:DescribeServiceRevisions"),
        *("codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"),
    }

    def allowed(rendered: Rendered) -> set[str]:
        document = rendered.resource("GatePolicy")["PolicyDocument"]
        return {action for statement in document["Statement"] for action in _actions(statement)}

    assert new.isdisjoint(allowed(plain))
    assert new <= allowed(asked)
    assert "elasticloadbalancing:DescribeRules" in allowed(plain), "CodeDeploy shifts listener rules, too"
    [statement] = _statements(resources, "EcsHookRole")
    assert _actions(statement) == ["lambda:InvokeFunction"]


def test_events_cost_no_right_unless_they_are_asked_for(template: Json) -> None:
    plain = Rendered(template, {"SuiteLocation": "file:/opt/suite.yaml"})
    asked = Rendered(template, {"SuiteLocation": "file:/opt/suite.yaml", "GateEventBus": "gates"})
    for gate in ("PreTraffic", "PostTraffic"):
        assert plain.resource(gate)["Environment"]["Variables"]["EVENT_BUS"] == ""
        assert "events:PutEvents" not in {a for s in plain.statements(f"{gate}Role") for a in _actions(s)}
        statements = asked.statements(f"{gate}Role")

        def may(bus: str, source: str, given: list[Json] = statements) -> bool:
            resource = f"arn:aws:events:eu-central-1:111122223333:event-bus/{bus}"
            return allows(given, Request("events:PutEvents", resource, {"events:source": source}))

        assert may("gates", "deploy-hooks")
        assert not may("default", "deploy-hooks"), "another bus"
        assert not may("gates", "aws.ecs"), "in another name"


def test_a_gate_reads_answers_and_nothing_else_of_the_table(everything: Rendered) -> None:
    table = everything.arn("StateTable")

    def may(role: str, action: str, key: str) -> bool:
        return allows(everything.statements(role), Request(action, table, {"dynamodb:LeadingKeys": key}))

    for gate in ("PreTrafficRole", "PostTrafficRole"):
        assert may(gate, "dynamodb:GetItem", "gate-answer#abc")
        assert not may(gate, "dynamodb:GetItem", "approval#abc"), "a case has what people said"
        for action in ("dynamodb:PutItem", "dynamodb:PartiQLInsert", "dynamodb:UpdateItem", "dynamodb:Query"):
            assert not may(gate, action, "gate-answer#abc"), action


def test_a_gate_alone_ends_its_question_and_nobody_changes_that(everything: Rendered) -> None:
    table = everything.arn("StateTable")

    def may(role: str, action: str) -> bool:
        request = Request(action, table, {"dynamodb:LeadingKeys": "gate-ended#abc"})
        return allows(everything.statements(role), request)

    for gate in ("PreTrafficRole", "PostTrafficRole"):
        assert may(gate, "dynamodb:PartiQLInsert")
        assert may(gate, "dynamodb:GetItem")
    people = ("ApprovalDecisionRole", "ApprovalNotifierRole")
    for role in people:
        assert may(role, "dynamodb:GetItem")
    for role in (*people, "GateOverridePolicy"):
        assert not may(role, "dynamodb:PartiQLInsert"), role
    for role in ("PreTrafficRole", "PostTrafficRole", *people):
        for action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:PartiQLUpdate"):
            assert not may(role, action), (role, action)


def test_people_override_gates_and_gates_use_that_up(everything: Rendered) -> None:
    table = everything.arn("StateTable")

    def may(role: str, action: str, key: str) -> bool:
        return allows(everything.statements(role), Request(action, table, {"dynamodb:LeadingKeys": key}))

    recorded, used = "gate-override#abc", "gate-override-use#abc"
    adds = "dynamodb:PartiQLInsert"
    assert may("GateOverridePolicy", adds, recorded)
    assert not may("GateOverridePolicy", adds, used)
    for other in ("gate-answer#abc", "audit#abc", "approval#abc"):
        for action in (adds, "dynamodb:Query", "dynamodb:GetItem"):
            assert not may("GateOverridePolicy", action, other), (action, other)
    for gate in ("PreTrafficRole", "PostTrafficRole"):
        assert may(gate, "dynamodb:Query", recorded)
        assert may(gate, "dynamodb:GetItem", used)
        assert may(gate, adds, used)
        assert not may(gate, adds, recorded), "a gate overrides nothing"
    for role in ("ApprovalDecisionRole", "ApprovalNotifierRole"):
        for key in (recorded, used):
            for action in (adds, "dynamodb:PutItem", "dynamodb:UpdateItem"):
                assert not may(role, action, key), (role, action)
    for role in ("GateOverridePolicy", "PreTrafficRole", "ApprovalDecisionRole"):
        for action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:PartiQLUpdate"):
            assert not may(role, action, recorded), "nothing of it is ever changed"


def test_only_the_decision_answers_a_gate_and_an_answer_is_never_changed(everything: Rendered) -> None:
    table = everything.arn("StateTable")

    def may(role: str, action: str) -> bool:
        request = Request(action, table, {"dynamodb:LeadingKeys": "gate-answer#abc"})
        return allows(everything.statements(role), request)

    assert may("ApprovalDecisionRole", "dynamodb:PartiQLInsert")
    assert not may("ApprovalNotifierRole", "dynamodb:PartiQLInsert"), "whoever asks does not answer"
    for role in ("ApprovalDecisionRole", "ApprovalNotifierRole"):
        assert may(role, "dynamodb:GetItem")
        for action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:PartiQLUpdate"):
            assert not may(role, action), (role, action)


def test_questions_need_both_parameters(template: Json, resources: Json) -> None:
    both = {"ApprovalsConfig": "s3://settings/approvals.yaml", "GateEventBus": "gates"}
    for left_out in (*both, None):
        given = {key: value for key, value in both.items() if key != left_out}
        rendered = Rendered(template, {"SuiteLocation": "file:/opt/suite.yaml", **given})
        for name in ("QuestionRule", "QuestionRulePermission"):
            assert rendered.made(name) == (left_out is None), (name, given)
        for gate in ("PreTraffic", "PostTraffic"):
            variables = rendered.resource(gate)["Environment"]["Variables"]
            assert ("STATE_TABLE" in variables) == (left_out is None)
            tables = [a for s in rendered.statements(f"{gate}Role") for a in _actions(s) if a.startswith("dynamodb:")]
            assert bool(tables) == (left_out is None)
        if left_out is not None:
            actions = {a for s in rendered.statements("PreTrafficRole") for a in _actions(s)}
            assert "lambda:InvokeFunction" not in actions, "only a question is handed on before traffic"
    pattern = resources["QuestionRule"]["Properties"]["EventPattern"]
    assert pattern["source"] == ["deploy-hooks"]
    assert pattern["detail"] == {"$or": [{"case": [{"exists": True}]}, {"passed": [False]}]}


def test_only_the_decision_may_answer_and_only_for_the_pipelines_named(resources: Json) -> None:
    answering = "codepipeline:PutApprovalResult"
    [statement] = [s for s in _statements(resources, "ApprovalDecisionRole") if answering in _actions(s)]
    assert _actions(statement) == [answering]
    assert statement["Resource"]["Sub"].endswith(":${PipelinePattern}/*/*")
    others = _statements(resources, "ApprovalPolicy", "ApprovalNotifierRole", "GatePolicy")
    answers = {a for s in others for a in _actions(s) if a.startswith("codepipeline:Put")}
    assert answers == {"codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult"}, "jobs are no approvals"


def test_only_the_decision_may_answer_a_pause_and_only_of_the_services_named(resources: Json) -> None:
    answering = "ecs:ContinueServiceDeployment"
    [statement] = [s for s in _statements(resources, "ApprovalDecisionRole") if answering in _actions(s)]
    assert _actions(statement) == [answering]
    kinds = [each["Sub"].split("${AWS::AccountId}:")[1] for each in statement["Resource"]]
    assert kinds == ["service/${EcsServices}", "service-deployment/${EcsServices}/*"]
    others = _statements(resources, "ApprovalPolicy", "ApprovalNotifierRole", "GatePolicy", "EcsHookRole")
    assert not [s for s in others if answering in _actions(s)]


# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html names two
# kinds of resources for each of these, and a request must be allowed on both.
OF_A_SERVICE_AND = {
    "ecs:DescribeServiceDeployments": "service-deployment",
    "ecs:DescribeServiceRevisions": "service-revision",
    "ecs:ContinueServiceDeployment": "service-deployment",
}


@pytest.mark.parametrize(
    "function", ["PreTraffic", "PostTraffic", "DeployAction", "ApprovalNotifier", "ApprovalDecision"]
)
def test_what_reads_or_answers_a_deployment_of_ecs_may_do_so_on_its_service_too(
    everything: Rendered, function: str
) -> None:
    statements = everything.statements(f"{function}Role")
    allowed = {action for statement in statements for action in _actions(statement)}
    asked = allowed & set(OF_A_SERVICE_AND)
    assert len(asked) == (3 if function == "ApprovalDecision" else 2)

    def may(action: str, kind: str, service: str) -> bool:
        below = "" if kind == "service" else "/abc"
        arn = f"arn:aws:ecs:eu-central-1:111122223333:{kind}/{service}{below}"
        return allows(statements, Request(action, arn))

    for action in asked:
        for kind in ("service", OF_A_SERVICE_AND[action]):
            assert may(action, kind, "production/shop"), (action, kind)
            assert not may(action, kind, "staging/shop"), (action, kind)


PAUSES = {"ApprovalsConfig": "s3://settings/approvals.yaml", "EcsServices": "production/*"}
PAUSE_RULES = ("PauseRule", "ServiceDeploymentRule")


@pytest.mark.parametrize("rule", PAUSE_RULES)
def test_pauses_need_both_parameters(template: Json, rule: str) -> None:
    for left_out in PAUSES:
        one = {key: value for key, value in PAUSES.items() if key != left_out}
        rendered = Rendered(template, {"SuiteLocation": "file:/opt/suite.yaml", **one})
        assert not rendered.made(rule) and not rendered.made(f"{rule}Permission"), one


def _takes(pattern: Any, value: Any) -> bool:
    """Whether a pattern of EventBridge takes an event, as far as our rules use it."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(key in value and _takes(it, value[key]) for key, it in pattern.items())
    values = value if isinstance(value, list) else [value]
    globs = [
        re.escape(it["wildcard"]).replace(r"\*", ".*") if isinstance(it, dict) else re.escape(it) for it in pattern
    ]
    return any(re.fullmatch(glob, str(one)) for glob in globs for one in values)


@pytest.mark.parametrize(
    ("services", "taken"),
    [
        ("shop/web", True),
        ("shop/*", True),
        ("*/web", True),
        ("sh*/w*b", True),
        ("shop/webs", False),
        ("other/*", False),
    ],
)
def test_only_the_services_named_tell_of_pauses_and_ends(template: Json, services: str, taken: bool) -> None:
    """A pause that nobody may look at, or answer, would be shown without its contents."""
    parameters = {"SuiteLocation": "file:/opt/suite.yaml", **PAUSES, "EcsServices": services}
    assert re.fullmatch(template["Parameters"]["EcsServices"]["AllowedPattern"], services)
    rendered = Rendered(template, parameters)
    patterns = [rendered.resource(rule)["EventPattern"] for rule in PAUSE_RULES]
    for name in ("approval-ecs-pause", "approval-ecs-deployment-over"):
        event = json.loads((ROOT / "events" / f"{name}.json").read_text())
        assert [_takes(pattern, event) for pattern in patterns].count(True) == int(taken), (name, services)


@pytest.mark.parametrize("services", ["shop", "shop/", "/web", "sho?/web", "shop/**", "shop/web/*", "a/b,c/d"])
def test_names_that_rights_and_rules_would_read_differently_are_refused(template: Json, services: str) -> None:
    assert not re.fullmatch(template["Parameters"]["EcsServices"]["AllowedPattern"], services)


def test_no_permission_is_wider_than_a_kind_of_resource(resources: Json) -> None:
    without_resource = ["ecs:DescribeTaskDefinition"]  # IAM knows none for it
    for statement in _statements(resources, *APPROVAL_ROLES, "ReminderRole"):
        assert statement["Resource"] != "*" or _actions(statement) == without_resource, statement
        assert not [action for action in _actions(statement) if "*" in action], statement


@pytest.mark.parametrize("action", ["cloudformation:DescribeChangeSet", "codedeploy:GetDeployment"])
def test_what_an_action_did_in_another_region_may_be_read_and_in_no_other_account(resources: Json, action: str) -> None:
    [statement] = [s for s in _statements(resources, *APPROVAL_ROLES) if action in _actions(s)]
    service = action.split(":")[0]
    assert statement["Resource"]["Sub"].startswith(f"arn:${{AWS::Partition}}:{service}:*:${{AWS::AccountId}}:")


def test_approvals_have_one_address_and_its_function_has_no_secret_in_its_environment(resources: Json) -> None:
    addresses = [made for made in resources.values() if made.get("Condition") == "DecisionsAddressed"]
    assert [made["Type"].split("::")[-1] for made in addresses] == ["Url", "Permission", "Permission"]
    assert {json.dumps(made["Properties"]) for made in addresses if made["Type"] == "AWS::Lambda::Url"} == {
        json.dumps({"AuthType": "NONE", "TargetFunctionArn": {"Ref": "ApprovalDecision"}})
    }
    variables = resources["ApprovalDecision"]["Properties"]["Environment"]["Variables"]
    assert variables["SLACK_SECRET"] == {"Ref": "SlackSigningSecret"}
    assert variables["KEYS_SECRET_ARN"] == {"Ref": "KeysSecret"}


def test_every_parameter_stands_in_the_docs(template: Json) -> None:
    docs = "\n".join(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))
    assert [name for name in template["Parameters"] if f"`{name}`" not in docs] == []
    named = set(re.findall(r"`(Environments[A-Z]\w+|Channel\w+Arns|\w+ApprovalTopicArn)`", docs))
    outputs = set(template["Outputs"]) | set(template["Resources"])
    assert named - set(template["Parameters"]) - outputs == set(), "the docs name what isn't there"


def test_every_parameter_is_asked_for_in_plain_words(template: Json) -> None:
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"]) == sorted(interface["ParameterLabels"])
    labels = [label["default"] for label in interface["ParameterLabels"].values()]
    assert len(labels) == len(set(labels)), "two questions are called the same"
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"].endswith("."), name
        assert len(parameter["Description"]) < 500, name
        assert {"AllowedValues", "AllowedPattern", "MaxValue"} & set(parameter), name


def test_a_flood_on_a_public_address_leaves_the_gates_their_concurrency(template: Json, everything: Rendered) -> None:
    """An account has 1,000 runs at a time, or as little as 10; the gates, which have no address, reserve nothing."""
    limits = {"ApprovalDecision": ("DecisionConcurrency", 10), "EnvScheduler": ("EnvironmentsConcurrency", 30)}
    public = {
        made["Properties"]["TargetFunctionArn"]["Ref"]
        for made in template["Resources"].values()
        if made["Type"] == "AWS::Lambda::Url"
    }
    assert public == set(limits)
    for function, (parameter, most) in limits.items():
        assert 0 < int(everything.resource(function)["ReservedConcurrentExecutions"]) <= most
        without = Rendered(template, EVERYTHING | {parameter: "0"})
        assert "ReservedConcurrentExecutions" not in without.resource(function), "0 sets no limit"
    for gate in ("PreTraffic", "PostTraffic"):
        assert "ReservedConcurrentExecutions" not in everything.resource(gate)


def test_nobody_is_asked_about_addresses_that_are_not_made(resources: Json) -> None:
    """SAM asks about each FunctionUrlConfig without authentication, whatever its condition says."""
    assert [name for name, made in resources.items() if "FunctionUrlConfig" in made["Properties"]] == []


WITHOUT_URLS = {region for region in REGIONS if "AWS::Lambda::Url" not in SCHEMAS.get_resource_types(region)}
# Published as a kind of resource in one of the two, but not offered in China.
CHINA = {"cn-north-1", "cn-northwest-1"}


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_the_gates_are_made_in_every_region_and_what_needs_an_address_where_there_are_any(
    template: Json, region: str
) -> None:
    rendered = Rendered(template, EVERYTHING, region=region)
    addresses = [name for name, made in template["Resources"].items() if made["Type"] == "AWS::Lambda::Url"]
    without = region in WITHOUT_URLS | CHINA
    assert [name for name in addresses if rendered.made(name)] == ([] if without else addresses)
    assert len(rendered.broken_rules()) == (2 if without else 0)
    for sentence in rendered.broken_rules():
        assert "which this region does not have" in sentence
    quiet = EVERYTHING | {"ApprovalsConfig": "", "EnvironmentsLinks": "false"}
    assert Rendered(template, quiet, region=region).broken_rules() == []
    assert rendered.made("PreTraffic") and rendered.made("EnvScheduler")


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


@pytest.mark.parametrize("gate", ["PreTraffic", "PostTraffic"])
def test_people_hear_of_a_gate_that_could_not_answer_but_never_of_a_job_s_credentials(
    template: Json, gate: str
) -> None:
    name = f"{gate}EventInvokeConfig"
    others = Rendered(template, EVERYTHING | {"PipelineGates": "off"})
    config = others.resource(name)
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": others.arn("OutcomeTopic")}}
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (1, 3600)
    by_pipelines = Rendered(template, EVERYTHING | {"PipelineGates": "on"}).resource(name)
    assert not by_pipelines.get("DestinationConfig")


def test_sam_is_given_no_destination_that_depends_on_a_condition(resources: Json) -> None:
    """It looks for OnFailure itself, finds a condition, and drops the destination without a word."""
    for name, resource in resources.items():
        config = resource["Properties"].get("EventInvokeConfig", {})
        destinations = config.get("DestinationConfig", {})
        assert set(destinations) <= {"OnFailure", "OnSuccess"}, name


def test_what_checks_may_do_beyond_reading_is_named_and_only_with_a_version(template: Json) -> None:
    plain = Rendered(template, {"SuiteLocation": "file:/opt/suite.yaml"})
    named = {"FunctionsUnderTest": "checkout-*", "LogGroupsUnderTest": "/ecs/shop*"}
    asked = Rendered(template, {"SuiteLocation": "file:/opt/suite.yaml", **named})

    def resources_of(rendered: Rendered, action: str) -> list[str]:
        document = rendered.resource("ProbePolicy")["PolicyDocument"]
        return [each["Resource"] for each in document["Statement"] if action in _actions(each)]

    for action in ("lambda:InvokeFunction", "logs:FilterLogEvents"):
        assert resources_of(plain, action) == []
    [functions] = resources_of(asked, "lambda:InvokeFunction")
    assert functions.endswith(":function:checkout-*:*"), "no alias-free name: it leads to $LATEST"
    [groups] = resources_of(asked, "logs:FilterLogEvents")
    assert groups.endswith(":log-group:/ecs/shop*:*")
    document = asked.resource("ProbePolicy")["PolicyDocument"]
    verbs = {action.split(":")[1] for each in document["Statement"] for action in _actions(each)} - {"InvokeFunction"}
    assert all(verb.startswith(("Describe", "Filter", "Get", "List")) for verb in verbs), verbs


def test_gates_run_tasks_only_where_they_are_named_and_stop_only_what_they_have_started(template: Json) -> None:
    suite = {"SuiteLocation": "file:/opt/suite.yaml"}
    roles = ["arn:aws:iam::111122223333:role/tests-task", "arn:aws:iam::111122223333:role/tests-execution"]
    plain = Rendered(template, suite)
    only_roles = Rendered(template, suite | {"TestTaskRoles": ",".join(roles)})
    without_roles = Rendered(template, suite | {"TestTasks": "shop-tests*"})
    asked = Rendered(template, suite | {"TestTasks": "shop-tests*", "TestTaskRoles": ",".join(roles)})

    def statements(rendered: Rendered, action: str) -> list[Json]:
        document = rendered.resource("ProbePolicy")["PolicyDocument"]
        return [each for each in document["Statement"] if action in _actions(each)]

    for action in ("ecs:RunTask", "ecs:StopTask", "ecs:TagResource", "iam:PassRole"):
        assert statements(plain, action) == statements(only_roles, action) == []
    assert statements(without_roles, "iam:PassRole") == []
    [run] = statements(asked, "ecs:RunTask")
    assert run["Resource"].endswith(":task-definition/shop-tests*:*")
    [tag] = statements(asked, "ecs:TagResource")
    assert tag["Condition"] == {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    [stop] = statements(asked, "ecs:StopTask")
    assert stop["Condition"] == {"StringEquals": {"aws:ResourceTag/deploy-hooks:task": "check"}}
    assert statements(plain, "s3:GetObject") == statements(plain, "s3:ListBucket") == []
    [results] = statements(asked, "s3:GetObject")
    source = (ROOT / "crates/hook/src/cloud/task_results.rs").read_text()
    assert json.dumps(results["Resource"]).rstrip('"').endswith("/test-results/*"), results
    assert 'const RESULT_KEY_PREFIX: &str = "test-results";' in source, (
        "a gate looks elsewhere, and could not read them"
    )
    assert len(statements(asked, "s3:ListBucket")) == 1
    source = (ROOT / "crates/hook/src/cloud/ecs_task.rs").read_text()
    assert '("deploy-hooks:task", "check")' in source, "a gate tags its tasks otherwise, and could not stop them"
    [passed] = statements(asked, "iam:PassRole")
    assert passed["Resource"] == roles
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
