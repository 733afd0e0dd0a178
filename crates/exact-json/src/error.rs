//! Why a text is not JSON, in words that help: a page of HTML, an empty text and a broken-off one
//! are the usual cases.

use std::fmt;

use crate::limits::{MAX_BYTES, MAX_DEPTH, MAX_VALUES};

/// A place in a text: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A text that is not read as JSON, and where that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub at: Place,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing but white space.
    Empty,
    /// It begins with `<`: HTML or XML.
    Markup,
    /// It ends too early.
    Ends {
        /// What should have come.
        due: &'static str,
    },
    /// Something else stands where a value, a key or a sign is due.
    Unexpected {
        /// The character or word that was met.
        found: String,
        /// What should have come.
        due: &'static str,
    },
    /// More text after the value.
    More {
        /// The character or word that was met.
        found: String,
    },
    /// A number that JSON doesn't have: `01`, `.5`, `1.`.
    Number(String),
    /// An escape that JSON doesn't have: `\x`.
    Escape(String),
    /// A line end or another control character within a string.
    Control(char),
    /// Nested deeper than [`MAX_DEPTH`].
    Deep,
    /// More values than [`MAX_VALUES`].
    Many,
    /// Larger than [`MAX_BYTES`].
    Large,
}

impl JsonError {
    /// Whether the text is beyond a bound of ours, so that nothing is known about it.
    pub fn is_limit(&self) -> bool {
        matches!(self.fault, Fault::Deep | Fault::Many | Fault::Large)
    }
}

impl std::error::Error for JsonError {}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match &self.fault {
            Fault::Empty => f.write_str("it is empty"),
            Fault::Markup => f.write_str("it begins like HTML or XML"),
            Fault::Ends { due } => write!(f, "it ends at {at}, where {due} is due"),
            Fault::Unexpected { found, due } => write!(f, "{found} at {at}, where {due} is due"),
            Fault::More { found } => write!(f, "{found} at {at}, after the end of the value"),
            Fault::Number(found) => {
                write!(f, "{found} at {at} is not a number as JSON writes it")
            }
            Fault::Escape(found) => write!(f, "the escape {found} at {at} is not one of JSON's"),
            Fault::Control(found) => {
                let code = u32::from(*found);
                write!(
                    f,
                    "the control character U+{code:04X} within a string at {at}"
                )
            }
            Fault::Deep => write!(f, "it is nested deeper than {MAX_DEPTH} levels ({at})"),
            Fault::Many => write!(f, "it has more than {MAX_VALUES} values"),
            Fault::Large => {
                write!(f, "it is larger than {} MiB", MAX_BYTES / (1024 * 1024))
            }
        }
    }
}
