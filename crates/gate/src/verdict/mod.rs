//! The verdict: a pure function of what was counted. It has no clock, no network and no randomness, so that every
//! decision about a release can be read, tested and replayed. `docs/verdict.md` has it as a table; each row of it
//! is a test.

mod counters;
mod reasons;
mod run_state;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Stage;
use crate::bake::{Bake, NoDataPolicy};
use crate::measurement::Measurement;
use crate::severity::Severity;

pub(crate) use self::counters::Excess;
pub use self::counters::{Counters, Tally};
pub use self::run_state::{End, RoundOutcome, RunState};

/// Everything that the verdict is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHistory {
    /// Which gate.
    pub stage: Stage,
    /// The window and the limits; [`Bake::ONE_ROUND`] at the pre-traffic stage.
    pub bake: Bake,
    /// What the suite wants where the evidence is not enough.
    pub policy: InconclusivePolicy,
    /// Whether the whole gate only reports.
    pub dry_run: bool,
    /// How the run ended.
    pub end: End,
    /// How long the run took.
    pub elapsed: Duration,
    /// The selected checks, in the order of the suite.
    pub checks: Vec<CheckHistory>,
}

/// One check, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckHistory {
    /// The check's name.
    pub name: String,
    /// Whether it may block.
    pub severity: Severity,
    /// Its rounds.
    pub counters: Counters,
    /// What the last round that did not pass came to, in words; empty if every round passed.
    pub detail: String,
}

/// What happens where the evidence is neither enough to pass nor to fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InconclusivePolicy {
    /// The release is stopped.
    #[default]
    Fail,
    /// It goes on, if every required check passed at least once.
    Pass,
    /// People are asked. The verdict alone stops the release: so does everybody who can't be asked.
    Ask,
}

/// What the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Every required check was measured and stayed within the limits.
    Passed,
    /// A required check failed, or the gate could not begin.
    Failed,
    /// The evidence is not enough: errors, no data, cut by the deadline.
    Inconclusive,
}

impl Conclusion {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// The decision, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the release may have (or keep) traffic.
    pub passed: bool,
    /// What the evidence says. It differs from `passed` in a dry run, and where the suite lets the inconclusive pass.
    pub conclusion: Conclusion,
    /// Whether the gate only reports: then `passed` is always true.
    #[serde(default)]
    pub dry_run: bool,
    /// Whole sentences with numbers; never empty.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// The gate could not begin, or broke.
    pub fn refused(reasons: Vec<String>) -> Self {
        Self {
            passed: false,
            conclusion: Conclusion::Failed,
            dry_run: false,
            reasons,
        }
    }

    /// The same after people have let the release go on. What the evidence says stays; `reason` says who it was.
    #[must_use]
    pub fn let_pass(mut self, reason: String) -> Self {
        self.reasons.insert(0, reason);
        Self {
            passed: true,
            ..self
        }
    }

    /// The same with one more reason, before the others.
    #[must_use]
    pub fn because(mut self, reason: String) -> Self {
        self.reasons.insert(0, reason);
        self
    }

    /// The same as a dry run: it lets the release pass and says what it would have done.
    #[must_use]
    pub fn in_dry_run(mut self) -> Self {
        if !self.dry_run {
            self.reasons.insert(0, reasons::dry_run(self.passed));
        }
        Self {
            passed: true,
            dry_run: true,
            ..self
        }
    }
}

/// Why a required check is no pass.
struct Block {
    /// Never [`Conclusion::Passed`].
    conclusion: Conclusion,
    reason: String,
}

/// Decides. A release passes only if every required check was measured, stayed within the limits and passed its last
/// round, at the end of the window or where the window may end early.
pub fn judge(history: &RunHistory) -> Verdict {
    let verdict = judge_evidence(history);
    if history.dry_run {
        verdict.in_dry_run()
    } else {
        verdict
    }
}

fn judge_evidence(history: &RunHistory) -> Verdict {
    let of_severity = |severity| move |check: &&CheckHistory| check.severity == severity;
    let required: Vec<&CheckHistory> = history
        .checks
        .iter()
        .filter(|check| check.severity.may_block())
        .collect();
    let mut blocks = blocks(history, &required);
    if blocks.is_empty() {
        blocks.extend(reasons::end(history, &required));
    }
    let conclusion = blocks
        .iter()
        .map(|block| block.conclusion)
        .max_by_key(|conclusion| *conclusion == Conclusion::Failed)
        .unwrap_or(Conclusion::Passed);
    let passed = match conclusion {
        Conclusion::Passed => true,
        Conclusion::Failed => false,
        Conclusion::Inconclusive => {
            history.policy == InconclusivePolicy::Pass
                && required.iter().all(|check| check.counters.tally.passed > 0)
        }
    };
    let mut reasons = Vec::new();
    match conclusion {
        Conclusion::Passed => {
            reasons.push(reasons::success(history, &required));
            let tolerated = required
                .iter()
                .filter_map(|check| check.tolerated(&history.bake));
            reasons.extend(tolerated);
        }
        Conclusion::Inconclusive => {
            reasons.extend(reasons::policy(history.policy, passed));
            reasons.extend(blocks.into_iter().map(|block| block.reason));
        }
        Conclusion::Failed => reasons.extend(blocks.into_iter().map(|block| block.reason)),
    }
    let dry = history.checks.iter().filter(of_severity(Severity::DryRun));
    reasons.extend(dry.filter_map(|check| check.would_block(&history.bake, history.end)));
    let advisory = history
        .checks
        .iter()
        .filter(of_severity(Severity::Advisory));
    reasons.extend(advisory.filter_map(CheckHistory::advice));
    Verdict {
        passed,
        conclusion,
        dry_run: false,
        reasons,
    }
}

/// Whether the release passes but for the checks that a named person lets not pass. Never where these do pass, where
/// nothing else is required, or where the evidence of the others is not enough.
pub fn passes_by_override(history: &RunHistory) -> bool {
    let (overridden, others): (Vec<CheckHistory>, Vec<CheckHistory>) = history
        .checks
        .iter()
        .cloned()
        .partition(|check| check.severity == Severity::Overridden);
    let without = RunHistory {
        checks: others,
        ..history.clone()
    };
    overridden.iter().any(|check| check.blocks(&history.bake))
        && judge_evidence(&without).conclusion == Conclusion::Passed
}

/// Why required checks block: what failed comes first, then what errored, then what was not measured.
fn blocks(history: &RunHistory, required: &[&CheckHistory]) -> Vec<Block> {
    if let Some(reason) = reasons::nothing_required(history, required.len()) {
        let conclusion = Conclusion::Failed;
        return vec![Block { conclusion, reason }];
    }
    let mut worst_first = required.to_vec();
    worst_first.sort_by_key(|check| check.rank());
    worst_first
        .iter()
        .filter_map(|check| check.block(&history.bake, history.end))
        .collect()
}

impl CheckHistory {
    /// Whether it keeps a release from passing.
    pub fn blocks(&self, bake: &Bake) -> bool {
        // How the run ended changes the words alone.
        self.severity.may_block() && self.block(bake, End::Window).is_some()
    }

    fn rank(&self) -> u8 {
        match &self.counters.tally {
            tally if tally.failed > 0 => 0,
            tally if tally.errored > 0 => 1,
            _ => 2,
        }
    }

    /// Why this check blocks if it is required.
    fn block(&self, bake: &Bake, end: End) -> Option<Block> {
        let Counters {
            tally,
            passes_in_a_row,
            last,
            ..
        } = self.counters;
        let of = |conclusion, reason| Some(Block { conclusion, reason });
        let inconclusive = |reason| of(Conclusion::Inconclusive, reason);
        let Some(last) = last else {
            return inconclusive(self.never_measured());
        };
        if (tally.rounds(), bake.window.is_zero()) == (1, true) {
            let conclusion = match last {
                Measurement::Passed => return None,
                Measurement::NoData if bake.no_data == NoDataPolicy::Fail => Conclusion::Failed,
                Measurement::Failed => Conclusion::Failed,
                Measurement::Inconclusive | Measurement::Errored | Measurement::NoData => {
                    Conclusion::Inconclusive
                }
            };
            return of(conclusion, self.single(last, end));
        }
        // What failed comes first: no amount of errors beside it makes it a matter of doubt.
        let failed = |reason| of(Conclusion::Failed, reason);
        let excess = self.counters.excess(bake);
        if let Some(excess @ (Excess::Failed | Excess::NoData)) = excess {
            return failed(self.past_limit(excess, bake));
        }
        let last = self.counters.last_counting(bake);
        let out_of_reach = bake.consecutive_success.filter(|_| end == End::OutOfReach);
        if last == Some(Measurement::Failed) {
            return failed(self.bad_end(Measurement::Failed, out_of_reach));
        }
        if let Some(excess) = excess {
            return inconclusive(self.past_limit(excess, bake));
        }
        if bake.no_data == NoDataPolicy::Inconclusive && tally.no_data > 0 {
            return inconclusive(self.without_data());
        }
        match last {
            Some(Measurement::Passed) => {}
            Some(other) => return inconclusive(self.bad_end(other, out_of_reach)),
            None => return inconclusive(self.without_data()),
        }
        let required_streak = bake.consecutive_success.unwrap_or_default();
        if passes_in_a_row < required_streak {
            return inconclusive(self.short_streak(passes_in_a_row, required_streak));
        }
        None
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod run_state_tests;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
