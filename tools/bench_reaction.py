"""How soon a caller hears of a release that breaks under a canary: from the first customer whose request fails to the
moment at which ECS has heard *failed*, in the local AWS, again and again.

Usage: bench_reaction.py [RUNS]

The release breaks at a random moment between two rounds of the bake. The bound is one `every`, one try and 200 ms; the
exit code is 1 when the median or more than one of twenty is beyond it.
"""

import random
import statistics
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import misbehaving
from follow import Follower, Seen
from world import World
from world.native import CLUSTER, PRODUCTION, NativeService
from world.stack import SUITES

RUNS = 31
EVERY = 1.0
SLACK = 0.2
PATIENCE = 30.0
BETWEEN_CUSTOMERS = 0.005
SUITE = f"""\
version: 1
name: reaction
checks:
  - name: orders
    http: GET /orders
    retries: 0
    timeout: 1s
traffic: {{ bake: 5m, every: {EVERY:.0f}s }}
"""
CANARY = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10}


@contextmanager
def customers(service: NativeService) -> Iterator[list[tuple[float, float]]]:
    """Customers who come all the time; when their requests failed, and how long those took."""
    failed: list[tuple[float, float]] = []
    ended = threading.Event()
    request = urllib.request.Request(f"http://127.0.0.1:{service.port}/orders", headers={"Host": PRODUCTION})

    def come() -> None:
        while not ended.wait(BETWEEN_CUSTOMERS):
            began = time.monotonic()
            try:
                urllib.request.urlopen(request, timeout=10).close()
            except HTTPError:
                failed.append((began, time.monotonic() - began))

    thread = threading.Thread(target=come, daemon=True)
    thread.start()
    try:
        yield failed
    finally:
        ended.set()
        thread.join()


def reaction(world: World, service: NativeService, version: str, switch: Path) -> tuple[float, float]:
    """One release: seconds from the first customer's failure to the answer, and how long that request took."""
    follower = Follower(world.control)
    hooks = [
        {
            "hookTargetArn": world.stack.post_traffic_arn,
            "roleArn": world.stack.ecs_hook_role,
            "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"],
        }
    ]
    deployment = service.deploy(version, strategy="CANARY", canaryConfiguration=CANARY, lifecycleHooks=hooks)

    def of_deployment(seen: Seen, kind: str) -> bool:
        return seen.kind == kind and seen.event["deployment_id"] == deployment

    follower.wait(
        "the canary", lambda seen: of_deployment(seen, "traffic") and seen.detail.get("percent") == 10, PATIENCE
    )
    # The bake has begun; where in a round it breaks is chance.
    time.sleep(2 + random.uniform(0, EVERY))  # noqa: S311
    with customers(service) as failed:
        # Each revision has its customers before anything is wrong.
        time.sleep(0.2)
        switch.write_text(version)
        heard = follower.wait("the answer", lambda seen: of_deployment(seen, "hook") and is_failure(seen), PATIENCE)
    service.wait(deployment, lambda seen: "finishedAt" in seen)
    switch.unlink()
    # The gate may be first, as the release has every tenth customer.
    began, took = failed[0] if failed else (heard.heard, 0.0)
    return max(heard.heard - began, 0.0), took


def is_failure(seen: Seen) -> bool:
    """ECS has heard that the release may not keep its traffic."""
    return seen.detail.get("status") == "FAILED"


def main(runs: int) -> int:
    """Measures, prints, and says whether the bound is kept."""
    program = str(Path(misbehaving.__file__))
    with World("reaction", images={"python": Path(sys.executable)}, EcsServices="native/*") as world:
        switch = world.home / "broken"
        service = NativeService(world.aws, "reaction", program=("python", program, str(switch)))
        world.aws.s3.put_object(Bucket=SUITES, Key=f"{service.name}/{CLUSTER}.yaml", Body=SUITE.encode())
        service.create("1.0.0", strategy="BLUE_GREEN")
        measured = [reaction(world, service, f"1.{number}.0", switch) for number in range(1, runs + 1)]
    took = sorted(seconds for seconds, _ in measured)
    one_try = statistics.median(try_seconds for _, try_seconds in measured if try_seconds)
    before = sum(not try_seconds for _, try_seconds in measured)
    bound = EVERY + one_try + SLACK
    late = sum(seconds > bound for seconds in took)
    print(f"from the first failing request of a customer to the caller's hearing `failed`, {runs} canaries")
    print(
        f"  median {statistics.median(took):.2f} s, most {took[-1]:.2f} s; {before} times before any customer's failed"
    )
    parts = f"every {EVERY:.0f}s, a try of {one_try * 1e3:.0f} ms, {SLACK * 1e3:.0f} ms"
    print(f"  bound  {bound:.2f} s ({parts}); {late} were later")
    return int(statistics.median(took) > bound or late > runs / 20)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS))
