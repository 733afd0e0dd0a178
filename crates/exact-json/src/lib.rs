//! JSON and JSONPath (RFC 9535) for verdicts.
//!
//! A gate compares what a service answered with what a team wrote, so a number must stay the number
//! that was written: nothing here goes through a float. And the answer comes from outside, so memory,
//! time and stack are bounded whatever it holds: a [`Document`] is a flat list of 16 bytes a value over
//! its text, nesting is limited, and a [`Path`] is followed within a [`Budget`] of steps.
//!
//! What can't be decided exactly is [`Undecided`], never a guess.

mod budget;
mod document;
mod equality;
mod error;
mod limits;
mod number;
mod parse;
mod path;
mod slot;
mod text;
mod value;

pub use self::budget::{Budget, MAX_SELECTED, MAX_STEPS, Undecided};
pub use self::document::{Document, Elements, Members, Node, View};
pub use self::equality::{order, same};
pub use self::error::{Fault, JsonError, Place};
pub use self::limits::{MAX_BYTES, MAX_DEPTH, MAX_VALUES};
pub use self::number::{MAX_EXPONENT_DIGITS, Number, NumberError, compare, is_integer};
pub use self::path::{MAX_NESTING, MAX_PATH, MAX_SEGMENTS, Path, PathError, Selection};
pub use self::text::{LoneSurrogate, Text};
pub use self::value::Value;
