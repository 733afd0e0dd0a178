//! Why an answer was not taken.

use crate::pipeline::PutError;

/// Why an answer had no effect, or may have had none. Each has the sentence that says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It no longer waits for this answer, or has heard it before.
    #[error("{0}")]
    Over(String),
    /// It was refused, and nothing has changed.
    #[error("{0}")]
    Refused(String),
    /// Nobody knows whether it was taken.
    #[error("{0}")]
    Unsure(String),
}

impl From<PutError> for AnswerError {
    fn from(error: PutError) -> Self {
        let text = error.to_string();
        match error {
            PutError::InvalidToken | PutError::AlreadyCompleted => Self::Over(text),
            PutError::NotFound(_) | PutError::Refused(_) | PutError::Throttled(_) => {
                Self::Refused(text)
            }
            PutError::Unsure(_) => Self::Unsure(text),
        }
    }
}
