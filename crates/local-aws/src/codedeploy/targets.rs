//! Calls about the one target of a deployment: its lifecycle events, and its task sets or versions.
//!
//! While a deployment runs, counts and weights are read from ECS and the load balancer at the
//! moment of the call; once it is over they stay as they were, because the next deployment moves
//! them.

use serde_json::{Value, json};

use super::model::{AliasTarget, Deployment, Service, TaskSetRecord, events_to_wire, seconds};
use super::outcome::{DeploymentStatus, target_status};
use super::platform::Platform;
use super::routing::share;
use super::{CodeDeploy, ids, input};
use crate::World;
use crate::error::AwsError;

/// `BatchGetDeploymentTargets` takes at most.
const MAX_TARGETS: usize = 25;

impl CodeDeploy {
    pub(super) fn list_deployment_targets(&self, input: &Value) -> Result<Value, AwsError> {
        let id = ids::check_deployment(input::text(input, "deploymentId")?)?;
        input::no_token(input)?;
        let filters = input::member(input, "targetFilters").and_then(Value::as_object);
        let state = self.state();
        let deployment = started(state.deployment(id)?)?;
        let status = target_status(deployment.status, &deployment.lifecycle);
        let mut shown = true;
        for (name, values) in filters.into_iter().flatten() {
            match name.as_str() {
                "TargetStatus" => {
                    let wanted = values
                        .as_array()
                        .is_some_and(|all| all.iter().any(|v| v == status));
                    shown &= wanted;
                }
                // The one target is both the blue and the green environment.
                "ServerInstanceLabel" => {}
                other => {
                    return Err(AwsError::client(
                        "InvalidTargetFilterNameException",
                        format!("{other} is not TargetStatus or ServerInstanceLabel"),
                    ));
                }
            }
        }
        let ids: Vec<_> = shown
            .then(|| target_id(deployment))
            .flatten()
            .into_iter()
            .collect();
        Ok(json!({ "targetIds": ids }))
    }

    pub(super) fn get_deployment_target(&self, input: &Value) -> Result<Value, AwsError> {
        let id = ids::check_deployment(input::text(input, "deploymentId")?)?;
        let target = input::text(input, "targetId")?.filter(|target| !target.is_empty());
        let target = target.ok_or_else(target_required)?;
        Ok(json!({ "deploymentTarget": self.target(id, target)? }))
    }

    pub(super) fn batch_get_deployment_targets(&self, input: &Value) -> Result<Value, AwsError> {
        let id = ids::check_deployment(input::text(input, "deploymentId")?)?;
        let targets = input::texts(input, "targetIds")?;
        if targets.is_empty() {
            return Err(target_required());
        }
        if targets.len() > MAX_TARGETS {
            return Err(AwsError::client(
                "DeploymentTargetListSizeExceededException",
                format!(
                    "{} targets were given; {MAX_TARGETS} is the most",
                    targets.len()
                ),
            ));
        }
        let found: Result<Vec<_>, _> = targets
            .iter()
            .map(|target| self.target(id, target))
            .collect();
        Ok(json!({ "deploymentTargets": found? }))
    }

    fn target(&self, id: &str, target: &str) -> Result<Value, AwsError> {
        let (mut wire, ecs, alias, records) = {
            let state = self.state();
            let deployment = started(state.deployment(id)?)?;
            check_target(deployment, target)?;
            let wire = json!({
                "deploymentId": id,
                "targetId": target,
                "lastUpdatedAt": seconds(deployment.updated),
                "lifecycleEvents": events_to_wire(deployment.lifecycle.records()),
                "status": target_status(deployment.status, &deployment.lifecycle),
            });
            let ecs = deployment.group.target.ecs().cloned();
            let alias = deployment.alias.clone();
            (wire, ecs, alias, deployment.task_sets.clone())
        };
        let Some(ecs) = ecs else {
            if let Some(alias) = alias {
                let World {
                    account, region, ..
                } = self.world();
                let prefix = format!("arn:aws:lambda:{region}:{account}:function");
                wire["targetArn"] = json!(format!("{prefix}:{}", alias.target_id()));
                wire["lambdaFunctionInfo"] = json!({
                    "functionName": alias.function,
                    "functionAlias": alias.alias,
                    "currentVersion": alias.current,
                    "targetVersion": alias.target,
                    "targetVersionWeight": f64::from(alias.weight) / 100.0,
                });
            }
            return Ok(json!({ "deploymentTargetType": "LambdaTarget", "lambdaTarget": wire }));
        };
        let (service, listener) = (&ecs.service, &ecs.load_balancer.production);
        if let Some(view) = self.world().ecs.service(&service.cluster, &service.name) {
            wire["targetArn"] = json!(view.arn);
        }
        wire["taskSetsInfo"] = records
            .iter()
            .map(|record| {
                let live = || self.task_set_wire(record, service, listener);
                record.last.clone().unwrap_or_else(live)
            })
            .collect();
        Ok(json!({ "deploymentTargetType": "ECSTarget", "ecsTarget": wire }))
    }

    /// Keeps the task sets as they are now for whoever asks later.
    pub(super) fn freeze_target(&self, id: &str) {
        let Some((ecs, mut records)) = self.state().deployment(id).ok().and_then(|found| {
            let ecs = found.group.target.ecs()?.clone();
            Some((ecs, found.task_sets.clone()))
        }) else {
            return;
        };
        for record in &mut records {
            let listener = &ecs.load_balancer.production;
            record.last = Some(self.task_set_wire(record, &ecs.service, listener));
        }
        if let Ok(deployment) = self.state().deployment_mut(id) {
            deployment.task_sets = records;
        }
    }

    fn task_set_wire(&self, record: &TaskSetRecord, service: &Service, listener: &str) -> Value {
        let elb = &self.world().elb;
        let forwards = elb.forwards_naming(listener, &[&record.target_group]);
        let view = self
            .world()
            .ecs
            .task_set(&service.cluster, &service.name, &record.id);
        let (status, desired, pending, running) = match view {
            Some(view) => (
                view.status.to_string(),
                view.desired,
                view.pending,
                view.running,
            ),
            // ECS forgets a task set once its last task has stopped.
            None => ("DRAINING".to_owned(), 0, 0, 0),
        };
        // The member is spelt like this in the service model.
        json!({
            "identifer": record.id,
            "desiredCount": desired,
            "pendingCount": pending,
            "runningCount": running,
            "status": status,
            "trafficWeight": share(&forwards, &record.target_group),
            "targetGroup": { "name": record.target_group_name },
            "taskSetLabel": record.label,
        })
    }
}

fn started(deployment: &Deployment) -> Result<&Deployment, AwsError> {
    if deployment.status == DeploymentStatus::Created {
        return Err(AwsError::client(
            "DeploymentNotStartedException",
            format!("The deployment {} has not started yet", deployment.id),
        ));
    }
    Ok(deployment)
}

/// The identifier of the one target; a Lambda deployment has none before its revision was read.
fn target_id(deployment: &Deployment) -> Option<String> {
    match deployment.group.target.ecs() {
        Some(ecs) => Some(ecs.service.target_id()),
        None => deployment.alias.as_ref().map(AliasTarget::target_id),
    }
}

fn check_target(deployment: &Deployment, target: &str) -> Result<(), AwsError> {
    if target_id(deployment).as_deref() == Some(target) {
        return Ok(());
    }
    let well_formed = target.split_once(':').is_some_and(|(cluster, service)| {
        !cluster.is_empty() && !service.is_empty() && !service.contains(':')
    });
    if well_formed {
        return Err(AwsError::client(
            "DeploymentTargetDoesNotExistException",
            format!("The deployment {} has no target {target}", deployment.id),
        ));
    }
    let platform = deployment.group.target.platform();
    let form = match platform {
        Platform::Ecs => "<cluster-name>:<service-name>",
        Platform::Lambda => "<function-name>:<alias>",
    };
    Err(AwsError::client(
        "InvalidDeploymentTargetIdException",
        format!(
            "Invalid id {target} for {} deployment, valid Id should be in format {form}",
            platform.name()
        ),
    ))
}

fn target_required() -> AwsError {
    AwsError::client(
        "DeploymentTargetIdRequiredException",
        "A deployment target ID must be specified",
    )
}
