//! What a caller is answered, and what became of the answer. Each contract has one place that answers: see [`crate::caller`].

use crate::caller::Caller;

/// The answer to a caller: one of two words, whatever the caller calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The deployment goes on.
    Succeeded,
    /// The deployment fails and, where the group says so, is rolled back.
    Failed,
}

impl Answer {
    /// CodeDeploy's word, which reports and notifications use for every caller.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The caller has taken it.
    Accepted,
    /// The call's result was lost, but the caller reports this answer.
    Confirmed,
    /// The call was over before: answered by an earlier run or a duplicate of this invocation, timed out, or the
    /// deployment was stopped. With what the caller reports, or why that is not known.
    AlreadyCompleted(Result<Answer, String>),
    /// The event is over, and whether by this answer is not known, and why not. Nothing is left to do but
    /// to say so.
    Unconfirmed(String),
    /// It could not be given, and why. The invocation must fail, so that Lambda runs it again.
    Undelivered(String),
}

impl Delivery {
    /// The word in the function's result.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Confirmed => "confirmed",
            Self::AlreadyCompleted(_) => "already-completed",
            Self::Unconfirmed(_) => "unconfirmed",
            Self::Undelivered(_) => "undelivered",
        }
    }

    /// What the report says of it; nothing where the caller has simply taken it.
    pub(crate) fn note(&self, caller: Caller) -> Option<String> {
        match self {
            Self::Accepted => None,
            Self::Confirmed => Some(format!(
                "the result of the answer call was lost; {caller} reports this answer"
            )),
            Self::AlreadyCompleted(Ok(reported)) => Some(format!(
                "the lifecycle event was over before this answer; {caller} reports it as {}",
                reported.as_str()
            )),
            Self::AlreadyCompleted(Err(why)) => Some(format!(
                "the lifecycle event was over before this answer, and it is not known by which: {why}"
            )),
            Self::Unconfirmed(why) => Some(format!(
                "it is not known whether {caller} heard this answer: {why}"
            )),
            Self::Undelivered(detail) => {
                Some(format!("{caller} has not heard this answer: {detail}"))
            }
        }
    }
}
