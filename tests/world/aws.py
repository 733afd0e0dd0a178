"""AWS clients that know only the local front door."""

from typing import Any

import boto3
from botocore.config import Config

from world.servers import REGION


class Aws:
    """boto3 clients, one a service; boto3's clients may be shared by threads."""

    def __init__(self, endpoint: str) -> None:
        session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        # Errors are to be seen as they are.
        config = Config(
            retries={"total_max_attempts": 1}, proxies={}, ignore_configured_endpoint_urls=True, max_pool_connections=50
        )

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=endpoint, config=config)

        self.cloudformation = client("cloudformation")
        self.codedeploy = client("codedeploy")
        self.ecs = client("ecs")
        self.elbv2 = client("elbv2")
        self.lambda_ = client("lambda")
        self.logs = client("logs")
        self.s3 = client("s3")
        self.sns = client("sns")
        self.sqs = client("sqs")
        self.ssm = client("ssm")
