"""Deploys the stack with SAM: asks what hasn't been answered yet, keeps the answers in samconfig.toml, and shows the
change set before anything is changed.

`sam deploy --guided` asks all parameters each time, in the order of the template, and looks for samconfig.toml beside
the built template, in a folder that a build erases. Here the first deployment asks by groups, of which those that
aren't wanted are passed over, and an upgrade asks only what is new.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
import yaml

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
# What a group of questions waits for: a parameter, and the value with which nothing of it is made.
SWITCHES = {
    "Tests of your own that gates run as tasks": ("TestTasks", ""),
    "Deploy step of pipelines": ("DeployServices", ""),
    "Approvals": ("ApprovalsConfig", ""),
    "Environments that sleep": ("Environments", "off"),
    "Environments in several accounts and regions": ("Environments", "off"),
}
# Asked as a whole: most people keep what is there.
USUALLY_KEPT = ("How the functions run",)
# Named by the Makefile, as the packages are built for it.
NOT_ASKED = ("Architecture",)
NOTHING = "-"


class Refused(Exception):
    """It can't be deployed like this; the text says why and what to do."""


@dataclass(frozen=True)
class Question:
    """A parameter of the template as people are asked for it."""

    name: str
    label: str
    parameter: Json
    group: str

    @property
    def default(self) -> str | None:
        """What is taken if nothing is answered."""
        found = self.parameter.get("Default")
        return None if found is None else str(found)

    def problem(self, answer: str) -> str | None:
        """Why CloudFormation would refuse an answer."""
        given, pattern = self.parameter, self.parameter.get("AllowedPattern")
        allowed = [str(value) for value in given.get("AllowedValues", [])]
        if allowed and answer not in allowed:
            return f"must be one of {', '.join(allowed)}"
        if len(answer) > given.get("MaxLength", 4096):
            return f"has {len(answer)} characters; at most {given['MaxLength']} are taken"
        if given["Type"] == "Number" and not allowed:
            low, high = given.get("MinValue"), given.get("MaxValue")
            if not answer.isdigit() or not low <= int(answer) <= high:
                return f"must be a number from {low} to {high}"
        if pattern and not re.search(pattern, answer):
            return str(given.get("ConstraintDescription", f"must match {pattern}"))
        return None


class _Loader(yaml.SafeLoader):
    """YAML whose tags, CloudFormation's short forms, don't matter here."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def questions(template: Json) -> list[Question]:
    """All of them, in the order of the groups."""
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    labels = {name: label["default"] for name, label in interface["ParameterLabels"].items()}
    return [
        Question(name, labels[name], template["Parameters"][name], group["Label"]["default"])
        for group in interface["ParameterGroups"]
        for name in group["Parameters"]
        if name not in NOT_ASKED
    ]


def is_wanted(question: Question, answers: dict[str, str]) -> bool:
    """Whether a question matters, after the answers so far."""
    switch, off = SWITCHES.get(question.group, (None, None))
    return switch in (None, question.name) or answers.get(switch, off) != off


def fill(
    asked: list[Question],
    answers: dict[str, str],
    ask: Callable[[Question, str | None], str],
    keep: Callable[[str], bool],
) -> dict[str, str]:
    """The answers with those that were missing: `ask` gets a question and its default, `keep` a whole group's name."""
    filled, kept = dict(answers), dict[str, bool]()
    for question in asked:
        if question.name in filled or not is_wanted(question, filled):
            continue
        if question.group in USUALLY_KEPT and question.default is not None:
            if question.group not in kept:
                kept[question.group] = keep(question.group)
            if kept[question.group]:
                filled[question.name] = question.default
                continue
        filled[question.name] = ask(question, question.default)
    return filled


def ask_at_terminal() -> Callable[[Question, str | None], str]:
    """Asks a person, until the answer is one that CloudFormation takes."""
    told: set[str] = set()

    def ask(question: Question, default: str | None) -> str:
        if question.group not in told:
            told.add(question.group)
            print(f"\n== {question.group}")
        print(f"\n{question.label} ({question.name})")
        print(textwrap.fill(explained(question, default), 100, initial_indent="  ", subsequent_indent="  "))
        shown = "" if default is None else f" [{default or 'nothing'}]"
        while True:
            answer = input(f"{question.name}{shown}: ").strip()
            answer = "" if answer == NOTHING else (answer or default)
            problem = "needs an answer" if answer is None else question.problem(answer)
            if problem is None and answer is not None:
                return answer
            print(f"  {question.name} {problem}")

    return ask


def explained(question: Question, default: str | None) -> str:
    """What a question is about, and what can be answered."""
    values = [str(value) or "nothing" for value in question.parameter.get("AllowedValues", [])]
    one_of = f" One of: {', '.join(values)}." if values else ""
    may_be_nothing = default and question.problem("") is None
    return question.parameter["Description"] + one_of + (f" {NOTHING} for nothing." if may_be_nothing else "")


def keep_at_terminal(group: str) -> bool:
    """Asks whether a whole group stays as it is."""
    return input(f"\n== {group}\n\nKeep the defaults? [Y/n]: ").strip().lower() not in ("n", "no")


def refuse_to_ask(question: Question, default: str | None) -> str:
    """Where nobody is at the terminal: the defaults, and no guess where there is none."""
    if default is None:
        raise Refused(f"{question.name} has no answer, and nobody is at the terminal; add it to samconfig.toml")
    return default


def check(asked: list[Question], answers: dict[str, str]) -> None:
    """Tells all wrong answers at once."""
    known = {question.name: question for question in asked}
    problems = [
        f"{name} {problem}" for name in answers if name in known and (problem := known[name].problem(answers[name]))
    ]
    if problems:
        raise Refused("; ".join(problems) + "; mend it in samconfig.toml")


@dataclass
class Config:
    """samconfig.toml, whose comments stay."""

    path: Path

    def __post_init__(self) -> None:
        self._document = tomlkit.parse(self.path.read_text())
        self.parameters: Any = self._document["default"]["deploy"]["parameters"]  # type: ignore[index]

    def answers(self) -> dict[str, str]:
        """What was answered before."""
        saved = self.parameters.get("parameter_overrides", {})
        if not isinstance(saved, dict):
            raise Refused(
                f"parameter_overrides in {self.path.name} is no table; write each as a line under "
                '[default.deploy.parameters.parameter_overrides], such as SuiteLocation = "s3://…"'
            )
        return {str(name): str(value) for name, value in saved.items()}

    def save(self, answers: dict[str, str], **settings: str) -> None:
        """Writes answers and settings, in place of those that were there."""
        for name, value in settings.items():
            self.parameters[name] = value
        table = tomlkit.table()
        for name, value in answers.items():
            table.add(name, value)
        self.parameters["parameter_overrides"] = table
        self.path.write_text(tomlkit.dumps(self._document))


def region_of(config: Config, at_terminal: bool) -> str:
    """Where to: as saved, as the environment says, or as somebody answers."""
    known = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    saved = config.parameters.get("region") or known
    if saved:
        return str(saved)
    if not at_terminal:
        raise Refused("no region is known; set AWS_REGION")
    answer = input("Region, such as eu-central-1: ").strip()
    if not re.fullmatch(r"[a-z]{2,4}(-[a-z]+)+-\d", answer):
        raise Refused(f"{answer!r} is no region; write one such as eu-central-1")
    return answer


def without_unknown(asked: list[Question], answers: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The answers that the template still has a parameter for; CloudFormation refuses others."""
    known = {question.name for question in asked}
    for name, value in answers.items():
        if name in known:
            yield name, value
        elif name not in NOT_ASKED:
            print(f"{name} is no parameter any more; its answer ({value}) is left out")


def main(arguments: list[str]) -> int:
    """Returns SAM's exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=ROOT / "samconfig.toml", help="where answers are kept")
    parser.add_argument("--built", type=Path, required=True, help="the template that `sam build` left")
    parser.add_argument("--architecture", required=True, help="what the packages were built for")
    parser.add_argument("--ask", choices=["new", "all"], default="new", help="all: answered questions, too")
    parser.add_argument("sam", nargs="*", help="more for `sam deploy`, after --")
    given = parser.parse_args(arguments)
    asked = questions(yaml.load((ROOT / "template.yaml").read_text(), _Loader))  # noqa: S506
    at_terminal = sys.stdin.isatty()
    ask, keep = (ask_at_terminal(), keep_at_terminal) if at_terminal else (refuse_to_ask, lambda _: True)
    try:
        config = Config(given.config)
        saved = dict(without_unknown(asked, config.answers()))
        if given.ask == "all":
            answers = fill(asked, {}, lambda question, default: ask(question, saved.get(question.name, default)), keep)
        else:
            answers = fill(asked, saved, ask, keep)
        check(asked, answers)
        config.save(answers | {"Architecture": given.architecture}, region=region_of(config, at_terminal))
    except Refused as refused:
        print(f"make deploy: {refused}", file=sys.stderr)
        return 2
    except (EOFError, KeyboardInterrupt):
        print("\nmake deploy: nothing was saved, and nothing was deployed", file=sys.stderr)
        return 130
    print(f"\nThe answers are in {given.config.name}; `make deploy ASK=all` asks them again.")
    command = [
        *("sam", "deploy", "--template-file", str(given.built), "--config-file", str(given.config.resolve())),
        *given.sam,
    ]
    print(shlex.join(command), flush=True)
    return subprocess.run(command, check=False).returncode  # noqa: S607


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
