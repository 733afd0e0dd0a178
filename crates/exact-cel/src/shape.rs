//! What is known of values before there is an answer: types, and what is written out. Whatever may fit is let through.

use crate::fault::Fault;
use crate::syntax::{Form, Syntax};

/// What is known of a value before there is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number of CEL.
    Whole,
    /// A number of any kind.
    Number,
    /// A text.
    Text,
    /// Nothing but `null`.
    Null,
    /// A list.
    List,
    /// Whatever the answer has.
    Any,
}

impl Type {
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Whole | Self::Number => "a number",
            Self::Text => "a text",
            Self::Null => "null",
            Self::List => "a list",
            Self::Any => "any value",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Whole | Self::Number)
    }

    pub(crate) fn may_be(self, other: Self) -> bool {
        self == Self::Any
            || other == Self::Any
            || self == other
            || (self.is_number() && other.is_number())
    }
}

/// What is known of one side of a comparison.
pub(crate) struct Shape {
    pub(crate) of: Type,
    pub(crate) at: usize,
    /// Of a list that is written out.
    pub(crate) parts: Option<Vec<Shape>>,
}

impl Shape {
    pub(crate) fn of(of: Type, at: usize) -> Self {
        Self {
            of,
            at,
            parts: None,
        }
    }

    /// Refuses what no answer can make equal: `!=` would always hold.
    pub(crate) fn may_equal(&self, other: &Self, at: usize) -> Result<(), Fault> {
        if !self.of.may_be(other.of) {
            let message = format!("{} and {} are never equal", self.of.noun(), other.of.noun());
            let remedy = "compare two values of one type; string(…) makes a text of a number";
            return Err(Fault::new(at, message, remedy));
        }
        let (Some(parts), Some(others)) = (&self.parts, &other.parts) else {
            return Ok(());
        };
        if parts.len() != others.len() {
            let (one, other) = (parts.len(), others.len());
            let message = format!("lists of {one} and of {other} values are never equal");
            return Err(Fault::new(
                at,
                message,
                "write as many values on both sides",
            ));
        }
        let mut pairs = parts.iter().zip(others);
        pairs.try_for_each(|(one, other)| one.may_equal(other, other.at))
    }
}

/// Whether it is a number that most decimals can't be divided by without an end: one with other factors than 2 and 5.
pub(crate) fn is_without_end(divisor: &Syntax) -> bool {
    match &divisor.form {
        Form::Negative(inner) => is_without_end(inner),
        Form::Whole(whole) => has_other_factors((*whole).into()),
        Form::Decimal(text) => {
            let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
            let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
            digits.parse().is_ok_and(has_other_factors)
        }
        _ => false,
    }
}

fn has_other_factors(number: i128) -> bool {
    let mut rest = number;
    for factor in [2, 5] {
        while rest != 0 && rest % factor == 0 {
            rest /= factor;
        }
    }
    !matches!(rest, -1..=1)
}
