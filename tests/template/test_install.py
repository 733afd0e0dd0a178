"""`deploy-hooks install`, `doctor` and `uninstall` against a local AWS: from packages to a stack, and back."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ministack import MiniStack
from world import paths, templates
from world.servers import ACCOUNT

CLI = paths.BINARIES / "deploy-hooks"
BUCKET = f"deploy-hooks-{ACCOUNT}-us-east-1"


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """A running one."""
    started = MiniStack(tmp_path_factory.mktemp("ministack"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a build leaves it, with packages that hold nothing."""
    folder = tmp_path_factory.mktemp("built") / paths.architecture()
    folder.mkdir()
    text = templates.TEMPLATE.read_text()
    for crate in re.findall(r"CodeUri: crates/([\w-]+)", text):
        (folder / crate).mkdir()
        (folder / crate / "bootstrap").write_text(f"#!/bin/sh\n# {crate}\n")
    # SAM writes functions in their long form, and MiniStack does not know the short one of this.
    text = text.replace("CodeUri: crates/", "CodeUri: ").replace("!Contains", "Fn::Contains:")
    (folder / "template.yaml").write_text(text)
    return folder


def _run(ministack: MiniStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true"} | ministack.environment
    return subprocess.run(
        [str(CLI), *arguments],
        cwd=ministack.home,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )


def _stacks(ministack: MiniStack) -> list[str]:
    stacks = ministack.aws.cloudformation.describe_stacks()["Stacks"]
    return [each["StackName"] for each in stacks if not each["StackStatus"].startswith("DELETE")]


def test_without_packages_it_says_how_to_build_them(ministack: MiniStack, tmp_path: Path) -> None:
    done = _run(ministack, "install", "--built", str(tmp_path))
    assert done.returncode == 2
    assert "make build ARCH=arm64" in done.stderr


def test_a_dry_run_shows_risks_and_costs_and_leaves_no_stack(ministack: MiniStack, built: Path) -> None:
    done = _run(ministack, "install", "--built", str(built), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "What CloudFormation would do with the stack deploy-hooks" in done.stdout
    assert "Who may do what changes" in done.stdout and "PreTrafficRole" in done.stdout
    assert re.search(r"Charged by the month, whether or not anything is deployed: about \d+\.\d\d USD", done.stdout)
    assert _stacks(ministack) == []


def test_nobody_at_the_terminal_is_no_yes(ministack: MiniStack, built: Path) -> None:
    done = _run(ministack, "install", "--built", str(built))
    assert done.returncode == 2
    assert "nobody said yes; --yes says it, for CI" in done.stderr
    assert _stacks(ministack) == []


def test_a_parameter_that_there_is_not_is_refused_before_anything(ministack: MiniStack, built: Path) -> None:
    done = _run(ministack, "install", "--built", str(built), "--yes", "--parameter", "SuitLocation=s3://b/k")
    assert done.returncode == 2
    assert "the template has no parameter SuitLocation" in done.stderr


def test_it_is_installed_examined_upgraded_and_taken_away(ministack: MiniStack, built: Path) -> None:
    done = _run(ministack, "install", "--built", str(built), "--yes", "--parameter", "OutcomeEmail=ops@example.com")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "- AfterAllowTestTraffic: CodeDeployHook_pre-traffic" in done.stdout
    assert "- AfterAllowTraffic: CodeDeployHook_post-traffic" in done.stdout
    aws = ministack.aws
    [stack] = aws.cloudformation.describe_stacks(StackName="deploy-hooks")["Stacks"]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert parameters["SuiteLocation"] == f"s3://{BUCKET}/suites/{{application}}.yaml"
    assert parameters["Architecture"] == paths.architecture()
    starter = aws.s3.get_object(Bucket=BUCKET, Key="suites/starter.yaml")["Body"].read()
    assert b"name: starter" in starter
    function = aws.lambda_.get_function(FunctionName="CodeDeployHook_pre-traffic")["Configuration"]
    assert function["Timeout"] == 300

    # MiniStack has no CodeDeploy, so who calls the gates is not known: tests/e2e/test_doctor.py has it.
    examined = _run(ministack, "doctor", "--json")
    assert examined.returncode == 2, examined.stdout + examined.stderr
    findings = {each["rule"]: each for each in json.loads(examined.stdout)["findings"]}
    unknown = {rule: each["why"] for rule, each in findings.items() if each["outcome"] == "unknown"}
    assert {"callers", "listeners", "wiring"} <= set(unknown)
    assert all("ListApplications failed" in why for why in unknown.values()), unknown
    held = {rule for rule, each in findings.items() if each["outcome"] == "held"}
    assert {"stack", "functions", "settings", "configurations", "subscriptions", "queues", "schedules"} <= held

    # What the stack has is kept, and what was changed by hand is found.
    upgraded = _run(ministack, "install", "--built", str(built), "--yes", "--parameter", "PreTrafficTimeout=200")
    assert upgraded.returncode == 0, upgraded.stdout + upgraded.stderr
    [stack] = aws.cloudformation.describe_stacks(StackName="deploy-hooks")["Stacks"]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert (parameters["OutcomeEmail"], parameters["PreTrafficTimeout"]) == ("ops@example.com", "200")
    aws.lambda_.update_function_configuration(FunctionName="CodeDeployHook_pre-traffic", Timeout=3)
    examined = _run(ministack, "doctor")
    assert "has a time limit of 3 s, and PreTrafficTimeout says 200 s" in examined.stdout, examined.stdout

    shown = _run(ministack, "uninstall", "--dry-run")
    assert shown.returncode == 0 and "reports are records of releases" in shown.stdout
    assert _run(ministack, "uninstall").returncode == 2, "nobody said yes"
    bucket = _output(stack, "ReportBucketName")
    gone = _run(ministack, "uninstall", "--yes")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert _stacks(ministack) == []
    assert bucket in [each["Name"] for each in aws.s3.list_buckets()["Buckets"]], "what is said to stay stays"


def test_without_an_installation_the_doctor_says_so(ministack: MiniStack) -> None:
    done = _run(ministack, "doctor", "--stack", "nowhere")
    assert done.returncode == 3
    assert "there is no stack nowhere" in done.stderr


def _output(stack: Any, key: str) -> str:
    return next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == key)
