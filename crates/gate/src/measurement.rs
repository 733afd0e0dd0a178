//! What a check came to, in one try or in one round.

use serde::{Deserialize, Serialize};

/// What one round of one check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measurement {
    /// Measured, and every expectation was met.
    Passed,
    /// Measured, and the target did not do what was expected; refusing, resetting and not
    /// answering in time included.
    Failed,
    /// Measured, and neither good nor bad: too few answers of the new revision, for example.
    Inconclusive,
    /// It could not be measured: a name that does not resolve, our own fault.
    Errored,
    /// Not measured: cut by the deadline, or there was nothing to measure.
    NoData,
}

impl Measurement {
    /// Every measurement, the best first.
    pub const ALL: [Self; 5] = [
        Self::Passed,
        Self::Failed,
        Self::Inconclusive,
        Self::Errored,
        Self::NoData,
    ];

    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::Errored => "errored",
            Self::NoData => "no data",
        }
    }

    /// As one letter, in strips of rounds and in the state of a run.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Passed => 'P',
            Self::Failed => 'F',
            Self::Inconclusive => '?',
            Self::Errored => 'E',
            Self::NoData => '-',
        }
    }

    /// The measurement of a [`Measurement::letter`].
    pub(crate) fn of_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.letter() == letter)
    }
}
