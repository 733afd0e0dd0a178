"""Deploys template.yaml into the local AWS with SAM, as one does into an account."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from world import paths
from world.aws import Aws
from world.servers import FALSE_TIME, environment

# Half a minute, and minutes on a machine that has other work.
DEPLOY_WITHIN = 900
ARTIFACTS = "deploy-hooks-artifacts"
SUITES = "deploy-hooks-suites"
SUITE_LOCATION = f"s3://{SUITES}/{{application}}/{{deployment_group}}.yaml"


class DeployFailed(Exception):
    """SAM could not deploy."""


@dataclass(frozen=True)
class Stack:
    """What the deployed template made."""

    pre_traffic: str
    post_traffic: str
    pre_traffic_arn: str
    post_traffic_arn: str
    report_bucket: str
    outcome_topic: str
    notifier: str
    decision: str
    decision_url: str
    slack_url: str
    approval_topic: str
    state_table: str
    keys_secret: str
    undelivered_queue: str
    # Empty without EcsServices.
    ecs_hook_role: str = ""
    # Empty without DeployServices.
    deploy_action: str = ""
    # Empty without environments.
    scheduler: str = ""
    scheduler_url: str = ""
    environments_table: str = ""
    environments_keys: str = ""
    environments_topic: str = ""
    environments_queue: str = ""

    @property
    def functions(self) -> list[str]:
        """All of them."""
        gates_and_approvals = [self.pre_traffic, self.post_traffic, self.notifier, self.decision]
        return gates_and_approvals + [name for name in (self.deploy_action, self.scheduler) if name]


def deploy(aws: Aws, endpoint: str, home: Path, *, name: str = "deploy-hooks", **parameters: str) -> Stack:
    """Deploys; `parameters` overrides the template's."""
    for bucket in (ARTIFACTS, SUITES):
        aws.s3.create_bucket(Bucket=bucket)
    values = {"Architecture": paths.architecture(), "SuiteLocation": SUITE_LOCATION} | parameters
    app = home / "sam"
    app.mkdir(exist_ok=True)
    # SAM would ask PyPI for a newer version of itself; this says that it did just now.
    (app / "metadata.json").write_text(json.dumps({"lastVersionCheck": "9999-01-01T00:00:00"}))
    env = environment(endpoint, home) | {
        "__SAM_CLI_APP_DIR": str(app),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.3",
    }
    # SAM waits by a clock that a false time confuses.
    env = {name: value for name, value in env.items() if name not in FALSE_TIME}
    command = [
        str(paths.TOOLS / "sam"),
        "deploy",
        *("--stack-name", name, "--template-file", str(paths.built_template())),
        *("--s3-bucket", ARTIFACTS, "--capabilities", "CAPABILITY_IAM"),
        *("--no-progressbar", "--no-confirm-changeset"),
        # Quoted for SAM itself, which splits at spaces.
        *("--parameter-overrides", *(f'{key}="{value}"' for key, value in values.items())),
    ]
    # In its own folder, so that the samconfig.toml for real accounts has no say.
    run(command, home, env, home / f"sam-{name}.log", DEPLOY_WITHIN)
    return _describe(aws, name)


def run(command: list[str], home: Path, env: dict[str, str], log: Path, within: float) -> None:
    """Runs SAM in `home`, with all that it says in `log`."""
    with log.open("w") as said:
        try:
            ended = subprocess.run(
                command, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=within
            ).returncode
            how = f"ended with status {ended}" if ended else ""
        except subprocess.TimeoutExpired:
            how = f"did not end within {within:g} seconds; try again when the machine has less to do"
    if how:
        tail = "\n".join(log.read_text().splitlines()[-30:])
        raise DeployFailed(f"sam deploy {how}; the last that it said:\n{tail}")


def _describe(aws: Aws, name: str) -> Stack:
    outputs = aws.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    value = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    return Stack(
        pre_traffic=value["PreTrafficFunction"],
        post_traffic=value["PostTrafficFunction"],
        pre_traffic_arn=value["PreTrafficFunctionArn"],
        post_traffic_arn=value["PostTrafficFunctionArn"],
        report_bucket=value["ReportBucketName"],
        outcome_topic=value["OutcomeTopicArn"],
        notifier=value["ApprovalNotifierFunction"],
        decision=value["ApprovalDecisionFunction"],
        decision_url=value["DecisionUrl"],
        slack_url=value["SlackInteractionsUrl"],
        approval_topic=value["ApprovalTopicArn"],
        state_table=value["StateTableName"],
        keys_secret=value["KeysSecretArn"],
        undelivered_queue=value["UndeliveredQueueUrl"],
        ecs_hook_role=value.get("EcsHookRoleArn", ""),
        deploy_action=value.get("DeployActionFunction", ""),
        scheduler=value.get("EnvSchedulerFunction", ""),
        scheduler_url=value.get("EnvironmentsUrl", ""),
        environments_table=value.get("EnvironmentsTableName", ""),
        environments_keys=value.get("EnvironmentsKeysArn", ""),
        environments_topic=value.get("EnvironmentsTopicArn", ""),
        environments_queue=value.get("EnvironmentsQueueUrl", ""),
    )
