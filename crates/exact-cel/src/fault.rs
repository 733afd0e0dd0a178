//! What is wrong with an expression, where, and what would be right.

/// A fault of an expression, found when it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The character at which it stands, counted from 1.
    pub character: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl Fault {
    pub(crate) fn new(
        character: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            character,
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

/// Why there is no value. What the answer did outweighs what can't be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// The answer has not what is asked for: it is missing, or of another type.
    Failed(String),
    /// Nothing is known: an overflow, a number that can't be computed with exactly.
    Errored(String),
    /// The work or the memory is used up, or nobody waits any more: no other part of the expression is looked at.
    Ended(String),
}

impl Halt {
    /// The one that decides where two parts have no value.
    pub(crate) fn worse(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Failed(_), Self::Ended(_))
            | (Self::Errored(_), Self::Ended(_) | Self::Failed(_)) => other,
            _ => self,
        }
    }
}

impl From<exact_json::Undecided> for Halt {
    fn from(why: exact_json::Undecided) -> Self {
        match why {
            exact_json::Undecided::Steps => Self::Ended(format!(
                "it takes more than {} steps in this body; loop over less",
                exact_json::MAX_STEPS
            )),
            exact_json::Undecided::Exponent(_) => Self::Errored(format!(
                "a number can't be compared exactly: its exponent has more than {} digits",
                exact_json::MAX_EXPONENT_DIGITS
            )),
            exact_json::Undecided::Stopped => Self::Ended(why.to_string()),
            _ => Self::Errored(why.to_string()),
        }
    }
}

impl From<exact_json::LoneSurrogate> for Halt {
    fn from(why: exact_json::LoneSurrogate) -> Self {
        Self::Errored(why.to_string())
    }
}
