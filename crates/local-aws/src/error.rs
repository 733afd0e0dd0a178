//! The one kind of error that callers get, independent of the protocol.
//!
//! The wire modules turn it into JSON or XML. It never carries an internal detail: `code` is a name
//! from the service's own model, because SDKs choose the exception class by it.

/// An error as AWS spells it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// HTTP status of the answer.
    pub status: u16,
    /// The error code of the service model, such as `ClusterNotFoundException`.
    pub code: String,
    /// The sentence for the caller.
    pub message: String,
}

impl AwsError {
    /// The caller's mistake: status 400.
    pub fn client(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// Our own mistake: status 500, code `InternalFailure`.
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            status: 500,
            code: "InternalFailure".to_owned(),
            message: message.into(),
        }
    }
}
