//! The report of the invocations before this one, cut to what the state of the run counts.
//!
//! An invocation stores its report before it hands the run on. If it dies between the two, another one measures the
//! same rounds again, from the state before them: the report must not show them twice.

use std::collections::BTreeMap;

use super::{CheckReport, Report, RoundReport, sentence};
use crate::measurement::Measurement;
use crate::verdict::{RunState, Tally};
use crate::words;

/// Characters of a check's detail.
const MAX_DETAIL_CHARS: usize = 400;

/// The report without the rounds that the state does not count. What contradicts the state is of another run, and goes.
pub(crate) fn up_to(mut report: Report, state: &RunState) -> Report {
    for (check, counters) in report.checks.iter_mut().zip(&state.checks) {
        cut(check, counters.tally);
    }
    if let Some(bake) = &mut report.bake {
        bake.starts_ms.truncate(number(state.rounds()));
        bake.rounds = bake.rounds.min(state.rounds());
    }
    report
}

fn cut(check: &mut CheckReport, counted: Tally) {
    let rounds = number(counted.rounds());
    let longer = check.strip.chars().count() > rounds;
    check.strip = check.strip.chars().take(rounds).collect();
    if !is_counted(&check.strip, counted) {
        check.strip.clear();
        check.rounds.clear();
        check.detail.clear();
        check.repeated_rounds = None;
        check.slowest_round_ms = None;
    } else if longer {
        check.rounds.retain(|round| round.number <= rounds);
        // Which rounds these are of is not known.
        check.repeated_rounds = None;
        check.slowest_round_ms = None;
        let is_bad = |round: &&RoundReport| round.measurement != Measurement::Passed;
        let last_bad = check.rounds.iter().rev().find(is_bad);
        check.detail = last_bad.map_or_else(String::new, detail);
    }
    check.tally = counted;
}

/// Whether the rounds of a strip may be those that were counted. Some of them may be unknown.
fn is_counted(strip: &str, counted: Tally) -> bool {
    let mut left = BTreeMap::from([
        (Measurement::Passed.letter(), counted.passed),
        (Measurement::Failed.letter(), counted.failed),
        (Measurement::Inconclusive.letter(), counted.inconclusive),
        (Measurement::Errored.letter(), counted.errored),
        (Measurement::NoData.letter(), counted.no_data),
    ]);
    strip.chars().all(|letter| match left.get_mut(&letter) {
        None => true,
        Some(0) => false,
        Some(count) => {
            *count -= 1;
            true
        }
    })
}

/// What a round came to, in words, from what the report shows of its last try.
fn detail(round: &RoundReport) -> String {
    let Some(last) = round.tries.last() else {
        return String::new();
    };
    let unmet = last.expectations.iter().filter(|one| is_unmet(one));
    let mut parts: Vec<String> = last.error.iter().cloned().collect();
    let steps = last.steps.iter().filter(|step| !step.always);
    let step = steps
        .into_iter()
        .find(|step| step.measurement != Measurement::Passed);
    if let (Some(step), true) = (step, parts.is_empty()) {
        let name = step.name.as_ref();
        let name = name.map_or_else(String::new, |name| format!(" {}", words::quote(name)));
        let of_step = step.expectations.iter().filter(|one| is_unmet(one));
        let what = match &step.error {
            Some(error) => error.clone(),
            None => of_step.map(sentence).collect::<Vec<_>>().join("; "),
        };
        parts.push(format!("step {}{name}: {what}", step.number));
    } else if parts.is_empty() {
        parts.extend(unmet.map(sentence));
    }
    words::shorten(&parts.join("; "), MAX_DETAIL_CHARS)
}

fn is_unmet(expectation: &super::ExpectationReport) -> bool {
    expectation.measurement != Measurement::Passed
}

fn number(rounds: u32) -> usize {
    usize::try_from(rounds).unwrap_or(usize::MAX)
}
