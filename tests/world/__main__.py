"""Brings the local world up and keeps it until Ctrl-C: `make world`."""

import signal
import sys

from world import World, pipeline
from world.paths import SUITES
from world.shop import Plan, Release, Shop

HINTS = """
The local AWS is up; Ctrl-C ends it.

  export AWS_ENDPOINT_URL={url} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  export PATH="$PWD/.tools/tools/bin:$PATH"
  aws deploy list-applications
  aws ecs describe-services --cluster shop --services shop
  curl {production}            # the shop, production listener
  curl {url}/_local/events     # what happened

An approval, without the console:

  aws codepipeline start-pipeline-execution --name shop-release
  curl '{url}/_local/sinks?service=slack'    # what Slack got
  curl {url}/_ministack/ses/messages         # the mails; their links lead to
  {door}
  instead of https://{host}
"""


def waits_for_approval(world: World, shop: Shop, release: Release) -> None:
    """A pipeline that deploys a release to the shop once somebody has approved it."""
    made = world.pipeline("shop-release", pipeline.Plan(topic=world.stack.approval_topic, deploy=shop.action()))
    made.create()
    made.commit("Tell customers when their book arrives", shop.sources(release))


def main() -> int:
    """Returns the exit status."""
    with World("world", on_step=lambda step: print(f"… {step}", flush=True)) as world:
        shop = world.shop("shop", Plan(config="CodeDeployDefault.ECSCanary10Percent5Minutes", tasks=2))
        print("… opening the shop", flush=True)
        shop.open(Release("1.0.0"), suite=(SUITES / "shop.yaml").read_text())
        waits_for_approval(world, shop, Release("1.1.0"))
        hints = {"url": world.url, "production": shop.url(), "door": world.door.address, "host": world.door.host}
        print(HINTS.format(**hints), flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("\nending it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
