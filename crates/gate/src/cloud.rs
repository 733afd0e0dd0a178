//! What checks ask of the cloud that runs the release. The gate knows the questions and judges the answers; it
//! knows no SDK. Whoever runs a gate in a cloud brings [`CloudProbes`] in [`crate::Run::cloud`].
//!
//! A question is one method with a typed answer, so that no question can get another one's answer. To add one, see
//! "A probe of the cloud" in CONTRIBUTING.md.

use std::fmt;

use futures::future::BoxFuture;

/// Answers what checks ask of the cloud.
///
/// An implementation only reads (or invokes what the check names), tries each call within its own time limit, and never
/// judges. It may be dropped at any await: a check is cut at its limits.
pub trait CloudProbes: fmt::Debug + Send + Sync {
    /// The state of each alarm, metric and composite ones alike. One that does not exist is left out.
    fn alarms<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<Alarm>, CloudError>>;
}

/// Why a question was not answered: throttled, denied, unreachable. The check is errored, and says this: what was
/// asked of what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CloudError(pub String);

/// An alarm as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: AlarmState,
    /// Why, in the cloud's own words; empty if it does not say.
    pub reason: String,
}

/// The state of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// What it watches is within its limits.
    Ok,
    /// What it watches is beyond its limits.
    Alarm,
    /// It has too little data to know.
    InsufficientData,
}

impl AlarmState {
    /// As `CloudWatch` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}
