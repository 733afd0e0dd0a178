//! `CreateService`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::invalid;
use super::model::{Service, ServiceStatus, State};
use super::service_deployments::{DeploymentConfiguration, check_routing};
use super::services::{GIVEN, LoadBalancer, check_network, given, load_balancers};
use super::tags::{Tag, check as check_tags, to_map};
use super::task_sets::TaskSetSpec;
use super::{DeploymentController, Ecs, ServiceLoadBalancer};
use crate::error::AwsError;
use crate::wire::json::read;

/// What AWS says when somebody wants to scale a DAEMON service.
pub(super) const DAEMON_HAS_NO_COUNT: &str = "The daemon scheduling strategy does not support a \
    desired count for services. Remove the desired count value and try again";
/// Container instances of every cluster, and so tasks of a DAEMON service.
const INSTANCES: u32 = 1;

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
    launch_type: Option<String>,
    deployment_controller: Option<Controller>,
    network_configuration: Option<Value>,
    health_check_grace_period_seconds: Option<u64>,
    /// Not of the API: what `CreateExpressGatewayService` would make.
    resource_management_type: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Controller {
    #[serde(rename = "type")]
    kind: String,
}

impl Ecs {
    pub(super) fn create_service(&self, input: Value) -> Result<Value, AwsError> {
        let given = given(&input, GIVEN);
        let mut call: Create = read(input)?;
        let controller = check(&call)?;
        let daemon = is_daemon(&call, controller)?;
        check_tags(&call.tags)?;
        let configuration = DeploymentConfiguration::read(given.get("deploymentConfiguration"))?;
        check_strategy(&configuration, controller, daemon)?;
        let balancers = load_balancers(std::mem::take(&mut call.load_balancers))?;
        let mut state = self.state();
        let cluster = state.cluster(call.cluster.as_deref())?.name.clone();
        check_name_is_free(&state, &cluster, &call.service_name)?;
        let definition = match (&call.task_definition, controller) {
            (Some(wanted), _) => Some(state.startable(wanted)?),
            (None, DeploymentController::External) => None,
            (None, _) => return Err(invalid("TaskDefinition can not be blank.")),
        };
        if let Some(definition) = definition {
            check_network(definition, call.network_configuration.is_some())?;
            self.check_load_balancers(definition, &balancers)?;
            self.check_attached(&balancers)?;
            // A service that could not be deployed is not made.
            check_routing(&balancers, configuration.shifts_traffic())?;
        }
        let at = self.shared.clock.now();
        let prefix = &self.shared.arn_prefix;
        let arn = format!("{prefix}:service/{cluster}/{}", call.service_name);
        let count = if daemon { INSTANCES } else { 0 };
        let service = Service {
            arn: arn.clone(),
            name: call.service_name,
            cluster,
            status: ServiceStatus::Active,
            desired: call.desired_count.unwrap_or(count),
            desired_at: at,
            daemon,
            express: call.resource_management_type.as_deref() == Some("ECS"),
            quiet: false,
            controller,
            configuration,
            deployment: None,
            task_definition: definition.map(|definition| definition.arn.clone()),
            load_balancers: balancers.clone(),
            grace: Duration::from_secs(call.health_check_grace_period_seconds.unwrap_or(0)),
            created_at: at,
            given,
            events: std::collections::VecDeque::new(),
            task_sets: Vec::new(),
        };
        let index = state.add_service(service);
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
            if controller == DeploymentController::Ecs {
                self.begin_deployment(&mut state, index, first)?;
            } else {
                let set = self.add_task_set(&mut state, index, first)?;
                self.make_primary(&mut state, index, &set)?;
            }
            self.follow(&mut state, index);
        }
        let service = &state.services[index];
        Ok(json!({ "service": self.render_service(&state, service, true) }))
    }

    fn check_attached(&self, balancers: &[ServiceLoadBalancer]) -> Result<(), AwsError> {
        for ServiceLoadBalancer {
            target_group_arn,
            advanced,
            ..
        } in balancers
        {
            let alternate = advanced.as_ref().map(|it| &it.alternate_target_group_arn);
            for group in [target_group_arn].into_iter().chain(alternate) {
                let facts = self.shared.elb.target_group_facts(group);
                if !facts.is_some_and(|facts| facts.attached) {
                    return Err(invalid(format!(
                        "The target group with targetGroupArn {group} does not have an associated \
                     load balancer."
                    )));
                }
            }
        }
        Ok(())
    }
}

fn check_name_is_free(state: &State, cluster: &str, name: &str) -> Result<(), AwsError> {
    let known = state.place(cluster, name);
    match known.map(|place| state.services[place].status) {
        Some(ServiceStatus::Active) => Err(invalid("Creation of service was not idempotent.")),
        Some(ServiceStatus::Draining) => {
            Err(invalid("Unable to Start a service that is still Draining."))
        }
        Some(ServiceStatus::Inactive) | None => Ok(()),
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
    let kind = call
        .deployment_controller
        .as_ref()
        .map_or("ECS", |c| c.kind.as_str());
    match kind {
        "ECS" => Ok(DeploymentController::Ecs),
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
        other => Err(invalid(format!("Unknown deployment controller {other}"))),
    }
}

/// Only ECS itself shifts traffic, and only between tasks whose count is known.
pub(super) fn check_strategy(
    configuration: &DeploymentConfiguration,
    controller: DeploymentController,
    daemon: bool,
) -> Result<(), AwsError> {
    if controller != DeploymentController::Ecs && !configuration.is_plain() {
        return Err(invalid(format!(
            "Deployment strategies, lifecycle hooks, alarms and circuit breakers are not supported \
             with a {controller} deployment controller."
        )));
    }
    if daemon && configuration.shifts_traffic() {
        return Err(invalid(
            "The daemon scheduling strategy only supports the ROLLING deployment strategy.",
        ));
    }
    Ok(())
}

fn is_daemon(call: &Create, controller: DeploymentController) -> Result<bool, AwsError> {
    match call.scheduling_strategy.as_deref() {
        None | Some("REPLICA") => Ok(false),
        Some("DAEMON") if call.desired_count.is_some() => Err(invalid(DAEMON_HAS_NO_COUNT)),
        Some("DAEMON") if controller != DeploymentController::Ecs => Err(invalid(format!(
            "The daemon scheduling strategy is not supported with a {controller} deployment \
             controller."
        ))),
        Some("DAEMON") if call.launch_type.as_deref() == Some("FARGATE") => Err(invalid(
            "Fargate tasks do not support the DAEMON scheduling strategy.",
        )),
        Some("DAEMON") => Ok(true),
        Some(other) => Err(invalid(format!("Invalid scheduling strategy {other}."))),
    }
}
