//! The steps of an execution, each one change of the state: an action begins and ends, a stage ends.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::CodePipeline;
use super::actions::{ActionFailure, ActionSuccess, StartedAction};
use super::artifacts::place_for;
use super::driver::{ExecutionKey, StageOutcome};
use super::events::{Event, Subject};
use super::model::{ActionDetails, Execution, ExecutionStatus, Run, RunStatus, StageStatus};
use super::providers::Kind;
use super::variables::resolve_all;
use crate::ids;

impl CodePipeline {
    /// An action begins: its run is there, with what it works on.
    pub(super) fn begin(
        &self,
        key: &ExecutionKey,
        stage: usize,
        action: usize,
    ) -> Option<StartedAction> {
        let now = self.now();
        let mut all = self.state();
        let seq = all.next_run();
        let execution = all.execution_mut(key).ok()?;
        let declared = execution.declaration.stages[stage].actions[action].clone();
        let resolved = resolve_all(&declared.configuration, &execution.namespaces());
        let kind = declared.provider()?.kind;
        let run = Run {
            seq,
            id: ids::uuid(),
            stage,
            action,
            status: RunStatus::InProgress,
            started: now,
            updated: now,
            updated_by: None,
            details: ActionDetails::default(),
            token: (kind == Kind::Approval).then(ids::uuid),
            expires: (kind == Kind::Approval).then(|| deadline(&declared, now)),
            configuration: resolved.clone().unwrap_or_default(),
            inputs: declared
                .input_artifacts
                .iter()
                .filter_map(|input| {
                    Some((
                        input.name.clone(),
                        execution.artifacts.get(&input.name)?.clone(),
                    ))
                })
                .collect(),
            outputs: Vec::new(),
            output_variables: BTreeMap::new(),
            job: None,
        };
        let outputs = declared
            .output_artifacts
            .iter()
            .map(|output| {
                (
                    output.name.clone(),
                    place_for(&execution.declaration, &output.name),
                )
            })
            .collect();
        let action_run = StartedAction {
            run: run.id.clone(),
            kind,
            stage: execution.declaration.stages[stage].name.clone(),
            deadline: deadline(&declared, now),
            configuration: resolved,
            inputs: run.inputs.clone(),
            outputs,
            overridden: execution
                .overrides
                .iter()
                .find(|o| o.action == declared.name)
                .cloned(),
            token: run.token.clone(),
            name: declared.name,
        };
        execution.runs.push(run);
        execution.touch(now);
        self.announce(&Event::new(
            Subject::Action(&action_run.run),
            "STARTED",
            key,
            execution,
        ));
        Some(action_run)
    }

    /// An action ends. One that a call answered meanwhile keeps that answer. Whether it succeeded.
    pub(super) fn finish(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        end: Result<ActionSuccess, ActionFailure>,
    ) -> bool {
        let now = self.now();
        let mut all = self.state();
        let Ok(execution) = all.execution_mut(key) else {
            return false;
        };
        let Some(run) = execution.run_mut(&action_run.run) else {
            return false;
        };
        let mut found = None;
        match end {
            Ok(done) => {
                if run.end(RunStatus::Succeeded, now) {
                    run.details = done.details;
                    run.output_variables = done.output_variables;
                }
                found = done.revision;
            }
            Err(failure) => {
                if run.end(RunStatus::Failed, now) {
                    run.details = *failure.details;
                    run.details.error = failure.error;
                }
            }
        }
        let status = run.status;
        if status == RunStatus::Succeeded {
            run.outputs.clone_from(&action_run.outputs);
            let variables = run.output_variables.clone();
            execution
                .artifacts
                .extend(action_run.outputs.iter().cloned());
            execution.revisions.extend(found);
            publish_variables(execution, &action_run.run, variables);
        }
        execution.touch(now);
        let state = match status {
            RunStatus::Succeeded => "SUCCEEDED",
            RunStatus::Failed => "FAILED",
            // ActionDetails when it was abandoned.
            RunStatus::Abandoned | RunStatus::InProgress => return false,
        };
        self.announce(&Event::new(
            Subject::Action(&action_run.run),
            state,
            key,
            execution,
        ));
        status == RunStatus::Succeeded
    }

    /// A stage ends; false when the execution does too.
    pub(super) fn end_stage(&self, key: &ExecutionKey, stage: usize, worked: StageOutcome) -> bool {
        if worked == StageOutcome::Gone {
            return false;
        }
        let now = self.now();
        let mut all = self.state();
        let Ok(pipeline) = all.pipeline_mut(&key.pipeline) else {
            return false;
        };
        let Ok(execution) = pipeline.execution_mut(&key.execution) else {
            return false;
        };
        if execution.status.is_over() {
            return false;
        }
        let stopping = execution.status == ExecutionStatus::Stopping;
        let last = stage + 1 == execution.stages.len();
        let (of_stage, word) = match worked {
            StageOutcome::Succeeded => (StageStatus::Succeeded, "SUCCEEDED"),
            StageOutcome::Failed => (StageStatus::Failed, "FAILED"),
            StageOutcome::Halted | StageOutcome::Gone => (StageStatus::Stopped, "STOPPED"),
        };
        let over = match of_stage {
            StageStatus::Succeeded if last => Some((ExecutionStatus::Succeeded, "SUCCEEDED")),
            StageStatus::Succeeded if !stopping => None,
            StageStatus::Failed if !stopping => Some((ExecutionStatus::Failed, "FAILED")),
            _ => Some((ExecutionStatus::Stopped, "STOPPED")),
        };
        execution.stages[stage] = Some(of_stage);
        if let Some((status, _)) = over {
            execution.status = status;
        }
        let name = execution.declaration.stages[stage].name.clone();
        execution.touch(now);
        self.announce(&Event::new(Subject::Stage(stage), word, key, execution));
        if let Some((_, word)) = over {
            self.announce(&Event::new(Subject::Execution, word, key, execution));
        }
        let happened = pipeline.leave(&key.execution, &name, now);
        self.announce_entrances(pipeline, &key.pipeline, &happened);
        over.is_none()
    }
}

/// What an action puts out, in its namespace.
fn publish_variables(execution: &mut Execution, run: &str, variables: BTreeMap<String, String>) {
    let namespace = execution
        .run(run)
        .and_then(|run| execution.action(run).namespace.clone());
    if let Some(namespace) = namespace {
        execution.outputs.insert(namespace, variables);
    }
}

/// When an action that begins now has taken too long.
fn deadline(action: &super::declaration::Action, now: Timestamp) -> Timestamp {
    let limit = action.timeout_in_minutes.map_or_else(
        || {
            let provider = action.provider().expect("a declared action has a provider");
            SignedDuration::try_from(provider.timeout).unwrap_or(SignedDuration::MAX)
        },
        |minutes| SignedDuration::from_mins(i64::from(minutes)),
    );
    now.checked_add(limit).unwrap_or(Timestamp::MAX)
}
