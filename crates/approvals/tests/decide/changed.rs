//! What has become of the wait, and of what was shown, between the question and the answer.

use approvals::decide::conclude;
use approvals::token_mac::token_mac;
use approvals::{Case, Token};
use jiff::SignedDuration;
use support::NEXT_TOKEN;

use super::*;

#[tokio::test]
async fn whatever_ends_the_wait_in_between_is_what_people_are_told() {
    for (fate, end) in [
        (CallFault::Before(Act::ConsoleApproves), Status::Approved),
        (CallFault::Before(Act::ConsoleRejects), Status::Rejected),
        (CallFault::Before(Act::Supersede), Status::Superseded),
        (CallFault::Before(Act::Stop), Status::Stopped),
        (CallFault::Before(Act::Expire), Status::Expired),
    ] {
        at_every_call(fate, &NEXT[..1], async |fixture, _, first, _, call| {
            let answer = first.unwrap();
            let settled = settled(&answer).unwrap_or_else(|| panic!("{fate:?} {call}: {answer}"));
            assert_eq!(
                settled.action_state.status,
                status(fixture),
                "{fate:?} {call}"
            );
            if taken(fixture) == 0 {
                assert_eq!(settled.action_state.status, end, "{fate:?} {call}");
                assert!(settled.by.is_empty(), "{fate:?} {call}: not through us");
                let console = matches!(
                    fate,
                    CallFault::Before(Act::ConsoleApproves | Act::ConsoleRejects)
                );
                let by = settled.action_state.by.as_deref();
                assert_eq!(by, console.then_some(CONSOLE), "{fate:?} {call}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_token_of_a_later_wait_is_never_answered() {
    at_every_call(
        CallFault::Before(Act::AskAnew),
        &NEXT[..1],
        async |fixture, _, first, _, call| {
            let answer = first.unwrap();
            let on_old = fixture.world.with(|state| {
                state
                    .pipeline
                    .taken
                    .iter()
                    .all(|(token, ..)| token == TOKEN)
            });
            assert!(on_old, "{call}");
            if taken(fixture) == 0 {
                let told = match &answer {
                    Answer::Superseded(SupersededBy::AskedAnew) => true,
                    other => settled(other)
                        .is_some_and(|settled| settled.action_state.status == Status::Rejected),
                };
                assert!(told, "{call}: {answer}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn what_was_changed_since_it_was_shown_is_never_approved() {
    let fixture = Fixture::open(ONE).await;
    fixture.world.interfere(Act::Change);
    for click in clicks() {
        if click.decision == Decision::Approve {
            let answer = decide(&fixture.context(), &click).await;
            assert_eq!(answer, Answer::Superseded(SupersededBy::Changed));
        }
    }
    assert_eq!(taken(&fixture), 0);
    rejects(&fixture).await;
}

/// A no is taken all the same.
async fn rejects(fixture: &Fixture) {
    let answer = decide(&fixture.context(), &slack(5, Decision::Reject)).await;
    let settled = settled(&answer).unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(settled.action_state.status, Status::Rejected);
    holds(fixture).await;
}

#[tokio::test]
async fn a_no_needs_nothing_to_be_looked_up() {
    let fixture = Fixture::open(ONE).await;
    fixture
        .world
        .plan(|_, call| (call == "ShownNow").then_some(CallFault::Fail(500, "InternalFailure")));
    rejects(&fixture).await;
    assert!(!fixture.world.calls().contains(&"ShownNow".to_owned()));
}

#[tokio::test]
async fn gaps_are_never_approved() {
    for (unknown, approved) in [
        ("change sets", false),
        ("change set release of stack shop", false),
        ("changes of change set release of stack shop", false),
        ("execution", false),
        (UNKNOWN_REVISIONS, true),
    ] {
        let case = Case {
            shown: ShownDigest {
                unknown: vec![unknown.to_owned()],
                ..support::shown("1.1.0")
            },
            ..case()
        };
        let fixture = Fixture::with(config(ONE), case).await;
        let context = DecisionContext {
            shown_now: &|_, case, _| Box::pin(async { Ok(case.shown.clone()) }),
            ..fixture.context()
        };
        let answer = decide(&context, &slack(1, Decision::Approve)).await;
        if approved {
            assert!(matches!(answer, Answer::Decided(_)), "{unknown}: {answer}");
        } else {
            let refused = Answer::Refused(Refusal::NothingShown);
            assert_eq!(answer, refused, "{unknown}");
            rejects(&fixture).await;
        }
    }
}

/// The wait after a stage was retried, and its case.
async fn second_wait() -> (Fixture, Case) {
    let token = Token::new(NEXT_TOKEN);
    let second = Case {
        id: Case::id_of(&support::action(), &token),
        token_mac: token_mac(&support::keys(), &support::action(), &token),
        asked_at: case().asked_at + SignedDuration::from_hours(2),
        ..case()
    };
    let fixture = Fixture::with(config(ONE), second.clone()).await;
    fixture.world.interfere(Act::AskAnew);
    (fixture, second)
}

#[tokio::test]
async fn a_wait_that_the_history_does_not_list_yet_is_not_judged_by_the_one_before() {
    let (fixture, second) = second_wait().await;
    let lags = |lags| {
        fixture
            .world
            .with(|state| state.pipeline.history_lags = lags);
    };
    lags(true);
    assert_eq!(conclude(&fixture.context(), &second).await, None);
    let record = fixture.records().decision(&second.id).await.unwrap();
    assert_eq!(record, None, "nothing is written for good");
    let click = Click {
        case: second.id.clone(),
        ..slack(1, Decision::Approve)
    };
    let throttled = CallFault::Fail(400, "ThrottlingException");
    fixture
        .world
        .plan(move |_, call| (call == "PutApprovalResult").then_some(throttled));
    let answer = decide(&fixture.context(), &click).await;
    assert!(matches!(answer, Answer::TryAgain { .. }), "{answer}");
    fixture.world.no_plan();
    lags(false);
    assert_eq!(conclude(&fixture.context(), &second).await, None);
    fixture.world.interfere(Act::ConsoleApproves);
    let answer = conclude(&fixture.context(), &second).await.unwrap();
    assert_eq!(
        settled(&answer).unwrap().action_state.status,
        Status::Approved
    );
}
