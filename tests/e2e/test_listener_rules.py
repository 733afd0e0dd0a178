"""A test listener that leads to the release by a rule, and whose default action leads nowhere."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Open
from follow import Follower
from gates import POST, PRE, Gates
from world import World
from world.shop import Release, Shop

NOT_FOUND = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}]
BY_HEADER = [
    {"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}},
    {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-test", "Values": ["green"]}},
]


def by_rule(world: World, listener: str, *conditions: Any) -> str:
    """What the listener's default action does is done by a rule instead; returns its ARN."""
    elb = world.aws.elbv2
    action = elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]["DefaultActions"]
    made = elb.create_rule(ListenerArn=listener, Priority=7, Conditions=list(conditions), Actions=action)
    elb.modify_listener(ListenerArn=listener, DefaultActions=NOT_FOUND)
    return str(made["Rules"][0]["RuleArn"])


@pytest.fixture
def shop(world: World, open_shop: Open) -> Shop:
    """A shop whose test listener wants a name and a header."""
    shop = open_shop("by-rule")
    assert shop.test_listener
    by_rule(world, shop.test_listener, *BY_HEADER)
    return shop


def test_a_release_behind_a_rule_is_measured_by_it(
    world: World, shop: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    deployment = shop.deploy(release(), gates.hooks("pre-traffic", "post-traffic"))
    assert follower.ended(deployment) == "Succeeded", follower.told()
    assert follower.answers(deployment) == [(PRE, "Succeeded"), (POST, "Succeeded")]
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    known = json.loads(world.outcomes.report(outcome, "json"))["target"]
    [rule, _default] = world.aws.elbv2.describe_rules(ListenerArn=shop.test_listener)["Rules"]
    assert (known["listener_rule"], known["host"]) == (rule["RuleArn"], "shop.example.com")
    served = [request for request in shop.access_log() if request["forwarded_port"] == str(shop.test_port)]
    assert served, "nothing came through the test listener"

    broken = shop.deploy(release("hang"), gates.hooks("pre-traffic"))
    assert follower.ended(broken) == "Failed", follower.told()
    assert follower.answers(broken) == [(PRE, "Failed")]


def test_a_rule_that_no_gate_can_meet_stops_the_release(
    world: World, open_shop: Open, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    shop = open_shop("by-address")
    assert shop.test_listener
    by_address = {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}
    rule = by_rule(world, shop.test_listener, by_address)
    deployment = shop.deploy(release(), gates.hooks("pre-traffic"))
    assert follower.ended(deployment) == "Failed", follower.told()
    outcome = world.outcomes.wait(deployment, "pre-traffic")
    assert any(rule in reason and "source-ip" in reason for reason in outcome.reasons), outcome.text
