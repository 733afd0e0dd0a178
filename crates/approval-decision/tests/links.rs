//! The page of a signed link, from the request of the function URL to the decision.

mod house;

use approvals::Status;
use approvals::records::AuditKind;
use approvals::sign::link::{self, Link, LinkAction};
use approvals::sign::Keys;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use house::support::{Fate, KEY};
use house::{Answer, House, Plan, Request, answer_page, filled};
use sha2::{Digest, Sha256};

const YES: LinkAction = LinkAction::Approve;
const NO: LinkAction = LinkAction::Reject;

async fn get(house: &House, path: &str) -> Answer {
    house.call(&Request::new("GET", path)).await
}

#[tokio::test]
async fn the_page_asks_and_says_that_a_link_identifies_nobody() {
    let house = House::open().await;
    let page = get(&house, &house.path(YES)).await;
    assert_eq!(page.status(), 200);
    insta::assert_snapshot!(page.text(), @r"
    shop · Production · Approve
    May shop go on past Production?
    Status
    It waits for a decision
    6 d left, until 2026-03-08 10:00 UTC
    Asked 2026-03-02 09:00 UTC
    To the decision
    At a glance
    Started by
    1
    Webhook, arn:aws:codestar-connections:eu-central-1:111122223333:connection/1
    Note of the pipeline&#39;s owner
    the spring release
    No infrastructure changes were found.
    Links
    The pipeline in the console
    Your decision
    Comment (optional)
    It is stored with the decision, and CodePipeline shows it.
    This page was opened with the link of email:lead@example.com. A link can be forwarded and identifies nobody, so the decision is recorded as that of the link&#39;s holder.
    Approving lets the pipeline go on at once.
    Approve
    ");
}

#[tokio::test]
async fn get_and_head_change_nothing_however_often_they_come() {
    let house = House::open().await;
    for action in [LinkAction::View, YES, NO] {
        let path = house.path(action);
        for _ in 0..3 {
            let page = get(&house, &path).await;
            let head = house.call(&Request::new("HEAD", &path)).await;
            assert_eq!((page.status(), head.status()), (200, 200));
            assert_eq!(head.body(), "");
            assert_eq!(head.cookie(), None);
        }
    }
    // A link that doesn't count is no exception.
    get(&house, "/d/eyJ2IjoxfQ.AAAA").await;
    assert!(!house.wrote(), "{:?}", house.world.calls());
    // Nor is a case with a decision that was left open.
    house.world.plan(|_, call| (call == "PutApprovalResult").then_some(Fate::Fail(500, "InternalFailure")));
    answer_page(&house, &house.path(YES), "").await;
    house.world.no_plan();
    house.hands.pass(600);
    house.world.forget_calls();
    get(&house, &house.path(YES)).await;
    assert!(!house.wrote(), "{:?}", house.world.calls());
    assert!(house.taken().is_empty());
}

#[tokio::test]
async fn a_deliberate_post_decides() {
    let house = House::open().await;
    let answer = answer_page(&house, &house.path(YES), "ship it").await;
    assert_eq!(answer.status(), 200);
    insta::assert_snapshot!(answer.text().lines().take(8).collect::<Vec<_>>().join("\n"), @r"
    shop · Production · Approve
    Your answer about shop
    Approved
    Decided by the holder of the link of email:lead@example.com. “ship it”
    Look at it again
    Status
    Approved
    Decided by the holder of the link of email:lead@example.com. “ship it”
    ");
    assert!(answer.body().contains(r#"role="status""#));
    assert!(answer.0["cookies"][0].as_str().unwrap().contains("Max-Age=0"), "the form is over");
    assert_eq!(answer.seal(), None);
    assert_eq!(house.taken()[0].2, "Approved by the holder of the link of email:lead@example.com: ship it");
    house
        .records(async |records| {
            let audits = records.audits(&house.case.id).await.unwrap();
            let kinds: Vec<AuditKind> = audits.iter().map(|entry| entry.kind).collect();
            assert_eq!(kinds, [AuditKind::Outcome, AuditKind::Click]);
            assert!(audits.iter().flat_map(|entry| &entry.by).all(|voter| !voter.identified));
            assert_eq!(audits[1].from.as_deref(), Some("192.0.2.7"));
        })
        .await;
}

#[tokio::test]
async fn a_post_that_comes_again_changes_nothing_and_is_told_the_truth() {
    let house = House::open().await;
    let path = house.path(YES);
    let page = get(&house, &path).await;
    let form = filled(&path, &page, "ship it");
    assert_eq!(house.call(&form).await.status(), 200);
    for _ in 0..3 {
        let again = house.call(&form).await;
        assert!(again.text().contains("This link was used on 2026-03-02 10:00 UTC."), "{}", again.text());
        assert!(again.text().contains("\nApproved\n"));
    }
    // Nor does the other link of the same person.
    let other = house.path(NO);
    let late = get(&house, &other).await;
    assert_eq!(late.seal(), None, "nothing is asked any more");
    assert_eq!(house.taken().len(), 1);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_it() {
    let house = House::open().await;
    let path = house.path(YES);
    let answers = [
        get(&house, &path).await,
        get(&house, "/").await,
        get(&house, "/d/x").await,
        house.call(&Request::new("HEAD", &path)).await,
        house.call(&Request::new("POST", &path)).await,
        house.call(&Request::new("POST", "/slack/interactions")).await,
        house.call(&Request::new("DELETE", &path)).await,
        answer_page(&house, &path, "").await,
    ];
    for answer in answers {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-robots-tag", "noindex, nofollow"),
            ("strict-transport-security", "max-age=63072000"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(answer.header(name), Some(value));
        }
        let policy = answer.header("content-security-policy").unwrap();
        for rule in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
        if let Some((_, rest)) = answer.body().split_once("<style>") {
            let (style, _) = rest.split_once("</style>").unwrap();
            let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
            assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "the browser takes the style");
        }
        assert!(!answer.body().contains("<script"));
        assert!(!answer.body().contains(" style="), "the policy would block it");
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_this_browser_only() {
    let house = House::open().await;
    let page = get(&house, &house.path(YES)).await;
    let cookie = page.0["cookies"][0].as_str().unwrap();
    assert!(cookie.starts_with("__Host-decide-"), "{cookie}");
    for attribute in ["; Path=/;", "; Secure;", "; HttpOnly;", "; SameSite=Strict;"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let again = get(&house, &house.path(YES)).await;
    assert_ne!(page.cookie(), again.cookie(), "fresh each time");
    assert_ne!(page.seal(), again.seal());
}

#[tokio::test]
async fn an_answer_that_no_page_of_ours_has_sent_is_not_taken() {
    let house = House::open().await;
    let path = house.path(YES);
    let page = get(&house, &path).await;
    let other = get(&house, &path).await;
    let of_no = get(&house, &house.path(NO)).await;
    let right = filled(&path, &page, "");
    let name = page.cookie().unwrap().split('=').next().unwrap().to_owned();
    let without = Request::new("POST", &path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("seal=&comment=");
    let seal = |text: &str| format!("seal={text}");
    let own = page.seal().unwrap();
    let wrong = [
        ("no cookie and no seal", without.clone()),
        ("a cookie without a seal", without.clone().cookie(&page.cookie().unwrap())),
        ("a seal without a cookie", without.clone().body(&seal(&own))),
        ("an empty cookie", without.clone().body(&seal(&own)).cookie(&format!("{name}="))),
        ("the cookie of another showing", without.clone().body(&seal(&own)).cookie(&other.cookie().unwrap())),
        ("the seal of another link", without.clone().body(&seal(&of_no.seal().unwrap())).cookie(&page.cookie().unwrap())),
        ("two seals", right.clone().body(&format!("seal={own}&seal={own}"))),
        ("two cookies", right.clone().cookie(&page.cookie().unwrap())),
        ("another site", right.clone().header("sec-fetch-site", "cross-site")),
        ("a sister site", right.clone().header("sec-fetch-site", "same-site")),
        ("plain text", right.clone().header("content-type", "text/plain")),
        ("no type", right.clone().without("content-type")),
    ];
    for (what, request) in wrong {
        let answer = house.call(&request).await;
        assert_eq!(answer.status(), 403, "{what}");
        assert!(answer.seal().is_some(), "{what}: it can be answered from here");
        assert!(house.taken().is_empty(), "{what}");
    }
    // Nothing of that has used the link up.
    assert_eq!(house.call(&right).await.status(), 200);
    assert_eq!(house.taken().len(), 1);
    house
        .records(async |records| {
            let audits = records.audits(&house.case.id).await.unwrap();
            let refused = audits.iter().filter(|entry| entry.result.starts_with("refused"));
            assert_eq!(refused.count(), 12);
        })
        .await;
}

/// Links that don't count, whatever the reason.
fn bad_links(house: &House) -> Vec<(&'static str, String)> {
    let right = house.link("email:lead@example.com", YES);
    let path = house.path_of(&right);
    let stranger = Keys::new("somebody else's key of at least 32 characters", None).unwrap();
    let unknown = approvals::CaseId::try_from("a".repeat(26)).unwrap();
    let sealed = |link: &Link| house.path_of(link);
    vec![
        ("a forged one", format!("/d/{}", link::seal(&stranger, &right))),
        ("one for another stack", sealed(&Link { audience: link::audience("another-table"), ..right.clone() })),
        ("one for no case", sealed(&Link { case: unknown, ..right.clone() })),
        ("half of one", path[..path.len() / 2].to_owned()),
        ("one with more", format!("{path}x")),
        ("one below it", format!("{path}/more")),
        ("an encoded one", path.replace('.', "%2e")),
        ("none", "/d/".to_owned()),
        ("nonsense", "/d/../../etc/passwd".to_owned()),
        ("a long one", format!("/d/{}.{}", "A".repeat(4000), "A".repeat(43))),
    ]
}

#[tokio::test]
async fn links_that_do_not_count_lead_to_one_page_that_says_nothing() {
    let house = House::open().await;
    let neutral = get(&house, "/nothing").await;
    assert_eq!(neutral.status(), 404);
    for (what, path) in bad_links(&house) {
        for method in ["GET", "POST"] {
            let answer = house.call(&Request::new(method, &path)).await;
            assert_eq!(answer, neutral, "{what}: {method}");
        }
    }
    let link = house.path(YES);
    house.hands.pass(7 * 86_400);
    let over = get(&house, &link).await;
    assert_eq!((over.status(), over.body()), (410, neutral.body()), "not even that it was one");
    assert!(house.taken().is_empty());
    assert!(!neutral.body().contains("shop"));
    house
        .records(async |records| {
            let audits = records.audits(&house.case.id).await.unwrap();
            assert!(!audits.is_empty(), "attempts that name the case are in the audit");
            assert!(audits.iter().all(|entry| entry.kind == AuditKind::BadLink));
        })
        .await;
}

#[tokio::test]
async fn a_link_with_any_byte_changed_is_refused() {
    let house = House::open().await;
    let path = house.path(YES);
    for place in 3..path.len() {
        let mut bytes = path.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let answer = get(&house, &String::from_utf8(bytes).unwrap()).await;
        assert_eq!(answer.status(), 404, "{place}");
    }
}

#[tokio::test]
async fn a_link_does_its_own_thing_for_its_own_person_only() {
    let house = House::open().await;
    let view = house.path(LinkAction::View);
    let page = get(&house, &view).await;
    assert_eq!(page.seal(), None);
    assert!(page.text().contains("can&#39;t decide it"));
    let answer = house.call(&Request::new("POST", &view)).await;
    assert_eq!((answer.status(), answer.header("allow")), (405, Some("GET, HEAD")));
    // A form that says something else than its link says what the link says.
    let path = house.path(NO);
    let page = get(&house, &path).await;
    let form = filled(&path, &page, "because");
    house.call(&form).await;
    assert_eq!(house.taken()[0].1, "Rejected");
    // Somebody who isn't on the list has a link that is right, and may not.
    let house = House::open().await;
    let stranger = house.link("email:stranger@example.com", YES);
    let answer = answer_page(&house, &house.path_of(&stranger), "").await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().contains("You are not among those who may decide this."));
    assert!(house.taken().is_empty());
}

#[tokio::test]
async fn rotating_the_key_keeps_links_and_open_pages_alive() {
    let house = House::open().await;
    let path = house.path(YES);
    let page = get(&house, &path).await;
    house.world.with(|state| {
        let new = "the next signing key of at least 32 characters";
        state.secrets.insert(("keys".into(), "AWSCURRENT".into()), new.into());
        state.secrets.insert(("keys".into(), "AWSPREVIOUS".into()), KEY.into());
    });
    house.hands.pass(600);
    let answer = house.call(&filled(&path, &page, "")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(house.taken().len(), 1, "the token's hash of the previous key counts too");
}

#[tokio::test]
async fn a_short_signing_key_lets_nobody_in() {
    let house = House::open().await;
    let path = house.path(YES);
    for key in ["", "short"] {
        house.world.with(|state| state.secrets.insert(("keys".into(), "AWSCURRENT".into()), key.into()));
        house.hands.pass(600);
        let answer = get(&house, &path).await;
        assert_eq!(answer.status(), 503);
        assert!(answer.text().contains("Nothing was changed"));
    }
    assert!(house.logs().contains("at least 32 are needed"));
}

#[tokio::test]
async fn a_rejection_without_its_reason_is_asked_again() {
    let policy = "approvals: 1, starter_may_approve: true, reason_for_rejection: true";
    let house = House::with(Plan { policy, ..Plan::default() }).await;
    let path = house.path(NO);
    let page = get(&house, &path).await;
    assert!(page.body().contains(" required></textarea>"));
    let empty = house.call(&filled(&path, &page, "  ")).await;
    assert_eq!(empty.status(), 422);
    assert!(empty.text().contains("A rejection needs a reason."));
    let answer = house.call(&filled(&path, &empty, "tests are red")).await;
    assert_eq!(answer.status(), 200);
    assert!(house.taken()[0].2.ends_with(": tests are red"));
}

#[tokio::test]
async fn a_page_is_shown_even_if_codepipeline_can_not_be_asked_and_nothing_is_decided() {
    let house = House::open().await;
    let path = house.path(YES);
    house.world.plan(|_, call| {
        let down = ["GetPipelineState", "ListActionExecutions", "GetPipelineExecution"].contains(&call);
        down.then_some(Fate::Fail(500, "InternalFailure"))
    });
    let page = get(&house, &path).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("could not be looked up just now"));
    let failed = house.call(&filled(&path, &page, "ship it")).await;
    assert_eq!(failed.status(), 503);
    assert!(failed.text().contains("Nothing was decided"));
    assert!(!failed.text().contains("InternalFailure"));
    assert!(house.taken().is_empty());
    house.world.no_plan();
    let answer = house.call(&filled(&path, &failed, "another comment")).await;
    assert_eq!(answer.status(), 200, "the same link goes on");
    assert!(house.taken()[0].2.ends_with(": ship it"), "and says what it said first");
}

#[tokio::test]
async fn a_run_that_died_is_finished_by_sending_the_page_again() {
    for call in 0..20 {
        let house = House::open().await;
        let path = house.path(YES);
        let page = get(&house, &path).await;
        let form = filled(&path, &page, "ship it");
        house.world.at(call, Fate::DieAfter);
        let died = house.world.live(house.call(&form)).await.is_none();
        house.world.no_plan();
        let answer = house.call(&form).await;
        assert_eq!(answer.status(), 200, "{call}");
        assert_eq!(house.taken().len(), 1, "{call}");
        if !died {
            return;
        }
    }
    panic!("it never came to an end");
}

#[tokio::test]
async fn the_page_shows_what_is_true() {
    for (fate, told) in [
        (Fate::ConsoleApproves, "Approved\nDecided in AWS itself, by arn:aws:sts::111122223333:assumed-role/Admin/release-manager."),
        (Fate::ConsoleRejects, "Rejected\n"),
        (Fate::Expire, "Expired: nobody answered in time\n"),
        (Fate::Supersede, "Superseded: a newer execution took its place\n"),
    ] {
        let house = House::open().await;
        let path = house.path(YES);
        let before = get(&house, &path).await;
        house.world.interfere(fate);
        let page = get(&house, &path).await;
        assert!(page.text().contains(told), "{fate:?}: {}", page.text());
        assert_eq!(page.seal(), None, "nothing is asked any more");
        let late = house.call(&filled(&path, &before, "")).await;
        assert_eq!(late.status(), 409);
        assert!(late.text().contains(told.lines().next().unwrap()));
        assert!(house.taken().is_empty());
    }
    let house = House::open().await;
    let path = house.path(YES);
    house.world.interfere(Fate::Change);
    let answer = answer_page(&house, &path, "").await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().contains("no longer what this message showed"));
    assert_eq!(house.world.with(|state| state.pipeline.latest().status), "InProgress");
}

#[tokio::test]
async fn votes_are_counted_on_the_page() {
    let house = House::with(Plan { policy: "approvals: 2, starter_may_approve: true", ..Plan::default() }).await;
    let answer = answer_page(&house, &house.path(YES), "").await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().contains("Recorded: 1 of 2 approvals"));
    assert!(answer.text().contains("1 of 2 approvals so far"));
    let page = get(&house, &house.path(YES)).await;
    assert_eq!(page.seal(), None, "one yes a person");
    let other = house.link("email:other@example.com", YES);
    let answer = answer_page(&house, &house.path_of(&other), "").await;
    assert!(answer.text().contains("\nApproved\n"), "{}", answer.text());
    house
        .records(async |records| {
            let record = records.decision(&house.case.id).await.unwrap().unwrap().value;
            assert_eq!(record.outcome.unwrap().truth.status, Status::Approved);
        })
        .await;
}

#[tokio::test]
async fn other_methods_are_refused() {
    let house = House::open().await;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = house.call(&Request::new(method, &house.path(YES))).await;
        assert_eq!((answer.status(), answer.header("allow")), (405, Some("GET, HEAD, POST")));
    }
    let path = house.path(YES);
    let page = get(&house, &path).await;
    let long = filled(&path, &page, &"x".repeat(40_000));
    assert_eq!(house.call(&long).await.status(), 413);
    assert!(!house.wrote());
}

#[tokio::test]
async fn the_page_speaks_the_language_of_the_team() {
    let house = House::with(Plan { language: "zh", ..Plan::default() }).await;
    let page = get(&house, &house.path(YES)).await;
    assert!(page.body().contains(r#"<html lang="zh-Hans">"#));
    assert!(page.text().contains("是否允许 shop 通过 Production 继续？"));
}

#[tokio::test]
async fn wrong_settings_are_an_answer() {
    let mut house = House::open().await;
    let settings = approval_decision::settings::Settings::read(&|_| None);
    let function = approval_decision::Decision::new(settings, house.world.aws());
    house.function = function.into();
    let answer = get(&house, "/d/x").await;
    assert_eq!(answer.status(), 503);
    assert!(house.logs().contains("STATE_TABLE is not set"));
    assert!(!answer.body().contains("STATE_TABLE"));
}
