"""Pipelines whose Lambda actions are the deployed deploy action and a deployed gate."""

import json
from typing import Any

import pytest
from world import World
from world.control import Json
from world.native import CLUSTER, CONTAINER_PORT, PRODUCTION, GatedService
from world.outcomes import wait_for
from world.pipeline import ARTIFACTS, CONNECTION, ENDED
from world.servers import ACCOUNT

NAME = "piped"
SUITE = """
version: 1
name: piped
checks:
  - name: the version served is the version deployed
    http: GET /version
    expect: [{ status: 200 }, { json: { path: $.version, equals: "{{ target.version }}" } }]
  - name: a reader buys a book
    http: { method: POST, url: /api/checkout, json: { book: 7, quantity: 1 } }
    retries: 0
    expect: [{ status: 201 }]
"""
# CodePipeline calls again so long after a continuation token.
CALLS_AGAIN_AFTER = 30
WITHIN = 120


def _task_definition(version: str, fault: str) -> str:
    environment = {"SHOP_VERSION": version, "SHOP_FAULT": fault}
    definition = {
        "family": NAME,
        "containerDefinitions": [
            {
                "name": "shop",
                "image": "<IMAGE1_NAME>",
                "memory": 64,
                "portMappings": [{"containerPort": CONTAINER_PORT}],
                "environment": [{"name": name, "value": value} for name, value in environment.items()],
            }
        ],
    }
    return json.dumps(definition)


class Piped:
    """A pipeline that deploys a service of ECS and measures it."""

    def __init__(self, world: World, gated: GatedService, parameters: Json) -> None:
        self.world, self.gated, self.parameters = world, gated, parameters
        self.repository = f"shop/{NAME}"

    def create(self) -> None:
        """Makes the pipeline; nothing runs yet."""
        self.commit("1.0.0")
        self.world.aws.s3.create_bucket(Bucket=ARTIFACTS)
        source = {"ConnectionArn": CONNECTION, "FullRepositoryId": self.repository, "BranchName": "main"}
        target = {
            "url": f"http://127.0.0.1:{self.gated.service.port}",
            "host": PRODUCTION,
            "application": NAME,
            "deployment_group": CLUSTER,
            "version": "#{variables.RELEASE}",
        }
        smoke = {"stage": "post-traffic", "target": target, "on_failed": "continue"}
        stages = [
            ("Source", "Source", "CodeStarSourceConnection", source),
            ("Deploy", "Invoke", "Lambda", self._invokes(self.world.stack.deploy_action, self.parameters)),
            ("Smoke", "Invoke", "Lambda", self._invokes(self.world.stack.post_traffic, smoke)),
        ]
        self.world.aws.codepipeline.create_pipeline(
            pipeline={
                "name": NAME,
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/pipeline",
                "artifactStore": {"type": "S3", "location": ARTIFACTS},
                "pipelineType": "V2",
                "variables": [{"name": "RELEASE", "defaultValue": "0.0.0"}],
                "stages": [{"name": name, "actions": [_action(name, *action)]} for name, *action in stages],
            }
        )

    def commit(self, version: str, fault: str = "none", **files: str) -> None:
        """What the next execution deploys."""
        detail = json.dumps({"ImageURI": f"registry.example/shop:{version}"})
        held = {"taskdef.json": _task_definition(version, fault), "imageDetail.json": detail} | files
        told = {"author": "developer", "email": "developer@example.com", "date": "2026-01-02T03:04:05Z"}
        self.world.control.commit({"repository": self.repository, "message": version, "files": held} | told)

    def run(self, version: str) -> tuple[str, dict[str, Json]]:
        """Starts an execution and waits for its end; returns its status, and what each stage's action put out."""
        client = self.world.aws.codepipeline
        started = client.start_pipeline_execution(name=NAME, variables=[{"name": "RELEASE", "value": version}])
        execution = str(started["pipelineExecutionId"])

        def end() -> str:
            self.world.control.advance(CALLS_AGAIN_AFTER)
            found = client.get_pipeline_execution(pipelineName=NAME, pipelineExecutionId=execution)
            status = str(found["pipelineExecution"]["status"])
            return status if status in ENDED else ""

        status = str(wait_for(f"the end of {NAME} {execution}", end, WITHIN))
        runs = client.list_action_executions(pipelineName=NAME, filter={"pipelineExecutionId": execution})
        return status, {run["stageName"]: run.get("output", {}) for run in runs["actionExecutionDetails"]}

    @staticmethod
    def _invokes(function: str, parameters: Json) -> Json:
        return {"FunctionName": function, "UserParameters": json.dumps(parameters)}


def _action(stage: str, category: str, provider: str, configuration: Json) -> Json:
    made: Any = {
        "name": stage,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": configuration,
    }
    if stage == "Source":
        return dict(made, outputArtifacts=[{"name": "source"}])
    return dict(made, inputArtifacts=[{"name": "source"}] if stage == "Deploy" else [])


@pytest.fixture(scope="module")
def piped(world: World) -> Piped:
    """A service with gates at its hooks, and its pipeline."""
    gated = GatedService(world, NAME, SUITE)
    first = gated.service.create("1.0.0", strategy="BLUE_GREEN", lifecycleHooks=gated.hooks(["BAKE_TIME"])[:1])
    assert first["status"] == "SUCCESSFUL", first.get("statusReason")
    parameters = {"cluster": CLUSTER, "service": NAME, "image_detail": "imageDetail.json", "timeout": "2h"}
    made = Piped(world, gated, parameters)
    made.create()
    return made


def test_a_pipeline_deploys_and_measures_without_a_server(piped: Piped) -> None:
    piped.commit("1.1.0")
    status, outputs = piped.run("1.1.0")
    assert status == "Succeeded", outputs
    assert piped.gated.service.versions(PRODUCTION, 3) == ["1.1.0"] * 3
    deploy, smoke = outputs["Deploy"], outputs["Smoke"]
    variables = deploy["outputVariables"]
    assert variables["outcome"] == "successful"
    assert variables["service_deployment"] == piped.gated.service.newest()
    assert deploy["executionResult"]["externalExecutionSummary"] == f"{CLUSTER}/{NAME}: the deployment succeeded."
    assert smoke["outputVariables"]["verdict"] == "passed", smoke
    assert smoke["outputVariables"]["passed"] == "true"


def test_a_deployment_that_is_rolled_back_fails_the_action_with_the_reason(piped: Piped) -> None:
    served = piped.gated.service.versions(PRODUCTION)
    piped.commit("1.2.0", fault="checkout")
    status, outputs = piped.run("1.2.0")
    assert status == "Failed", outputs
    message = outputs["Deploy"]["executionResult"]["errorDetails"]["message"]
    assert "was rolled back" in message and f"hook {piped.world.stack.pre_traffic} failed" in message, message
    assert piped.gated.service.versions(PRODUCTION, 3) == served * 3
    assert "Smoke" not in outputs


def test_a_wrong_file_deploys_nothing(piped: Piped) -> None:
    before = piped.gated.service.newest()
    piped.commit("1.3.0", **{"taskdef.json": '{"family": "piped", "containerDefinitons": []}'})
    status, outputs = piped.run("1.3.0")
    assert status == "Failed"
    error = outputs["Deploy"]["executionResult"]["errorDetails"]
    assert error["code"] == "ConfigurationError"
    assert "containerDefinitons" in error["message"] and "did you mean containerDefinitions" in error["message"], error
    assert piped.gated.service.newest() == before
