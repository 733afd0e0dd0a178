"""The book: every page is in it, what is generated is current, and what it shows parses."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import book
import pytest
import reference
import yaml
from botocore import xform_name
from botocore.loaders import Loader
from world import templates
from world.stack import SUITE_LOCATION
from world.templates import ROOT, Json

PAGES = [page for page in book.pages() if page.name != "CHANGELOG.md"]
FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
# Names of commands of the AWS CLI that are not those of the service in botocore.
SERVICES = {"deploy": "codedeploy"}
# Commands of the CLI that botocore does not have, with their options.
OWN = {
    ("s3", "cp"): {"recursive"},
    ("s3", "ls"): {"recursive"},
    ("s3", "mb"): set(),
    ("cloudformation", "deploy"): {
        *("stack-name", "template-file", "capabilities", "parameter-overrides", "no-fail-on-empty-changeset")
    },
}
GLOBAL = {"output", "query", "region", "cli-binary-format", "cli-read-timeout", "cli-input-json"}


def _blocks(language: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for indent, name, text in FENCED.findall(page.read_text()):
            if name == language:
                yield page, re.sub(rf"(?m)^{indent}", "", text)


def _commands() -> Iterator[tuple[Path, str]]:
    """The lines of shell, joined where they go on: those that are indented, and those in the text."""
    for page in PAGES:
        joined = re.sub(r"\\\n\s*", " ", page.read_text())
        for line in joined.splitlines():
            if re.match(r" {4,}(?:aws|deploy-hooks|make|cargo|git) ", line):
                yield page, line.strip()


def test_every_page_of_docs_is_in_the_book_once() -> None:
    pages = book.pages()
    assert len(pages) == len(set(pages))
    missing = set((ROOT / "docs").rglob("*.md")) - set(pages) - {book.SUMMARY}
    assert not missing, missing
    assert all(page.exists() for page in pages)


@pytest.mark.parametrize("name", ["parameters", "rights"])
def test_what_is_generated_is_current(name: str) -> None:
    written = (reference.PAGES / f"{name}.md").read_text()
    assert written == reference.pages()[name](), "run `make docs-reference`"


def test_the_generated_pages_have_all_parameters_outputs_and_actions(template: Json) -> None:
    page = (reference.PAGES / "parameters.md").read_text()
    for name in (*template["Parameters"], *template["Outputs"]):
        assert f"| `{name}` |" in page, name
    rights = (reference.PAGES / "rights.md").read_text()
    roles = [name for name, it in template["Resources"].items() if it["Type"] == "AWS::IAM::Role"]
    for name in roles:
        assert f"## `{name}`" in rights, name


def test_yaml_and_json_parse() -> None:
    count = 0
    for page, text in _blocks("yaml"):
        try:
            yaml.load(text, templates._Loader)  # noqa: S506, SLF001
        except yaml.YAMLError as error:
            raise AssertionError(f"{page}: {error}\n{text}") from error
        count += 1
    for page, text in _blocks("json"):
        try:
            json.loads(text)
        except ValueError as error:
            raise AssertionError(f"{page}: {error}\n{text}") from error
        count += 1
    assert count > 30


def _options(words: list[str]) -> set[str]:
    return {word[2:].split("=")[0] for word in words if word.startswith("--") and len(word) > 2}


def test_commands_of_aws_have_the_operations_and_options_that_they_name() -> None:
    checked = 0
    loader = Loader()
    for page, line in _commands():
        for part in re.split(r" \| | && ", line):
            if not part.startswith("aws "):
                continue
            words = part.split()
            service, command = words[1], words[2]
            given = _options(words) - GLOBAL
            if (service, command) in OWN:
                assert given <= OWN[service, command], (page, line)
            else:
                model = loader.load_service_model(SERVICES.get(service, service), "service-2")
                known = {xform_name(name, "-"): it for name, it in model["operations"].items()}
                assert command in known, (page, line)
                shape = model["shapes"][known[command]["input"]["shape"]]
                allowed = {xform_name(name, "-") for name in shape["members"]}
                assert given <= allowed, (page, line, given - allowed)
            checked += 1
    assert checked > 20


def test_targets_of_make_are_there() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {(page, line.split()[1]) for page, line in _commands() if line.startswith("make ")}
    assert named
    for page, target in named:
        assert target in targets, (page, target)


def test_the_tutorial_puts_the_suite_where_the_world_looks_for_it() -> None:
    tutorial = (ROOT / "docs" / "tutorial.md").read_text()
    location = SUITE_LOCATION.format(application="shop", deployment_group="shop-production")
    assert f"aws s3 cp shop.yaml {location}\n" in tutorial and SUITE_LOCATION in tutorial


def test_sums_of_the_cost_page_are_right() -> None:
    """Each line of its examples is computed: `2 tasks * 0.25 vCPU = 0.5 USD`."""
    lines = [
        line for page, text in _blocks("text") if page.name == "cost.md" for line in text.splitlines() if "=" in line
    ]
    assert len(lines) > 10
    for line in lines:
        left, right = line.split("=")
        product = 1.0
        for factor in left.split("*"):
            product *= float(factor.split()[0])
        shown = right.split()[0]
        digits = len(shown.partition(".")[2])
        assert round(product, digits) == float(shown), (line, product)


def test_the_endpoints_that_the_gates_need_are_named(template: Json) -> None:
    """Whatever service a gate calls, a subnet without NAT has an endpoint for it."""
    names = {
        "cloudwatch": "monitoring",
        "ecr": "ecr.api",
    }
    # What others do by these rights, and not the function's code: Lambda makes network interfaces, ECS takes the roles
    # that are passed, and S3, SNS and DynamoDB use the key.
    by_others = {"iam", "ec2", "kms"}
    resources = template["Resources"]
    roles = ("PreTrafficRole", "PostTrafficRole", "GatePolicy", "GateEventPolicy", "ProbePolicy")
    documents = [document for role in roles for document, _ in reference.documents(resources[role])]
    found = [it["If"][1] if "If" in it else it for document in documents for it in document["Statement"]]
    prefixes = {action.split(":")[0] for statement in found for action in templates.actions(statement)} - by_others
    page = (ROOT / "docs" / "how-to" / "real-account.md").read_text()
    missing = [it for it in prefixes if f"com.amazonaws.REGION.{names.get(it, it)}`" not in page]
    assert not missing, missing


def test_the_deployers_rights_name_every_service_of_the_stack(template: Json) -> None:
    page = (ROOT / "docs" / "how-to" / "real-account.md").read_text()
    [rights] = re.findall(r"\*\*The deployer's rights\*\*(.*?)^- \*\*", page, re.MULTILINE | re.DOTALL)
    services = {it["Type"].split("::")[1] for it in template["Resources"].values()} - {"Serverless"}
    words = {"CloudWatch": "CloudWatch alarms", "Logs": "Logs groups"}
    missing = [it for it in services if words.get(it, it) not in " ".join(rights.split())]
    assert not missing, missing
