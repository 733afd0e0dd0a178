//! Reading services as they are: ECS and Application Auto Scaling into plain facts.
//!
//! A part that can't be read is an error and never an absence: a scalable target that was overlooked
//! would start a stopped service again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget, ServiceNamespace};
use aws_sdk_ecs::types::{
    DeploymentControllerType, DeploymentRolloutState, ResourceManagementType, SchedulingStrategy,
    ServiceField, StabilityStatus, TaskSet,
};
use aws_smithy_types::DateTime;
use common::aws::{Aws, explain};
use jiff::Timestamp;

use crate::missed_actions::ScheduledAction;
use crate::rate_limiter::RateLimiter;
use crate::resource::{Kind, Resource, Scaling, Status, Suspended, TaskSize};

/// `DescribeServices` takes no more.
pub const MAX_SERVICES_PER_CALL: usize = 10;
/// `DescribeScalableTargets` takes no more.
pub const MAX_TARGETS_PER_CALL: usize = 50;
/// ECS takes more, and nobody reads it.
const READ_TURN_TIMEOUT: std::time::Duration = std::time::Duration::from_hours(1);

/// Something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} failed: {detail}{remedy}")]
pub struct ReadError {
    /// The call and on what.
    pub what: String,
    /// AWS's error in one line.
    pub detail: String,
    /// What to do; empty or begins with `; `.
    pub remedy: String,
}

/// Services of one call: one that can't be read does not hide the others.
#[derive(Debug, Default)]
pub(crate) struct Described {
    pub(crate) services: Vec<Resource>,
    pub(crate) failures: Vec<ReadError>,
}

/// What it takes to read: clients, the pace of reading, and what tasks take, which never changes.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// How fast ECS may be read.
    pub limiter: &'a RateLimiter,
    /// Kept from run to run.
    pub sizes: &'a TaskSizes,
}

/// What the tasks of task definitions take. A revision never changes, so it is read once.
#[derive(Debug, Default)]
pub struct TaskSizes(Mutex<HashMap<String, Option<TaskSize>>>);

impl TaskSizes {
    #[allow(clippy::option_option, reason = "not asked yet, or asked in vain")]
    fn known(&self, arn: &str) -> Option<Option<TaskSize>> {
        self.0
            .lock()
            .expect("nobody panics while holding it")
            .get(arn)
            .copied()
    }

    fn keep(&self, arn: &str, size: Option<TaskSize>) {
        self.0
            .lock()
            .expect("nobody panics while holding it")
            .insert(arn.to_owned(), size);
    }
}

impl Reader<'_> {
    /// Waits until ECS may be read again.
    pub(crate) async fn acquire(&self) {
        let far = tokio::time::Instant::now() + READ_TURN_TIMEOUT;
        // An hour's worth of reads is never waiting.
        let _ = self.limiter.acquire(far).await;
    }

    /// Up to ten services of one cluster, with tags and scalable targets. What is gone, or can't be read, is
    /// left out.
    pub async fn services(
        &self,
        cluster: &str,
        names: &[String],
    ) -> Result<Vec<Resource>, ReadError> {
        let mut services = self.bare_services(cluster, names).await?.services;
        let mut targets = self
            .targets(services.iter().map(resource_id).collect())
            .await?;
        for service in &mut services {
            service.scaling = targets.remove(&resource_id(service));
        }
        Ok(services)
    }

    /// Without scalable targets.
    pub(crate) async fn bare_services(
        &self,
        cluster: &str,
        names: &[String],
    ) -> Result<Described, ReadError> {
        self.acquire().await;
        let call = self
            .aws
            .ecs()
            .describe_services()
            .cluster(cluster)
            .set_services(Some(names.to_vec()))
            .include(ServiceField::Tags);
        let answer = call.send().await.map_err(|error| {
            failed(
                &format!("DescribeServices in {cluster}"),
                "ecs:DescribeServices",
                explain(&error),
            )
        })?;
        let failures = answer.failures().iter();
        let failures = failures.filter(|failure| failure.reason() != Some("MISSING"));
        let failures = failures.map(|failure| {
            let what = format!("DescribeServices of {}", failure.arn().unwrap_or_default());
            let detail = failure.reason().unwrap_or("no reason given");
            failed(&what, "ecs:DescribeServices", detail.to_owned())
        });
        let failures = failures.collect();
        let services = answer.services.unwrap_or_default();
        Ok(Described {
            services: services.iter().map(|service| self.fact(service)).collect(),
            failures,
        })
    }

    /// The scalable targets of services, by resource id.
    pub(crate) async fn targets(
        &self,
        mut ids: Vec<String>,
    ) -> Result<HashMap<String, Scaling>, ReadError> {
        let mut found = HashMap::new();
        ids.sort();
        for ids in ids.chunks(MAX_TARGETS_PER_CALL) {
            let mut token = None;
            loop {
                let call = self
                    .aws
                    .applicationautoscaling()
                    .describe_scalable_targets()
                    .service_namespace(ServiceNamespace::Ecs)
                    .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
                    .set_resource_ids(Some(ids.to_vec()))
                    .set_next_token(token);
                let answer = call.send().await.map_err(|error| {
                    failed(
                        "DescribeScalableTargets",
                        "application-autoscaling:DescribeScalableTargets",
                        explain(&error),
                    )
                })?;
                for target in answer.scalable_targets.unwrap_or_default() {
                    let scaling = scaling(&target);
                    found.insert(target.resource_id, scaling);
                }
                token = answer.next_token;
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// All scheduled actions of services, by resource id.
    pub(crate) async fn actions(&self) -> Result<HashMap<String, Vec<ScheduledAction>>, ReadError> {
        let mut found: HashMap<String, Vec<ScheduledAction>> = HashMap::new();
        let mut token = None;
        loop {
            let call = self.aws.applicationautoscaling();
            let call = call
                .describe_scheduled_actions()
                .service_namespace(ServiceNamespace::Ecs)
                .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
                .set_next_token(token);
            let answer = call.send().await.map_err(|error| {
                failed(
                    "DescribeScheduledActions",
                    "application-autoscaling:DescribeScheduledActions",
                    explain(&error),
                )
            })?;
            for one in answer.scheduled_actions() {
                let of = found.entry(one.resource_id().to_owned()).or_default();
                of.push(action(one));
            }
            token = answer.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// What a task takes. It is only for the savings, so what can't be read is unknown.
    pub(crate) async fn size(&self, task_definition: &str) -> Option<TaskSize> {
        if let Some(known) = self.sizes.known(task_definition) {
            return known;
        }
        self.acquire().await;
        let call = self.aws.ecs().describe_task_definition();
        let answer = call.task_definition(task_definition).send().await.ok()?;
        let definition = answer.task_definition?;
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
        let containers = definition.container_definitions();
        let sum = |each: fn(&aws_sdk_ecs::types::ContainerDefinition) -> i32| {
            let all: i32 = containers.iter().map(each).sum();
            u32::try_from(all).ok().filter(|sum| *sum > 0)
        };
        let cpu = number(definition.cpu()).or_else(|| sum(|container| container.cpu));
        let memory = number(definition.memory())
            .or_else(|| sum(|c| c.memory.or(c.memory_reservation).unwrap_or_default()));
        let size = cpu.zip(memory).map(|(cpu_units, memory_mib)| TaskSize {
            cpu_units,
            memory_mib,
        });
        self.sizes.keep(task_definition, size);
        size
    }

    fn fact(&self, service: &aws_sdk_ecs::types::Service) -> Resource {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        let count = |count: i32| u32::try_from(count).unwrap_or_default();
        let task_definition = text(&service.task_definition);
        let cluster = last(service.cluster_arn().unwrap_or_default());
        let tags = service
            .tags()
            .iter()
            .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())));
        Resource {
            kind: Kind::EcsService,
            arn: long_arn(service.service_arn().unwrap_or_default(), &cluster),
            cluster,
            name: text(&service.service_name),
            desired: count(service.desired_count),
            running: count(service.running_count),
            pending: count(service.pending_count),
            status: match service.status() {
                Some("ACTIVE") | None => Status::Active,
                Some("DRAINING") => Status::Draining,
                Some("INACTIVE") => Status::Inactive,
                Some(other) => Status::Other(other.to_owned()),
            },
            daemon: service.scheduling_strategy == Some(SchedulingStrategy::Daemon),
            unstoppable: None,
            managed_by_express: service.resource_management_type
                == Some(ResourceManagementType::Ecs),
            controller: service
                .deployment_controller()
                .map_or("ECS", |controller| controller.r#type().as_str())
                .to_owned(),
            deploying_since: deploying_since(service),
            tags: tags.collect::<BTreeMap<_, _>>(),
            scaling: None,
            actions: Vec::new(),
            not_in_service: 0,
            pool_fills_up: false,
            size: self.sizes.known(&task_definition).flatten(),
            created_at: service.created_at.as_ref().and_then(timestamp),
            task_definition,
        }
    }
}

/// The id under which Application Auto Scaling knows a service.
pub fn resource_id(service: &Resource) -> String {
    format!("service/{}/{}", service.cluster, service.name)
}

/// Old services have an ARN without their cluster, so that those of two clusters can have the same: their
/// records must not be one.
fn long_arn(arn: &str, cluster: &str) -> String {
    match arn.split_once(":service/") {
        Some((before, name)) if !name.contains('/') => format!("{before}:service/{cluster}/{name}"),
        _ => arn.to_owned(),
    }
}

fn scaling(target: &ScalableTarget) -> Scaling {
    let count = |count: i32| u32::try_from(count).unwrap_or_default();
    let suspended = target.suspended_state();
    let is = |read: fn(&aws_sdk_applicationautoscaling::types::SuspendedState) -> Option<bool>| {
        suspended.and_then(read).unwrap_or_default()
    };
    Scaling {
        min: count(target.min_capacity),
        max: count(target.max_capacity),
        suspended: Suspended {
            dynamic_in: is(|state| state.dynamic_scaling_in_suspended),
            dynamic_out: is(|state| state.dynamic_scaling_out_suspended),
            scheduled: is(|state| state.scheduled_scaling_suspended),
        },
    }
}

fn action(action: &aws_sdk_applicationautoscaling::types::ScheduledAction) -> ScheduledAction {
    let count = |count: Option<i32>| count.and_then(|count| u32::try_from(count).ok());
    let bounds = action.scalable_target_action();
    ScheduledAction {
        name: action.scheduled_action_name().to_owned(),
        schedule: action.schedule().to_owned(),
        zone: action.timezone().map(str::to_owned),
        begins: action.start_time().and_then(timestamp),
        ends: action.end_time().and_then(timestamp),
        made: timestamp(action.creation_time()),
        min: bounds.and_then(|bounds| count(bounds.min_capacity)),
        max: bounds.and_then(|bounds| count(bounds.max_capacity)),
    }
}

/// Under the ECS controller an older deployment that still drains, or one that rolls out. A second task set is one until
/// CodeDeploy has ended and removes it; under an external controller two may stand side by side for good, and one is in
/// progress while a set does not run what it should.
fn deploying_since(service: &aws_sdk_ecs::types::Service) -> Option<Timestamp> {
    let deployments = service.deployments();
    let rolls_out = deployments
        .iter()
        .any(|one| one.rollout_state == Some(DeploymentRolloutState::InProgress));
    let sets = service.task_sets();
    let begun = if deployments.len() > 1 || rolls_out {
        deployments.iter().filter_map(|one| one.created_at).max()
    } else if sets.len() > 1 && (!is_external(service) || sets.iter().any(is_in_progress)) {
        sets.iter().filter_map(|one| one.created_at).max()
    } else {
        return None;
    };
    Some(begun.as_ref().and_then(timestamp).unwrap_or(Timestamp::MIN))
}

fn is_external(service: &aws_sdk_ecs::types::Service) -> bool {
    let controller = service.deployment_controller();
    controller.is_some_and(|it| *it.r#type() == DeploymentControllerType::External)
}

fn is_in_progress(set: &TaskSet) -> bool {
    set.stability_status == Some(StabilityStatus::Stabilizing)
        || set.pending_count > 0
        || set.running_count != set.computed_desired_count
}

pub(crate) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}

pub(crate) fn failed(what: &str, permission: &str, detail: String) -> ReadError {
    let remedy = if detail.contains("AccessDenied") || detail.contains("not authorized") {
        format!("; the role needs {permission}")
    } else {
        String::new()
    };
    ReadError {
        what: what.to_owned(),
        detail,
        remedy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(controller: DeploymentControllerType, sets: &[(StabilityStatus, i32)]) -> Option<i64> {
        use aws_sdk_ecs::types::{DeploymentController, Service};
        let controller = DeploymentController::builder().r#type(controller).build();
        let at = (1_772_000_000..).step_by(100_000);
        let sets = sets.iter().zip(at).map(|((stability, pending), at)| {
            TaskSet::builder()
                .status("ACTIVE")
                .stability_status(stability.clone())
                .pending_count(*pending)
                .created_at(DateTime::from_secs(at))
                .build()
        });
        let service = Service::builder()
            .deployment_controller(controller.unwrap())
            .set_task_sets(Some(sets.collect()))
            .build();
        deploying_since(&service).map(Timestamp::as_second)
    }

    #[test]
    fn two_steady_task_sets_of_an_external_controller_are_no_deployment() {
        use DeploymentControllerType::{CodeDeploy, External};
        use StabilityStatus::{Stabilizing, SteadyState};
        let (steady, moves) = ((SteadyState, 0), (Stabilizing, 0));
        let second = Some(1_772_100_000);
        assert_eq!(sets(External, &[steady.clone(), steady.clone()]), None);
        assert_eq!(sets(External, &[steady.clone(), moves.clone()]), second);
        assert_eq!(sets(External, &[moves.clone(), steady.clone()]), second);
        assert_eq!(sets(External, &[steady.clone(), (SteadyState, 1)]), second);
        // One alone is being scaled.
        assert_eq!(sets(External, &[moves]), None);
        // CodeDeploy removes the second set when its deployment ends.
        assert_eq!(sets(CodeDeploy, &[steady.clone(), steady.clone()]), second);
        assert_eq!(sets(CodeDeploy, &[steady]), None);
    }

    #[test]
    fn an_old_arn_gets_its_cluster() {
        let old = "arn:aws:ecs:eu-central-1:111122223333:service/web";
        let new = "arn:aws:ecs:eu-central-1:111122223333:service/dev/web";
        assert_eq!(long_arn(old, "dev"), new);
        assert_eq!(long_arn(new, "dev"), new);
        assert_eq!(long_arn("", "dev"), "");
    }
}
