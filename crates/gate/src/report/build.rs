//! Builds the report: the only place where raw results become something to read.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::{
    BakeReport, CapturedReport, CheckReport, ExpectationReport, FORMAT, LatencyReport, PageReport,
    Report, RoundReport, ScreenshotReport, StepReport, Tally, TryReport, UnreachedStepReport,
};
use crate::Stage;
use crate::bake::Bake;
use crate::expect::{Actual, Finding, LatencyLimit};
use crate::measurement::Measurement;
use crate::probe::browser::PageRecord;
use crate::recorder::{Attempt, MAX_KEPT_ROUNDS, RoundRecord, StepRecord, TryRecord};
use crate::redact::{MASK, Redactor};
use crate::run::rounds_end::RoundsEnd;
use crate::suite::{Check, SuiteFile};
use crate::verdict::{
    CheckHistory, Conclusion, Counters, End, InconclusivePolicy, RunHistory, Verdict, judge,
    passes_by_override,
};
use crate::words;

/// Characters of a body that are shown.
const MAX_BODY_CHARS: usize = 500;
/// Characters of one side of an expectation, or of an error, that are shown.
const MAX_SIDE_CHARS: usize = 200;
/// Characters of a check's detail, which reasons repeat.
const MAX_DETAIL_CHARS: usize = 400;
/// Characters of a recorded step, which must not be cut: a longer one is not recorded.
const MAX_RECORDED_CHARS: usize = 6_000;
/// Characters of a name, a fact or a request that are shown.
const MAX_LINE_CHARS: usize = 1_000;

/// Everything raw that a report is made of.
pub(crate) struct ReportInput<'a> {
    pub(crate) suite: &'a str,
    pub(crate) stage: Stage,
    pub(crate) address: Option<&'a Url>,
    pub(crate) facts: BTreeMap<String, String>,
    pub(crate) redactor: &'a Redactor,
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
    pub(crate) bake: Bake,
    pub(crate) policy: InconclusivePolicy,
    pub(crate) dry_run: bool,
    /// Whether the suite lets a named person override it.
    pub(crate) overridable: bool,
    /// What the values of functions stood on.
    pub(crate) seed: Option<u64>,
    /// What the suite was made of.
    pub(crate) files: &'a [SuiteFile],
    pub(crate) elapsed: Duration,
    pub(crate) finish: RoundsEnd,
    /// Why the run could not begin, or broke. Any of these fails it.
    pub(crate) refusals: Vec<String>,
    /// The report of the invocations before this one.
    pub(crate) earlier: Option<&'a Report>,
    pub(crate) checks: Vec<CheckRecord<'a>>,
}

/// One check with its rounds.
pub(crate) struct CheckRecord<'a> {
    pub(crate) check: &'a Check,
    /// All rounds of the run, counted.
    pub(crate) counters: Counters,
    /// The rounds of this invocation.
    pub(crate) rounds: Vec<RoundRecord>,
}

/// Redacts, then decides on what is left: reasons are made of redacted words only.
pub(crate) fn build(input: &ReportInput<'_>) -> Report {
    let redactor = input.redactor;
    let line = |raw: &str| redactor.excerpt(raw, MAX_LINE_CHARS);
    let is_judged = input.refusals.is_empty() && matches!(input.finish, RoundsEnd::Ended(_));
    let checks: Vec<CheckReport> = input
        .checks
        .iter()
        .enumerate()
        .map(|(index, record)| {
            let earlier = input.earlier.and_then(|report| report.checks.get(index));
            let report = check_report(record, earlier, &input.bake, redactor);
            let history = check_history(&report, record.counters);
            CheckReport {
                blocks: is_judged && history.blocks(&input.bake),
                ..report
            }
        })
        .collect();
    let rounds = checks.iter().map(|check| check.tally.rounds());
    Report {
        format: FORMAT,
        suite: line(input.suite),
        stage: input.stage,
        address: input.address.map(|url| line(url.as_str())),
        target: input
            .facts
            .iter()
            .map(|(key, fact)| (key.clone(), line(fact)))
            .collect(),
        started: input.started,
        finished: input.finished,
        duration_ms: millis(input.elapsed),
        seed: input.seed.map(|seed| format!("{seed:016x}")),
        files: input
            .files
            .iter()
            .map(|file| SuiteFile {
                name: line(&file.name),
                ..file.clone()
            })
            .collect(),
        overridable: input.overridable,
        verdict: verdict(input, &checks),
        ended: match input.finish {
            RoundsEnd::Ended(end) if input.refusals.is_empty() => Some(end),
            _ => None,
        },
        bake: (!input.bake.window.is_zero()).then(|| BakeReport {
            initial_delay_ms: millis(input.bake.initial_delay),
            window_ms: millis(input.bake.window),
            every_ms: millis(input.bake.every),
            failure_limit: input.bake.failure_limit,
            error_limit: input.bake.error_limit,
            rounds: rounds.max().unwrap_or_default(),
            starts_ms: starts(input),
            completed: matches!(
                input.finish,
                RoundsEnd::Ended(End::Window | End::EarlySuccess)
            ),
        }),
        summary: Tally::of(checks.iter().map(|check| check.measurement)),
        notes: notes(input, &checks),
        checks,
    }
}

fn verdict(input: &ReportInput<'_>, checks: &[CheckReport]) -> Verdict {
    if !input.refusals.is_empty() {
        let reasons = input
            .refusals
            .iter()
            .map(|raw| input.redactor.excerpt(raw, MAX_LINE_CHARS));
        let refused = Verdict::refused(reasons.collect());
        return if input.dry_run {
            refused.in_dry_run()
        } else {
            refused
        };
    }
    match input.finish {
        RoundsEnd::Ended(end) => judge(&history(input, checks, end)),
        RoundsEnd::Paused { .. } => goes_on(checks),
    }
}

/// Whether a run that does not pass does so but for the checks that a named person lets not pass.
pub(crate) fn is_overridden(input: &ReportInput<'_>, report: &Report) -> bool {
    let RoundsEnd::Ended(end) = input.finish else {
        return false;
    };
    input.refusals.is_empty() && passes_by_override(&history(input, &report.checks, end))
}

fn history(input: &ReportInput<'_>, checks: &[CheckReport], end: End) -> RunHistory {
    let histories = input
        .checks
        .iter()
        .zip(checks)
        .map(|(record, check)| check_history(check, record.counters));
    RunHistory {
        stage: input.stage,
        bake: input.bake,
        policy: input.policy,
        dry_run: input.dry_run,
        end,
        elapsed: input.elapsed,
        checks: histories.collect(),
    }
}

fn check_history(check: &CheckReport, counters: Counters) -> CheckHistory {
    CheckHistory {
        name: check.name.clone(),
        severity: check.severity,
        counters,
        detail: check.detail.clone(),
    }
}

/// The verdict of a report that is not the last one.
fn goes_on(checks: &[CheckReport]) -> Verdict {
    let rounds = checks.iter().map(|check| check.tally.rounds()).max();
    let rounds = usize::try_from(rounds.unwrap_or_default()).unwrap_or(usize::MAX);
    let reason = format!("the bake goes on after {}", words::count(rounds, "round"));
    Verdict {
        conclusion: Conclusion::Inconclusive,
        ..Verdict::refused(vec![reason])
    }
}

fn check_report(
    record: &CheckRecord<'_>,
    earlier: Option<&CheckReport>,
    bake: &Bake,
    redactor: &Redactor,
) -> CheckReport {
    let CheckRecord {
        check,
        counters,
        rounds,
    } = record;
    let last_bad = rounds
        .iter()
        .rev()
        .find(|round| round.measurement != Measurement::Passed);
    let before = usize::try_from(counters.tally.rounds()).unwrap_or(usize::MAX) - rounds.len();
    let mut strip = earlier.map_or_else(String::new, |earlier| earlier.strip.clone());
    // Where an earlier report was lost, its rounds are known as numbers only.
    strip.extend(std::iter::repeat_n(
        '·',
        before.saturating_sub(strip.chars().count()),
    ));
    strip.extend(rounds.iter().map(|round| round.measurement.letter()));
    let (repeated_rounds, slowest_round_ms) = of_all_rounds(rounds, before, earlier);
    let mut shown = earlier.map_or_else(Vec::new, |earlier| worth_keeping(&earlier.rounds));
    let of_now = rounds
        .iter()
        .enumerate()
        .filter(|(_, round)| !round.thinned);
    shown.extend(of_now.map(|(index, round)| round_report(before + index + 1, round, redactor)));
    CheckReport {
        name: shown_name(&check.name, redactor),
        definition: Some(format!("{:016x}", check.definition)),
        latency: check.latency_limits().map(latency_report).collect(),
        tags: check.tags.clone(),
        severity: check.severity,
        blocks: false,
        measurement: counters.came_to(bake),
        detail: match last_bad {
            Some(round) => detail(round, redactor),
            None => earlier.map_or_else(String::new, |earlier| earlier.detail.clone()),
        },
        tally: counters.tally,
        strip,
        repeated_rounds,
        slowest_round_ms,
        rounds: shown,
    }
}

/// How many rounds took more than one try, and how long the longest took: of these rounds and of those before them, as far as
/// an earlier report has them all.
fn of_all_rounds(
    rounds: &[RoundRecord],
    before: usize,
    earlier: Option<&CheckReport>,
) -> (Option<u32>, Option<u64>) {
    let (repeated, slowest) = match earlier {
        _ if before == 0 => (Some(0), Some(0)),
        Some(earlier) => (earlier.repeated_rounds, earlier.slowest_round_ms),
        None => (None, None),
    };
    let now = rounds.iter().filter(|round| round.repeated).count();
    let now = u32::try_from(now).unwrap_or(u32::MAX);
    let durations = rounds.iter().map(|round| millis(round.duration));
    let longest = durations.max().unwrap_or_default();
    (
        repeated.map(|repeated| repeated.saturating_add(now)),
        slowest.map(|slowest| slowest.max(longest)),
    )
}

/// When each round began: with its first check.
fn starts(input: &ReportInput<'_>) -> Vec<u64> {
    let earlier = input.earlier.and_then(|report| report.bake.as_ref());
    let mut starts = earlier.map_or_else(Vec::new, |bake| bake.starts_ms.clone());
    let rounds = input.checks.iter().map(|record| record.rounds.len());
    for place in 0..rounds.max().unwrap_or_default() {
        let of_checks = input.checks.iter();
        let of_checks = of_checks.filter_map(|record| record.rounds.get(place));
        starts.extend(of_checks.map(|round| millis(round.started)).min());
    }
    starts
}

fn latency_report(limit: LatencyLimit) -> LatencyReport {
    LatencyReport {
        phase: limit.phase,
        limit_ms: millis(limit.limit),
        inclusive: limit.inclusive,
    }
}

pub(crate) fn shown_name(raw: &str, redactor: &Redactor) -> String {
    redactor.excerpt(raw, MAX_LINE_CHARS)
}

/// Of the rounds before those of this invocation: the first one, and the first ones that did not pass.
fn worth_keeping(rounds: &[RoundReport]) -> Vec<RoundReport> {
    let is_kept =
        |round: &&RoundReport| round.number == 1 || round.measurement != Measurement::Passed;
    let kept = rounds.iter().filter(is_kept).take(MAX_KEPT_ROUNDS + 1);
    kept.cloned().collect()
}

/// What a round came to, in words: of its last try, what was not met.
pub(crate) fn detail(round: &RoundRecord, redactor: &Redactor) -> String {
    let Some(last) = round.tries.last() else {
        return String::new();
    };
    if let (Some(error), true) = (
        &last.attempt.error,
        round.measurement != Measurement::NoData,
    ) {
        return redactor.excerpt(error, MAX_DETAIL_CHARS);
    }
    let is_unmet =
        |step: &&StepRecord| !step.always && step.attempt.measurement != Measurement::Passed;
    if let Some(step) = last.steps.iter().find(is_unmet) {
        let mut detail = step_detail(step, redactor);
        // Of a browser: what went wrong behind the page is often why. That a step was not met is said already.
        if let [_, behind @ ..] = last.attempt.findings.as_slice() {
            let behind = unmet(behind, redactor);
            if !behind.is_empty() {
                detail = format!("{detail}; {behind}");
            }
        }
        return words::shorten(&detail, MAX_DETAIL_CHARS);
    }
    unmet(&last.attempt.findings, redactor)
}

/// `step 3 "pay": expected status 201, got 503`
fn step_detail(step: &StepRecord, redactor: &Redactor) -> String {
    let name = step.name.as_ref().map_or_else(String::new, |name| {
        format!(" {}", words::quote(&redactor.excerpt(name, MAX_SIDE_CHARS)))
    });
    let what = match &step.attempt.error {
        Some(error) => redactor.excerpt(error, MAX_DETAIL_CHARS),
        None => unmet(&step.attempt.findings, redactor),
    };
    format!("step {}{name}: {what}", step.number)
}

fn unmet(findings: &[Finding], redactor: &Redactor) -> String {
    let unmet: Vec<String> = findings
        .iter()
        .filter(|finding| finding.measurement != Measurement::Passed)
        .map(|finding| sentence(&shown(finding, redactor)))
        .collect();
    words::shorten(&unmet.join("; "), MAX_DETAIL_CHARS)
}

fn round_report(number: usize, round: &RoundRecord, redactor: &Redactor) -> RoundReport {
    let tries = round.tries.iter().enumerate();
    let number_of = |index: usize| index + 1 + if index > 0 { round.left_out } else { 0 };
    RoundReport {
        number,
        measurement: round.measurement,
        started_ms: millis(round.started),
        duration_ms: millis(round.duration),
        tries: tries
            .map(|(index, record)| try_report(number_of(index), record, redactor))
            .collect(),
    }
}

fn try_report(number: usize, record: &TryRecord, redactor: &Redactor) -> TryReport {
    let shown = ShownAttempt::of(&record.attempt, redactor);
    TryReport {
        number,
        measurement: record.attempt.measurement,
        started_ms: millis(record.attempt.started),
        duration_ms: millis(record.attempt.duration),
        request: shown.request,
        status: record.attempt.status,
        latency_ms: record.attempt.latency.map(millis),
        expectations: shown.expectations,
        error: shown.error,
        notes: shown.notes,
        body_excerpt: shown.body,
        steps: record
            .steps
            .iter()
            .map(|step| step_report(step, redactor))
            .collect(),
        not_reached: record
            .not_reached
            .iter()
            .map(|step| UnreachedStepReport {
                number: step.number,
                name: step
                    .name
                    .as_ref()
                    .map(|raw| redactor.excerpt(raw, MAX_LINE_CHARS)),
            })
            .collect(),
        recording: record
            .attempt
            .recording
            .iter()
            .map(|step| redactor.excerpt(step, MAX_RECORDED_CHARS))
            .collect(),
        pages: shown.pages,
    }
}

fn step_report(step: &StepRecord, redactor: &Redactor) -> StepReport {
    let shown = ShownAttempt::of(&step.attempt, redactor);
    StepReport {
        number: step.number,
        name: step
            .name
            .as_ref()
            .map(|raw| redactor.excerpt(raw, MAX_LINE_CHARS)),
        always: step.always,
        measurement: step.attempt.measurement,
        started_ms: millis(step.attempt.started),
        duration_ms: millis(step.attempt.duration),
        request: shown.request,
        status: step.attempt.status,
        latency_ms: step.attempt.latency.map(millis),
        expectations: shown.expectations,
        error: shown.error,
        notes: shown.notes,
        captured: step
            .captured
            .iter()
            .map(|(name, value)| CapturedReport {
                name: name.clone(),
                value: match value {
                    Some(value) => redactor.excerpt(value, MAX_SIDE_CHARS),
                    None => MASK.to_owned(),
                },
            })
            .collect(),
        body_excerpt: shown.body,
        pages: shown.pages,
    }
}

/// The texts of an attempt without secrets, short enough to be read.
struct ShownAttempt {
    request: Option<String>,
    expectations: Vec<ExpectationReport>,
    error: Option<String>,
    notes: Vec<String>,
    body: Option<String>,
    pages: Vec<PageReport>,
}

impl ShownAttempt {
    fn of(attempt: &Attempt, redactor: &Redactor) -> Self {
        let excerpt = |text: &Option<String>, max_chars| {
            let text = text.as_ref();
            text.map(|raw| redactor.excerpt(raw, max_chars))
        };
        Self {
            request: excerpt(&attempt.request, MAX_LINE_CHARS),
            expectations: attempt
                .findings
                .iter()
                .map(|finding| shown(finding, redactor))
                .collect(),
            error: excerpt(&attempt.error, MAX_DETAIL_CHARS),
            notes: attempt
                .notes
                .iter()
                .map(|raw| redactor.excerpt(raw, MAX_LINE_CHARS))
                .collect(),
            body: excerpt(&attempt.body, MAX_BODY_CHARS),
            pages: attempt
                .pages
                .iter()
                .map(|page| page_report(page, redactor))
                .collect(),
        }
    }
}

fn page_report(page: &PageRecord, redactor: &Redactor) -> PageReport {
    let line = |raw: &String| redactor.excerpt(raw, MAX_SIDE_CHARS);
    let lines = |raw: &[String]| raw.iter().map(line).collect();
    // Its outline is told by spaces.
    let indented = |raw: &String| {
        let text = raw.trim_start_matches(' ');
        let indent = &raw[..raw.len() - text.len()];
        format!("{indent}{}", redactor.excerpt(text, MAX_SIDE_CHARS))
    };
    PageReport {
        screen: page.screen.clone(),
        url: redactor.excerpt(&page.url, MAX_LINE_CHARS),
        title: line(&page.title),
        screenshot: page.screenshot.as_ref().map(|shot| ScreenshotReport {
            png: shot.png.clone(),
            width: shot.width,
            height: shot.height,
        }),
        no_screenshot: page.no_screenshot.as_ref().map(line),
        snapshot: page.snapshot.iter().map(indented).collect(),
        console: lines(&page.console),
        requests: lines(&page.requests),
    }
}

/// The finding without secrets, short enough to be read.
fn shown(finding: &Finding, redactor: &Redactor) -> ExpectationReport {
    let hide = |value: &str| {
        if finding.sensitive {
            MASK.to_owned()
        } else {
            value.to_owned()
        }
    };
    let expected = match &finding.expected {
        None => finding.demand.clone(),
        Some(expected) => format!("{} {}", finding.demand, hide(expected)),
    };
    let got = match &finding.got {
        Actual::Words(words) => words.clone(),
        Actual::Value(value) => hide(value),
    };
    ExpectationReport {
        expected: redactor.excerpt(&expected, MAX_SIDE_CHARS),
        got: redactor.excerpt(&got, MAX_SIDE_CHARS),
        measurement: finding.measurement,
    }
}

/// `expected status 201, got 503`
pub(crate) fn sentence(shown: &ExpectationReport) -> String {
    let ExpectationReport {
        expected,
        got,
        measurement,
    } = shown;
    match measurement {
        Measurement::Errored => format!("could not check {expected}: {got}"),
        _ => format!("expected {expected}, got {got}"),
    }
}

fn notes(input: &ReportInput<'_>, checks: &[CheckReport]) -> Vec<String> {
    let rounds = input.checks.iter().flat_map(|record| &record.rounds);
    let thinned = rounds.clone().any(|round| round.thinned) || input.earlier.is_some();
    let tries: usize = rounds.map(|round| round.left_out).sum();
    let mut notes = Vec::new();
    if thinned {
        notes.push(format!(
            "Of each check, the first round, the last one and the first {MAX_KEPT_ROUNDS} that did not pass are \
             shown with their tries; the strip has every round."
        ));
    }
    if tries > 0 {
        notes.push(format!(
            "{} left out of long rounds: the first and the last ones are shown.",
            if tries == 1 {
                "1 try is".to_owned()
            } else {
                format!("{tries} tries are")
            }
        ));
    }
    if checks.iter().any(|check| {
        check
            .rounds
            .iter()
            .flat_map(|round| &round.tries)
            .any(|one| {
                one.body_excerpt.is_some() || one.steps.iter().any(|s| s.body_excerpt.is_some())
            })
    }) {
        notes.push(format!(
            "Bodies are shown up to {MAX_BODY_CHARS} characters."
        ));
    }
    notes
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
