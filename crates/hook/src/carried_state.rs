//! What goes with a call from one invocation to the next: the counters of a run, or a question that waits for its answer.

use std::time::Duration;

use gate::{Paused, RunState};
use jiff::Timestamp;

use crate::ask::pending_question::PendingQuestion;

/// Between two looks for an answer in two invocations.
pub(crate) const CALL_BACK_INTERVAL: Duration = Duration::from_mins(1);
/// The same near the end of the time.
pub(crate) const LAST_CALL_BACK_INTERVAL: Duration = Duration::from_secs(30);
/// How long before the end the looks come closer.
const LAST_CALL_BACKS: Duration = Duration::from_mins(5);

/// What one invocation hands to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CarriedState {
    /// A bake goes on.
    Run(RunState),
    /// People were asked.
    Question(PendingQuestion),
}

impl CarriedState {
    pub(crate) fn encode(&self) -> String {
        match self {
            Self::Run(state) => state.encode(),
            Self::Question(asked) => asked.encode(),
        }
    }

    /// What [`CarriedState::encode`] wrote.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let run = RunState::decode(text).map(Self::Run);
        run.or_else(|| PendingQuestion::decode(text).map(Self::Question))
    }

    /// The run that goes on.
    pub(crate) fn run(self) -> Option<RunState> {
        match self {
            Self::Run(state) => Some(state),
            Self::Question(_) => None,
        }
    }

    /// The question that waits.
    pub(crate) fn pending_question(self) -> Option<PendingQuestion> {
        match self {
            Self::Run(_) => None,
            Self::Question(asked) => Some(asked),
        }
    }
}

/// What a contract needs to be called again.
#[derive(Debug, Clone)]
pub(crate) struct Handover {
    pub(crate) carried: CarriedState,
    /// How long there is nothing to do.
    pub(crate) wait: Duration,
    /// What is waited for, in words.
    pub(crate) summary: String,
    /// How much of it is done, 0 to 99.
    pub(crate) percent: u8,
}

impl Handover {
    /// Of a question that waits for people at `now`.
    pub(crate) fn of_question(question: &PendingQuestion, now: Timestamp) -> Self {
        let left = Duration::try_from(question.closes().duration_since(now)).unwrap_or_default();
        let wait = if left > LAST_CALL_BACKS {
            CALL_BACK_INTERVAL
        } else {
            LAST_CALL_BACK_INTERVAL
        };
        Self {
            carried: CarriedState::Question(question.clone()),
            wait,
            summary: format!(
                "the evidence is not enough, so people are asked until {}; no answer stops the release",
                question.expires
            ),
            percent: 99,
        }
    }
}

impl From<&Paused> for Handover {
    fn from(paused: &Paused) -> Self {
        let percent = paused.report.bake.as_ref().map_or(0, |bake| {
            let done = paused.report.duration_ms.saturating_mul(100) / bake.window_ms.max(1);
            u8::try_from(done.min(99)).unwrap_or(99)
        });
        Self {
            carried: CarriedState::Run(paused.state.clone()),
            wait: paused.wait,
            summary: paused.report.verdict.reasons.join("; "),
            percent,
        }
    }
}
