//! `deploy-hooks explain`: what a run of a suite would do, without doing it.

use std::path::PathBuf;

use gate::{CheckPlan, Severity, Stage, StagePlan, Suite};
use serde_json::json;
use text::clean;

use crate::check::{self, settings};
use crate::failure::{self, Failure};
use crate::screen::{Screen, Style};
use crate::suite_file::{self, HurlValues};

/// Say what a suite would ask, in which order, and with which facts and secrets, without asking
#[derive(clap::Args)]
#[command(
    after_help = "Nothing is asked, and no secret is read: only names are shown.\n\nExit codes: 0 it is explained, 3 the suite is \
    wrong or can't be read.\n\nExamples:\n  deploy-hooks explain shop.yaml\n  deploy-hooks explain shop.yaml --stage \
    post-traffic\n  deploy-hooks explain --json - < shop.yaml"
)]
pub(crate) struct Args {
    /// The suite, or a Hurl file; - reads a suite from standard input
    suite: PathBuf,
    #[command(flatten)]
    values: HurlValues,
    /// Only the checks before traffic, or those after it
    #[arg(long, value_name = "STAGE", value_parser = settings::stage)]
    stage: Option<Stage>,
}

/// Explains one suite.
pub(crate) fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    match explain(args, screen).map_err(Failure::into_verdict) {
        Err(failure) if screen.json => check::told_as_json(&args.suite, failure, screen),
        done => done,
    }
}

fn explain(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let text = failure::read(&args.suite)?;
    let given = args.values.given(std::iter::once(&args.suite))?;
    let suite = suite_file::parse(&args.suite, &text, &given).map_err(Failure::Suite)?;
    let stages = Stage::ALL.into_iter();
    let plans: Vec<StagePlan> = stages
        .filter(|stage| args.stage.is_none_or(|only| only == *stage))
        .map(|stage| suite.plan_at(stage))
        .collect();
    if screen.json {
        screen.value(&json!({ "suite": suite.name, "stages": plans }))?;
        return Ok(());
    }
    for (index, plan) in plans.iter().enumerate() {
        if index > 0 {
            screen.line("")?;
        }
        show(&suite, plan, screen)?;
    }
    Ok(())
}

fn show(suite: &Suite, plan: &StagePlan, screen: &mut Screen) -> Result<(), Failure> {
    let StagePlan {
        stage,
        rounds,
        concurrency,
        shared_facts,
        shared_secrets,
        checks,
    } = plan;
    let title = format!("{} {stage}", clean::line(&suite.name));
    let title = screen.styled(Style::Heading, &title);
    if checks.is_empty() {
        screen.line(format!("{title}: no check"))?;
        return Ok(());
    }
    let count = text::words::count(checks.len(), "check");
    screen.line(format!(
        "{title}: {count}, {rounds}, at most {concurrency} at once, in this order"
    ))?;
    for line in needs(shared_facts, shared_secrets) {
        screen.line(format!("  {line} (of every check)"))?;
    }
    let names = checks.iter().map(|check| clean::line(&check.name));
    let width = names.map(|name| name.chars().count());
    let width = width.max().unwrap_or_default();
    for check in checks {
        screen.line(format!(
            "  {:<width$}  {}",
            clean::line(&check.name),
            weight(check.severity)
        ))?;
        for line in lines(check) {
            screen.line(format!("    {line}"))?;
        }
    }
    Ok(())
}

fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::Required | Severity::Overridden => "must pass",
        Severity::DryRun => "dry run: reported, never blocks",
        Severity::Advisory => "advisory: reported, never blocks",
    }
}

fn lines(check: &CheckPlan) -> Vec<String> {
    let asks: Vec<String> = check.asks.iter().map(|one| clean::line(one)).collect();
    let mut lines = match &asks[..] {
        [] => vec![check.probe.to_owned()],
        [one] => vec![format!("{} {one}", check.probe)],
        several => {
            let steps = several.iter().enumerate();
            let steps = steps.map(|(index, step)| format!("  {}. {step}", index + 1));
            std::iter::once(check.probe.to_owned())
                .chain(steps)
                .collect()
        }
    };
    let mut how = check.tries.clone();
    if check.expectations > 0 {
        let expected = text::words::count(check.expectations, "expectation");
        how = format!("{expected}, {how}");
    }
    if !check.needs_traffic {
        how += ", also where no request reaches the release";
    }
    lines.push(how);
    lines.extend(needs(&check.facts, &check.secrets));
    lines
}

fn needs(facts: &[String], secrets: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    if !facts.is_empty() {
        let facts = facts.iter().map(|fact| format!("target.{fact}"));
        lines.push(format!("facts: {}", facts.collect::<Vec<_>>().join(", ")));
    }
    if !secrets.is_empty() {
        lines.push(format!("secrets: {}", secrets.join(", ")));
    }
    lines
}
