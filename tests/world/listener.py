"""A subscriber of a topic: everything that was published there, from the moment it listens."""

import json
import threading
from collections.abc import Callable
from typing import Any

from world.aws import Aws
from world.control import Json
from world.outcomes import wait_for


class Listener:
    """A queue on a topic, read in the background until it is stopped."""

    def __init__(self, aws: Aws, topic: str) -> None:
        self._aws = aws
        self._queue = str(aws.sqs.create_queue(QueueName=f"{topic.rsplit(':', 1)[-1]}-listener")["QueueUrl"])
        attributes = aws.sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
        self._lock = threading.Lock()
        self._heard: list[Json] = []
        self._stopping = threading.Event()
        self._reader = threading.Thread(target=self._read, name="listener", daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Ends the reader."""
        self._stopping.set()
        self._reader.join(5)

    def heard(self, holding: str = "") -> list[Json]:
        """The envelopes so far whose message holds a text."""
        with self._lock:
            return [envelope for envelope in self._heard if holding in envelope["Message"]]

    def wait(self, holding: str, wanted: Callable[[Json], Any] = lambda _: True, within: float = 30) -> Json:
        """The first such envelope, as soon as it is there."""
        found = lambda: next((e for e in self.heard(holding) if wanted(e)), None)  # noqa: E731
        return dict(wait_for(f"a message that holds {holding!r}", found, within))

    def _read(self) -> None:
        while not self._stopping.is_set():
            try:
                got = self._aws.sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
                for message in got.get("Messages", []):
                    with self._lock:
                        self._heard.append(json.loads(message["Body"]))
                    self._aws.sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            except Exception:
                # The world may be ending, or a test cut the line.
                if self._stopping.wait(0.2):
                    return
