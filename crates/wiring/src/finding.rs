//! What came of one rule.

use std::fmt;

use crate::facts::Fact;
use crate::rule::Rule;

/// What came of one rule; of a rule that is about several things, there may be several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<R = Rule> {
    /// What must hold.
    pub rule: R,
    /// Whether it does.
    pub outcome: Outcome,
}

/// Whether a rule holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Held,
    /// It does not.
    Mismatch(Mismatch),
    /// A fact that it needs is not known: why, and what to do. Never a pass.
    Unknown(String),
    /// There is nothing to judge, and why.
    NotJudged(String),
}

/// What does not fit, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Where it is written: `the AppSpec's TaskDefinition`.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            what,
            remedy,
        } = self;
        write!(f, "{place} {what}; {remedy}")
    }
}

/// The judgement of one rule: `Ok` where it holds, so that `?` leaves it where a fact is missing.
pub(crate) type RuleResult = Result<(), Outcome>;

/// A mismatch, as what came of a rule.
pub fn mismatch(
    place: impl Into<String>,
    what: impl Into<String>,
    remedy: impl Into<String>,
) -> Outcome {
    Outcome::Mismatch(Mismatch {
        place: place.into(),
        what: what.into(),
        remedy: remedy.into(),
    })
}

/// The same, for a rule that is not about this deployment.
pub(crate) fn not_judged(why: impl Into<String>) -> Outcome {
    Outcome::NotJudged(why.into())
}

/// The fact, or that it is not known.
pub(crate) fn known<T>(fact: &Fact<T>) -> Result<&T, Outcome> {
    fact.as_ref().map_err(|why| Outcome::Unknown(why.clone()))
}

/// The thing, where another rule says that it must exist: without it there is nothing to compare.
pub(crate) fn existing<'a, T>(fact: &'a Fact<Option<T>>, noun: &str) -> Result<&'a T, Outcome> {
    known(fact)?
        .as_ref()
        .ok_or_else(|| not_judged(format!("there is no {noun}")))
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn join<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    let Some(last) = names.pop() else {
        return String::new();
    };
    if names.is_empty() {
        return last.to_owned();
    }
    format!("{} and {last}", names.join(", "))
}
