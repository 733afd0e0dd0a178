//! What a decision asks of whatever waits: whether it is still the very same, what became of it, and
//! the one call that answers it. Each question has one answer for each [`Source`], here and nowhere else.

use common::aws::Aws;
use signing::{Keys, MacMatch};

use super::{PausedDeployment, Source};
use crate::pipeline::{self, PipelineError, PutError, Reply};
use crate::records::Decision;
use crate::token_mac::{compare_token, mask_token, token_mac_matches};
use crate::{ActionState, ApprovalAction, Case, Starter, Status, ecs};

/// What is open, and may be answered.
#[derive(Debug, Clone)]
pub enum Open {
    /// An approval, with its token.
    Approval(ApprovalAction, pipeline::Open),
    /// A pause, by its hook.
    Pause(PausedDeployment),
}

impl Open {
    /// The pipeline execution, or the service deployment.
    pub fn execution_id(&self) -> &str {
        match self {
            Self::Approval(_, open) => &open.execution_id,
            Self::Pause(paused) => &paused.deployment_arn,
        }
    }
}

/// What is found where a case waits.
#[derive(Debug, Clone)]
pub enum Found {
    /// The very thing that people were asked about.
    Same(Open),
    /// Something else that has come in its place.
    AskedAnew,
    /// Something that can't be recognised, as the key that knew it is gone.
    KeysRotated,
    /// Nothing that may be answered.
    Closed,
}

/// Looks whether what the case is about still waits.
pub async fn find(aws: &Aws, keys: &Keys, case: &Case) -> Result<Found, PipelineError> {
    match &case.source {
        Source::Pipeline(action) => {
            let execution = case.execution_id.as_deref();
            let Some(open) = pipeline::open_approval(aws, action, execution).await? else {
                return Ok(Found::Closed);
            };
            Ok(
                match compare_token(keys, &case.token_mac, action, &open.token) {
                    MacMatch::Matches => Found::Same(Open::Approval(action.clone(), open)),
                    MacMatch::Differs => Found::AskedAnew,
                    MacMatch::UnknownKey => Found::KeysRotated,
                },
            )
        }
        Source::Ecs(paused) => {
            let deployment = ecs::read(aws, &paused.deployment_arn).await?;
            Ok(if ecs::is_open(&deployment, paused) {
                Found::Same(Open::Pause(paused.clone()))
            } else {
                Found::Closed
            })
        }
    }
}

/// What became of what the case is about.
pub async fn state(
    aws: &Aws,
    keys: &Keys,
    case: &Case,
    execution_id: &str,
) -> Result<ActionState, PipelineError> {
    match &case.source {
        Source::Pipeline(action) => {
            pipeline::truth_of_case(aws, keys, (case, action), execution_id).await
        }
        Source::Ecs(paused) => ecs::state(&ecs::read(aws, &paused.deployment_arn).await?, paused),
    }
}

/// Whether it is known that something else than the case's wait is open there. A pause's hook is never
/// asked anew: the next one has another id.
pub async fn is_asked_anew(aws: &Aws, keys: &Keys, case: &Case) -> bool {
    let Source::Pipeline(action) = &case.source else {
        return false;
    };
    let open = pipeline::open_approval(aws, action, case.execution_id.as_deref()).await;
    open.ok()
        .flatten()
        .is_some_and(|open| !token_mac_matches(keys, &case.token_mac, action, &open.token))
}

/// Why an answer had no effect, or may have had none. Each has the sentence that says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It no longer waits for this answer, or has heard it before.
    #[error("{0}")]
    Over(String),
    /// It was refused, and nothing has changed.
    #[error("{0}")]
    Refused(String),
    /// Nobody knows whether it was taken.
    #[error("{0}")]
    Unsure(String),
}

impl From<PutError> for AnswerError {
    fn from(error: PutError) -> Self {
        let text = error.to_string();
        match error {
            PutError::InvalidToken | PutError::AlreadyCompleted => Self::Over(text),
            PutError::NotFound(_) | PutError::Refused(_) | PutError::Throttled(_) => {
                Self::Refused(text)
            }
            PutError::Unsure(_) => Self::Unsure(text),
        }
    }
}

/// Answers what is open. What it then stands at is known by the answer that was taken.
pub async fn answer(
    aws: &Aws,
    open: &Open,
    decision: Decision,
    summary: &str,
) -> Result<ActionState, AnswerError> {
    let at = match open {
        Open::Approval(action, open) => {
            let answer = match decision {
                Decision::Approve => pipeline::Answer::Approve,
                Decision::Reject => pipeline::Answer::Reject,
            };
            pipeline::put_result(aws, action, &open.token, Reply { answer, summary }).await?
        }
        Open::Pause(paused) => {
            ecs::answer(aws, paused, decision).await?;
            None
        }
    };
    Ok(ActionState {
        status: status_of(decision),
        by: None,
        summary: Some(summary.to_owned()),
        at,
    })
}

/// Where something stands that was answered so.
pub fn status_of(decision: Decision) -> Status {
    match decision {
        Decision::Approve => Status::Approved,
        Decision::Reject => Status::Rejected,
    }
}

/// Who started what waits, where that was not looked up when people were told. ECS keeps nobody's name,
/// so of a deployment it is somebody who is not known.
pub async fn starter(aws: &Aws, case: &Case) -> Result<Option<Starter>, PipelineError> {
    let (Source::Pipeline(action), Some(execution)) = (&case.source, &case.execution_id) else {
        return Ok(case.starter());
    };
    let found = pipeline::execution_of(aws, &action.pipeline, execution).await?;
    let Some(trigger) = found.trigger else {
        return Ok(None);
    };
    let detail = trigger.trigger_detail.unwrap_or_default();
    let name = detail.rsplit('/').next().unwrap_or_default().to_owned();
    let trigger = trigger.trigger_type.map(|kind| kind.as_str().to_owned());
    Ok(trigger.map(|trigger| Starter {
        trigger,
        detail,
        name,
    }))
}

/// `text` without whatever must not be kept: secrets, and tokens of this or another approval.
pub fn mask(keys: &Keys, case: &Case, text: &str) -> String {
    match &case.source {
        Source::Pipeline(action) => mask_token(keys, &case.token_mac, action, text),
        Source::Ecs(_) => crate::redact::masked_text(&text::mask::Masker::new(), text),
    }
}
