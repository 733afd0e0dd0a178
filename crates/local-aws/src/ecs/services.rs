//! Services: describing, listing and deleting them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::api::{invalid, missing, page};
use super::lookup::last;
use super::model::{Service, ServiceStatus, State, Stop, TaskDefinition, TaskSet};
use super::simulated_tasks::Counts;
use super::{AdvancedConfiguration, DeploymentController, Ecs, ServiceLoadBalancer, TaskSetStatus};
use crate::error::AwsError;
use crate::wire::json::{epoch, read};

/// Services in one description, at most.
const MAX_DESCRIBED: usize = 10;
/// Fields of `CreateService` that are kept and given back, and change nothing here.
pub(super) const GIVEN: &[&str] = &[
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

/// A load balancer as services and task sets name it.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoadBalancer {
    target_group_arn: Option<String>,
    container_name: Option<String>,
    container_port: Option<u16>,
    advanced_configuration: Option<AdvancedConfiguration>,
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
    launch_type: Option<String>,
    scheduling_strategy: Option<String>,
    resource_management_type: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

impl Ecs {
    pub(super) fn describe_services(&self, input: Value) -> Result<Value, AwsError> {
        let call: Describe = read(input)?;
        if call.services.is_empty() {
            return Err(invalid("Services cannot be empty."));
        }
        if call.services.len() > MAX_DESCRIBED {
            return Err(invalid("Services cannot have more than 10 elements."));
        }
        let state = self.state();
        let cluster = state.cluster(call.cluster.as_deref())?.name.clone();
        let tags = call.include.iter().any(|what| what == "TAGS");
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for wanted in &call.services {
            let name = last(wanted);
            match state.place(&cluster, name) {
                Some(place) => {
                    found.push(self.render_service(&state, &state.services[place], tags));
                }
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
        if service.desired > 0 && !service.daemon && !call.force {
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
        service.quiet = false;
        self.give_up_deployment(&mut state, index, "the service was deleted");
        let service = &mut state.services[index];
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
        if let Some(strategy) = &call.scheduling_strategy
            && !["REPLICA", "DAEMON"].contains(&strategy.as_str())
        {
            return Err(invalid(format!("Invalid scheduling strategy {strategy}.")));
        }
        let is = |asked: &Option<String>, what: &str| asked.as_ref().is_none_or(|it| it == what);
        let listed = |s: &&Service| {
            let launch_type = s.given.get("launchType").and_then(Value::as_str);
            s.cluster == *cluster
                && s.status != ServiceStatus::Inactive
                && is(&call.scheduling_strategy, s.strategy())
                && is(&call.resource_management_type, s.managed_by())
                && is(&call.launch_type, launch_type.unwrap_or("EC2"))
        };
        let arns: Vec<&String> = state
            .services
            .iter()
            .filter(listed)
            .map(|service| &service.arn)
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
            advanced,
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
            let alternate = advanced.as_ref().map(|it| &it.alternate_target_group_arn);
            for group in [group].into_iter().chain(alternate) {
                let facts = self.shared.elb.target_group_facts(group).ok_or_else(|| {
                    invalid(format!(
                        "The target group with targetGroupArn {group} does not exist."
                    ))
                })?;
                if definition.network_mode.as_deref() == Some("awsvpc") && facts.target_type != "ip"
                {
                    return Err(invalid(format!(
                        "The provided target group {group} has target type {}, which is \
                         incompatible with the awsvpc network mode specified in the task definition.",
                        facts.target_type
                    )));
                }
            }
        }
        Ok(())
    }

    pub(super) fn render_service(&self, state: &State, service: &Service, tags: bool) -> Value {
        let now = self.shared.clock.now();
        let counts = service.task_sets.iter().map(|set| state.counts(set, now));
        let counts = counts.fold(Counts::default(), |all, set| Counts {
            pending: all.pending + set.pending,
            running: all.running + set.running,
            leaving: all.leaving + set.leaving,
        });
        // Those of rolling updates are shown as deployments.
        let seen = |_: &&TaskSet| service.controller != DeploymentController::Ecs;
        let sets = service.task_sets.iter().filter(seen);
        let sets: Vec<Value> = sets
            .map(|set| self.render_set(state, service, set, tags))
            .collect();
        let events = service.events.iter().map(|event| {
            json!({ "id": event.id, "createdAt": epoch(event.at), "message": event.message })
        });
        let cluster = format!("{}:cluster/{}", self.shared.arn_prefix, service.cluster);
        let (current_deployment, current_revisions) = self.render_current(state, service);
        let mut value = service.given.clone();
        let own = json!({
            "serviceArn": service.arn,
            "serviceName": service.name,
            "clusterArn": cluster,
            "loadBalancers": render_load_balancers(&service.load_balancers),
            "status": service.status.as_str(),
            "desiredCount": service.desired,
            "runningCount": counts.running,
            "pendingCount": counts.pending,
            "taskDefinition": service.task_definition,
            "taskSets": sets,
            "deployments": self.render_deployments(state, service),
            "currentServiceDeployment": current_deployment,
            "currentServiceRevisions": current_revisions,
            "events": events.collect::<Vec<_>>(),
            "createdAt": epoch(service.created_at),
            "schedulingStrategy": service.strategy(),
            "resourceManagementType": service.managed_by(),
            "deploymentController": { "type": service.controller.to_string() },
            "tags": tags.then(|| super::tags::render(state, &service.arn)),
        });
        if let Value::Object(own) = own {
            value.extend(own);
        }
        Value::Object(value)
    }
}

impl Service {
    fn strategy(&self) -> &'static str {
        if self.daemon { "DAEMON" } else { "REPLICA" }
    }

    fn managed_by(&self) -> &'static str {
        if self.express { "ECS" } else { "CUSTOMER" }
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
            advanced: balancer.advanced_configuration,
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
            "advancedConfiguration": balancer.advanced,
        })
    };
    balancers.iter().map(render).collect()
}

/// The fields of a call that are only kept.
pub(super) fn given(input: &Value, fields: &[&str]) -> Map<String, Value> {
    let field = |field: &&str| Some(((*field).to_owned(), input.get(field)?.clone()));
    fields.iter().filter_map(field).collect()
}
