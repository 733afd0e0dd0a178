//! An agent that tries to do what a customer does: a model chooses what to do next, and nothing it says decides.
//!
//! Pure: [`Agent`] says whom to ask what and what to do in the page; whoever drives it asks the model (Bedrock's Converse
//! API) and the browser. So every way that a model may behave is a test without a model.
//!
//! What must always hold:
//! - It ends, whatever the model says: steps, tokens, time and money are bounded, and so are nonsense and circles.
//! - The text of a page is data for the model. No tool of it leads beyond what the task allows, and none says a secret.
//! - [`judge`] never makes more of a run than its expectations did.

mod action;
mod answer;
mod bounds;
mod judge;
mod machine;
mod prompt;
mod snapshot;

pub use action::{Action, InvalidAction, Scroll, TypedInput};
pub use answer::Answer;
pub use bounds::{Bounds, Price, Usage};
pub use judge::{Expectations, RunJudgement, judge};
pub use machine::{Agent, End, Next};
pub use prompt::{Task, TaskValue};
pub use snapshot::{Element, PageState};
