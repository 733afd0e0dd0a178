//! A run in parts: one invocation may hand it on to the next, with a state of some hundred bytes.

use std::time::Duration;

use jiff::Timestamp;

use super::Outcome;
use crate::report::Report;
use crate::verdict::RunState;

/// What one invocation does of a run.
#[derive(Clone, Debug)]
pub struct Part {
    /// The instant at which it begins.
    pub now: Timestamp,
    /// What an earlier invocation handed on; none at the beginning.
    pub resume: Option<Resume>,
    /// Whether the run may be handed on; otherwise it ends in this invocation.
    pub pause: Option<PausePolicy>,
}

impl Part {
    /// The whole run at once.
    pub fn whole(now: Timestamp) -> Self {
        Self {
            now,
            resume: None,
            pause: None,
        }
    }
}

/// A run that an earlier invocation began.
#[derive(Clone, Debug)]
pub struct Resume {
    /// Where it stands.
    pub state: RunState,
    /// The report so far. Without it the verdict is the same, and the report lacks the tries of earlier rounds.
    pub report: Option<Report>,
}

/// When a run is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PausePolicy {
    /// A wait for the next round of at least this length is not worth staying for. A run is also handed on where the
    /// time that is left may be too short for a round.
    pub min_wait: Duration,
    /// Whoever goes on is called at once, so what there is to wait for is waited for here.
    pub sits_out: bool,
}

/// How one invocation left a run.
#[derive(Clone, Debug)]
pub enum PartEnd {
    /// With its verdict.
    Decided(Box<Outcome>),
    /// The evidence is not enough, and the suite wants people to be asked. The outcome stops the release, which is what
    /// happens if nobody can be.
    Asks(Box<Outcome>),
    /// Nothing stops the release but checks that a named person lets not pass ([`crate::Suite::override_checks`]). The
    /// outcome stops it, which is what happens if that does not count.
    Overridden(Box<Outcome>),
    /// To be gone on with.
    Paused(Box<Paused>),
}

/// A run between two invocations.
#[derive(Clone, Debug)]
pub struct Paused {
    /// Where it stands.
    pub state: RunState,
    /// How long until the next round is due.
    pub wait: Duration,
    /// The report so far; its verdict says that the run goes on. Redacted.
    pub report: Report,
}
