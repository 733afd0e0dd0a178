//! Values that are made rather than received: what a team wrote, with numbers as written.

use std::fmt::{self, Write};

use crate::number::Number;

/// A JSON value of one's own. [`fmt::Display`] writes compact JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, in order.
    Object(Vec<(String, Value)>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => f.write_str(number.as_str()),
            Self::String(text) => string(text, f),
            Self::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if place == 0 { '[' } else { ',' })?;
                }
                f.write_str(if items.is_empty() { "[]" } else { "]" })
            }
            Self::Object(members) => {
                for (place, (key, value)) in members.iter().enumerate() {
                    f.write_char(if place == 0 { '{' } else { ',' })?;
                    string(key, f)?;
                    write!(f, ":{value}")?;
                }
                f.write_str(if members.is_empty() { "{}" } else { "}" })
            }
        }
    }
}

fn string(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            control if u32::from(control) < 0x20 => write!(f, "\\u{:04x}", u32::from(control))?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('"')
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_were() {
        let number = |text: &str| Value::Number(text.parse().unwrap());
        let value = Value::Object(vec![
            ("id".to_owned(), number("18446744073709551615")),
            ("price \"net\"\n".to_owned(), number("1.10")),
            (
                "list".to_owned(),
                Value::Array(vec![Value::Null, true.into(), "a\u{1}\\é".into()]),
            ),
            ("none".to_owned(), Value::Array(Vec::new())),
            ("empty".to_owned(), Value::Object(Vec::new())),
        ]);
        insta::assert_snapshot!(
            value,
            @r#"{"id":18446744073709551615,"price \"net\"\n":1.10,"list":[null,true,"a\u0001\\é"],"none":[],"empty":{}}"#
        );
    }
}
