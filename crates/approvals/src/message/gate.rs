//! Events of our own gates: that one asks people, and that it has decided.
//!
//! Anybody who may put events on the bus can write one. It costs a message at most: the gate that really asks reads
//! answers under an id that is made from everything that it asks, so an answer to anything else reaches no gate.

use gate_question::{DECISION, EVENT_SOURCE, FORMAT, GateQuestion, QUESTION};
use serde_json::Value;

use super::{GateAsks, GateDecided, Incoming, Origin, fields};
use crate::CaseId;

/// A question is bounded by the gate to far less than this.
const MAX_LIST: usize = 100;
const MAX_TEXT: usize = 4 * 1024;

/// An event about a question; none for anything else.
pub(super) fn event(message: &Value, origin: &Origin) -> Option<Incoming> {
    if message.get("source")?.as_str()? != EVENT_SOURCE {
        return None;
    }
    let detail = message.get("detail")?;
    match fields::text(message, "detail-type")? {
        QUESTION => Some(Incoming::GateAsks(Box::new(GateAsks {
            question: question(detail)?,
            origin: origin.clone(),
        }))),
        DECISION => {
            let case = fields::text(detail, "case")?.to_owned();
            Some(Incoming::GateDecided(GateDecided {
                case: CaseId::try_from(case).ok()?,
                origin: origin.clone(),
            }))
        }
        _ => None,
    }
}

fn question(detail: &Value) -> Option<GateQuestion> {
    let question: GateQuestion = serde_json::from_value(detail.clone()).ok()?;
    let evidence = &question.evidence;
    let bounded = evidence.reasons.len() <= MAX_LIST
        && evidence.checks.len() <= MAX_LIST
        && texts(&question).all(|text| text.len() <= MAX_TEXT);
    let named = !question.asking.deployment_id.is_empty() && !question.asking.gate.is_empty();
    (question.format == FORMAT && bounded && named).then_some(question)
}

fn texts(question: &GateQuestion) -> impl Iterator<Item = &String> {
    let (asking, evidence) = (&question.asking, &question.evidence);
    let names = [
        &asking.account,
        &asking.region,
        &asking.gate,
        &asking.caller,
        &asking.application,
        &asking.deployment_group,
        &asking.cluster,
        &asking.service,
        &asking.deployment_id,
        &asking.lifecycle_event,
        &asking.revision,
        &asking.run,
        &evidence.suite,
        &evidence.version,
        &evidence.old_version,
        &evidence.measurements,
        &evidence.report,
        &evidence.report_link,
    ];
    let checks = evidence.checks.iter();
    names
        .into_iter()
        .chain(&evidence.reasons)
        .chain(checks.flat_map(|check| [&check.name, &check.measurement]))
}

#[cfg(test)]
mod tests {
    use gate_question::{AskingGate, Evidence};
    use serde_json::json;

    use super::*;
    use crate::message::incoming;

    fn asks() -> GateQuestion {
        GateQuestion {
            format: FORMAT,
            asking: AskingGate {
                gate: "post-traffic".into(),
                application: "shop".into(),
                deployment_id: "d-ABCDEF123".into(),
                ..AskingGate::default()
            },
            evidence: Evidence {
                reasons: vec!["check \"a\" errored".into()],
                ..Evidence::default()
            },
            asked_at: "2026-05-04T10:00:00Z".parse().unwrap(),
            expires: "2026-05-04T10:50:00Z".parse().unwrap(),
        }
    }

    fn sent(detail: &Value, detail_type: &str) -> Vec<Incoming> {
        incoming(&json!({
            "id": "e-1", "source": "deploy-hooks", "detail-type": detail_type, "detail": detail,
        }))
    }

    #[test]
    fn a_question_is_read_as_it_was_asked() {
        let asked = asks();
        let mut detail = json!(asked);
        detail["case"] = json!(asked.id().as_str());
        let read = sent(&detail, QUESTION);
        let [Incoming::GateAsks(read)] = &read[..] else {
            panic!("{read:?}");
        };
        assert_eq!(read.question, asked);
        assert_eq!(read.question.id(), asked.id());
    }

    #[test]
    fn a_question_with_another_content_is_another_case() {
        let mut detail = json!(asks());
        detail["evidence"]["reasons"][0] = json!("all is well");
        let read = sent(&detail, QUESTION);
        let [Incoming::GateAsks(read)] = &read[..] else {
            panic!("{read:?}");
        };
        assert_ne!(read.question.id(), asks().id());
    }

    #[test]
    fn what_is_no_whole_question_is_none() {
        for (pointer, value) in [
            ("/format", json!(2)),
            ("/asking/deployment_id", json!("")),
            ("/evidence/reasons", json!(vec!["x"; 101])),
            ("/evidence/suite", json!("x".repeat(5000))),
            ("/expires", json!("soon")),
        ] {
            let mut detail = json!(asks());
            *detail.pointer_mut(pointer).unwrap() = value;
            let read = sent(&detail, QUESTION);
            assert!(
                matches!(read[..], [Incoming::Other(_)]),
                "{pointer}: {read:?}"
            );
        }
    }

    #[test]
    fn a_decision_is_of_interest_only_if_people_were_asked() {
        let case = asks().id();
        let read = sent(&json!({"case": case}), DECISION);
        let [Incoming::GateDecided(read)] = &read[..] else {
            panic!("{read:?}");
        };
        assert_eq!(read.case, case);
        let other = sent(&json!({"verdict": "passed"}), DECISION);
        assert!(matches!(other[..], [Incoming::Other(_)]));
    }
}
