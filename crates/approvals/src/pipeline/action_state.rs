//! What became of an approval: the action execution, the execution around it, and, where those name no
//! person, the pipeline's state.

use aws_sdk_codepipeline::types::{
    ActionExecutionDetail, ActionExecutionStatus, PipelineExecutionStatus,
};
use common::aws::Aws;
use jiff::{SignedDuration, Timestamp};

use super::calls::{self, every_action_of, execution_of, timestamp};
use super::{PipelineError, open};
use crate::token_mac::token_mac_matches;
use crate::{ActionState, ApprovalAction, Case, Status, Token};
use signing::Keys;

/// Clocks of two AWS services may differ by so much.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// One of the waits of an action in an execution: a stage that is retried asks anew there.
#[derive(Clone, Copy)]
pub struct Wait<'a> {
    /// Whether a token is its own.
    pub owns: &'a (dyn Fn(&Token) -> bool + Send + Sync),
    /// When people were told of it, where they were.
    pub asked_at: Option<Timestamp>,
}

impl Wait<'_> {
    fn is(&self, detail: &ActionExecutionDetail) -> bool {
        calls::external_id(detail).is_some_and(|id| (self.owns)(&Token::new(id)))
    }
}

/// What became of the newest wait of this action in this execution.
pub async fn action_state(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: &str,
) -> Result<ActionState, PipelineError> {
    truth_of(aws, action, execution_id, None).await
}

/// The same of one wait: the answer to another one is none to it.
pub async fn state_of_wait(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: &str,
    wait: Wait<'_>,
) -> Result<ActionState, PipelineError> {
    truth_of(aws, action, execution_id, Some(wait)).await
}

/// The same of the wait that a case is about.
pub(crate) async fn truth_of_case(
    aws: &Aws,
    keys: &Keys,
    (case, action): (&Case, &ApprovalAction),
    execution_id: &str,
) -> Result<ActionState, PipelineError> {
    let owns = |token: &Token| token_mac_matches(keys, &case.token_mac, action, token);
    let wait = Wait {
        owns: &owns,
        asked_at: Some(case.asked_at),
    };
    state_of_wait(aws, action, execution_id, wait).await
}

async fn truth_of(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: &str,
    wait: Option<Wait<'_>>,
) -> Result<ActionState, PipelineError> {
    let (actions, execution) = tokio::join!(
        every_action_of(aws, &action.pipeline, execution_id),
        execution_of(aws, &action.pipeline, execution_id),
    );
    let around = execution?.status;
    let waits: Vec<ActionExecutionDetail> = actions?
        .into_iter()
        .filter(|detail| calls::is_of(detail, action))
        .collect();
    let Some(detail) = wait_of(&waits, wait) else {
        return unlisted(aws, action, execution_id, around.as_ref()).await;
    };
    // The history may lag behind the state, and then it shows only the wait before.
    if let Some(wait) = wait
        && !wait.is(detail)
        && is_open(aws, action, execution_id, wait).await?
    {
        return Ok(just_begun(around.as_ref()));
    }
    let mut facts = Facts::of(detail, around.as_ref());
    if facts.lacks_person() || facts.summary.is_none() {
        match person_in_state(aws, action, execution_id, detail).await {
            Ok(seen) => facts.complete(seen),
            // Without a name a rejection can't be told from a timeout.
            Err(error) if facts.is_nameless_no() => return Err(error),
            Err(error) => tracing::warn!("{error}"),
        }
    }
    facts.judge(action)
}

/// Pure: the wait with the same token; else the one that had begun last when it was told, or the newest.
fn wait_of<'d>(
    waits: &'d [ActionExecutionDetail],
    wait: Option<Wait<'_>>,
) -> Option<&'d ActionExecutionDetail> {
    let own = wait.and_then(|wait| waits.iter().find(|detail| wait.is(detail)));
    if own.is_some() {
        return own;
    }
    let asked_at = wait.and_then(|wait| wait.asked_at);
    let began = |detail: &ActionExecutionDetail| detail.start_time().and_then(timestamp);
    let told = |detail: &&ActionExecutionDetail| match (began(detail), asked_at) {
        (Some(began), Some(asked)) => {
            began <= asked.saturating_add(MAX_CLOCK_SKEW).unwrap_or(asked)
        }
        _ => true,
    };
    let newest = waits.iter().filter(told).max_by_key(|detail| began(detail));
    newest.or_else(|| waits.iter().min_by_key(|detail| began(detail)))
}

/// Whether the pipeline's state shows this very wait as open.
async fn is_open(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: &str,
    wait: Wait<'_>,
) -> Result<bool, PipelineError> {
    let state = calls::state_of(aws, &action.pipeline).await?;
    let open = open::open_in_state(&state, action);
    Ok(open.is_some_and(|open| open.execution_id == execution_id && (wait.owns)(&open.token)))
}

/// An action that the history does not show: it has only just begun, or never will.
async fn unlisted(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: &str,
    around: Option<&PipelineExecutionStatus>,
) -> Result<ActionState, PipelineError> {
    let over = around.and_then(ended_without_answer).is_some();
    let begun = over
        || super::open_approval(aws, action, Some(execution_id))
            .await?
            .is_some();
    if begun {
        Ok(just_begun(around))
    } else {
        Err(PipelineError::not_found(action, execution_id))
    }
}

/// Pure: a wait that the history does not show yet. The end of its execution is its own, too.
fn just_begun(around: Option<&PipelineExecutionStatus>) -> ActionState {
    ActionState {
        status: around
            .and_then(ended_without_answer)
            .unwrap_or(Status::Waiting),
        by: None,
        summary: None,
        at: None,
    }
}

/// What is known of one wait.
struct Facts<'a> {
    status: Option<&'a ActionExecutionStatus>,
    around: Option<&'a PipelineExecutionStatus>,
    by: Option<String>,
    summary: Option<String>,
    at: Option<Timestamp>,
}

/// What the pipeline's state says about it.
#[derive(Default)]
struct SeenState {
    by: Option<String>,
    summary: Option<String>,
}

impl<'a> Facts<'a> {
    fn of(detail: &'a ActionExecutionDetail, around: Option<&'a PipelineExecutionStatus>) -> Self {
        let result = detail.output().and_then(|output| output.execution_result());
        Self {
            status: detail.status(),
            around,
            by: filled(detail.updated_by()),
            summary: filled(result.and_then(|result| result.external_execution_summary())),
            at: detail.last_update_time().and_then(timestamp),
        }
    }

    fn is_answered(&self) -> bool {
        use ActionExecutionStatus::{Failed, Succeeded};
        matches!(self.status, Some(Succeeded | Failed))
    }

    fn lacks_person(&self) -> bool {
        self.is_answered() && self.by.is_none()
    }

    fn is_nameless_no(&self) -> bool {
        self.lacks_person() && self.status == Some(&ActionExecutionStatus::Failed)
    }

    fn complete(&mut self, seen: SeenState) {
        self.by = self.by.take().or(seen.by);
        self.summary = self.summary.take().or(seen.summary);
    }

    /// Pure: where it stands. A word that is not known is never an answer.
    fn judge(self, action: &ApprovalAction) -> Result<ActionState, PipelineError> {
        use ActionExecutionStatus as A;
        let ended = self.around.and_then(ended_without_answer);
        let status = match self.status {
            Some(A::Succeeded) => Status::Approved,
            Some(A::Failed) if self.by.is_some() => Status::Rejected,
            // Nobody has answered: time did, or the end of the execution.
            Some(A::Failed) => ended.unwrap_or(Status::Expired),
            Some(A::InProgress) => ended.unwrap_or(Status::Waiting),
            Some(A::Abandoned) => ended.unwrap_or(Status::Stopped),
            other => match ended {
                Some(status) => status,
                None => {
                    return Err(PipelineError::UnknownWord {
                        what: format!("the approval {action}"),
                        word: other.map_or("", A::as_str).to_owned(),
                    });
                }
            },
        };
        // Who stopped an execution has not decided its approval.
        let answered = matches!(status, Status::Approved | Status::Rejected);
        Ok(ActionState {
            status,
            by: self.by.filter(|_| answered),
            summary: self.summary.filter(|_| answered),
            at: self.at,
        })
    }
}

/// Pure: an execution that ended in a way that leaves no answer to wait for.
fn ended_without_answer(status: &PipelineExecutionStatus) -> Option<Status> {
    use PipelineExecutionStatus as P;
    match status {
        P::Superseded => Some(Status::Superseded),
        P::Stopped | P::Stopping | P::Cancelled => Some(Status::Stopped),
        _ => None,
    }
}

/// The person and the comment as the pipeline's state has them, if it still shows this very wait.
async fn person_in_state(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: &str,
    detail: &ActionExecutionDetail,
) -> Result<SeenState, PipelineError> {
    // Nobody can have answered what waits.
    if detail.status() == Some(&ActionExecutionStatus::InProgress) {
        return Ok(SeenState::default());
    }
    let whole = calls::state_of(aws, &action.pipeline).await?;
    let Some((stage, found)) = calls::place(&whole, action) else {
        return Ok(SeenState::default());
    };
    let same_execution = stage
        .latest_execution()
        .is_some_and(|latest| latest.pipeline_execution_id() == execution_id);
    let Some(latest) = found.latest_execution() else {
        return Ok(SeenState::default());
    };
    // The ids are missing in very old executions only.
    let same_wait = match (latest.action_execution_id(), detail.action_execution_id()) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    if !(same_execution && same_wait) {
        return Ok(SeenState::default());
    }
    Ok(SeenState {
        by: filled(latest.last_updated_by()),
        summary: filled(latest.summary()),
    })
}

fn filled(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
}
