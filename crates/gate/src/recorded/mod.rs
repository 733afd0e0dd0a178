//! Runs that are over, judged by other limits: what would a gate have decided, had its suite been another one?
//!
//! Only what was measured then can be judged, by the one function that judges at a gate. What a report does not hold is
//! unknown: a check that has no measurements of this kind, a round that never took place. Unknown is never a pass: it
//! leaves the decision open, unless what is known stops the release whatever the unknown would have been.

mod latency;
mod limits;
mod replay;
mod run;
mod schedule;

pub use self::limits::{CheckLimits, GateLimits};
use self::replay::{ReplayEnd, play};
pub use self::run::RecordedRun;
use self::run::Rounds;
use crate::measurement::Measurement;
use crate::severity::Severity;
use crate::verdict::{CheckHistory, Counters, Excess, RunHistory, Verdict, judge};

/// What a gate would have decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejudged {
    /// Whether it would have stopped the release, were it not in a dry run; none where that can't be known.
    pub stops: Option<bool>,
    /// The verdict, if it is known. Where a check is unknown it is the verdict of all others.
    pub verdict: Option<Verdict>,
    /// Which check would have stopped it, and by which limit; in the order of the suite.
    pub blockers: Vec<Blocker>,
    /// What could not be judged of the checks that may block, and why.
    pub unknown: Vec<String>,
    /// What could not be judged of those that may not.
    pub notes: Vec<String>,
}

/// What stops a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The check; none where the run as a whole has not ended as it should.
    pub check: Option<String>,
    /// The limit.
    pub limit: Limit,
}

/// What a check or a run must keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// The one round must pass.
    OneRound,
    /// `failure_limit`
    Failures,
    /// `error_limit`
    Errors,
    /// `consecutive_error_limit`
    ConsecutiveErrors,
    /// `inconclusive_limit`
    Inconclusive,
    /// `no_data`
    NoData,
    /// A bake must end on a pass.
    LastRound,
    /// `consecutive_success`
    ConsecutiveSuccess,
    /// The run must come to its end.
    Time,
    /// Some check of the stage must be required.
    NothingRequired,
}

impl Limit {
    /// As a suite calls it, or in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneRound => "must pass",
            Self::Failures => "failure_limit",
            Self::Errors => "error_limit",
            Self::ConsecutiveErrors => "consecutive_error_limit",
            Self::Inconclusive => "inconclusive_limit",
            Self::NoData => "no_data",
            Self::LastRound => "last round must pass",
            Self::ConsecutiveSuccess => "consecutive_success",
            Self::Time => "the run must come to its end",
            Self::NothingRequired => "something must be required",
        }
    }
}

impl Rejudged {
    fn unknown(unknown: Vec<String>, notes: Vec<String>) -> Self {
        Self {
            stops: None,
            verdict: None,
            blockers: Vec::new(),
            unknown,
            notes,
        }
    }
}

/// One check of the suite, with what was recorded of it.
struct Known<'a> {
    limits: &'a CheckLimits,
    rounds: Rounds<'a>,
}

/// Judges a recorded run by these limits, which are of its stage.
pub fn judge_recorded(limits: &GateLimits, run: &RecordedRun) -> Rejudged {
    let Some(ended) = run.ended else {
        return Rejudged::unknown(vec![run.why_unended.clone()], Vec::new());
    };
    let (mut known, mut unknown, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for check in &limits.checks {
        match run.rounds_of(check) {
            Ok(rounds) => known.push(Known {
                limits: check,
                rounds,
            }),
            Err(why) if check.severity.may_block() => unknown.push(why),
            Err(why) => notes.push(why),
        }
    }
    let some_required = known.iter().any(|one| one.limits.severity.may_block());
    if !some_required && !unknown.is_empty() {
        return Rejudged::unknown(unknown, notes);
    }
    let played = play(limits, run, ended, &known);
    let ReplayEnd { rounds, end } = match played {
        Ok(played) => played,
        Err(why) => {
            unknown.push(why);
            return Rejudged::unknown(unknown, notes);
        }
    };
    for one in &known {
        if let Some(why) = one.rounds.first_unknown(rounds) {
            let list = if one.limits.severity.may_block() {
                &mut unknown
            } else {
                &mut notes
            };
            list.push(why);
        }
    }
    let elapsed = if rounds == run.rounds() {
        run.elapsed
    } else {
        run.schedule.nominal(rounds.saturating_sub(1))
    };
    let history = RunHistory {
        stage: run.stage,
        bake: limits.bake,
        policy: limits.policy,
        dry_run: false,
        end,
        elapsed,
        checks: known.iter().map(|one| one.history(rounds)).collect(),
    };
    decided(limits, &history, unknown, notes)
}

/// The decision, where what is known is enough.
fn decided(
    limits: &GateLimits,
    history: &RunHistory,
    unknown: Vec<String>,
    notes: Vec<String>,
) -> Rejudged {
    let verdict = judge(history);
    let stops = !verdict.passed;
    if !stops && !unknown.is_empty() {
        return Rejudged::unknown(unknown, notes);
    }
    Rejudged {
        stops: Some(stops),
        verdict: Some(if limits.dry_run {
            verdict.in_dry_run()
        } else {
            verdict
        }),
        blockers: if stops { blockers(history) } else { Vec::new() },
        unknown,
        notes,
    }
}

impl Known<'_> {
    fn history(&self, rounds: usize) -> CheckHistory {
        let mut counters = Counters::default();
        for round in 0..rounds {
            // What is unknown is judged at its best: a release that is stopped even so is stopped.
            counters.add(self.rounds.get(round).unwrap_or(Measurement::Passed));
        }
        CheckHistory {
            name: self.limits.name.clone(),
            severity: self.limits.severity,
            counters,
            detail: self.rounds.detail(rounds),
        }
    }
}

fn blockers(history: &RunHistory) -> Vec<Blocker> {
    let of_checks = history
        .checks
        .iter()
        .filter(|check| check.severity == Severity::Required && check.blocks(&history.bake));
    let mut blockers: Vec<Blocker> = of_checks
        .map(|check| Blocker {
            check: Some(check.name.clone()),
            limit: limit_of(&check.counters, history),
        })
        .collect();
    if blockers.is_empty() {
        let mut checks = history.checks.iter();
        let some_required = checks.any(|check| check.severity.may_block());
        blockers.push(Blocker {
            check: None,
            limit: if some_required {
                Limit::Time
            } else {
                Limit::NothingRequired
            },
        });
    }
    blockers
}

/// By which limit a check that blocks does so.
fn limit_of(counters: &Counters, history: &RunHistory) -> Limit {
    let bake = &history.bake;
    if bake.window.is_zero() {
        return Limit::OneRound;
    }
    let excess = counters.excess(bake).map(|excess| match excess {
        Excess::Failed => Limit::Failures,
        Excess::Errored => Limit::Errors,
        Excess::ErroredInARow => Limit::ConsecutiveErrors,
        Excess::Inconclusive => Limit::Inconclusive,
        Excess::NoData => Limit::NoData,
    });
    let last = counters.last_counting(bake);
    match excess {
        Some(limit) => limit,
        None if counters.last.is_none() => Limit::Time,
        None if !matches!(last, None | Some(Measurement::Passed | Measurement::NoData)) => {
            Limit::LastRound
        }
        None if last != Some(Measurement::Passed) || lacks_data(counters, history) => Limit::NoData,
        None => Limit::ConsecutiveSuccess,
    }
}

fn lacks_data(counters: &Counters, history: &RunHistory) -> bool {
    use crate::bake::NoDataPolicy::Ignore;
    counters.tally.no_data > 0 && history.bake.no_data != Ignore
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
