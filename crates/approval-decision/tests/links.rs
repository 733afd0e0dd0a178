//! The page of a signed link, from the request of the function URL to the decision.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod fixture;

use approvals::Status;
use approvals::link_claims::LinkAction;
use fixture::support::{Act, CallFault};
use fixture::{Answer, Fixture, Plan, Request, answer_page, filled};
use ledger::AuditKind;

const YES: LinkAction = LinkAction::Approve;
const NO: LinkAction = LinkAction::Reject;

async fn get(fixture: &Fixture, path: &str) -> Answer {
    fixture.call(&Request::new("GET", path)).await
}

#[tokio::test]
async fn the_page_asks_and_says_that_a_link_identifies_nobody() {
    let fixture = Fixture::open().await;
    let page = get(&fixture, &fixture.path(YES)).await;
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
    AutomatedRollback, arn:aws:codestar-connections:eu-central-1:111122223333:connection/1
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
    let fixture = Fixture::open().await;
    for action in [LinkAction::View, YES, NO] {
        let path = fixture.path(action);
        for _ in 0..3 {
            let page = get(&fixture, &path).await;
            let head = fixture.call(&Request::new("HEAD", &path)).await;
            assert_eq!((page.status(), head.status()), (200, 200));
            assert_eq!(head.body(), "");
            assert_eq!(head.cookie(), None);
        }
    }
    // A link that doesn't count is no exception.
    get(&fixture, "/d/eyJ2IjoxfQ.AAAA").await;
    assert!(!fixture.wrote(), "{:?}", fixture.world.calls());
    // Nor is a case with a decision that was left open.
    fixture.world.plan(|_, call| {
        (call == "PutApprovalResult").then_some(CallFault::Fail(500, "InternalFailure"))
    });
    answer_page(&fixture, &fixture.path(YES), "").await;
    fixture.world.no_plan();
    fixture.hands.pass(600);
    fixture.world.forget_calls();
    get(&fixture, &fixture.path(YES)).await;
    assert!(!fixture.wrote(), "{:?}", fixture.world.calls());
    assert!(fixture.taken().is_empty());
}

#[tokio::test]
async fn a_deliberate_post_decides() {
    let fixture = Fixture::open().await;
    let answer = answer_page(&fixture, &fixture.path(YES), "ship it").await;
    assert_eq!(answer.status(), 200);
    insta::assert_snapshot!(answer.text().lines().take(8).collect::<Vec<_>>().join("\n"), @r"
    shop · Production · Approve
    Your answer about shop
    Approved
    Decided by the holder of the link of email:lead@example.com. “ship it”
    Look at it again
    Status
    Approved
    Asked 2026-03-02 09:00 UTC
    ");
    assert!(answer.body().contains(r#"role="status""#));
    assert!(
        answer.0["cookies"][0]
            .as_str()
            .unwrap()
            .contains("Max-Age=0"),
        "the form is over"
    );
    assert_eq!(answer.seal(), None);
    assert_eq!(
        fixture.taken()[0].2,
        "Approved by the holder of the link of email:lead@example.com: ship it"
    );
    fixture
        .records(async |records| {
            let audits = records.audits(&fixture.case.id).await.unwrap();
            // Of one moment, as the clock stands still.
            let of = |kind| audits.iter().filter(move |entry| entry.kind == kind);
            assert_eq!(of(AuditKind::Outcome).count(), 1);
            assert_eq!(of(AuditKind::Click).count(), 1);
            assert_eq!(audits.len(), 2);
            assert!(
                audits
                    .iter()
                    .flat_map(|entry| &entry.by)
                    .all(|voter| !voter.identified)
            );
            let click = of(AuditKind::Click).next().unwrap();
            assert_eq!(click.from.as_deref(), Some("192.0.2.7"));
        })
        .await;
}

#[tokio::test]
async fn a_post_that_comes_again_changes_nothing_and_is_told_the_truth() {
    let fixture = Fixture::open().await;
    let path = fixture.path(YES);
    let page = get(&fixture, &path).await;
    let form = filled(&path, &page, "ship it");
    assert_eq!(fixture.call(&form).await.status(), 200);
    for _ in 0..3 {
        let again = fixture.call(&form).await;
        assert!(
            again
                .text()
                .contains("This link was used on 2026-03-02 10:00 UTC."),
            "{}",
            again.text()
        );
        assert!(again.text().contains("\nApproved\n"));
    }
    // Nor does the other link of the same person.
    let other = fixture.path(NO);
    let late = get(&fixture, &other).await;
    assert_eq!(late.seal(), None, "nothing is asked any more");
    assert_eq!(fixture.taken().len(), 1);
}

#[tokio::test]
async fn a_rejection_without_its_reason_is_asked_again() {
    let policy = "approvals: 1, starter_may_approve: true, reason_for_rejection: true";
    let fixture = Fixture::with(Plan {
        policy,
        ..Plan::default()
    })
    .await;
    let path = fixture.path(NO);
    let page = get(&fixture, &path).await;
    assert!(page.body().contains(" required></textarea>"));
    let empty = fixture.call(&filled(&path, &page, "  ")).await;
    assert_eq!(empty.status(), 422);
    assert!(empty.text().contains("A rejection needs a reason."));
    let answer = fixture.call(&filled(&path, &empty, "tests are red")).await;
    assert_eq!(answer.status(), 200);
    assert!(fixture.taken()[0].2.ends_with(": tests are red"));
}

#[tokio::test]
async fn a_page_is_shown_even_if_codepipeline_can_not_be_asked_and_nothing_is_decided() {
    let fixture = Fixture::open().await;
    let path = fixture.path(YES);
    fixture.world.plan(|_, call| {
        let down = [
            "GetPipelineState",
            "ListActionExecutions",
            "GetPipelineExecution",
        ]
        .contains(&call);
        down.then_some(CallFault::Fail(500, "InternalFailure"))
    });
    let page = get(&fixture, &path).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("could not be looked up just now"));
    let failed = fixture.call(&filled(&path, &page, "ship it")).await;
    assert_eq!(failed.status(), 503);
    assert!(failed.text().contains("Nothing was decided"));
    assert!(!failed.text().contains("InternalFailure"));
    assert!(fixture.taken().is_empty());
    fixture.world.no_plan();
    let answer = fixture
        .call(&filled(&path, &failed, "another comment"))
        .await;
    assert_eq!(answer.status(), 200, "the same link goes on");
    assert!(
        fixture.taken()[0].2.ends_with(": ship it"),
        "and says what it said first"
    );
}

#[tokio::test]
async fn a_run_that_died_is_finished_by_sending_the_page_again() {
    for call in 0..20 {
        let fixture = Fixture::open().await;
        let path = fixture.path(YES);
        let page = get(&fixture, &path).await;
        let form = filled(&path, &page, "ship it");
        fixture.world.at(call, CallFault::DieAfter);
        let died = fixture.world.live(fixture.call(&form)).await.is_none();
        fixture.world.no_plan();
        let answer = fixture.call(&form).await;
        assert_eq!(answer.status(), 200, "{call}");
        assert_eq!(fixture.taken().len(), 1, "{call}");
        if !died {
            return;
        }
    }
    panic!("it never came to an end");
}

#[tokio::test]
async fn the_page_shows_what_is_true() {
    for (fate, told) in [
        (
            Act::ConsoleApproves,
            "Approved\nDecided in AWS itself, by arn:aws:sts::111122223333:assumed-role/Admin/release-manager.",
        ),
        (Act::ConsoleRejects, "Rejected\n"),
        (Act::Expire, "Expired: nobody answered in time\n"),
        (
            Act::Supersede,
            "Superseded: a newer execution took its place\n",
        ),
    ] {
        let fixture = Fixture::open().await;
        let path = fixture.path(YES);
        let before = get(&fixture, &path).await;
        fixture.world.interfere(fate);
        let page = get(&fixture, &path).await;
        assert!(page.text().contains(told), "{fate:?}: {}", page.text());
        assert_eq!(page.seal(), None, "nothing is asked any more");
        let late = fixture.call(&filled(&path, &before, "")).await;
        assert_eq!(late.status(), 409);
        assert!(late.text().contains(told.lines().next().unwrap()));
        assert!(fixture.taken().is_empty());
    }
    let fixture = Fixture::open().await;
    let path = fixture.path(YES);
    fixture.world.interfere(Act::Change);
    let answer = answer_page(&fixture, &path, "").await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().contains("no longer what this message showed"));
    assert_eq!(
        fixture.world.with(|state| state.pipeline.latest().status),
        "InProgress"
    );
}

#[tokio::test]
async fn votes_are_counted_on_the_page() {
    let fixture = Fixture::with(Plan {
        policy: "approvals: 2, starter_may_approve: true",
        ..Plan::default()
    })
    .await;
    let answer = answer_page(&fixture, &fixture.path(YES), "").await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().contains("Recorded: 1 of 2 approvals"));
    assert!(answer.text().contains("1 of 2 approvals so far"));
    let page = get(&fixture, &fixture.path(YES)).await;
    assert_eq!(page.seal(), None, "one yes a person");
    let other = fixture.link("email:other@example.com", YES);
    let answer = answer_page(&fixture, &fixture.path_of(&other), "").await;
    assert!(answer.text().contains("\nApproved\n"), "{}", answer.text());
    fixture
        .records(async |records| {
            let record = records
                .decision(&fixture.case.id)
                .await
                .unwrap()
                .unwrap()
                .value;
            assert_eq!(
                record.outcome.unwrap().action_state.status,
                Status::Approved
            );
        })
        .await;
}

#[tokio::test]
async fn the_page_speaks_the_language_of_the_team() {
    let fixture = Fixture::with(Plan {
        language: "zh",
        ..Plan::default()
    })
    .await;
    let page = get(&fixture, &fixture.path(YES)).await;
    assert!(page.body().contains(r#"<html lang="zh-Hans">"#));
    assert!(page.text().contains("是否允许 shop 通过 Production 继续？"));
}

#[tokio::test]
async fn wrong_settings_are_an_answer() {
    let mut fixture = Fixture::open().await;
    let settings = approval_decision::settings::Settings::read(&|_| None);
    let function = approval_decision::DecisionFunction::new(settings, fixture.world.aws());
    fixture.function = function.into();
    let answer = get(&fixture, "/d/x").await;
    assert_eq!(answer.status(), 503);
    assert!(fixture.logs().contains("STATE_TABLE is not set"));
    assert!(!answer.body().contains("STATE_TABLE"));
}
