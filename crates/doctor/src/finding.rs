//! What came of one rule.

use wiring::Outcome;

use crate::facts::Fact;
use crate::rule::Rule;

/// What came of one rule; of a rule that is about several things, there may be several.
pub type Finding = wiring::Finding<Rule>;

/// The findings of one rule as they are made: none means that it holds.
pub(crate) type Outcomes = Vec<Outcome>;

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
