//! Which wait is open, and to which execution a token belongs.

use std::cmp::Reverse;

use aws_sdk_codepipeline::operation::get_pipeline_state::GetPipelineStateOutput;
use aws_sdk_codepipeline::types::{
    ActionCategory, ActionExecutionDetail, ActionExecutionFilter, ActionExecutionStatus,
};
use common::aws::Aws;

use super::calls::{self, Pages, timestamp};
use super::{OpenAction, PipelineError};
use crate::{ApprovalAction, Status, Token};

/// The approval that waits at `action`, in the execution if it is known; none if nothing waits there.
///
/// With several waits of a `PARALLEL` pipeline and no execution: [`PipelineError::Ambiguous`].
pub async fn open_approval(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: Option<&str>,
) -> Result<Option<OpenAction>, PipelineError> {
    let state = calls::state_of(aws, &action.pipeline).await?;
    if let Some(open) = open_in_state(&state, action)
        && execution_id.is_none_or(|wanted| wanted == open.execution_id)
    {
        return Ok(Some(open));
    }
    // PARALLEL, or the wait is over, or another execution stands in the stage.
    let mut waits = listed(aws, action, execution_id).await?;
    // A retried stage asks again, with a new token; the newest counts.
    waits.sort_by_key(|open| Reverse(open.asked_at));
    if execution_id.is_none() && waits.len() > 1 {
        return Err(PipelineError::Ambiguous {
            action: action.to_string(),
            count: waits.len(),
        });
    }
    Ok(waits.into_iter().next())
}

/// The execution that this token belongs to, whether it still waits or not; none if AWS has no trace
/// of it.
pub async fn find_by_token(
    aws: &Aws,
    action: &ApprovalAction,
    token: &Token,
) -> Result<Option<String>, PipelineError> {
    let state = calls::state_of(aws, &action.pipeline).await?;
    if let Some(open) = open_in_state(&state, action)
        && open.token == *token
    {
        return Ok(Some(open.execution_id));
    }
    let mut pages = Pages::of(aws, &action.pipeline, None);
    while let Some(page) = pages.next().await? {
        let found = page
            .into_iter()
            .find(|detail| {
                calls::is_of(detail, action) && calls::external_id(detail) == Some(token.reveal())
            })
            .and_then(|detail| detail.pipeline_execution_id);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Pure: the wait that a pipeline's state shows.
pub(super) fn open_in_state(
    whole: &GetPipelineStateOutput,
    action: &ApprovalAction,
) -> Option<OpenAction> {
    let (stage, found) = calls::place(whole, action)?;
    let latest = found.latest_execution()?;
    if latest.status() != Some(&ActionExecutionStatus::InProgress) {
        return None;
    }
    let token = latest.token().filter(|token| !token.is_empty())?;
    Some(OpenAction {
        token: Token::new(token),
        execution_id: stage.latest_execution()?.pipeline_execution_id().to_owned(),
        status: Status::Waiting,
        asked_at: latest.last_status_change().and_then(timestamp),
    })
}

/// The waits among the action executions.
async fn listed(
    aws: &Aws,
    action: &ApprovalAction,
    execution_id: Option<&str>,
) -> Result<Vec<OpenAction>, PipelineError> {
    let filter = execution_id.map(|id| {
        ActionExecutionFilter::builder()
            .pipeline_execution_id(id)
            .build()
    });
    let mut pages = Pages::of(aws, &action.pipeline, filter);
    let mut waits = Vec::new();
    while let Some(page) = pages.next().await? {
        waits.extend(page.iter().filter_map(|detail| open_in(detail, action)));
    }
    // The filter is AWS's; what counts is what the answer says.
    waits.retain(|open| execution_id.is_none_or(|wanted| wanted == open.execution_id));
    Ok(waits)
}

/// Pure: the wait that an action execution is, if it is one.
fn open_in(detail: &ActionExecutionDetail, action: &ApprovalAction) -> Option<OpenAction> {
    let kind = detail.input().and_then(|input| input.action_type_id());
    let approval = kind.is_none_or(|kind| kind.category() == &ActionCategory::Approval);
    let waits = detail.status() == Some(&ActionExecutionStatus::InProgress);
    if !(calls::is_of(detail, action) && approval && waits) {
        return None;
    }
    Some(OpenAction {
        token: Token::new(calls::external_id(detail)?),
        execution_id: detail.pipeline_execution_id()?.to_owned(),
        status: Status::Waiting,
        asked_at: detail.start_time().and_then(timestamp),
    })
}
