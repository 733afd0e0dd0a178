"""AWS clients that know only the local front door."""

from typing import Any

import boto3
from botocore.config import Config

from world.servers import REGION


class Aws:
    """boto3 clients, one a service; boto3's clients may be shared by threads."""

    def __init__(self, endpoint: str, user: str = "test") -> None:
        """`user` is who calls, as far as local-aws tells it: there, an access key is a name."""
        session = boto3.session.Session(aws_access_key_id=user, aws_secret_access_key="test", region_name=REGION)
        # Errors are to be seen as they are.
        config = Config(
            retries={"total_max_attempts": 1}, proxies={}, ignore_configured_endpoint_urls=True, max_pool_connections=50
        )

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=endpoint, config=config)

        self.autoscaling = client("application-autoscaling")
        self.cloudformation = client("cloudformation")
        self.cloudwatch = client("cloudwatch")
        self.codedeploy = client("codedeploy")
        self.codepipeline = client("codepipeline")
        self.dynamodb = client("dynamodb")
        self.ecs = client("ecs")
        self.elbv2 = client("elbv2")
        self.events = client("events")
        self.groups = client("autoscaling")
        self.lambda_ = client("lambda")
        self.logs = client("logs")
        self.rds = client("rds")
        self.s3 = client("s3")
        self.scheduler = client("scheduler")
        self.secretsmanager = client("secretsmanager")
        self.sesv2 = client("sesv2")
        self.sns = client("sns")
        self.sqs = client("sqs")
        self.ssm = client("ssm")
        self.states = client("stepfunctions")
        # Any other service.
        self.client = client
