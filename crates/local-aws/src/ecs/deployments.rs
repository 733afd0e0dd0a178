//! Plain rolling updates of services whose deployment controller is ECS: the new version is brought up
//! beside the old one, which goes once the new one is steady.
//!
//! Each deployment is a task set that callers do not see as one: `DescribeServices` shows it in
//! `deployments`. One that never gets steady stays in progress. Deployments with hooks, alarms, a circuit
//! breaker or traffic to shift are driven by `service_deployments`.

use serde_json::{Map, Value, json};

use super::model::{Rollout, Service, State, TaskSet};
use super::services::{GIVEN, check_network, load_balancers};
use super::task_sets::TaskSetSpec;
use super::{DeploymentController, Ecs, TaskSetStatus};
use crate::error::AwsError;
use crate::wire::json::{epoch, read};

/// Fields of `UpdateService` that start a deployment when they change.
const DEPLOYING: &[&str] = &[
    "capacityProviderStrategy",
    "launchType",
    "networkConfiguration",
    "platformVersion",
    "serviceRegistries",
];

/// Lets the old versions go once the new one is steady, and notes when it is alone. Tells whether
/// somebody has to go.
pub(super) fn go_on(ecs: &Ecs, state: &mut State, service: &mut Service) -> bool {
    let driven = |at: usize| !state.service_deployments[at].configuration.is_plain();
    if service.controller != DeploymentController::Ecs || service.deployment.is_some_and(driven) {
        return false;
    }
    let at = ecs.shared.clock.now();
    let primary = |set: &&mut TaskSet| set.status == TaskSetStatus::Primary;
    let Some(new) = service.task_sets.iter_mut().find(primary) else {
        return false;
    };
    if !new.steady || new.rollout != Rollout::InProgress {
        return false;
    }
    let id = new.id.clone();
    let mut going = false;
    for old in &mut service.task_sets {
        if old.status == TaskSetStatus::Active {
            old.status = TaskSetStatus::Draining;
            old.updated_at = at;
            going = true;
        }
    }
    if let [only] = service.task_sets.as_mut_slice() {
        only.rollout = Rollout::Completed;
        only.updated_at = at;
        ecs.complete_deployment(state, service);
        let note = format!(
            "(service {}) (deployment {id}) deployment completed.",
            service.name
        );
        service.note(at, note);
        ecs.record(
            "task-set",
            format!("The deployment {id} of {} is complete.", service.name),
            json!({ "service": service.name, "deployment": id }),
        );
    }
    going
}

impl Ecs {
    /// Starts a deployment, if the update has something to deploy.
    pub(super) fn roll_out(
        &self,
        state: &mut State,
        index: usize,
        update: &Map<String, Value>,
    ) -> Result<(), AwsError> {
        let service = &state.services[index];
        let asked = update.get("taskDefinition").and_then(Value::as_str);
        let task_definition = match asked {
            Some(asked) => state.startable(asked)?.arn.clone(),
            None => service.task_definition.clone().unwrap_or_default(),
        };
        let changed = |field: &&str| {
            update
                .get(*field)
                .is_some_and(|value| !value.is_null() && service.given.get(*field) != Some(value))
        };
        let balancers = match update.get("loadBalancers").filter(|value| !value.is_null()) {
            Some(given) => load_balancers(read(given.clone())?)?,
            None => service.load_balancers.clone(),
        };
        let moved = balancers != service.load_balancers;
        let forced = update.get("forceNewDeployment") == Some(&Value::Bool(true));
        let new_version = service.task_definition.as_ref() != Some(&task_definition);
        if !forced && !new_version && !moved && !DEPLOYING.iter().any(changed) {
            return Ok(());
        }
        let given: Map<String, Value> = GIVEN
            .iter()
            .filter_map(|field| Some(((*field).to_owned(), update.get(*field)?.clone())))
            .collect();
        let has_network = given.contains_key("networkConfiguration")
            || service.given.contains_key("networkConfiguration");
        check_network(state.startable(&task_definition)?, has_network)?;
        let spec = TaskSetSpec {
            task_definition,
            load_balancers: balancers,
            scale: 100.0,
            external_id: None,
            started_by: None,
            given,
            tags: std::collections::BTreeMap::new(),
        };
        state.services[index]
            .load_balancers
            .clone_from(&spec.load_balancers);
        self.begin_deployment(state, index, spec)
    }

    /// `deployments` of a service, newest first; empty under other controllers.
    pub(super) fn render_deployments(&self, state: &State, service: &Service) -> Value {
        if service.controller != DeploymentController::Ecs {
            return json!([]);
        }
        let newest_first = service.task_sets.iter().rev();
        newest_first
            .map(|set| self.render_deployment(state, service, set))
            .collect()
    }

    fn render_deployment(&self, state: &State, service: &Service, set: &TaskSet) -> Value {
        let counts = state.counts(set, self.shared.clock.now());
        let (rollout, reason) = match set.rollout {
            Rollout::Completed => ("COMPLETED", "completed"),
            Rollout::InProgress => ("IN_PROGRESS", "in progress"),
            Rollout::Failed => ("FAILED", "failed"),
        };
        let status = match set.status {
            TaskSetStatus::Primary => "PRIMARY",
            TaskSetStatus::Active | TaskSetStatus::Draining => "ACTIVE",
        };
        let mut value = set.given.clone();
        let own = json!({
            "id": set.id,
            "status": status,
            "taskDefinition": set.task_definition,
            "desiredCount": set.wanted(service.desired),
            "pendingCount": counts.pending,
            "runningCount": counts.running,
            "failedTasks": set.failures,
            "createdAt": epoch(set.created_at),
            "updatedAt": epoch(set.updated_at),
            "rolloutState": rollout,
            "rolloutStateReason": format!("ECS deployment {} {reason}.", set.id),
        });
        if let Value::Object(own) = own {
            value.extend(own);
        }
        Value::Object(value)
    }
}
