//! What a gate asks people where its evidence is not enough, and what they answered: all that the gates and the
//! approvals share. A question travels on an event bus, an answer lies in the approvals' state table.
//!
//! What must always hold:
//! - An answer counts for the very thing that was shown: a question's id is made from everything in it, and the answer
//!   lies under that id.
//! - An answer is written once and never changed.
//! - No answer is ever a yes.

mod answer;
mod question;

pub use answer::{ANSWER_PARTITION, GateAnswer, read, write};
pub use question::{AskingGate, CheckEvidence, Evidence, FORMAT, GRACE, GateQuestion};

/// The source of all events of the gates.
pub const EVENT_SOURCE: &str = "deploy-hooks";
/// The detail type of a question's event.
pub const QUESTION: &str = "Gate Question";
/// The detail type of a decision's event; with the id of the question in `case`, if people were asked.
pub const DECISION: &str = "Gate Decision";
