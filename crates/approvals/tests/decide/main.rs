//! A decision under everything that can go wrong between two calls: the caller dies, answers are lost,
//! somebody else is faster. One answer takes effect at most, and whoever asks is told the truth.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::approvals as support;

mod changed;
mod crashes;
mod gates;
mod left_behind;
mod paused;
mod who;

use approvals::decide::{
    Answer, Click, DecisionContext, DecisionOutcome, STALE_AFTER, SupersededBy, UNKNOWN_REVISIONS,
    decide, recover,
};
use approvals::policy::Refusal;
use approvals::records::Decision;
use approvals::{Case, ShownDigest, Status};
use contacts::Approver;
use ledger::{AuditKind, Via};
use support::pipeline::CONSOLE;
use support::{Act, CallFault, Fixture, TOKEN, case, config};

const ONE: &str = "approvals: 1, starter_may_approve: true";
const TWO: &str = "approvals: 2, starter_may_approve: true";

/// More calls than any decision makes.
const CALLS: usize = 30;

fn slack(n: usize, decision: Decision) -> Click {
    Click {
        id: format!("click-{n}-{decision}"),
        form: None,
        case: case().id,
        approver: format!("slack:T0001/U{n:04}").parse().unwrap(),
        name: format!("Approver {n}"),
        decision,
        comment: Some("as discussed".into()),
        via: Via::Slack,
        from: None,
    }
}

fn link(address: &str, decision: Decision) -> Click {
    Click {
        id: format!("link-{address}-{decision}"),
        approver: Approver::Email(address.into()),
        name: String::new(),
        via: Via::Link,
        from: Some("192.0.2.7".into()),
        ..slack(0, decision)
    }
}

fn settled(answer: &Answer) -> Option<&DecisionOutcome> {
    match answer {
        Answer::Decided(settled) | Answer::AlreadyDecided(settled) => Some(settled),
        _ => None,
    }
}

/// What the world says, to compare with what people are told.
fn status(fixture: &Fixture) -> Status {
    // The wait that the case is about; later ones have cases of their own.
    fixture.world.with(
        |state| match (state.pipeline.waits[0].status, state.pipeline.execution) {
            ("InProgress", _) => Status::Waiting,
            ("Succeeded", _) => Status::Approved,
            ("Failed", _) if state.pipeline.waits[0].by.is_some() => Status::Rejected,
            ("Failed", _) => Status::Expired,
            (_, "Superseded") => Status::Superseded,
            _ => Status::Stopped,
        },
    )
}

fn taken(fixture: &Fixture) -> usize {
    fixture.world.with(|state| state.pipeline.taken.len())
}

/// At most one answer took effect, what is recorded is true, and the token is nowhere.
async fn holds(fixture: &Fixture) {
    fixture.world.no_plan();
    assert!(taken(fixture) <= 1);
    let record = fixture.records().decision(&case().id).await.unwrap();
    if let Some(outcome) = record.and_then(|item| item.value.outcome) {
        assert_eq!(outcome.action_state.status, status(fixture));
        let by_us = taken(fixture) == 1;
        assert_eq!(outcome.click.is_some(), by_us, "whose decision it was");
    }
    assert!(!fixture.world.items().contains(TOKEN));
}

#[tokio::test]
async fn a_yes_decides_and_leaves_records() {
    let fixture = Fixture::open(ONE).await;
    let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer}");
    insta::assert_snapshot!(answer, @"this decided it: approved by Approver 1 (slack:T0001/U0001)");
    let summary = fixture
        .world
        .with(|state| state.pipeline.taken[0].2.clone());
    insta::assert_snapshot!(summary, @"Approved by Approver 1 (slack:T0001/U0001): as discussed");
    let audits = fixture.records().audits(&case().id).await.unwrap();
    let told: Vec<String> = audits
        .iter()
        .map(|entry| {
            format!(
                "{:?} {} {}",
                entry.kind, entry.by[0].identified, entry.result
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    Outcome true approved by Approver 1 (slack:T0001/U0001)
    Click true this decided it: approved by Approver 1 (slack:T0001/U0001)
    ");
    holds(&fixture).await;
}

#[tokio::test]
async fn the_order_of_effects_is_the_one_that_is_safe() {
    let fixture = Fixture::open(ONE).await;
    decide(
        &fixture.context(),
        &link("lead@example.com", Decision::Approve),
    )
    .await;
    insta::assert_snapshot!(fixture.world.calls().join(" "), @"GetItem GetItem PutItem PutItem GetPipelineState ShownNow Query PutItem PutApprovalResult ExecuteStatement UpdateItem ExecuteStatement");
}

#[tokio::test]
async fn a_no_decides_at_once_even_where_many_must_say_yes() {
    let fixture = Fixture::open(TWO).await;
    let answer = decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    let answer = decide(&fixture.context(), &slack(2, Decision::Reject)).await;
    assert_eq!(
        settled(&answer).unwrap().action_state.status,
        Status::Rejected
    );
    holds(&fixture).await;
}

#[tokio::test]
async fn two_different_people_must_say_yes_where_two_are_needed() {
    let fixture = Fixture::open(TWO).await;
    for n in 0..3 {
        let again = Click {
            id: format!("again-{n}"),
            ..slack(1, Decision::Approve)
        };
        let answer = decide(&fixture.context(), &again).await;
        assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    }
    fixture.hands.pass(60);
    let answer = decide(
        &fixture.context(),
        &link("lead@example.com", Decision::Approve),
    )
    .await;
    insta::assert_snapshot!(answer, @"this decided it: approved by Approver 1 (slack:T0001/U0001), the holder of the link of email:lead@example.com");
    holds(&fixture).await;
}

#[tokio::test]
async fn a_vote_of_somebody_taken_off_the_list_no_longer_counts() {
    let mut fixture = Fixture::open(TWO).await;
    decide(&fixture.context(), &slack(1, Decision::Approve)).await;
    let policy = &mut fixture.config.routes[0].policy;
    policy
        .approvers
        .retain(|approver| approver.to_string() != "slack:T0001/U0001");
    let answer = decide(&fixture.context(), &slack(2, Decision::Approve)).await;
    assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    assert_eq!(taken(&fixture), 0);
}

/// Who comes after a run that died.
#[derive(Debug, Clone, Copy)]
enum Next {
    SameClickAtOnce,
    SameClickLater,
    AnotherYes,
    AnotherNo,
    Recovery,
}

const NEXT: [Next; 5] = [
    Next::SameClickAtOnce,
    Next::SameClickLater,
    Next::AnotherYes,
    Next::AnotherNo,
    Next::Recovery,
];

async fn come(fixture: &Fixture, next: Next, click: &Click) -> Option<Answer> {
    if !matches!(next, Next::SameClickAtOnce) {
        fixture.hands.pass(STALE_AFTER.as_secs());
    }
    let context = fixture.context();
    match next {
        Next::SameClickAtOnce | Next::SameClickLater => Some(decide(&context, click).await),
        Next::AnotherYes => Some(decide(&context, &slack(9, Decision::Approve)).await),
        Next::AnotherNo => Some(decide(&context, &slack(9, Decision::Reject)).await),
        Next::Recovery => recover(&context, &case().id).await,
    }
}

/// The clicks that are tried: buttons and links, yes and no.
fn clicks() -> [Click; 4] {
    [
        slack(1, Decision::Approve),
        slack(1, Decision::Reject),
        link("lead@example.com", Decision::Approve),
        link("lead@example.com", Decision::Reject),
    ]
}

/// Tries `fate` at each call of each click, and whoever comes next.
async fn at_every_call(
    fate: CallFault,
    nexts: &[Next],
    check: impl AsyncFn(&Fixture, &Click, Option<Answer>, Next, usize),
) {
    for click in clicks() {
        for next in nexts.iter().copied() {
            let mut reached = 0;
            for call in 0..CALLS {
                let fixture = Fixture::open(ONE).await;
                fixture.world.at(call, fate);
                let first = fixture.world.live(decide(&fixture.context(), &click)).await;
                if fixture.world.calls().len() <= call {
                    break;
                }
                reached += 1;
                fixture.world.no_plan();
                check(&fixture, &click, first, next, call).await;
                holds(&fixture).await;
            }
            assert!(reached >= 8, "the clicks make {reached} calls");
        }
    }
}
