//! The message that people read about a decision. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;

use common::console;
use common::notify::Notification;
use gate::{Conclusion, Stage};

use super::{GateResult, console_link};
use crate::answer::{Answer, Delivery};
use crate::ask::pending_question::PeopleAnswer;
use crate::caller::Caller;

pub(super) fn build(result: &GateResult, report: Option<&str>, region: &str) -> Notification {
    let deployment = result.fact("deployment_id").unwrap_or_default();
    let (stage, release) = (result.stage, result.release());
    let verdict = &result.outcome.verdict;
    // What the caller has not heard is neither passed nor stopped.
    let head = match (&result.delivery, result.answer) {
        (Delivery::Undelivered(_), _) => format!("UNANSWERED {stage}: {release}"),
        (Delivery::Unconfirmed(_) | Delivery::AlreadyCompleted(Err(_)), _) => {
            format!("UNCONFIRMED {stage}: {release}")
        }
        (Delivery::AlreadyCompleted(Ok(reported)), answer) if *reported != answer => {
            format!("OVER {stage}: {release}")
        }
        // It passes whatever was found: people must see what was.
        (_, Answer::Succeeded) if verdict.dry_run && verdict.conclusion != Conclusion::Passed => {
            format!("Passed {stage} (dry run, would have been STOPPED): {release}")
        }
        (_, Answer::Succeeded) if result.overridden_by.is_some() => {
            let conclusion = verdict.conclusion.as_str();
            format!("Passed {stage} ({conclusion}, OVERRIDDEN): {release}")
        }
        (_, Answer::Succeeded) if verdict.conclusion == Conclusion::Inconclusive => {
            let by = if matches!(result.question, Some((_, PeopleAnswer::Approved))) {
                ", let pass by people"
            } else {
                ""
            };
            format!("Passed {stage} (inconclusive{by}): {release}")
        }
        (_, Answer::Succeeded) => format!("Passed {stage}: {release}"),
        (_, Answer::Failed) if verdict.conclusion == Conclusion::Inconclusive => {
            format!("STOPPED at {stage} (inconclusive): {release}")
        }
        (_, Answer::Failed) => format!("STOPPED at {stage}: {release}"),
    };
    let attribute = |key: &str| result.fact(key).unwrap_or_default().to_owned();
    Notification {
        subject: format!("{head} ({deployment})"),
        body: body(result, report, region),
        // Ten at most: a queue with raw delivery would lose a message of more.
        // <https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html>
        attributes: BTreeMap::from([
            ("answer", result.answer_as_heard().to_owned()),
            ("application", attribute("application")),
            ("deployment_group", attribute("deployment_group")),
            ("commit", attribute("commit")),
            ("conclusion", verdict.conclusion.as_str().to_owned()),
            ("deployment_id", deployment.to_owned()),
            ("report", report.unwrap_or_default().to_owned()),
            (
                "report_link",
                report
                    .and_then(|report| console_link(report, region))
                    .unwrap_or_default(),
            ),
            ("stage", stage.to_string()),
            ("version", attribute("version")),
        ]),
    }
}

fn body(result: &GateResult, report: Option<&str>, region: &str) -> String {
    let (stage, release) = (result.stage, result.release());
    let caller = result.caller;
    let counted = match &result.delivery {
        Delivery::AlreadyCompleted(reported) => reported.as_ref() == Ok(&result.answer),
        _ => true,
    };
    let mut text = match (result.answer, stage) {
        (answer, _) if !counted => {
            format!("The {stage} gate says {} for {release}.\n", answer.as_str())
        }
        (Answer::Succeeded, _) if result.overridden_by.is_some() => {
            format!("{release} goes on at the {stage} gate although checks did not pass.\n")
        }
        (Answer::Succeeded, _) => format!("{release} has passed the {stage} gate.\n"),
        (Answer::Failed, Stage::PreTraffic) => {
            format!(
                "{release} was stopped at the {stage} gate, before it had production traffic.\n"
            )
        }
        (Answer::Failed, Stage::PostTraffic) => {
            let then = match result.caller {
                Caller::CodeDeploy => {
                    "CodeDeploy rolls it back if the deployment group's automatic rollback is on"
                }
                Caller::Ecs => "ECS rolls the service back",
                Caller::CodePipeline => "The pipeline's action fails",
            };
            format!("{release} has failed the {stage} gate. {then}.\n")
        }
    };
    if let Delivery::Undelivered(detail) = &result.delivery {
        let _ = write!(
            text,
            "\n{caller} did NOT get this answer ({detail}). Lambda runs a failed gate \
             again; if no other message follows within minutes, stop the deployment by hand.\n"
        );
    }
    if let Delivery::Unconfirmed(why) = &result.delivery {
        let _ = write!(
            text,
            "\nIt is not known whether {caller} heard this answer: {why}. The lifecycle event is over, so look at \
             the deployment to see how it went on.\n"
        );
    }
    if let (Delivery::AlreadyCompleted(_), Some(note)) =
        (&result.delivery, result.delivery.note(result.caller))
    {
        let _ = write!(
            text,
            "\nNote: {note}. An earlier message UNANSWERED about this lifecycle event no longer applies.\n"
        );
    }
    text.push_str("\nWhy\n");
    for reason in &result.outcome.verdict.reasons {
        let _ = writeln!(text, "  - {reason}");
    }
    text.push_str("\nWhat\n");
    for (label, value) in facts(result) {
        let _ = writeln!(text, "  {label:<17} {value}");
    }
    if let Some(report) = report {
        text.push_str("\nReport\n");
        if let Some(link) = console_link(report, region) {
            let _ = writeln!(text, "  {link}");
        }
        let _ = writeln!(text, "  {report}");
        if result.outcome.report.overridable && !result.outcome.verdict.passed {
            let _ = write!(
                text,
                "\nTo let this release pass this gate all the same, next time\n  \
                 deploy-hooks gates override {report} --table TABLE --reason '...'\n"
            );
        }
    }
    let of_code_deploy = result
        .fact("deployment_id")
        .filter(|_| result.caller == Caller::CodeDeploy);
    if let Some(link) = of_code_deploy.and_then(|id| console::deployment(region, id)) {
        let _ = write!(text, "\nDeployment\n  {link}\n");
    }
    text
}

/// The lines of "What": only those that are known.
fn facts(result: &GateResult) -> Vec<(&'static str, String)> {
    let version = match (result.fact("old_version"), result.fact("version")) {
        (Some(old), Some(new)) => Some(format!("{old} → {new}")),
        (None, new) => new.map(str::to_owned),
        (Some(_), None) => None,
    };
    let own = |key: &str| result.fact(key).map(str::to_owned);
    let service = match (result.fact("cluster"), result.fact("service")) {
        (Some(cluster), Some(service)) => Some(format!("{cluster}/{service}")),
        _ => None,
    };
    [
        ("Application", own("application")),
        ("Deployment group", own("deployment_group")),
        ("Deployment", own("deployment_id")),
        ("Lifecycle event", own("lifecycle_event")),
        ("Version", version),
        ("Commit", own("commit")),
        ("Pipeline execution", own("pipeline_execution_id")),
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
    use crate::publish::sample;

    #[test]
    fn a_stopped_release_is_told_with_reasons_and_places() {
        let result = sample(Answer::Failed, Delivery::Accepted);
        let message = build(&result, Some("s3://b/r.html"), "eu-central-1");
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
          Commit            0a1b2c3
          Service           shop/shop

        Report
          https://eu-central-1.console.aws.amazon.com/s3/object/b?region=eu-central-1&prefix=r.html
          s3://b/r.html

        Deployment
          https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/d-ABCDEF123?region=eu-central-1
        "#);
    }

    #[test]
    fn a_message_has_no_more_attributes_than_a_queue_takes() {
        let mut result = sample(Answer::Failed, Delivery::Accepted);
        for key in gate::TARGET_KEYS {
            result.facts.insert((*key).to_owned(), "x".to_owned());
        }
        let attributes = build(&result, Some("s3://b/r.html"), "eu-central-1").attributes;
        assert!(attributes.len() <= 10, "{attributes:?}");
        assert_eq!(attributes["commit"], "x");
    }

    #[test]
    fn an_answer_that_codedeploy_has_not_heard_is_said_so() {
        let result = sample(
            Answer::Failed,
            Delivery::Undelivered("ThrottlingException: slow".into()),
        );
        let message = build(&result, None, "");
        assert_eq!(message.attributes["answer"], "Undelivered");
        assert_eq!(
            message.subject,
            "UNANSWERED pre-traffic: shop 1.2.0 (d-ABCDEF123)"
        );
        let body = message.body.split("\nWhy").next().unwrap();
        insta::assert_snapshot!(body, @r#"
        shop 1.2.0 was stopped at the pre-traffic gate, before it had production traffic.

        CodeDeploy did NOT get this answer (ThrottlingException: slow). Lambda runs a failed gate again; if no other message follows within minutes, stop the deployment by hand.
        "#);
    }

    #[test]
    fn an_event_that_was_over_says_what_counted() {
        let message = |reported| {
            let result = sample(Answer::Failed, Delivery::AlreadyCompleted(reported));
            let message = build(&result, None, "");
            let body = message.body.split("\nWhy").next().unwrap().to_owned();
            format!(
                "{} [{}]\n\n{body}",
                message.subject, message.attributes["answer"]
            )
        };
        insta::assert_snapshot!(message(Ok(Answer::Failed)), @r"
        STOPPED at pre-traffic: shop 1.2.0 (d-ABCDEF123) [Failed]

        shop 1.2.0 was stopped at the pre-traffic gate, before it had production traffic.

        Note: the lifecycle event was over before this answer; CodeDeploy reports it as Failed. An earlier message UNANSWERED about this lifecycle event no longer applies.
        ");
        insta::assert_snapshot!(message(Ok(Answer::Succeeded)), @r"
        OVER pre-traffic: shop 1.2.0 (d-ABCDEF123) [Succeeded]

        The pre-traffic gate says Failed for shop 1.2.0.

        Note: the lifecycle event was over before this answer; CodeDeploy reports it as Succeeded. An earlier message UNANSWERED about this lifecycle event no longer applies.
        ");
        insta::assert_snapshot!(message(Err("it was not read".to_owned())), @r"
        UNCONFIRMED pre-traffic: shop 1.2.0 (d-ABCDEF123) [Unconfirmed]

        The pre-traffic gate says Failed for shop 1.2.0.

        Note: the lifecycle event was over before this answer, and it is not known by which: it was not read. An earlier message UNANSWERED about this lifecycle event no longer applies.
        ");
    }
}
