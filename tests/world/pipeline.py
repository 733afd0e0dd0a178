"""A pipeline with a manual approval, as a team has one: sources, a change set, the question, a deployment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from world.aws import Aws
from world.control import Control, Json
from world.outcomes import wait_for
from world.servers import ACCOUNT, REGION

STAGE = "Approval"
ACTION = "Approve"
ARTIFACTS = "deploy-hooks-pipelines"
CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/9c1f1d9a-0000-4000-8000-000000000001"
CHANGE_SET = "release"
# What the stack of a pipeline is made of, where a test says nothing else of its change set.
STACK = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n"
ENDED = {"Succeeded", "Failed", "Stopped", "Superseded"}


@dataclass(frozen=True)
class Plan:
    """What the pipeline has beside its source and its approval; the defaults are those of a short one."""

    topic: str
    stack: str = ""
    deploy: Json = field(default_factory=dict)
    mode: str = "SUPERSEDED"
    timeout_minutes: int | None = None
    comment: str | None = None
    link: str | None = None
    notifies: bool = True


class Pipeline:
    """One pipeline. `user` is whoever starts executions and works in the console."""

    def __init__(self, connect: Callable[[str], Aws], control: Control, name: str, plan: Plan) -> None:
        self._connect, self._control, self.name, self.plan = connect, control, name, plan

    def create(self) -> None:
        """Makes it, with a first commit in its repository; nothing runs yet."""
        self.commit("Sell books by the chapter")
        stages = [_stage("Source", [self._source()])]
        if self.plan.stack:
            stages.append(_stage("Prepare", [self._change_set()]))
        stages.append(_stage(STAGE, [self._approval()]))
        if self.plan.deploy:
            stages.append(_stage("Deploy", [self._deployment()]))
        aws = self._connect("release-manager")
        aws.s3.create_bucket(Bucket=ARTIFACTS)
        aws.codepipeline.create_pipeline(
            pipeline={
                "name": self.name,
                "roleArn": f"arn:aws:iam::{ACCOUNT}:role/pipeline",
                "artifactStore": {"type": "S3", "location": ARTIFACTS},
                "pipelineType": "V2",
                "executionMode": self.plan.mode,
                "variables": [{"name": "RELEASE", "defaultValue": "0.0.0"}],
                "stages": stages,
            }
        )

    def start(self, release: str = "1.1.0", user: str = "release-manager") -> str:
        """Starts an execution; returns its id."""
        started = self._connect(user).codepipeline.start_pipeline_execution(
            name=self.name, variables=[{"name": "RELEASE", "value": release}]
        )
        return str(started["pipelineExecutionId"])

    def commit(self, message: str, files: dict[str, str] | None = None, **more: str) -> None:
        """The branch moves on; `files` is what its artifact holds."""
        told = {"author": "developer", "email": "developer@example.com", "date": "2026-01-02T03:04:05Z"} | more
        self._control.commit(
            {"repository": self.repository, "message": message, "files": files or {"stack.yaml": STACK}} | told
        )

    def change_set(self, changes: list[Json], nested: list[Json] | None = None) -> str:
        """What the next change set of the pipeline's stack holds; if there is one already, it is made again."""
        below = {"Inner": {"changes": nested}} if nested else {}
        definition = {"stack": self.plan.stack, "name": CHANGE_SET, "changes": changes, "nested": below}
        return self._control.change_set(definition)

    @property
    def repository(self) -> str:
        """Where its source is."""
        return f"shop/{self.name}"

    # Looking

    def token(self, execution: str, within: float = 30) -> str:
        """Waits for the approval; returns its token, which nobody but CodePipeline and this test may know."""
        return str(wait_for(f"the approval of {self.name}", lambda: self._open(execution), within)["token"])

    def approval(self, execution: str) -> Json:
        """The approval's run in an execution: status, externalExecutionSummary, updatedBy …"""
        return self._run(execution, STAGE)

    def result(self, execution: str) -> tuple[str, str]:
        """The approval's status (`InProgress`, `Succeeded`, `Failed` …) and the reviewer's comment."""
        run = self.approval(execution)
        outcome = run.get("output", {}).get("executionResult", {})
        return str(run.get("status", "")), str(outcome.get("externalExecutionSummary", ""))

    def status(self, execution: str) -> str:
        """The status of an execution."""
        found = self._client().get_pipeline_execution(pipelineName=self.name, pipelineExecutionId=execution)
        return str(found["pipelineExecution"]["status"])

    def ended(self, execution: str, within: float = 60) -> str:
        """Waits for the end of an execution; returns its status."""

        def end() -> str:
            status = self.status(execution)
            return status if status in ENDED else ""

        return str(wait_for(f"the end of {self.name} {execution}", end, within))

    def deployment_of(self, execution: str, within: float = 30) -> str:
        """Waits for the deployment that an execution makes; returns its id."""

        def made() -> str:
            run = self._run(execution, "Deploy")
            return str(run.get("output", {}).get("executionResult", {}).get("externalExecutionId", ""))

        return str(wait_for(f"the deployment of {self.name} {execution}", made, within))

    # Doing what one can do in the console

    def answer_in_console(self, token: str, status: str, summary: str, user: str = "console-user") -> None:
        """`Approved` or `Rejected`."""
        self._client(user).put_approval_result(
            pipelineName=self.name,
            stageName=STAGE,
            actionName=ACTION,
            token=token,
            result={"status": status, "summary": summary},
        )

    def stop(self, execution: str) -> None:
        """Ends an execution at once."""
        self._client().stop_pipeline_execution(
            pipelineName=self.name, pipelineExecutionId=execution, abandon=True, reason="not today"
        )

    def _run(self, execution: str, stage: str) -> Json:
        found = self._client().list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": execution}
        )["actionExecutionDetails"]
        return next((dict(run) for run in found if run["stageName"] == stage), {})

    def _open(self, execution: str) -> Json | None:
        state = self._client().get_pipeline_state(name=self.name)
        for stage in state["stageStates"]:
            if stage["stageName"] == STAGE and stage.get("latestExecution", {}).get("pipelineExecutionId") == execution:
                latest = stage["actionStates"][0].get("latestExecution", {})
                return dict(latest) if latest.get("token") else None
        return None

    def _client(self, user: str = "observer") -> Any:
        return self._connect(user).codepipeline

    # The structure

    def _source(self) -> Json:
        configuration = {"ConnectionArn": CONNECTION, "FullRepositoryId": self.repository, "BranchName": "main"}
        return _action("Commit", "Source", "CodeStarSourceConnection", configuration) | {
            "namespace": "SourceVariables",
            "outputArtifacts": [{"name": "source"}],
        }

    def _change_set(self) -> Json:
        configuration = {
            "ActionMode": "CHANGE_SET_REPLACE",
            "StackName": self.plan.stack,
            "ChangeSetName": CHANGE_SET,
            "TemplatePath": "source::stack.yaml",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/stack",
        }
        return _action("ChangeSet", "Deploy", "CloudFormation", configuration, "source")

    def _approval(self) -> Json:
        configuration = {
            "NotificationArn": self.plan.topic if self.plan.notifies else None,
            "CustomData": self.plan.comment,
            "ExternalEntityLink": self.plan.link,
        }
        action = _action(ACTION, "Approval", "Manual", {k: v for k, v in configuration.items() if v is not None})
        return action | ({"timeoutInMinutes": self.plan.timeout_minutes} if self.plan.timeout_minutes else {})

    def _deployment(self) -> Json:
        return _action("Shop", "Deploy", "CodeDeployToECS", self.plan.deploy, "source")


def _stage(name: str, actions: list[Json]) -> Json:
    return {"name": name, "actions": actions}


def _action(name: str, category: str, provider: str, configuration: Json, artifact: str = "") -> Json:
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": configuration,
        "inputArtifacts": [{"name": artifact}] if artifact else [],
    }
