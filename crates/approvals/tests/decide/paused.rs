//! A paused deployment is decided by the same core: one answer a hook, whatever goes wrong, and never for
//! anything but the very hook that was shown.

use super::*;
use support::deployment::{HOOK, NEXT_HOOK};
use support::pause_case;

fn click(n: usize, decision: Decision) -> Click {
    Click {
        case: pause_case().id,
        ..slack(n, decision)
    }
}

async fn open(policy: &str) -> Fixture {
    Fixture::with(config(policy), pause_case()).await
}

/// What the world says of the hook that the case is about.
fn truth(fixture: &Fixture) -> Status {
    fixture.world.with(
        |state| match (state.deployment.first(), state.deployment.status) {
            ("AWAITING_ACTION", "IN_PROGRESS") => Status::Waiting,
            ("SUCCEEDED", _) => Status::Approved,
            ("FAILED", _) => Status::Rejected,
            ("TIMED_OUT", _) => Status::Expired,
            _ => Status::Stopped,
        },
    )
}

fn answers(fixture: &Fixture) -> Vec<(String, String)> {
    fixture.world.with(|state| state.deployment.taken.clone())
}

/// One answer at most took effect, on the hook that was shown, and what is recorded is true.
async fn holds(fixture: &Fixture) {
    fixture.world.no_plan();
    let answers = answers(fixture);
    assert!(answers.len() <= 1, "{answers:?}");
    assert!(answers.iter().all(|(hook, _)| hook == HOOK), "{answers:?}");
    let record = fixture.records().decision(&pause_case().id).await.unwrap();
    if let Some(outcome) = record.and_then(|item| item.value.outcome) {
        assert_eq!(outcome.action_state.status, truth(fixture));
    }
}

#[tokio::test]
async fn a_yes_lets_the_deployment_go_on_and_a_no_takes_it_back() {
    for (decision, action, status) in [
        (Decision::Approve, "CONTINUE", Status::Approved),
        (Decision::Reject, "ROLLBACK", Status::Rejected),
    ] {
        let fixture = open(ONE).await;
        let answer = decide(&fixture.context(), &click(1, decision)).await;
        assert!(matches!(answer, Answer::Decided(_)), "{answer}");
        assert_eq!(settled(&answer).unwrap().action_state.status, status);
        assert_eq!(answers(&fixture), [(HOOK.to_owned(), action.to_owned())]);
        let later = decide(&fixture.context(), &click(2, Decision::Approve)).await;
        assert!(matches!(later, Answer::AlreadyDecided(_)), "{later}");
        holds(&fixture).await;
    }
}

#[tokio::test]
async fn the_intent_is_written_before_the_call_and_the_outcome_after_it() {
    let fixture = open(ONE).await;
    decide(&fixture.context(), &click(1, Decision::Approve)).await;
    insta::assert_snapshot!(fixture.world.calls().join(" "), @"GetItem GetItem PutItem DescribeServiceDeployments ShownNow Query PutItem ContinueServiceDeployment ExecuteStatement UpdateItem ExecuteStatement");
}

#[tokio::test]
async fn two_must_agree_where_nobody_knows_who_deployed() {
    let fixture =
        open("approvals: 1, starters: {'slack:T0001/U0001': [], 'slack:T0001/U0002': []}").await;
    let answer = decide(&fixture.context(), &click(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    assert!(answers(&fixture).is_empty());
    let answer = decide(&fixture.context(), &click(2, Decision::Approve)).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer}");
    holds(&fixture).await;
}

#[tokio::test]
async fn what_happened_elsewhere_is_reported_as_it_is() {
    for (act, status) in [
        (Act::ConsoleApproves, Status::Approved),
        (Act::ConsoleRejects, Status::Rejected),
        (Act::Expire, Status::Expired),
        (Act::Stop, Status::Stopped),
        (Act::Supersede, Status::Stopped),
        // The next step's pause is another case: this one was decided.
        (Act::AskAnew, Status::Approved),
    ] {
        for decision in [Decision::Approve, Decision::Reject] {
            let fixture = open(ONE).await;
            fixture
                .world
                .plan(move |n, _| (n == 0).then_some(CallFault::Before(act)));
            let answer = decide(&fixture.context(), &click(1, decision)).await;
            let Answer::AlreadyDecided(settled) = &answer else {
                panic!("{act:?} {decision}: {answer}");
            };
            assert_eq!(settled.action_state.status, status, "{act:?}");
            assert_eq!(settled.by, [], "{act:?}: nobody here decided it");
            assert!(answers(&fixture).is_empty(), "{act:?}");
            holds(&fixture).await;
        }
    }
}

#[tokio::test]
async fn the_pause_of_the_next_step_is_never_answered_by_a_click_on_this_one() {
    for call in 0..CALLS {
        let fixture = open(ONE).await;
        fixture.world.at(call, CallFault::Before(Act::AskAnew));
        fixture
            .world
            .live(decide(&fixture.context(), &click(1, Decision::Approve)))
            .await;
        let answers = answers(&fixture);
        assert!(
            answers.iter().all(|(hook, _)| hook != NEXT_HOOK),
            "{call}: {answers:?}"
        );
        holds(&fixture).await;
    }
}

#[tokio::test]
async fn what_was_not_shown_takes_only_a_no() {
    let mut case = pause_case();
    case.shown = ShownDigest {
        unknown: vec!["service revisions".into()],
        ..ShownDigest::default()
    };
    let fixture = Fixture::with(config(ONE), case).await;
    let answer = decide(&fixture.context(), &click(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Refused(Refusal::NothingShown));
    let answer = decide(&fixture.context(), &click(1, Decision::Reject)).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer}");
    holds(&fixture).await;
}

#[tokio::test]
async fn what_changed_since_is_not_approved() {
    let fixture = open(ONE).await;
    fixture
        .world
        .plan(|n, _| (n == 0).then_some(CallFault::Before(Act::Change)));
    let answer = decide(&fixture.context(), &click(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Superseded(SupersededBy::Changed));
    assert!(answers(&fixture).is_empty());
}

/// Whatever meets a call, whoever comes next hears the truth, and one answer takes effect.
#[tokio::test]
async fn a_run_that_dies_or_hears_nothing_is_finished_by_whoever_comes_next() {
    for fate in [CallFault::DieBefore, CallFault::DieAfter, CallFault::Lose] {
        for decision in [Decision::Approve, Decision::Reject] {
            for lags in [false, true] {
                for call in 0..CALLS {
                    let fixture = open(ONE).await;
                    fixture.world.at(call, fate);
                    let first = click(1, decision);
                    fixture.world.live(decide(&fixture.context(), &first)).await;
                    if fixture.world.calls().len() <= call {
                        break;
                    }
                    fixture.world.no_plan();
                    if lags {
                        // ECS still shows the hook as waiting: nobody hears more than that.
                        fixture.world.with(|state| state.deployment.lags = true);
                        recover(&fixture.context(), &first.case).await;
                        decide(&fixture.context(), &first).await;
                        fixture.world.with(|state| state.deployment.lags = false);
                    }
                    fixture.hands.pass(STALE_AFTER.as_secs());
                    let next = decide(&fixture.context(), &click(9, decision)).await;
                    let settled =
                        settled(&next).unwrap_or_else(|| panic!("{fate:?} {call}: {next}"));
                    assert_eq!(
                        settled.action_state.status,
                        truth(&fixture),
                        "{fate:?} {call}"
                    );
                    assert!(
                        !settled.by.is_empty(),
                        "{fate:?} {call}: it was decided through us"
                    );
                    assert_eq!(answers(&fixture).len(), 1, "{fate:?} {call}");
                    holds(&fixture).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_call_that_fails_is_never_a_yes() {
    for (status, code) in [
        (500, "ServerException"),
        (400, "AccessDeniedException"),
        (400, "ThrottlingException"),
        (400, "InvalidParameterException"),
        (400, "UnsupportedFeatureException"),
    ] {
        for operation in ["DescribeServiceDeployments", "ContinueServiceDeployment"] {
            let fixture = open(ONE).await;
            fixture
                .world
                .plan(move |_, call| (call == operation).then_some(CallFault::Fail(status, code)));
            let answer = decide(&fixture.context(), &click(1, Decision::Approve)).await;
            assert!(
                matches!(answer, Answer::TryAgain { .. } | Answer::InProgress { .. }),
                "{operation} {code}: {answer}"
            );
            assert!(answers(&fixture).is_empty());
            assert_eq!(truth(&fixture), Status::Waiting);
            holds(&fixture).await;
        }
    }
}

#[tokio::test]
async fn a_refusal_of_ecs_names_the_right_that_is_missing() {
    let fixture = open(ONE).await;
    let denied = CallFault::Fail(400, "AccessDeniedException");
    fixture
        .world
        .plan(move |_, call| (call == "ContinueServiceDeployment").then_some(denied));
    let answer = decide(&fixture.context(), &click(1, Decision::Approve)).await;
    assert!(
        answer.to_string().contains("ecs:ContinueServiceDeployment"),
        "{answer}"
    );
    let record = fixture
        .records()
        .decision(&pause_case().id)
        .await
        .unwrap()
        .unwrap();
    assert!(
        record.value.standing().is_none(),
        "nothing is carried out later"
    );
}
