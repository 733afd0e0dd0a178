//! The sentences of a verdict. They say what was counted and which limit counts; nothing is decided here.

use super::counters::{Counters, Excess};
use super::{Block, CheckHistory, Conclusion, End, InconclusivePolicy, RunHistory};
use crate::bake::Bake;
use crate::measurement::Measurement;
use crate::words;

impl CheckHistory {
    pub(super) fn never_measured(&self) -> String {
        format!("check {:?} was never measured", self.name)
    }

    /// One round decides at the pre-traffic stage, and without `traffic:`.
    pub(super) fn single(&self, last: Measurement, end: End) -> String {
        let name = &self.name;
        match last {
            Measurement::NoData if self.detail.is_empty() => {
                let over = match end {
                    End::Stopped => "the run was stopped",
                    _ => "the deadline",
                };
                format!("check {name:?} was not measured before {over}")
            }
            Measurement::NoData => format!("check {name:?} has no data: {}", self.detail),
            _ => self.with_detail(format!("check {name:?} {}", came_to(last)), ": "),
        }
    }

    pub(super) fn past_limit(&self, excess: Excess, bake: &Bake) -> String {
        let Counters {
            tally,
            longest_errors,
            ..
        } = self.counters;
        let total = self.rounds();
        let what = match excess {
            Excess::NoData => return self.without_data(),
            Excess::Failed => format!(
                "failed {} of {total}, limit {}",
                tally.failed, bake.failure_limit
            ),
            Excess::Errored => format!(
                "errored {} of {total}, limit {}",
                tally.errored, bake.error_limit
            ),
            Excess::ErroredInARow => format!(
                "errored in {} in a row, limit {}",
                counted(longest_errors),
                bake.consecutive_error_limit.unwrap_or_default()
            ),
            Excess::Inconclusive => format!(
                "was inconclusive in {} of {total}, limit {}",
                tally.inconclusive, bake.inconclusive_limit
            ),
        };
        self.with_last(format!("check {:?} {what}", self.name))
    }

    pub(super) fn without_data(&self) -> String {
        let missing = self.counters.tally.no_data;
        let (name, total) = (&self.name, self.rounds());
        self.with_last(format!(
            "check {name:?} was not measured in {missing} of {total}"
        ))
    }

    /// `required_streak`, where the run ended as the rounds that were left could not reach it.
    pub(super) fn bad_end(&self, last: Measurement, required_streak: Option<u32>) -> String {
        let (name, total, last) = (&self.name, self.rounds(), came_to(last));
        if let Some(required) = required_streak {
            return self.with_last(format!(
                "check {name:?} {last} in the last of {total}, and too few are left for the {required} passes in a row of \
                 consecutive_success"
            ));
        }
        self.with_last(format!(
            "check {name:?} {last} in the last of {total}, and a bake must end on a pass"
        ))
    }

    pub(super) fn short_streak(&self, passes: u32, required_streak: u32) -> String {
        self.with_last(format!(
            "check {:?} passed the last {} in a row, and consecutive_success asks for {required_streak}",
            self.name,
            counted(passes)
        ))
    }

    /// What a passing required check was forgiven.
    pub(super) fn tolerated(&self, bake: &Bake) -> Option<String> {
        let tally = self.counters.tally;
        let counts = [
            (tally.failed, "failed", Some(bake.failure_limit)),
            (tally.errored, "errored", Some(bake.error_limit)),
            (
                tally.inconclusive,
                "was inconclusive in",
                Some(bake.inconclusive_limit),
            ),
            (tally.no_data, "had no data in", None),
        ];
        let forgiven: Vec<_> = counts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .collect();
        let total = self.rounds();
        let what = match forgiven.as_slice() {
            [] => return None,
            [(count, verb, Some(limit))] => format!("{verb} {count} of {total}, limit {limit}"),
            [(count, verb, None)] => format!("{verb} {count} of {total}"),
            several => {
                let parts: Vec<String> = several
                    .iter()
                    .map(|(count, verb, limit)| match limit {
                        Some(limit) => format!("{verb} {count} (limit {limit})"),
                        None => format!("{verb} {count}"),
                    })
                    .collect();
                format!("{} of {total}", parts.join(" and "))
            }
        };
        Some(self.with_last(format!("check {:?} {what}", self.name)))
    }

    /// What a check in a dry run would have done.
    pub(super) fn would_block(&self, bake: &Bake, end: End) -> Option<String> {
        let block = self.block(bake, end)?;
        Some(format!("dry run, would not have passed: {}", block.reason))
    }

    /// What an advisory check has to say.
    pub(super) fn advice(&self) -> Option<String> {
        let Counters { tally, last, .. } = self.counters;
        let (name, rounds) = (&self.name, tally.rounds());
        let bad = rounds - tally.passed;
        match (last, rounds) {
            (None, _) => Some(format!(
                "advisory check {name:?} was never measured (never blocks)"
            )),
            _ if bad == 0 => None,
            (Some(only), 1) => {
                let what = format!("advisory check {name:?} {} (never blocks)", came_to(only));
                Some(self.with_detail(what, ": "))
            }
            _ => {
                let total = self.rounds();
                let what =
                    format!("advisory check {name:?} did not pass {bad} of {total} (never blocks)");
                Some(self.with_last(what))
            }
        }
    }

    fn rounds(&self) -> String {
        counted(self.counters.tally.rounds())
    }

    fn with_last(&self, reason: String) -> String {
        self.with_detail(reason, "; last: ")
    }

    fn with_detail(&self, reason: String, joint: &str) -> String {
        if self.detail.is_empty() {
            reason
        } else {
            format!("{reason}{joint}{}", self.detail)
        }
    }
}

/// As a verb.
fn came_to(measurement: Measurement) -> &'static str {
    match measurement {
        Measurement::Inconclusive => "was inconclusive",
        Measurement::NoData => "had no data",
        other => other.as_str(),
    }
}

pub(super) fn nothing_required(history: &RunHistory, required: usize) -> Option<String> {
    if history.checks.is_empty() {
        return Some(format!(
            "no check of the suite runs at the {} stage, so nothing was measured; \
             give one check `on: [{0}]`",
            history.stage
        ));
    }
    (required == 0).then(|| {
        format!(
            "nothing required was measured: no check of the {} stage may block ({} advisory or \
             in a dry run); make one of them required",
            history.stage,
            history.checks.len()
        )
    })
}

/// Why a run that stayed within the limits did not end as it should.
pub(super) fn end(history: &RunHistory, required: &[&CheckHistory]) -> Option<Block> {
    let reason = match history.end {
        End::Window | End::EarlySuccess => return None,
        // Only a check that is past a limit, or out of reach, ends a run so; it blocks itself.
        End::Stopped if history.bake.window.is_zero() => {
            "the run was stopped before it had ended".to_owned()
        }
        End::Limit | End::OutOfReach | End::Cut if history.bake.window.is_zero() => {
            "the run was cut before it had ended".to_owned()
        }
        End::Limit | End::OutOfReach | End::Cut | End::Stopped => format!(
            "the bake window of {} was not completed: {} in {}, then {}",
            words::duration(history.bake.window),
            counted(rounds(required)),
            words::duration(history.elapsed),
            match history.end {
                End::Stopped => "it was stopped",
                _ => "the deadline",
            }
        ),
    };
    let conclusion = Conclusion::Inconclusive;
    Some(Block { conclusion, reason })
}

pub(super) fn success(history: &RunHistory, required: &[&CheckHistory]) -> String {
    let subject = match required.len() {
        1 => "the required check".to_owned(),
        several => format!("all {several} required checks"),
    };
    let rounds = rounds(required);
    match (history.end, history.bake.window.is_zero()) {
        (_, true) => format!("{subject} passed"),
        (End::EarlySuccess, _) => format!(
            "{subject} passed the last {} in a row after {}; consecutive_success ends the bake there",
            counted(history.bake.consecutive_success.unwrap_or_default()),
            words::duration(history.elapsed)
        ),
        _ => format!(
            "{subject} stayed within the limits over {rounds} rounds in {} and passed the last",
            words::duration(history.bake.window)
        ),
    }
}

/// Why the inconclusive passes, or that it could have.
pub(super) fn policy(policy: InconclusivePolicy, passed: bool) -> Option<String> {
    match (policy, passed) {
        // Whoever asks says what came of it.
        (InconclusivePolicy::Fail | InconclusivePolicy::Ask, _) => None,
        (InconclusivePolicy::Pass, true) => {
            Some("inconclusive, which passes by `inconclusive: pass` of the suite".to_owned())
        }
        (InconclusivePolicy::Pass, false) => Some(
            "inconclusive; `inconclusive: pass` lets it pass only if every required check passed \
             at least once"
                .to_owned(),
        ),
    }
}

/// The first reason of a dry run.
pub(super) fn dry_run(passed: bool) -> String {
    let would = if passed {
        "it would have passed this release as well"
    } else {
        "it would have stopped this release"
    };
    format!("dry run, so this gate lets everything pass; {would}")
}

/// `1 round`, `3 rounds`.
fn counted(rounds: u32) -> String {
    words::count(usize::try_from(rounds).unwrap_or(usize::MAX), "round")
}

fn rounds(checks: &[&CheckHistory]) -> u32 {
    let rounds = checks.iter().map(|check| check.counters.tally.rounds());
    rounds.max().unwrap_or_default()
}
