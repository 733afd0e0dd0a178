//! The event about a decision, on an event bus: for rules of EventBridge, as the notification is for people.
//!
//! Its form is a contract with whoever writes rules: `docs/gate-event.schema.json`. Flat, as patterns match best on
//! that. Best effort like the report: nothing here can change the answer.

use common::aws::Aws;
use common::failure::{Failure, Hints};
use common::json_api::{self, EVENTS};
use gate_question::EVENT_SOURCE;
use serde::Serialize;
use serde_json::{Value, json};
use strict_yaml::words::cut_bytes;

use super::{GateResult, console_link};

/// The version of the form; raised when a field changes its meaning or goes away.
const FORMAT: u32 = 1;
/// An entry may have 256 KiB in all; the rest is room for what is beside the detail.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>
const MAX_DETAIL_BYTES: usize = 240 * 1024;
/// Of one reason.
const MAX_REASON_BYTES: usize = 4 * 1024;
const MAX_REASONS: usize = 100;
/// Of one name.
const MAX_NAME_BYTES: usize = 1024;

/// What the event says. Absent is what is not known.
#[derive(Serialize)]
struct Detail {
    format: u32,
    stage: &'static str,
    caller: String,
    answer: &'static str,
    passed: bool,
    verdict: &'static str,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    suite: Option<String>,
    #[serde(flatten)]
    names: Names,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overridden_by: Option<String>,
    reasons: Vec<String>,
    reasons_left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_link: Option<String>,
}

/// What the decision is about, by the names in [`gate::TARGET_KEYS`].
#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the names of the facts")]
struct Names {
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifecycle_event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_execution_id: Option<String>,
}

/// Pure: the detail as JSON, within EventBridge's limit.
pub(super) fn detail(result: &GateResult, report: Option<&str>, region: &str) -> String {
    let verdict = &result.outcome.verdict;
    let suite = &result.outcome.report.suite;
    let named = |key: &str| {
        let value = gate::mask(result.fact(key)?);
        Some(cut_bytes(&value, MAX_NAME_BYTES))
    };
    let question = result.question.as_ref();
    let reasons = verdict.reasons.iter().take(MAX_REASONS);
    let mut detail = Detail {
        format: FORMAT,
        stage: result.stage.as_str(),
        caller: result.caller.to_string(),
        answer: result.answer_as_heard(),
        passed: verdict.passed,
        verdict: verdict.conclusion.as_str(),
        dry_run: verdict.dry_run,
        suite: (!suite.is_empty()).then(|| cut_bytes(suite, MAX_NAME_BYTES)),
        names: Names {
            platform: named("platform"),
            application: named("application"),
            deployment_group: named("deployment_group"),
            deployment_id: named("deployment_id"),
            lifecycle_event: named("lifecycle_event"),
            cluster: named("cluster"),
            service: named("service"),
            function: named("function"),
            revision: named("revision"),
            version: named("version"),
            old_version: named("old_version"),
            commit: named("commit"),
            pipeline_execution_id: named("pipeline_execution_id"),
        },
        case: question.map(|(case, _)| case.to_string()),
        people: question.map(|(_, people)| people.as_str()),
        overridden_by: result
            .overridden_by
            .as_ref()
            .map(|by| cut_bytes(by, MAX_NAME_BYTES)),
        reasons: reasons
            .map(|reason| cut_bytes(reason, MAX_REASON_BYTES))
            .collect(),
        reasons_left_out: verdict.reasons.len().saturating_sub(MAX_REASONS),
        report: report.map(str::to_owned),
        report_link: report.and_then(|report| console_link(report, region)),
    };
    loop {
        let json = serde_json::to_string(&detail).expect("all keys are texts");
        if json.len() <= MAX_DETAIL_BYTES || detail.reasons.pop().is_none() {
            return json;
        }
        detail.reasons_left_out += 1;
    }
}

/// Puts the event on the bus. An error is a sentence for the log.
pub(crate) async fn put(
    aws: &Aws,
    bus: &str,
    detail_type: &str,
    detail: String,
) -> Result<(), String> {
    let entry = json!({
        "EventBusName": bus,
        "Source": EVENT_SOURCE,
        "DetailType": detail_type,
        "Detail": detail,
    });
    let told = |why: String| format!("the event could not be put on the event bus {bus}: {why}");
    let answer = json_api::call(aws, EVENTS, "PutEvents", json!({ "Entries": [entry] })).await;
    let answer = answer.map_err(|error| {
        let hints = Hints {
            permission: "events:PutEvents on it",
            absent: "make the event bus, or change EVENT_BUS",
        };
        told(Failure::of(&error).sentence(aws.identity(), hints))
    })?;
    taken(&answer).map_err(told)
}

/// Pure: whether the one entry was taken. EventBridge answers a refused entry with a success of the call.
fn taken(answer: &Value) -> Result<(), String> {
    let entry = &answer["Entries"][0];
    if answer["FailedEntryCount"] == 0 && entry["EventId"].is_string() {
        return Ok(());
    }
    let code = entry["ErrorCode"]
        .as_str()
        .unwrap_or("an error without a code");
    let message = entry["ErrorMessage"].as_str().unwrap_or_default();
    Err(format!("EventBridge says {code}: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Answer, Delivery};
    use crate::publish::sample;

    fn read(result: &GateResult) -> Value {
        let detail = detail(result, Some("s3://b/r.html"), "eu-central-1");
        serde_json::from_str(&detail).unwrap()
    }

    #[test]
    fn a_decision_is_said_flat_and_whole() {
        let result = sample(Answer::Failed, Delivery::Accepted);
        insta::assert_json_snapshot!(read(&result), @r#"
        {
          "format": 1,
          "stage": "pre-traffic",
          "caller": "CodeDeploy",
          "answer": "Failed",
          "passed": false,
          "verdict": "failed",
          "dry_run": false,
          "suite": "shop",
          "application": "shop",
          "deployment_group": "shop-production",
          "deployment_id": "d-ABCDEF123",
          "lifecycle_event": "AfterAllowTestTraffic",
          "cluster": "shop",
          "service": "shop",
          "version": "1.2.0",
          "old_version": "1.1.0",
          "commit": "0a1b2c3",
          "reasons": [
            "check \"checkout\" failed: expected status 201, got 500"
          ],
          "reasons_left_out": 0,
          "report": "s3://b/r.html",
          "report_link": "https://eu-central-1.console.aws.amazon.com/s3/object/b?region=eu-central-1&prefix=r.html"
        }
        "#);
    }

    #[test]
    fn an_answer_that_nobody_heard_is_no_decision() {
        let lost = Delivery::Undelivered("slow".into());
        assert_eq!(
            read(&sample(Answer::Succeeded, lost))["answer"],
            "Undelivered"
        );
        let over = Delivery::AlreadyCompleted(Ok(Answer::Failed));
        assert_eq!(read(&sample(Answer::Succeeded, over))["answer"], "Failed");
    }

    #[test]
    fn an_event_never_outgrows_the_bus() {
        let mut result = sample(Answer::Failed, Delivery::Accepted);
        // Six bytes each, once escaped.
        let reason = "\u{1}".repeat(MAX_REASON_BYTES * 2);
        result.outcome.verdict.reasons = vec![reason; 250];
        let detail = detail(&result, None, "");
        assert!(detail.len() <= MAX_DETAIL_BYTES, "{}", detail.len());
        let detail: Value = serde_json::from_str(&detail).unwrap();
        let kept = detail["reasons"].as_array().unwrap().len();
        assert!(kept > 0);
        assert_eq!(detail["reasons_left_out"], 250 - kept);
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_in_names() {
        let mut result = sample(Answer::Failed, Delivery::Accepted);
        let version = "token=0123456789abcdef0123456789abcdef".to_owned();
        result.facts.insert("version".to_owned(), version);
        let detail = detail(&result, None, "");
        assert!(!detail.contains("0123456789abcdef"), "{detail}");
    }

    #[test]
    fn an_entry_is_taken_only_where_it_has_an_id() {
        let good = json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]});
        assert_eq!(taken(&good), Ok(()));
        let refused = json!({"FailedEntryCount": 1, "Entries": [
            {"ErrorCode": "InternalFailure", "ErrorMessage": "try it later"}]});
        assert_eq!(
            taken(&refused).unwrap_err(),
            "EventBridge says InternalFailure: try it later"
        );
        for unknown in [json!({}), json!({"FailedEntryCount": 0, "Entries": []})] {
            assert!(taken(&unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn the_schema_says_what_is_sent() {
        let schema = include_str!("../../../../docs/gate-event.schema.json");
        let schema: Value = serde_json::from_str(schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let results = [
            sample(Answer::Succeeded, Delivery::Accepted),
            sample(Answer::Failed, Delivery::Unconfirmed("slow".into())),
        ];
        for result in results {
            let event = serde_json::json!({
                "source": EVENT_SOURCE, "detail-type": gate_question::DECISION_DETAIL_TYPE, "detail": read(&result),
            });
            if let Err(error) = schema.validate(&event) {
                panic!("{error}: {event}");
            }
        }
        let mut other = read(&sample(Answer::Failed, Delivery::Accepted));
        other["verdict"] = "fine".into();
        let event = serde_json::json!({"source": EVENT_SOURCE, "detail-type": gate_question::DECISION_DETAIL_TYPE, "detail": other});
        assert!(!schema.is_valid(&event));
    }
}
