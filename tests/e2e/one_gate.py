"""One release package as a process of its own, under Lambda's Runtime API and a small AWS: for what the whole
local world is too large to measure."""

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from cage import cage
from world import paths

APP_SPEC = """
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: arn:aws:ecs:us-east-1:111122223333:task-definition/shop:2
        LoadBalancerInfo: { ContainerName: shop, ContainerPort: 8080 }
Hooks:
  - AfterAllowTestTraffic: CodeDeployHook_pre-traffic
"""
EVENT = {"DeploymentId": "d-MEMORY001", "LifecycleEventHookExecutionId": "execution-1"}


@dataclass
class Given:
    """What AWS says in one run."""

    suite: str
    port: int
    app_spec: str = APP_SPEC
    event: dict[str, Any] = field(default_factory=lambda: dict(EVENT))
    # An AppSpec in S3 of so many mebibytes, instead.
    app_spec_mebibytes: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of one run."""

    answers: list[str]
    reasons: str
    peak: int
    seconds: float
    limit: str
    exit_code: int | None


class _Aws(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, given: Given) -> None:
        super().__init__(("127.0.0.1", 0), _AwsHandler)
        self.given = given
        self.answers: list[str] = []


class _AwsHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Aws

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def do_POST(self) -> None:
        body = self._body()
        target = self.headers.get("x-amz-target")
        if target:
            self._json(target.rsplit(".", 1)[-1], json.loads(body))
        else:
            self._query(parse_qs(body.decode()).get("Action", [""])[0])

    def do_PUT(self) -> None:
        self._body()
        self._send(b"", "text/plain")

    def do_GET(self) -> None:
        mebibytes = self.server.given.app_spec_mebibytes
        if "appspec" not in self.path:
            self._send(self.server.given.suite.encode(), "text/yaml")
            return
        # As long as it says, or without an end.
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        with suppress(OSError):
            for _ in range(mebibytes * 16):
                self.wfile.write(b"10000\r\n" + b"#" * 0x10000 + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size + 2)[:-2]
        while self.rfile.readline().strip():
            pass
        return body

    def _send(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _json(self, operation: str, asked: dict[str, Any]) -> None:
        given = self.server.given
        revision: dict[str, Any] = {"revisionType": "AppSpecContent", "appSpecContent": {"content": given.app_spec}}
        if given.app_spec_mebibytes:
            revision = {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "appspec.yaml"}}
        pair = {
            "prodTrafficRoute": {"listenerArns": ["arn:production"]},
            "testTrafficRoute": {"listenerArns": ["arn:test"]},
            "targetGroups": [{"name": "shop-blue"}, {"name": "shop-green"}],
        }
        answers: dict[str, Any] = {
            "GetDeployment": {
                "deploymentInfo": {
                    "applicationName": "shop",
                    "deploymentGroupName": "live",
                    "status": "InProgress",
                    "creator": "user",
                    "revision": revision,
                }
            },
            "GetDeploymentGroup": {
                "deploymentGroupInfo": {
                    "deploymentGroupName": "live",
                    "ecsServices": [{"serviceName": "shop", "clusterName": "shop"}],
                    "loadBalancerInfo": {"targetGroupPairInfoList": [pair]},
                }
            },
            "ListDeploymentTargets": {"targetIds": []},
            "DescribeTaskDefinition": {
                "taskDefinition": {"containerDefinitions": [{"name": "shop", "image": "shop:1.2.0"}]}
            },
            "DescribeServices": {"services": [{"serviceName": "shop"}]},
        }
        if operation == "PutLifecycleEventHookExecutionStatus":
            self.server.answers.append(str(asked["status"]))
            answers[operation] = {}
        self._send(json.dumps(answers.get(operation, {})).encode(), "application/x-amz-json-1.1")

    def _query(self, action: str) -> None:
        port = self.server.given.port

        def forward(group: str) -> str:
            target = f"arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/{group}/1"
            return f"<member><Type>forward</Type><TargetGroupArn>{target}</TargetGroupArn></member>"

        listeners = "".join(
            f"<member><ListenerArn>arn:{name}</ListenerArn><LoadBalancerArn>arn:lb</LoadBalancerArn>"
            f"<Port>{port}</Port><Protocol>HTTP</Protocol><DefaultActions>{forward(group)}</DefaultActions></member>"
            for name, group in (("production", "shop-blue"), ("test", "shop-green"))
        )
        inner = {
            "DescribeListeners": f"<Listeners>{listeners}</Listeners>",
            "DescribeRules": "<Rules><member><RuleArn>arn:default</RuleArn><Priority>default</Priority>"
            f"<IsDefault>true</IsDefault><Actions>{forward('shop-green')}</Actions></member></Rules>",
            "DescribeLoadBalancers": "<LoadBalancers><member><LoadBalancerArn>arn:lb</LoadBalancerArn>"
            "<DNSName>127.0.0.1</DNSName></member></LoadBalancers>",
            "Publish": "<MessageId>m-1</MessageId>",
        }.get(action, "")
        text = f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"
        self._send(text.encode(), "text/xml")


class _Runtime(ThreadingHTTPServer):
    """Lambda's Runtime API, for one event."""

    daemon_threads = True

    def __init__(self, event: dict[str, Any], seconds: int) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeHandler)
        self.event = json.dumps(event).encode()
        self.deadline = int((time.time() + seconds) * 1000)
        self.given = False
        self.returned: queue.Queue[Any] = queue.Queue()


class _RuntimeHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Runtime

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def do_GET(self) -> None:
        if self.server.given:
            threading.Event().wait(600)
            return
        self.server.given = True
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(self.server.deadline))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:f")
        self.send_header("content-length", str(len(self.server.event)))
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self) -> None:
        body = _AwsHandler._body(self)  # type: ignore[arg-type]
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()
        self.server.returned.put(json.loads(body or b"null"))


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[str]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def run(given: Given, mebibytes: int, seconds: int = 30) -> Outcome:
    """Runs the pre-traffic package once, with so much memory and time."""
    program = paths.built_template().parent / "PreTraffic" / "bootstrap"
    aws, runtime = _Aws(given), _Runtime(given.event, seconds)
    with _serving(aws) as endpoint, _serving(runtime) as api, cage(mebibytes) as limit:
        environment = {
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_LAMBDA_FUNCTION_NAME": "CodeDeployHook_pre-traffic",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(mebibytes),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": f"http://{endpoint}",
            "SUITE": "s3://suites/suite.yaml",
            "REPORT_BUCKET": "reports",
            "PATH": os.environ["PATH"],
        }
        started = time.monotonic()
        process = subprocess.Popen(
            [str(program)],
            env=environment,
            preexec_fn=limit.enter,  # noqa: PLW1509
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            value = _wait(process, runtime, seconds)
            took = time.monotonic() - started
            peak = limit.peak(process) if process.poll() is None else mebibytes
            reasons = "\n".join(value.get("reasons", [])) if isinstance(value, dict) else str(value)
            return Outcome(aws.answers, reasons, peak, took, limit.kind, process.poll())
        finally:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", runtime: _Runtime, seconds: int) -> Any:
    until = time.monotonic() + seconds + 5
    while time.monotonic() < until:
        try:
            return runtime.returned.get(timeout=0.1)
        except queue.Empty:
            if process.poll() is not None:
                return f"the process ended with {process.returncode}"
    return "nothing was returned"


def table(rows: list[tuple[str, int, Outcome]]) -> str:
    """The figures, for people."""
    lines = [f"{'attack':<28} {'memory':>7} {'peak':>8} {'time':>7}  answer"]
    for name, mebibytes, outcome in rows:
        answer = ", ".join(outcome.answers) or "NONE"
        lines.append(
            f"{name:<28} {mebibytes:>3} MiB {outcome.peak:>4} MiB {outcome.seconds:>5.1f} s  {answer}"
            f" ({outcome.limit}) {' '.join(outcome.reasons.split())[:90]}"
        )
    return "\n".join(lines)
