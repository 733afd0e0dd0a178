//! CEL, the Common Expression Language, for verdicts: an expression that must be true of an answer.
//!
//! What is written is CEL's grammar and CEL's meaning, with two rules of this project on top. Numbers of JSON, and
//! literals with a point or an exponent, are decimals and never rounded: CEL's `double` would let 0.1 + 0.2 differ
//! from 0.3, and let two ids beyond 2^53 be equal. And whatever an expression or an answer holds, time, memory and
//! stack are bounded: each step counts, and what is made while it is evaluated has a limit.
//!
//! An [`Expression`] that exists has been checked: its names are known, its functions exist, and where types are
//! known before there is an answer, they fit. What can't be decided is [`Outcome::Errored`], never a guess.

mod check;
mod decimal;
mod evaluate;
mod expression;
mod fault;
mod lexer;
mod memory;
mod operations;
mod parser;
mod reference;
mod shape;
mod shown;
mod syntax;
#[cfg(test)]
mod tests;
mod value;
mod value_path;

pub use self::check::Names;
pub use self::decimal::is_multiple;
pub use self::expression::{Expression, Outcome};
pub use self::fault::Fault;
pub use self::memory::MAX_MEMORY;
pub use self::parser::{MAX_DEPTH, MAX_EXPRESSION_BYTES};
pub use self::reference::Reference;
pub use self::shape::Type;
pub use self::shown::{MAX_SHOWN, ShownValue};
pub use self::value::{Fact, Value};
