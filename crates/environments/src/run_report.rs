//! A run in sentences: what was done, what failed and what to do about it. The same failure of many services is reported
//! once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use strict_yaml::words::count;

use crate::apply::{ApplyResult, End, Outcome};
use crate::condition::Condition;
use crate::decide::Step;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::savings::Savings;

/// Names in one line; the rest is a number.
const MAX_NAMES: usize = 5;

/// What is reported after a run.
#[derive(Clone, Copy, Debug)]
pub struct RunReport<'a> {
    /// What was planned.
    pub plan: &'a Plan,
    /// What came of it; none for a dry run.
    pub applied: Option<&'a ApplyResult>,
    /// What could not be read.
    pub problems: &'a [Problem],
    /// What the sleeps that ended have saved.
    pub savings: Option<&'a Savings>,
}

/// The summary as plain text, the most important first.
pub fn summary(report: &RunReport<'_>) -> String {
    let mut text = String::new();
    headline(report, &mut text);
    failures(report, &mut text);
    refusals(report, &mut text);
    for problem in report.problems {
        line(&mut text, &format!("Not read: {problem}"));
    }
    conditions(report.plan, &mut text);
    conflicts(report.plan, &mut text);
    deferred(report.plan, &mut text);
    attention(report.plan, &mut text);
    for remark in remarks(report.plan) {
        let end = if remark.ends_with('?') { "" } else { "." };
        line(&mut text, &format!("Note: {remark}{end}"));
    }
    for warning in report.applied.iter().flat_map(|applied| &applied.warnings) {
        line(&mut text, &format!("Note: {warning}."));
    }
    if let Some(applied) = report.applied.filter(|applied| applied.refusals > 0) {
        let times = count(applied.refusals.try_into().unwrap_or(usize::MAX), "time");
        line(
            &mut text,
            &format!("AWS throttled calls {times}; each was repeated, more slowly."),
        );
    }
    if let Some(savings) = report.savings.filter(|savings| savings.resources > 0) {
        line(
            &mut text,
            &format!("Saved by the sleep that ended: {savings}."),
        );
    }
    text
}

fn headline(report: &RunReport<'_>, text: &mut String) {
    let Some(applied) = report.applied else {
        let totals = &report.plan.totals;
        line(
            text,
            &format!(
                "Dry run: would stop {} and wake {}; nothing was changed.",
                count(totals.sleep, "service"),
                count(totals.wake, "service")
            ),
        );
        return;
    };
    let done = |is: fn(&Step) -> bool| {
        let outcomes = applied.outcomes.iter();
        outcomes
            .filter(|one| one.end == End::Done && is(&one.step))
            .count()
    };
    let (down, up) = (done(Step::is_down), done(Step::is_up));
    line(
        text,
        &format!(
            "Stopped {}, woke {}.",
            count(down, "service"),
            count(up, "service")
        ),
    );
    let left = applied
        .outcomes
        .iter()
        .filter(|one| one.end == End::Continue);
    match left.count() {
        0 => {}
        some => line(
            text,
            &format!(
                "{} left for the next run: the time was over, or what they wait for still sleeps.",
                count(some, "service")
            ),
        ),
    }
}

fn failures(report: &RunReport<'_>, text: &mut String) {
    let Some(applied) = report.applied else {
        return;
    };
    let mut alike: BTreeMap<(String, &str), Vec<&Outcome>> = BTreeMap::new();
    for outcome in applied.failures() {
        if let End::Failed {
            call,
            detail,
            remedy,
            ..
        } = &outcome.end
        {
            let detail = detail
                .replace(&outcome.arn, "ARN")
                .replace(&outcome.place, "SERVICE");
            alike
                .entry((format!("{call}: {detail}"), remedy))
                .or_default()
                .push(outcome);
        }
    }
    for ((detail, remedy), outcomes) in alike {
        let places: Vec<&str> = outcomes.iter().map(|one| one.place.as_str()).collect();
        line(
            text,
            &format!(
                "Failed for {} ({}): {detail}. What to do: {remedy}.",
                count(places.len(), "service"),
                names(&places)
            ),
        );
    }
}

/// Refusals of this run. The plan does not know yet of those that are not tried again.
fn refusals(report: &RunReport<'_>, text: &mut String) {
    for outcome in report.applied.iter().flat_map(|applied| &applied.outcomes) {
        if let End::Refused {
            what,
            detail,
            again,
        } = &outcome.end
        {
            let next = if *again {
                "the next run tries once more"
            } else {
                "it keeps running, and is tried again after the next edge"
            };
            let place = &outcome.place;
            line(
                text,
                &format!("Refused: {place}: {what}: {detail}; {next}."),
            );
        }
    }
}

fn conditions(plan: &Plan, text: &mut String) {
    for row in &plan.rows {
        if let Some(condition) = &row.condition {
            let (place, remedy) = (row.resource.place(), condition.remedy());
            let what = match condition {
                Condition::StillRuns { .. } => "Not asleep",
                Condition::NotUp { .. } => "Not awake",
                Condition::Refused { .. } => "Refused",
                Condition::Deploys { .. } => "Deploying",
            };
            line(
                text,
                &format!("{what}: {place}: {condition}. What to do: {remedy}."),
            );
        }
    }
}

fn conflicts(plan: &Plan, text: &mut String) {
    for row in &plan.rows {
        if let Step::Conflict { give_back, .. } = &row.step {
            let bounds = match give_back {
                Some(scaling) => format!(
                    "; its bounds {}-{} and suspensions are restored",
                    scaling.min, scaling.max
                ),
                None => String::new(),
            };
            line(
                text,
                &format!("Conflict: {}: {}{bounds}.", row.resource.place(), row.why),
            );
        }
    }
}

fn deferred(plan: &Plan, text: &mut String) {
    for row in &plan.rows {
        if let Step::Defer { until } = &row.step {
            line(
                text,
                &format!(
                    "Later: {}: {}; until {until} at most.",
                    row.resource.place(),
                    row.why
                ),
            );
        }
    }
}

fn attention(plan: &Plan, text: &mut String) {
    for row in plan
        .rows
        .iter()
        .filter(|row| row.attention && row.step == Step::Skip)
    {
        line(
            text,
            &format!("Skipped: {}: {}.", row.resource.place(), row.why),
        );
    }
}

/// What somebody should know of the schedules of services: `dev/a, dev/b: …`, each remark once.
pub fn remarks(plan: &Plan) -> Vec<String> {
    let rows = plan.rows.iter();
    by_note(rows.flat_map(|row| {
        let place = row.resource.place();
        row.remarks
            .iter()
            .map(move |remark| (remark.as_str(), place.clone()))
    }))
}

/// Notes on services, each once, with the services that it is about.
pub fn by_note<'a>(notes: impl IntoIterator<Item = (&'a str, String)>) -> Vec<String> {
    let mut alike: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (note, place) in notes {
        alike.entry(note).or_default().push(place);
    }
    let line = |(note, places): (&str, Vec<String>)| {
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        format!("{}: {note}", names(&places))
    };
    alike.into_iter().map(line).collect()
}

fn names(places: &[&str]) -> String {
    let named = places
        .iter()
        .take(MAX_NAMES)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match places.len().saturating_sub(MAX_NAMES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a string takes all");
}
