//! Why something could not be handled. All of it makes the invocation fail, so that Lambda runs it
//! again and in the end hands it to the queue for what could not be delivered.

use approvals::CaseId;
use approvals::config::ConfigError;
use approvals::pipeline::PipelineError;
use channels::DispatchError;
use common::settings::SettingsError;
use common::state::StateError;
use signing::KeysError;

use crate::reminder_schedule::ScheduleError;

/// Why something could not be handled, and what to do about it. No text of it holds a token or a secret.
#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    /// The function's settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The team's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The signing keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The state table.
    #[error(transparent)]
    State(#[from] StateError),
    /// `CodePipeline`.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// A decision that was begun could not be finished, and it is not known what became of it.
    #[error("the decision about the case {case} can't be sent yet: {why}")]
    Undecided {
        /// The case.
        case: CaseId,
        /// Why.
        why: String,
    },
    /// A reminder could not be scheduled.
    #[error(transparent)]
    Timetable(#[from] ScheduleError),
    /// A notification says that something waits, and `CodePipeline` doesn't know of it yet.
    #[error(
        "{action} of execution {execution} is said to wait, but CodePipeline shows no open approval there yet; it is asked again when Lambda runs this event again"
    )]
    NothingOpen {
        /// What is said to wait.
        action: String,
        /// Its execution.
        execution: String,
    },
    /// Which execution an approval belongs to could not be found out, and there is time to look again.
    #[error(
        "which execution waits at {action} could not be found out: {why}; it is looked for again when Lambda runs this event again"
    )]
    Unfound {
        /// What waits.
        action: String,
        /// Why.
        why: String,
    },
    /// A message was not sent.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    /// The time of the function was over.
    #[error(
        "the time of the function was over before everybody was notified; raise its Timeout, or find out what hangs"
    )]
    OutOfTime,
    /// The event has more records than are handled at once.
    #[error(
        "the event brings {count} messages, and {most} are handled at once; set BatchSize of the event source mapping to {most} or less"
    )]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// A defect.
    #[error(
        "the function panicked over this record; that is a defect in it, and its log says where"
    )]
    Panicked,
    /// More than one thing.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<NotifierError>),
}

/// One result of many that were carried out beside each other: all their errors.
pub fn all(
    results: impl IntoIterator<Item = Result<(), NotifierError>>,
) -> Result<(), NotifierError> {
    let mut errors: Vec<NotifierError> = results.into_iter().filter_map(Result::err).collect();
    match errors.len() {
        0 => Ok(()),
        1 => Err(errors.remove(0)),
        _ => Err(NotifierError::Several(errors)),
    }
}
