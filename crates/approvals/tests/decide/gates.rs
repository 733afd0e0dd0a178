//! A gate that asks is answered by the same core: by one item that is written once, which the gate reads, and never for
//! anything but what was shown.

use super::*;
use approvals::decide::conclude;
use gate_question::{GateAnswer, GateResolution};
use support::{gate_case, gate_question};

/// The call that writes the answer, of a yes that is enough.
const ANSWER: usize = 8;

fn click(n: usize, decision: Decision) -> Click {
    Click {
        case: gate_case().id,
        ..slack(n, decision)
    }
}

async fn open(policy: &str) -> Fixture {
    Fixture::with(config(policy), gate_case()).await
}

/// What the gate reads.
async fn answer_of(fixture: &Fixture) -> Option<GateAnswer> {
    fixture.world.no_plan();
    match fixture
        .records()
        .gate_resolution(&gate_case().id)
        .await
        .unwrap()
    {
        Some(GateResolution::Answer(answer)) => Some(answer),
        Some(GateResolution::End(_)) | None => None,
    }
}

fn truth(answer: Option<&GateAnswer>) -> Option<Status> {
    answer.map(|answer| {
        if answer.approved {
            Status::Approved
        } else {
            Status::Rejected
        }
    })
}

#[test]
fn the_case_is_named_by_all_that_is_asked() {
    assert_eq!(gate_case().id, gate_question().id());
}

#[tokio::test]
async fn a_yes_and_a_no_are_written_once_and_say_who() {
    for (decision, status) in [
        (Decision::Approve, Status::Approved),
        (Decision::Reject, Status::Rejected),
    ] {
        let fixture = open(ONE).await;
        let answer = decide(&fixture.context(), &click(1, decision)).await;
        assert!(matches!(answer, Answer::Decided(_)), "{answer}");
        assert_eq!(settled(&answer).unwrap().action_state.status, status);
        let written = answer_of(&fixture).await.unwrap();
        assert_eq!(truth(Some(&written)), Some(status));
        assert!(written.summary.contains("slack:T0001/U0001"), "{written:?}");
        assert!(written.summary.contains("as discussed"), "{written:?}");
        let later = decide(&fixture.context(), &click(2, Decision::Approve)).await;
        assert!(matches!(later, Answer::AlreadyDecided(_)), "{later}");
        assert_eq!(answer_of(&fixture).await, Some(written), "it never changes");
    }
}

#[tokio::test]
async fn the_intent_is_written_before_the_answer_and_the_outcome_after_it() {
    let fixture = open(ONE).await;
    decide(&fixture.context(), &click(1, Decision::Approve)).await;
    insta::assert_snapshot!(fixture.world.calls().join(" "), @"GetItem GetItem PutItem GetItem GetItem ShownNow Query PutItem ExecuteStatement GetItem GetItem GetItem ExecuteStatement UpdateItem ExecuteStatement");
}

#[tokio::test]
async fn two_must_agree_where_the_policy_says_so() {
    let fixture = open(TWO).await;
    let answer = decide(&fixture.context(), &click(1, Decision::Approve)).await;
    assert_eq!(answer, Answer::Recorded { have: 1, need: 2 });
    assert_eq!(
        answer_of(&fixture).await,
        None,
        "a gate hears nothing of half a yes"
    );
    let answer = decide(&fixture.context(), &click(2, Decision::Approve)).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer}");
    assert!(answer_of(&fixture).await.unwrap().approved);
}

#[tokio::test]
async fn nobody_answers_once_the_time_is_over_and_it_says_so_when_the_gate_has_given_up() {
    let fixture = open(ONE).await;
    // The gate still waits for what was begun in time: nothing new is begun.
    fixture.hands.pass(3_001);
    let late = decide(&fixture.context(), &click(1, Decision::Approve)).await;
    assert!(matches!(late, Answer::TryAgain { .. }), "{late}");
    assert_eq!(answer_of(&fixture).await, None);
    fixture.hands.pass(gate_question::ANSWER_GRACE.as_secs());
    let late = decide(&fixture.context(), &click(1, Decision::Approve)).await;
    let Answer::AlreadyDecided(settled) = &late else {
        panic!("{late}");
    };
    assert_eq!(settled.action_state.status, Status::Expired);
    assert_eq!(answer_of(&fixture).await, None);
}

#[tokio::test]
async fn whatever_breaks_off_the_record_and_the_gate_agree() {
    for call in 0..CALLS {
        for fault in [CallFault::DieBefore, CallFault::DieAfter, CallFault::Lose] {
            let fixture = open(ONE).await;
            fixture.world.at(call, fault);
            fixture
                .world
                .live(decide(&fixture.context(), &click(1, Decision::Approve)))
                .await;
            fixture.world.no_plan();
            // Somebody clicks again, later: what was begun is finished, or begins anew.
            fixture.hands.pass(STALE_AFTER.as_secs() + 1);
            decide(&fixture.context(), &click(1, Decision::Approve)).await;
            let written = answer_of(&fixture).await;
            let record = fixture.records().decision(&gate_case().id).await.unwrap();
            let outcome = record.and_then(|item| item.value.outcome);
            let told = outcome.map(|outcome| outcome.action_state.status);
            assert_eq!(told, truth(written.as_ref()), "{call} {fault:?}");
            assert!(written.is_some(), "{call} {fault:?}");
        }
    }
}

#[tokio::test]
async fn whoever_follows_up_is_told_by_the_answer() {
    let fixture = open(ONE).await;
    assert_eq!(conclude(&fixture.context(), &gate_case()).await, None);
    decide(&fixture.context(), &click(1, Decision::Reject)).await;
    let answer = conclude(&fixture.context(), &gate_case()).await.unwrap();
    assert_eq!(
        settled(&answer).unwrap().action_state.status,
        Status::Rejected
    );
}

#[tokio::test]
async fn a_yes_to_a_gate_that_has_ended_is_refused_with_the_gates_reason() {
    let fixture = open(ONE).await;
    fixture.world.interfere(Act::GateEnds);
    for decision in [Decision::Approve, Decision::Reject] {
        let late = decide(&fixture.context(), &click(1, decision)).await;
        let Answer::AlreadyDecided(settled) = &late else {
            panic!("{late}");
        };
        assert_eq!(settled.action_state.status, Status::Stopped);
        assert_eq!(
            settled.action_state.summary.as_deref(),
            Some("the gate has ended: the deployment d-1 is over already (Stopped)")
        );
        assert!(settled.by.is_empty(), "{settled:?}");
        assert_eq!(answer_of(&fixture).await, None);
    }
}

#[tokio::test]
async fn what_people_answered_before_the_gate_ended_stays_their_answer() {
    let fixture = open(ONE).await;
    decide(&fixture.context(), &click(1, Decision::Approve)).await;
    fixture.hands.pass(1);
    fixture.world.interfere(Act::GateEnds);
    let later = decide(&fixture.context(), &click(2, Decision::Reject)).await;
    let Answer::AlreadyDecided(settled) = &later else {
        panic!("{later}");
    };
    assert_eq!(settled.action_state.status, Status::Approved);
}

#[tokio::test]
async fn a_yes_that_is_written_after_the_gate_has_ended_counts_for_nothing_and_says_so() {
    let fixture = open(ONE).await;
    // Between the last look and the answer.
    let answers = CallFault::Before(Act::GateEnds);
    fixture.world.at(ANSWER, answers);
    let late = decide(&fixture.context(), &click(1, Decision::Approve)).await;
    let Answer::AlreadyDecided(settled) = &late else {
        panic!("{late}");
    };
    assert_eq!(settled.action_state.status, Status::Stopped);
    assert_eq!(fixture.world.calls()[ANSWER], "ExecuteStatement");
}
