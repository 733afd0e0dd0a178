//! The verdict: a pure function of what was measured. It has no clock, no network and no randomness, so
//! that every decision about a release can be read, tested and replayed.

use std::time::Duration;

use serde::Serialize;

use crate::bake::Bake;
use crate::measurement::Measurement;
use crate::{Stage, words};

/// Everything that the verdict is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHistory {
    /// Which gate.
    pub stage: Stage,
    /// The window and the limits; [`Bake::ONE_ROUND`] at the pre-traffic stage.
    pub bake: Bake,
    /// Whether the round at the end of the window was begun. False after the deadline, and
    /// after a limit was exceeded.
    pub window_completed: bool,
    /// How long the run took.
    pub elapsed: Duration,
    /// The selected checks, in the order of the suite.
    pub checks: Vec<CheckHistory>,
}

/// One check's measurements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckHistory {
    /// The check's name.
    pub name: String,
    /// Whether it may block; false for an advisory check.
    pub required: bool,
    /// One measurement a round, in order.
    pub rounds: Vec<Measurement>,
    /// What the last round that did not pass came to, in words; empty if every round passed.
    pub detail: String,
}

/// The decision, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether the release may have (or keep) traffic.
    pub passed: bool,
    /// Whole sentences with numbers; never empty.
    pub reasons: Vec<String>,
}

/// Decides. A release passes only if every required check was measured in every round, stayed
/// within the limits and passed its last round, at the end of the window.
pub fn judge(history: &RunHistory) -> Verdict {
    let required: Vec<&CheckHistory> = history.checks.iter().filter(|c| c.required).collect();
    let mut blocking = Vec::new();
    if let Some(reason) = nothing_required(history, required.len()) {
        blocking.push(reason);
    }
    let mut worst_first = required.clone();
    worst_first.sort_by_key(|check| check.rank());
    blocking.extend(
        worst_first
            .iter()
            .filter_map(|check| check.blocks(&history.bake)),
    );
    if blocking.is_empty() && !history.window_completed {
        blocking.push(cut_short(history, &required));
    }
    let passed = blocking.is_empty();
    let mut reasons = if passed {
        vec![success(history, required.len())]
    } else {
        blocking
    };
    if passed {
        reasons.extend(
            required
                .iter()
                .filter_map(|check| check.tolerated(&history.bake)),
        );
    }
    reasons.extend(
        history
            .checks
            .iter()
            .filter(|c| !c.required)
            .filter_map(CheckHistory::advice),
    );
    Verdict { passed, reasons }
}

/// Whether a required check is past a limit, so that going on can't end in a pass.
pub(crate) fn past_limit(rounds: &[Measurement], bake: &Bake) -> bool {
    let tally = Tally::of(rounds);
    tally.failed > bake.failure_limit as usize || tally.errored > bake.error_limit as usize
}

/// What all rounds of a check came to: past a limit what there was too much of, else the last round.
pub(crate) fn came_to(rounds: &[Measurement], bake: &Bake) -> Measurement {
    let tally = Tally::of(rounds);
    let last = rounds.last().copied().unwrap_or(Measurement::NoData);
    match () {
        () if tally.failed > bake.failure_limit as usize => Measurement::Failed,
        () if tally.errored > bake.error_limit as usize => Measurement::Errored,
        () => last,
    }
}

/// How often each measurement occurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Rounds that passed.
    pub passed: usize,
    /// Rounds that failed.
    pub failed: usize,
    /// Rounds that errored.
    pub errored: usize,
    /// Rounds that were not measured.
    pub no_data: usize,
}

impl Tally {
    pub(crate) fn of(rounds: &[Measurement]) -> Self {
        rounds.iter().fold(Self::default(), |mut tally, round| {
            match round {
                Measurement::Passed => tally.passed += 1,
                Measurement::Failed => tally.failed += 1,
                Measurement::Errored => tally.errored += 1,
                Measurement::NoData => tally.no_data += 1,
            }
            tally
        })
    }
}

impl CheckHistory {
    /// The order of reasons: what failed, then what errored, then what was not measured.
    fn rank(&self) -> usize {
        let worst_first = [Measurement::Failed, Measurement::Errored];
        worst_first
            .iter()
            .position(|measurement| self.rounds.contains(measurement))
            .unwrap_or(worst_first.len())
    }

    /// Why this required check blocks, if it does.
    fn blocks(&self, bake: &Bake) -> Option<String> {
        let tally = Tally::of(&self.rounds);
        let name = &self.name;
        let Some(last) = self.rounds.last() else {
            return Some(format!("check {name:?} was never measured"));
        };
        if let (1, true) = (self.rounds.len(), bake.window.is_zero()) {
            return (*last != Measurement::Passed).then(|| self.single(*last));
        }
        let total = words::count(self.rounds.len(), "round");
        if tally.failed > bake.failure_limit as usize {
            let (failed, limit) = (tally.failed, bake.failure_limit);
            return Some(self.with_last(format!(
                "check {name:?} failed {failed} of {total}, limit {limit}"
            )));
        }
        if tally.errored > bake.error_limit as usize {
            let (errored, limit) = (tally.errored, bake.error_limit);
            return Some(self.with_last(format!(
                "check {name:?} errored {errored} of {total}, limit {limit}"
            )));
        }
        if tally.no_data > 0 {
            let missing = tally.no_data;
            return Some(format!(
                "check {name:?} was not measured in {missing} of {total} before the deadline"
            ));
        }
        if *last != Measurement::Passed {
            return Some(self.with_last(format!(
                "check {name:?} {} in the last of {total}, and a bake must end on a pass",
                last.as_str()
            )));
        }
        None
    }

    /// One round decides at the pre-traffic stage, and without `traffic:`.
    fn single(&self, last: Measurement) -> String {
        let name = &self.name;
        match last {
            Measurement::NoData => format!("check {name:?} was not measured before the deadline"),
            _ if self.detail.is_empty() => format!("check {name:?} {}", last.as_str()),
            _ => format!("check {name:?} {}: {}", last.as_str(), self.detail),
        }
    }

    fn with_last(&self, reason: String) -> String {
        self.with_detail(reason, "; last: ")
    }

    /// What a passing required check was forgiven.
    fn tolerated(&self, bake: &Bake) -> Option<String> {
        let tally = Tally::of(&self.rounds);
        let (name, total) = (&self.name, words::count(self.rounds.len(), "round"));
        let told = match (tally.failed, tally.errored) {
            (0, 0) => return None,
            (failed, 0) => format!("failed {failed} of {total}, limit {}", bake.failure_limit),
            (0, errored) => format!("errored {errored} of {total}, limit {}", bake.error_limit),
            (failed, errored) => format!(
                "failed {failed} (limit {}) and errored {errored} (limit {}) of {total}",
                bake.failure_limit, bake.error_limit
            ),
        };
        Some(self.with_last(format!("check {name:?} {told}")))
    }

    /// What an advisory check has to say.
    fn advice(&self) -> Option<String> {
        let bad = self
            .rounds
            .iter()
            .filter(|round| **round != Measurement::Passed)
            .count();
        let name = &self.name;
        match self.rounds.as_slice() {
            [] => Some(format!(
                "advisory check {name:?} was never measured (never blocks)"
            )),
            [Measurement::Passed] => None,
            [only] => {
                let told = format!("advisory check {name:?} {} (never blocks)", only.as_str());
                Some(self.with_detail(told, ": "))
            }
            _ if bad == 0 => None,
            several => {
                let total = words::count(several.len(), "round");
                let told =
                    format!("advisory check {name:?} did not pass {bad} of {total} (never blocks)");
                Some(self.with_last(told))
            }
        }
    }

    fn with_detail(&self, reason: String, joint: &str) -> String {
        if self.detail.is_empty() {
            reason
        } else {
            format!("{reason}{joint}{}", self.detail)
        }
    }
}

fn nothing_required(history: &RunHistory, required: usize) -> Option<String> {
    if history.checks.is_empty() {
        return Some(format!(
            "no check of the suite runs at the {} stage, so nothing was measured; \
             give one check `on: [{0}]`",
            history.stage
        ));
    }
    (required == 0).then(|| {
        format!(
            "nothing required was measured: the {} stage has advisory checks only ({}); \
             make one of them required",
            history.stage,
            history.checks.len()
        )
    })
}

fn cut_short(history: &RunHistory, required: &[&CheckHistory]) -> String {
    let rounds = required
        .iter()
        .map(|check| check.rounds.len())
        .max()
        .unwrap_or_default();
    format!(
        "the bake window of {} was not completed: {} in {}, then the deadline",
        words::duration(history.bake.window),
        words::count(rounds, "round"),
        words::duration(history.elapsed)
    )
}

fn success(history: &RunHistory, required: usize) -> String {
    let rounds = history
        .checks
        .iter()
        .map(|check| check.rounds.len())
        .max()
        .unwrap_or_default();
    let subject = match required {
        1 => "the required check".to_owned(),
        several => format!("all {several} required checks"),
    };
    if history.bake.window.is_zero() {
        return format!("{subject} passed");
    }
    let window = words::duration(history.bake.window);
    format!(
        "{subject} stayed within the limits over {rounds} rounds in {window} and passed the last"
    )
}

#[cfg(test)]
mod tests;
