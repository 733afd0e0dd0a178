//! Demands on text: a header's value or a body.

use super::{Actual, Comparison, Finding, Pattern, several};
use crate::template::{Template, Values};
use crate::words;

/// One demand on a text.
#[derive(Clone, Debug)]
pub(crate) enum TextCondition {
    Equals(Template),
    NotEquals(Template),
    Contains(Template),
    NotContains(Template),
    Matches(Pattern),
    NotMatches(Pattern),
    Exists(bool),
    /// How often it is there.
    Count(Comparison),
}

impl TextCondition {
    pub(crate) fn is_pattern(&self) -> bool {
        matches!(self, Self::Matches(_) | Self::NotMatches(_))
    }

    /// Every text in it.
    pub(crate) fn templates(&self, see: &mut dyn FnMut(&Template)) {
        match self {
            Self::Equals(text)
            | Self::NotEquals(text)
            | Self::Contains(text)
            | Self::NotContains(text) => see(text),
            Self::Matches(pattern) | Self::NotMatches(pattern) => see(pattern.template()),
            Self::Exists(_) | Self::Count(_) => {}
        }
    }

    /// The key in the suite.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Equals(_) => "equals",
            Self::NotEquals(_) => "not_equals",
            Self::Contains(_) => "contains",
            Self::NotContains(_) => "not_contains",
            Self::Matches(_) => "matches",
            Self::NotMatches(_) => "not_matches",
            Self::Exists(true) => "exists: true",
            Self::Exists(false) => "exists: false",
            Self::Count(_) => "count",
        }
    }
}

/// What came of the conditions of one expectation on a text that is there once, several times (a header) or
/// not at all.
///
/// One value must meet all conditions together. Where there are only such as `not_contains`, every value must meet
/// them. A text that is not there meets nothing but `exists: false`, so that a mistyped name can't pass.
pub(crate) fn evaluate(
    subject: &str,
    tests: &[TextCondition],
    present: &[&str],
    values: &Values,
) -> Vec<Finding> {
    let conditions: Vec<Condition> = tests.iter().map(|test| test.fill(values)).collect();
    let together = tests.iter().any(TextCondition::selects);
    let judged = match nearest(present, &conditions) {
        Some(index) if together => &present[index..=index],
        _ => present,
    };
    // Said where a reader would otherwise find each condition met by some value.
    let one_of_several = together && tests.len() > 1 && present.len() > 1;
    let of_text = if one_of_several {
        format!(
            "{subject} (one value of {} for all conditions)",
            present.len()
        )
    } else {
        subject.to_owned()
    };
    let got = || got_of(if one_of_several { judged } else { present });
    conditions
        .into_iter()
        .map(|condition| match condition {
            Condition::Unfilled(why) => Finding::errored(subject, why),
            Condition::Exists(true) => {
                let demand = format!("{subject} to be there");
                Finding::new(demand, got_of(present), !present.is_empty())
            }
            Condition::Exists(false) => {
                Finding::new(format!("no {subject}"), got_of(present), present.is_empty())
            }
            Condition::Count(expected) => Finding::new(
                expected.of(&format!("{subject} value")),
                Actual::Words(words::count(present.len(), "value")),
                expected.holds_for_count(present.len()),
            ),
            Condition::OfText {
                relation,
                expected,
                holds,
            } => {
                let met = !judged.is_empty() && judged.iter().all(|value| holds(value));
                Finding::new(format!("{of_text} {relation}"), got(), met).wanting(expected)
            }
        })
        .collect()
}

/// The value that meets the most conditions, the first of equals.
fn nearest(present: &[&str], conditions: &[Condition]) -> Option<usize> {
    let met = |value: &str| {
        let holds = |condition: &&Condition| match condition {
            Condition::OfText { holds, .. } => holds(value),
            Condition::Exists(_) | Condition::Count(_) | Condition::Unfilled(_) => true,
        };
        conditions.iter().filter(holds).count()
    };
    match present {
        [] => None,
        [_] => Some(0),
        several => (0..several.len())
            .rev()
            .max_by_key(|index| met(several[*index])),
    }
}

/// A condition with its references filled.
enum Condition {
    Exists(bool),
    Count(Comparison),
    OfText {
        relation: &'static str,
        /// As people read it.
        expected: String,
        holds: Box<dyn Fn(&str) -> bool>,
    },
    /// Why it can't be judged.
    Unfilled(String),
}

impl TextCondition {
    /// Whether this asks for one value rather than something of all of them.
    fn selects(&self) -> bool {
        matches!(self, Self::Equals(_) | Self::Contains(_) | Self::Matches(_))
    }

    fn fill(&self, values: &Values) -> Condition {
        let filled = |template: &Template| template.render(values).map_err(|why| why.to_string());
        let condition = match self {
            Self::Exists(expected) => return Condition::Exists(*expected),
            Self::Count(expected) => return Condition::Count(*expected),
            Self::NotMatches(pattern) => pattern.fill(values).map(|(source, regex)| {
                let expected = format!("/{source}/");
                Condition::of_text("not matching", expected, move |text| !regex.is_match(text))
            }),
            Self::NotEquals(template) => filled(template).map(|expected| {
                let shown = words::quote(&expected);
                Condition::of_text("other than", shown, move |text| text != expected)
            }),
            Self::Matches(pattern) => pattern.fill(values).map(|(source, regex)| {
                let expected = format!("/{source}/");
                Condition::of_text("matching", expected, move |text| regex.is_match(text))
            }),
            Self::Equals(template) => filled(template).map(|expected| {
                let shown = words::quote(&expected);
                Condition::of_text("equal to", shown, move |text| text == expected)
            }),
            Self::Contains(template) => filled(template).map(|expected| {
                let shown = words::quote(&expected);
                Condition::of_text("containing", shown, move |text| text.contains(&expected))
            }),
            Self::NotContains(template) => filled(template).map(|expected| {
                let shown = words::quote(&expected);
                Condition::of_text("without", shown, move |text| !text.contains(&expected))
            }),
        };
        condition.unwrap_or_else(Condition::Unfilled)
    }
}

impl Condition {
    fn of_text(
        relation: &'static str,
        expected: String,
        holds: impl Fn(&str) -> bool + 'static,
    ) -> Self {
        Self::OfText {
            relation,
            expected,
            holds: Box::new(holds),
        }
    }
}

fn got_of(present: &[&str]) -> Actual {
    match present {
        [] => Actual::Words("none".to_owned()),
        [""] => Actual::Words("an empty one".to_owned()),
        texts => {
            let quoted = texts.iter().map(|value| words::quote(value));
            Actual::Value(several(quoted, texts.len(), " and "))
        }
    }
}
