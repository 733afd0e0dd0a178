//! What `judge` found, for people and programs.

use std::collections::BTreeMap;

use gate::{Conclusion, Stage};
use serde::Serialize;

use super::Limits;
use super::outcomes::{Outcomes, ReleaseOutcome};
use super::runs::{JudgedRun, RecordedReport};
use super::stats::{self, GateCount, LimitRow};
use super::suggestion::{self, Evidence, Suggestion};
use crate::failure::Failure;
use crate::gates::reports::Reports;
use crate::screen::{Screen, Style};
use crate::table::{self, Cell};

/// Runs that are listed.
const MAX_LISTED_RUNS: usize = 20;
/// Characters of a reason.
const MAX_REASON: usize = 120;
/// Names of releases that are spelled out.
const MAX_NAMED: usize = 5;

/// Everything that was found.
#[derive(Serialize)]
pub(super) struct JudgedRuns<'a> {
    runs: &'a [JudgedRun<'a>],
    gates: Vec<GateCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes: Option<Proved<'a>>,
    unread: &'a [String],
    /// What is said if there is no run.
    #[serde(skip)]
    none_found: String,
}

/// What the outcomes say of the limits.
#[derive(Serialize)]
struct Proved<'a> {
    limits: Vec<LimitRow>,
    evidence: Vec<Evidence>,
    suggestions: Vec<Suggestion>,
    /// Deployments and versions of which there is no run.
    unmatched: Vec<&'a str>,
}

impl<'a> JudgedRuns<'a> {
    pub(super) fn of(
        found: &'a Reports<RecordedReport>,
        runs: &'a [JudgedRun<'a>],
        limits: &Limits,
        outcomes: Option<&'a Outcomes>,
    ) -> Self {
        Self {
            runs,
            gates: stats::counts(runs),
            outcomes: outcomes.map(|outcomes| Proved::of(outcomes, runs, limits)),
            unread: &found.unread,
            none_found: found.none_found(),
        }
    }

    pub(super) fn show(&self, screen: &mut Screen) -> Result<(), Failure> {
        if self.runs.is_empty() {
            screen.line(&self.none_found)?;
            return Ok(());
        }
        self.show_runs(screen)?;
        self.show_counts(screen)?;
        if let Some(proved) = &self.outcomes {
            proved.show(screen)?;
        }
        Ok(())
    }

    /// All of a few runs; of many those that come to something else.
    fn show_runs(&self, screen: &mut Screen) -> Result<(), Failure> {
        let is_few = self.runs.len() <= MAX_LISTED_RUNS;
        let shown = self.runs.iter().filter(|run| is_few || run.changes());
        let shown: Vec<&JudgedRun<'_>> = shown.collect();
        let rows: Vec<[Cell; 7]> = shown
            .iter()
            .take(MAX_LISTED_RUNS)
            .map(|run| row(run))
            .collect();
        let head = [
            "began", "service", "version", "gate", "was", "would be", "why",
        ];
        if rows.is_empty() {
            screen.line("No run is known to come to another decision.")?;
        } else {
            for line in table::lines(head, &rows, screen) {
                screen.line(line)?;
            }
        }
        let more = shown.len().saturating_sub(MAX_LISTED_RUNS);
        if more > 0 {
            screen.line(format!("and {more} more: --json has all"))?;
        }
        if !is_few {
            for line in self.others() {
                screen.line(line)?;
            }
        }
        Ok(())
    }

    /// The runs that are not listed: those that are decided as they were, and those of which it can't be known.
    fn others(&self) -> Vec<String> {
        let runs = self.runs.iter();
        let (unknown, known): (Vec<_>, Vec<_>) = runs
            .filter(|run| !run.changes())
            .partition(|run| run.stops.is_none());
        let mut lines = Vec::new();
        match known.len() {
            0 => {}
            1 => lines.push("1 run would be decided as it was.".to_owned()),
            count => lines.push(format!("{count} runs would be decided as they were.")),
        }
        if unknown.is_empty() {
            return lines;
        }
        let of = text::words::count(unknown.len(), "run");
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for reason in unknown.iter().filter_map(|run| run.unknown.first()) {
            *reasons.entry(reason).or_default() += 1;
        }
        let most = reasons.iter().max_by_key(|(_, count)| **count);
        let why = most.map_or_else(String::new, |(reason, count)| {
            let often = if reasons.len() > 1 {
                format!(" (of {count}; the most frequent reason)")
            } else {
                String::new()
            };
            format!(": {}{often}", text::clean::short(reason, MAX_REASON))
        });
        lines.push(format!("Of {of} it can't be known{why}."));
        lines
    }

    fn show_counts(&self, screen: &mut Screen) -> Result<(), Failure> {
        const TITLE: &str = "How often these limits stop a release";
        let is_dry = self
            .gates
            .iter()
            .any(|count| count.would_stop_but_for_dry_run > 0);
        if is_dry {
            let rows: Vec<[Cell; 7]> = self.gates.iter().map(dry_count_row).collect();
            let head = [
                "gate",
                "runs",
                "stopped then",
                "would stop",
                "but for the dry run",
                "would pass",
                "unknown",
            ];
            return section(TITLE, head, &rows, screen);
        }
        let rows: Vec<[Cell; 6]> = self.gates.iter().map(count_row).collect();
        let head = [
            "gate",
            "runs",
            "stopped then",
            "would stop",
            "would pass",
            "unknown",
        ];
        section(TITLE, head, &rows, screen)
    }
}

impl<'a> Proved<'a> {
    fn of(outcomes: &'a Outcomes, runs: &'a [JudgedRun<'a>], limits: &Limits) -> Self {
        let mut proved = Self {
            limits: stats::by_limit(runs),
            evidence: Vec::new(),
            suggestions: Vec::new(),
            unmatched: outcomes.unmatched(
                runs.iter()
                    .flat_map(|run| [run.deployment, run.version].into_iter().flatten()),
            ),
        };
        for stage in Stage::ALL {
            if runs.iter().any(|run| run.stage == stage) {
                let (evidence, suggestions) = suggestion::at(stage, limits.at(stage), runs);
                proved.evidence.push(evidence);
                proved.suggestions.extend(suggestions);
            }
        }
        proved
    }

    fn show(&self, screen: &mut Screen) -> Result<(), Failure> {
        let rows: Vec<[Cell; 6]> = self.limits.iter().map(limit_row).collect();
        if !rows.is_empty() {
            let head = [
                "gate",
                "limit",
                "true stops",
                "false alarms",
                "misses",
                "unknown",
            ];
            section("How right they are", head, &rows, screen)?;
        }
        let rows: Vec<[Cell; 6]> = self.suggestions.iter().map(suggestion_row).collect();
        if !rows.is_empty() {
            let title = "The loosest value that still stops the bad releases, all else unchanged";
            let head = ["gate", "limit", "now", "suggested", "stops", "false alarms"];
            section(title, head, &rows, screen)?;
        }
        let lacking: Vec<String> = self.evidence.iter().filter_map(|one| one.lacks()).collect();
        if !lacking.is_empty() || !self.unmatched.is_empty() {
            screen.line("")?;
        }
        for lack in lacking {
            screen.line(screen.styled(Style::Careful, &lack))?;
        }
        if !self.unmatched.is_empty() {
            let named = self.unmatched.iter().take(MAX_NAMED);
            let named: Vec<String> = named.map(|name| text::clean::line(name)).collect();
            let more = self.unmatched.len().saturating_sub(MAX_NAMED);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let line = format!(
                "No report has the deployment or version {}{more}.",
                named.join(", ")
            );
            screen.line(screen.styled(Style::Careful, &line))?;
        }
        Ok(())
    }
}

fn section<const N: usize>(
    title: &str,
    head: [&str; N],
    rows: &[[Cell; N]],
    screen: &mut Screen,
) -> Result<(), Failure> {
    screen.line("")?;
    screen.line(screen.styled(Style::Heading, title))?;
    for line in table::lines(head, rows, screen) {
        screen.line(format!("  {line}"))?;
    }
    Ok(())
}

fn plain(text: &impl std::fmt::Display) -> Cell {
    (text.to_string(), None)
}

fn row(run: &JudgedRun<'_>) -> [Cell; 7] {
    let was = if run.was.passed {
        ("passed".to_owned(), Some(Style::Good))
    } else {
        ("stopped".to_owned(), Some(Style::Bad))
    };
    let (would, why) = match (run.stops, run.unknown.first()) {
        (Some(true), _) if run.dry_run => (
            (
                "stopped, but for the dry run".to_owned(),
                Some(Style::Careful),
            ),
            run.reasons.get(1),
        ),
        (Some(true), _) => (
            ("stopped".to_owned(), Some(Style::Bad)),
            run.reasons.first(),
        ),
        (Some(false), _) if run.conclusion != Some(Conclusion::Passed) => (
            ("let pass".to_owned(), Some(Style::Careful)),
            run.reasons.first(),
        ),
        (Some(false), _) => (
            ("passed".to_owned(), Some(Style::Good)),
            run.reasons.first(),
        ),
        (None, why) => (("unknown".to_owned(), Some(Style::Careful)), why),
    };
    let proved = match run.proved {
        Some(ReleaseOutcome::Good) => " (proved good)",
        Some(ReleaseOutcome::Bad) => " (proved bad)",
        None => "",
    };
    let why = why.map_or_else(String::new, |why| text::clean::short(why, MAX_REASON));
    [
        plain(&run.started.strftime("%Y-%m-%d %H:%M")),
        plain(&text::clean::line(run.service)),
        plain(&format!(
            "{}{proved}",
            text::clean::line(run.version.unwrap_or("-"))
        )),
        plain(&run.stage),
        was,
        would,
        (why, Some(Style::Quiet)),
    ]
}

fn count_row(count: &GateCount) -> [Cell; 6] {
    [
        plain(&count.stage),
        plain(&count.runs),
        plain(&count.stopped),
        plain(&count.would_stop),
        plain(&count.would_pass),
        plain(&count.unknown),
    ]
}

/// The same where a dry run lets pass what the limits stop.
fn dry_count_row(count: &GateCount) -> [Cell; 7] {
    let [gate, runs, stopped, would_stop, would_pass, unknown] = count_row(count);
    let dry = plain(&count.would_stop_but_for_dry_run);
    [gate, runs, stopped, would_stop, dry, would_pass, unknown]
}

fn limit_row(row: &LimitRow) -> [Cell; 6] {
    let name = match &row.by {
        None => "all together".to_owned(),
        Some(by) => match &by.check {
            None => by.limit.to_owned(),
            Some(check) => format!("{}: {}", text::clean::line(check), by.limit),
        },
    };
    let right = &row.rightness;
    [
        plain(&row.stage),
        plain(&name),
        plain(&right.true_stops),
        plain(&right.false_alarms),
        plain(&right.misses),
        plain(&right.unknown),
    ]
}

fn suggestion_row(one: &Suggestion) -> [Cell; 6] {
    let value = match (&one.value, one.why_none) {
        (Some(value), _) => value.clone(),
        (None, why) => {
            return [
                plain(&one.stage),
                plain(&one.limit),
                plain(&one.now),
                plain(&"-"),
                plain(&"-"),
                (why.unwrap_or_default().to_owned(), Some(Style::Quiet)),
            ];
        }
    };
    let percent = (one.false_alarms * 200 + one.good)
        .checked_div(one.good * 2)
        .unwrap_or_default();
    let mut alarms = format!("{} of {} ({percent} %)", one.false_alarms, one.good);
    if one.unknown > 0 {
        alarms = format!("{alarms}, {} unknown", one.unknown);
    }
    [
        plain(&one.stage),
        plain(&one.limit),
        plain(&one.now),
        (value, Some(Style::Heading)),
        plain(&format!("{} of {}", one.stops, one.bad)),
        plain(&alarms),
    ]
}
