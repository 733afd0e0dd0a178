//! Plays the rounds of a recorded run again, by other limits: where would it have ended? Rounds that never took place are
//! not made up: a run that would have gone on has no end here.

use jiff::Timestamp;

use super::Known;
use super::limits::GateLimits;
use super::run::RecordedRun;
use super::schedule::Reading;
use crate::measurement::Measurement;
use crate::severity::Severity;
use crate::verdict::{End, RoundOutcome, RunState};
use crate::words;

/// Where a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplayEnd {
    /// Its rounds.
    pub(super) rounds: usize,
    pub(super) end: End,
}

/// Where the run ends by these limits, or why that can't be known.
pub(super) fn play(
    limits: &GateLimits,
    run: &RecordedRun,
    ended: End,
    known: &[Known<'_>],
) -> Result<ReplayEnd, String> {
    let earliest = played(limits, run, ended, known, Reading::Earliest);
    if run.schedule.is_exact() {
        return earliest;
    }
    let latest = played(limits, run, ended, known, Reading::Latest);
    match (earliest, latest) {
        (Ok(one), Ok(other)) if one != other => Err(
            "the run left out rounds, when is not recorded, and with these limits it matters"
                .to_owned(),
        ),
        (Err(why), _) | (_, Err(why)) => Err(why),
        (Ok(one), Ok(_)) => Ok(one),
    }
}

fn played(
    limits: &GateLimits,
    run: &RecordedRun,
    ended: End,
    known: &[Known<'_>],
    reading: Reading,
) -> Result<ReplayEnd, String> {
    let bake = &limits.bake;
    let severities: Vec<Severity> = known.iter().map(|one| one.limits.severity).collect();
    let mut state = RunState::new(Timestamp::UNIX_EPOCH, bake, 0, known.len());
    let was_cut = matches!(ended, End::Cut | End::Stopped);
    let all = run.rounds();
    for place in 0..all {
        let started = run.schedule.started(place, bake, reading)?;
        let round = known.iter().map(|one| one.rounds.get(place));
        // At its best: see `Known::history`.
        state.record(round.map(|one| one.unwrap_or(Measurement::Passed)));
        let rounds = place + 1;
        // Whether the round that was cut had ended is known only if nothing was left to try.
        if rounds == all && was_cut && !run.passed_at(place) {
            return Ok(ReplayEnd { rounds, end: ended });
        }
        if let RoundOutcome::Ended(end) = state.step(bake, &severities, started) {
            return Ok(ReplayEnd { rounds, end });
        }
    }
    if was_cut || all == 0 {
        return Ok(ReplayEnd {
            rounds: all,
            end: ended,
        });
    }
    Err(format!(
        "the run ended after {}, and by these limits it would have gone on",
        words::count(all, "round")
    ))
}
