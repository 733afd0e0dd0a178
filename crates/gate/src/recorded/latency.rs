//! Limits of latency, on answers that came long ago. Durations are recorded to the millisecond, so a limit is judged only
//! where the rest of it can't matter.

use std::time::Duration;

use crate::expect::{LatencyLimit, Phase};
use crate::measurement::Measurement;
use crate::report::{ExpectationReport, StepReport, TryReport};

/// One try of a recorded round.
#[derive(Clone, Debug)]
pub(super) struct RecordedTry {
    pub(super) measurement: Measurement,
    /// To the last byte, cut to whole milliseconds.
    total_ms: Option<u64>,
    /// What came of each limit of latency, in the order of the limits; none where nothing was judged.
    latency: Vec<Option<RecordedLatency>>,
    /// The worst of everything else that was demanded.
    rest: Option<Measurement>,
    /// Something kept it from being judged.
    has_error: bool,
    /// What was not met beside latency, in words.
    unmet: Box<str>,
}

#[derive(Clone, Debug)]
struct RecordedLatency {
    measurement: Measurement,
    /// Rounded up to whole milliseconds.
    rounded_up: Option<u64>,
    got: Box<str>,
}

/// What a try comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TryResult {
    Known(Measurement),
    Unknown,
}

impl RecordedTry {
    pub(super) fn of(report: &TryReport, limits: &[LatencyLimit]) -> Self {
        let demands: Vec<String> = limits.iter().map(|limit| limit.demand()).collect();
        let (timed, others): (Vec<_>, Vec<_>) = report
            .expectations
            .iter()
            .partition(|line| demands.contains(&line.expected));
        let latency = demands.iter().map(|demand| {
            let line = timed.iter().find(|line| line.expected == *demand)?;
            Some(RecordedLatency {
                measurement: line.measurement,
                rounded_up: whole_millis(&line.got),
                got: line.got.as_str().into(),
            })
        });
        Self {
            measurement: report.measurement,
            total_ms: report.latency_ms,
            latency: latency.collect(),
            rest: worst(others.iter().map(|line| line.measurement)),
            has_error: report.error.is_some(),
            unmet: unmet(report, &others).into(),
        }
    }

    /// How long the answer took.
    pub(super) fn took(&self) -> Option<Duration> {
        self.total_ms.map(Duration::from_millis)
    }

    /// What it comes to with `new` limits in the place of `old` ones.
    pub(super) fn under(&self, old: &[LatencyLimit], new: &[LatencyLimit]) -> TryResult {
        // What could not be judged then was no matter of time; an answer in doubt was judged, and had met everything.
        let is_in_doubt = self.measurement == Measurement::Inconclusive && self.has_error;
        if self.has_error && !is_in_doubt {
            return TryResult::Known(self.measurement);
        }
        let mut all: Vec<Measurement> = self.rest.into_iter().collect();
        for limit in new {
            match self.judge(*limit, old) {
                Some(measurement) => all.push(measurement),
                None if self.rest == Some(Measurement::Failed) => {}
                None => return TryResult::Unknown,
            }
        }
        match worst(all.into_iter()) {
            Some(Measurement::Passed) if is_in_doubt => TryResult::Known(Measurement::Inconclusive),
            Some(measurement) => TryResult::Known(measurement),
            None => TryResult::Unknown,
        }
    }

    /// What one limit comes to; none where milliseconds are too coarse, or nothing was timed.
    fn judge(&self, limit: LatencyLimit, old: &[LatencyLimit]) -> Option<Measurement> {
        let recorded = old.iter().zip(&self.latency);
        let recorded: Vec<(&LatencyLimit, &RecordedLatency)> = recorded
            .filter(|(old, _)| old.phase == limit.phase)
            .filter_map(|(old, recorded)| Some((old, recorded.as_ref()?)))
            .collect();
        if let Some((_, same)) = recorded.iter().find(|(old, _)| **old == limit) {
            return Some(same.measurement);
        }
        if let Some((_, recorded)) = recorded.first() {
            if recorded.measurement == Measurement::Errored {
                return Some(Measurement::Errored);
            }
            // It took longer than a millisecond less, and at most this, but for what is no whole microsecond.
            if let Some(most) = recorded.rounded_up {
                let least = Duration::from_millis(most.saturating_sub(1));
                let most = Duration::from_millis(most) + Duration::from_nanos(999);
                if limit.is_met_by(most) {
                    return Some(Measurement::Passed);
                }
                if least >= limit.limit {
                    return Some(Measurement::Failed);
                }
            }
        }
        if limit.phase != Phase::Total {
            return None;
        }
        // It took at least this, and less than a millisecond more.
        let least = Duration::from_millis(self.total_ms?);
        if least + Duration::from_millis(1) <= limit.limit {
            return Some(Measurement::Passed);
        }
        (!limit.is_met_by(least)).then_some(Measurement::Failed)
    }

    /// What was not met, in words.
    pub(super) fn detail(&self, old: &[LatencyLimit], new: &[LatencyLimit]) -> String {
        let mut unmet: Vec<String> = Vec::new();
        if !self.unmet.is_empty() {
            unmet.push(self.unmet.to_string());
        }
        if !self.has_error {
            let missed = new
                .iter()
                .filter(|limit| self.judge(**limit, old) == Some(Measurement::Failed));
            unmet.extend(missed.map(|limit| {
                let got = self.words(*limit, old);
                format!("expected {}, got {got}", limit.demand())
            }));
        }
        unmet.join("; ")
    }

    fn words(&self, limit: LatencyLimit, old: &[LatencyLimit]) -> String {
        let recorded = old.iter().zip(&self.latency);
        let mut same = recorded.filter(|(old, _)| old.phase == limit.phase);
        match (same.find_map(|(_, one)| one.as_ref()), self.total_ms) {
            (Some(recorded), _) => recorded.got.to_string(),
            (None, Some(total)) => crate::words::millis(total),
            (None, None) => "more".to_owned(),
        }
    }
}

/// As when it was measured: see `run::attempt::worst`.
fn worst(all: impl Iterator<Item = Measurement>) -> Option<Measurement> {
    use Measurement::{Errored, Failed, Inconclusive, NoData, Passed};
    const WORST_FIRST: [Measurement; 5] = [Failed, Errored, NoData, Inconclusive, Passed];
    let rank = |one: &Measurement| WORST_FIRST.iter().position(|other| other == one);
    all.min_by_key(rank)
}

fn unmet(report: &TryReport, others: &[&ExpectationReport]) -> String {
    if let Some(error) = &report.error {
        return error.clone();
    }
    let is_unmet = |step: &&StepReport| !step.always && step.measurement != Measurement::Passed;
    if let Some(step) = report.steps.iter().find(is_unmet) {
        let name = step.name.as_ref();
        let name = name.map_or_else(String::new, |name| {
            format!(" {}", crate::words::quote(name))
        });
        let what = match &step.error {
            Some(error) => error.clone(),
            None => sentences(step.expectations.iter()),
        };
        return format!("step {}{name}: {what}", step.number);
    }
    sentences(others.iter().copied())
}

fn sentences<'a>(lines: impl Iterator<Item = &'a ExpectationReport>) -> String {
    let unmet = lines.filter(|line| line.measurement != Measurement::Passed);
    let unmet: Vec<String> = unmet.map(crate::report::sentence).collect();
    unmet.join("; ")
}

/// `420ms` and `1.25s`; nothing of a minute and more, which is written without milliseconds.
fn whole_millis(words: &str) -> Option<u64> {
    if let Some(millis) = words.strip_suffix("ms") {
        return millis.parse().ok();
    }
    let seconds = words.strip_suffix('s')?;
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let whole: u64 = whole.parse().ok()?;
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction: u64 = is_number.then(|| format!("{fraction:0<3}"))?.parse().ok()?;
    whole.checked_mul(1_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_they_are_written() {
        for millis in [0, 1, 420, 999, 1_000, 1_001, 1_250, 59_999] {
            assert_eq!(whole_millis(&crate::words::millis(millis)), Some(millis));
        }
        for words in [
            "1m", "2m30s", "2h", "s", "ms", "1.2345s", "12", "none", "700µs",
        ] {
            assert_eq!(whole_millis(words), None, "{words}");
        }
    }
}
