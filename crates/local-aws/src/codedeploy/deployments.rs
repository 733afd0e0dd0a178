//! Calls that make, show, steer and answer deployments.
//!
//! They change the state and wake the deployment's driver; none of them drives anything itself.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::applications::{check_batch, description, revision};
use super::groups::rollback;
use super::input::{self, APPLICATION, GROUP};
use super::lifecycle::Lifecycle;
use super::model::{BY_STACK, Deployment, Group, State, StopRequest, Waiting};
use super::outcome::DeploymentStatus;
use super::revision::Revision;
use super::settings::AutoRollback;
use super::traffic_shift::Driver;
use super::{CodeDeploy, hooks, ids};
use crate::error::AwsError;

/// `BatchGetDeployments` takes at most.
const MAX_DEPLOYMENTS: usize = 25;
/// The statuses `ListDeployments` can be asked for, those included that ECS never shows.
const STATUSES: [&str; 8] = [
    "Created",
    "Queued",
    "InProgress",
    "Baking",
    "Succeeded",
    "Failed",
    "Stopped",
    "Ready",
];

impl CodeDeploy {
    pub(super) fn create_deployment(&self, input: &Value) -> Result<Value, AwsError> {
        let application = input::name(input, "applicationName", APPLICATION)?;
        let group_name = input::name(input, "deploymentGroupName", GROUP)?;
        let group = self
            .state()
            .application(application)?
            .group(group_name)?
            .clone();
        let revision = revision(input)?.revision()?;
        let given = DeploymentOptions {
            config: self
                .config_name(input, group.target.platform())?
                .unwrap_or_else(|| group.config.clone()),
            rollback: rollback(input)?,
            description: description(input)?.map(str::to_owned),
        };
        let now = self.now();
        let (id, wake) = {
            let mut state = self.state();
            refuse_second(&state, application, &group)?;
            state
                .application_mut(application)?
                .register(&revision, None, true, now);
            let deployment = new(&state, application, group, revision, given, now)?;
            let handle = (deployment.id.clone(), deployment.wake.clone());
            state.deployments.push(deployment);
            handle
        };
        self.record(
            &id,
            "deployment",
            format!("Deployment {id} of {application} to {group_name} was created."),
            json!({
                "application": application, "deployment_group": group_name, "status": "Created",
            }),
        );
        tokio::spawn(Driver::new(self.clone(), id.clone(), wake).run());
        Ok(json!({ "deploymentId": id }))
    }

    pub(super) fn get_deployment(&self, input: &Value) -> Result<Value, AwsError> {
        let id = ids::check_deployment(input::text(input, "deploymentId")?)?;
        Ok(json!({ "deploymentInfo": self.state().deployment(id)?.to_wire() }))
    }

    pub(super) fn batch_get_deployments(&self, input: &Value) -> Result<Value, AwsError> {
        let ids = input::texts(input, "deploymentIds")?;
        if ids.is_empty() {
            ids::check_deployment(None)?;
        }
        check_batch(ids.len(), MAX_DEPLOYMENTS)?;
        for id in &ids {
            ids::check_deployment(Some(id))?;
        }
        let state = self.state();
        // Unknown ones are left out, as the model lists no error for them.
        let found: Vec<_> = ids
            .iter()
            .filter_map(|id| state.deployment(id).ok())
            .map(Deployment::to_wire)
            .collect();
        Ok(json!({ "deploymentsInfo": found }))
    }

    pub(super) fn list_deployments(&self, input: &Value) -> Result<Value, AwsError> {
        input::no_token(input)?;
        let application = input::optional_name(input, "applicationName", APPLICATION)?;
        let group = input::optional_name(input, "deploymentGroupName", GROUP)?;
        let statuses = input::texts(input, "includeOnlyStatuses")?;
        if let Some(wrong) = statuses
            .iter()
            .find(|status| !STATUSES.contains(&status.as_str()))
        {
            return Err(AwsError::client(
                "InvalidDeploymentStatusException",
                format!("{wrong} is not the status of a deployment"),
            ));
        }
        let range = input::member(input, "createTimeRange")
            .map(range)
            .transpose()?;
        let state = self.state();
        let group_id = match (application, group) {
            (Some(application), Some(group)) => {
                Some(state.application(application)?.group(group)?.id.clone())
            }
            (Some(application), None) => state.application(application).map(|_| None)?,
            (None, Some(_)) => {
                return Err(AwsError::client(
                    APPLICATION.missing,
                    "An application name must be specified",
                ));
            }
            (None, None) => None,
        };
        let wanted = |deployment: &&Deployment| {
            application.is_none_or(|name| name == deployment.application)
                && group_id
                    .as_ref()
                    .is_none_or(|id| *id == deployment.group.id)
                && (statuses.is_empty()
                    || statuses
                        .iter()
                        .any(|status| status == deployment.status.name()))
                && range.is_none_or(|(from, to)| {
                    from.is_none_or(|from| from <= deployment.created)
                        && to.is_none_or(|to| deployment.created <= to)
                })
        };
        let newest_first: Vec<_> = state
            .deployments
            .iter()
            .rev()
            .filter(wanted)
            .map(|deployment| &deployment.id)
            .collect();
        Ok(json!({ "deployments": newest_first }))
    }

    pub(super) fn stop_deployment(&self, input: &Value) -> Result<Value, AwsError> {
        let id = ids::check_deployment(input::text(input, "deploymentId")?)?;
        let roll_back = input::flag(input, "autoRollbackEnabled")?;
        let mut state = self.state();
        let deployment = state.deployment_mut(id)?;
        refuse_over(deployment)?;
        deployment.stop = Some(StopRequest { roll_back });
        deployment.wake.notify_one();
        Ok(json!({
            "status": "Pending",
            "statusMessage": format!("The deployment {id} is being stopped"),
        }))
    }

    pub(super) fn continue_deployment(&self, input: &Value) -> Result<Value, AwsError> {
        let id = ids::check_deployment(input::text(input, "deploymentId")?)?;
        let wait = match input::text(input, "deploymentWaitType")? {
            None | Some("READY_WAIT") => Waiting::Ready,
            Some("TERMINATION_WAIT") => Waiting::Termination,
            Some(other) => {
                return Err(AwsError::client(
                    "InvalidDeploymentWaitTypeException",
                    format!("{other} is not READY_WAIT or TERMINATION_WAIT"),
                ));
            }
        };
        let mut state = self.state();
        let deployment = state.deployment_mut(id)?;
        refuse_over(deployment)?;
        if deployment.waiting != wait {
            return Err(AwsError::client(
                "DeploymentIsNotInReadyStateException",
                format!("The deployment {id} does not wait to be continued like this"),
            ));
        }
        deployment.waiting = Waiting::No;
        deployment.wake.notify_one();
        Ok(json!({}))
    }

    pub(super) fn put_hook_status(&self, input: &Value) -> Result<Value, AwsError> {
        let id = ids::check_deployment(input::text(input, "deploymentId")?)?;
        let execution_id = input::text(input, "lifecycleEventHookExecutionId")?;
        let status = input::text(input, "status")?;
        let (execution_id, function, event) = {
            let mut state = self.state();
            let deployment = state.deployment_mut(id)?;
            let accepted = hooks::accept(&mut deployment.hooks, execution_id, status)?;
            let answered = (
                accepted.id.clone(),
                accepted.function.clone(),
                accepted.event,
            );
            deployment.updated = self.now();
            deployment.wake.notify_one();
            answered
        };
        let status = status.unwrap_or_default();
        self.record(
            id,
            "hook",
            format!("{function} answered {status} for {event}."),
            json!({
                "lifecycle_event": event, "function": function, "status": status,
                "lifecycle_event_hook_execution_id": execution_id,
            }),
        );
        Ok(json!({ "lifecycleEventHookExecutionId": execution_id }))
    }
}

/// What a call says of a new deployment.
struct DeploymentOptions {
    config: String,
    rollback: Option<AutoRollback>,
    description: Option<String>,
}

/// The description by which a deployment is shown as one of CloudFormation's own blue/green.
const STACK_BLUE_GREEN: &str = "AWS::CodeDeploy::BlueGreen";

fn new(
    state: &State,
    application: &str,
    group: Group,
    revision: Revision,
    given: DeploymentOptions,
    now: Timestamp,
) -> Result<Deployment, AwsError> {
    let platform = group.target.platform();
    let is_of_stack = given.description.as_deref() == Some(STACK_BLUE_GREEN);
    Ok(Deployment {
        id: ids::deployment(),
        application: application.to_owned(),
        routing: state.config(&given.config)?.routing,
        config: given.config,
        rollback: given.rollback,
        previous_revision: state.running_revision(application, &group.id),
        revision: Some(revision),
        description: given.description,
        creator: if is_of_stack { BY_STACK } else { "user" },
        group,
        status: DeploymentStatus::Created,
        error: None,
        rollback_info: None,
        created: now,
        started: None,
        completed: None,
        updated: now,
        lifecycle: Lifecycle::of(platform.events()),
        hooks: Vec::new(),
        waiting: Waiting::No,
        stop: None,
        closing: false,
        termination_wait_started: false,
        task_sets: Vec::new(),
        alias: None,
        wake: Arc::new(Notify::new()),
    })
}

/// One deployment at a time in a group, a rollback included.
fn refuse_second(state: &State, application: &str, group: &Group) -> Result<(), AwsError> {
    let active = |deployment: &&Deployment| !deployment.status.is_over();
    match state.of_group(application, &group.id).find(active) {
        None => Ok(()),
        Some(other) => Err(AwsError::client(
            "DeploymentLimitExceededException",
            format!(
                "The Deployment Group '{}' already has an active Deployment '{}'",
                group.name, other.id
            ),
        )),
    }
}

fn refuse_over(deployment: &Deployment) -> Result<(), AwsError> {
    if !deployment.status.is_over() && !deployment.closing {
        return Ok(());
    }
    Err(AwsError::client(
        "DeploymentAlreadyCompletedException",
        format!("The deployment {} is already completed", deployment.id),
    ))
}

/// `createTimeRange`, both ends optional.
fn range(given: &Value) -> Result<(Option<Timestamp>, Option<Timestamp>), AwsError> {
    let end = |name: &str| -> Result<Option<Timestamp>, AwsError> {
        let wrong = || {
            AwsError::client(
                "InvalidTimeRangeException",
                format!("{name} is not an epoch time"),
            )
        };
        let Some(seconds) = input::member(given, name) else {
            return Ok(None);
        };
        let seconds = seconds.as_f64().ok_or_else(wrong)?;
        let since = SignedDuration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
        Timestamp::from_duration(since)
            .map(Some)
            .map_err(|_| wrong())
    };
    let (from, to) = (end("start")?, end("end")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(AwsError::client(
            "InvalidTimeRangeException",
            "The start of the time range is after its end",
        ));
    }
    Ok((from, to))
}
