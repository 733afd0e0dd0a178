//! `RetryStageExecution`: the same execution once more through a stage that failed or was stopped.
//!
//! A retried approval gets a new token; the old one is good for nothing.

use serde_json::{Value, json};

use super::declaration::Mode;
use super::driver::{ExecutionKey, Retry};
use super::events::{Event, Subject};
use super::model::{ExecutionStatus, Pipeline, StageStatus};
use super::validation::{Check, NAME, Rule, UUID};
use super::{CodePipeline, Request};
use crate::error::AwsError;

const MODES: Rule = Rule::one_of(&["FAILED_ACTIONS", "ALL_ACTIONS"]);

impl CodePipeline {
    pub(super) fn retry_stage_execution(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let name = check.text("pipelineName", NAME);
        let stage = check.text("stageName", NAME);
        let id = check.text("pipelineExecutionId", UUID);
        let mode = check.text("retryMode", MODES);
        check.done()?;
        let key = ExecutionKey {
            pipeline: name.to_owned(),
            execution: id.to_owned(),
        };
        let now = self.now();
        let place = {
            let mut all = self.state();
            let pipeline = all.pipeline_mut(name)?;
            let place = pipeline.stage(stage)?;
            refuse(pipeline, stage, id)?;
            if pipeline.current().execution_mode != Mode::Parallel {
                pipeline.occupy(id, stage);
            }
            let execution = pipeline.execution_mut(id)?;
            execution.status = ExecutionStatus::InProgress;
            execution.stop_reason = None;
            execution.stages[place] = Some(StageStatus::InProgress);
            execution.attempt += 1;
            execution.touch(now);
            self.announce(&Event::new(Subject::Execution, "RESUMED", &key, execution));
            self.announce(&Event::new(
                Subject::Stage(place),
                "RESUMED",
                &key,
                execution,
            ));
            place
        };
        let retry = if mode == "ALL_ACTIONS" {
            Retry::AllActions
        } else {
            Retry::FailedActions
        };
        self.launch(key, place, Some(retry));
        Ok(json!({ "pipelineExecutionId": id }))
    }
}

/// Refuses a retry that AWS refuses.
fn refuse(pipeline: &Pipeline, stage: &str, id: &str) -> Result<(), AwsError> {
    let not_retryable = |why: &str| {
        AwsError::client(
            "StageNotRetryableException",
            format!("Unable to retry stage {stage}: {why}"),
        )
    };
    let execution = pipeline
        .execution(id)
        .map_err(|_| not_retryable("the execution does not exist"))?;
    if execution.declaration.version != pipeline.current().version {
        return Err(not_retryable(
            "the structure of the pipeline has changed since the execution began",
        ));
    }
    let place = execution.declaration.stage(stage);
    let status = place.and_then(|place| execution.stages[place]);
    if !matches!(status, Some(StageStatus::Failed | StageStatus::Stopped)) {
        return Err(not_retryable("it contains no failed actions"));
    }
    if execution.declaration.execution_mode == Mode::Parallel {
        return Ok(());
    }
    let entrance = pipeline.entrances.get(stage);
    let latest = entrance.and_then(|entrance| entrance.latest.as_deref());
    if latest != Some(id) {
        return Err(AwsError::client(
            "NotLatestPipelineExecutionException",
            format!("The execution {id} is not the latest in stage {stage}"),
        ));
    }
    if entrance.is_some_and(|entrance| entrance.inside.is_some()) {
        return Err(AwsError::client(
            "ConflictException",
            format!("The stage {stage} is in progress"),
        ));
    }
    Ok(())
}
