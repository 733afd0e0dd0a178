//! What came of one expectation.

use crate::measurement::Measurement;
use crate::words;

/// What is kept of a value that met its demand, in bytes. Never a part: a secret must not be cut before it is masked.
const MAX_MET_VALUE: usize = 1024;

/// What came of one demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `status 201`, `$.total >`
    pub(crate) demand: String,
    /// The value that the demand compares with, if it is not part of the words.
    pub(crate) expected: Option<String>,
    pub(crate) got: Actual,
    pub(crate) measurement: Measurement,
    /// The values on both sides have a name that says that they are secret.
    pub(crate) sensitive: bool,
}

impl Finding {
    pub(crate) fn new(demand: impl Into<String>, got: Actual, met: bool) -> Self {
        let (measurement, got) = if met {
            (Measurement::Passed, got.in_short())
        } else {
            (Measurement::Failed, got)
        };
        Self {
            demand: demand.into(),
            expected: None,
            got,
            measurement,
            sensitive: false,
        }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn size(&self) -> usize {
        let (Actual::Words(got) | Actual::Value(got)) = &self.got;
        let expected = self.expected.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.demand.len() + expected + got.len()
    }

    /// There was too little to judge.
    pub(crate) fn inconclusive(demand: impl Into<String>, got: Actual) -> Self {
        let measurement = Measurement::Inconclusive;
        Self {
            measurement,
            ..Self::new(demand, got, false)
        }
    }

    /// There was nothing to judge.
    pub(crate) fn no_data(demand: impl Into<String>, got: Actual) -> Self {
        let measurement = Measurement::NoData;
        Self {
            measurement,
            ..Self::new(demand, got, false)
        }
    }

    pub(crate) fn wanting(self, expected: String) -> Self {
        Self {
            expected: Some(expected),
            ..self
        }
    }

    pub(crate) fn errored(demand: impl Into<String>, why: impl Into<String>) -> Self {
        let measurement = Measurement::Errored;
        Self {
            measurement,
            ..Self::new(demand, Actual::Words(why.into()), false)
        }
    }
}

/// What was there instead, or also.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actual {
    /// Our words: `none`, `a body that is not JSON`.
    Words(String),
    /// What the target sent.
    Value(String),
}

impl Actual {
    fn in_short(self) -> Self {
        match self {
            Self::Value(value) if value.len() > MAX_MET_VALUE => Self::Words(format!(
                "a value of more than {}",
                words::bytes(MAX_MET_VALUE)
            )),
            short => short,
        }
    }
}
