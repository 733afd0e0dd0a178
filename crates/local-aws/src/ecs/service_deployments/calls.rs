//! The calls about service deployments and service revisions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Ecs;
use super::super::api::{invalid, missing, page};
use super::super::model::State;
use super::configuration::HookAction;
use super::record::{HookStatus, ServiceDeployment, Status, StopRequest};
use crate::error::AwsError;
use crate::wire::json::read;

/// Deployments or revisions in one description, at most.
const MAX_DESCRIBED: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeDeployments {
    #[serde(default)]
    service_deployment_arns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeRevisions {
    #[serde(default)]
    service_revision_arns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    cluster: Option<String>,
    service: String,
    #[serde(default)]
    status: Vec<String>,
    created_at: Option<CreatedAt>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

/// Seconds since 1970.
#[derive(Deserialize)]
struct CreatedAt {
    before: Option<f64>,
    after: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stop {
    service_deployment_arn: String,
    stop_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Continue {
    service_deployment_arn: String,
    hook_id: String,
    action: Option<HookAction>,
}

impl Ecs {
    pub(in super::super) fn describe_service_deployments(
        &self,
        input: Value,
    ) -> Result<Value, AwsError> {
        let call: DescribeDeployments = read(input)?;
        let arns = named("serviceDeploymentArns", call.service_deployment_arns)?;
        let state = self.state();
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for arn in &arns {
            let mut all = state.service_deployments.iter();
            match all.find(|deployment| deployment.arn == *arn) {
                Some(deployment) => found.push(self.render_deployment_record(&state, deployment)),
                None => failures.push(missing(arn)),
            }
        }
        Ok(json!({ "serviceDeployments": found, "failures": failures }))
    }

    pub(in super::super) fn describe_service_revisions(
        &self,
        input: Value,
    ) -> Result<Value, AwsError> {
        let call: DescribeRevisions = read(input)?;
        let arns = named("serviceRevisionArns", call.service_revision_arns)?;
        let state = self.state();
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for arn in &arns {
            let mut all = state.service_revisions.iter();
            match all.find(|revision| revision.arn == *arn) {
                Some(revision) => found.push(self.render_revision(revision)),
                None => failures.push(missing(arn)),
            }
        }
        Ok(json!({ "serviceRevisions": found, "failures": failures }))
    }

    pub(in super::super) fn list_service_deployments(
        &self,
        input: Value,
    ) -> Result<Value, AwsError> {
        let call: List = read(input)?;
        let state = self.state();
        let index = state.any_index(call.cluster.as_deref(), &call.service)?;
        let service = &state.services[index].arn;
        let created = call.created_at.unwrap_or(CreatedAt {
            before: None,
            after: None,
        });
        let listed = |deployment: &&ServiceDeployment| {
            let at = deployment.created_at.as_duration().as_secs_f64();
            deployment.service_arn == *service
                && (call.status.is_empty()
                    || call.status.iter().any(|s| s == deployment.status.as_str()))
                && created.before.is_none_or(|before| at < before)
                && created.after.is_none_or(|after| at > after)
        };
        let newest_first = state.service_deployments.iter().rev().filter(listed);
        let rendered: Vec<Value> = newest_first.map(|d| self.render_brief(d)).collect();
        page(
            "serviceDeployments",
            &rendered,
            call.next_token.as_deref(),
            call.max_results,
            MAX_DESCRIBED,
        )
    }

    pub(in super::super) fn stop_service_deployment(
        &self,
        input: Value,
    ) -> Result<Value, AwsError> {
        let call: Stop = read(input)?;
        let stop = match call.stop_type.as_deref() {
            None | Some("ROLLBACK") => StopRequest::Rollback,
            Some("ABORT") => StopRequest::Abort,
            Some(other) => return Err(invalid(format!("Invalid stopType {other}."))),
        };
        let now = self.shared.clock.now();
        let mut state = self.state();
        let deployment = record(&mut state, &call.service_deployment_arn)?;
        if deployment.status != Status::InProgress {
            return Err(AwsError::client(
                "ConflictException",
                format!(
                    "The service deployment cannot be stopped because its status is {}.",
                    deployment.status.as_str()
                ),
            ));
        }
        deployment.stop = Some(stop);
        deployment.updated_at = now;
        deployment.status = if stop == StopRequest::Abort {
            Status::StopRequested
        } else {
            Status::RollbackRequested
        };
        deployment.changes.send_replace(());
        let plain = deployment.configuration.is_plain();
        let arn = deployment.arn.clone();
        if plain {
            let same = |deployment: &ServiceDeployment| deployment.arn == arn;
            let at = state.service_deployments.iter().position(same);
            let mut services = state.services.iter();
            let index = services.position(|service| service.deployment == at);
            if let (Some(index), Some(at)) = (index, at) {
                self.stop_plain(&mut state, index, at);
            }
        }
        Ok(json!({ "serviceDeploymentArn": arn }))
    }

    pub(in super::super) fn continue_service_deployment(
        &self,
        input: Value,
    ) -> Result<Value, AwsError> {
        let call: Continue = read(input)?;
        let mut state = self.state();
        let deployment = record(&mut state, &call.service_deployment_arn)?;
        let id = call.hook_id.as_str();
        let is_id = |id: &str| {
            let rest = id.strip_prefix("ecs-")?;
            let (kind, id) = rest.split_once('-')?;
            (!kind.is_empty() && !id.is_empty()).then_some(())
        };
        if is_id(id).is_none() {
            return Err(invalid(
                "Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}",
            ));
        }
        if deployment.status.is_final() {
            return Err(invalid(
                "Continuing a service deployment is not allowed for service deployment in terminal \
                 states.",
            ));
        }
        let mut hooks = deployment.hooks.iter_mut();
        let waiting = hooks.find(|hook| {
            hook.id == id && hook.status == HookStatus::AwaitingAction && hook.answer.is_none()
        });
        let in_progress = deployment.status == Status::InProgress;
        let Some(hook) = waiting.filter(|_| in_progress) else {
            return Err(invalid(
                "Provided hookId is either completed, unavailable, or not associated with the given \
                 Resource ARN",
            ));
        };
        hook.answer = Some(call.action.unwrap_or(HookAction::Continue));
        deployment.changes.send_replace(());
        Ok(json!({ "serviceDeploymentArn": deployment.arn }))
    }
}

/// The ARNs of a description.
fn named(field: &str, arns: Vec<String>) -> Result<Vec<String>, AwsError> {
    if arns.is_empty() {
        return Err(invalid(format!("{field} cannot be empty.")));
    }
    if arns.len() > MAX_DESCRIBED {
        return Err(invalid(format!(
            "{field} cannot have more than {MAX_DESCRIBED} elements."
        )));
    }
    Ok(arns)
}

fn record<'a>(state: &'a mut State, arn: &str) -> Result<&'a mut ServiceDeployment, AwsError> {
    let mut all = state.service_deployments.iter_mut();
    all.find(|deployment| deployment.arn == arn).ok_or_else(|| {
        AwsError::client(
            "ServiceDeploymentNotFoundException",
            "The service deployment does not exist.",
        )
    })
}
