//! Where a run stands after some rounds. It is small and pure, so a run may be split over any number of invocations
//! and comes to the verdict of the unsplit run.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::counters::Counters;
use crate::bake::Bake;
use crate::measurement::Measurement;
use crate::severity::Severity;

/// The form of [`RunState::encode`].
const VERSION: &str = "1";
/// More checks than a suite may have are no state of ours.
const MAX_CHECKS: usize = 1_000;

/// A run after some rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunState {
    /// When the run began; the window counts from there.
    pub begun: Timestamp,
    /// When the next round is due, since the beginning of the run.
    pub next_round: Duration,
    /// Which suite: see [`crate::Suite::fingerprint`].
    pub fingerprint: u64,
    /// What each selected check came to so far, in the order of the suite.
    pub checks: Vec<Counters>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The round at the end of the window was measured.
    Window,
    /// Every required check passed as often in a row as was asked.
    EarlySuccess,
    /// A required check is past a limit.
    Limit,
    /// There are not enough rounds left to keep `consecutive_success`.
    OutOfReach,
    /// The time was over, or the run broke.
    Cut,
    /// Somebody who waited beside it has stopped it.
    Stopped,
}

/// What comes after a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundOutcome {
    /// Another round.
    Continue,
    /// No further one.
    Ended(End),
}

impl RunState {
    /// What random values of the run stand on, unless its suite says so: the same in every invocation of it.
    pub(crate) fn seed(&self) -> u64 {
        // SplitMix64, so that two runs that begin one after the other have nothing in common.
        let begun = self.begun.as_millisecond().unsigned_abs();
        let mixed = (begun ^ self.fingerprint).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Before the first round.
    pub fn new(begun: Timestamp, bake: &Bake, fingerprint: u64, checks: usize) -> Self {
        Self {
            // To the millisecond, as in its text.
            begun: Timestamp::from_millisecond(begun.as_millisecond()).unwrap_or(begun),
            next_round: bake.initial_delay,
            fingerprint,
            checks: vec![Counters::default(); checks],
        }
    }

    /// How many rounds were measured.
    pub fn rounds(&self) -> u32 {
        let rounds = self.checks.iter().map(|check| check.tally.rounds());
        rounds.max().unwrap_or_default()
    }

    /// Counts a round: one measurement for each check.
    pub fn record(&mut self, round: impl IntoIterator<Item = Measurement>) {
        for (counters, measurement) in self.checks.iter_mut().zip(round) {
            counters.add(measurement);
        }
    }

    /// Sets when the next round is due: the next multiple of `every` after `now`, and the end of the window at the
    /// latest. A round that took longer leaves out what it overran.
    pub fn schedule_next(&mut self, bake: &Bake, now: Duration) {
        let since_first = now.saturating_sub(bake.initial_delay);
        let every = bake.every.as_nanos().max(1);
        let next = u32::try_from(since_first.as_nanos() / every + 1).unwrap_or(u32::MAX);
        self.next_round = bake.initial_delay + bake.every.saturating_mul(next).min(bake.window);
    }

    /// Whether there is another round. `started` says when the last one started, since the beginning of the run.
    pub fn step(&self, bake: &Bake, severities: &[Severity], started: Duration) -> RoundOutcome {
        let required = || {
            let checks = self.checks.iter().zip(severities);
            checks.filter_map(|(counters, severity)| {
                (*severity == Severity::Required).then_some(counters)
            })
        };
        if required().any(|check| check.excess(bake).is_some()) {
            return RoundOutcome::Ended(End::Limit);
        }
        let left = rounds_left(bake, started);
        if let Some(required_streak) = bake.consecutive_success {
            if required().count() > 0
                && required().all(|check| check.passes_in_a_row >= required_streak)
            {
                return RoundOutcome::Ended(End::EarlySuccess);
            }
            let out_of_reach = |check: &Counters| {
                check.passes_in_a_row < required_streak
                    && left.saturating_add(check.passes_in_a_row) < required_streak
            };
            if left > 0 && required().any(out_of_reach) {
                return RoundOutcome::Ended(End::OutOfReach);
            }
        }
        if left == 0 {
            return RoundOutcome::Ended(End::Window);
        }
        RoundOutcome::Continue
    }

    /// As text of some twenty bytes a check, for a token.
    pub fn encode(&self) -> String {
        let (begun, next) = (self.begun.as_millisecond(), self.next_round.as_millis());
        let mut text = format!("{VERSION}.{begun}.{next}.{:x}", self.fingerprint);
        for check in &self.checks {
            text.push('.');
            check.write(&mut text);
        }
        text
    }

    /// What [`RunState::encode`] wrote; nothing for any other text.
    pub fn decode(text: &str) -> Option<Self> {
        let mut parts = text.splitn(MAX_CHECKS + 5, '.');
        if parts.next()? != VERSION {
            return None;
        }
        let begun = Timestamp::from_millisecond(parts.next()?.parse().ok()?).ok()?;
        let next_round = Duration::from_millis(parts.next()?.parse().ok()?);
        let fingerprint = u64::from_str_radix(parts.next()?, 16).ok()?;
        let checks: Option<Vec<Counters>> = parts.map(Counters::read).collect();
        Some(Self {
            begun,
            next_round,
            fingerprint,
            checks: checks.filter(|checks| checks.len() <= MAX_CHECKS)?,
        })
    }
}

/// How many rounds can still start, when the last one started at `started`.
fn rounds_left(bake: &Bake, started: Duration) -> u32 {
    let left = bake.length().saturating_sub(started);
    let every = bake.every.as_nanos().max(1);
    u32::try_from(left.as_nanos().div_ceil(every)).unwrap_or(u32::MAX)
}
