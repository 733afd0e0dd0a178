//! Calls that start and stop executions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::declaration::{Declaration, Mode};
use super::driver::ExecutionKey;
use super::events::{Event, Subject};
use super::model::{Execution, ExecutionStatus, Override, Pipeline, RunStatus, StageStatus};
use super::validation::{Check, NAME, Rule, STOP_REASON, UUID, validation};
use super::{CodePipeline, Request};
use crate::error::AwsError;
use crate::ids;

/// Executions under way at once, in the modes QUEUED and PARALLEL.
/// <https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html>
const MAX_EXECUTIONS: usize = 50;
const REVISION_TYPES: Rule = Rule::one_of(&[
    "COMMIT_ID",
    "IMAGE_DIGEST",
    "S3_OBJECT_VERSION_ID",
    "S3_OBJECT_KEY",
]);

impl CodePipeline {
    pub(super) fn start_pipeline_execution(
        &self,
        request: &Request<'_>,
    ) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let name = check.text("name", NAME);
        check.done()?;
        let now = self.now();
        let id = ids::uuid();
        let key = ExecutionKey {
            pipeline: name.to_owned(),
            execution: id.clone(),
        };
        {
            let mut state = self.state();
            let pipeline = state.pipeline_mut(name)?;
            refuse_too_many(pipeline)?;
            let declaration = pipeline.current().clone();
            let variables = variables(&declaration, &request.input["variables"])?;
            let overrides = overrides(&declaration, &request.input["sourceRevisions"])?;
            pipeline.executions.push(Execution {
                id: id.clone(),
                status: ExecutionStatus::InProgress,
                started: now,
                updated: now,
                trigger: ("StartPipelineExecution", request.caller.to_owned()),
                stop_reason: None,
                variables,
                overrides,
                revisions: Vec::new(),
                artifacts: BTreeMap::new(),
                outputs: BTreeMap::new(),
                stages: vec![None; declaration.stages.len()],
                runs: Vec::new(),
                attempt: 1,
                waits_for: None,
                changed: watch::Sender::new(0),
                declaration,
            });
            let execution = pipeline.execution(&id)?;
            self.announce(&Event::new(Subject::Execution, "STARTED", &key, execution));
        }
        self.launch(key, 0, None);
        Ok(json!({ "pipelineExecutionId": id }))
    }

    pub(super) fn stop_pipeline_execution(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let name = check.text("pipelineName", NAME);
        let id = check.text("pipelineExecutionId", UUID);
        let reason = check.optional("reason", STOP_REASON);
        check.done()?;
        let abandon = request.input["abandon"].as_bool().unwrap_or(false);
        let now = self.now();
        let key = ExecutionKey {
            pipeline: name.to_owned(),
            execution: id.to_owned(),
        };
        let mut state = self.state();
        let pipeline = state.pipeline_mut(name)?;
        let execution = pipeline.execution_mut(id).map_err(|_| not_stoppable(id))?;
        match execution.status {
            ExecutionStatus::Stopping if !abandon => {
                return Err(AwsError::client(
                    "DuplicatedStopRequestException",
                    format!("A stop request for the execution {id} was already submitted"),
                ));
            }
            status if status.is_over() => return Err(not_stoppable(id)),
            _ => {}
        }
        execution.stop_reason = reason.map(str::to_owned);
        let busy = execution
            .runs
            .iter()
            .any(|run| run.status == RunStatus::InProgress);
        if abandon || !busy {
            self.stop_now(pipeline, &key, now);
        } else {
            execution.status = ExecutionStatus::Stopping;
            for stage in execution.stages.iter_mut().flatten() {
                if *stage == StageStatus::InProgress {
                    *stage = StageStatus::Stopping;
                }
            }
            execution.touch(now);
            self.announce(&Event::new(Subject::Execution, "STOPPING", &key, execution));
        }
        Ok(json!({ "pipelineExecutionId": id }))
    }

    /// Ends an execution where it stands; what its actions do is abandoned.
    fn stop_now(&self, pipeline: &mut Pipeline, key: &ExecutionKey, now: Timestamp) {
        pipeline.step_back(&key.execution);
        let Ok(execution) = pipeline.execution_mut(&key.execution) else {
            return;
        };
        execution.status = ExecutionStatus::Stopped;
        execution.waits_for = None;
        let mut abandoned = Vec::new();
        for run in &mut execution.runs {
            if run.end(RunStatus::Abandoned, now) {
                abandoned.push(run.id.clone());
            }
        }
        let mut left = Vec::new();
        for (place, stage) in execution.stages.iter_mut().enumerate() {
            if matches!(stage, Some(StageStatus::InProgress | StageStatus::Stopping)) {
                *stage = Some(StageStatus::Stopped);
                left.push((place, execution.declaration.stages[place].name.clone()));
            }
        }
        execution.touch(now);
        for run in &abandoned {
            self.announce(&Event::new(
                Subject::Action(run),
                "ABANDONED",
                key,
                execution,
            ));
        }
        for (place, _) in &left {
            self.announce(&Event::new(
                Subject::Stage(*place),
                "STOPPED",
                key,
                execution,
            ));
        }
        self.announce(&Event::new(Subject::Execution, "STOPPED", key, execution));
        for (_, stage) in left {
            let happened = pipeline.leave(&key.execution, &stage, now);
            self.announce_entrances(pipeline, &key.pipeline, &happened);
        }
    }
}

fn not_stoppable(id: &str) -> AwsError {
    AwsError::client(
        "PipelineExecutionNotStoppableException",
        format!("The execution {id} is not in progress, or does not exist"),
    )
}

fn refuse_too_many(pipeline: &Pipeline) -> Result<(), AwsError> {
    let active = pipeline
        .executions
        .iter()
        .filter(|execution| !execution.status.is_over());
    if pipeline.current().execution_mode == Mode::Superseded || active.count() < MAX_EXECUTIONS {
        return Ok(());
    }
    Err(AwsError::client(
        "ConcurrentPipelineExecutionsLimitExceededException",
        format!(
            "The pipeline has {MAX_EXECUTIONS} executions in progress, which is the most there may be"
        ),
    ))
}

/// The pipeline's variables, as given or by default.
fn variables(declaration: &Declaration, given: &Value) -> Result<Vec<(String, String)>, AwsError> {
    let mut values = BTreeMap::new();
    for variable in given.as_array().into_iter().flatten() {
        let (Some(name), Some(value)) = (variable["name"].as_str(), variable["value"].as_str())
        else {
            return Err(validation(
                "1 validation error detected: Value null at 'variables.name' or 'variables.value' \
                 failed to satisfy constraint: Member must not be null",
            ));
        };
        if !declaration
            .variables
            .iter()
            .any(|declared| declared.name == name)
        {
            return Err(validation(format!(
                "Variable {name} is not declared in pipeline {}",
                declaration.name
            )));
        }
        if !(1..=1000).contains(&value.chars().count()) {
            return Err(validation(format!(
                "1 validation error detected: Value at 'variables.value' failed to satisfy \
                 constraint: the value of {name} must have length between 1 and 1000"
            )));
        }
        values.insert(name, value);
    }
    declaration
        .variables
        .iter()
        .map(|declared| {
            let value = values.get(declared.name.as_str()).copied();
            value
                .or(declared.default.as_deref())
                .map(|value| (declared.name.clone(), value.to_owned()))
                .ok_or_else(|| {
                    validation(format!(
                        "Variable {} has no default value and needs one to start pipeline {}",
                        declared.name, declaration.name
                    ))
                })
        })
        .collect()
}

fn overrides(declaration: &Declaration, given: &Value) -> Result<Vec<Override>, AwsError> {
    let mut overrides = Vec::new();
    for given in given.as_array().into_iter().flatten() {
        let mut check = Check::of(given);
        let action = check.text("actionName", NAME);
        let kind = check.text("revisionType", REVISION_TYPES);
        let value = check.text("revisionValue", super::validation::ANY);
        check.done()?;
        let mut sources = declaration.stages[0].actions.iter();
        if !sources.any(|source| source.name == action) {
            return Err(validation(format!(
                "Pipeline {} has no source action {action}",
                declaration.name
            )));
        }
        overrides.push(Override {
            action: action.to_owned(),
            kind: kind.to_owned(),
            value: value.to_owned(),
        });
    }
    Ok(overrides)
}
