//! The report as a page: what a team sees when their release was stopped. Self-contained, no
//! script, readable without colours, on a phone and on paper.
//!
//! Everything shown comes from the redacted model and is escaped by the template; nothing here
//! may look at anything else.

use askama::Template;

use super::line::{Lines, class};
use super::steps::{self, StepView};
use super::tries::{self, Group};
use super::{CheckReport, Report, TryReport};
use crate::Stage;
use crate::measurement::Measurement;
use crate::severity::Severity;
use crate::verdict::{Conclusion, Verdict};
use crate::words;

/// Cells of a strip; more rounds than this share cells, which show the worst of them.
const MAX_STRIP_CELLS: usize = 60;

/// The report as a self-contained HTML page.
pub fn html(report: &Report) -> String {
    Page::of(report)
        .render()
        .expect("writing to a string never fails")
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    /// What the report is about, in a few words.
    subject: &'a str,
    headline: &'static str,
    tone: &'static str,
    started: String,
    numbers: Vec<(&'static str, String)>,
    facts: Vec<(String, &'a str)>,
    baked: bool,
    ticks: Vec<String>,
    legend: Vec<Cell>,
    explained: &'static str,
    checks: Vec<CheckView<'a>>,
}

struct CheckView<'a> {
    report: &'a CheckReport,
    measurement: &'static str,
    class: &'static str,
    detail_class: &'static str,
    advisory: bool,
    open: bool,
    alternative: String,
    bars: Vec<Bar>,
    cells: Vec<Cell>,
    took: String,
    tries: Vec<TryView<'a>>,
    /// What to say where there is no try to show.
    untried: &'static str,
    skipped: Option<String>,
}

struct TryView<'a> {
    report: &'a TryReport,
    title: String,
    timing: String,
    measurement: &'static str,
    class: &'static str,
    expectations: Lines<'a>,
    steps: Vec<StepView<'a>>,
    not_reached: Option<String>,
}

struct Cell {
    class: &'static str,
    glyph: &'static str,
    title: String,
}

struct Bar {
    class: &'static str,
    left: String,
    width: String,
}

impl<'a> Page<'a> {
    fn of(report: &'a Report) -> Self {
        let baked = report.bake.is_some();
        let whole = report.duration_ms.max(1);
        let tick = |quarter: u64| words::millis(whole * quarter / 4);
        Self {
            report,
            subject: subject(report),
            headline: headline(report),
            tone: match report.verdict.conclusion {
                Conclusion::Passed => "passed",
                Conclusion::Inconclusive => "inconclusive",
                Conclusion::Failed => "failed",
            },
            started: report.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            numbers: numbers(report),
            facts: facts(report),
            baked,
            ticks: (0..=4).map(tick).collect(),
            legend: Measurement::ALL
                .map(|m| cell(m, m.as_str().to_owned()))
                .into(),
            explained: if baked {
                "One cell is one round."
            } else {
                "One bar is one try."
            },
            checks: worst_first(&report.checks)
                .into_iter()
                .map(|check| CheckView::of(check, whole, baked))
                .collect(),
        }
    }
}

/// The suite's name; without one (it could not be loaded) what is being deployed.
fn subject(report: &Report) -> &str {
    let fact = |key: &&str| report.target.get(*key).map(String::as_str);
    let keys = ["application", "service", "function", "deployment_id"];
    std::iter::once(report.suite.as_str())
        .chain(keys.iter().filter_map(fact))
        .find(|name| !name.trim().is_empty())
        .unwrap_or("no suite loaded")
}

/// What stopped the release comes first: required checks that did not pass, then advisory ones, then the
/// rest; failed before errored before without data; otherwise in the order of the suite.
fn worst_first(checks: &[CheckReport]) -> Vec<&CheckReport> {
    let mut sorted: Vec<&CheckReport> = checks.iter().collect();
    sorted.sort_by_key(|check| {
        let worst = worst(&check.strip);
        let rank = match worst {
            Measurement::Failed => 0,
            Measurement::Errored => 1,
            Measurement::Inconclusive => 2,
            Measurement::NoData => 3,
            Measurement::Passed => 4,
        };
        let never_blocks = !check.severity.may_block();
        (worst == Measurement::Passed, never_blocks, rank)
    });
    sorted
}

impl<'a> CheckView<'a> {
    fn of(report: &'a CheckReport, whole: u64, baked: bool) -> Self {
        let spent: u64 = report.rounds.iter().map(|round| round.duration_ms).sum();
        let rounds = report.strip.chars().count();
        let shown = report.rounds.len();
        Self {
            report,
            measurement: report.measurement.as_str(),
            class: class(report.measurement),
            detail_class: class(worst(&report.strip)),
            advisory: report.severity == Severity::Advisory,
            open: report.tally.passed < report.tally.rounds() || rounds == 0,
            alternative: alternative(report, baked),
            bars: if baked {
                Vec::new()
            } else {
                bars(report, whole)
            },
            cells: if baked {
                cells(&report.strip)
            } else {
                Vec::new()
            },
            took: if baked {
                format!("{}/{rounds}", report.tally.passed)
            } else {
                words::millis(spent)
            },
            tries: tries::groups(report)
                .iter()
                .map(|group| TryView::of(group, baked))
                .collect(),
            untried: if rounds == 0 {
                "Never tried."
            } else {
                "No try was finished."
            },
            skipped: (shown < rounds).then(|| {
                let rounds = words::count(rounds, "round");
                format!("{shown} of {rounds} shown in full; the others are in the strip.")
            }),
        }
    }
}

impl<'a> TryView<'a> {
    fn of(group: &Group<'a>, baked: bool) -> Self {
        let report = group.first;
        Self {
            report,
            title: group.title(baked),
            timing: group.timing(),
            measurement: report.measurement.as_str(),
            class: class(report.measurement),
            expectations: Lines::of(&report.expectations),
            steps: report.steps.iter().map(StepView::of).collect(),
            not_reached: steps::not_reached(&report.not_reached),
        }
    }
}

/// The decision; what the caller made of it is not known here.
fn headline(report: &Report) -> &'static str {
    let measured = report.checks.iter().any(|check| !check.strip.is_empty());
    let Verdict {
        passed,
        conclusion,
        dry_run,
        ..
    } = &report.verdict;
    match (report.stage, conclusion) {
        (_, Conclusion::Passed) if *dry_run => return "Dry run: this release would pass this gate",
        _ if *dry_run => return "Dry run: this gate would have stopped this release",
        (_, Conclusion::Inconclusive) if *passed => {
            return "The evidence is not enough; this release goes on all the same";
        }
        (_, Conclusion::Failed) if *passed => {
            return "Checks do not pass; this release goes on, as somebody has overridden them";
        }
        (Stage::PreTraffic, Conclusion::Inconclusive) => {
            return "The evidence is not enough for this release to have traffic";
        }
        (Stage::PostTraffic, Conclusion::Inconclusive) => {
            return "The evidence is not enough for this release to keep its traffic";
        }
        _ => {}
    }
    match (report.stage, report.verdict.passed, measured) {
        (Stage::PreTraffic, true, _) => "This release may have traffic",
        (Stage::PreTraffic, false, true) => "This release may not have traffic",
        (Stage::PreTraffic, false, false) => {
            "This release may not have traffic: nothing was measured"
        }
        (Stage::PostTraffic, true, _) => "This release may keep its traffic",
        (Stage::PostTraffic, false, true) => "This release may not keep its traffic",
        (Stage::PostTraffic, false, false) => {
            "This release may not keep its traffic: nothing was measured"
        }
    }
}

fn numbers(report: &Report) -> Vec<(&'static str, String)> {
    if report.checks.is_empty() && report.duration_ms == 0 {
        // The run did not begin: how many checks there are is not known.
        return Vec::new();
    }
    let tally = report.summary;
    let mut numbers = vec![("checks", report.checks.len().to_string())];
    let counts = [
        ("passed", tally.passed),
        ("failed", tally.failed),
        ("inconclusive", tally.inconclusive),
        ("errored", tally.errored),
        ("no data", tally.no_data),
    ];
    numbers.extend(
        counts
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(term, n)| (*term, n.to_string())),
    );
    if let Some(bake) = &report.bake {
        numbers.push(("rounds", bake.rounds.to_string()));
        numbers.push((
            "bake",
            format!(
                "{} every {}",
                words::millis(bake.window_ms),
                words::millis(bake.every_ms)
            ),
        ));
        let limits = format!(
            "{} failed, {} errored",
            bake.failure_limit, bake.error_limit
        );
        numbers.push(("limits", limits));
    }
    numbers.push(("took", words::millis(report.duration_ms)));
    numbers.extend(report.seed.iter().map(|seed| ("seed", seed.clone())));
    numbers
}

/// Address, target, and what the suite was made of.
fn facts(report: &Report) -> Vec<(String, &str)> {
    let files = report.files.iter();
    let files = files.map(|file| (format!("SHA-256 of {}", file.name), file.sha256.as_str()));
    let address = report
        .address
        .iter()
        .map(|address| ("address".to_owned(), address.as_str()));
    address
        .chain(
            report
                .target
                .iter()
                .map(|(key, fact)| (key.replace('_', " "), fact.as_str())),
        )
        .chain(files)
        .collect()
}

fn bars(report: &CheckReport, whole: u64) -> Vec<Bar> {
    let percent = |millis: u64| {
        // Tenths of a percent, which no screen shows finer.
        let tenths = millis.min(whole) * 1_000 / whole;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    report
        .rounds
        .iter()
        .flat_map(|round| &round.tries)
        .map(|try_| Bar {
            class: class(try_.measurement),
            left: percent(try_.started_ms),
            width: percent(try_.duration_ms),
        })
        .collect()
}

fn cells(strip: &str) -> Vec<Cell> {
    let rounds: Vec<Measurement> = strip.chars().map(of_letter).collect();
    let size = rounds.len().div_ceil(MAX_STRIP_CELLS).max(1);
    rounds
        .chunks(size)
        .enumerate()
        .map(|(index, group)| {
            let measurement = worst_of(group);
            let first = index * size + 1;
            let place = if group.len() == 1 {
                format!("round {first}")
            } else {
                format!("rounds {first} to {}", first + group.len() - 1)
            };
            cell(measurement, format!("{place}: {}", measurement.as_str()))
        })
        .collect()
}

fn cell(measurement: Measurement, title: String) -> Cell {
    let glyph = match measurement {
        Measurement::Passed => "",
        Measurement::Failed => "×",
        Measurement::Inconclusive => "?",
        Measurement::Errored => "!",
        Measurement::NoData => "–",
    };
    Cell {
        class: class(measurement),
        glyph,
        title,
    }
}

/// What the picture shows, for those who don't see it.
fn alternative(report: &CheckReport, baked: bool) -> String {
    if !baked {
        let tries: usize = report.rounds.iter().map(|round| round.tries.len()).sum();
        let spent: u64 = report.rounds.iter().map(|round| round.duration_ms).sum();
        let started = report.rounds.first().map_or(0, |round| round.started_ms);
        let tries = if tries == 1 {
            "1 try".to_owned()
        } else {
            format!("{tries} tries")
        };
        return format!(
            "{tries}, began after {}, took {}",
            words::millis(started),
            words::millis(spent)
        );
    }
    let tally = report.tally;
    let mut words = vec![format!("{} passed", tally.passed)];
    let others = Measurement::ALL
        .into_iter()
        .filter(|one| *one != Measurement::Passed);
    for (letter, word) in others.map(|one| (one.letter(), one.as_str())) {
        let numbers: Vec<String> = report
            .strip
            .chars()
            .enumerate()
            .filter(|(_, found)| *found == letter)
            .map(|(index, _)| (index + 1).to_string())
            .collect();
        if !numbers.is_empty() {
            let shown = numbers
                .iter()
                .take(20)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            let more = if numbers.len() > 20 { ", …" } else { "" };
            words.push(format!("{} {word} (round {shown}{more})", numbers.len()));
        }
    }
    format!(
        "{}: {}",
        words::count(report.strip.chars().count(), "round"),
        words.join(", ")
    )
}

fn worst(strip: &str) -> Measurement {
    worst_of(&strip.chars().map(of_letter).collect::<Vec<_>>())
}

fn worst_of(rounds: &[Measurement]) -> Measurement {
    [
        Measurement::Failed,
        Measurement::Errored,
        Measurement::Inconclusive,
        Measurement::NoData,
    ]
    .into_iter()
    .find(|bad| rounds.contains(bad))
    .unwrap_or(if rounds.is_empty() {
        Measurement::NoData
    } else {
        Measurement::Passed
    })
}

fn of_letter(letter: char) -> Measurement {
    Measurement::of_letter(letter).unwrap_or(Measurement::NoData)
}
