//! What is handed on, and what becomes of a question: the pure parts.

use std::collections::BTreeMap;

use super::*;
use crate::carried_state::{CALL_BACK_INTERVAL, CarriedState, Handover, LAST_CALL_BACK_INTERVAL};

fn at(time: &str) -> Timestamp {
    format!("2026-05-04T{time}Z").parse().unwrap()
}

fn asked() -> PendingQuestion {
    PendingQuestion {
        question: OpaqueId::of(&["question"]),
        expires: at("10:50:00"),
        measurements: OpaqueId::of(&["measurements"]),
    }
}

fn stored() -> StoredMeasurements {
    let reasons = vec!["check \"a\" errored".to_owned()];
    let outcome = Outcome::refused("shop", Stage::PreTraffic, BTreeMap::new(), reasons);
    let facts = Facts::from([("application".to_owned(), "shop".to_owned())]);
    StoredMeasurements::of(&outcome, &facts, &run())
}

fn run() -> OpaqueId {
    OpaqueId::of(&["run"])
}

fn answer(approved: bool) -> GateAnswer {
    GateAnswer {
        approved,
        summary: "Approved by A (slack:T/U): the supplier is down".into(),
        at: at("10:12:00"),
    }
}

#[test]
fn what_is_handed_on_comes_back_and_nothing_else_does() {
    let asked = asked();
    let text = asked.encode();
    assert!(text.len() < 100, "{text}");
    assert_eq!(PendingQuestion::decode(&text), Some(asked.clone()));
    assert_eq!(
        CarriedState::decode(&text),
        Some(CarriedState::Question(asked))
    );
    for wrong in ["", "ask.1.", "ask.2.x", &text[1..], &format!("{text}.x")] {
        assert_eq!(PendingQuestion::decode(wrong), None, "{wrong}");
    }
}

#[test]
fn a_yes_passes_and_stays_inconclusive_in_words() {
    let yes = decided(&asked(), stored(), &answer(true));
    assert_eq!(yes.people, PeopleAnswer::Approved);
    assert!(yes.outcome.verdict.passed && yes.outcome.report.verdict.passed);
    assert_eq!(
        yes.outcome.verdict.conclusion,
        stored().outcome.verdict.conclusion,
        "people change the answer, not the evidence"
    );
    insta::assert_snapshot!(yes.outcome.verdict.reasons.join("\n"), @r#"
    the evidence is not enough, and people let the release go on: Approved by A (slack:T/U): the supplier is down, at 2026-05-04T10:12:00Z
    check "a" errored
    "#);
    assert_eq!(yes.facts["application"], "shop");
}

#[test]
fn a_no_and_no_answer_stop_the_release() {
    let no = decided(&asked(), stored(), &answer(false));
    assert_eq!(no.people, PeopleAnswer::Rejected);
    assert!(!no.outcome.verdict.passed);
    let none = unanswered(&asked(), stored(), &no_answer(&asked()));
    assert_eq!(none.people, PeopleAnswer::Unanswered);
    assert!(!none.outcome.verdict.passed);
    insta::assert_snapshot!(none.outcome.verdict.reasons[0], @"the evidence is not enough, and nobody answered by 2026-05-04T10:50:00Z, which stops the release");
}

#[test]
fn what_was_shown_is_known_again_and_nothing_else_takes_its_place() {
    let shown = stored();
    let digest = shown.digest.clone();
    assert!(shown.clone().if_it_is(&digest, &run()).is_ok());
    let other = shown
        .clone()
        .if_it_is(&digest, &OpaqueId::of(&["another run"]));
    assert!(other.unwrap_err().contains("another run"));
    let other = Outcome::refused("shop", Stage::PreTraffic, BTreeMap::new(), vec!["x".into()]);
    let other = StoredMeasurements::of(&other, &shown.facts, &run());
    assert!(other.if_it_is(&digest, &run()).is_err());
}

#[test]
fn what_could_not_be_read_back_is_not_asked_about() {
    assert_eq!(stored().fits(), Ok(()));
    let name = "x".repeat(crate::publish::MAX_REPORT_BYTES);
    let facts = Facts::from([("application".to_owned(), name)]);
    let large = StoredMeasurements::of(&stored().outcome, &facts, &run());
    insta::assert_snapshot!(large.fits().unwrap_err(), @"nobody is asked, as what was measured is larger than the 16 MiB that can be kept; give the suite fewer checks or a shorter traffic.bake");
}

#[test]
fn the_looks_come_closer_before_the_end() {
    let wait = |now| Handover::of_question(&asked(), at(now)).wait;
    assert_eq!(wait("10:00:00"), CALL_BACK_INTERVAL);
    assert_eq!(wait("10:48:00"), LAST_CALL_BACK_INTERVAL);
    assert_eq!(wait("11:00:00"), LAST_CALL_BACK_INTERVAL);
}
