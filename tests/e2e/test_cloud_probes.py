"""Suites that ask AWS about the release: alarms, targets, the wiring of the deployment."""

import json
from collections.abc import Callable

from follow import ENDED, Follower
from gates import POST, PRE, Gates
from world import World
from world.shop import Release, Shop

ALARM = "cloud-probes-5xx"
SUITE = f"""\
version: 1
name: cloud
checks:
  - name: home page
    http: GET /
  - name: all new tasks are healthy
    targets: complete
    retries: 10
  - name: no alarm is on
    on: [post-traffic]
    alarms: [{ALARM}]
    retries: 0
  - name: wired well
    on: [pre-traffic]
    severity: advisory
    wiring: all
"""


def _alarm(world: World, state: str) -> None:
    world.aws.cloudwatch.put_metric_alarm(
        AlarmName=ALARM,
        Namespace="Shop",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    world.aws.cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="the test says so")


def test_healthy_targets_and_a_quiet_alarm_let_the_release_pass(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    _alarm(world, "OK")
    lab.put_suite(SUITE)
    deployment = lab.deploy(release(), gates.hooks("pre-traffic", "post-traffic"))
    assert follower.ended(deployment) in ENDED, follower.told()
    assert follower.answers(deployment) == [(PRE, "Succeeded"), (POST, "Succeeded")]
    report = json.loads(world.outcomes.report(world.outcomes.wait(deployment, "pre-traffic")))
    checks = {check["name"]: check["rounds"][-1]["tries"][-1] for check in report["checks"]}
    assert checks["all new tasks are healthy"]["request"].startswith("the targets of ")
    wiring = {each["expected"]: each["got"] for each in checks["wired well"]["expectations"]}
    for rule in (
        "task-definition-arn",
        "task-definition-exists",
        "container",
        "deployment-controller",
        "target-groups",
    ):
        assert wiring[rule] == "in order", wiring


def test_an_alarm_stops_the_release_and_the_reason_has_its_words(
    world: World, lab: Shop, gates: Gates, follower: Follower, release: Callable[..., Release]
) -> None:
    _alarm(world, "ALARM")
    lab.put_suite(SUITE)
    deployment = lab.deploy(release(), gates.hooks("pre-traffic", "post-traffic"))
    assert follower.ended(deployment) == "Failed", follower.told()
    assert follower.answers(deployment) == [(PRE, "Succeeded"), (POST, "Failed")]
    outcome = world.outcomes.wait(deployment, "post-traffic")
    assert any("ALARM: the test says so" in reason for reason in outcome.reasons), outcome.text
