//! Lambda actions: the function is invoked with a job, and the job waits for its result.
//!
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html>

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::actions::{ActionFailure, ActionSuccess, StartedAction, setting};
use super::driver::ExecutionKey;
use super::model::{ActionDetails, Artifact, Execution, Job, Run, RunStatus};
use super::validation::{ANY, Check, Rule, UUID};
use super::{CodePipeline, Request};
use crate::error::AwsError;
use crate::ids;

/// Virtual time before a function that gave a continuation token is invoked again.
const JOB_RETRY_DELAY: Duration = Duration::from_secs(30);
const FAILURE_TYPES: Rule = Rule::one_of(&[
    "JobFailed",
    "ConfigurationError",
    "PermissionError",
    "RevisionOutOfSync",
    "RevisionUnavailable",
    "SystemUnavailable",
]);

impl CodePipeline {
    pub(super) async fn lambda(
        &self,
        key: &ExecutionKey,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
    ) -> Result<ActionSuccess, ActionFailure> {
        let function = setting(configuration, "FunctionName");
        let mut continuation = None;
        loop {
            let id = ids::uuid();
            self.open_job(key, &action_run.run, &id);
            let event = json!({ "CodePipeline.job": self.job(&id, action_run, configuration, continuation.as_deref()) });
            let invoked = self
                .shared
                .upstream
                .invoke(function, &event.to_string())
                .await;
            invoked.map_err(|error| {
                ActionFailure::configuration(format!(
                    "The function {function} cannot be invoked: {error}"
                ))
            })?;
            let answered = self.until(key, |execution| {
                let run = execution.run(&action_run.run)?;
                let continuation = run.job.as_ref().and_then(|job| job.continuation.clone());
                (run.status != RunStatus::InProgress || continuation.is_some())
                    .then_some((run.status, continuation))
            });
            match answered.await {
                Some((RunStatus::InProgress, token)) => continuation = token,
                Some((RunStatus::Succeeded, _)) => return Ok(ActionSuccess::default()),
                _ => return Err(ActionFailure::default()),
            }
            self.world().clock.sleep(JOB_RETRY_DELAY).await;
        }
    }

    fn open_job(&self, key: &ExecutionKey, run: &str, id: &str) {
        let mut state = self.state();
        if let Ok(execution) = state.execution_mut(key)
            && let Some(run) = execution.run_mut(run)
        {
            run.job = Some(Job {
                id: id.to_owned(),
                continuation: None,
            });
        }
    }

    fn job(
        &self,
        id: &str,
        action_run: &StartedAction,
        configuration: &BTreeMap<String, String>,
        continuation: Option<&str>,
    ) -> Value {
        let mut data = json!({
            "actionConfiguration": { "configuration": configuration },
            "inputArtifacts": action_run.inputs.iter().map(artifact).collect::<Vec<_>>(),
            "outputArtifacts": action_run.outputs.iter().map(artifact).collect::<Vec<_>>(),
            "artifactCredentials": {
                "accessKeyId": "test", "secretAccessKey": "test", "sessionToken": "",
            },
        });
        if let Some(token) = continuation {
            data["continuationToken"] = json!(token);
        }
        json!({ "id": id, "accountId": self.world().account, "data": data })
    }

    pub(super) fn put_job_success(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let id = check.text("jobId", UUID);
        let continuation = check.optional("continuationToken", ANY);
        let summary = check.optional("executionDetails.summary", ANY);
        let external_id = check.optional("executionDetails.externalExecutionId", ANY);
        check.done()?;
        let percent = request.input["executionDetails"]["percentComplete"].as_u64();
        let variables = request.input["outputVariables"].as_object();
        let variables: BTreeMap<String, String> = variables
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        self.answer(id, |run, now| {
            run.details = ActionDetails {
                summary: summary.map(str::to_owned),
                external_id: external_id.map(str::to_owned),
                percent: percent.and_then(|percent| u32::try_from(percent).ok()),
                ..ActionDetails::default()
            };
            if let Some(token) = continuation {
                if let Some(job) = &mut run.job {
                    job.continuation = Some(token.to_owned());
                }
                return;
            }
            run.output_variables = variables;
            run.end(RunStatus::Succeeded, now);
        })
    }

    pub(super) fn put_job_failure(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let id = check.text("jobId", UUID);
        let kind = check.text("failureDetails.type", FAILURE_TYPES);
        let message = check.text("failureDetails.message", ANY);
        let external_id = check.optional("failureDetails.externalExecutionId", ANY);
        check.done()?;
        self.answer(id, |run, now| {
            run.details = ActionDetails {
                external_id: external_id.map(str::to_owned),
                error: Some((kind.to_owned(), message.to_owned())),
                ..ActionDetails::default()
            };
            run.end(RunStatus::Failed, now);
        })
    }

    pub(super) fn get_job_details(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let id = check.text("jobId", UUID);
        check.done()?;
        let mut state = self.state();
        let (execution, place) = find(&mut state, id)?;
        let run = &execution.runs[place];
        let data = json!({
            "actionConfiguration": { "configuration": run.configuration },
            "inputArtifacts": run.inputs.iter().map(artifact).collect::<Vec<_>>(),
            "pipelineContext": {
                "pipelineName": execution.declaration.name,
                "stage": { "name": execution.stage_name(run) },
                "action": { "name": execution.action(run).name, "actionExecutionId": run.id },
                "pipelineExecutionId": execution.id,
            },
        });
        Ok(json!({ "jobDetails": { "id": id, "accountId": self.world().account, "data": data } }))
    }

    /// Takes a job's result, once.
    fn answer(
        &self,
        id: &str,
        take: impl FnOnce(&mut Run, jiff::Timestamp),
    ) -> Result<Value, AwsError> {
        let now = self.now();
        let mut state = self.state();
        let (execution, place) = find(&mut state, id)?;
        let run = &mut execution.runs[place];
        if run.status != RunStatus::InProgress {
            return Err(AwsError::client(
                "InvalidJobStateException",
                format!("The job {id} is not in progress"),
            ));
        }
        take(run, now);
        execution.touch(now);
        Ok(json!({}))
    }
}

/// The execution that waits for a job, and the place of the job's run.
fn find<'s>(state: &'s mut super::State, id: &str) -> Result<(&'s mut Execution, usize), AwsError> {
    let mut executions = state
        .pipelines
        .values_mut()
        .flat_map(|pipeline| &mut pipeline.executions);
    executions
        .find_map(|execution| {
            let of_job = |run: &Run| run.job.as_ref().is_some_and(|job| job.id == id);
            let place = execution.runs.iter().position(of_job)?;
            Some((execution, place))
        })
        .ok_or_else(|| AwsError::client("JobNotFoundException", format!("There is no job {id}")))
}

fn artifact((name, at): &(String, Artifact)) -> Value {
    json!({
        "name": name,
        "revision": null,
        "location": {
            "type": "S3",
            "s3Location": { "bucketName": at.bucket, "objectKey": at.key },
        },
    })
}
