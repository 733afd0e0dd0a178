//! What an approval is, whoever tells it and whoever takes the answer: the messages that arrive, the
//! routes and the policy of a team, signatures, the records of the state table, and the decision.
//!
//! What must always hold:
//! - No approval token leaves this process but to `CodePipeline`: [`Token`] can't be serialised and shows
//!   nothing when it is printed.
//! - An approval counts only for the very thing that was shown, and counts once.
//! - Unknown is never a yes.

mod action_state;
mod briefing;
mod case;
pub mod config;
pub mod decide;
pub mod ecs;
pub mod link_claims;
pub mod message;
mod outcome;
pub mod pipeline;
pub mod policy;
pub mod records;
pub mod redact;
pub mod source;
pub mod telemetry;
mod token;
pub mod token_mac;

pub use action_state::{ActionState, Status};
pub use briefing::{
    Briefing, Change, ChangeAction, ChangeSet, DeploymentBriefing, Difference, DifferenceKind, Gap,
    GateReport, Lookup, Property, Replacement, Revision, Risk, SetState, ShownDigest, Starter,
    Step, Variable, VersionChange,
};
pub use case::Case;
pub use gate_question::{AskingGate, CheckEvidence, Evidence, GateQuestion};
pub use outcome::{
    CodeDeployDeployment, DeploymentStatus, ExecutionOutcome, ExecutionStatus, FailedAction,
};
pub use source::approval_action::{ApprovalAction, CaseId};
pub use source::{PausedDeployment, Source, TimeoutAction};
pub use token::Token;
