//! What a check came to, in one try or in one round.

use serde::Serialize;

/// What one round of one check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measurement {
    /// Measured, and every expectation was met.
    Passed,
    /// Measured, and the target did not do what was expected; refusing, resetting and not
    /// answering in time included.
    Failed,
    /// It could not be measured: a name that does not resolve, our own fault.
    Errored,
    /// Not measured before the deadline.
    NoData,
}

impl Measurement {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::NoData => "no data",
        }
    }
}
