//! Task sets: the versions of a service that run side by side.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::{invalid, missing};
use super::model::{Rollout, Service, State, Stop, TaskSet};
use super::services::{LoadBalancer, check_network, given, load_balancers, render_load_balancers};
use super::simulated_tasks::SimulatedTasks;
use super::tags::{Tag, check as check_tags, to_map};
use super::{DeploymentController, Ecs, ServiceLoadBalancer, TaskSetStatus};
use crate::error::AwsError;
use crate::ids;
use crate::wire::json::{epoch, read};

/// Fields of `CreateTaskSet` that are kept and given back, and change nothing here.
const GIVEN: &[&str] = &[
    "capacityProviderStrategy",
    "launchType",
    "networkConfiguration",
    "platformVersion",
    "serviceRegistries",
];

/// What a new task set is to be.
pub(super) struct TaskSetSpec {
    pub(super) task_definition: String,
    pub(super) load_balancers: Vec<ServiceLoadBalancer>,
    pub(super) scale: f64,
    pub(super) external_id: Option<String>,
    pub(super) started_by: Option<String>,
    pub(super) given: Map<String, Value>,
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    cluster: String,
    service: String,
    task_definition: String,
    external_id: Option<String>,
    #[serde(default)]
    load_balancers: Vec<LoadBalancer>,
    network_configuration: Option<Value>,
    scale: Option<Scale>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Scale {
    value: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Describe {
    cluster: String,
    service: String,
    #[serde(default)]
    task_sets: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

#[derive(Deserialize)]
struct Primary {
    cluster: String,
    service: String,
    #[serde(rename = "primaryTaskSet")]
    chosen: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delete {
    cluster: String,
    service: String,
    task_set: String,
    #[serde(default)]
    force: bool,
}

impl Ecs {
    pub(super) fn create_task_set_call(&self, input: Value) -> Result<Value, AwsError> {
        let given = given(&input, GIVEN);
        let call: Create = read(input)?;
        let scale = call.scale.and_then(|scale| scale.value).unwrap_or(100.0);
        if !(0.0..=100.0).contains(&scale) {
            return Err(invalid("Scale value must be between 0 and 100 percent."));
        }
        let mut state = self.state();
        let index = state.active_index(Some(&call.cluster), &call.service)?;
        if state.services[index].controller == DeploymentController::Ecs {
            return Err(invalid(
                "Task sets can only be created for services with an EXTERNAL deployment controller.",
            ));
        }
        check_network(
            state.startable(&call.task_definition)?,
            call.network_configuration.is_some(),
        )?;
        check_tags(&call.tags)?;
        let spec = TaskSetSpec {
            task_definition: call.task_definition,
            load_balancers: load_balancers(call.load_balancers)?,
            scale,
            external_id: call.external_id,
            started_by: None,
            given,
            tags: to_map(call.tags),
        };
        let arn = self.add_task_set(&mut state, index, spec)?;
        self.answer_with(&state, index, &arn)
    }

    pub(super) fn describe_task_sets(&self, input: Value) -> Result<Value, AwsError> {
        let call: Describe = read(input)?;
        let state = self.state();
        let service = &state.services[state.active_index(Some(&call.cluster), &call.service)?];
        let tags = call.include.iter().any(|what| what == "TAGS");
        let named = |set: &TaskSet, wanted: &str| set.id == wanted || set.arn == wanted;
        let wanted = |set: &&TaskSet| {
            call.task_sets.is_empty() || call.task_sets.iter().any(|wanted| named(set, wanted))
        };
        let sets = service.task_sets.iter();
        let found: Vec<Value> = sets
            .filter(wanted)
            .map(|set| self.render_set(&state, service, set, tags))
            .collect();
        let unknown = |wanted: &&String| !service.task_sets.iter().any(|set| named(set, wanted));
        let failures: Vec<Value> = call
            .task_sets
            .iter()
            .filter(unknown)
            .map(|wanted| missing(wanted))
            .collect();
        Ok(json!({ "taskSets": found, "failures": failures }))
    }

    pub(super) fn update_service_primary_task_set(&self, input: Value) -> Result<Value, AwsError> {
        let call: Primary = read(input)?;
        let mut state = self.state();
        let index = state.active_index(Some(&call.cluster), &call.service)?;
        self.make_primary(&mut state, index, &call.chosen)?;
        self.answer_with(&state, index, &call.chosen)
    }

    pub(super) fn delete_task_set_call(&self, input: Value) -> Result<Value, AwsError> {
        let call: Delete = read(input)?;
        let mut state = self.state();
        let index = state.active_index(Some(&call.cluster), &call.service)?;
        self.drain(&mut state, index, &call.task_set, call.force)?;
        self.answer_with(&state, index, &call.task_set)
    }

    /// Adds an active task set to the service of that index and gives its ARN.
    pub(super) fn add_task_set(
        &self,
        state: &mut State,
        index: usize,
        spec: TaskSetSpec,
    ) -> Result<String, AwsError> {
        let definition = state.startable(&spec.task_definition)?;
        self.check_load_balancers(definition, &spec.load_balancers)?;
        let task_definition = definition.arn.clone();
        let simulated = definition
            .is_without_processes()
            .then(SimulatedTasks::default);
        let service = &mut state.services[index];
        let id = format!("ecs-svc/{}", ids::digits19());
        let prefix = &self.shared.arn_prefix;
        let arn = format!(
            "{prefix}:task-set/{}/{}/{id}",
            service.cluster, service.name
        );
        let at = self.shared.clock.now();
        let inherited = service
            .given
            .iter()
            .filter(|(field, _)| GIVEN.contains(&field.as_str()));
        let mut given: Map<String, Value> = inherited
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect();
        given.extend(spec.given);
        service.quiet = false;
        service.task_sets.push(TaskSet {
            id,
            arn: arn.clone(),
            status: TaskSetStatus::Active,
            task_definition,
            load_balancers: spec.load_balancers,
            scale: spec.scale,
            external_id: spec.external_id,
            started_by: spec.started_by,
            created_at: at,
            updated_at: at,
            steady: false,
            steady_at: at,
            given,
            simulated,
            rollout: Rollout::InProgress,
            revision: None,
            failures: 0,
            next_start: None,
        });
        state.tags.insert(arn.clone(), spec.tags);
        self.shared.changed.notify_one();
        Ok(arn)
    }

    /// Makes a task set the primary one, and the one before an active one.
    pub(super) fn make_primary(
        &self,
        state: &mut State,
        index: usize,
        id: &str,
    ) -> Result<(), AwsError> {
        let at = self.shared.clock.now();
        let service = &mut state.services[index];
        let chosen = service.task_set(id)?;
        if chosen.status == TaskSetStatus::Draining {
            return Err(invalid(
                "The task set is draining and cannot become the primary one.",
            ));
        }
        let (arn, task_definition) = (chosen.arn.clone(), chosen.task_definition.clone());
        let balancers = chosen.load_balancers.clone();
        for set in &mut service.task_sets {
            let status = match set.status {
                _ if set.arn == arn => TaskSetStatus::Primary,
                TaskSetStatus::Primary => TaskSetStatus::Active,
                other => other,
            };
            if status != set.status {
                set.status = status;
                set.updated_at = at;
            }
        }
        // What the primary task set is, the service says it is. ECS itself keeps its pair of target groups.
        if service.controller == DeploymentController::CodeDeploy {
            service.load_balancers = balancers;
        }
        service.quiet = false;
        service.task_definition = Some(task_definition);
        Ok(())
    }

    /// Starts to drain a task set.
    pub(super) fn drain(
        &self,
        state: &mut State,
        index: usize,
        id: &str,
        force: bool,
    ) -> Result<(), AwsError> {
        let at = self.shared.clock.now();
        let service = &mut state.services[index];
        service.quiet = false;
        let desired = service.desired;
        let set = service.task_set(id)?;
        if set.status == TaskSetStatus::Primary {
            return Err(invalid(
                "The primary task set cannot be deleted. Make another one primary first.",
            ));
        }
        if set.wanted(desired) > 0 && !force {
            return Err(invalid(
                "The task set cannot be deleted while it is scaled above 0. Use force.",
            ));
        }
        set.status = TaskSetStatus::Draining;
        set.updated_at = at;
        let id = set.id.clone();
        for task in state.tasks.iter().filter(|task| task.task_set == id) {
            let reason = format!("Task set {id} was deleted");
            task.ask_to_stop(Stop {
                code: "ServiceSchedulerInitiated",
                reason,
            });
        }
        self.shared.changed.notify_one();
        Ok(())
    }

    /// `{"taskSet": …}`
    fn answer_with(&self, state: &State, index: usize, id: &str) -> Result<Value, AwsError> {
        let service = &state.services[index];
        let set = service
            .task_sets
            .iter()
            .find(|set| set.id == id || set.arn == id);
        let set = set.ok_or_else(|| AwsError::internal("the task set is gone"))?;
        Ok(json!({ "taskSet": self.render_set(state, service, set, true) }))
    }

    pub(super) fn render_set(
        &self,
        state: &State,
        service: &Service,
        set: &TaskSet,
        tags: bool,
    ) -> Value {
        let view = self.view_set(state, service.desired, set);
        let mut value = set.given.clone();
        let own = json!({
            "id": set.id,
            "taskSetArn": set.arn,
            "serviceArn": service.arn,
            "clusterArn": format!("{}:cluster/{}", self.shared.arn_prefix, service.cluster),
            "startedBy": set.started_by,
            "externalId": set.external_id,
            "status": set.status.to_string(),
            "taskDefinition": set.task_definition,
            "computedDesiredCount": view.desired,
            "pendingCount": view.pending,
            "runningCount": view.running,
            "createdAt": epoch(set.created_at),
            "updatedAt": epoch(set.updated_at),
            "loadBalancers": render_load_balancers(&set.load_balancers),
            "scale": { "value": set.scale, "unit": "PERCENT" },
            "stabilityStatus": view.stability.to_string(),
            "stabilityStatusAt": epoch(set.steady_at),
            "tags": tags.then(|| super::tags::render(state, &set.arn)),
        });
        if let Value::Object(own) = own {
            value.extend(own);
        }
        Value::Object(value)
    }
}
