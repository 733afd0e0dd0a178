"""Deployments by ECS itself in the local AWS: hooks that are real functions, boto3 and the AWS CLI as clients."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from world import paths
from world.aws import Aws
from world.native import CLUSTER, PRODUCTION, TEST, NativeService, hook, hook_function
from world.outcomes import wait_for
from world.servers import REGION, Servers, environment

# Writes down what it was called with, and says what its details tell it to.
NOTES = """
import json, os

def handler(event, context):
    details = event.get("hookDetails", {})
    with open(details["notes"], "a") as notes:
        notes.write(json.dumps(event) + "\\n")
    if event["lifecycleStage"] == details.get("fail_at"):
        return {"hookStatus": "FAILED"}
    rounds = details.get("rounds", 0)
    if rounds:
        return {"hookStatus": "IN_PROGRESS", "callBackDelay": 60, "hookDetails": {"rounds": rounds - 1}}
    return {"hookStatus": "SUCCEEDED"}
"""
BROKEN = "def handler(event, context):\n    raise ValueError('the suite is gone')\n"


@pytest.fixture(scope="module")
def local() -> Iterator[SimpleNamespace]:
    """MiniStack and local-aws alone, with two functions."""
    paths.LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ecs-", dir=paths.LOCAL) as home:
        servers = Servers(Path(home))
        try:
            aws = Aws(servers.url)
            yield SimpleNamespace(
                aws=aws,
                home=Path(home),
                url=servers.url,
                control=servers.control,
                notes=hook_function(aws, "notes", NOTES),
                broken=hook_function(aws, "broken", BROKEN),
            )
        finally:
            servers.stop()


def events_in(notes: Path) -> list[dict]:
    return [json.loads(line) for line in notes.read_text().splitlines()]


def run_cli(local: SimpleNamespace, *words: str) -> str:
    command = [str(paths.TOOLS / "aws"), *words, "--output", "json"]
    env = environment(local.url, local.home) | {"AWS_PAGER": ""}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_canary_goes_live_step_by_step_when_its_function_agrees(local: SimpleNamespace) -> None:
    service = NativeService(local.aws, "canary")
    assert service.create("1.0.0", strategy="BLUE_GREEN")["status"] == "SUCCESSFUL"
    notes = local.home / "canary.jsonl"
    stages = ("POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
    deployment = service.deploy(
        "2.0.0",
        strategy="CANARY",
        bakeTimeInMinutes=5,
        canaryConfiguration={"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 10},
        lifecycleHooks=[hook(local.notes, *stages, hookDetails={"notes": str(notes), "rounds": 2})],
    )
    wait_for("the first call", lambda: notes.exists() and events_in(notes), 60)
    assert service.versions(TEST) == ["2.0.0"]
    assert service.versions(PRODUCTION) == ["1.0.0"]
    local.control.advance(120)
    weight = "requestedProductionTrafficWeight"
    service.wait(deployment, lambda seen: seen["targetServiceRevision"].get(weight) == 20.0)
    assert service.versions(PRODUCTION, 10).count("2.0.0") == 2
    local.control.advance(600)
    service.wait(deployment, lambda seen: seen.get("lifecycleStage") == "BAKE_TIME")
    assert service.versions(PRODUCTION, 5) == ["2.0.0"] * 5
    local.control.advance(300)
    over = service.wait(deployment, lambda seen: "finishedAt" in seen)
    assert over["status"] == "SUCCESSFUL"
    assert isinstance(over["finishedAt"], datetime)
    calls = events_in(notes)
    assert [call["lifecycleStage"] for call in calls] == [stages[0]] * 3 + [stages[1]] * 2
    assert [call["hookDetails"]["rounds"] for call in calls] == [2, 1, 0, 0, 0]
    new = over["targetServiceRevision"]["arn"]
    assert [call["executionDetails"]["productionTrafficWeights"].get(new) for call in calls[3:]] == [20, 100]
    revision = local.aws.ecs.describe_service_revisions(serviceRevisionArns=[new])["serviceRevisions"][0]
    assert revision["containerImages"][0]["image"] == "registry.example/shop:2.0.0"


def test_a_function_that_fails_brings_the_old_revision_back_and_says_why(local: SimpleNamespace) -> None:
    service = NativeService(local.aws, "broken")
    service.create("1.0.0", strategy="BLUE_GREEN")
    deployment = service.deploy(
        "2.0.0", strategy="BLUE_GREEN", lifecycleHooks=[hook(local.broken, "POST_PRODUCTION_TRAFFIC_SHIFT")]
    )
    over = service.wait(deployment, lambda seen: "finishedAt" in seen)
    assert over["status"] == "ROLLBACK_SUCCESSFUL"
    assert "the suite is gone" in over["statusReason"]
    assert service.versions(PRODUCTION, 5) == ["1.0.0"] * 5


def test_an_alarm_that_goes_off_while_it_bakes_brings_it_back(local: SimpleNamespace) -> None:
    cloudwatch = local.aws.cloudwatch
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="shop",
        MetricName="errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="test")
    service = NativeService(local.aws, "alarm")
    service.create("1.0.0", strategy="BLUE_GREEN")
    alarms = {"alarmNames": ["errors"], "enable": True, "rollback": True}
    deployment = service.deploy("2.0.0", strategy="BLUE_GREEN", bakeTimeInMinutes=30, alarms=alarms)
    service.wait(deployment, lambda seen: seen.get("lifecycleStage") == "BAKE_TIME")
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")
    over = service.wait(deployment, lambda seen: "finishedAt" in seen)
    assert over["status"] == "ROLLBACK_SUCCESSFUL"
    assert over["alarms"]["triggeredAlarmNames"] == ["errors"]
    assert service.versions(PRODUCTION, 5) == ["1.0.0"] * 5


def test_a_pause_reaches_event_bridge_and_waits_for_the_cli(local: SimpleNamespace) -> None:
    events = local.aws.events
    queue = local.aws.sqs.create_queue(QueueName="hooks")["QueueUrl"]
    attributes = local.aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Hook State Change"],
        "detail": {"eventName": ["HOOK_AWAITING_ACTION"]},
    }
    events.put_rule(Name="pauses", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="pauses", Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
    service = NativeService(local.aws, "paused")
    service.create("1.0.0", strategy="BLUE_GREEN")
    pause = {
        "targetType": "PAUSE",
        "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
        "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "ROLLBACK"},
    }
    deployment = service.deploy("2.0.0", strategy="BLUE_GREEN", lifecycleHooks=[pause])

    got = wait_for(
        "the event",
        lambda: local.aws.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"),
        60,
    )
    detail = json.loads(got[0]["Body"])["detail"]
    assert detail["serviceDeploymentArn"] == deployment
    assert detail["hookType"] == "PAUSE"
    assert datetime.fromisoformat(detail["expiresAt"]) > datetime.now(UTC)

    seen = json.loads(run_cli(local, "ecs", "describe-service-deployments", "--service-deployment-arns", deployment))
    waiting = seen["serviceDeployments"][0]["lifecycleHookDetails"][0]
    assert (waiting["hookId"], waiting["status"]) == (detail["hookId"], "AWAITING_ACTION")
    assert service.versions(PRODUCTION) == ["1.0.0"]
    said = ("--service-deployment-arn", deployment, "--hook-id", waiting["hookId"])
    run_cli(local, "ecs", "continue-service-deployment", *said, "--action", "CONTINUE")
    over = service.wait(deployment, lambda seen: "finishedAt" in seen)
    assert over["status"] == "SUCCESSFUL"
    assert service.versions(PRODUCTION) == ["2.0.0"]
    rules = json.loads(run_cli(local, "elbv2", "describe-rules", "--listener-arn", service.listener))["Rules"]
    assert [rule["Priority"] for rule in rules] == ["1", "2", "default"]
    assert rules[0]["Conditions"][0]["HostHeaderConfig"]["Values"] == [PRODUCTION]


def test_errors_are_the_exceptions_of_the_service_model(local: SimpleNamespace) -> None:
    ecs, elbv2 = local.aws.ecs, local.aws.elbv2
    nowhere = f"arn:aws:ecs:{REGION}:000000000000:service-deployment/{CLUSTER}/none/0"
    with pytest.raises(ecs.exceptions.ServiceDeploymentNotFoundException):
        ecs.stop_service_deployment(serviceDeploymentArn=nowhere)
    with pytest.raises(ecs.exceptions.ServiceDeploymentNotFoundException):
        ecs.continue_service_deployment(serviceDeploymentArn=nowhere, hookId="ecs-pause-1")
    with pytest.raises(elbv2.exceptions.RuleNotFoundException):
        elbv2.describe_rules(RuleArns=[f"arn:aws:elasticloadbalancing:{REGION}:000000000000:listener-rule/app/a/b/c/d"])
    service = NativeService(local.aws, "errors")
    with pytest.raises(elbv2.exceptions.PriorityInUseException):
        service.rule(1, "other.test")
    with pytest.raises(ClientError, match="advancedConfiguration field is required"):
        ecs.create_service(
            cluster=CLUSTER,
            serviceName="errors",
            taskDefinition=service.register("1.0.0"),
            deploymentConfiguration={"strategy": "BLUE_GREEN"},
            loadBalancers=[{"targetGroupArn": service.blue, "containerName": "shop", "containerPort": 8080}],
        )
