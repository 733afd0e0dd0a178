"""The reference pipelines of examples/: their templates agree with each other and with deploy-hooks."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import deploy
import pytest
import yaml
from rendering import Rendered
from world import templates
from world.templates import ROOT, Json

PIPELINES = ROOT / "examples" / "pipelines"
FOLDERS = sorted(path.parents[1] for path in PIPELINES.glob("*/infrastructure/pipeline.yaml"))
# As CloudFormation takes them of a service that it manages: bake times and time-outs of hooks together.
MOST_MINUTES = 1980
TRIGGERS = {
    "production": {"Tags": {"Includes": ["v*.*.*"], "Excludes": ["v*-*"]}},
    "staging": {"Branches": {"Includes": ["release/*", "hotfix/*"]}},
    "development": {"Branches": {"Includes": ["develop"]}},
}


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def folder(request: pytest.FixtureRequest) -> Path:
    """One pipeline."""
    return Path(request.param)


def _load(folder: Path, name: str) -> Json:
    return templates.load(folder / "infrastructure" / f"{name}.yaml")


def _rendered(folder: Path, name: str, environment: str) -> Rendered:
    template = _load(folder, name)
    given = {"Environment": environment, "RepositoryUri": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/books"}
    return Rendered(template, {key: value for key, value in given.items() if key in template["Parameters"]})


def _actions(folder: Path, environment: str) -> dict[str, Json]:
    """The actions of a pipeline in the order in which they run."""
    stages = _rendered(folder, "pipeline", environment).resource("Pipeline")["Stages"]
    ordered = [sorted(stage["Actions"], key=lambda it: it.get("RunOrder", 1)) for stage in stages]
    return {action["Name"]: action for stage in ordered for action in stage}


def test_there_are_pipelines() -> None:
    assert FOLDERS


@pytest.mark.parametrize("environment", sorted(TRIGGERS))
def test_a_push_starts_the_pipeline_of_its_environment(folder: Path, environment: str) -> None:
    pipeline = _rendered(folder, "pipeline", environment).resource("Pipeline")
    [trigger] = pipeline["Triggers"]
    assert trigger["GitConfiguration"]["Push"] == [TRIGGERS[environment]]
    assert trigger["GitConfiguration"]["SourceActionName"] in _actions(folder, environment)
    assert (pipeline["PipelineType"], pipeline["Name"]) == ("V2", f"books-{environment}")


def test_people_are_asked_after_the_change_set_is_made_and_before_it_is_carried_out(folder: Path) -> None:
    actions = list(_actions(folder, "production").values())
    modes = [action["Configuration"].get("ActionMode") for action in actions]
    providers = [action["ActionTypeId"]["Provider"] for action in actions]
    asked = providers.index("Manual")
    assert modes.index("CHANGE_SET_REPLACE") < asked < modes.index("CHANGE_SET_EXECUTE")
    assert "NotificationArn" in actions[asked]["Configuration"]
    assert providers.index("CodeBuild") < asked
    for environment in ("staging", "development"):
        others = _actions(folder, environment).values()
        assert "Manual" not in [action["ActionTypeId"]["Provider"] for action in others]


def test_what_an_action_takes_an_earlier_one_has_made(folder: Path) -> None:
    made: set[str] = set()
    variables: set[str] = set()
    for action in _actions(folder, "production").values():
        text = json.dumps(action["Configuration"])
        assert {it["Name"] for it in action.get("InputArtifacts", [])} <= made, action["Name"]
        named = set(re.findall(r"\b(Release|Suites|Source)::", text))
        assert named <= {it["Name"] for it in action.get("InputArtifacts", [])}, action["Name"]
        assert set(re.findall(r"#\{(\w+)\.\w+\}", text)) <= variables, action["Name"]
        made |= {it["Name"] for it in action.get("OutputArtifacts", [])}
        variables |= {action.get("Namespace", "")}


def test_the_build_makes_what_the_pipeline_takes_from_it(folder: Path) -> None:
    spec = yaml.safe_load((folder / "buildspec.yaml").read_text())
    [build] = [it for it in _actions(folder, "production").values() if it["ActionTypeId"]["Provider"] == "CodeBuild"]
    assert {it["Name"] for it in build["OutputArtifacts"]} == set(spec["artifacts"]["secondary-artifacts"])
    text = (folder / "infrastructure" / "pipeline.yaml").read_text()
    assert set(re.findall(r"#\{build\.(\w+)\}", text)) <= set(spec["env"]["exported-variables"])
    for phase in spec["phases"].values():
        assert phase["on-failure"] == "ABORT", "a later phase runs after a failed one otherwise"
    given = {it["Name"] for it in _rendered(folder, "pipeline", "production").resource("Build")["Environment"][
        "EnvironmentVariables"]}  # fmt: skip
    needed = {
        name
        for script in sorted((folder / "ci").glob("*.sh"))
        for name in re.findall(r"\$\{(\w+):\?\}", script.read_text())
    }
    own = {*spec["env"]["exported-variables"], *spec["env"]["variables"], "AWS_REGION"}
    assert needed - own <= given, "CodeBuild sets the region itself"


def test_images_are_never_moved_scanned_when_pushed_and_deleted_one_day(folder: Path) -> None:
    images = _load(folder, "shared")["Resources"]["Images"]["Properties"]
    assert images["ImageTagMutability"] == "IMMUTABLE" and images["ImageScanningConfiguration"]["ScanOnPush"] is True
    rules = json.loads(images["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert [rule["rulePriority"] for rule in rules] == [1, 2, 3]
    assert rules[0]["selection"]["tagPatternList"] == ["v*"], "releases are claimed before builds are counted"


def test_the_image_runs_as_nobody_special_and_is_made_in_two_stages(folder: Path) -> None:
    lines = (folder / "Dockerfile").read_text().splitlines()
    stages = [index for index, line in enumerate(lines) if line.startswith("FROM ")]
    assert len(stages) == 2
    last = lines[stages[-1] :]
    [user] = [line.split()[1] for line in last if line.startswith("USER ")]
    assert user.split(":")[0] not in {"0", "root"}


def test_each_suppression_of_a_check_has_a_reason(folder: Path) -> None:
    for path in sorted((folder / "infrastructure").glob("*.yaml")):
        for name, resource in templates.load(path)["Resources"].items():
            for skipped in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
                assert len(skipped["comment"]) > 20, (path, name)


def test_deploy_hooks_takes_the_answers(folder: Path, template: Json) -> None:
    config = tomllib.loads((folder / "deploy-hooks" / "samconfig.toml").read_text())
    answers = config["default"]["deploy"]["parameters"]["parameter_overrides"]
    places = {name: text.replace("YOUR-SUITES", "suites") for name, text in answers.items()}
    deploy.check(deploy.questions(template), places)
    assert Rendered(template, places).broken_rules() == []


def _statements(folder: Path, role: str) -> list[Json]:
    return _rendered(folder, "pipeline", "production").statements(role)


def test_the_pipeline_may_do_what_its_actions_do(folder: Path) -> None:
    allowed = {action for it in _statements(folder, "PipelineRole") for action in templates.actions(it)}
    needed = {
        "CodeStarSourceConnection": {"codeconnections:UseConnection"},
        "CodeBuild": {"codebuild:StartBuild", "codebuild:BatchGetBuilds"},
        "CloudFormation": {
            "cloudformation:CreateChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:DescribeStacks",
            "iam:PassRole",
        },
        "Manual": {"sns:Publish"},
        "S3": {"s3:PutObject"},
        "Lambda": {"lambda:InvokeFunction"},
        "CodeDeployToECS": {
            "codedeploy:CreateDeployment",
            "codedeploy:GetApplication",
            "codedeploy:GetApplicationRevision",
            "codedeploy:GetDeployment",
            "codedeploy:GetDeploymentConfig",
            "codedeploy:RegisterApplicationRevision",
            "ecs:RegisterTaskDefinition",
            "iam:PassRole",
        },
    }
    for action in _actions(folder, "production").values():
        missing = needed[action["ActionTypeId"]["Provider"]] - allowed
        assert not missing, (action["Name"], missing)


def test_the_build_may_push_and_read_the_image_of_a_commit(folder: Path) -> None:
    [push] = [it for it in _statements(folder, "BuildRole") if "ecr:PutImage" in it["Action"]]
    called = {
        "ecr:" + "".join(word.title() for word in command.split("-"))
        for script in sorted((folder / "ci").glob("*.sh"))
        for command in re.findall(r"\baws ecr ([a-z-]+)", script.read_text())
    }
    assert called and called <= set(push["Action"])


def test_only_functions_and_topics_of_deploy_hooks_are_named(folder: Path, template: Json) -> None:
    """What the templates ask for as an output of the stack deploy-hooks is one."""
    asked = {
        name
        for path in sorted((folder / "infrastructure").glob("*.yaml"))
        for name, it in templates.load(path).get("Parameters", {}).items()
        if "stack deploy-hooks" in str(it["Description"])
    }
    assert asked and asked <= set(template["Outputs"]), asked - set(template["Outputs"])


def test_the_service_asks_for_what_the_infrastructure_gives(folder: Path) -> None:
    for name in ("service", "infrastructure", "pipeline"):
        path = folder / "infrastructure" / f"{name}.yaml"
        if not path.exists():
            continue
        for parameter, it in templates.load(path)["Parameters"].items():
            for source in re.findall(r"Output of (\w+)\.yaml", str(it["Description"])):
                assert parameter in _load(folder, source)["Outputs"], (name, parameter, source)


def _service(environment: str) -> Json:
    return _rendered(PIPELINES / "ecs-native", "service", environment).resource("Service")


def test_ecs_deploys_a_canary_with_both_gates_that_fail_closed() -> None:
    given: Any = _service("production")["DeploymentConfiguration"]
    assert (given["Strategy"], given["CanaryConfiguration"]["CanaryPercent"]) == ("CANARY", 10)
    hooks = given["LifecycleHooks"]
    assert [hook["LifecycleStages"] for hook in hooks] == [
        ["POST_TEST_TRAFFIC_SHIFT"],
        ["PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"],
    ]
    assert {hook["TimeoutConfiguration"]["Action"] for hook in hooks} == {"ROLLBACK"}
    minutes = given["BakeTimeInMinutes"] + given["CanaryConfiguration"]["CanaryBakeTimeInMinutes"]
    minutes += sum(len(it["LifecycleStages"]) * it["TimeoutConfiguration"]["TimeoutInMinutes"] for it in hooks)
    assert minutes <= MOST_MINUTES
    assert given["Alarms"]["Enable"] and given["Alarms"]["Rollback"]
    made = _rendered(PIPELINES / "ecs-native", "infrastructure", "production")
    alarms = {made.resource(name)["AlarmName"] for name in ("ErrorsAlarm", "LatencyAlarm")}
    assert set(given["Alarms"]["AlarmNames"]) == alarms


@pytest.mark.parametrize(
    ("environment", "tag"),
    [
        ("production", ("deploy-hooks:protected", "true")),
        ("staging", ("deploy-hooks:protected", "true")),
        ("development", ("deploy-hooks:schedule", "office")),
    ],
)
def test_development_sleeps_and_nothing_else_can(environment: str, tag: tuple[str, str]) -> None:
    for folder in FOLDERS:
        if not (folder / "infrastructure" / "service.yaml").exists():
            continue
        tags = _rendered(folder, "service", environment).resource("Service")["Tags"]
        assert [(it["Key"], it["Value"]) for it in tags] == [tag]
        config = yaml.safe_load((folder / "deploy-hooks" / "environments.yaml").read_text())
        assert config["clusters"] == ["development"] and "office" in config["schedules"]


def test_the_gates_reach_the_test_listener_from_two_availability_zones() -> None:
    folder = PIPELINES / "ecs-codedeploy"
    template = _load(folder, "infrastructure")
    given = {"Environment": "production", "GateCidr": "198.51.100.7/32"}
    one = Rendered(template, given)
    two = Rendered(template, given | {"GateCidr2": "198.51.100.8/32"})
    assert not one.made("SecondGateIngress")
    second = two.resource("SecondGateIngress")
    [first] = [it for it in two.resource("BalancerSecurityGroup")["SecurityGroupIngress"] if it["FromPort"] == 8443]
    assert {key: second[key] for key in first} == first | {"CidrIp": "198.51.100.8/32"}
    overrides = _actions(folder, "production")["ChangeSet"]["Configuration"]["ParameterOverrides"]
    assert {"GateCidr", "GateCidr2"} <= set(json.loads(overrides))
    answers = tomllib.loads((folder / "deploy-hooks" / "samconfig.toml").read_text())
    answers = answers["default"]["deploy"]["parameters"]["parameter_overrides"]
    assert answers["SubnetIds"] and answers["SecurityGroupIds"]


def test_the_first_stack_of_an_account_may_make_the_roles_of_the_services_it_uses() -> None:
    for name in ("ecs-codedeploy", "ecs-native"):
        statements = _rendered(PIPELINES / name, "pipeline", "production").statements("StackRole")
        [making] = [it for it in statements if it["Action"] == "iam:CreateServiceLinkedRole"]
        assert making["Condition"] == {
            "StringEquals": {"iam:AWSServiceName": ["ecs.amazonaws.com", "elasticloadbalancing.amazonaws.com"]}
        }
        assert making["Resource"].endswith(":role/aws-service-role/*")


def test_the_readme_says_when_development_begins_to_sleep() -> None:
    for name in ("ecs-codedeploy", "ecs-native"):
        config = (PIPELINES / name / "deploy-hooks" / "samconfig.toml").read_text()
        answers = tomllib.loads(config)["default"]["deploy"]["parameters"]["parameter_overrides"]
        assert answers["EnvironmentsDryRun"] == "true"
        assert '`EnvironmentsDryRun = "false"`' in (PIPELINES / name / "README.md").read_text()


def test_codedeploy_shifts_a_tenth_first_and_goes_back_by_itself() -> None:
    folder = PIPELINES / "ecs-codedeploy"
    group = _rendered(folder, "service", "production").resource("DeploymentGroup")
    assert group["DeploymentConfigName"] == "CodeDeployDefault.ECSCanary10Percent5Minutes"
    rollback = group["AutoRollbackConfiguration"]
    assert rollback["Enabled"] and {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"} <= set(rollback["Events"])
    made = _rendered(folder, "infrastructure", "production")
    alarms = {made.resource(name)["AlarmName"] for name in ("ErrorsAlarm", "LatencyAlarm")}
    assert {it["Name"] for it in group["AlarmConfiguration"]["Alarms"]} == alarms
    hooks = yaml.safe_load((folder / "appspec.yaml").read_text())["Hooks"]
    assert hooks == [
        {"AfterAllowTestTraffic": "CodeDeployHook_pre-traffic"},
        {"AfterAllowTraffic": "CodeDeployHook_post-traffic"},
    ]
