//! What people are told of a gate's decision: the report in S3 and the notification.
//!
//! Everything here comes from the redacted outcome and from the names of the target; nothing here
//! can change the answer.

use std::collections::BTreeMap;
use std::fmt::Write;

use aws_sdk_s3::primitives::ByteStream;
use common::aws::Aws;
use common::console;
use common::failure::{Failure, Hints};
use common::notify::{self, Notification};
use gate::{Outcome, Stage};

use crate::answer::{Answer, Delivery};
use crate::settings::Settings;
use crate::target::Facts;

/// A decision and what became of it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Which gate.
    pub stage: Stage,
    /// What is known of the target.
    pub facts: Facts,
    /// What CodeDeploy was told.
    pub answer: Answer,
    /// Whether it has heard it.
    pub delivery: Delivery,
    /// The verdict with its reasons, and the report.
    pub outcome: Outcome,
}

impl Told {
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
pub async fn tell(aws: &Aws, settings: &Settings, told: &Told) -> Option<String> {
    let report = match store(aws, settings, told).await {
        Ok(place) => Some(place),
        Err(problem) => {
            tracing::error!("{problem}");
            None
        }
    };
    if told.delivery == Delivery::AlreadyCompleted {
        tracing::info!(
            "this lifecycle event was over before the answer; people are not told twice"
        );
        return report;
    }
    if let Some(topic) = &settings.outcome_topic {
        let notification = notification(told, report.as_deref(), &settings.region);
        match notify::publish(aws, topic, &notification).await {
            Ok(message_id) => tracing::info!(message_id, "the outcome was published"),
            Err(error) => tracing::error!("{error}"),
        }
    }
    report
}

/// Puts the report into the bucket, as JSON and as HTML; returns the HTML's `s3://` address.
async fn store(aws: &Aws, settings: &Settings, told: &Told) -> Result<String, String> {
    let stem = key_stem(&settings.report_prefix, told);
    let bucket = &settings.report_bucket;
    let report = &told.outcome.report;
    let put = async |extension: &str, kind: &str, text: String| {
        let key = format!("{stem}.{extension}");
        aws.s3()
            .put_object()
            .bucket(bucket)
            .key(&key)
            .content_type(kind)
            .body(ByteStream::from(text.into_bytes()))
            .send()
            .await
            .map(|_| format!("s3://{bucket}/{key}"))
            .map_err(|error| {
                let hints = Hints {
                    permission: "s3:PutObject on it",
                    absent: "make the bucket, or change REPORT_BUCKET",
                };
                let why = Failure::of(&error).sentence(aws.identity(), hints);
                format!("the report s3://{bucket}/{key} could not be stored: {why}")
            })
    };
    let (json, html) = tokio::join!(
        put("json", "application/json", gate::report::json(report)),
        put(
            "html",
            "text/html; charset=utf-8",
            gate::report::html(report)
        ),
    );
    json.and(html)
}

/// Pure: `prefix/application/deployment/lifecycle-event-stage`, without the extension.
fn key_stem(prefix: &str, told: &Told) -> String {
    let safe = |text: &str| -> String {
        let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        text.chars()
            .map(|c| if kept(c) { c } else { '_' })
            .collect()
    };
    let application = safe(told.fact("application").unwrap_or("unknown-application"));
    let deployment = safe(told.fact("deployment_id").unwrap_or("unknown-deployment"));
    let stage = match told.fact("lifecycle_event") {
        Some(event) => format!("{}-{}", told.stage, safe(event)),
        None => told.stage.to_string(),
    };
    // What was measured for an event that was over already is kept, beside what counted.
    let unheard = if told.delivery == Delivery::AlreadyCompleted {
        "-unheard"
    } else {
        ""
    };
    let stem = format!("{application}/{deployment}/{stage}{unheard}");
    if prefix.is_empty() {
        stem
    } else {
        format!("{prefix}/{stem}")
    }
}

/// Pure: the message that people read.
fn notification(told: &Told, report: Option<&str>, region: &str) -> Notification {
    let deployment = told.fact("deployment_id").unwrap_or_default();
    let (stage, release) = (told.stage, told.release());
    // What CodeDeploy has not heard is neither passed nor stopped.
    let (head, answer) = match (&told.delivery, told.answer) {
        (Delivery::Undelivered(_), _) => (format!("UNANSWERED {stage}: {release}"), "Undelivered"),
        (Delivery::Unconfirmed(_), _) => (format!("UNCONFIRMED {stage}: {release}"), "Unconfirmed"),
        (_, Answer::Succeeded) => (format!("Passed {stage}: {release}"), "Succeeded"),
        (_, Answer::Failed) => (format!("STOPPED at {stage}: {release}"), "Failed"),
    };
    let attribute = |key: &str| told.fact(key).unwrap_or_default().to_owned();
    Notification {
        subject: format!("{head} ({deployment})"),
        body: body(told, report, region),
        attributes: BTreeMap::from([
            ("answer", answer.to_owned()),
            ("application", attribute("application")),
            ("deployment_group", attribute("deployment_group")),
            ("deployment_id", deployment.to_owned()),
            ("report", report.unwrap_or_default().to_owned()),
            (
                "report_link",
                report
                    .and_then(|report| link(report, region))
                    .unwrap_or_default(),
            ),
            ("stage", stage.to_string()),
            ("version", attribute("version")),
        ]),
    }
}

fn body(told: &Told, report: Option<&str>, region: &str) -> String {
    let (stage, release) = (told.stage, told.release());
    let mut text = match (told.answer, stage) {
        (Answer::Succeeded, _) => format!("{release} has passed the {stage} gate.\n"),
        (Answer::Failed, Stage::PreTraffic) => {
            format!(
                "{release} was stopped at the {stage} gate, before it had production traffic.\n"
            )
        }
        (Answer::Failed, Stage::PostTraffic) => format!(
            "{release} has failed the {stage} gate. CodeDeploy rolls it back if the deployment \
             group's automatic rollback is on.\n"
        ),
    };
    if let Delivery::Undelivered(detail) = &told.delivery {
        let _ = write!(
            text,
            "\nCodeDeploy could NOT be told ({detail}). Lambda runs a failed gate \
             again; if no other message follows within minutes, stop the deployment by hand.\n"
        );
    }
    if let Delivery::Unconfirmed(why) = &told.delivery {
        let _ = write!(
            text,
            "\nIt is not known whether CodeDeploy heard this answer: {why}. The lifecycle event is over, so look at \
             the deployment to see how it went on.\n"
        );
    }
    text.push_str("\nWhy\n");
    for reason in &told.outcome.verdict.reasons {
        let _ = writeln!(text, "  - {reason}");
    }
    text.push_str("\nWhat\n");
    for (label, value) in facts(told) {
        let _ = writeln!(text, "  {label:<17} {value}");
    }
    if let Some(report) = report {
        text.push_str("\nReport\n");
        if let Some(link) = link(report, region) {
            let _ = writeln!(text, "  {link}");
        }
        let _ = writeln!(text, "  {report}");
    }
    if let Some(link) = told
        .fact("deployment_id")
        .and_then(|id| console::deployment(region, id))
    {
        let _ = write!(text, "\nDeployment\n  {link}\n");
    }
    text
}

/// The console's link to an `s3://` address.
pub fn link(address: &str, region: &str) -> Option<String> {
    let (bucket, key) = address.strip_prefix("s3://")?.split_once('/')?;
    console::object(region, bucket, key)
}

/// The lines of "What": only those that are known.
fn facts(told: &Told) -> Vec<(&'static str, String)> {
    let version = match (told.fact("old_version"), told.fact("version")) {
        (Some(old), Some(new)) => Some(format!("{old} → {new}")),
        (None, new) => new.map(str::to_owned),
        (Some(_), None) => None,
    };
    let own = |key: &str| told.fact(key).map(str::to_owned);
    let service = match (told.fact("cluster"), told.fact("service")) {
        (Some(cluster), Some(service)) => Some(format!("{cluster}/{service}")),
        _ => None,
    };
    [
        ("Application", own("application")),
        ("Deployment group", own("deployment_group")),
        ("Deployment", own("deployment_id")),
        ("Lifecycle event", own("lifecycle_event")),
        ("Version", version),
        ("Service", service),
        ("Function", own("function")),
        ("Image", own("image")),
        ("Measured at", own("url")),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some((label, value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(answer: Answer, delivery: Delivery) -> Told {
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
        Told {
            stage,
            answer,
            delivery,
            outcome: Outcome::refused("shop", stage, facts.clone(), reasons),
            facts,
        }
    }

    #[test]
    fn a_stopped_release_is_told_with_reasons_and_places() {
        let told = told(Answer::Failed, Delivery::Accepted);
        let message = notification(&told, Some("s3://b/r.html"), "eu-central-1");
        insta::assert_snapshot!(format!("{}\n\n{}", message.subject, message.body), @r#"
        STOPPED at pre-traffic: shop 1.2.0 (d-ABCDEF123)

        shop 1.2.0 was stopped at the pre-traffic gate, before it had production traffic.

        Why
          - check "checkout" failed: expected status 201, got 500

        What
          Application       shop
          Deployment group  shop-production
          Deployment        d-ABCDEF123
          Lifecycle event   AfterAllowTestTraffic
          Version           1.1.0 → 1.2.0
          Service           shop/shop

        Report
          https://eu-central-1.console.aws.amazon.com/s3/object/b?region=eu-central-1&prefix=r.html
          s3://b/r.html

        Deployment
          https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/d-ABCDEF123?region=eu-central-1
        "#);
    }

    #[test]
    fn an_answer_that_codedeploy_has_not_heard_is_said_so() {
        let told = told(
            Answer::Failed,
            Delivery::Undelivered("ThrottlingException: slow".into()),
        );
        let message = notification(&told, None, "");
        assert_eq!(message.attributes["answer"], "Undelivered");
        assert_eq!(
            message.subject,
            "UNANSWERED pre-traffic: shop 1.2.0 (d-ABCDEF123)"
        );
        insta::assert_snapshot!(message.body, @r#"
        shop 1.2.0 was stopped at the pre-traffic gate, before it had production traffic.

        CodeDeploy could NOT be told (ThrottlingException: slow). Lambda runs a failed gate again; if no other message follows within minutes, stop the deployment by hand.

        Why
          - check "checkout" failed: expected status 201, got 500

        What
          Application       shop
          Deployment group  shop-production
          Deployment        d-ABCDEF123
          Lifecycle event   AfterAllowTestTraffic
          Version           1.1.0 → 1.2.0
          Service           shop/shop
        "#);
    }

    #[test]
    fn report_keys_are_safe_and_tell_the_lifecycle_event() {
        let mut told = told(Answer::Failed, Delivery::Accepted);
        assert_eq!(
            key_stem("reports", &told),
            "reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic"
        );
        told.facts = Facts::from([("application".to_owned(), "../my shop".to_owned())]);
        assert_eq!(
            key_stem("", &told),
            ".._my_shop/unknown-deployment/pre-traffic"
        );
    }
}
