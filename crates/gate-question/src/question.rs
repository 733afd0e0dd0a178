//! The question, as it travels and as people are shown it.

use std::fmt;

use common::console;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

/// The version of the form; raised when a field changes its meaning or goes away.
pub const FORMAT: u32 = 1;

/// A gate waits so long for an answer that was begun in time: longer than whoever writes it may run.
pub const ANSWER_GRACE: SignedDuration = SignedDuration::from_secs(90);

/// The gate that asks, and what it stands in front of. Empty is what is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskingGate {
    /// The AWS account, twelve digits.
    pub account: String,
    /// The region, `eu-central-1`.
    pub region: String,
    /// `pre-traffic` or `post-traffic`.
    pub gate: String,
    /// `CodeDeploy`, `ECS` or `CodePipeline`.
    pub caller: String,
    /// The application, or the service that ECS deploys.
    pub application: String,
    /// The deployment group of `CodeDeploy`.
    pub deployment_group: String,
    /// The cluster.
    pub cluster: String,
    /// The service.
    pub service: String,
    /// The deployment, or the first job of `CodePipeline`.
    pub deployment_id: String,
    /// The lifecycle event or stage, with the step of a canary.
    pub lifecycle_event: String,
    /// The service revision of ECS.
    pub revision: String,
    /// Tells this call of the gate from others of the same deployment.
    pub run: String,
}

/// What was measured, redacted and bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The suite's name.
    pub suite: String,
    /// The release's version; empty: not known.
    pub version: String,
    /// The version before.
    pub old_version: String,
    /// Why it is not enough: whole sentences.
    pub reasons: Vec<String>,
    /// How many more reasons the report has.
    pub reasons_left_out: usize,
    /// The checks, those that did not pass first.
    pub checks: Vec<CheckEvidence>,
    /// How many more checks the report has.
    pub checks_left_out: usize,
    /// A digest of the whole report.
    pub measurements: String,
    /// Where the report is, `s3://`.
    pub report: String,
    /// The same in the console.
    pub report_link: String,
}

impl Evidence {
    /// The report in the console. Made from its place, so that a question that somebody has forged leads nowhere else.
    pub fn report_in_console(&self, region: &str) -> Option<String> {
        let (bucket, key) = self.report.strip_prefix("s3://")?.split_once('/')?;
        console::object(region, bucket, key)
    }
}

/// What one check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckEvidence {
    /// Its name.
    pub name: String,
    /// `passed`, `failed`, `inconclusive`, `errored` or `no data`.
    pub measurement: String,
    /// How many rounds it passed.
    pub passed: u32,
    /// How many rounds it was measured in, or was to be.
    pub rounds: u32,
}

/// What people are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateQuestion {
    /// The version of this form, [`FORMAT`].
    pub format: u32,
    /// Who asks.
    pub asking: AskingGate,
    /// On what evidence.
    pub evidence: Evidence,
    /// Since when.
    pub asked_at: Timestamp,
    /// Until when an answer is taken.
    pub expires: Timestamp,
}

impl GateQuestion {
    /// Names the question, and the case that is made of it: another one whenever anything in it differs.
    pub fn id(&self) -> OpaqueId {
        let whole = serde_json::to_string(self).expect("all keys are texts");
        OpaqueId::of(&["deploy-hooks case of a gate", &whole])
    }

    /// When the gate gives up: an answer that was begun in time is written by then.
    pub fn closes(&self) -> Timestamp {
        closes(self.expires)
    }
}

/// When a question is closed that takes answers until `expires`.
pub(crate) fn closes(expires: Timestamp) -> Timestamp {
    expires.saturating_add(ANSWER_GRACE).unwrap_or(expires)
}

impl AskingGate {
    /// What is released: the service or the application.
    pub fn name(&self) -> &str {
        [&self.service, &self.application]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or(&self.deployment_id)
    }
}

impl fmt::Display for AskingGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name(), self.gate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> GateQuestion {
        GateQuestion {
            format: FORMAT,
            asking: AskingGate {
                gate: "post-traffic".into(),
                application: "shop".into(),
                ..AskingGate::default()
            },
            evidence: Evidence::default(),
            asked_at: "2026-05-04T10:00:00Z".parse().unwrap(),
            expires: "2026-05-04T10:50:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn whatever_differs_makes_another_question() {
        let one = question();
        let back: GateQuestion =
            serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        assert_eq!(back.id(), one.id(), "it is the same after a journey");
        let mut others = vec![question(); 4];
        others[0].asking.run.push('x');
        others[1].evidence.reasons.push("another".into());
        others[2].expires = one.asked_at;
        others[3].evidence.measurements.push('1');
        for other in others {
            assert_ne!(other.id(), one.id(), "{other:?}");
        }
    }

    #[test]
    fn the_schema_says_what_is_asked() {
        let schema = include_str!("../../../docs/gate-event.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let mut asked = question();
        asked.asking.caller = "ECS".into();
        asked.evidence.checks.push(CheckEvidence::default());
        let mut detail = serde_json::json!(asked);
        detail["case"] = serde_json::json!(asked.id().as_str());
        let event = |detail: &serde_json::Value| serde_json::json!({"source": crate::EVENT_SOURCE, "detail-type": crate::QUESTION_DETAIL_TYPE, "detail": detail});
        if let Err(error) = schema.validate(&event(&detail)) {
            panic!("{error}: {detail}");
        }
        detail["asking"]["gate"] = "another".into();
        assert!(!schema.is_valid(&event(&detail)));
    }

    #[test]
    fn a_report_leads_into_the_console_or_nowhere() {
        let link = |report: &str, region: &str| {
            let evidence = Evidence {
                report: report.into(),
                report_link: "https://example.com/".into(),
                ..Evidence::default()
            };
            evidence.report_in_console(region)
        };
        assert_eq!(
            link("s3://reports/shop/a b.html", "eu-central-1").unwrap(),
            "https://eu-central-1.console.aws.amazon.com/s3/object/reports?region=eu-central-1&prefix=shop%2Fa%20b.html"
        );
        for report in ["", "https://example.com/a/b", "s3://reports"] {
            assert_eq!(link(report, "eu-central-1"), None, "{report}");
        }
        assert_eq!(link("s3://reports/a.html", "example.com/"), None);
        let bucket = link("s3://reports?x#y@example.com/a.html", "eu-central-1").unwrap();
        assert!(
            bucket.starts_with(
                "https://eu-central-1.console.aws.amazon.com/s3/object/reports%3Fx%23y"
            ),
            "{bucket}"
        );
    }

    #[test]
    fn what_is_released_has_a_name_whatever_is_known() {
        let mut asking = question().asking;
        assert_eq!(asking.to_string(), "shop/post-traffic");
        asking.service = "web".into();
        assert_eq!(asking.name(), "web");
        let unknown = AskingGate {
            deployment_id: "d-1".into(),
            ..AskingGate::default()
        };
        assert_eq!(unknown.name(), "d-1");
    }
}
