//! Values while an expression is evaluated. What came with the answer stays where it is and is never copied.

use std::borrow::Cow;
use std::rc::Rc;

use exact_json::{Node, Text, View};

use crate::memory::Allocated;

/// A value: of the answer, of the suite, or made on the way.
#[derive(Clone, Debug)]
pub struct Value<'d>(pub(crate) Kind<'d>);

#[derive(Clone, Debug)]
pub(crate) enum Kind<'d> {
    Null,
    Bool(bool),
    /// CEL's `int`.
    Whole(i64),
    /// A number of JSON or a literal with a point, as it is written.
    Decimal(Cow<'d, str>),
    Text(Text<'d>),
    MadeText(Rc<Allocated<String>>),
    /// An array or an object.
    Json(Node<'d>),
    List(Rc<Allocated<Vec<Value<'d>>>>),
}

/// What stands for a reference in one evaluation.
#[derive(Clone, Debug)]
pub enum Fact<'d> {
    /// It is known.
    Known(Value<'d>),
    /// The answer does not have it.
    Missing,
    /// The answer has something else in its place, and what.
    Unfit(String),
    /// Nothing is known about it, and why.
    Unknown(String),
}

impl<'d> Value<'d> {
    /// True or false.
    pub fn bool(value: bool) -> Self {
        Self(Kind::Bool(value))
    }

    /// A whole number.
    pub fn whole(value: i64) -> Self {
        Self(Kind::Whole(value))
    }

    /// A number as JSON writes it.
    pub fn decimal(text: impl Into<Cow<'d, str>>) -> Self {
        Self(Kind::Decimal(text.into()))
    }

    /// A text.
    pub fn text(text: &'d str) -> Self {
        Self(Kind::Text(Text::plain(text)))
    }

    /// A value of JSON.
    pub fn json(node: Node<'d>) -> Self {
        Self(match node.view() {
            View::Null => Kind::Null,
            View::Bool(value) => Kind::Bool(value),
            View::Number(text) => Kind::Decimal(text.into()),
            View::String(text) => Kind::Text(text),
            View::Array(_) | View::Object(_) => Kind::Json(node),
        })
    }

    /// What it is, for people.
    pub(crate) fn noun(&self) -> &'static str {
        match &self.0 {
            Kind::Null => "null",
            Kind::Bool(_) => "true or false",
            Kind::Whole(_) | Kind::Decimal(_) => "a number",
            Kind::Text(_) | Kind::MadeText(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Json(node) => match node.view() {
                View::Object(_) => "an object",
                _ => "a list",
            },
        }
    }

    pub(crate) fn as_text(&self) -> Option<Text<'_>> {
        match &self.0 {
            Kind::Text(text) => Some(*text),
            Kind::MadeText(made) => Some(Text::plain(made)),
            _ => None,
        }
    }

    /// A number as JSON writes it.
    pub(crate) fn as_number(&self) -> Option<Cow<'_, str>> {
        match &self.0 {
            Kind::Whole(whole) => Some(whole.to_string().into()),
            Kind::Decimal(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }
}
