//! `GetPipelineState`: how a pipeline looks now, stage by stage.
//!
//! In PARALLEL mode there is no "now" of a stage, so it shows the structure without executions, and
//! no token. Whoever needs one asks `ListActionExecutions`.

use serde_json::{Value, json};

use super::declaration::{Action, Mode};
use super::history::error;
use super::model::{Execution, Pipeline, Run};
use super::providers::Kind;
use super::validation::{Check, NAME};
use super::{CodePipeline, Request};
use crate::error::AwsError;
use crate::wire::json::{epoch, without_nulls};

impl CodePipeline {
    pub(super) fn get_pipeline_state(&self, request: &Request<'_>) -> Result<Value, AwsError> {
        let mut check = Check::of(request.input);
        let name = check.text("name", NAME);
        check.done()?;
        let state = self.state();
        let pipeline = state.pipeline(name)?;
        let current = pipeline.current();
        let stages: Vec<Value> = current
            .stages
            .iter()
            .map(|stage| {
                let actions: Vec<Value> = stage
                    .actions
                    .iter()
                    .map(|action| self.action_state(pipeline, &stage.name, action))
                    .collect();
                let mut shown = self.stage_state(pipeline, &stage.name);
                shown["actionStates"] = json!(actions);
                shown
            })
            .collect();
        Ok(json!({
            "pipelineName": name,
            "pipelineVersion": current.version,
            "stageStates": stages,
            "created": epoch(pipeline.created),
            "updated": epoch(pipeline.updated),
        }))
    }

    #[expect(clippy::unused_self, reason = "beside action_state, which needs it")]
    fn stage_state(&self, pipeline: &Pipeline, stage: &str) -> Value {
        let entrance = pipeline.entrances.get(stage).cloned().unwrap_or_default();
        let mut transition = json!({ "enabled": entrance.closed.is_none() });
        if let Some((by, at)) = &entrance.changed {
            transition["lastChangedBy"] = json!(by);
            transition["lastChangedAt"] = epoch(*at);
        }
        if let Some(closed) = &entrance.closed {
            transition["disabledReason"] = json!(closed.reason);
        }
        let mut shown = json!({ "stageName": stage, "inboundTransitionState": transition });
        let waiting: Vec<Value> = entrance
            .waiting
            .iter()
            .map(|id| json!({ "pipelineExecutionId": id, "status": "InProgress", "type": "STANDARD" }))
            .collect();
        if let Some(first) = waiting.first() {
            shown["inboundExecution"] = first.clone();
            shown["inboundExecutions"] = json!(waiting);
        }
        let latest = entrance
            .latest
            .as_deref()
            .and_then(|id| pipeline.execution(id).ok());
        if let Some(latest) = latest.filter(|_| shows_executions(pipeline)) {
            shown["latestExecution"] = stage_execution(latest, stage);
        }
        shown
    }

    fn action_state(&self, pipeline: &Pipeline, stage: &str, action: &Action) -> Value {
        let mut shown = json!({ "actionName": action.name });
        if let Some(url) = self.entity_url(action) {
            shown["entityUrl"] = json!(url);
        }
        if !shows_executions(pipeline) {
            return shown;
        }
        let Some(run) = pipeline.newest_run(stage, &action.name) else {
            return shown;
        };
        shown["latestExecution"] = action_execution(run);
        let of_run = |execution: &&Execution| execution.run(&run.id).is_some();
        let execution = pipeline.executions.iter().find(of_run);
        let revision = execution.and_then(|execution| {
            let mut revisions = execution.revisions.iter();
            revisions.find(|revision| revision.action == action.name)
        });
        if let Some(revision) = revision {
            shown["currentRevision"] =
                json!({ "revisionId": revision.id, "created": epoch(revision.created) });
            shown["revisionUrl"] = json!(revision.url);
        }
        shown
    }

    /// Where the console shows what an action works on.
    fn entity_url(&self, action: &Action) -> Option<String> {
        let region = &self.world().region;
        let setting = |name: &str| action.configuration.get(name).cloned().unwrap_or_default();
        match action.provider()?.kind {
            Kind::S3Source => Some(format!(
                "https://console.aws.amazon.com/s3/buckets/{}?region={region}&prefix={}",
                setting("S3Bucket"),
                setting("S3ObjectKey")
            )),
            Kind::ConnectionSource => Some(format!(
                "https://{region}.console.aws.amazon.com/codesuite/settings/connections/redirect?connectionArn={}&referenceType=BRANCH&FullRepositoryId={}&Branch={}",
                setting("ConnectionArn"),
                setting("FullRepositoryId"),
                setting("BranchName")
            )),
            Kind::CodeDeploy | Kind::CodeDeployToEcs => Some(format!(
                "https://console.aws.amazon.com/codedeploy/home?region={region}#/applications/{}/deployment-groups/{}",
                setting("ApplicationName"),
                setting("DeploymentGroupName")
            )),
            Kind::CloudFormation => Some(format!(
                "https://console.aws.amazon.com/cloudformation/home?region={region}#/"
            )),
            Kind::Lambda => Some(format!(
                "https://console.aws.amazon.com/lambda/home?region={region}#/functions/{}",
                setting("FunctionName")
            )),
            Kind::Approval => None,
        }
    }
}

fn shows_executions(pipeline: &Pipeline) -> bool {
    pipeline.current().execution_mode != Mode::Parallel
}

fn stage_execution(execution: &Execution, stage: &str) -> Value {
    let place = execution.declaration.stage(stage);
    let status = place.and_then(|place| execution.stages[place]);
    json!({
        "pipelineExecutionId": execution.id,
        "status": status.map_or("InProgress", super::model::StageStatus::name),
        "type": "STANDARD",
    })
}

fn action_execution(run: &Run) -> Value {
    without_nulls(json!({
        "actionExecutionId": run.id,
        "status": run.status.name(),
        "summary": run.details.summary,
        "lastStatusChange": epoch(run.updated),
        // Also of one that has ended: only the status says whether it still waits.
        "token": run.token,
        "lastUpdatedBy": run.updated_by,
        "externalExecutionId": run.details.external_id,
        "externalExecutionUrl": run.details.external_url,
        "percentComplete": run.details.percent,
        "errorDetails": error(run),
    }))
}
