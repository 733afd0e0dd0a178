"""What the scheduler of development environments must not be able to do, tried as IAM would judge it."""

import json

import pytest
from conftest import EVERYTHING
from iam import Request, allows
from rendering import ACCOUNT, Rendered
from world import templates
from world.templates import ROOT, TARGET_ROLE, Json

PLACE = f"eu-central-1:{ACCOUNT}"
PROTECTED = {"aws:ResourceTag/deploy-hooks:protected": "true"}
OPTED_IN = {"aws:ResourceTag/deploy-hooks:schedule": "never"}
UPDATE, BOUND = "ecs:UpdateService", "application-autoscaling:RegisterScalableTarget"
RESIZE = "autoscaling:UpdateAutoScalingGroup"
OF_ECS = {
    "application-autoscaling:service-namespace": "ecs",
    "application-autoscaling:scalable-dimension": "ecs:service:DesiredCount",
}


def service(cluster: str, name: str = "shop") -> str:
    """The ARN of a service."""
    return f"arn:aws:ecs:{PLACE}:service/{cluster}/{name}"


def database(name: str, kind: str = "db") -> str:
    """The ARN of a database."""
    return f"arn:aws:rds:{PLACE}:{kind}:{name}"


def group(name: str) -> str:
    """The ARN of an Auto Scaling group."""
    return f"arn:aws:autoscaling:{PLACE}:autoScalingGroup:6f1c:autoScalingGroupName/{name}"


TARGET = f"arn:aws:application-autoscaling:{PLACE}:scalable-target/0ec5"
ALLOWED = {
    "a service of a cluster named": Request(UPDATE, service("dev-shop")),
    "of the second one": Request(UPDATE, service("staging")),
    "in another region": Request(UPDATE, service("dev-shop").replace("eu-central-1", "us-east-1")),
    "one whose protection was taken back": Request(UPDATE, service("dev-shop"), dict.fromkeys(PROTECTED, "false")),
    "without a command line in its tasks": Request(
        UPDATE, service("dev-shop"), {"ecs:enable-execute-command": "false"}
    ),
    "its mirror": Request("ecs:TagResource", service("dev-shop"), {"aws:TagKeys": ["deploy-hooks:asleep"]}),
    "its bounds": Request(BOUND, TARGET, OF_ECS),
    "a database named": Request("rds:StopDBInstance", database("dev-orders")),
    "an Aurora cluster named": Request("rds:StartDBCluster", database("dev-orders", "cluster")),
    "a group named": Request(RESIZE, group("dev-workers")),
}
REFUSED = {
    # Whoever may tag a service has it stopped.
    "a service of a cluster that isn't named": Request(UPDATE, service("live"), OPTED_IN),
    "whose name only begins like it": Request(UPDATE, service("staging-live"), OPTED_IN),
    "which only ends like it": Request(UPDATE, service("live-dev-x"), OPTED_IN),
    "whose service is called like a cluster named": Request(UPDATE, service("live", "staging"), OPTED_IN),
    "a protected service": Request(UPDATE, service("dev-shop"), OPTED_IN | PROTECTED),
    "protected with another word": Request(UPDATE, service("dev-shop"), {next(iter(PROTECTED)): "yes, by Ada"}),
    "protected without a value": Request(UPDATE, service("dev-shop"), {next(iter(PROTECTED)): ""}),
    # Whoever may tag a service has it scaled: what the tag says is restored by these calls.
    "the bounds of a protected target": Request(BOUND, TARGET, OF_ECS | PROTECTED),
    "the bounds of something else": Request(
        BOUND,
        TARGET,
        OF_ECS | {"application-autoscaling:service-namespace": "dynamodb"},
    ),
    "bounds of which nothing is known": Request(BOUND, TARGET),
    "another task definition": Request(
        UPDATE, service("dev-shop"), {"ecs:task-definition": f"arn:aws:ecs:{PLACE}:task-definition/evil:1"}
    ),
    "a command line in its tasks": Request(UPDATE, service("dev-shop"), {"ecs:enable-execute-command": "true"}),
    "other subnets": Request(UPDATE, service("dev-shop"), {"ecs:subnet": ["subnet-1"]}),
    "another capacity": Request(UPDATE, service("dev-shop"), {"ecs:capacity-provider": "arn:aws:ecs:p"}),
    "another tag": Request("ecs:TagResource", service("dev-shop"), {"aws:TagKeys": ["deploy-hooks:schedule"]}),
    "another one beside it": Request(
        "ecs:TagResource", service("dev-shop"), {"aws:TagKeys": ["deploy-hooks:asleep", "deploy-hooks:protected"]}
    ),
    "its protection taken away": Request(
        "ecs:UntagResource", service("dev-shop"), {"aws:TagKeys": ["deploy-hooks:protected"]}
    ),
    "no tag": Request("ecs:TagResource", service("dev-shop")),
    "a mirror elsewhere": Request("ecs:TagResource", service("live"), {"aws:TagKeys": ["deploy-hooks:asleep"]}),
    "a service deleted": Request("ecs:DeleteService", service("dev-shop")),
    "a database that isn't named": Request("rds:StopDBInstance", database("live-orders")),
    "an Aurora cluster that isn't named": Request("rds:StopDBCluster", database("orders", "cluster")),
    "a protected database": Request("rds:StopDBInstance", database("dev-orders"), PROTECTED),
    "a database deleted": Request("rds:DeleteDBInstance", database("dev-orders")),
    "a group that isn't named": Request(RESIZE, group("live-workers")),
    "a protected group": Request(RESIZE, group("dev-workers"), PROTECTED),
    "another launch configuration": Request(
        RESIZE, group("dev-workers"), {"autoscaling:LaunchConfigurationName": "evil"}
    ),
    "another launch template": Request(
        RESIZE, group("dev-workers"), {"autoscaling:LaunchTemplateVersionSpecified": "false"}
    ),
    "other instance types": Request(RESIZE, group("dev-workers"), {"autoscaling:InstanceTypes": ["p5.48xlarge"]}),
    "a group's protection": Request(
        "autoscaling:DeleteTags", group("dev-workers"), {"aws:TagKeys": ["deploy-hooks:protected"]}
    ),
}


def _statements_of_another_account() -> list[Json]:
    given = {name: EVERYTHING[f"Environments{name}"] for name in ("Clusters", "Databases", "Groups")}
    given["SchedulerRoleArn"] = f"arn:aws:iam::{ACCOUNT}:role/scheduler"
    return Rendered(templates.load(TARGET_ROLE), given).statements("Role")


@pytest.fixture(scope="module", params=["here", "in another account"])
def scheduler(everything: Rendered, request: pytest.FixtureRequest) -> list[Json]:
    """The statements under which environments are changed."""
    return everything.statements("EnvSchedulerRole") if request.param == "here" else _statements_of_another_account()


@pytest.mark.parametrize("what", ALLOWED)
def test_it_may(scheduler: list[Json], what: str) -> None:
    assert allows(scheduler, ALLOWED[what])


@pytest.mark.parametrize("what", REFUSED)
def test_it_may_not(scheduler: list[Json], what: str) -> None:
    assert not allows(scheduler, REFUSED[what])


def test_it_may_change_nothing_where_nothing_is_named(template: Json) -> None:
    nothing = EVERYTHING | dict.fromkeys(("EnvironmentsClusters", "EnvironmentsDatabases", "EnvironmentsGroups"), "")
    statements = Rendered(template, nothing).statements("EnvSchedulerRole")
    assert [what for what, request in ALLOWED.items() if allows(statements, request)] == []


# What belongs to approvals, which decide over production.
OF_APPROVALS = {
    "the keys that sign links": ("secretsmanager:GetSecretValue", "KeysSecret"),
    "cases": ("dynamodb:GetItem", "StateTable"),
    "cases, written": ("dynamodb:PutItem", "StateTable"),
    "decisions": ("dynamodb:UpdateItem", "StateTable"),
    "lists": ("dynamodb:Query", "StateTable"),
}


@pytest.mark.parametrize("what", OF_APPROVALS)
def test_what_belongs_to_approvals_is_out_of_its_reach(everything: Rendered, what: str) -> None:
    action, owner = OF_APPROVALS[what]
    request = Request(action, everything.arn(owner), {"dynamodb:LeadingKeys": ["approval#1"]})
    assert allows(everything.statements("ApprovalDecisionRole"), request)
    assert not allows(everything.statements("EnvSchedulerRole"), request)


@pytest.mark.parametrize("role", ["ApprovalNotifierRole", "ApprovalDecisionRole"])
def test_and_the_other_way_round(everything: Rendered, role: str) -> None:
    for action, owner in (
        ("secretsmanager:GetSecretValue", "EnvironmentsKeys"),
        ("dynamodb:GetItem", "EnvironmentsTable"),
    ):
        request = Request(action, everything.arn(owner))
        assert allows(everything.statements("EnvSchedulerRole"), request)
        assert not allows(everything.statements(role), request)


def test_whoever_signs_for_slack_in_development_can_not_press_the_buttons_of_approvals(everything: Rendered) -> None:
    def secret(name: str) -> Request:
        return Request("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{PLACE}:secret:{name}-a1b2c3")

    assert allows(everything.statements("ApprovalDecisionRole"), secret("approvals/slack"))
    assert not allows(everything.statements("EnvSchedulerRole"), secret("approvals/slack"))
    assert allows(everything.statements("EnvSchedulerRole"), secret("environments/slack"))
    assert not allows(everything.statements("ApprovalDecisionRole"), secret("environments/slack"))


def test_nobody_but_the_decision_answers_an_approval(everything: Rendered) -> None:
    request = Request("codepipeline:PutApprovalResult", f"arn:aws:codepipeline:{PLACE}:shop/Production/Approve")
    may = [
        name
        for name, made in everything.template["Resources"].items()
        if made["Type"] == "AWS::IAM::Role" and allows(everything.statements(name), request)
    ]
    assert may == ["ApprovalDecisionRole"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"Environments": "on"}, "Environments is on, but nothing may be changed"),
        ({"Environments": "on", "EnvironmentsLinks": "true"}, "name clusters in EnvironmentsClusters"),
    ],
)
def test_environments_are_refused_until_something_is_named(
    template: Json, given: dict[str, str], sentence: str
) -> None:
    [told] = Rendered(template, given).broken_rules()
    assert sentence in told
    for name, value in (
        ("Clusters", "dev-*"),
        ("Groups", "dev-*"),
        ("TargetRoles", EVERYTHING["EnvironmentsTargetRoles"]),
    ):
        assert Rendered(template, given | {f"Environments{name}": value}).broken_rules() == []


@pytest.mark.parametrize(
    ("role", "table"),
    [
        ("ApprovalNotifierRole", "StateTable"),
        ("ApprovalDecisionRole", "StateTable"),
        ("EnvSchedulerRole", "EnvironmentsTable"),
    ],
)
def test_the_audit_can_be_added_to_and_not_changed(everything: Rendered, role: str, table: str) -> None:
    def may(operation: str, *keys: str) -> bool:
        request = Request(f"dynamodb:{operation}", everything.arn(table), {"dynamodb:LeadingKeys": keys})
        return allows(everything.statements(role), request)

    partition = (ROOT / "crates/ledger/src/audit.rs").read_text()
    assert 'format!("audit#{id}")' in partition
    assert may("PartiQLInsert", "audit#7f3a") and may("Query", "audit#7f3a")
    changing = ("PutItem", "UpdateItem", "DeleteItem", "PartiQLUpdate", "PartiQLDelete", "BatchWriteItem")
    assert [operation for operation in changing if may(operation, "audit#7f3a")] == []
    assert not may("PutItem", "approval#7f3a", "audit#7f3a"), "nor among others"
    assert may("PutItem", "approval#7f3a") and may("UpdateItem", "service#arn")


def test_the_policy_that_guards_tags_lets_nobody_tag_but_those_it_names() -> None:
    """The snippet in docs/operating.md, put beside a policy that allows everything."""
    section = (ROOT / "docs/operating.md").read_text().split("\n## Tagging is a privilege\n")[1]
    guard = json.loads(section.split("```json\n")[1].split("```")[0])["Statement"]
    anything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}, *guard]

    def may(who: str, action: str, *keys: str) -> bool:
        context = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{who}", "aws:TagKeys": keys}
        return allows(anything, Request(action, service("dev-shop"), context))

    for action in ("ecs:TagResource", "ecs:UntagResource", "rds:AddTagsToResource", "autoscaling:DeleteTags"):
        assert not may("developer", action, "deploy-hooks:schedule")
        assert not may("developer", action, "team", "deploy-hooks:protected")
        assert may("developer", action, "team")
        for named in ("deploy-hooks-EnvSchedulerRole-1ABC", "deploy-hooks-environments", "YOUR-DEPLOYMENT-ROLE"):
            assert may(named, action, "deploy-hooks:asleep")
