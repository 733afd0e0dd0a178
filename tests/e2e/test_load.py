"""Load before traffic: a release is measured, and compared with the old version, where no customer asks."""

import json
from collections.abc import Callable

from follow import Follower
from gates import PRE, Gates
from world import World
from world.shop import Release, Shop

SUITE = """\
version: 1
name: load
checks:
  - name: as fast as it was
    on: [pre-traffic]
    retries: 1
    load:
      http: GET /version
      rate: 10/s
      for: 4s
      latency: { statistic: p90, fail_when: "> 5s" }
      errors: { fail_when: "> 10%" }
      compare_to: old
      tolerance: "300%"
"""


def test_a_release_that_is_slower_than_the_old_version_never_gets_traffic(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    lab.put_suite(SUITE)
    slow = release("slow", SHOP_DELAY_MS="600")
    deployment = lab.deploy(slow, gates.hooks("pre-traffic"))
    assert follower.ended(deployment) == "Failed", follower.told()
    assert follower.answers(deployment) == [(PRE, "Failed")]
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    [reason] = outcome.reasons
    assert "; old version " in reason and "higher than the old version (p " in reason, reason
    asked = [each for each in lab.access_log() if each["path"] == "/version"]
    by_port = {port: {each["version"] for each in asked if each["forwarded_port"] == str(port)} for port in _ports(lab)}
    assert slow.version in by_port[lab.test_port], "the release was not asked at its test listener"
    assert slow.version not in by_port[lab.production_port], "customers met it"


def test_a_release_as_fast_as_the_old_version_passes_with_the_numbers_of_both(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    lab.put_suite(SUITE)
    deployment = lab.deploy(release(), gates.hooks("pre-traffic"))
    assert follower.ended(deployment) == "Succeeded", follower.told()
    report = json.loads(world.outcomes.report(world.outcomes.wait(deployment, "pre-traffic")))
    [check] = report["checks"]
    notes = "\n".join(check["rounds"][-1]["tries"][-1]["notes"])
    assert f":{lab.production_port}" in notes, "the old version is behind the production listener"
    assert "new version: " in notes and "old version: " in notes, notes


def _ports(shop: Shop) -> tuple[int, int]:
    return shop.test_port, shop.production_port
