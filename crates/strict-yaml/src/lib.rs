//! Reads YAML into values that know their place, and reports all problems of a file together.
//!
//! Why it is a crate of its own: what people write by hand (suites, routes of approvals, plans of
//! environments) is read in one way, so that each mistake is reported in one way: with line and column,
//! what is wrong, and what would be right. serde stops at the first problem, and a team wants to see
//! all of them.
//!
//! What must never happen here: a key that is ignored, a problem that hides another, a secret that is
//! repeated in a problem, or a small file that takes much memory or time.

mod findings;
mod node;
mod number;
mod object;
mod problem;
pub mod scalar;
mod secret;
mod table;
mod write;

pub use findings::Findings;
pub use node::{Document, Key, Node, Position, Value, plain, read, read_as};
pub use number::Number;
pub use object::{Object, entries, items};
pub use problem::{Problem, Problems};
pub use secret::SecretRef;
pub use table::KeyTable;
pub use text::words;
pub use write::write;
