//! What a condition on JSON demands of one value, filled for a run: in words, and as a test.

use std::cmp::Ordering;

use exact_json::{Budget, Document, Node, Number, Undecided, Value, View};
use regex::Regex;

use super::json_condition::{JsonCondition, JsonType, short};
use crate::json_template::JsonTemplate;
use crate::template::Values;
use crate::words;

impl JsonCondition {
    pub(super) fn demand(&self, values: &Values) -> Result<Demand, String> {
        let render = |template: &JsonTemplate| {
            template
                .render(values)
                .map_err(|missing| missing.to_string())
        };
        Ok(match self {
            Self::Exists(expected) => {
                let expected = *expected;
                Demand::in_words("to be there".to_owned(), move |_| expected)
            }
            // Of a selection, not of a value.
            Self::Count(expected) => Demand::in_words(expected.of("value"), |_| true),
            Self::Equals(template) => {
                Demand::on("equal to", &render(template)?, |value, expected, budget| {
                    exact_json::same(value, expected, budget)
                })
            }
            Self::NotEquals(template) => Demand::on(
                "other than",
                &render(template)?,
                |value, expected, budget| {
                    exact_json::same(value, expected, budget).map(|same| !same)
                },
            ),
            Self::Contains(template) => Demand::on("containing", &render(template)?, contains),
            Self::NotContains(template) => {
                Demand::on("without", &render(template)?, |value, expected, budget| {
                    let may = may_contain(value, expected);
                    contains(value, expected, budget).map(|contains| may && !contains)
                })
            }
            Self::GreaterThan(template) => Demand::limit(">", render(template)?, Ordering::is_gt)?,
            Self::LessThan(template) => Demand::limit("<", render(template)?, Ordering::is_lt)?,
            Self::AtLeast(template) => Demand::limit(">=", render(template)?, Ordering::is_ge)?,
            Self::AtMost(template) => Demand::limit("<=", render(template)?, Ordering::is_le)?,
            Self::Matches(pattern) => Demand::pattern("matching", pattern.fill(values)?, true),
            Self::NotMatches(pattern) => {
                Demand::pattern("not matching", pattern.fill(values)?, false)
            }
            Self::Length(expected) => {
                let expected = *expected;
                Demand {
                    relation: "of length".to_owned(),
                    // Of a secret it tells how that is made.
                    expected: Some(expected.words()),
                    holds: Box::new(move |value, budget| {
                        Ok(length(value, budget)?.is_some_and(|length| expected.holds(length)))
                    }),
                }
            }
            Self::Type(kinds) => {
                let kinds = kinds.clone();
                let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                Demand {
                    relation: format!("of type {}", names.join(" or ")),
                    expected: None,
                    holds: Box::new(move |value, budget| {
                        if let (true, View::Number(text)) =
                            (kinds.contains(&JsonType::Integer), value.view())
                        {
                            budget.spend_bytes(text.len())?;
                        }
                        Ok(kinds.iter().any(|kind| kind.holds(value)))
                    }),
                }
            }
        })
    }
}

/// A demand in words, the value it compares with, and whether a value meets it.
pub(super) struct Demand {
    pub(super) relation: String,
    pub(super) expected: Option<String>,
    pub(super) holds: Holds,
}

type Holds = Box<dyn Fn(Node<'_>, &mut Budget) -> Result<bool, Undecided>>;

impl Demand {
    fn on(
        relation: &str,
        expected: &Value,
        holds: impl Fn(Node<'_>, Node<'_>, &mut Budget) -> Result<bool, Undecided> + 'static,
    ) -> Self {
        let expected = document(expected);
        Self {
            relation: relation.to_owned(),
            expected: Some(short(expected.root())),
            holds: Box::new(move |value, budget| holds(value, expected.root(), budget)),
        }
    }

    fn limit(relation: &str, limit: Value, met: fn(Ordering) -> bool) -> Result<Self, String> {
        let limit = number(limit)?;
        Ok(Self::on(relation, &limit, move |value, limit, budget| {
            Ok(order(value, limit, budget)?.is_some_and(met))
        }))
    }

    /// What is no string neither matches nor doesn't: it meets no demand on a pattern.
    fn pattern(relation: &str, (source, regex): (String, Regex), matching: bool) -> Self {
        Self {
            relation: relation.to_owned(),
            expected: Some(format!("/{source}/")),
            holds: Box::new(move |value, budget| match value.view() {
                View::String(text) => {
                    budget.spend_bytes(text.size())?;
                    Ok(regex.is_match(&text.decode()?) == matching)
                }
                _ => Ok(false),
            }),
        }
    }

    fn in_words(relation: String, holds: impl Fn(Node<'_>) -> bool + 'static) -> Self {
        Self {
            relation,
            expected: None,
            holds: Box::new(move |value, _| Ok(holds(value))),
        }
    }
}

/// What a suite wrote, as what it is compared with.
pub(super) fn document(value: &Value) -> Document<'static> {
    Document::parse(value.to_string()).expect("what a suite holds is JSON, far below every bound")
}

/// A number, or a text that is one (a variable may hold either).
pub(super) fn number(value: Value) -> Result<Value, String> {
    match value {
        Value::Number(_) => Ok(value),
        Value::String(text) => match text.trim().parse::<Number>() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => Err(format!("{} is not a number", words::quote(&text))),
        },
        other => Err(format!("{other} is not a number")),
    }
}

fn order(
    value: Node<'_>,
    limit: Node<'_>,
    budget: &mut Budget,
) -> Result<Option<Ordering>, Undecided> {
    match (value.view(), limit.view()) {
        (View::Number(value), View::Number(limit)) => {
            exact_json::order(value, limit, budget).map(Some)
        }
        _ => Ok(None),
    }
}

/// Elements of an array, keys of an object, characters of a string.
pub(super) fn length(value: Node<'_>, budget: &mut Budget) -> Result<Option<u64>, Undecided> {
    let length = match value.view() {
        View::Array(elements) => elements.total(),
        View::Object(members) => members.unique()?.total(),
        View::String(text) => {
            budget.spend_bytes(text.size())?;
            text.chars()?
        }
        _ => return Ok(None),
    };
    Ok(u64::try_from(length).ok())
}

/// Whether it makes sense to ask: `not_contains` must not hold for a number, which has no parts.
fn may_contain(value: Node<'_>, expected: Node<'_>) -> bool {
    match value.view() {
        View::Array(_) => true,
        View::String(_) | View::Object(_) => matches!(expected.view(), View::String(_)),
        _ => false,
    }
}

/// A part of a string, an element of an array, a key of an object.
fn contains(value: Node<'_>, expected: Node<'_>, budget: &mut Budget) -> Result<bool, Undecided> {
    match (value.view(), expected.view()) {
        (View::String(text), View::String(part)) => {
            budget.spend_bytes(text.size())?;
            Ok(text.decode()?.contains(&*part.decode()?))
        }
        (View::Array(elements), _) => {
            for element in elements {
                if exact_json::same(element, expected, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (View::Object(members), View::String(key)) => {
            budget.spend(members.total())?;
            Ok(members.get(key)?.is_some())
        }
        _ => Ok(false),
    }
}
