//! What a gate asks people where its evidence is not enough, and what they answered; and by what they have
//! overridden one. It is all that gates and people share: a question travels on an event bus, the rest lies in the approvals'
//! state table.
//!
//! What must always hold:
//! - An answer counts for the very thing that was shown: a question's id is made from everything in it, and the answer
//!   lies under that id.
//! - An answer is written once and never changed.
//! - No answer is ever a yes.
//! - Once a gate has ended in another way, nothing counts as an answer any more.

mod answer;
mod end;
pub mod overrides;
mod question;

pub use answer::{ANSWER_PARTITION, GateAnswer, read, write};
pub use end::{END_PARTITION, GateEnd, GateResolution, read_resolution, write_end};
pub use overrides::{Override, OverrideScope, OverrideUse};
pub use question::{ANSWER_GRACE, AskingGate, CheckEvidence, Evidence, FORMAT, GateQuestion};

/// The source of all events of the gates.
pub const EVENT_SOURCE: &str = "deploy-hooks";
/// The detail type of a question's event.
pub const QUESTION_DETAIL_TYPE: &str = "Gate Question";
/// The detail type of a decision's event; with the id of the question in `case`, if people were asked.
pub const DECISION_DETAIL_TYPE: &str = "Gate Decision";
