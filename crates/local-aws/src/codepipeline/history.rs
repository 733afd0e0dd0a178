//! What was: executions and the runs of actions, newest first, page by page.

use serde_json::{Map, Value, json};

use super::model::{Artifact, Execution, Pipeline, Run, StageStatus};
use super::validation::{Check, NAME, Rule, UUID};
use super::{CodePipeline, Request};
use crate::error::AwsError;
use crate::wire::json::{epoch, without_nulls};

const RANGES: Rule = Rule::one_of(&["Latest", "All"]);

impl CodePipeline {
    pub(super) fn get_pipeline_execution(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let name = check.text("pipelineName", NAME);
        let id = check.text("pipelineExecutionId", UUID);
        check.done()?;
        let all = self.state();
        let execution = all.pipeline(name)?.execution(id)?;
        let revisions: Vec<Value> = execution
            .revisions
            .iter()
            .filter_map(|revision| {
                Some(json!({
                    "name": revision.artifact.as_ref()?,
                    "revisionId": revision.id,
                    "revisionSummary": revision.summary,
                    "created": epoch(revision.created),
                    "revisionUrl": revision.url,
                }))
            })
            .collect();
        let variables: Vec<Value> = execution
            .variables
            .iter()
            .map(|(name, value)| json!({ "name": name, "resolvedValue": value }))
            .collect();
        let mut shown = json!({
            "pipelineName": name,
            "pipelineVersion": execution.declaration.version,
            "pipelineExecutionId": id,
            "status": execution.status.name(),
            "artifactRevisions": revisions,
            "trigger": trigger(execution),
            "executionMode": execution.declaration.execution_mode.name(),
            "executionType": "STANDARD",
        });
        if !variables.is_empty() {
            shown["variables"] = json!(variables);
        }
        if let Some(reason) = &execution.stop_reason {
            shown["statusSummary"] = json!(reason);
        }
        Ok(json!({ "pipelineExecution": shown }))
    }

    pub(super) fn list_pipeline_executions(
        &self,
        request: &Request<'_>,
    ) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let name = check.text("pipelineName", NAME);
        let stage = check.optional("filter.succeededInStage.stageName", NAME);
        check.page("maxResults");
        check.done()?;
        let all = self.state();
        let pipeline = all.pipeline(name)?;
        let all: Vec<Value> = pipeline
            .executions
            .iter()
            .rev()
            .filter(|execution| stage.is_none_or(|stage| succeeded_in(execution, stage)))
            .map(summary)
            .collect();
        page(request.input, "pipelineExecutionSummaries", all)
    }

    pub(super) fn list_action_executions(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let name = check.text("pipelineName", NAME);
        let of_all = check.optional("filter.pipelineExecutionId", UUID);
        let in_one = check.optional("filter.latestInPipelineExecution.pipelineExecutionId", UUID);
        let range = check.optional("filter.latestInPipelineExecution.startTimeRange", RANGES);
        check.page("maxResults");
        check.done()?;
        let all = self.state();
        let pipeline = all.pipeline(name)?;
        let wanted = of_all.or(in_one);
        if let Some(id) = wanted {
            pipeline.execution(id)?;
        }
        let latest_only = in_one.is_some() && range != Some("All");
        let all = runs(pipeline, wanted, latest_only)
            .into_iter()
            .map(|(execution, run)| self.detail(execution, run))
            .collect();
        page(request.input, "actionExecutionDetails", all)
    }

    fn detail(&self, execution: &Execution, run: &Run) -> Value {
        let action = execution.action(run);
        let details = &run.details;
        // An approval's is its token, in every execution mode.
        let external_id = details.external_id.as_ref().or(run.token.as_ref());
        let result = without_nulls(json!({
            "externalExecutionId": external_id,
            "externalExecutionSummary": details.summary,
            "externalExecutionUrl": details.external_url,
            "errorDetails": error(run),
        }));
        let mut output = json!({
            "outputArtifacts": artifacts(&run.outputs),
            "executionResult": result,
        });
        if !run.output_variables.is_empty() {
            output["outputVariables"] = json!(run.output_variables);
        }
        without_nulls(json!({
            "pipelineExecutionId": execution.id,
            "actionExecutionId": run.id,
            "pipelineVersion": execution.declaration.version,
            "stageName": execution.stage_name(run),
            "actionName": action.name,
            "startTime": epoch(run.started),
            "lastUpdateTime": epoch(run.updated),
            "updatedBy": run.updated_by,
            "status": run.status.name(),
            "input": {
                "actionTypeId": {
                    "category": action.type_id.category,
                    "owner": action.type_id.owner,
                    "provider": action.type_id.provider,
                    "version": action.type_id.version,
                },
                "configuration": action.configuration,
                "resolvedConfiguration": run.configuration,
                "roleArn": action.role_arn,
                "region": self.world().region,
                "inputArtifacts": artifacts(&run.inputs),
                "namespace": action.namespace,
            },
            "output": output,
        }))
    }
}

/// The runs of a pipeline, the newest first.
fn runs<'a>(
    pipeline: &'a Pipeline,
    execution: Option<&str>,
    latest_only: bool,
) -> Vec<(&'a Execution, &'a Run)> {
    let mut runs: Vec<_> = pipeline
        .executions
        .iter()
        .filter(|found| execution.is_none_or(|id| found.id == id))
        .flat_map(|execution| execution.runs.iter().map(move |run| (execution, run)))
        .filter(|(execution, run)| {
            let newest = || execution.latest(run.stage, run.action);
            !latest_only || newest().is_some_and(|newest| newest.id == run.id)
        })
        .collect();
    runs.sort_by_key(|(_, run)| std::cmp::Reverse(run.seq));
    runs
}

/// `errorDetails`
pub(super) fn error(run: &Run) -> Option<Value> {
    let (code, message) = run.details.error.as_ref()?;
    Some(json!({ "code": code, "message": message }))
}

fn artifacts(named: &[(String, Artifact)]) -> Vec<Value> {
    named
        .iter()
        .map(|(name, at)| json!({ "name": name, "s3location": { "bucket": at.bucket, "key": at.key } }))
        .collect()
}

fn succeeded_in(execution: &Execution, stage: &str) -> bool {
    let place = execution.declaration.stage(stage);
    place.is_some_and(|place| execution.stages[place] == Some(StageStatus::Succeeded))
}

fn trigger(execution: &Execution) -> Value {
    json!({ "triggerType": execution.trigger.0, "triggerDetail": execution.trigger.1 })
}

fn summary(execution: &Execution) -> Value {
    let revisions: Vec<Value> = execution
        .revisions
        .iter()
        .map(|revision| {
            json!({
                "actionName": revision.action,
                "revisionId": revision.id,
                "revisionSummary": revision.summary,
                "revisionUrl": revision.url,
            })
        })
        .collect();
    let mut shown = json!({
        "pipelineExecutionId": execution.id,
        "status": execution.status.name(),
        "startTime": epoch(execution.started),
        "lastUpdateTime": epoch(execution.updated),
        "sourceRevisions": revisions,
        "trigger": trigger(execution),
        "executionMode": execution.declaration.execution_mode.name(),
        "executionType": "STANDARD",
    });
    if let Some(reason) = &execution.stop_reason {
        shown["stopTrigger"] = json!({ "reason": reason });
    }
    shown
}

/// One page of a list. A token says how many items were shown; new ones at the front move the rest.
pub(super) fn page(input: &Value, name: &str, all: Vec<Value>) -> Result<Value, AwsError> {
    let wrong = || AwsError::client("InvalidNextTokenException", "The next token is not valid");
    let from = match &input["nextToken"] {
        Value::Null => 0,
        Value::String(token) => token
            .strip_prefix("after-")
            .and_then(|n| n.parse().ok())
            .filter(|from| *from <= all.len())
            .ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let size = Check::of(input).page("maxResults").clamp(1, 100);
    let count = all.len();
    let mut answer = Map::new();
    answer.insert(
        name.to_owned(),
        all.into_iter().skip(from).take(size).collect(),
    );
    if from + size < count {
        answer.insert(
            "nextToken".to_owned(),
            json!(format!("after-{}", from + size)),
        );
    }
    Ok(Value::Object(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let all: Vec<Value> = (0..5).map(|n| json!(n)).collect();
        let mut seen = Vec::new();
        let mut input = json!({ "maxResults": 2 });
        loop {
            let answer = page(&input, "items", all.clone()).unwrap();
            let items = answer["items"].as_array().unwrap().clone();
            assert!(items.len() <= 2);
            seen.extend(items);
            if answer["nextToken"].is_null() {
                break;
            }
            input["nextToken"] = answer["nextToken"].clone();
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_token_nobody_handed_out_is_refused() {
        for token in [json!("x"), json!("after-9"), json!(1)] {
            let refused = page(&json!({ "nextToken": token }), "items", vec![]).unwrap_err();
            assert_eq!(refused.code, "InvalidNextTokenException");
        }
    }
}
