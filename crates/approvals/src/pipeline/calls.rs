//! The read calls, each with its pages and its error.

use aws_sdk_codepipeline::operation::get_pipeline_state::GetPipelineStateOutput;
use aws_sdk_codepipeline::primitives::DateTime;
use aws_sdk_codepipeline::types::{
    ActionExecutionDetail, ActionExecutionFilter, ActionState, PipelineExecution, StageState,
};
use common::aws::Aws;
use jiff::Timestamp;

use super::PipelineError;
use crate::ApprovalAction;

/// The largest page that AWS gives.
/// <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListActionExecutions.html>
const PAGE_SIZE: i32 = 100;
/// Pages of one execution: 1,000 actions are the most that a pipeline may have, and retries come on top.
const MAX_PAGES: usize = 20;
/// Pages of a pipeline's whole history, newest first: what waits is not far down.
const MAX_RECENT_PAGES: usize = 5;

/// AWS's time as ours; none if it lies outside of ours (year 9999).
pub fn timestamp(time: &DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanos).ok()
}

/// Every action execution of one pipeline execution, all pages, in AWS's order (newest first).
pub async fn every_action_of(
    aws: &Aws,
    pipeline: &str,
    execution_id: &str,
) -> Result<Vec<ActionExecutionDetail>, PipelineError> {
    let filter = ActionExecutionFilter::builder()
        .pipeline_execution_id(execution_id)
        .build();
    let mut pages = Pages::of(aws, pipeline, Some(filter));
    let mut all = Vec::new();
    while let Some(page) = pages.next().await? {
        all.extend(page);
    }
    Ok(all)
}

/// One execution, if AWS describes it.
pub async fn execution_of(
    aws: &Aws,
    pipeline: &str,
    execution_id: &str,
) -> Result<PipelineExecution, PipelineError> {
    let what = || format!("execution {execution_id} of pipeline {pipeline}");
    let permission = "codepipeline:GetPipelineExecution";
    let found = aws
        .codepipeline()
        .get_pipeline_execution()
        .pipeline_name(pipeline)
        .pipeline_execution_id(execution_id)
        .send()
        .await
        .map_err(|error| PipelineError::call(what(), permission, &error))?;
    found.pipeline_execution.ok_or_else(|| PipelineError::Call {
        what: what(),
        permission,
        detail: "AWS's answer is empty".to_owned(),
        transient: true,
    })
}

/// The state of a pipeline's stages.
pub(super) async fn state_of(
    aws: &Aws,
    pipeline: &str,
) -> Result<GetPipelineStateOutput, PipelineError> {
    aws.codepipeline()
        .get_pipeline_state()
        .name(pipeline)
        .send()
        .await
        .map_err(|error| {
            PipelineError::call(
                format!("the state of pipeline {pipeline}"),
                "codepipeline:GetPipelineState",
                &error,
            )
        })
}

/// Pure: the stage and the action in a pipeline's state.
pub(super) fn place<'a>(
    whole: &'a GetPipelineStateOutput,
    action: &ApprovalAction,
) -> Option<(&'a StageState, &'a ActionState)> {
    let stage = whole
        .stage_states()
        .iter()
        .find(|stage| stage.stage_name() == Some(&action.stage))?;
    let found = stage
        .action_states()
        .iter()
        .find(|found| found.action_name() == Some(&action.action))?;
    Some((stage, found))
}

/// Pure: whether an action execution is one of this approval action.
pub(super) fn is_of(detail: &ActionExecutionDetail, action: &ApprovalAction) -> bool {
    detail.stage_name() == Some(&action.stage) && detail.action_name() == Some(&action.action)
}

/// Pure: the external execution id, which for a manual approval is its token.
pub(super) fn external_id(detail: &ActionExecutionDetail) -> Option<&str> {
    detail
        .output()?
        .execution_result()?
        .external_execution_id()
        .filter(|id| !id.is_empty())
}

/// The action executions of one execution, page by page: all, or an error. Without a filter the recent
/// ones of the whole pipeline.
pub(super) struct Pages<'a> {
    aws: &'a Aws,
    pipeline: &'a str,
    filter: Option<ActionExecutionFilter>,
    read: usize,
    next: Next,
}

enum Next {
    First,
    Token(String),
    End,
}

impl<'a> Pages<'a> {
    pub(super) fn of(
        aws: &'a Aws,
        pipeline: &'a str,
        filter: Option<ActionExecutionFilter>,
    ) -> Self {
        Self {
            aws,
            pipeline,
            filter,
            read: 0,
            next: Next::First,
        }
    }

    /// The next page, or none at the end.
    pub(super) async fn next(
        &mut self,
    ) -> Result<Option<Vec<ActionExecutionDetail>>, PipelineError> {
        let what = || format!("the action executions of pipeline {}", self.pipeline);
        let token = match std::mem::replace(&mut self.next, Next::End) {
            Next::First => None,
            Next::Token(token) => Some(token),
            Next::End => return Ok(None),
        };
        let limit = if self.filter.is_some() {
            MAX_PAGES
        } else {
            MAX_RECENT_PAGES
        };
        if self.read == limit && self.filter.is_none() {
            return Ok(None);
        }
        if self.read == limit {
            return Err(PipelineError::TooMany {
                what: what(),
                pages: limit,
            });
        }
        self.read += 1;
        let page = self
            .aws
            .codepipeline()
            .list_action_executions()
            .pipeline_name(self.pipeline)
            .set_filter(self.filter.clone())
            .set_next_token(token)
            .max_results(PAGE_SIZE)
            .send()
            .await
            .map_err(|error| {
                PipelineError::call(what(), "codepipeline:ListActionExecutions", &error)
            })?;
        // Some services end their lists with an empty token.
        if let Some(token) = page.next_token.filter(|token| !token.is_empty()) {
            self.next = Next::Token(token);
        }
        Ok(Some(page.action_execution_details.unwrap_or_default()))
    }
}
