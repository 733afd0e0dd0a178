//! What goes with a call from one invocation to the next: the counters of a run, or a question that waits for its answer.

use std::time::Duration;

use gate::{Paused, RunState};

use crate::ask::Asked;

/// What one invocation hands to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carried {
    /// A bake goes on.
    Run(RunState),
    /// People were asked.
    Asked(Asked),
}

impl Carried {
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Run(state) => state.encode(),
            Self::Asked(asked) => asked.encode(),
        }
    }

    /// What [`Carried::encode`] wrote.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let run = RunState::decode(text).map(Self::Run);
        run.or_else(|| Asked::decode(text).map(Self::Asked))
    }

    /// The run that goes on.
    pub(crate) fn run(self) -> Option<RunState> {
        match self {
            Self::Run(state) => Some(state),
            Self::Asked(_) => None,
        }
    }

    /// The question that waits.
    pub(crate) fn asked(self) -> Option<Asked> {
        match self {
            Self::Run(_) => None,
            Self::Asked(asked) => Some(asked),
        }
    }
}

/// What a contract needs to be called again.
#[derive(Debug, Clone)]
pub(crate) struct Handover {
    pub(crate) carried: Carried,
    /// How long there is nothing to do.
    pub(crate) wait: Duration,
    /// What is waited for, in words.
    pub(crate) summary: String,
    /// How much of it is done, 0 to 99.
    pub(crate) percent: u8,
}

impl From<&Paused> for Handover {
    fn from(paused: &Paused) -> Self {
        let percent = paused.report.bake.as_ref().map_or(0, |bake| {
            let done = paused.report.duration_ms.saturating_mul(100) / bake.window_ms.max(1);
            u8::try_from(done.min(99)).unwrap_or(99)
        });
        Self {
            carried: Carried::Run(paused.state.clone()),
            wait: paused.wait,
            summary: paused.report.verdict.reasons.join("; "),
            percent,
        }
    }
}
