"""The deployed gates at the lifecycle hooks of ECS deployments, with real processes behind real listener rules."""

from textwrap import indent
from typing import Any

import pytest
from world import World
from world.native import PRE_STAGE, PRODUCTION, TEST, GatedService

SUITE = """
version: 1
name: native
checks:
  - name: the version served is the version deployed
    http: GET /version
    expect: [{ status: 200 }, { json: { path: $.version, equals: "{{ target.version }}" } }]
  - name: a reader buys a book
    http: { method: POST, url: /api/checkout, json: { book: 7, quantity: 1 } }
    retries: 0
    expect: [{ status: 201 }]
"""


def bakes_at_first_step(seen: dict[str, Any]) -> bool:
    """Whether both gates have answered, and nothing is waited for but the canary's time."""
    hooks = [hook["status"] for hook in seen["lifecycleHookDetails"]]
    at_ten = seen["targetServiceRevision"].get("requestedProductionTrafficWeight") == 10.0
    return at_ten and hooks == ["SUCCEEDED", "SUCCEEDED"]


@pytest.fixture(scope="module")
def native(world: World) -> GatedService:
    """A service that has had its first deployment, gates and all."""
    native = GatedService(world, "web", SUITE)
    hooks = native.hooks(["POST_PRODUCTION_TRAFFIC_SHIFT"])
    first = native.service.create("1.0.0", strategy="BLUE_GREEN", lifecycleHooks=hooks)
    assert first["status"] == "SUCCESSFUL", first.get("statusReason")
    report = native.report(first["serviceDeploymentArn"], f"pre-traffic-{PRE_STAGE}")
    assert report["verdict"]["passed"], "a first deployment is measured like any other"
    assert "old_version" not in report["target"]
    return native


def test_each_step_of_a_canary_is_measured_on_the_new_revision(native: GatedService) -> None:
    service = native.service
    canary: Any = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5}
    deployment = service.deploy(
        "1.1.0",
        strategy="CANARY",
        canaryConfiguration=canary,
        lifecycleHooks=native.hooks(["PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]),
    )
    service.wait(deployment, bakes_at_first_step)
    assert service.versions(TEST) == ["1.1.0"]
    native.world.control.advance(300)
    over = service.wait(deployment, lambda seen: "finishedAt" in seen)
    assert over["status"] == "SUCCESSFUL", over.get("statusReason")
    assert native.outcome(deployment, "pre-traffic", "1.1.0").answer == "Succeeded"
    before = native.report(deployment, f"pre-traffic-{PRE_STAGE}")["target"]
    assert (before["version"], before["old_version"]) == ("1.1.0", "1.0.0")
    assert (before["route"], before["host"]) == ("test", TEST), "the rule says how the new revision is reached"
    partial = native.report(deployment, "post-traffic-PRODUCTION_TRAFFIC_SHIFT-10")
    assert partial["verdict"]["passed"], "the old revision answers nine of ten there, and is not measured"
    assert (partial["target"]["route"], partial["target"]["traffic_percent"]) == ("test", "10")
    whole = native.report(deployment, "post-traffic-PRODUCTION_TRAFFIC_SHIFT-100")["target"]
    assert (whole["route"], whole["host"]) == ("production", PRODUCTION)


def test_a_bad_revision_is_stopped_before_any_customer_sees_it(native: GatedService) -> None:
    service = native.service
    hooks = native.hooks(["POST_PRODUCTION_TRAFFIC_SHIFT"])
    deployment = service.deploy("1.2.0", fault="checkout", strategy="BLUE_GREEN", lifecycleHooks=hooks)
    over = service.wait(deployment, lambda seen: "finishedAt" in seen)
    assert over["status"] == "ROLLBACK_SUCCESSFUL", over
    outcome = native.outcome(deployment, "pre-traffic", "1.2.0")
    assert outcome.subject.startswith("STOPPED at pre-traffic: web 1.2.0")
    assert any("a reader buys a book" in reason for reason in outcome.reasons), outcome.text
    assert service.versions(PRODUCTION, 5) == ["1.1.0"] * 5


def test_a_revision_that_breaks_under_traffic_is_rolled_back_and_nothing_hinders_it(native: GatedService) -> None:
    service = native.service
    # The gate also stands at the stage that runs again on the rollback, where it would find nothing right.
    hooks = native.hooks(["PRODUCTION_TRAFFIC_SHIFT"])
    native.put_suite(SUITE.replace("http: GET /version", "http: GET /version\n    on: pre-traffic") + BREAKS)
    try:
        deployment = service.deploy("1.3.0", strategy="BLUE_GREEN", lifecycleHooks=hooks)
        over = service.wait(deployment, lambda seen: "finishedAt" in seen)
    finally:
        native.put_suite(SUITE)
    assert over["status"] == "ROLLBACK_SUCCESSFUL", over
    stopped = native.report(deployment, "post-traffic-PRODUCTION_TRAFFIC_SHIFT-100")
    assert "no page has this address" in stopped["verdict"]["reasons"][0]
    waived = native.report(deployment, "post-traffic-PRODUCTION_TRAFFIC_SHIFT-0")
    assert "a rollback is never hindered" in waived["verdict"]["reasons"][0]
    assert service.versions(PRODUCTION, 5) == ["1.1.0"] * 5


BREAKS = """
  - name: no page has this address
    on: post-traffic
    http: GET /nowhere
    retries: 0
"""


def test_ecs_calls_back_while_a_bake_goes_on(native: GatedService) -> None:
    service = native.service
    native.put_suite(SUITE + "traffic: { bake: 31s, every: 31s }\n")
    try:
        hooks = native.hooks(["POST_PRODUCTION_TRAFFIC_SHIFT"])
        deployment = service.deploy("1.4.0", strategy="BLUE_GREEN", lifecycleHooks=hooks)
        over = service.wait(deployment, lambda seen: "finishedAt" in seen)
    finally:
        native.put_suite(SUITE)
    assert over["status"] == "SUCCESSFUL", over.get("statusReason")
    report = native.report(deployment, "post-traffic-POST_PRODUCTION_TRAFFIC_SHIFT")
    assert [check["strip"] for check in report["checks"]] == ["PP", "PP"]
    assert report["bake"]["completed"]


def test_behind_https_the_new_revision_is_measured_by_its_test_rule(world: World) -> None:
    authority = world.control.authority()
    trusting = f"{SUITE}ca_certificates: |\n{indent(authority, '  ')}"
    secure = GatedService(world, "secure", trusting, authority)
    service, hooks = secure.service, secure.hooks(["PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"])
    first = service.create("1.0.0", strategy="BLUE_GREEN", lifecycleHooks=hooks)
    assert first["status"] == "SUCCESSFUL", first.get("statusReason")
    canary: Any = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5}
    deployment = service.deploy("1.1.0", strategy="CANARY", canaryConfiguration=canary, lifecycleHooks=hooks)
    service.wait(deployment, bakes_at_first_step)
    assert service.versions(TEST) == ["1.1.0"], "whose answers the gate has seen"
    world.control.advance(300)
    over = service.wait(deployment, lambda seen: "finishedAt" in seen)
    assert over["status"] == "SUCCESSFUL", over.get("statusReason")
    for name in (f"pre-traffic-{PRE_STAGE}", "post-traffic-PRODUCTION_TRAFFIC_SHIFT-10"):
        report = secure.report(deployment, name)
        target = report["target"]
        assert (target["route"], target["host"], target["version"]) == ("test", TEST, "1.1.0"), name
        assert target["url"].startswith("https://"), target
        [served, _] = report["checks"]
        assert served["name"] == "the version served is the version deployed"
        assert served["strip"] == "P", "the new revision answered, not the old one"
    # Nobody trusts an authority that the suite does not name, and the reason says so.
    secure.put_suite(SUITE)
    stranger = service.deploy("1.2.0", strategy="BLUE_GREEN", lifecycleHooks=hooks)
    over = service.wait(stranger, lambda seen: "finishedAt" in seen)
    assert over["status"] == "ROLLBACK_SUCCESSFUL", over
    reasons = secure.outcome(stranger, "pre-traffic", "1.2.0").reasons
    assert any("ca_certificates" in reason for reason in reasons), reasons
    assert service.versions(PRODUCTION, 5) == ["1.1.0"] * 5


def test_before_test_traffic_only_checks_that_need_no_request_are_asked(world: World) -> None:
    targets = "  - name: all new tasks are healthy\n    targets: complete\n    retries: 10\n"
    scaled = GatedService(world, "scaled", SUITE + targets)
    hooks = scaled.hooks(["POST_PRODUCTION_TRAFFIC_SHIFT"])
    hooks[0]["lifecycleStages"] = ["POST_SCALE_UP", PRE_STAGE]
    first = scaled.service.create("1.0.0", strategy="BLUE_GREEN", lifecycleHooks=hooks)
    assert first["status"] == "SUCCESSFUL", first.get("statusReason")
    deployment = first["serviceDeploymentArn"]
    early = scaled.report(deployment, "pre-traffic-POST_SCALE_UP")
    assert [check["name"] for check in early["checks"]] == ["all new tasks are healthy"]
    assert early["target"]["route"] == "none"
    reasons = " ".join(early["verdict"]["reasons"])
    assert "not asked at POST_SCALE_UP" in reasons and "a reader buys a book" in reasons
    assert len(scaled.report(deployment, f"pre-traffic-{PRE_STAGE}")["checks"]) == 3
