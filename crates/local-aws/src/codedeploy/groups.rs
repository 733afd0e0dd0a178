//! Calls about deployment groups.
//!
//! A group is checked against the world when it is made or changed, as AWS does: its service has to
//! exist and to be CodeDeploy's, its target groups and listeners have to exist.

use serde_json::{Value, json};

use super::CodeDeploy;
use super::applications::check_batch;
use super::input::{self, APPLICATION, CONFIG, GROUP};
use super::model::{Deployment, EcsTarget, Group, GroupTarget, Service, State, seconds};
use super::outcome::DeploymentStatus;
use super::platform::Platform;
use super::settings::{AutoRollback, BlueGreen, LoadBalancer, check_style, style, wrong_pair};
use crate::ecs::DeploymentController;
use crate::error::AwsError;
use crate::ids::uuid;

/// `BatchGetDeploymentGroups` takes at most.
const MAX_GROUPS: usize = 100;
/// Members that mean nothing to a group of ECS or Lambda.
const ONLY_FOR_SERVERS: [&str; 6] = [
    "ec2TagFilters",
    "onPremisesInstanceTagFilters",
    "autoScalingGroups",
    "ec2TagSet",
    "onPremisesTagSet",
    "ec2DeploymentOptions",
];

/// More members that mean nothing to a group of Lambda.
const NOT_FOR_LAMBDA: [&str; 3] = [
    "ecsServices",
    "loadBalancerInfo",
    "blueGreenDeploymentConfiguration",
];

impl CodeDeploy {
    pub(super) fn create_deployment_group(&self, input: &Value) -> Result<Value, AwsError> {
        let application = input::name(input, "applicationName", APPLICATION)?;
        let name = input::name(input, "deploymentGroupName", GROUP)?;
        let platform = {
            let state = self.state();
            let application = state.application(application)?;
            if application.groups.contains_key(name) {
                return Err(exists(name));
            }
            application.platform
        };
        let group = Group {
            id: uuid(),
            name: name.to_owned(),
            config: self
                .config_name(input, platform)?
                .unwrap_or_else(|| platform.default_config().to_owned()),
            role: role(input)?.ok_or_else(|| {
                AwsError::client("RoleRequiredException", "A role ARN must be specified")
            })?,
            target: match platform {
                Platform::Ecs => GroupTarget::Ecs(ecs_target(input)?),
                Platform::Lambda => GroupTarget::Lambda,
            },
            rollback: rollback(input)?,
            alarms: input::member(input, "alarmConfiguration").cloned(),
            triggers: input::member(input, "triggerConfigurations").cloned(),
        };
        check_style(platform, input::member(input, "deploymentStyle"))?;
        refuse_other_platforms(platform, input)?;
        self.check_world(&group)?;
        let mut state = self.state();
        check_mapping(&state, application, &group)?;
        let answer = json!({ "deploymentGroupId": group.id });
        state
            .application_mut(application)?
            .groups
            .insert(name.to_owned(), group);
        Ok(answer)
    }

    pub(super) fn update_deployment_group(&self, input: &Value) -> Result<Value, AwsError> {
        let application = input::name(input, "applicationName", APPLICATION)?;
        let current = input::name(input, "currentDeploymentGroupName", GROUP)?;
        let new_name = input::optional_name(input, "newDeploymentGroupName", GROUP)?;
        let mut group = self
            .state()
            .application(application)?
            .group(current)?
            .clone();
        if let Some(name) = new_name {
            name.clone_into(&mut group.name);
        }
        let platform = group.target.platform();
        if let Some(config) = self.config_name(input, platform)? {
            group.config = config;
        }
        if let Some(role) = role(input)? {
            group.role = role;
        }
        if let GroupTarget::Ecs(target) = &mut group.target {
            if let Some(service) = service(input)? {
                target.service = service;
            }
            if let Some(load_balancer) = load_balancer(input)? {
                target.load_balancer = load_balancer;
            }
            if let Some(blue_green) = blue_green(input)? {
                target.blue_green = blue_green;
            }
        }
        if let Some(rollback) = rollback(input)? {
            group.rollback = Some(rollback);
        }
        for (name, place) in [
            ("alarmConfiguration", &mut group.alarms),
            ("triggerConfigurations", &mut group.triggers),
        ] {
            if let Some(given) = input::member(input, name) {
                *place = Some(given.clone());
            }
        }
        if let given @ Some(_) = input::member(input, "deploymentStyle") {
            check_style(platform, given)?;
        }
        refuse_other_platforms(platform, input)?;
        self.check_world(&group)?;
        let mut state = self.state();
        check_mapping(&state, application, &group)?;
        let groups = &mut state.application_mut(application)?.groups;
        if group.name != current && groups.contains_key(&group.name) {
            return Err(exists(&group.name));
        }
        groups.remove(current);
        groups.insert(group.name.clone(), group);
        Ok(json!({ "hooksNotCleanedUp": [] }))
    }

    pub(super) fn get_deployment_group(&self, input: &Value) -> Result<Value, AwsError> {
        let application = input::name(input, "applicationName", APPLICATION)?;
        let name = input::name(input, "deploymentGroupName", GROUP)?;
        let state = self.state();
        let group = state.application(application)?.group(name)?;
        Ok(json!({ "deploymentGroupInfo": info(&state, application, group) }))
    }

    pub(super) fn batch_get_deployment_groups(&self, input: &Value) -> Result<Value, AwsError> {
        let application = input::name(input, "applicationName", APPLICATION)?;
        let names = input::texts(input, "deploymentGroupNames")?;
        check_batch(names.len(), MAX_GROUPS)?;
        let state = self.state();
        let groups = &state.application(application)?.groups;
        let found: Vec<_> = names
            .iter()
            .filter_map(|name| groups.get(name))
            .map(|group| info(&state, application, group))
            .collect();
        let missing: Vec<_> = names
            .iter()
            .filter(|name| !groups.contains_key(*name))
            .collect();
        let mut answer = json!({ "deploymentGroupsInfo": found });
        if !missing.is_empty() {
            answer["errorMessage"] = json!(format!("No Deployment Group found for: {missing:?}"));
        }
        Ok(answer)
    }

    pub(super) fn list_deployment_groups(&self, input: &Value) -> Result<Value, AwsError> {
        let application = input::name(input, "applicationName", APPLICATION)?;
        input::no_token(input)?;
        let state = self.state();
        let names: Vec<_> = state.application(application)?.groups.keys().collect();
        Ok(json!({ "applicationName": application, "deploymentGroups": names }))
    }

    /// Deleting what is not there is no error, as the model lists none.
    pub(super) fn delete_deployment_group(&self, input: &Value) -> Result<Value, AwsError> {
        let application = input::name(input, "applicationName", APPLICATION)?;
        let name = input::name(input, "deploymentGroupName", GROUP)?;
        if let Some(application) = self.state().applications.get_mut(application) {
            application.groups.remove(name);
        }
        Ok(json!({ "hooksNotCleanedUp": [] }))
    }

    /// The configuration a call names, which has to exist and to be one of the platform.
    pub(super) fn config_name(
        &self,
        input: &Value,
        platform: Platform,
    ) -> Result<Option<String>, AwsError> {
        let Some(name) = input::optional_name(input, "deploymentConfigName", CONFIG)? else {
            return Ok(None);
        };
        let state = self.state();
        let config = state.config(name)?;
        if config.platform != platform {
            return Err(AwsError::client(
                "InvalidDeploymentConfigNameException",
                format!(
                    "The deployment configuration {name} is for the compute platform {}, not {}",
                    config.platform.name(),
                    platform.name()
                ),
            ));
        }
        Ok(Some(config.name.clone()))
    }

    fn check_world(&self, group: &Group) -> Result<(), AwsError> {
        let Some(target) = group.target.ecs() else {
            return Ok(());
        };
        let Service { cluster, name } = &target.service;
        let service = self.world().ecs.service(cluster, name).ok_or_else(|| {
            wrong_service(format!(
                "The ECS service {name} in the cluster {cluster} does not exist"
            ))
        })?;
        if service.deployment_controller != DeploymentController::CodeDeploy {
            return Err(wrong_service(
                "Deployment group's ECSService must be configured for a CODE_DEPLOY deployment \
                 controller",
            ));
        }
        let elb = &self.world().elb;
        for name in &target.load_balancer.target_groups {
            if elb.target_group_by_name(name).is_none() {
                return Err(wrong_pair(format!("there is no target group named {name}")));
            }
        }
        let production = std::iter::once(&target.load_balancer.production);
        for arn in production.chain(&target.load_balancer.test) {
            if !elb.listener_exists(arn) {
                return Err(wrong_pair(format!("there is no listener {arn}")));
            }
        }
        Ok(())
    }
}

/// A service belongs to one deployment group only.
fn check_mapping(state: &State, application: &str, group: &Group) -> Result<(), AwsError> {
    state.application(application)?;
    let mut groups = state
        .applications
        .values()
        .flat_map(|application| application.groups.values());
    let Some(own) = group.target.ecs() else {
        return Ok(());
    };
    let same = |other: &&Group| {
        let service = other.target.ecs().map(|target| &target.service);
        service == Some(&own.service) && other.id != group.id
    };
    match groups.find(same) {
        None => Ok(()),
        Some(other) => Err(AwsError::client(
            "ECSServiceMappingLimitExceededException",
            format!(
                "The ECS service {} is already associated with the deployment group {}",
                own.service.target_id(),
                other.name
            ),
        )),
    }
}

fn info(state: &State, application: &str, group: &Group) -> Value {
    let mut wire = json!({
        "applicationName": application,
        "deploymentGroupId": group.id,
        "deploymentGroupName": group.name,
        "deploymentConfigName": group.config,
        "ec2TagFilters": [],
        "onPremisesInstanceTagFilters": [],
        "autoScalingGroups": [],
        "serviceRoleArn": group.role,
        "triggerConfigurations": group.triggers.clone().unwrap_or_else(|| json!([])),
        "deploymentStyle": style(),
        "outdatedInstancesStrategy": "UPDATE",
        "computePlatform": group.target.platform().name(),
        "terminationHookEnabled": false,
    });
    if let Some(EcsTarget {
        service,
        load_balancer,
        blue_green,
    }) = group.target.ecs()
    {
        wire["blueGreenDeploymentConfiguration"] = blue_green.to_wire();
        wire["loadBalancerInfo"] = load_balancer.to_wire();
        wire["ecsServices"] =
            json!([{ "serviceName": service.name, "clusterName": service.cluster }]);
    }
    let mut newest_first = state.of_group(application, &group.id).rev();
    let attempted = newest_first.next();
    let succeeded = attempted
        .into_iter()
        .chain(newest_first)
        .find(|deployment| deployment.status == DeploymentStatus::Succeeded);
    for (name, value) in [
        ("alarmConfiguration", group.alarms.clone()),
        (
            "autoRollbackConfiguration",
            group.rollback.as_ref().map(|rollback| json!(rollback)),
        ),
        ("lastAttemptedDeployment", attempted.map(last)),
        ("lastSuccessfulDeployment", succeeded.map(last)),
        (
            "targetRevision",
            succeeded
                .and_then(|deployment| deployment.revision.as_ref())
                .map(super::revision::Revision::to_wire_without_content),
        ),
    ] {
        if let Some(value) = value {
            wire[name] = value;
        }
    }
    wire
}

fn last(deployment: &Deployment) -> Value {
    let mut wire = json!({
        "deploymentId": deployment.id,
        "status": deployment.status.name(),
        "createTime": seconds(deployment.created),
    });
    if let Some(at) = deployment.completed {
        wire["endTime"] = json!(seconds(at));
    }
    wire
}

fn exists(name: &str) -> AwsError {
    AwsError::client(
        "DeploymentGroupAlreadyExistsException",
        format!("A Deployment Group already exists with the name {name}"),
    )
}

fn wrong_service(why: impl Into<String>) -> AwsError {
    AwsError::client("InvalidECSServiceException", why)
}

fn role(input: &Value) -> Result<Option<String>, AwsError> {
    let Some(role) = input::text(input, "serviceRoleArn")?.filter(|role| !role.is_empty()) else {
        return Ok(None);
    };
    if !(role.starts_with("arn:") && role.contains(":iam:") && role.contains(":role/")) {
        return Err(AwsError::client(
            "InvalidRoleException",
            format!("The role {role} is not the ARN of an IAM role"),
        ));
    }
    Ok(Some(role.to_owned()))
}

fn ecs_target(input: &Value) -> Result<EcsTarget, AwsError> {
    Ok(EcsTarget {
        service: service(input)?.ok_or_else(|| {
            wrong_service("For ECS deployment group, ecsServices must be specified")
        })?,
        load_balancer: load_balancer(input)?.ok_or_else(|| {
            AwsError::client(
                "InvalidLoadBalancerInfoException",
                "For ECS deployment group, loadBalancerInfo must be specified",
            )
        })?,
        blue_green: blue_green(input)?.ok_or_else(|| {
            AwsError::client(
                "InvalidBlueGreenDeploymentConfigurationException",
                "For ECS deployment group, blueGreenDeploymentConfiguration must be specified",
            )
        })?,
    })
}

fn service(input: &Value) -> Result<Option<Service>, AwsError> {
    let given: Vec<Value> = input::read(input, "ecsServices")?.unwrap_or_default();
    let [service] = given.as_slice() else {
        if given.is_empty() {
            return Ok(None);
        }
        return Err(wrong_service(
            "A deployment group takes exactly one ECS service",
        ));
    };
    match (
        input::text(service, "clusterName")?,
        input::text(service, "serviceName")?,
    ) {
        (Some(cluster), Some(name)) => Ok(Some(Service {
            cluster: cluster.to_owned(),
            name: name.to_owned(),
        })),
        _ => Err(wrong_service(
            "An ECS service needs a clusterName and a serviceName",
        )),
    }
}

fn load_balancer(input: &Value) -> Result<Option<LoadBalancer>, AwsError> {
    input::member(input, "loadBalancerInfo")
        .map(LoadBalancer::read)
        .transpose()
}

fn blue_green(input: &Value) -> Result<Option<BlueGreen>, AwsError> {
    input::member(input, "blueGreenDeploymentConfiguration")
        .map(BlueGreen::read)
        .transpose()
}

/// The automatic rollback in a call, if there is one.
pub(super) fn rollback(input: &Value) -> Result<Option<AutoRollback>, AwsError> {
    input::member(input, "autoRollbackConfiguration")
        .map(AutoRollback::read)
        .transpose()
}

fn refuse_other_platforms(platform: Platform, input: &Value) -> Result<(), AwsError> {
    let is_empty = |value: &Value| match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    let more: &[&str] = match platform {
        Platform::Ecs => &[],
        Platform::Lambda => &NOT_FOR_LAMBDA,
    };
    let given = ONLY_FOR_SERVERS
        .iter()
        .chain(more)
        .find(|name| input::member(input, name).is_some_and(|value| !is_empty(value)));
    match given {
        None => Ok(()),
        Some(name) => Err(AwsError::client(
            "InvalidInputException",
            format!(
                "For {} deployment group, {name} can not be specified",
                platform.name()
            ),
        )),
    }
}
