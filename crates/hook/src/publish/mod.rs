//! What people learn of a gate's decision: the report in S3 and the notification.
//!
//! Everything here comes from the redacted outcome and from the names of the target; nothing here
//! can change the answer.

mod notification;
mod report_store;

use std::time::Duration;

use common::aws::Aws;
use common::notify;
use gate::{Outcome, Stage};
use tokio::time::Instant;

use crate::answer::{Answer, Delivery};
use crate::facts::Facts;
use crate::settings::Settings;

use self::report_store::ReportStore;
pub use self::report_store::console_link;

/// A run whose event was over waits so long for the run that has ended the event to store its report.
/// A duplicate that runs at the same time is recognised by that.
const DUPLICATE_WAIT: Duration = Duration::from_secs(2);

/// A decision and what became of it.
#[derive(Debug, Clone)]
pub struct GateResult {
    /// Which gate.
    pub stage: Stage,
    /// Which call of it: `LifecycleEventHookExecutionId`.
    pub execution_id: String,
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

/// Stores the report and publishes the outcome, until `until`; returns the place of the HTML report,
/// if it is stored. What fails is logged.
pub async fn publish(
    aws: &Aws,
    settings: &Settings,
    result: &GateResult,
    until: Instant,
) -> Option<String> {
    let store = ReportStore::new(aws, settings, result);
    let duplicate = match result.delivery {
        Delivery::AlreadyCompleted(_) => {
            let left = until.saturating_duration_since(Instant::now());
            tokio::time::sleep(DUPLICATE_WAIT.min(left / 2)).await;
            store.has_report().await
        }
        _ => false,
    };
    // What CodeDeploy has not heard never replaces what counts.
    let unheard = duplicate || matches!(result.delivery, Delivery::Undelivered(_));
    let report = match store.put(unheard).await {
        Ok(place) => Some(place),
        Err(problem) => {
            tracing::error!("{problem}");
            None
        }
    };
    if duplicate {
        tracing::info!(
            "another run has reported this lifecycle event; no second notification is sent"
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
        execution_id: "execution-1".to_owned(),
        answer,
        delivery,
        outcome: Outcome::refused("shop", stage, facts.clone(), reasons),
        facts,
    }
}
