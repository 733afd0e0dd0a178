"""Runs the state machine of template.yaml in MiniStack, with a worker that does as it is told."""

import io
import json
import sys
import time
import zipfile
from pathlib import Path

from ministack import MiniStack
from world.servers import ACCOUNT
from world.templates import Json

RUN_WITHIN = 60.0
# Writes down what it got. An account's first digit says what it does: 2 fails, 3 needs three runs and says when the
# next one is, 4 never ends.
WORKER = f"""#!{sys.executable}
import json, os, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    request = urllib.request.urlopen(base + "next")
    event = json.loads(request.read())
    with open(os.environ["EVENTS"], "a") as events:
        events.write(json.dumps(event) + "\\n")
    kind, path = event.get("account", "1")[0], "/response"
    more = kind == "4" or (kind == "3" and event["continuation"] < 2)
    answer = {{"continued": more, "done": {{"stopped": 2, "woken": 1, "failed": 0}}}}
    if kind == "3" and more:
        answer["next"] = event | {{"at": "later", "continuation": event["continuation"] + 1}}
    if kind == "2":
        path, answer = "/error", {{"errorType": "CrossAccount", "errorMessage": "the role can't be taken " + "x" * 900}}
    url = base + request.headers["Lambda-Runtime-Aws-Request-Id"] + path
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(answer).encode(), method="POST")).read()
"""


class FanOut:
    """MiniStack with the state machine, its worker, its topic and a queue that hears the topic."""

    def __init__(self, home: Path, definition: Json) -> None:
        self._events = home / "events.jsonl"
        # Nobody waits for retries.
        self._ministack = MiniStack(home, SFN_WAIT_SCALE="0.01")
        try:
            self._aws = self._ministack.aws
            self._states = self._aws.states
            self._machine = self._make(definition)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends MiniStack."""
        self._ministack.stop()

    def run(self, given: Json) -> Json:
        """The execution with this input, when it has ended."""
        started = self._states.start_execution(stateMachineArn=self._machine, input=json.dumps(given))
        deadline = time.monotonic() + RUN_WITHIN
        while time.monotonic() < deadline:
            found = dict(self._states.describe_execution(executionArn=started["executionArn"]))
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.05)
        raise TimeoutError(f"the execution is still running after {RUN_WITHIN:.0f} s")

    def store(self, text: str) -> str:
        """Puts a list of targets into a bucket."""
        self._aws.s3.create_bucket(Bucket="targets")
        self._aws.s3.put_object(Bucket="targets", Key="environments/all.json", Body=text)
        return "s3://targets/environments/all.json"

    def events(self, cause: str) -> list[Json]:
        """What workers got in runs with this cause, by account and order."""
        found = [json.loads(line) for line in self._events.read_text().splitlines()]
        ours = [event for event in found if event.get("cause") == cause]
        return sorted(ours, key=lambda event: (event.get("account", ""), event["continuation"]))

    def told(self) -> list[str]:
        """The messages since the last time, if there are any."""
        got = self._aws.sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        messages = got.get("Messages", [])
        for message in messages:
            self._aws.sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"])["Message"] for message in messages]

    def _make(self, definition: Json) -> str:
        role = f"arn:aws:iam::{ACCOUNT}:role/any"
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, WORKER)
        worker = self._aws.lambda_.create_function(
            FunctionName="worker",
            Runtime="provided.al2023",
            Handler="bootstrap",
            Role=role,
            Code={"ZipFile": package.getvalue()},
            Timeout=30,
            Environment={"Variables": {"EVENTS": str(self._events)}},
        )
        sns = self._aws.sns
        topic = sns.create_topic(Name="environments")["TopicArn"]
        self._queue = str(self._aws.sqs.create_queue(QueueName="told")["QueueUrl"])
        attributes = self._aws.sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
        text = json.dumps(definition)
        for name, value in {"Function": worker["FunctionArn"], "Topic": topic, "Partition": "aws"}.items():
            text = text.replace("${" + name + "}", value)
        made = self._states.create_state_machine(name="fan-out", definition=text, roleArn=role)
        return str(made["stateMachineArn"])
