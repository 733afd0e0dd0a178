//! `gates stats`: what many runs say of services and of their checks. Only reads.

use std::collections::BTreeMap;

use gate::{Conclusion, Measurement, Severity};
use serde::Serialize;

use super::reports::{self, RunSummary, Selection, by_service};
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::table::{self, Cell};

/// So many runs say that a check which never failed may be of no use.
const MIN_RUNS_TO_JUDGE: usize = 20;
/// Lines of each list.
const MAX_LISTED: usize = 10;

/// Verdicts by service, and flaky, slow and idle checks
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
}

const EXAMPLES: &str = "\
A flaky check passed, but not at its first try or not in each round of a bake. An idle check has passed in each of 20 runs or more: \
be sure that it can fail.

For a bucket your AWS credentials need s3:ListBucket on it and s3:GetObject on the reports.

Exit codes: 0 they are told, 1 no file could be read as a report, 2 wrong call.

Examples:
  deploy-hooks gates stats s3://BUCKET/reports/
  deploy-hooks gates stats s3://BUCKET/reports/shop/ --last 100 --json";

/// Tells them.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let found = reports::read(&args.selection).await?;
    super::show_unread(&found.unread, screen);
    let services: Vec<Service> = by_service(&found.runs)
        .into_iter()
        .map(|(name, runs)| Service::of(name, &runs))
        .collect();
    if screen.json {
        screen.value(&serde_json::json!({ "services": services, "unread": found.unread }))?;
        return Ok(());
    }
    if services.is_empty() {
        screen.line(found.none_found())?;
        return Ok(());
    }
    let rows: Vec<[Cell; 6]> = services.iter().map(Service::row).collect();
    let head = [
        "service",
        "runs",
        "passed",
        "failed",
        "inconclusive",
        "median",
    ];
    for line in table::lines(head, &rows, screen) {
        screen.line(line)?;
    }
    for (title, lines) in lists(&services) {
        if lines.is_empty() {
            continue;
        }
        screen.line("")?;
        screen.line(screen.styled(Style::Heading, title))?;
        let more = lines.len().saturating_sub(MAX_LISTED);
        for line in lines.into_iter().take(MAX_LISTED) {
            screen.line(format!("  {line}"))?;
        }
        if more > 0 {
            screen.line(format!("  and {more} more: --json has all"))?;
        }
    }
    Ok(())
}

/// What the runs of one service say.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Service {
    #[serde(rename = "service")]
    pub(super) name: String,
    pub(super) runs: usize,
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) inconclusive: usize,
    pub(super) median_ms: u64,
    pub(super) checks: Vec<Check>,
}

/// What they say of one check.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) severity: Severity,
    pub(super) runs: usize,
    not_passed: usize,
    pub(super) flaky: usize,
    /// Of the slowest round of each run.
    pub(super) median_ms: u64,
}

impl Service {
    pub(super) fn of<E>(name: &str, runs: &[&RunSummary<E>]) -> Self {
        let came_to = |conclusion| {
            runs.iter()
                .filter(|run| run.conclusion == conclusion)
                .count()
        };
        let mut checks: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for check in runs.iter().flat_map(|run| &run.checks) {
            checks.entry(&check.name).or_default().push(check);
        }
        Self {
            name: name.to_owned(),
            runs: runs.len(),
            passed: came_to(Conclusion::Passed),
            failed: came_to(Conclusion::Failed),
            inconclusive: came_to(Conclusion::Inconclusive),
            median_ms: median(runs.iter().map(|run| run.duration_ms)),
            checks: checks
                .into_iter()
                .map(|(name, all)| Check {
                    name: name.to_owned(),
                    // The newest run is the first.
                    severity: all[0].severity,
                    runs: all.len(),
                    not_passed: all
                        .iter()
                        .filter(|one| one.measurement != Measurement::Passed)
                        .count(),
                    flaky: all.iter().filter(|one| one.flaky).count(),
                    median_ms: median(all.iter().map(|one| one.slowest_ms)),
                })
                .collect(),
        }
    }

    fn row(&self) -> [Cell; 6] {
        let number = |number: usize, style| {
            let style = (number > 0).then_some(style);
            (number.to_string(), style)
        };
        [
            (text::clean::line(&self.name), None),
            (self.runs.to_string(), None),
            number(self.passed, Style::Good),
            number(self.failed, Style::Bad),
            number(self.inconclusive, Style::Careful),
            (millis(self.median_ms), None),
        ]
    }
}

/// The lists, the worst first in each.
fn lists(services: &[Service]) -> [(&'static str, Vec<String>); 3] {
    let mut all: Vec<(&str, &Check)> = Vec::new();
    for service in services {
        all.extend(service.checks.iter().map(|check| (&*service.name, check)));
    }
    let named = |(service, check): &(&str, &Check)| {
        format!(
            "{}: {}",
            text::clean::line(service),
            text::clean::line(&check.name)
        )
    };
    let mut flaky: Vec<_> = all.iter().filter(|(_, check)| check.flaky > 0).collect();
    flaky.sort_by_key(|(_, check)| {
        std::cmp::Reverse((check.flaky * 10_000 / check.runs, check.flaky))
    });
    let flaky = flaky.iter().map(|one| {
        let Check { flaky, runs, .. } = one.1;
        format!(
            "{}, in {flaky} of {}",
            named(one),
            text::words::count(*runs, "run")
        )
    });
    let mut slow: Vec<_> = all
        .iter()
        .filter(|(_, check)| check.median_ms > 0)
        .collect();
    slow.sort_by_key(|(_, check)| std::cmp::Reverse(check.median_ms));
    let slow = slow
        .iter()
        .map(|one| format!("{}, {}", named(one), millis(one.1.median_ms)));
    let idle = all.iter().filter(|(_, check)| {
        check.runs >= MIN_RUNS_TO_JUDGE && check.not_passed == 0 && check.flaky == 0
    });
    let idle = idle.map(|one| format!("{}, {}", named(one), text::words::count(one.1.runs, "run")));
    [
        ("Flaky checks", flaky.collect()),
        (
            "Slowest checks, by the median of their runs",
            slow.collect(),
        ),
        ("Checks that never failed", idle.collect()),
    ]
}

fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

pub(super) fn millis(value: u64) -> String {
    text::words::duration(std::time::Duration::from_millis(value))
}
