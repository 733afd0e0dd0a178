//! `approvals audit`: who answered what, when, and what came of it. Only reads.

use approvals::CaseId;
use approvals::records::{ApprovalAudit, Records};
use clap::ArgGroup;
use common::aws::{Aws, explain};
use common::state::Table;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use ledger::{AuditKind, Via};
use serde_json::json;
use signing::new_id;

use crate::clients;
use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// Pages of a pipeline's executions, 100 each: AWS keeps those of a year.
const MAX_PAGES: usize = 100;

/// List who answered what, when, and what came of it.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, group(ArgGroup::new("which").required(true).args(["case", "pipeline"])))]
#[group(skip)]
pub(crate) struct Args {
    /// The state table, as the stack's outputs name it
    #[arg(long, env = "STATE_TABLE")]
    table: String,
    /// One approval, by its id of 26 characters
    #[arg(long, value_parser = case_id)]
    case: Option<CaseId>,
    /// All approvals of a pipeline
    #[arg(long)]
    pipeline: Option<String>,
    /// Only those of this execution
    #[arg(long, requires = "pipeline")]
    execution: Option<String>,
    /// Only executions that began since then: 30d, 12h, or a date
    #[arg(long, default_value = "30d", value_parser = since, conflicts_with_all = ["case", "execution"])]
    since: Timestamp,
}

const EXAMPLES: &str = "\
Your AWS credentials need dynamodb:GetItem and dynamodb:Query on the table, and for --pipeline without
--execution codepipeline:ListPipelineExecutions.

Examples, with the stack's output StateTableName:
  deploy-hooks approvals audit --table TABLE --pipeline shop --since 7d
  deploy-hooks approvals audit --table TABLE --case abcdefghijklmnopqrstuvwxyz --json";

/// Lists the records, oldest first.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let aws = clients::aws().await?;
    let table = Table {
        aws: &aws,
        name: &args.table,
    };
    let records = Records::new(table, &Timestamp::now, &new_id);
    let mut all = Vec::new();
    for case in cases(&aws, &records, args).await? {
        all.extend(records.audits(&case).await.map_err(failed)?);
    }
    all.sort_by_key(|record| record.at);
    if screen.json {
        screen.value(&json!(all))?;
        return Ok(());
    }
    if all.is_empty() {
        screen.line("There are no audit records.")?;
    }
    for record in &all {
        for line in lines(record, screen) {
            screen.line(line)?;
        }
    }
    Ok(())
}

/// By value, so that it serves `map_err`.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err calls"
)]
fn failed(error: impl ToString) -> Failure {
    Failure::Failed(error.to_string())
}

async fn cases(aws: &Aws, records: &Records<'_>, args: &Args) -> Result<Vec<CaseId>, Failure> {
    let pipeline = match (&args.case, &args.pipeline) {
        (Some(case), _) => return Ok(vec![case.clone()]),
        (None, Some(pipeline)) => pipeline,
        (None, None) => unreachable!("one of them is required"),
    };
    let executions = match &args.execution {
        Some(execution) => vec![execution.clone()],
        None => executions(aws, pipeline, args.since).await?,
    };
    let mut cases = Vec::new();
    for execution in executions {
        let found = records.cases_of_execution(pipeline, &execution).await;
        cases.extend(found.map_err(failed)?);
    }
    Ok(cases)
}

/// The executions of a pipeline that began since then. AWS lists the newest first.
async fn executions(aws: &Aws, pipeline: &str, since: Timestamp) -> Result<Vec<String>, Failure> {
    let mut executions = Vec::new();
    let mut next = None;
    for _ in 0..MAX_PAGES {
        let page = aws
            .codepipeline()
            .list_pipeline_executions()
            .pipeline_name(pipeline)
            .max_results(100)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| {
                failed(format!(
                    "the executions of {pipeline} could not be listed: {}; check its name and your \
                     region, or name one with --execution",
                    explain(&error)
                ))
            })?;
        for summary in page.pipeline_execution_summaries() {
            if summary
                .start_time()
                .is_some_and(|time| time.secs() < since.as_second())
            {
                return Ok(executions);
            }
            executions.extend(summary.pipeline_execution_id().map(str::to_owned));
        }
        next = page.next_token;
        if next.is_none() {
            break;
        }
    }
    Ok(executions)
}

/// One record, for people: what happened, and below it what was said.
fn lines(record: &ApprovalAudit, screen: &Screen) -> Vec<String> {
    let details = &record.details;
    let what = details
        .source
        .as_ref()
        .map_or_else(|| record.case.to_string(), ToString::to_string);
    let kind = match record.kind {
        AuditKind::Told => "told",
        AuditKind::Click => "answer",
        AuditKind::Outcome => "outcome",
        AuditKind::BadLink => "bad link",
    };
    let time = record.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let (time, kind) = (
        screen.styled(Style::Quiet, &time),
        screen.styled(Style::Heading, kind),
    );
    let mut lines = vec![format!("{time}  {what}  {kind}: {}", plain(&record.result))];
    let by: Vec<String> = record.by.iter().map(ToString::to_string).collect();
    let via = record.via.map(|via| match via {
        Via::Slack => "by Slack",
        Via::Link => "by link",
    });
    let facts = [
        (!by.is_empty()).then(|| by.join(", ")),
        details.decision.map(|decision| decision.to_string()),
        via.map(str::to_owned),
        record.from.as_ref().map(|from| format!("from {from}")),
        details
            .comment
            .as_ref()
            .map(|comment| format!("“{comment}”")),
        Some(format!("case {}", record.case)),
    ];
    let facts: Vec<String> = facts
        .into_iter()
        .flatten()
        .map(|text| plain(&text))
        .collect();
    lines.push(format!("    {}", facts.join(", ")));
    lines
}

/// Without what a terminal would obey: comments come from people.
fn plain(text: &str) -> String {
    text::clean::shown(text)
}

fn case_id(text: &str) -> Result<CaseId, &'static str> {
    CaseId::try_from(text.to_owned())
}

/// `30d` ago, or a date.
fn since(text: &str) -> Result<Timestamp, String> {
    ago(text, Timestamp::now())
}

fn ago(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    const EXPECTED: &str = "expected a span such as 30d or 12h, or a date such as 2026-03-01";
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| EXPECTED)?;
        return Ok(zoned.timestamp());
    }
    let span: Span = text.parse().map_err(|_| EXPECTED)?;
    let then = now.to_zoned(TimeZone::UTC).checked_sub(span.abs());
    Ok(then.map_err(|_| EXPECTED)?.timestamp())
}

#[cfg(test)]
mod tests {
    use approvals::records::{ApprovalDetails, Decision};
    use ledger::{Actor, AuditRecord};

    use super::*;

    fn record() -> ApprovalAudit {
        let case = CaseId::try_from("a".repeat(26)).unwrap();
        let at = "2026-03-02T10:00:00.5Z".parse().unwrap();
        let details = ApprovalDetails {
            decision: Some(Decision::Approve),
            comment: Some("\u{1b}[2Jship it".into()),
            ..ApprovalDetails::default()
        };
        AuditRecord {
            details,
            by: vec![Actor {
                approver: "email:lead@example.com".into(),
                name: String::new(),
                identified: false,
            }],
            via: Some(Via::Link),
            from: Some("192.0.2.7".into()),
            ..AuditRecord::new(AuditKind::Click, case, at, "recorded: 1 of 2 approvals")
        }
    }

    #[test]
    fn a_record_is_two_lines_for_people() {
        let screen = Screen::new(false);
        insta::assert_snapshot!(lines(&record(), &screen).join("\n"), @r"
        2026-03-02 10:00:00Z  aaaaaaaaaaaaaaaaaaaaaaaaaa  answer: recorded: 1 of 2 approvals
            the holder of the link of email:lead@example.com, approve, by link, from 192.0.2.7, “�[2Jship it”, case aaaaaaaaaaaaaaaaaaaaaaaaaa
        ");
    }

    #[test]
    fn since_is_a_span_or_a_date() {
        let now = "2026-03-02T10:00:00Z".parse().unwrap();
        let told = |text: &str| ago(text, now).map(|at| at.to_string());
        assert_eq!(told("7d").unwrap(), "2026-02-23T10:00:00Z");
        assert_eq!(told("12h").unwrap(), "2026-03-01T22:00:00Z");
        assert_eq!(told("2026-02-01").unwrap(), "2026-02-01T00:00:00Z");
        assert!(told("lately").is_err());
    }
}
