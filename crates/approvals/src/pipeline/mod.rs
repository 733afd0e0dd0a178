//! What `CodePipeline` knows of an approval: which wait is open, what became of it, and the one call
//! that answers it.
//!
//! Why it is apart: this is the only place that holds an approval token, and the only one that sends
//! it anywhere. No error of this module contains a token, even where AWS repeats it.
//!
//! In `PARALLEL` execution mode `GetPipelineState` knows no token; there the waits are found among the
//! action executions, whose external execution id is the token of a manual approval.

mod action_state;
mod calls;
mod error;
mod open;
mod owner_note;
mod put;

use jiff::Timestamp;

use crate::{Status, Token};

pub(crate) use self::action_state::truth_of_case;
pub use self::action_state::{Wait, action_state, state_of_wait};
pub use self::calls::{every_action_of, execution_of, timestamp};
pub(crate) use self::error::is_transient;
pub use self::error::{PipelineError, is_throttling};
pub use self::open::{find_by_token, open_approval};
pub use self::owner_note::{OwnerNote, owner_note};
pub use self::put::{Answer, PutError, Reply, put_result};

/// An approval that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAction {
    /// What it is answered with.
    pub token: Token,
    /// The execution that waits.
    pub execution_id: String,
    /// Always [`Status::Waiting`].
    pub status: Status,
    /// Since when it waits.
    pub asked_at: Option<Timestamp>,
}
