//! What people learn of a gate's decision: the report in S3, the notification, and the event for rules.
//!
//! Everything here comes from the redacted outcome and from the names of the target; nothing here
//! can change the answer.

pub(crate) mod claims;
pub(crate) mod gate_event;
mod notification;
pub(crate) mod report_store;

use std::sync::Arc;
use std::time::Duration;

use common::aws::Aws;
use common::location::Object;
use common::notify;
use gate::{Outcome, Report, Stage};
use signing::OpaqueId;
use tokio::time::Instant;
use tracing::Instrument;

use crate::answer::{Answer, Delivery};
use crate::ask::pending_question::PeopleAnswer;
use crate::budget::Budget;
use crate::caller::Caller;
use crate::facts::Facts;
use crate::gate_function::GateFunction;
use crate::guard;
use crate::settings::Settings;

use self::report_store::{Earlier, HTML, ReportStore};
pub(crate) use self::report_store::{ReportName, console_link, hashed};

/// A run whose event was over waits so long for the run that has ended the event to store its report.
/// A duplicate that runs at the same time is recognised by that.
const DUPLICATE_WAIT: Duration = Duration::from_secs(2);

/// A report is a few hundred KiB; the records of a run are bounded to 8 MiB.
pub(crate) const MAX_REPORT_BYTES: usize = 16 * 1024 * 1024;

/// A decision and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct GateResult {
    /// Who called.
    pub caller: Caller,
    /// Which gate.
    pub stage: Stage,
    /// Which call of it: `LifecycleEventHookExecutionId`, for example.
    pub execution_id: String,
    /// What is known of the target.
    pub facts: Facts,
    /// The answer that the caller gets.
    pub answer: Answer,
    /// Whether it has heard it.
    pub delivery: Delivery,
    /// The verdict with its reasons, and the report.
    pub outcome: Outcome,
    /// What people were asked, and what came of it.
    pub question: Option<(OpaqueId, PeopleAnswer)>,
    /// Who has overridden checks that did not pass.
    pub overridden_by: Option<String>,
}

impl GateResult {
    fn fact(&self, key: &str) -> Option<&str> {
        self.facts.get(key).map(String::as_str)
    }

    fn name(&self) -> ReportName<'_> {
        ReportName {
            caller: self.caller,
            stage: self.stage,
            facts: &self.facts,
            execution_id: self.execution_id.as_str().into(),
        }
    }

    /// The same with the verdict of an earlier run for this call, which has stored it and was ended before it told anybody.
    fn as_stored(&self, report: Report) -> Self {
        let verdict = report.verdict.clone();
        let mut facts = self.facts.clone();
        facts.extend(report.target.clone());
        Self {
            answer: if verdict.passed {
                Answer::Succeeded
            } else {
                Answer::Failed
            },
            facts,
            outcome: Outcome {
                verdict,
                report,
                refused: false,
            },
            // Those of this run say nothing of that one, whose reasons do.
            question: None,
            overridden_by: None,
            ..self.clone()
        }
    }

    /// What the caller has heard, as far as that is known, in one word.
    pub(crate) fn answer_as_heard(&self) -> &'static str {
        match &self.delivery {
            Delivery::Undelivered(_) => "Undelivered",
            Delivery::Unconfirmed(_) | Delivery::AlreadyCompleted(Err(_)) => "Unconfirmed",
            // What counts is what the caller reports.
            Delivery::AlreadyCompleted(Ok(reported)) => reported.as_str(),
            Delivery::Accepted | Delivery::Confirmed => self.answer.as_str(),
        }
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

/// Stores the report and notifies people in the time that is left. Returns where the report is.
pub(crate) async fn in_time(
    function: &Arc<GateFunction>,
    result: &GateResult,
    budget: Budget,
) -> Option<String> {
    let Ok(settings) = function.settings.clone() else {
        tracing::error!(
            "the settings are wrong, so there is no place for a report or notification"
        );
        return None;
    };
    let (function, result) = (function.clone(), result.clone());
    let until = budget.publish_until;
    let publishing = async move { publish(&function.aws, &settings, &result, until).await };
    guard::run(until, publishing.in_current_span())
        .await
        .unwrap_or_else(|cut| {
            tracing::error!(?cut, "the report or the notification could not be finished");
            None
        })
}

/// Stores the report and publishes the outcome, until `until`; returns the place of the HTML report,
/// if it is stored. What fails is logged.
async fn publish(
    aws: &Aws,
    settings: &Settings,
    result: &GateResult,
    until: Instant,
) -> Option<String> {
    let earlier = match result.delivery {
        Delivery::AlreadyCompleted(_) => {
            let left = until.saturating_duration_since(Instant::now());
            tokio::time::sleep(DUPLICATE_WAIT.min(left / 2)).await;
            ReportStore::new(aws, settings, result).earlier().await
        }
        _ => Earlier::None,
    };
    let is_published = matches!(earlier, Earlier::Published);
    let is_unreadable = matches!(earlier, Earlier::Unreadable);
    let stored = match earlier {
        Earlier::Unpublished(report) => Some(result.as_stored(*report)),
        Earlier::None | Earlier::Unreadable | Earlier::Published => None,
    };
    let result = stored.as_ref().unwrap_or(result);
    let store = ReportStore::new(aws, settings, result);
    // What the caller has not heard never replaces what counts.
    let is_behind = is_published || is_unreadable;
    let unheard = is_behind || matches!(result.delivery, Delivery::Undelivered(_));
    let report = match store.put(unheard).await {
        Ok(place) => Some(place),
        Err(problem) => {
            tracing::error!("{problem}");
            None
        }
    };
    if is_published {
        tracing::info!(
            "another run has reported this lifecycle event; no second notification is sent"
        );
        return report;
    }
    let (notified, put) = tokio::join!(
        notify_people(aws, settings, result, report.as_deref()),
        put_event(aws, settings, result, report.as_deref())
    );
    // After people were told: a run that ends before leaves it to the next one, which tells them twice at worst. ECS has each run
    // answer, so none finds that it is late.
    if notified && put && !unheard && result.caller != Caller::Ecs {
        store.mark_published().await;
    }
    report
}

/// Says whether nobody is left to be told.
async fn notify_people(
    aws: &Aws,
    settings: &Settings,
    result: &GateResult,
    report: Option<&str>,
) -> bool {
    let Some(topic) = &settings.outcome_topic else {
        return true;
    };
    let notification = notification::build(result, report, &settings.region);
    let sent = notify::publish(aws, topic, &notification).await;
    match &sent {
        Ok(message_id) => tracing::info!(message_id, "the outcome was published"),
        Err(error) => tracing::error!("{error}"),
    }
    sent.is_ok()
}

/// Says whether no rule is left to be told.
async fn put_event(
    aws: &Aws,
    settings: &Settings,
    result: &GateResult,
    report: Option<&str>,
) -> bool {
    let Some(bus) = &settings.event_bus else {
        return true;
    };
    let detail = gate_event::detail(result, report, &settings.region);
    let put = gate_event::put(aws, bus, gate_question::DECISION_DETAIL_TYPE, detail).await;
    if let Err(problem) = &put {
        tracing::error!("{problem}");
    }
    put.is_ok()
}

/// Where the report of a call will be, as a link into the console; empty where there is none.
pub(crate) fn link_ahead(settings: &Settings, name: &ReportName<'_>) -> String {
    let stem = name.key_stem(&settings.report_prefix);
    link_to(settings, &format!("{stem}.html"))
}

/// What was measured so far, as a link into the console.
pub(crate) fn link_so_far(settings: &Settings, name: &ReportName<'_>) -> String {
    link_to(settings, &key_so_far(settings, name))
}

/// What people are shown while they are asked, as a link into the console.
pub(crate) fn link_asked(settings: &Settings, name: &ReportName<'_>) -> String {
    link_to(settings, &key_asked(settings, name))
}

fn link_to(settings: &Settings, key: &str) -> String {
    let address = format!("s3://{}/{key}", settings.report_bucket);
    console_link(&address, &settings.region).unwrap_or_default()
}

/// Stores the report that people are shown while they are asked, beside where the last one will be; returns its `s3://`
/// address.
pub(crate) async fn put_asked(
    aws: &Aws,
    settings: &Settings,
    name: &ReportName<'_>,
    report: &Report,
) -> Result<String, String> {
    let key = key_asked(settings, name);
    let html = gate::report::html(report);
    report_store::put(aws, settings, &key, HTML, html)
        .await
        .map_err(|why| format!("the report {key} could not be stored: {why}"))?;
    Ok(format!("s3://{}/{key}", settings.report_bucket))
}

/// What was measured so far, if it is stored.
pub(crate) async fn so_far(
    aws: &Aws,
    settings: &Settings,
    name: &ReportName<'_>,
) -> Option<Report> {
    let key = key_so_far(settings, name);
    let object = Object::new(&settings.report_bucket, &key);
    let bytes = object.read(aws, MAX_REPORT_BYTES).await;
    let bytes = bytes
        .inspect_err(|error| tracing::error!("the report so far could not be read: {error:?}"))
        .ok()?;
    serde_json::from_slice(&bytes)
        .inspect_err(|error| tracing::error!("the report so far is none: {error}"))
        .ok()
}

/// Stores what was measured so far, for the invocation that goes on.
pub(crate) async fn store_so_far(
    aws: &Aws,
    settings: &Settings,
    name: &ReportName<'_>,
    report: &Report,
) -> Result<(), String> {
    let key = key_so_far(settings, name);
    let json = gate::report::json(report);
    let put = report_store::put(aws, settings, &key, "application/json", json);
    put.await
        .map_err(|why| format!("the report so far, {key}, could not be stored: {why}"))
}

fn key_asked(settings: &Settings, name: &ReportName<'_>) -> String {
    let stem = name.key_stem(&settings.report_prefix);
    format!("{stem}-asked.html")
}

fn key_so_far(settings: &Settings, name: &ReportName<'_>) -> String {
    let stem = name.key_stem(&settings.report_prefix);
    format!("{stem}-so-far.json")
}

#[cfg(test)]
pub(crate) fn sample(answer: Answer, delivery: Delivery) -> GateResult {
    let facts: Facts = [
        ("application", "shop"),
        ("deployment_group", "shop-production"),
        ("deployment_id", "d-ABCDEF123"),
        ("lifecycle_event", "AfterAllowTestTraffic"),
        ("version", "1.2.0"),
        ("commit", "0a1b2c3"),
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
        question: None,
        overridden_by: None,
        caller: Caller::CodeDeploy,
        execution_id: "execution-1".to_owned(),
        answer,
        delivery,
        outcome: Outcome::refused("shop", stage, facts.clone(), reasons),
        facts,
    }
}
