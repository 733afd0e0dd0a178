//! What a run comes to. The expectations judge; a model may only take away from what they say.

use crate::machine::End;

/// What came of the expectations of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectations {
    /// All hold.
    Met,
    /// One does not.
    Unmet,
    /// One could not be judged, or there is none.
    Unknown,
}

/// What a run comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunJudgement {
    /// The expectations hold, and nothing speaks against it.
    Passed,
    /// An expectation does not hold after an agent has done what it could.
    Failed,
    /// The expectations hold, and the model doubts it: people may look.
    Inconclusive(String),
    /// The agent did not come to an end of its own, so nothing was measured.
    Errored(String),
}

/// What a run comes to.
pub fn judge(expectations: Expectations, end: &End) -> RunJudgement {
    let by_itself = match end {
        End::Done { .. } | End::GaveUp(_) => None,
        other => Some(other.to_string()),
    };
    match (expectations, by_itself) {
        (_, Some(why)) => RunJudgement::Errored(why),
        (Expectations::Unknown, None) => {
            RunJudgement::Errored("an expectation could not be judged".to_owned())
        }
        (Expectations::Unmet, None) => RunJudgement::Failed,
        (Expectations::Met, None) => match end {
            End::Done { doubts, .. } if doubts.is_empty() => RunJudgement::Passed,
            End::Done { doubts, .. } => RunJudgement::Inconclusive(format!(
                "every expectation holds, and the model doubts it: {}",
                doubts.join("; ")
            )),
            other => RunJudgement::Inconclusive(format!("every expectation holds, but {other}")),
        },
    }
}
