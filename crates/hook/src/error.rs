//! How an invocation fails.

use lambda_runtime::Diagnostic;

use crate::caller::Caller;
use crate::event::NotACall;

/// The invocation failed in a way that Lambda should try again, or that nobody can answer.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// There is nobody to answer.
    #[error(transparent)]
    NotACall(#[from] NotACall),
    /// The caller has not heard the answer.
    #[error("{caller} did not take the answer {answer} for {call}: {detail}")]
    Unanswered {
        /// Who called.
        caller: Caller,
        /// The answer that was not delivered.
        answer: &'static str,
        /// The deployment or the job.
        call: String,
        /// The last try's error.
        detail: String,
    },
}

impl From<HandleError> for Diagnostic {
    fn from(error: HandleError) -> Self {
        let error_type = match error {
            HandleError::NotACall(_) => "NotACall",
            HandleError::Unanswered { .. } => "Unanswered",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: error.to_string(),
        }
    }
}
