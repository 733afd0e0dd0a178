"""PAUSE hooks of ECS's own deployments: people are asked, and their answer lets it go on or takes it back."""

import itertools
from types import SimpleNamespace

import pytest
from cases import Case
from world import World
from world.native import PRODUCTION, NativeService

NUMBERS = itertools.count(1)
CONTINUE = "ContinueServiceDeployment"
STAGE = "POST_TEST_TRAFFIC_SHIFT"


class PausedService:
    """A service with two revisions, the second of which waits for people before it has any traffic."""

    def __init__(self, world: World, action: str) -> None:
        self.world = world
        self.service = NativeService(world.aws, f"paused-{next(NUMBERS)}")
        self.service.create("1.0.0", strategy="BLUE_GREEN")
        pause = {
            "targetType": "PAUSE",
            "lifecycleStages": [STAGE],
            "timeoutConfiguration": {"timeoutInMinutes": 60, "action": action},
        }
        self.deployment = self.service.deploy("2.0.0", strategy="BLUE_GREEN", lifecycleHooks=[pause])
        self.service.wait(self.deployment, lambda seen: self.waits(seen))
        named = SimpleNamespace(name=self.service.name)
        self.case = Case(world, named, self.deployment, "")  # type: ignore[arg-type]

    @staticmethod
    def waits(seen: dict) -> bool:
        return any(hook["status"] == "AWAITING_ACTION" for hook in seen.get("lifecycleHookDetails", []))

    def answers(self) -> list[dict]:
        """The answers of the pause that ECS took."""
        calls = self.world.control.calls(operation=CONTINUE)
        return [call for call in calls if call["status"] == 200 and call.get("resource", "") in ("", self.deployment)]

    def over(self) -> dict:
        return self.service.wait(self.deployment, lambda seen: "finishedAt" in seen)


def test_a_yes_by_link_lets_the_deployment_go_on(world: World) -> None:
    paused = PausedService(world, "CONTINUE")
    asked = paused.case.asked()
    for part in (STAGE, "IF NOBODY DECIDES, THE DEPLOYMENT GOES ON", "2.0.0", "SHOP_VERSION"):
        assert part in asked.text, asked.text
    assert paused.service.versions(PRODUCTION, 3) == ["1.0.0"] * 3
    before = len(paused.answers())
    answer = paused.case.answer_by_link("approve", "go")
    assert answer.status in {200, 303}, answer
    assert paused.over()["status"] == "SUCCESSFUL"
    assert paused.service.versions(PRODUCTION, 3) == ["2.0.0"] * 3
    assert len(paused.answers()) == before + 1
    paused.case.updated("Approved by")
    paused.case.thread("succeeded")
    paused.case.audit("this decided it")


def test_a_no_in_slack_takes_it_back(world: World) -> None:
    paused = PausedService(world, "ROLLBACK")
    paused.case.click(action="reject", comment="not today")
    over = paused.over()
    assert over["status"] == "ROLLBACK_SUCCESSFUL"
    assert over["lifecycleHookDetails"][0]["status"] == "FAILED"
    assert paused.service.versions(PRODUCTION, 3) == ["1.0.0"] * 3
    paused.case.updated("Rejected by")


@pytest.mark.parametrize(("action", "told"), [("CONTINUE", "was approved"), ("ROLLBACK", "was rejected")])
def test_who_answers_with_the_cli_is_followed(world: World, action: str, told: str) -> None:
    paused = PausedService(world, "ROLLBACK")
    paused.case.asked()
    [hook] = paused.service.describe(paused.deployment)["lifecycleHookDetails"]
    world.aws.ecs.continue_service_deployment(
        serviceDeploymentArn=paused.deployment, hookId=hook["hookId"], action=action
    )
    paused.over()
    paused.case.updated(told)
