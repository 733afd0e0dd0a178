"""`make deploy`: what it asks, what it keeps, and what SAM makes of it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import deploy
import pytest
from conftest import EVERYTHING
from deploy import Config, Question, Refused
from ministack import MiniStack
from world import paths, templates
from world.stack import ARTIFACTS
from world.templates import Json

SAMCONFIG = paths.ROOT / "samconfig.toml"
SUITES = "s3://suites/{application}.yaml"
Ask = Callable[[Question, str | None], str]
# MiniStack knows no alarm of several metrics.
DEPLOYABLE = EVERYTHING | {"Monitoring": "off"}


@pytest.fixture
def asked(template: Json) -> list[Question]:
    """All questions."""
    return deploy.questions(template)


class Person:
    """Answers some questions, and takes the default of the others."""

    def __init__(self, **answers: str) -> None:
        self.answers, self.heard = answers, list[str]()

    def __call__(self, question: Question, default: str | None) -> str:
        self.heard.append(question.name)
        answer = self.answers.get(question.name, default)
        assert answer is not None, f"{question.name} has no default"
        assert question.problem(answer) is None
        return answer


def keeping(_group: str) -> bool:
    """Keeps the defaults of a group."""
    return True


def test_what_is_not_wanted_is_not_asked(asked: list[Question]) -> None:
    person = Person(SuiteLocation=SUITES)
    answers = deploy.fill(asked, {}, person, keeping)
    assert "ApprovalsConfig" in person.heard and "Environments" in person.heard
    assert not [name for name in person.heard if name.startswith(("Channel", "Slack", "Environments"))][1:]
    assert len(person.heard) <= 20
    assert answers["MemorySize"] == "512", "what is kept is an answer, too"
    assert deploy.fill(asked, answers, Person(), keeping) == answers, "nothing is asked twice"


def test_what_is_switched_on_is_asked(asked: list[Question]) -> None:
    first = deploy.fill(asked, {}, Person(SuiteLocation=SUITES), keeping)
    person = Person(EnvironmentsClusters="dev-*")
    deploy.fill(asked, first | {"Environments": "on"}, person, keeping)
    assert "EnvironmentsClusters" in person.heard and "EnvironmentsTargetRoles" in person.heard
    assert not {"SuiteLocation", "Environments", "SlackSigningSecret"} & set(person.heard)


def test_an_upgrade_asks_what_is_new_alone_and_drops_what_is_gone(
    template: Json, asked: list[Question], capsys: pytest.CaptureFixture[str]
) -> None:
    before = deploy.fill(asked, {}, Person(SuiteLocation=SUITES), keeping) | {"EnvironmentsOthers": "true"}
    newer = json.loads(json.dumps(template))
    newer["Parameters"]["NewOne"] = {"Type": "String", "Default": "x", "Description": "New."}
    interface = newer["Metadata"]["AWS::CloudFormation::Interface"]
    interface["ParameterGroups"][0]["Parameters"].append("NewOne")
    interface["ParameterLabels"]["NewOne"] = {"default": "A new one"}
    now = deploy.questions(newer)
    kept = dict(deploy.without_unknown(now, before))
    assert "EnvironmentsOthers is no parameter any more" in capsys.readouterr().out
    person = Person()
    answers = deploy.fill(now, kept, person, keeping)
    assert person.heard == ["NewOne"]
    del before["EnvironmentsOthers"]
    assert answers == before | {"NewOne": "x"}


def test_a_question_says_what_can_be_answered(asked: list[Question]) -> None:
    known = {question.name: question for question in asked}
    assert deploy.explained(known["Environments"], "off").endswith("One of: off, on.")
    assert deploy.explained(known["SubnetIds"], "subnet-1").endswith(" - for nothing.")
    assert not deploy.explained(known["SubnetIds"], "").endswith(" - for nothing.")
    assert not deploy.explained(known["SuiteLocation"], "s3://a/b").endswith(" - for nothing.")


def test_wrong_answers_are_told_together_with_a_sentence_each(asked: list[Question]) -> None:
    wrong = {"EnvironmentsClusters": "*", "MemorySize": "64", "Environments": "yes", "SecretArns": "a" * 900}
    with pytest.raises(Refused) as told:
        deploy.check(asked, {"SuiteLocation": SUITES} | wrong)
    text = str(told.value)
    for sentence in (
        "EnvironmentsClusters must be at most 12 names with letters or digits in each",
        "MemorySize must be a number from 128 to 10240",
        "Environments must be one of off, on",
        "SecretArns has 900 characters; at most 800 are taken",
    ):
        assert sentence in text
    deploy.check(asked, EVERYTHING)


def test_answers_are_kept_as_they_are_and_comments_stay(tmp_path: Path) -> None:
    path = tmp_path / "samconfig.toml"
    shutil.copy(SAMCONFIG, path)
    answers = {
        "EnvironmentsWindows": "Mon-Fri 09:00-22:00 + Sat 10:00-12:00",
        "EnvironmentsFanOut": '[{"account":"111122223333","region":"eu-west-1"}]',
        "SecretArns": "arn:aws:secretsmanager:eu-west-1:1:secret:a,arn:aws:secretsmanager:eu-west-1:1:secret:b",
        "OutcomeEmail": "",
    }
    Config(path).save(answers, region="eu-west-1")
    again = Config(path)
    assert again.answers() == answers
    assert (again.parameters["region"], again.parameters["confirm_changeset"]) == ("eu-west-1", True)
    comments = [line for line in SAMCONFIG.read_text().splitlines() if line.startswith("#")]
    assert comments and all(line in path.read_text() for line in comments)
    path.write_text(SAMCONFIG.read_text() + '\nparameter_overrides = "A=b"\n')
    with pytest.raises(Refused, match="is no table"):
        Config(path).answers()


@pytest.fixture(scope="module")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """A running one."""
    started = MiniStack(tmp_path_factory.mktemp("ministack"))
    yield started
    started.stop()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """The template as `sam build` leaves it, with packages that hold nothing."""
    text = templates.TEMPLATE.read_text()
    for number in range(text.count("CodeUri: crates/")):
        package = tmp_path / f"package-{number}"
        package.mkdir()
        (package / "bootstrap").write_text(f"#!/bin/sh\n# {number}\n")
        text = text.replace("CodeUri: crates/", f"CodeUri: {package}  # ", 1)
    for name in ("LICENSE", "README.md"):
        shutil.copy(paths.ROOT / name, tmp_path)
    path = tmp_path / "template.yaml"
    path.write_text(text)
    return path


def _deploy(ministack: MiniStack, built: Path, config: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(paths.ROOT / "tools/deploy.py"), "--built", str(built), "--config", str(config)]
    command += ["--architecture", "arm64", "--", "--s3-bucket", ARTIFACTS, "--no-progressbar", *more]
    app = ministack.home / "sam"
    app.mkdir(exist_ok=True)
    (app / "metadata.json").write_text(json.dumps({"lastVersionCheck": "9999-01-01T00:00:00"}))
    env = ministack.environment | {
        "__SAM_CLI_APP_DIR": str(app),
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.3",
    }
    return subprocess.run(
        command, cwd=ministack.home, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180
    )


@pytest.mark.parametrize("given", [{"SuiteLocation": SUITES}, DEPLOYABLE], ids=["gates", "everything"])
def test_sam_deploys_what_was_answered_under_the_stacks_own_name(
    ministack: MiniStack, built: Path, tmp_path: Path, given: dict[str, str]
) -> None:
    config = tmp_path / "samconfig.toml"
    document = SAMCONFIG.read_text().replace("resolve_s3 = true\n", "")
    name = "deploy-hooks" + ("" if given is DEPLOYABLE else "-gates")
    config.write_text(document.replace('"deploy-hooks"', f'"{name}"'))
    suffix = {} if given is DEPLOYABLE else {"FunctionNameSuffix": "-gates"}
    Config(config).save(given | suffix)
    ministack.aws.s3.create_bucket(Bucket=ARTIFACTS)
    done = _deploy(ministack, built, config, "--no-confirm-changeset", "--on-failure", "DO_NOTHING")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    [stack] = ministack.aws.cloudformation.describe_stacks(StackName=name)["Stacks"]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    assert {key: parameters[key] for key in given} == given
    outputs = {each["OutputKey"] for each in stack["Outputs"]}
    assert ("EnvironmentsTableName" in outputs) == (given is DEPLOYABLE)
    assert Config(config).answers()["MemorySize"] == "512", "what was taken as default is kept, too"


def test_without_an_answer_and_a_terminal_nothing_is_deployed(
    ministack: MiniStack, built: Path, tmp_path: Path
) -> None:
    config = tmp_path / "samconfig.toml"
    shutil.copy(SAMCONFIG, config)
    done = _deploy(ministack, built, config)
    assert done.returncode == 2
    assert "SuiteLocation has no answer, and nobody is at the terminal" in done.stderr


def test_the_change_set_waits_for_a_yes(ministack: MiniStack, built: Path, tmp_path: Path) -> None:
    config = tmp_path / "samconfig.toml"
    config.write_text(SAMCONFIG.read_text().replace("resolve_s3 = true\n", "").replace('"deploy-hooks"', '"waiting"'))
    Config(config).save({"SuiteLocation": SUITES, "FunctionNameSuffix": "-waiting"})
    ministack.aws.s3.create_bucket(Bucket=ARTIFACTS)
    done = _deploy(ministack, built, config)
    assert "Deploy this changeset?" in done.stdout
    assert done.returncode != 0
    functions = ministack.aws.lambda_.list_functions()["Functions"]
    assert not [each for each in functions if each["FunctionName"].endswith("-waiting")]


def test_the_makefile_calls_it() -> None:
    makefile = (paths.ROOT / "Makefile").read_text()
    assert "tools/deploy.py --built .aws-sam/$(DEPLOY_ARCH)/template.yaml" in makefile
    assert "sam deploy" not in makefile


def test_every_build_is_held_to_the_lock_file() -> None:
    """Packages, tests and lints are of the versions in Cargo.lock, or they fail."""
    unlocked = []
    for place in ("Makefile", ".ci/run", "tools/install.sh", "tools/bench_env.py"):
        for line in (paths.ROOT / place).read_text().splitlines():
            builds = [word for word in ("build", "test", "clippy", "bench", "install") if _calls_cargo(line, word)]
            if builds and "--locked" not in line:
                unlocked.append(f"{place}: {line.strip()}")
    assert unlocked == []


def _calls_cargo(line: str, word: str) -> bool:
    plain: Any = line.replace('", "', " ").replace("cargo lambda", "cargo")
    return f"cargo {word}" in plain and not line.lstrip().startswith("#")


def test_samconfig_is_what_sam_reads() -> None:
    settings: Any = Config(SAMCONFIG).parameters
    assert settings["stack_name"] == "deploy-hooks"
    assert settings["confirm_changeset"] is True and settings["capabilities"] == "CAPABILITY_IAM"
