//! Predicates: what they compare with, and which condition of a suite says the same.

use hurl_core::ast::{IntegerValue, Number, PredicateFuncValue, PredicateValue};
use hurl_core::types::ToSource as _;
use strict_yaml::{Node, Position};

use crate::assert_context::AssertContext;
use crate::body::multiline_text;
use crate::context::Context;
use crate::names::Kind;
use crate::tree::{boolean, number, start, text};

/// A comparison of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    NotEqual,
    Greater,
    AtLeast,
    Less,
    AtMost,
}

impl Order {
    /// The comparison that a predicate makes, with `not` in it, and what it compares with.
    pub(crate) fn of<'a>(of: &AssertContext<'a>) -> Option<(Self, &'a PredicateValue)> {
        let predicate = &of.assert.predicate;
        let (order, value) = match &predicate.predicate_func.value {
            PredicateFuncValue::Equal { value, .. } => (Self::Equal, value),
            PredicateFuncValue::NotEqual { value, .. } => (Self::NotEqual, value),
            PredicateFuncValue::GreaterThan { value, .. } => (Self::Greater, value),
            PredicateFuncValue::GreaterThanOrEqual { value, .. } => (Self::AtLeast, value),
            PredicateFuncValue::LessThan { value, .. } => (Self::Less, value),
            PredicateFuncValue::LessThanOrEqual { value, .. } => (Self::AtMost, value),
            _ => return None,
        };
        let order = if predicate.not {
            order.reversed()
        } else {
            order
        };
        Some((order, value))
    }

    fn reversed(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Greater => Self::AtMost,
            Self::AtLeast => Self::Less,
            Self::Less => Self::AtLeast,
            Self::AtMost => Self::Greater,
        }
    }

    /// As a suite writes it before a number; none for what a count can't be asked.
    pub(crate) fn sign(self) -> Option<&'static str> {
        Some(match self {
            Self::Equal => "",
            Self::NotEqual => return None,
            Self::Greater => "> ",
            Self::AtLeast => ">= ",
            Self::Less => "< ",
            Self::AtMost => "<= ",
        })
    }
}

/// A whole number, not below zero, that is written out.
pub(crate) fn whole(value: &PredicateValue) -> Option<u64> {
    match value {
        PredicateValue::Number(Number::Integer(number)) => u64::try_from(number.as_i64()).ok(),
        _ => None,
    }
}

/// An index that is written out.
pub(crate) fn index(value: &IntegerValue) -> Option<i64> {
    match value {
        IntegerValue::Literal(number) => Some(number.as_i64()),
        IntegerValue::Placeholder(_) => None,
    }
}

/// A condition on a text: its key in a suite, and what it compares with.
pub(crate) type Condition = (&'static str, Node);

/// What a predicate demands of a text that is one.
pub(crate) fn of_text(of: &AssertContext<'_>, context: &Context) -> Option<Condition> {
    let predicate = &of.assert.predicate;
    let place = start(predicate.predicate_func.source_info);
    let not = predicate.not;
    let either = |holds: &'static str, not_holds: &'static str| if not { not_holds } else { holds };
    let (key, wanted) = match &predicate.predicate_func.value {
        PredicateFuncValue::Equal { value, .. } => (
            either("equals", "not_equals"),
            text_value(value, place, context)?,
        ),
        PredicateFuncValue::NotEqual { value, .. } => (
            either("not_equals", "equals"),
            text_value(value, place, context)?,
        ),
        PredicateFuncValue::Contain { value, .. } => (
            either("contains", "not_contains"),
            text_value(value, place, context)?,
        ),
        PredicateFuncValue::StartWith { .. }
        | PredicateFuncValue::EndWith { .. }
        | PredicateFuncValue::Match { .. } => {
            (either("matches", "not_matches"), pattern(of, context)?)
        }
        PredicateFuncValue::IsEmpty => (either("equals", "not_equals"), String::new()),
        PredicateFuncValue::Exist => return Some(("exists", boolean(place, !not))),
        _ => {
            return of.unsupported(
                context,
                "compare the text with ==, contains, startsWith, endsWith or matches",
            );
        }
    };
    Some((key, text(place, wanted)))
}

/// The regular expression of a predicate that looks for a part of a text.
pub(crate) fn pattern(of: &AssertContext<'_>, context: &Context) -> Option<String> {
    let function = &of.assert.predicate.predicate_func;
    let place = start(function.source_info);
    let escaped = |value: &PredicateValue| match value {
        PredicateValue::String(template) => context.escaped(template),
        other => text_value(other, place, context).map(|text| regex::escape(&text)),
    };
    match &function.value {
        PredicateFuncValue::StartWith { value, .. } => Some(format!(r"\A{}", escaped(value)?)),
        PredicateFuncValue::EndWith { value, .. } => Some(format!(r"{}\z", escaped(value)?)),
        PredicateFuncValue::Match { value, .. } => match value {
            PredicateValue::Regex(regex) => context.fixed(place, regex.inner.as_str()),
            PredicateValue::String(template) => {
                let pattern = context.literal(template, "a regular expression")?;
                context.fixed(place, &pattern)
            }
            _ => context.refuse(place, "no regular expression", "write it as /…/"),
        },
        _ => None,
    }
}

/// What a text is compared with. Hurl knows no text that equals a number.
fn text_value(value: &PredicateValue, place: Position, context: &Context) -> Option<String> {
    match value {
        PredicateValue::String(template) => context.text(template),
        PredicateValue::MultilineString(multiline) => multiline_text(multiline, place, context),
        PredicateValue::Placeholder(placeholder) => {
            if context.known(placeholder)?.kind == Kind::Text {
                return context.reference(placeholder);
            }
            let message = format!(
                "{} may be a number, which no text equals",
                placeholder.to_source()
            );
            context.refuse(place, message, "write it in quotes")
        }
        PredicateValue::Regex(_) => context.refuse(
            place,
            "a regular expression, which no text equals",
            "write `matches` before it",
        ),
        _ => context.refuse(
            place,
            "no text, and what is compared is text",
            "write it in quotes",
        ),
    }
}

/// What a value of JSON is compared with.
pub(crate) fn json_value(
    value: &PredicateValue,
    place: Position,
    context: &Context,
) -> Option<Node> {
    Some(match value {
        PredicateValue::Null => number(place, "null"),
        PredicateValue::Bool(value) => boolean(place, *value),
        PredicateValue::Number(value) => number(place, value.to_source().as_str()),
        PredicateValue::String(template) => text(place, context.json_text(template)?),
        PredicateValue::Placeholder(placeholder) => {
            context.known(placeholder)?;
            text(place, context.reference(placeholder)?)
        }
        other => text(place, text_value(other, place, context)?),
    })
}
