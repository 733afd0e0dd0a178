"""Brings the local world up and keeps it until Ctrl-C: `make world`."""

import argparse
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from world import World, pipeline
from world.approvals import BUCKET
from world.control import Json
from world.environments import KEY
from world.estate import Plan as Sleeper
from world.outcomes import wait_for
from world.paths import BINARIES, ENVIRONMENTS, SUITES, TOOLS, NotSetUp
from world.processes import ProcessFailed
from world.servers import REGION
from world.shop import Plan, Release, Shop
from world.stack import DeployFailed

# What a shell says of a process that SIGINT has ended.
INTERRUPTED = 130

# Version 1 of the AWS CLI reads AWS_DEFAULT_REGION and not AWS_REGION, the SDKs the other way round; and it has no
# --cli-binary-format, without which version 2 wants Base64, but for what comes from fileb://.
EXPORTS = """\
  export AWS_ENDPOINT_URL={url} AWS_REGION={region} AWS_DEFAULT_REGION={region}
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_PAGER=
  export PATH="{tools}:{binaries}:$PATH"
"""
HINTS = """
The local AWS is up, with everything of template.yaml; Ctrl-C ends it. Paste what is indented into another terminal:

{exports}
{name}, a service that CodeDeploy deploys behind the gates; version 1.1.0 is on its way:

  curl {production}
  aws ecs describe-services --cluster shop --services {name}
  aws deploy get-deployment --deployment-id {deployment}

What happened so far; and the canary's five minutes, which are virtual time:

  curl {url}/_local/events
  curl -X POST {url}/_local/clock -d '{{"advance_seconds": 300}}'

The reports; and the next release, when this one has ended:

  aws s3 ls --recursive s3://{reports}/
  aws deploy create-deployment --cli-input-json file://{home}/release.json

A gate by hand, with the event that CodeDeploy has sent it already (so the answer comes too late, and changes nothing):

  aws lambda invoke --cli-read-timeout 0 --function-name {gate} --payload fileb://{home}/event.json {home}/answer.json
  aws logs filter-log-events --log-group-name /aws/lambda/{gate} --query 'events[].message' --output text

An approval, without the console; then what Slack got, and the mails, whose links open here:

  aws codepipeline start-pipeline-execution --name {name}-release
  curl '{url}/_local/sinks?service=slack'
  curl -s {url}/_ministack/ses/messages | sed 's#https://{host}#{door}#g'

An environment, dev-{name}, that sleeps from {evening} to {morning} UTC. The clock of this world may be ahead of yours,
so commands are told what time it is there:

  export ENVIRONMENTS_CONFIG=s3://{settings} STATE_TABLE={table}
  world_now() {{ curl -s {url}/_local/clock | sed 's/.*"now": *"\\([^"]*\\)".*/\\1/'; }}
  deploy-hooks env plan --at "$(world_now)"
  deploy-hooks env explain dev-{name}/web --at "$(world_now)"

Its evening, with all that is due until then; and what sleeps after it:

  curl -X POST {url}/_local/clock -d '{{"advance_seconds": {until_evening}}}'
  deploy-hooks env status --at "$(world_now)"
"""
# For a service of one's own, unless a suite is given.
SUITE = """\
version: 1
name: {name}
checks:
  - name: it answers
    http: GET {health}
    expect:
      - status: 200
traffic: {{ bake: 20s, every: 5s, failure_limit: 1 }}
"""


@dataclass(frozen=True)
class Wanted:
    """What is to run in the world."""

    name: str
    program: Path | None
    suite: str
    health: str

    @classmethod
    def read(cls, arguments: list[str]) -> "Wanted":
        """From the command line; ends the program where that is wrong."""
        parser = argparse.ArgumentParser(prog="make world", description=__doc__)
        parser.add_argument(
            "--image", default="", metavar="NAME=PROGRAM", help="a service of your own; default: the shop"
        )
        parser.add_argument("--suite", default="", metavar="FILE", help="its suite; default: one check of its health")
        parser.add_argument("--health", default="/health", metavar="PATH", help="the path of its health check")
        given = parser.parse_args(arguments)
        name, equals, program = given.image.partition("=")
        if not given.image:
            return cls(
                "shop", None, (Path(given.suite) if given.suite else SUITES / "shop.yaml").read_text(), given.health
            )
        if not (name and equals and program) or not name.replace("-", "").isalnum() or name == "shop":
            parser.error(f"IMAGE={given.image} is not NAME=PROGRAM; write for example IMAGE=books=target/debug/books")
        path = Path(program).resolve()
        if not path.is_file() or not os.access(path, os.X_OK):
            parser.error(f"IMAGE={given.image} names {path}, which is no program; build it first")
        if given.suite and not Path(given.suite).is_file():
            parser.error(f"SUITE={given.suite} is no file")
        suite = Path(given.suite).read_text() if given.suite else SUITE.format(name=name, health=given.health)
        return cls(name, path, suite, given.health)

    @property
    def images(self) -> dict[str, Path]:
        """What local-aws runs for it."""
        return {self.name: self.program} if self.program else {}

    def release(self, version: str) -> Release:
        """A version of it: the same program, which reads its own in VERSION."""
        return Release(version, image=self.name, settings={"VERSION": version})


def waits_for_approval(world: World, shop: Shop, wanted: Wanted) -> None:
    """A pipeline that deploys a release once somebody has approved it."""
    made = world.pipeline(
        f"{wanted.name}-release", pipeline.Plan(topic=world.stack.approval_topic, deploy=shop.action())
    )
    made.create()
    made.commit("Tell customers when their book arrives", shop.sources(wanted.release("1.2.0")))


def first_release(world: World, shop: Shop, wanted: Wanted) -> Json:
    """Deploys the next version, and returns the event that the first gate got, as soon as it has it."""
    deployment = shop.deploy(wanted.release("1.1.0"))
    key = "lifecycle_event_hook_execution_id"

    def sent() -> str:
        events, _ = world.control.events()
        known = [event for event in events if deployment in json.dumps(event) and key in json.dumps(event)]
        return str(_find(known[0], key)) if known else ""

    execution = str(wait_for("the first gate to be called", sent, within=60))
    return {"DeploymentId": deployment, "LifecycleEventHookExecutionId": execution}


def _find(value: Json, key: str) -> object:
    """The first value under a key, however deep it lies."""
    if key in value:
        return value[key]
    below = (found for inner in value.values() if isinstance(inner, dict) and (found := _find(inner, key)))
    return next(below, None)


def hints(world: World, shop: Shop, wanted: Wanted, deployment: str) -> str:
    """What to do next; each command works as it stands, with version 1 and version 2 of the AWS CLI."""
    exports = EXPORTS.format(url=world.url, region=REGION, tools=TOOLS, binaries=BINARIES)
    return HINTS.format(
        exports=exports,
        deployment=deployment,
        name=wanted.name,
        url=world.url,
        home=world.home,
        gate=world.stack.pre_traffic,
        reports=world.stack.report_bucket,
        production=shop.url(),
        door=world.door.address,
        host=world.door.host,
        evening=f"{world.hours.evening:%H:%M}",
        until_evening=int((world.hours.evening - world.now()).total_seconds()) + 60,
        morning=f"{world.hours.morning:%H:%M}",
        settings=f"{BUCKET}/{KEY}",
        table=world.stack.environments_table,
    )


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    wanted = Wanted.read(arguments)
    try:
        keep(wanted)
    except (NotSetUp, ProcessFailed, DeployFailed, TimeoutError) as error:
        print(f"\nThe world could not be brought up: {error}", file=sys.stderr)
        for note in getattr(error, "__notes__", []):
            print(note, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted; everything that was started has been ended.")
        return INTERRUPTED
    return 0


def keep(wanted: Wanted) -> None:
    """Brings the world up, says what to do in it, and keeps it until Ctrl-C."""

    def tell(step: str) -> None:
        print(f"… {step}", flush=True)

    with World("world", on_step=tell, nights=ENVIRONMENTS, images=wanted.images) as world:
        plan = Plan(config="CodeDeployDefault.ECSCanary10Percent5Minutes", tasks=2, health=wanted.health)
        shop = world.shop(wanted.name, plan)
        tell(f"starting {wanted.name}")
        shop.open(wanted.release("1.0.0"), suite=wanted.suite)
        waits_for_approval(world, shop, wanted)
        world.estate.make(f"dev-{wanted.name}/web", Sleeper(2, bounds=(1, 4)))
        tell("deploying version 1.1.0, so that a gate is called")
        event = first_release(world, shop, wanted)
        (world.home / "event.json").write_text(json.dumps(event))
        (world.home / "release.json").write_text(json.dumps(shop.request(wanted.release("1.1.1"))))
        print(hints(world, shop, wanted, event["DeploymentId"]), flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("\nending it")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
