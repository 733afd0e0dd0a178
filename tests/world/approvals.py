"""What approvals need before the stack is deployed: the configuration, and the secrets that it names.

The places that people would look at (Slack, Teams, a webhook, mail) are the sinks of local-aws and MiniStack's SES.
"""

import base64
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from world.aws import Aws
from world.servers import ACCOUNT, REGION, Servers

BUCKET = "deploy-hooks-settings"
KEY = "approvals.yaml"
TEAM = "T0SHOP0001"
SENDER = "releases@example.com"
SLACK = "deploy-hooks/slack"
# Another app: whoever has the signing secret of one can press its buttons.
ENVIRONMENTS_SLACK = "deploy-hooks/environments-slack"
TOPICS = ("approvals-list", "approvals-chat")


@dataclass(frozen=True)
class Secrets:
    """Drawn anew for each world, so that a test can look for them where they must not be."""

    slack_signing: str = field(default_factory=lambda: secrets.token_hex(16))
    environments_slack_signing: str = field(default_factory=lambda: secrets.token_hex(16))
    slack_bot: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(20)}")
    webhook: str = field(default_factory=lambda: f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}")


def prepare(servers: Servers, aws: Aws, known: Secrets, config: Path) -> dict[str, str]:
    """Stores all that; returns the template's parameters for it."""
    endpoint = servers.url
    servers.control.set_up_sinks(slack_tokens=[known.slack_bot], webhook_secrets={"machine": known.webhook})
    aws.s3.create_bucket(Bucket=BUCKET)
    put_config(aws, config.read_text())
    _secrets(aws, endpoint, known)
    # SES sends only from addresses that were confirmed.
    aws.sesv2.create_email_identity(EmailIdentity=SENDER)
    topics = [aws.sns.create_topic(Name=name)["TopicArn"] for name in TOPICS]
    return {
        "ApprovalsConfig": f"s3://{BUCKET}/{KEY}",
        "SlackSigningSecret": f"secretsmanager:{SLACK}#signing_secret",
        "ChannelSecretArns": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{SLACK}-*",
        "ChannelParameterArns": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/deploy-hooks/*",
        "ChannelTopicArns": ",".join(topics),
        "SesIdentityArns": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/*",
        "SlackApiUrl": f"{endpoint}/_sinks/slack/api",
        # The sinks are on loopback.
        "AllowPrivateAddresses": "true",
    }


def put_config(aws: Aws, text: str) -> None:
    """Changes the configuration; the functions read it at their next invocation."""
    aws.s3.put_object(Bucket=BUCKET, Key=KEY, Body=text.encode())


def _secrets(aws: Aws, endpoint: str, known: Secrets) -> None:
    sinks = f"{endpoint}/_sinks"
    slack = {
        "bot_token": known.slack_bot,
        "signing_secret": known.slack_signing,
        "webhook_url": f"{sinks}/slack/hook/release-room",
    }
    aws.secretsmanager.create_secret(Name=SLACK, SecretString=json.dumps(slack))
    environments = {"signing_secret": known.environments_slack_signing}
    aws.secretsmanager.create_secret(Name=ENVIRONMENTS_SLACK, SecretString=json.dumps(environments))
    parameters = {
        "teams-url": f"{sinks}/teams/release-room",
        "webhook-url": f"{sinks}/webhook/machine",
        "webhook-secret": known.webhook,
    }
    for name, value in parameters.items():
        aws.ssm.put_parameter(Name=f"/deploy-hooks/{name}", Value=value, Type="SecureString")
