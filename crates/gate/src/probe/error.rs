//! Why a probe saw nothing, and whose fault that is.
//!
//! The target's fault is a *failed* measurement: it refused, reset, broke TLS or did not answer
//! in time. What says nothing about the target is an *errored* one: a name that does not resolve,
//! a request that could not be built, a function that has no file handles left.

use crate::cloud::CloudError;
use crate::measurement::Measurement;
use crate::template::Missing;

/// Why nothing was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProbeError {
    pub(crate) measurement: Measurement,
    pub(crate) message: String,
}

impl ProbeError {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            measurement: Measurement::Failed,
            message: message.into(),
        }
    }

    pub(crate) fn errored(message: impl Into<String>) -> Self {
        Self {
            measurement: Measurement::Errored,
            message: message.into(),
        }
    }
}

impl From<Missing> for ProbeError {
    fn from(missing: Missing) -> Self {
        Self::errored(missing.to_string())
    }
}

impl From<CloudError> for ProbeError {
    fn from(error: CloudError) -> Self {
        Self::errored(error.to_string())
    }
}
