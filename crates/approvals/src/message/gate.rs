//! Events of our own gates: that one asks people, and what it has decided.
//!
//! Anybody who may put events on the bus can write one. It costs a message at most: the gate that really asks reads
//! answers under an id that is made from everything that it asks, so an answer to anything else reaches no gate.

use gate_question::{
    DECISION_DETAIL_TYPE, EVENT_SOURCE, FORMAT, GateQuestion, QUESTION_DETAIL_TYPE,
};
use serde_json::Value;

use super::{GateAsks, GateDecided, GateDecision, Incoming, Origin, fields};
use crate::{CaseId, redact};

/// A question is bounded by the gate to far less than this.
const MAX_LIST_ITEMS: usize = 100;
const MAX_TEXT_CHARS: usize = 4 * 1024;
/// Characters of a reason that people are told; the report has the rest.
const MAX_REASON_CHARS: usize = 1_000;
/// Reasons that people are told.
const MAX_REASONS: usize = 10;

/// An event about a question; none for anything else.
pub(super) fn event(message: &Value, origin: &Origin) -> Option<Incoming> {
    if message.get("source")?.as_str()? != EVENT_SOURCE {
        return None;
    }
    let detail = message.get("detail")?;
    match fields::text(message, "detail-type")? {
        QUESTION_DETAIL_TYPE => Some(Incoming::GateAsks(Box::new(GateAsks {
            question: question(detail)?,
            origin: origin.clone(),
        }))),
        DECISION_DETAIL_TYPE => {
            let case = fields::text(detail, "case").map(str::to_owned);
            let case = case.and_then(|case| CaseId::try_from(case).ok());
            let stopped = (detail.get("passed") == Some(&Value::Bool(false)))
                .then(|| decision(detail))
                .flatten();
            (case.is_some() || stopped.is_some()).then(|| {
                Incoming::GateDecided(Box::new(GateDecided {
                    case,
                    stopped,
                    origin: origin.clone(),
                }))
            })
        }
        _ => None,
    }
}

/// A decision that lets nothing pass.
fn decision(detail: &Value) -> Option<GateDecision> {
    let name = |key: &str| fields::label(detail, key).unwrap_or_default();
    let reasons = detail.get("reasons")?.as_array()?;
    let shown = reasons.iter().take(MAX_REASONS).filter_map(Value::as_str);
    let shown: Vec<String> = shown
        .map(|reason| redact::line(reason, MAX_REASON_CHARS))
        .collect();
    let left_out = detail.get("reasons_left_out").and_then(Value::as_u64);
    let cut = reasons.len().saturating_sub(shown.len());
    let decision = GateDecision {
        gate: name("stage"),
        caller: name("caller"),
        answer: name("answer"),
        verdict: name("verdict"),
        application: name("application"),
        cluster: name("cluster"),
        service: name("service"),
        version: name("version"),
        deployment_id: name("deployment_id"),
        lifecycle_event: name("lifecycle_event"),
        suite: name("suite"),
        reasons: shown,
        reasons_left_out: left_out
            .unwrap_or_default()
            .saturating_add(u64::try_from(cut).unwrap_or(u64::MAX)),
        report: fields::text(detail, "report")
            .map(|report| redact::line(report, MAX_REASON_CHARS))
            .unwrap_or_default(),
        report_link: fields::text(detail, "report_link").and_then(fields::console_link),
    };
    let is_ours = detail.get("format")?.as_u64() == Some(1) && !decision.gate.is_empty();
    is_ours.then_some(decision)
}

fn question(detail: &Value) -> Option<GateQuestion> {
    let question: GateQuestion = serde_json::from_value(detail.clone()).ok()?;
    let evidence = &question.evidence;
    let bounded = evidence.reasons.len() <= MAX_LIST_ITEMS
        && evidence.checks.len() <= MAX_LIST_ITEMS
        && texts(&question).all(|text| text.len() <= MAX_TEXT_CHARS);
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
        let read = sent(&detail, QUESTION_DETAIL_TYPE);
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
        let read = sent(&detail, QUESTION_DETAIL_TYPE);
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
            let read = sent(&detail, QUESTION_DETAIL_TYPE);
            assert!(
                matches!(read[..], [Incoming::Other(_)]),
                "{pointer}: {read:?}"
            );
        }
    }

    #[test]
    fn a_decision_is_of_interest_only_if_people_were_asked() {
        let case = asks().id();
        let read = sent(&json!({"case": case}), DECISION_DETAIL_TYPE);
        let [Incoming::GateDecided(read)] = &read[..] else {
            panic!("{read:?}");
        };
        assert_eq!((read.case.as_ref(), &read.stopped), (Some(&case), &None));
        let other = sent(&json!({"verdict": "passed"}), DECISION_DETAIL_TYPE);
        assert!(matches!(other[..], [Incoming::Other(_)]));
    }

    #[test]
    fn a_decision_that_lets_nothing_pass_is_read_with_its_reasons_masked() {
        let mut detail = json!({
            "format": 1, "stage": "pre-traffic", "caller": "CodeDeploy", "answer": "Failed", "passed": false,
            "verdict": "failed", "application": "shop", "deployment_id": "d-ABCDEF123",
            "reasons": ["check \"checkout\" failed: expected status 201, got 500", "password=0123456789abcdef0123"],
            "reasons_left_out": 2, "report": "s3://reports/r.html", "report_link": "https://evil.example.com/r",
        });
        let read = sent(&detail, DECISION_DETAIL_TYPE);
        let [Incoming::GateDecided(read)] = &read[..] else {
            panic!("{read:?}");
        };
        let stopped = read.stopped.as_ref().unwrap();
        assert_eq!(
            (stopped.gate.as_str(), stopped.application.as_str()),
            ("pre-traffic", "shop")
        );
        assert_eq!(stopped.reasons.len(), 2);
        assert!(
            !stopped.reasons[1].contains("0123456789abcdef"),
            "{stopped:?}"
        );
        assert_eq!((stopped.reasons_left_out, &stopped.report_link), (2, &None));
        let id = stopped.id();
        let mut again = stopped.clone();
        again.reasons.clear();
        assert_eq!(again.id(), id, "a run again has the same");
        again.answer = "Undelivered".to_owned();
        assert_ne!(again.id(), id, "people must hear of both");
        for (key, value) in [
            ("passed", json!(true)),
            ("format", json!(2)),
            ("stage", json!("")),
            ("reasons", json!("x")),
        ] {
            let whole = std::mem::replace(&mut detail[key], value);
            let read = sent(&detail, DECISION_DETAIL_TYPE);
            assert!(matches!(read[..], [Incoming::Other(_)]), "{key}: {read:?}");
            detail[key] = whole;
        }
    }
}
