//! What came of one rule.

use std::fmt;

use crate::facts::Fact;
use crate::rule::Rule;

/// What came of one rule; of a rule that is about several things, there may be several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What must hold.
    pub rule: Rule,
    /// Whether it does.
    pub outcome: Outcome,
}

/// Whether a rule holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Held,
    /// It does not.
    Problem(Problem),
    /// A fact that it needs is not known: why, and what to do. Never a pass.
    Unknown(String),
    /// There is nothing to judge, and why.
    NotJudged(String),
}

/// What is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `the function CodeDeployHook_pre-traffic`.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            what,
            remedy,
        } = self;
        write!(f, "{place} {what}; {remedy}")
    }
}

/// The findings of one rule as they are made: none means that it holds.
pub(crate) type Outcomes = Vec<Outcome>;

/// A problem.
pub(crate) fn problem(
    place: impl Into<String>,
    what: impl Into<String>,
    remedy: impl Into<String>,
) -> Outcome {
    Outcome::Problem(Problem {
        place: place.into(),
        what: what.into(),
        remedy: remedy.into(),
    })
}

/// Judges a fact, or says that it is not known.
pub(crate) fn of_known<T>(fact: &Fact<T>, judge: impl FnOnce(&T) -> Outcomes) -> Outcomes {
    match fact {
        Ok(known) => judge(known),
        Err(why) => vec![Outcome::Unknown(why.clone())],
    }
}

/// Nothing to judge.
pub(crate) fn not_judged(why: impl Into<String>) -> Outcomes {
    vec![Outcome::NotJudged(why.into())]
}
