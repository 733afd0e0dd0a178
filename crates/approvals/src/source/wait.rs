//! What a decision asks of whatever waits: whether it is still the very same, what became of it, and
//! the one call that answers it. Each question has one answer for each [`Source`], here and nowhere else.

use common::aws::Aws;
use gate_question::{GateAnswer, GateResolution};
use jiff::Timestamp;
use signing::{Keys, MacMatch};

use super::answer_error::AnswerError;
use super::{PausedDeployment, Source};
use crate::pipeline::{self, PipelineError, Reply};
use crate::records::{Decision, Records};
use crate::token_mac::{compare_token, mask_token, token_mac_matches};
use crate::{ActionState, ApprovalAction, Case, CaseId, Starter, Status, ecs};

/// What is open, and may be answered.
#[derive(Debug, Clone)]
pub enum OpenQuestion {
    /// An approval, with its token.
    Approval(ApprovalAction, pipeline::OpenAction),
    /// A pause, by its hook.
    Pause(PausedDeployment),
    /// A gate's question, by its case.
    Gate {
        /// The case.
        case: CaseId,
        /// The deployment that it is about.
        deployment_id: String,
    },
}

impl OpenQuestion {
    /// The pipeline execution, or the service deployment.
    pub fn execution_id(&self) -> &str {
        match self {
            Self::Approval(_, open) => &open.execution_id,
            Self::Pause(paused) => &paused.deployment_arn,
            Self::Gate { deployment_id, .. } => deployment_id,
        }
    }
}

/// What is found where a case waits.
#[derive(Debug, Clone)]
pub enum WaitLookup {
    /// The very thing that people were asked about.
    Same(OpenQuestion),
    /// Something else that has come in its place.
    AskedAnew,
    /// Something that can't be recognised, as the key that knew it is gone.
    KeysRotated,
    /// Nothing that may be answered.
    Closed,
}

/// Looks whether what the case is about still waits.
pub async fn find(
    aws: &Aws,
    records: Records<'_>,
    keys: &Keys,
    case: &Case,
) -> Result<WaitLookup, PipelineError> {
    match &case.source {
        Source::Pipeline(action) => {
            let execution = case.execution_id.as_deref();
            let Some(open) = pipeline::open_approval(aws, action, execution).await? else {
                return Ok(WaitLookup::Closed);
            };
            Ok(
                match compare_token(keys, &case.token_mac, action, &open.token) {
                    MacMatch::Matches => {
                        WaitLookup::Same(OpenQuestion::Approval(action.clone(), open))
                    }
                    MacMatch::Differs => WaitLookup::AskedAnew,
                    MacMatch::UnknownKey => WaitLookup::KeysRotated,
                },
            )
        }
        Source::Ecs(paused) => {
            let deployment = ecs::read(aws, &paused.deployment_arn).await?;
            Ok(if ecs::is_open(&deployment, paused) {
                WaitLookup::Same(OpenQuestion::Pause(paused.clone()))
            } else {
                WaitLookup::Closed
            })
        }
        Source::Gate(gate) => {
            let over = case.expires.is_none_or(|expires| expires <= records.now());
            Ok(if over || gate_resolution(records, case).await?.is_some() {
                WaitLookup::Closed
            } else {
                WaitLookup::Same(OpenQuestion::Gate {
                    case: case.id.clone(),
                    deployment_id: gate.deployment_id.clone(),
                })
            })
        }
    }
}

/// What a gate goes by, if there is anything.
async fn gate_resolution(
    records: Records<'_>,
    case: &Case,
) -> Result<Option<GateResolution>, PipelineError> {
    records
        .gate_resolution(&case.id)
        .await
        .map_err(|error| PipelineError::Call {
            what: format!("the answer to the gate {}", case.source),
            permission: "dynamodb:GetItem",
            detail: error.to_string(),
            transient: true,
        })
}

/// Pure: where a gate's question stands. An answer that was begun in time may still be written for a while, and the
/// gate waits for it.
fn gate_state(case: &Case, heard: Option<GateResolution>, now: Timestamp) -> ActionState {
    let closes = |expires: Timestamp| expires.saturating_add(gate_question::ANSWER_GRACE);
    let over = case
        .expires
        .is_none_or(|expires| closes(expires).is_ok_and(|closes| closes <= now));
    let (status, summary, at) = match heard {
        Some(GateResolution::Answer(answer)) => {
            let decision = if answer.approved {
                Decision::Approve
            } else {
                Decision::Reject
            };
            (status_of(decision), Some(answer.summary), Some(answer.at))
        }
        Some(GateResolution::End(end)) => (Status::Stopped, Some(end.summary()), Some(end.at)),
        None if over => (Status::Expired, None, None),
        None => (Status::Waiting, None, None),
    };
    ActionState {
        status,
        by: None,
        summary,
        at,
    }
}

/// What became of what the case is about.
pub async fn state(
    aws: &Aws,
    records: Records<'_>,
    keys: &Keys,
    case: &Case,
    execution_id: &str,
) -> Result<ActionState, PipelineError> {
    match &case.source {
        Source::Pipeline(action) => {
            pipeline::truth_of_case(aws, keys, (case, action), execution_id).await
        }
        Source::Ecs(paused) => ecs::state(&ecs::read(aws, &paused.deployment_arn).await?, paused),
        Source::Gate(_) => {
            let heard = gate_resolution(records, case).await?;
            Ok(gate_state(case, heard, records.now()))
        }
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

/// Answers what is open. What it then stands at is known by the answer that was taken.
pub async fn answer(
    aws: &Aws,
    records: Records<'_>,
    open: &OpenQuestion,
    decision: Decision,
    summary: &str,
) -> Result<ActionState, AnswerError> {
    let at = match open {
        OpenQuestion::Approval(action, open) => {
            let answer = match decision {
                Decision::Approve => pipeline::Answer::Approve,
                Decision::Reject => pipeline::Answer::Reject,
            };
            pipeline::put_result(aws, action, &open.token, Reply { answer, summary }).await?
        }
        OpenQuestion::Pause(paused) => {
            ecs::answer(aws, paused, decision).await?;
            None
        }
        OpenQuestion::Gate { case, .. } => {
            Some(answer_gate(records, case, decision, summary).await?)
        }
    };
    Ok(ActionState {
        status: status_of(decision),
        by: None,
        summary: Some(summary.to_owned()),
        at,
    })
}

/// Writes the answer that the gate reads: it alone answers its caller.
async fn answer_gate(
    records: Records<'_>,
    case: &CaseId,
    decision: Decision,
    summary: &str,
) -> Result<Timestamp, AnswerError> {
    let answer = GateAnswer {
        approved: decision == Decision::Approve,
        summary: summary.to_owned(),
        at: records.now(),
    };
    let counts = records.answer_gate(case, &answer).await.map_err(|error| {
        AnswerError::Unsure(format!(
            "whether the gate's answer was written is not known: {error}"
        ))
    })?;
    // The gate may have ended meanwhile; where that can't be read, it is read when the outcome is told.
    if let Ok(Some(GateResolution::End(end))) = records.gate_resolution(case).await {
        return Err(AnswerError::Over(end.summary()));
    }
    // A try whose result was lost has another time.
    if (counts.approved, counts.summary.as_str()) == (answer.approved, summary) {
        return Ok(counts.at);
    }
    let why = "the gate was answered already, and an answer is never changed";
    Err(AnswerError::Over(why.to_owned()))
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
        Source::Ecs(_) | Source::Gate(_) => {
            crate::redact::masked_text(&text::mask::Masker::new(), text)
        }
    }
}
