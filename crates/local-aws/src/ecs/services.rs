//! Services: making, describing, listing and deleting them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::api::{invalid, missing, page};
use super::find::last;
use super::model::{Service, ServiceStatus, State, Stop, TaskDefinition, TaskStatus};
use super::tags::{Tag, to_map};
use super::task_sets::TaskSetSpec;
use super::{DeploymentController, Ecs, ServiceLoadBalancer, TaskSetStatus};
use crate::error::AwsError;
use crate::wire::json::{epoch, read};

/// Services in one description, at most.
const MOST_DESCRIBED: usize = 10;
/// Fields of `CreateService` that are kept and given back, and change nothing here.
const GIVEN: &[&str] = &[
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "launchType",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "serviceRegistries",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    cluster: Option<String>,
    #[serde(default)]
    service_name: String,
    task_definition: Option<String>,
    #[serde(default)]
    load_balancers: Vec<LoadBalancer>,
    desired_count: Option<u32>,
    scheduling_strategy: Option<String>,
    deployment_controller: Option<Controller>,
    network_configuration: Option<Value>,
    health_check_grace_period_seconds: Option<u64>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Controller {
    #[serde(rename = "type")]
    kind: String,
}

/// A load balancer as services and task sets name it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoadBalancer {
    target_group_arn: Option<String>,
    container_name: Option<String>,
    container_port: Option<u16>,
}

#[derive(Deserialize)]
struct Describe {
    cluster: Option<String>,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
}

#[derive(Deserialize)]
struct Delete {
    cluster: Option<String>,
    service: String,
    #[serde(default)]
    force: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    cluster: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

impl Ecs {
    pub(super) fn create_service(&self, input: Value) -> Result<Value, AwsError> {
        let given = given(&input, GIVEN);
        let mut call: Create = read(input)?;
        let controller = check(&call)?;
        let balancers = load_balancers(std::mem::take(&mut call.load_balancers))?;
        let mut state = self.state();
        let cluster = state.cluster(call.cluster.as_deref())?.name.clone();
        if let Ok(known) = state.any_index(call.cluster.as_deref(), &call.service_name) {
            match state.services[known].status {
                ServiceStatus::Active => {
                    return Err(invalid("Creation of service was not idempotent."));
                }
                ServiceStatus::Draining => {
                    return Err(invalid("Unable to Start a service that is still Draining."));
                }
                ServiceStatus::Inactive => {}
            }
        }
        let definition = match (&call.task_definition, controller) {
            (Some(wanted), _) => Some(state.startable(wanted)?),
            (None, DeploymentController::External) => None,
            (None, DeploymentController::CodeDeploy) => {
                return Err(invalid("TaskDefinition can not be blank."));
            }
        };
        if let Some(definition) = definition {
            check_network(definition, call.network_configuration.is_some())?;
            self.check_load_balancers(definition, &balancers)?;
            self.check_attached(&balancers)?;
        }
        let arn = format!(
            "{}:service/{cluster}/{}",
            self.shared.arn_prefix, call.service_name
        );
        let service = Service {
            arn: arn.clone(),
            name: call.service_name.clone(),
            cluster,
            status: ServiceStatus::Active,
            desired: call.desired_count.unwrap_or(0),
            controller,
            task_definition: definition.map(|definition| definition.arn.clone()),
            load_balancers: balancers.clone(),
            grace: Duration::from_secs(call.health_check_grace_period_seconds.unwrap_or(0)),
            created_at: self.shared.clock.now(),
            given,
            events: std::collections::VecDeque::new(),
            task_sets: Vec::new(),
        };
        let index = state.services.len();
        state.services.push(service);
        state.tags.insert(arn, to_map(call.tags));
        if let Some(task_definition) = call.task_definition {
            let first = TaskSetSpec {
                task_definition,
                load_balancers: balancers,
                scale: 100.0,
                external_id: None,
                started_by: None,
                given: Map::new(),
                tags: std::collections::BTreeMap::new(),
            };
            let set = self.add_task_set(&mut state, index, first)?;
            self.make_primary(&mut state, index, &set)?;
        }
        let service = &state.services[index];
        Ok(json!({ "service": self.render_service(&state, service, true) }))
    }

    pub(super) fn describe_services(&self, input: Value) -> Result<Value, AwsError> {
        let call: Describe = read(input)?;
        if call.services.is_empty() {
            return Err(invalid("Services cannot be empty."));
        }
        if call.services.len() > MOST_DESCRIBED {
            return Err(invalid("Services cannot have more than 10 elements."));
        }
        let state = self.state();
        let cluster = state.cluster(call.cluster.as_deref())?.name.clone();
        let tags = call.include.iter().any(|what| what == "TAGS");
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for wanted in &call.services {
            let name = last(wanted);
            let service = state
                .services
                .iter()
                .rfind(|s| s.name == name && s.cluster == cluster);
            match service {
                Some(service) => found.push(self.render_service(&state, service, tags)),
                None => failures.push(missing(&format!(
                    "{}:service/{cluster}/{name}",
                    self.shared.arn_prefix
                ))),
            }
        }
        Ok(json!({ "services": found, "failures": failures }))
    }

    pub(super) fn delete_service(&self, input: Value) -> Result<Value, AwsError> {
        let call: Delete = read(input)?;
        let mut state = self.state();
        let index = state.active_index(call.cluster.as_deref(), &call.service)?;
        let service = &mut state.services[index];
        if service.desired > 0 && !call.force {
            return Err(invalid(
                "The service cannot be stopped while it is scaled above 0.",
            ));
        }
        if service.controller == DeploymentController::External
            && !service.task_sets.is_empty()
            && !call.force
        {
            return Err(invalid(
                "The service cannot be stopped while it has task sets.",
            ));
        }
        service.status = ServiceStatus::Draining;
        service.desired = 0;
        for set in &mut service.task_sets {
            set.status = TaskSetStatus::Draining;
        }
        let sets: Vec<String> = service.task_sets.iter().map(|set| set.id.clone()).collect();
        for task in state
            .tasks
            .iter()
            .filter(|task| sets.contains(&task.task_set))
        {
            let reason = "Service deletion".to_owned();
            task.ask_to_stop(Stop {
                code: "ServiceSchedulerInitiated",
                reason,
            });
        }
        let service = &state.services[index];
        Ok(json!({ "service": self.render_service(&state, service, true) }))
    }

    pub(super) fn list_services(&self, input: Value) -> Result<Value, AwsError> {
        let call: List = read(input)?;
        let state = self.state();
        let cluster = &state.cluster(call.cluster.as_deref())?.name;
        let listed = |s: &&Service| s.cluster == *cluster && s.status != ServiceStatus::Inactive;
        let arns: Vec<String> = state
            .services
            .iter()
            .filter(listed)
            .map(|service| service.arn.clone())
            .collect();
        page(
            "serviceArns",
            &arns,
            call.next_token.as_deref(),
            call.max_results,
            10,
        )
    }

    /// Refuses load balancers that do not fit the task definition.
    pub(super) fn check_load_balancers(
        &self,
        definition: &TaskDefinition,
        balancers: &[ServiceLoadBalancer],
    ) -> Result<(), AwsError> {
        for ServiceLoadBalancer {
            target_group_arn: group,
            container_name,
            container_port,
        } in balancers
        {
            let container = definition
                .containers
                .iter()
                .find(|c| c.name == *container_name);
            let container = container.ok_or_else(|| {
                invalid(format!(
                    "The container {container_name} does not exist in the task definition."
                ))
            })?;
            if !container.ports.contains(container_port) {
                return Err(invalid(format!(
                    "The container {container_name} did not have a container port {container_port} \
                     defined."
                )));
            }
            let facts = self.shared.elb.target_group_facts(group).ok_or_else(|| {
                invalid(format!(
                    "The target group with targetGroupArn {group} does not exist."
                ))
            })?;
            if definition.network_mode.as_deref() == Some("awsvpc") && facts.target_type != "ip" {
                return Err(invalid(format!(
                    "The provided target group {group} has target type {}, which is incompatible \
                     with the awsvpc network mode specified in the task definition.",
                    facts.target_type
                )));
            }
        }
        Ok(())
    }

    fn check_attached(&self, balancers: &[ServiceLoadBalancer]) -> Result<(), AwsError> {
        for ServiceLoadBalancer {
            target_group_arn: group,
            ..
        } in balancers
        {
            let facts = self.shared.elb.target_group_facts(group);
            if !facts.is_some_and(|facts| facts.attached) {
                return Err(invalid(format!(
                    "The target group with targetGroupArn {group} does not have an associated \
                     load balancer."
                )));
            }
        }
        Ok(())
    }

    pub(super) fn render_service(&self, state: &State, service: &Service, tags: bool) -> Value {
        let count = |status: TaskStatus| {
            let here = |task: &&super::model::Task| {
                service.task_sets.iter().any(|set| set.id == task.task_set) && task.status == status
            };
            state.tasks.iter().filter(here).count()
        };
        let sets = service.task_sets.iter();
        let sets: Vec<Value> = sets
            .map(|set| self.render_set(state, service, set, tags))
            .collect();
        let events = service.events.iter().map(|event| {
            json!({ "id": event.id, "createdAt": epoch(event.at), "message": event.message })
        });
        let cluster = format!("{}:cluster/{}", self.shared.arn_prefix, service.cluster);
        let mut value = service.given.clone();
        let own = json!({
            "serviceArn": service.arn,
            "serviceName": service.name,
            "clusterArn": cluster,
            "loadBalancers": render_load_balancers(&service.load_balancers),
            "status": service.status.as_str(),
            "desiredCount": service.desired,
            "runningCount": count(TaskStatus::Running),
            "pendingCount": count(TaskStatus::Pending),
            "taskDefinition": service.task_definition,
            "taskSets": sets,
            "deployments": [],
            "events": events.collect::<Vec<_>>(),
            "createdAt": epoch(service.created_at),
            "schedulingStrategy": "REPLICA",
            "deploymentController": { "type": service.controller.to_string() },
            "tags": tags.then(|| super::tags::render(state, &service.arn)),
        });
        if let Value::Object(own) = own {
            value.extend(own);
        }
        Value::Object(value)
    }
}

fn check(call: &Create) -> Result<DeploymentController, AwsError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let name = &call.service_name;
    if name.is_empty() {
        return Err(invalid("Service name can not be blank."));
    }
    if name.len() > 255 || !name.bytes().all(legal) {
        return Err(invalid("Invalid service name."));
    }
    if let Some(strategy) = call
        .scheduling_strategy
        .as_deref()
        .filter(|s| *s != "REPLICA")
    {
        return Err(invalid(format!(
            "local-aws has the scheduling strategy REPLICA only, not {strategy}"
        )));
    }
    let kind = call
        .deployment_controller
        .as_ref()
        .map_or("ECS", |c| c.kind.as_str());
    match kind {
        "CODE_DEPLOY" if call.load_balancers.len() != 1 => Err(invalid(
            "Exactly one load balancer is required with a CODE_DEPLOY deployment controller.",
        )),
        "CODE_DEPLOY" => Ok(DeploymentController::CodeDeploy),
        "EXTERNAL" if call.task_definition.is_some() || !call.load_balancers.is_empty() => {
            Err(invalid(
                "Task definition and load balancers belong to the task sets of a service with an \
                 EXTERNAL deployment controller; leave them out.",
            ))
        }
        "EXTERNAL" => Ok(DeploymentController::External),
        "ECS" => Err(AwsError::client(
            "UnsupportedFeatureException",
            "local-aws has no rolling updates: create the service with \
             deploymentController={type=CODE_DEPLOY} or EXTERNAL",
        )),
        other => Err(invalid(format!("Unknown deployment controller {other}"))),
    }
}

/// An `awsvpc` task definition needs a network configuration, and no other may have one.
pub(super) fn check_network(definition: &TaskDefinition, given: bool) -> Result<(), AwsError> {
    match (definition.network_mode.as_deref() == Some("awsvpc"), given) {
        (true, false) => Err(invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        )),
        (false, true) => Err(invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        )),
        _ => Ok(()),
    }
}

/// Load balancers with all their parts.
pub(super) fn load_balancers(
    given: Vec<LoadBalancer>,
) -> Result<Vec<ServiceLoadBalancer>, AwsError> {
    let whole = |balancer: LoadBalancer| {
        Some(ServiceLoadBalancer {
            target_group_arn: balancer.target_group_arn?,
            container_name: balancer.container_name?,
            container_port: balancer.container_port?,
        })
    };
    given
        .into_iter()
        .map(whole)
        .collect::<Option<_>>()
        .ok_or_else(|| {
            invalid("A load balancer needs targetGroupArn, containerName and containerPort.")
        })
}

pub(super) fn render_load_balancers(balancers: &[ServiceLoadBalancer]) -> Value {
    let render = |balancer: &ServiceLoadBalancer| {
        json!({
            "targetGroupArn": balancer.target_group_arn,
            "containerName": balancer.container_name,
            "containerPort": balancer.container_port,
        })
    };
    balancers.iter().map(render).collect()
}

/// The fields of a call that are only kept.
pub(super) fn given(input: &Value, fields: &[&str]) -> Map<String, Value> {
    let field = |field: &&str| Some(((*field).to_owned(), input.get(field)?.clone()));
    fields.iter().filter_map(field).collect()
}
