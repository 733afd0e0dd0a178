"""What the gates tell people: the messages of the outcome topic and the reports in the bucket."""

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world.aws import Aws
from world.stack import Stack


@dataclass(frozen=True)
class Outcome:
    """One message, as a subscriber gets it."""

    subject: str
    text: str
    attributes: dict[str, str]

    @property
    def deployment_id(self) -> str:
        return self.attributes.get("deployment_id", "")

    @property
    def stage(self) -> str:
        return self.attributes.get("stage", "")

    @property
    def answer(self) -> str:
        """`Succeeded` or `Failed`."""
        return self.attributes.get("answer", "")

    @property
    def report(self) -> str:
        """The `s3://` address of the HTML report; empty when none was stored."""
        return self.attributes.get("report", "")

    @property
    def reasons(self) -> list[str]:
        """The lines under "Why"."""
        lines = self.text.split("\nWhy\n", 1)[-1].split("\n\n", 1)[0].splitlines()
        return [line.removeprefix("  - ") for line in lines if line.startswith("  - ")]


class Outcomes:
    """A queue on the outcome topic, read in the background for as long as the world lasts."""

    def __init__(self, aws: Aws, stack: Stack) -> None:
        self._aws = aws
        queue = aws.sqs.create_queue(QueueName=f"{stack.outcome_topic.rsplit(':', 1)[-1]}-outcomes")
        self._queue = queue["QueueUrl"]
        attributes = aws.sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        aws.sns.subscribe(TopicArn=stack.outcome_topic, Protocol="sqs", Endpoint=arn)
        self._changed = threading.Condition()
        self._told: list[Outcome] = []
        self._unanswered: list[dict[str, Any]] = []
        self._stopping = threading.Event()
        self._reader = threading.Thread(target=self._read, name="outcomes", daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Ends the reader."""
        self._stopping.set()
        self._reader.join(5)

    def all(self, deployment_id: str) -> list[Outcome]:
        """What has been told of a deployment so far."""
        with self._changed:
            return [outcome for outcome in self._told if outcome.deployment_id == deployment_id]

    def wait(self, deployment_id: str, stage: str, within: float = 30) -> Outcome:
        """The message of one gate about one deployment."""

        def found() -> Outcome | None:
            return next((o for o in self._told if (o.deployment_id, o.stage) == (deployment_id, stage)), None)

        with self._changed:
            outcome = self._changed.wait_for(found, within)
        if outcome is None:
            raise TimeoutError(f"the {stage} gate told nothing of {deployment_id} in {within:.0f} s")
        return outcome

    def wait_unanswered(self, deployment_id: str, within: float = 30) -> dict[str, Any]:
        """What Lambda tells when a gate has failed in all its runs for a deployment."""

        def found() -> dict[str, Any] | None:
            return next((u for u in self._unanswered if u["requestPayload"].get("DeploymentId") == deployment_id), None)

        with self._changed:
            record = self._changed.wait_for(found, within)
        if record is None:
            raise TimeoutError(f"Lambda told of no failed invocation for {deployment_id} in {within:.0f} s")
        return record

    def report(self, outcome: Outcome, extension: str = "json") -> bytes:
        """The stored report, as `json` or `html`."""
        bucket, key = outcome.report.removeprefix("s3://").split("/", 1)
        key = key.removesuffix(".html") + f".{extension}"
        return bytes(self._aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def save_report(self, outcome: Outcome, folder: Path) -> Path:
        """Downloads the HTML report."""
        folder.mkdir(parents=True, exist_ok=True)
        version = outcome.attributes.get("version", "unknown")
        path = folder / f"{version}-{outcome.stage}.html"
        path.write_bytes(self.report(outcome, "html"))
        return path

    def _read(self) -> None:
        while not self._stopping.is_set():
            try:
                answer = self._aws.sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            except Exception:
                # The world may be ending, or a test cut the line.
                if self._stopping.wait(0.2):
                    return
                continue
            for message in answer.get("Messages", []):
                self._take(json.loads(message["Body"]))
                self._aws.sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])

    def _take(self, envelope: dict[str, Any]) -> None:
        text = envelope["Message"]
        attributes = {key: value["Value"] for key, value in envelope.get("MessageAttributes", {}).items()}
        with self._changed:
            if "deployment_id" in attributes:
                self._told.append(Outcome(envelope.get("Subject", ""), text, attributes))
            else:
                self._unanswered.append(json.loads(text))
            self._changed.notify_all()


def wait_for(what: str, ready: Any, within: float = 30, every: float = 0.1) -> Any:
    """Polls `ready` until it returns something true; `what` names it in the error."""
    deadline = time.monotonic() + within
    while True:
        value = ready()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not in {within:.0f} s")
        time.sleep(every)
