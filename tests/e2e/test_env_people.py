"""People who need their environment at another hour: by a link, by a command in Slack, by a tag.

Opening a link changes nothing, nobody can make one, and nobody is believed who has not signed.
"""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from cases import items, link_payload, link_with
from nights import HOUR, MINUTE, Nights, instant
from soon import Soon
from world import World
from world.approver import COMMANDS, Answer, Member, Visitor, forms
from world.control import Json
from world.estate import Estate, Plan
from world.inbox import Message
from world.outcomes import wait_for

MEMBER = Member("U0NIGHTOWL", "night-owl")
STRANGER = Member("U0NIGHTOWL", "night-owl", team="T0OTHER001")
OWL, TAGGED = "dev-people/owl", "dev-people/tagged"


@pytest.fixture(scope="module")
def estate(night_world: World, nights: Nights) -> Iterator[Estate]:
    """Two services that never run by themselves, and sleep."""
    estate = night_world.estate
    for place in (OWL, TAGGED):
        estate.make(place, Plan(2, schedule="never"))
    ran = nights.run("tick", datetime.now(UTC), only="dev-people/*")
    assert ran.done["stopped"] == 2, ran.value
    yield estate
    estate.remove(OWL, TAGGED)


def say(world: World, text: str, member: Member = MEMBER) -> tuple[Answer, Message]:
    """A command in Slack: what Slack gets at once, and what the member reads after a moment."""
    fields = world.night_slack.command(member, text)
    answer = world.night_slack.post(*world.night_slack.sign(fields), path=COMMANDS)
    path = urlsplit(fields["response_url"]).path
    return answer, world.inbox.wait("slack", "", lambda message: message.path.endswith(path.rsplit("/", 1)[-1]))


def test_a_command_wakes_what_sleeps_for_some_hours(night_world: World, nights: Nights, estate: Estate) -> None:
    answer, told = say(night_world, f"up {OWL} 2h")
    assert answer.status == 200 and answer.took < 3, answer
    assert "1 service" in told.text and OWL in told.text, told.text
    estate.wait_for_count(OWL, 2)
    [request] = [request for request in nights.requests() if request["services"] == OWL]
    assert MEMBER.user in request["by"], request
    # The other one goes on sleeping, and this one sleeps again when the time is over.
    assert estate.look(TAGGED)["desiredCount"] == 0
    nights.run("tick", datetime.now(UTC) + HOUR, only=OWL)
    assert estate.look(OWL)["desiredCount"] == 2
    nights.run("tick", datetime.now(UTC) + 2 * HOUR + MINUTE, only=OWL)
    assert estate.look(OWL)["desiredCount"] == 0


def test_a_command_tells_how_things_are(night_world: World, estate: Estate) -> None:
    assert estate.look(TAGGED)["desiredCount"] == 0
    _, told = say(night_world, "status dev-people/*")
    assert "2 asleep" in told.text, told.text


def test_who_is_not_of_the_workspace_may_not(night_world: World, nights: Nights, estate: Estate) -> None:
    before = nights.requests()
    _, told = say(night_world, f"up {TAGGED}", STRANGER)
    assert "may not" in told.text, told.text
    assert nights.requests() == before and estate.look(TAGGED)["desiredCount"] == 0


def test_a_command_that_slack_has_not_signed_now_is_refused(night_world: World, nights: Nights) -> None:
    slack, before = night_world.night_slack, nights.requests()
    fields = slack.command(MEMBER, f"up {TAGGED}")
    wrong = {
        "forged": slack.sign(fields, secret="0" * 32),
        "old": slack.sign(fields, at=time.time() - 301),
        "of tomorrow": slack.sign(fields, at=time.time() + 86_400),
        "unsigned": (slack.sign(fields)[0], {"Content-Type": "application/x-www-form-urlencoded"}),
        "changed": (slack.sign(fields | {"text": "up *"})[0], slack.sign(fields)[1]),
    }
    for name, request in wrong.items():
        assert slack.post(*request, path=COMMANDS).status == 401, name
    assert nights.requests() == before
    right = slack.sign(slack.command(MEMBER, "status"))
    assert [slack.post(*right, path=COMMANDS).status for _ in range(2)] == [200, 401], "it was taken twice"


def test_a_tag_keeps_a_service_up_as_long_as_it_says(nights: Nights, estate: Estate) -> None:
    now = datetime.now(UTC)
    estate.tag(TAGGED, "deploy-hooks:keep-up-until", instant(now + HOUR))
    nights.run("tick", now, only=TAGGED)
    assert estate.look(TAGGED)["desiredCount"] == 2
    nights.run("tick", now + HOUR + MINUTE, only=TAGGED)
    assert estate.look(TAGGED)["desiredCount"] == 0
    estate.untag(TAGGED, "deploy-hooks:keep-up-until")


def test_forged_and_expired_links_open_nothing(night_world: World, nights: Nights, soon: Soon) -> None:
    link, before = soon.link({"snooze": 0}), nights.requests()
    payload = link_payload(link)
    changes: list[Json] = [{"w": "wake"}, {"w": {"snooze": 2}}, {"b": "email:boss@example.com"}, {"exp": 4102444800}]
    wrong = [link_with(link, **change) for change in changes]
    wrong += [link[:-1], f"{link}0", link.replace("/e/", "/d/"), f"{link.rsplit('/', 1)[0]}/x"]
    for forged in wrong:
        for method in ("GET", "POST"):
            answer = night_world.night_door.ask(method, urlsplit(forged).path, b"")
            assert answer.status in {403, 404} and forms(answer.body) == [], (forged, answer)
            assert soon.place not in answer.body, "a forged link shows what it is about"
    sealed = _sealed(night_world, payload)
    assert link.endswith(f"/e/{sealed}"), "the link is signed in another way than the next one"
    over = f"/e/{_sealed(night_world, payload | {'exp': int(time.time()) - 1})}"
    for method in ("GET", "POST"):
        answer = night_world.night_door.ask(method, over, b"")
        assert 400 <= answer.status < 500 and "has expired" in answer.body and forms(answer.body) == [], answer
    assert nights.requests() == before


def test_a_link_wakes_what_sleeps_already(night_world: World, soon: Soon) -> None:
    soon.falls_asleep()
    link = soon.link("wake")
    for method in ("HEAD", "GET"):
        assert Visitor(night_world.night_door).get(link, method).status == 200
    assert soon.estate.look(soon.place)["desiredCount"] == 0
    visitor = Visitor(night_world.night_door)
    assert visitor.submit(link, visitor.get(link), hours="13").status == 422
    answer = visitor.submit(link, visitor.get(link), hours="1")
    assert answer.status == 200 and "Done" in answer.body, answer
    soon.estate.wait_for_count(soon.place, 1)


def test_a_form_counts_only_from_its_own_page_and_once(night_world: World, nights: Nights, soon: Soon) -> None:
    link, before = soon.link({"snooze": 0}), len(nights.requests())
    visitor = Visitor(night_world.night_door)
    page = visitor.get(link)
    cookies, visitor.cookies = visitor.cookies, {}
    assert visitor.submit(link, page).status == 403
    assert len(nights.requests()) == before
    visitor.cookies = cookies
    assert [visitor.submit(link, page).status for _ in range(2)] == [200, 200]
    assert len(nights.requests()) == before + 1, "what was sent twice was asked for twice"


def test_what_people_asked_for_is_in_the_audit(night_world: World) -> None:
    def records() -> list[str]:
        known = items(night_world, table=night_world.stack.environments_table)
        found = [item["body"] for item in known if item["sk"].startswith("audit#")]
        return [json.dumps(record) for record in found]

    told = wait_for("the audit", records)
    assert any(f"wake {OWL}" in record and MEMBER.user in record for record in told), told
    assert any("refused" in record and STRANGER.team in record for record in told), told


def _sealed(world: World, payload: Json) -> str:
    """A link as the function signs it, with the stack's own key."""
    secret = world.aws.secretsmanager.get_secret_value(SecretId=world.stack.environments_keys)
    key = secret["SecretString"].strip().encode()
    text = urlsafe_b64encode(json.dumps(payload, separators=(",", ":")).encode()).decode().rstrip("=")
    signature = hmac.new(key, f"deploy-hooks\0link\0{text}".encode(), hashlib.sha256).digest()
    return f"{text}.{urlsafe_b64encode(signature).decode().rstrip('=')}"
