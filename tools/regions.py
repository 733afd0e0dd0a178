"""Prints one region for each set of regions that know the resources of these templates alike, for cfn-lint.

Usage: regions.py [--with-all] TEMPLATE [TEMPLATE ...]

With --with-all, only regions that have all kinds of resources of the templates.

Each region and partition has its own kinds of resources. Linting by all of them takes ten minutes, and most say the
same.
"""

import json
import re
import sys
from pathlib import Path

import cfnlint
from cfnlint.helpers import REGIONS

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas" / "providers"
TYPE = re.compile(r"\bType: ['\"]?(AWS::\w+::\w+)")
# What SAM makes of its own kinds.
MADE_BY_SAM = {
    *("AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::Permission"),
    *("AWS::IAM::Role", "AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::StepFunctions::StateMachine"),
}


def types(templates: list[Path]) -> list[str]:
    """The kinds of resources in the templates."""
    written = {name for template in templates for name in TYPE.findall(template.read_text())}
    return sorted(name for name in written | MADE_BY_SAM if not name.startswith("AWS::Serverless::"))


def representatives(kinds: list[str], *, with_all: bool) -> list[str]:
    """The first region of each set, us-east-1 among them; with `with_all`, of those that have all kinds."""
    regions: dict[tuple[object, ...], str] = {}
    for region in ["us-east-1", *sorted(REGIONS)]:
        schemas = SCHEMAS / f"{region}.json"
        if not schemas.exists():
            # cfn-lint knows nothing of it, so it has nothing to say.
            continue
        known = json.loads(schemas.read_text())
        if with_all and any(kind not in known for kind in kinds):
            continue
        regions.setdefault(tuple(known.get(kind) for kind in kinds), region)
    return list(regions.values())


if __name__ == "__main__":
    arguments = sys.argv[1:]
    with_all = "--with-all" in arguments
    templates = [Path(argument) for argument in arguments if argument != "--with-all"]
    print(*representatives(types(templates), with_all=with_all))
