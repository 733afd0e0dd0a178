//! What people learn of a gate's decision: the report in S3 and the notification.
//!
//! Everything here comes from the redacted outcome and from the names of the target; nothing here
//! can change the answer.

mod notification;
mod report_store;

use common::aws::Aws;
use common::notify;
use gate::{Outcome, Stage};

use crate::answer::{Answer, Delivery};
use crate::facts::Facts;
use crate::settings::Settings;

pub use self::report_store::console_link;

/// A decision and what became of it.
#[derive(Debug, Clone)]
pub struct GateResult {
    /// Which gate.
    pub stage: Stage,
    /// What is known of the target.
    pub facts: Facts,
    /// The answer that CodeDeploy gets.
    pub answer: Answer,
    /// Whether it has heard it.
    pub delivery: Delivery,
    /// The verdict with its reasons, and the report.
    pub outcome: Outcome,
}

impl GateResult {
    fn fact(&self, key: &str) -> Option<&str> {
        self.facts.get(key).map(String::as_str)
    }

    /// `shop 1.2.0`, as far as known.
    fn release(&self) -> String {
        let application = self.fact("application").unwrap_or("an unknown application");
        match self.fact("version") {
            Some(version) => format!("{application} {version}"),
            None => application.to_owned(),
        }
    }
}

/// Stores the report and publishes the outcome; returns the place of the HTML report, if it is
/// stored. What fails is logged.
pub async fn publish(aws: &Aws, settings: &Settings, result: &GateResult) -> Option<String> {
    let report = match report_store::store(aws, settings, result).await {
        Ok(place) => Some(place),
        Err(problem) => {
            tracing::error!("{problem}");
            None
        }
    };
    if result.delivery == Delivery::AlreadyCompleted {
        tracing::info!(
            "this lifecycle event was over before the answer; no second notification is sent"
        );
        return report;
    }
    if let Some(topic) = &settings.outcome_topic {
        let notification = notification::build(result, report.as_deref(), &settings.region);
        match notify::publish(aws, topic, &notification).await {
            Ok(message_id) => tracing::info!(message_id, "the outcome was published"),
            Err(error) => tracing::error!("{error}"),
        }
    }
    report
}

#[cfg(test)]
fn sample(answer: Answer, delivery: Delivery) -> GateResult {
    let facts: Facts = [
        ("application", "shop"),
        ("deployment_group", "shop-production"),
        ("deployment_id", "d-ABCDEF123"),
        ("lifecycle_event", "AfterAllowTestTraffic"),
        ("version", "1.2.0"),
        ("old_version", "1.1.0"),
        ("cluster", "shop"),
        ("service", "shop"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    let reasons = vec!["check \"checkout\" failed: expected status 201, got 500".to_owned()];
    let stage = Stage::PreTraffic;
    GateResult {
        stage,
        answer,
        delivery,
        outcome: Outcome::refused("shop", stage, facts.clone(), reasons),
        facts,
    }
}
