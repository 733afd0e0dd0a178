"""Links in mails: opening one changes nothing, its form decides, once, and nobody can make one."""

import time
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from cases import MAILBOX, PUT, Case, Waiting, link_payload, link_with
from world import World
from world.approver import Visitor, forms


def test_the_form_decides_and_the_record_says_that_a_link_identifies_nobody(waiting: Waiting) -> None:
    case = waiting("usual")
    answer = case.answer_by_link("approve", "from my phone")
    assert answer.status in {200, 303}, answer
    status, summary = case.decided()
    assert status == "Succeeded"
    assert summary.startswith("Approved by") and f"email:{MAILBOX}" in summary, summary
    record = case.audit("from my phone")[0]
    assert [voter["identified"] for voter in record["by"]] == [False], record
    case.updated("Approved by")


def test_a_no_by_link_stops_the_pipeline(waiting: Waiting) -> None:
    case = waiting("usual")
    case.answer_by_link("reject", "not today")
    status, summary = case.decided()
    assert (status, "not today" in summary) == ("Failed", True), summary


@pytest.fixture(scope="module")
def open_case(waiting_session: Waiting) -> Case:
    """An approval that none of the wrong visits may end."""
    return waiting_session("usual")


def test_a_mail_scanner_changes_nothing(world: World, open_case: Case) -> None:
    before = [record["sk"] for record in open_case.records()]
    for mail in world.inbox.mails(open_case.name):
        for link in open_case.decision_links(mail):
            for method in ("HEAD", "GET", "GET"):
                answer = Visitor(world.door).get(link, method)
                assert answer.status == 200, (method, link, answer.status)
                assert method == "GET" or answer.body == ""
    assert open_case.waits()
    assert [record["sk"] for record in open_case.records() if not record["sk"].startswith("audit#")] == [
        sk for sk in before if not sk.startswith("audit#")
    ], "a scanner left traces that a decision would"


def test_the_page_is_kept_from_caches_frames_and_other_sites(world: World, open_case: Case) -> None:
    page = Visitor(world.door).get(open_case.links()["approve"])
    assert "no-store" in page.headers["cache-control"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    policy = page.headers["content-security-policy"]
    for needed in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"):
        assert needed in policy, policy
    assert "unsafe" not in policy.replace("'unsafe-inline'", "") and "script-src" not in policy, policy
    [cookie] = page.cookies
    for needed in ("HttpOnly", "Secure", "SameSite=Strict"):
        assert needed in cookie, cookie
    [form] = forms(page.body)
    assert form.method == "post"


def test_without_the_page_s_cookie_the_form_does_not_count(world: World, open_case: Case) -> None:
    link = open_case.links()["approve"]
    visitor = Visitor(world.door)
    page = visitor.get(link)
    for cookies in ({}, dict.fromkeys(visitor.cookies, "x" * 22), {"other": "1"}):
        visitor.cookies = cookies
        answer = visitor.submit(link, page)
        assert answer.status in {400, 403}, answer
    # Another browser's own page has another cookie.
    other = Visitor(world.door)
    other.get(link)
    assert other.submit(link, page).status in {400, 403}
    assert open_case.waits()


@pytest.mark.parametrize(
    "changes",
    [
        {"act": "approve"},
        {"by": "email:boss@example.com"},
        {"exp": 4102444800},
        {"case": "a" * 26},
        {"aud": "another"},
        {"k": "00000000"},
        {"jti": "another"},
        {"v": 2},
        {"extra": 1},
    ],
)
def test_a_changed_link_opens_nothing(world: World, open_case: Case, changes: dict[str, object]) -> None:
    forged = link_with(open_case.links()["reject"], **changes)
    answer = Visitor(world.door).get(forged)
    assert answer.status in {403, 404}, answer
    assert forms(answer.body) == []
    assert open_case.name not in answer.body, "a forged link shows what it is about"


@pytest.mark.parametrize(
    "path", ["/", "/d/", "/d/x", "/d/x.y", "/d/" + "a" * 5000, "/d/../slack", "/favicon.ico", "/d/%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_is_no_link_is_not_found(world: World, path: str, method: str) -> None:
    answer = world.door.ask(method, path, b"a=b" if method != "GET" else None)
    assert 400 <= answer.status < 500, answer


def test_a_forged_link_with_a_known_case_leaves_a_record(world: World, open_case: Case) -> None:
    forged = link_with(open_case.links()["reject"], act="approve")
    assert world.door.ask("POST", urlsplit(forged).path, b"comment=yes").status in {403, 404}
    [record] = open_case.audit('"bad_link"')
    assert "signature" in record["result"], record


def test_a_used_link_says_what_became_of_it_and_decides_nothing(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    link = case.links()["approve"]
    visitor = Visitor(world.door)
    page = visitor.get(link)
    visitor.submit(link, page)
    assert case.decided()[0] == "Succeeded"
    before = len(_puts(world))
    again = visitor.submit(link, page)
    assert again.status < 500
    seen = Visitor(world.door).get(link)
    assert forms(seen.body) == [], "a used link still has a form"
    assert "approved" in seen.body.lower()
    time.sleep(1)
    assert len(_puts(world)) == before


def test_the_no_of_a_link_can_not_follow_its_yes(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    case.answer_by_link("approve")
    assert case.decided()[0] == "Succeeded"
    visitor = Visitor(world.door)
    seen = visitor.get(case.links()["reject"])
    assert forms(seen.body) == []
    assert case.pipeline.status(case.execution) == "Succeeded"


def test_each_recipient_has_links_of_their_own_that_end_with_the_approval(open_case: Case) -> None:
    lead, second = open_case.mail(MAILBOX), open_case.mail("second@example.com")
    mine = {link_payload(link)["by"] for link in open_case.decision_links(lead)}
    theirs = {link_payload(link)["by"] for link in open_case.decision_links(second)}
    assert (mine, theirs) == ({f"email:{MAILBOX}"}, {"email:second@example.com"})
    [known] = [record["body"] for record in open_case.records() if record["sk"] == "case"]
    ends = datetime.fromisoformat(known["expires"]).timestamp()
    for link in open_case.decision_links(lead):
        assert time.time() < link_payload(link)["exp"] <= ends
    assert "approve" not in {link_payload(link)["act"] for link in open_case.decision_links(second)}, (
        "somebody who may not approve has a link for it"
    )


def test_after_one_rotation_links_still_count_after_two_no_longer(world: World, waiting: Waiting) -> None:
    case = waiting("usual")
    link = case.links()["approve"]
    manager = world.aws.secretsmanager
    try:
        for number, found in [(1, {200}), (2, {403, 404})]:
            manager.put_secret_value(SecretId=world.stack.keys_secret, SecretString=f"new key {number} " + "k" * 40)
            restart(world)
            assert Visitor(world.door).get(link).status in found, f"after {number} rotations"
    finally:
        case.pipeline.answer_in_console(case.token, "Rejected", "its links are worthless now")


def restart(world: World) -> None:
    """Ends the running functions: they keep the keys for minutes, which nobody wants to wait for."""
    for function in (world.stack.notifier, world.stack.decision):
        limit = world.aws.lambda_.get_function_configuration(FunctionName=function)["Timeout"]
        world.aws.lambda_.update_function_configuration(FunctionName=function, Timeout=limit)


def _puts(world: World) -> list[dict[str, object]]:
    return list(world.control.calls(operation=PUT))
