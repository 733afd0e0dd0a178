//! Takes an answer: checks it, writes down what is going to be said, answers `CodePipeline` or ECS, writes
//! down what became of it. The order is what makes it safe:
//!
//! policy → use of the link → vote → token or hook, and shown digest → intent → the one call → outcome
//!
//! Each step is written only on a condition, and repeats itself without harm, so that a run that dies
//! between any two of them is finished by the next one. AWS takes one answer a token or a hook,
//! so whatever races, one counts; who that was is read back and never assumed.
//!
//! What must never happen: an approval after a look-up that failed; an approval of something that was
//! not shown; telling people anything but the truth.

mod flow;
mod outcome;
mod route_policy;
mod settle;
mod summary;
mod verify;

use std::fmt;
use std::pin::Pin;

use common::aws::Aws;
use common::state::StateError;
use jiff::{SignedDuration, Timestamp};

use crate::config::Config;
use crate::pipeline::PipelineError;
use crate::policy::Refusal;
use crate::records::{ApprovalAudit, ApprovalDetails, Decision, Records};
use crate::source::wait;
use crate::{ActionState, Case, CaseId, ShownDigest, Status, telemetry};
use contacts::Approver;
use ledger::{Actor, AuditKind, AuditRecord, Via};
use signing::Keys;

pub use outcome::own_intent;
pub use settle::{conclude, recover};
pub use verify::UNKNOWN_REVISIONS;

/// An intent older than this, without an outcome, belongs to a run that has died.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_secs(30);
/// A comment is kept up to so many bytes.
pub const COMMENT_LIMIT: usize = 2000;
/// A name is kept up to so many bytes.
const NAME_LIMIT: usize = 80;

/// A boxed future, as it passes through [`CurrentDigest`].
pub type BoxFuture<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// Looks up what the execution or service deployment with this id would deploy now, as far as the case has shown it:
/// `briefing::shown_now`, which this crate can't know.
pub type CurrentDigest<'a> = &'a (
        dyn for<'c> Fn(
    &'c Aws,
    &'c Case,
    &'c str,
) -> BoxFuture<'c, Result<ShownDigest, PipelineError>>
            + Send
            + Sync
    );

/// What a decision needs.
#[derive(Clone, Copy)]
pub struct DecisionContext<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// The records; their clock is the clock of the decision.
    pub records: Records<'a>,
    /// The signing keys.
    pub keys: &'a Keys,
    /// The present configuration: who was taken off a list since the message may no longer decide.
    pub config: &'a Config,
    /// Looks up what would be deployed now.
    pub shown_now: CurrentDigest<'a>,
}

/// Somebody's answer, with its sender already authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Names this click, so that it is recognised when it comes again: a link's number, or what Slack
    /// calls the interaction.
    pub id: String,
    /// The showing of a link's page that it was sent from: whoever sends the link once more from another one means it
    /// anew.
    pub form: Option<String>,
    /// The case.
    pub case: CaseId,
    /// Who, by their immutable id.
    pub approver: Approver,
    /// The name people know; decides nothing.
    pub name: String,
    /// Yes or no.
    pub decision: Decision,
    /// What they say about it.
    pub comment: Option<String>,
    /// How it came.
    pub via: Via,
    /// The address it came from, for the audit.
    pub from: Option<String>,
}

impl Click {
    /// Who it is, as records name them.
    fn voter(&self) -> Actor {
        Actor::new(&self.approver, &self.name, self.via)
    }

    /// Names a vote by it.
    fn vote_id(&self) -> String {
        match &self.form {
            Some(form) => format!("{}/{form}", self.id),
            None => self.id.clone(),
        }
    }
}

/// What became of a case, and through whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionOutcome {
    /// What `CodePipeline` says.
    pub action_state: ActionState,
    /// Whose decision it was; empty if it was not given through us.
    pub by: Vec<Actor>,
    /// What they said about it.
    pub comment: Option<String>,
}

/// Why an answer comes too late for what was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupersededBy {
    /// `CodePipeline` has asked anew since.
    AskedAnew,
    /// What would be deployed now is not what was shown.
    Changed,
    /// It no longer waits, and what became of it can't be told.
    Gone,
}

/// What came of a click.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It decided.
    Decided(DecisionOutcome),
    /// Something else had: another click, the console, time.
    AlreadyDecided(DecisionOutcome),
    /// It counts; more are needed.
    Recorded {
        /// How many have said yes.
        have: u32,
        /// How many must.
        need: u32,
    },
    /// It doesn't count.
    Refused(Refusal),
    /// It was about something that is no longer asked.
    Superseded(SupersededBy),
    /// A decision is being carried out, this one or another: it was told to `CodePipeline` or is about
    /// to be, and what became of it is not known yet.
    InProgress {
        /// Whose; empty where that is not known.
        by: Vec<Actor>,
    },
    /// It could not be found out whether it may count, so it doesn't, yet.
    TryAgain {
        /// Why.
        why: VerificationObstacle,
    },
}

/// Why it could not be found out whether an answer may count. For the audit and the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerificationObstacle {
    /// The case's token was hashed with a key that is not among those that were used.
    KeysRotated,
    /// Something could not be read.
    Unreadable(String),
}

impl fmt::Display for VerificationObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeysRotated => {
                "the signing keys were rotated since people were asked, so that the approval can't be \
                 recognised; use the console"
            }
            Self::Unreadable(why) => why,
        })
    }
}

impl From<String> for VerificationObstacle {
    fn from(why: String) -> Self {
        Self::Unreadable(why)
    }
}

/// For the audit and the log; people are told in their own language by whoever talks to them.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided(settled) => write!(f, "this decided it: {settled}"),
            Self::AlreadyDecided(settled) => write!(f, "it was decided already: {settled}"),
            Self::Recorded { have, need } => write!(f, "recorded: {have} of {need} approvals"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
            Self::Superseded(SupersededBy::AskedAnew) => {
                f.write_str("superseded: CodePipeline has asked anew since")
            }
            Self::Superseded(SupersededBy::Changed) => {
                f.write_str("superseded: what would be deployed is no longer what was shown")
            }
            Self::Superseded(SupersededBy::Gone) => {
                f.write_str("superseded: the approval no longer waits")
            }
            Self::InProgress { .. } => {
                f.write_str("a decision is being carried out; AWS has not confirmed it yet")
            }
            Self::TryAgain { why } => write!(f, "nothing was decided, try again: {why}"),
        }
    }
}

impl fmt::Display for DecisionOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.action_state.status {
            Status::Waiting => "it waits",
            Status::Approved => "approved",
            Status::Rejected => "rejected",
            Status::Expired => "nobody answered in time",
            Status::Superseded => "a newer execution took its place",
            Status::Stopped => "the execution was stopped",
        })?;
        if !self.by.is_empty() {
            write!(f, " by {}", summary::names(&self.by))?;
        } else if let Some(by) = &self.action_state.by {
            write!(f, ", not through here, by {by}")?;
        }
        Ok(())
    }
}

/// Takes a click, and leaves an audit record whatever comes of it.
pub async fn decide(context: &DecisionContext<'_>, click: &Click) -> Answer {
    let case = match context.records.case(&click.case).await {
        Ok(Some(case)) => case,
        Ok(None) => return Answer::Refused(Refusal::NoSuchCase),
        Err(error) => return *try_again(&error),
    };
    telemetry::note(&case);
    let click = clean(context, &case, click);
    let answer = match flow::settle(context, &case, &click).await {
        Ok(answer) => answer,
        Err(early) => *early,
    };
    tracing::info!(
        case = case.id.as_str(),
        approver = %click.approver,
        decision = %click.decision,
        answer = %answer,
        "an answer was given"
    );
    note(context, &case, &click, &answer).await;
    answer
}

/// An answer before the end, so that `?` serves.
type EarlyAnswer = Box<Answer>;

/// Nothing is decided where something could not be read.
fn try_again(error: &dyn std::error::Error) -> EarlyAnswer {
    tracing::error!("{error}");
    let why = error.to_string().into();
    Box::new(Answer::TryAgain { why })
}

impl From<StateError> for EarlyAnswer {
    fn from(error: StateError) -> Self {
        try_again(&error)
    }
}

/// The click without what must not be kept: the token, secrets, control characters, endless text.
fn clean(context: &DecisionContext<'_>, case: &Case, click: &Click) -> Click {
    let kept = |text: &str, limit| {
        let text = wait::mask(context.keys, case, text);
        summary::one_line(&text, limit)
    };
    let comment = click.comment.as_deref();
    Click {
        name: kept(&click.name, NAME_LIMIT),
        comment: comment
            .map(|text| kept(text, COMMENT_LIMIT))
            .filter(|text| !text.is_empty()),
        ..click.clone()
    }
}

async fn note(context: &DecisionContext<'_>, case: &Case, click: &Click, answer: &Answer) {
    let mut record = audit_record(context, AuditKind::Click, case, answer.to_string());
    record.by = vec![click.voter()];
    record.via = Some(click.via);
    record.from.clone_from(&click.from);
    record.details.decision = Some(click.decision);
    record.details.comment.clone_from(&click.comment);
    if matches!(answer, Answer::Decided(_)) {
        return write_audit(context, &record).await;
    }
    noted(&record, context.records.ledger.audit_attempt(&record).await);
}

fn audit_record(
    context: &DecisionContext<'_>,
    kind: AuditKind,
    case: &Case,
    result: String,
) -> ApprovalAudit {
    ApprovalAudit {
        details: ApprovalDetails::of(case),
        ..AuditRecord::new(kind, case.id.clone(), context.records.now(), result)
    }
}

/// A decision that was taken stands even where its audit can't be written; the decision record has all of it.
async fn write_audit(context: &DecisionContext<'_>, record: &ApprovalAudit) {
    noted(record, context.records.ledger.audit(record).await);
}

fn noted(record: &ApprovalAudit, written: Result<(), StateError>) {
    if let Err(error) = written {
        tracing::error!(
            case = record.case.as_str(),
            "the audit is incomplete: {error}"
        );
    }
}

/// Whether the pause in which a run may still be alive is over.
fn is_stale(written: Timestamp, now: Timestamp) -> bool {
    now.duration_since(written) >= STALE_AFTER
}
