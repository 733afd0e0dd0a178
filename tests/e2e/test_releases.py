"""The three releases of the demo: one goes live, one is stopped, one is rolled back.

They are deployed one after the other into one shop, as a canary, under steady traffic of customers.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from conftest import Open
from customers import USER_AGENT, Customers
from follow import Follower
from gates import POST, PRE, Gates
from world import World, paths
from world.shop import Release, Shop

CANARY = "CodeDeployDefault.ECSCanary10Percent5Minutes"
CANARY_SECONDS = 300
SHARE_MEASURED = 4.0
BACK_WITHIN = 15.0


@pytest.fixture(scope="module")
def shop(open_shop: Open) -> Shop:
    """The demo's shop and suite, with a shorter bake."""
    suite, shortened = re.subn(
        r"bake: \S+\n  every: \S+", "bake: 5s\n  every: 1s", (paths.SUITES / "shop.yaml").read_text()
    )
    assert shortened == 1, "the example suite has no bake to shorten"
    return open_shop("shop", suite, config=CANARY)


@pytest.fixture(scope="module")
def customers(shop: Shop) -> Iterator[Customers]:
    with Customers(shop.production_port) as customers:
        yield customers


def test_a_good_release_goes_live(
    world: World, shop: Shop, customers: Customers, follower: Follower, gates: Gates
) -> None:
    began = time.monotonic()
    deployment = shop.deploy(Release("1.1.0"))

    follower.shift(deployment, 10)
    assert follower.answers(deployment) == [(PRE, "Succeeded")], "traffic moved before the pre-traffic gate had passed"
    share = _measured_share(customers, "1.1.0")
    assert 5 <= share <= 15, f"the canary of 10 % got {share:.1f} % of the customers"

    world.control.advance(CANARY_SECONDS)
    shifted = follower.shift(deployment, 100)
    assert follower.ended(deployment) == "Succeeded", follower.told()
    assert follower.answers(deployment) == [(PRE, "Succeeded"), (POST, "Succeeded")]
    verdict = follower.answered(deployment, POST)
    baked = verdict.heard - shifted.heard
    assert baked >= 5, f"the post-traffic gate watched for {baked:.1f} s, not for its bake window of 5 s"

    ended = time.monotonic()
    time.sleep(1)
    assert set(customers.versions(ended)) == {"1.1.0"}, "not all production traffic is on the new version"
    refused = [visit for visit in customers.since(began) if visit.status not in (200, 201)]
    assert not refused, f"customers got errors during a good release: {refused[:5]}"
    for stage in gates.functions:
        outcome = world.outcomes.wait(deployment, stage)
        assert (outcome.answer, outcome.attributes["version"]) == ("Succeeded", "1.1.0"), outcome.text
        assert "1.1.0" in world.outcomes.report(outcome, "html").decode(), "the report does not name the release"


def test_a_broken_release_is_stopped_before_any_customer_sees_it(
    world: World, shop: Shop, customers: Customers, follower: Follower
) -> None:
    began = time.monotonic()
    deployment = shop.deploy(Release("1.2.0", fault="checkout"))
    assert follower.ended(deployment) == "Failed", follower.told()
    assert follower.answers(deployment) == [(PRE, "Failed")]

    served = [request for request in shop.access_log() if request["version"] == "1.2.0"]
    probed = [request for request in served if request["forwarded_port"] == str(shop.test_port)]
    assert any(request["path"] == "/api/checkout" for request in probed), "the gate did not try the broken checkout"
    assert [request for request in shop.production_requests() if request["version"] == "1.2.0"] == []
    assert {request["user_agent"] for request in served} & {USER_AGENT} == set(), "a customer met the broken version"
    assert set(customers.versions(began)) == {"1.1.0"}

    outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert outcome.answer == "Failed"
    assert any("checkout" in reason and "500" in reason for reason in outcome.reasons), outcome.text
    assert shop.lifecycle(deployment)["AllowTraffic"]["status"] == "Skipped"


def test_a_release_that_fails_under_production_traffic_is_rolled_back(
    world: World, shop: Shop, customers: Customers, follower: Follower
) -> None:
    deployment = shop.deploy(Release("1.3.0", fault="pool", settings={"SHOP_POOL": "15"}))
    follower.shift(deployment, 10)
    world.control.advance(CANARY_SECONDS)
    shifted = follower.shift(deployment, 100)
    verdict = follower.answered(deployment, POST)
    assert follower.answers(deployment) == [(PRE, "Succeeded"), (POST, "Failed")]
    assert follower.ended(deployment) == "Failed", follower.told()

    time.sleep(2)
    last = max(visit.at for visit in customers.since(shifted.heard) if visit.version == "1.3.0")
    restored = min(visit.at for visit in customers.since(last) if visit.version == "1.1.0")
    back = restored - verdict.heard
    print(f"all traffic was back on the old version {back:.2f} s after the verdict was heard of")
    assert back < BACK_WITHIN, f"customers met the broken version for {back:.1f} s after the verdict"
    after = customers.since(last + 0.5)
    assert {visit.version for visit in after if visit.version} == {"1.1.0"}
    assert {visit.status for visit in after} <= {200, 201}, "customers still got errors after the rollback"
    hurt = Counter(visit.status for visit in customers.since(shifted.heard))
    assert hurt[503] > 0, "the pool was not exhausted, so the test shows nothing"

    assert shop.production_weights() in ({"blue": 100, "green": 0}, {"blue": 0, "green": 100})
    info = shop.deployment(deployment)
    rollback = shop.deployment(info["rollbackInfo"]["rollbackDeploymentId"])
    assert (rollback["creator"], rollback["status"]) == ("codeDeployRollback", "Succeeded")
    outcome = world.outcomes.wait(deployment, "post-traffic")
    assert any("checkout" in reason and "503" in reason for reason in outcome.reasons), outcome.text


def _measured_share(customers: Customers, version: str) -> float:
    """Percent of the answers that came from the version, in the seconds from now on."""
    since = time.monotonic()
    time.sleep(SHARE_MEASURED)
    versions = customers.versions(since)
    assert versions.total() >= 50, f"too few customers to measure a share: {versions}"
    return 100 * versions[version] / versions.total()
