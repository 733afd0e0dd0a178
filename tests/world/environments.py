"""What environments need before the stack is deployed: their configuration, and hours around the present.

The functions have the machine's clock, which the virtual one runs ahead of. So that both tell of the same
day, the evening comes soon after the world begins, whatever time that is.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from world.approvals import BUCKET, ENVIRONMENTS_SLACK
from world.aws import Aws
from world.control import Json

KEY = "environments.yaml"
OFFICE = re.compile(r"^(  office: )\S.*$", re.MULTILINE)
ZONE = re.compile(r"^(zone: )\S.*$", re.MULTILINE)
UNTIL_EVENING = timedelta(hours=1)
NIGHT = timedelta(hours=11)


@dataclass(frozen=True)
class Hours:
    """When it is evening and morning, on every day."""

    evening: datetime
    morning: datetime
    # Where it is: both instants are told in its time.
    zone: str = "UTC"

    @classmethod
    def around(cls, now: datetime) -> "Hours":
        """The evening is an hour from now, and the night eleven hours long."""
        evening = now.astimezone(UTC).replace(second=0, microsecond=0) + UNTIL_EVENING
        # Midnight has two names, of which the texts that are compared could say either.
        if (evening.hour, evening.minute) == (0, 0):
            evening += timedelta(minutes=1)
        return cls(evening, evening + NIGHT)

    @property
    def windows(self) -> str:
        """The office hours, as a schedule says them."""
        return f"Mon-Sun {self.morning:%H:%M}-{self.evening:%H:%M}"

    def parameters(self) -> dict[str, str]:
        """The entries of EventBridge Scheduler."""
        return {
            "EnvironmentsDown": f"cron({self.evening.minute} {self.evening.hour} * * ? *)",
            "EnvironmentsUp": f"cron({self.morning.minute} {self.morning.hour} * * ? *)",
        }


def configured(text: str, hours: Hours) -> str:
    """A configuration with these office hours, in their zone."""
    changed, offices = OFFICE.subn(rf"\g<1>{hours.windows}", text)
    changed, zones = ZONE.subn(rf"\g<1>{hours.zone}", changed)
    if (offices, zones) != (1, 1):
        raise ValueError("the configuration needs lines `  office: …` and `zone: …`, in which the hours are put")
    return changed


def prepare(aws: Aws, text: str, hours: Hours) -> dict[str, str]:
    """Stores the configuration; returns the template's parameters."""
    put_config(aws, configured(text, hours))
    return {
        "Environments": "on",
        "EnvironmentsDryRun": "false",
        "EnvironmentsConfig": f"s3://{BUCKET}/{KEY}",
        "EnvironmentsZone": hours.zone,
        "EnvironmentsLinks": "true",
        "EnvironmentsClusters": "dev-*",
        "EnvironmentsDatabases": "dev-*",
        "EnvironmentsGroups": "dev-*",
        "EnvironmentsSlackSigningSecret": f"secretsmanager:{ENVIRONMENTS_SLACK}#signing_secret",
    } | hours.parameters()


def put_config(aws: Aws, text: str) -> None:
    """Changes the configuration; the function reads it at its next invocation."""
    aws.s3.put_object(Bucket=BUCKET, Key=KEY, Body=text.encode())


def remembered(aws: Aws, table: str, arn: str) -> Json:
    """The record of a service in the table of environments; empty without one."""
    key = {"pk": {"S": f"service#{arn}"}, "sk": {"S": "sleep"}}
    item = aws.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    return dict(json.loads(item["body"]["S"])) if item else {}
