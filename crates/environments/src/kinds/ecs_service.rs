//! ECS services: their count goes to zero. Bounds of Application Auto Scaling go first, so that it doesn't raise
//! the count again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_ecs::types::{
    DeploymentControllerType, DeploymentRolloutState, ResourceManagementType, SchedulingStrategy,
    Service, ServiceField, StabilityStatus, Tag, TaskSet,
};
use common::arn::last_name;
use common::failure::Cause;
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::scalable_target::{self, MAX_TARGETS_PER_CALL, resource_id};
use super::{
    Change, KindSpec, ListedResources, ReadFuture, ResourceKind, ResourceNames, WriteFuture,
};
use crate::backup_tag::ASLEEP_TAG;
use crate::config::Config;
use crate::problem::{Problem, ProblemKind};
use crate::read::{ReadError, Reader, TaskSizes, timestamp};
use crate::resource::{CapacityUnit, Kind, Resource, Status, TaskSize};
use crate::write::{CallError, Writer, number, once};

/// `DescribeServices` takes no more.
pub(crate) const MAX_SERVICES_PER_CALL: usize = 10;
/// `ListServices` returns 10 unless asked for more, and no more than this.
const MAX_LIST_RESULTS: i32 = 100;
/// Calls at once, of each kind of call.
const CONCURRENT_CALLS: usize = 8;

static SPEC: KindSpec = KindSpec {
    noun: "ECS service",
    prefix: None,
    parts: Some("task"),
    has_scheduled_actions: true,
    names_per_call: MAX_SERVICES_PER_CALL,
    // A load balancer lets go of tasks within five minutes if nothing is said, and they have two minutes after that.
    transition_timeout: SignedDuration::from_mins(10),
    restarted_after: None,
    still_runs_remedy: "see its events in ECS: tasks may be protected from scale-in, or a deployment may not end",
    not_up_remedy: "see its events in ECS: why its tasks don't start, or stop again",
};

pub(super) struct EcsService;

impl ResourceKind for EcsService {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn list<'a>(&self, reader: Reader<'a>, config: &'a Config) -> BoxFuture<'a, ListedResources> {
        Box::pin(list(reader, config))
    }

    fn describe<'a>(&self, reader: Reader<'a>, names: ResourceNames<'a>) -> ReadFuture<'a> {
        Box::pin(async move {
            let mut services = describe_bare(reader, names.cluster, names.names)
                .await?
                .services;
            let ids = services.iter().map(resource_id).collect();
            let mut targets = scalable_target::targets(reader, ids).await?;
            for service in &mut services {
                service.scaling = targets.remove(&resource_id(service));
            }
            Ok(services)
        })
    }

    fn verify<'a>(&self, reader: Reader<'a>, names: ResourceNames<'a>) -> ReadFuture<'a> {
        Box::pin(async move {
            let mut found = describe_bare(reader, names.cluster, names.names).await?;
            found.failures.pop().map_or(Ok(found.services), Err)
        })
    }

    fn change<'a>(&self, writer: Writer<'a>, change: Change) -> WriteFuture<'a> {
        Box::pin(async move {
            match change {
                Change::Count(desired) => set_count(writer, desired).await,
                Change::Bounds(bounds) => scalable_target::register(writer, bounds).await,
                Change::BoundsAndCount(bounds, desired) => {
                    scalable_target::register(writer, bounds).await?;
                    set_count(writer, desired).await
                }
            }
        })
    }

    fn tag<'a>(&self, writer: Writer<'a>, value: Option<&'a str>) -> WriteFuture<'a> {
        Box::pin(tag(writer, value))
    }
}

/// Sets the count, and nothing else: other fields are refused under some deployment controllers.
async fn set_count(writer: Writer<'_>, desired: u32) -> Result<(), CallError> {
    let service = writer.resource;
    let update = || {
        let call = writer.aws.ecs().update_service();
        let call = call.cluster(&service.cluster).service(&service.name);
        call.desired_count(number(desired))
    };
    let on = format!("{} to {desired}", service.place());
    // The first turn was waited for before the service was read again.
    writer
        .call(&writer.limiters.changes, "ecs:UpdateService", &on)
        .until_done(true, once!(aws_sdk_ecs, update()))
        .await
}

async fn tag(writer: Writer<'_>, value: Option<&str>) -> Result<(), CallError> {
    let (ecs, arn) = (writer.aws.ecs(), &writer.resource.arn);
    let (limiter, on) = (&writer.limiters.tags, writer.resource.place());
    if let Some(value) = value {
        let tag = Tag::builder().key(ASLEEP_TAG).value(value).build();
        let set = || ecs.tag_resource().resource_arn(arn).tags(tag.clone());
        let call = writer.call(limiter, "ecs:TagResource", &on);
        return call.until_done(false, once!(aws_sdk_ecs, set())).await;
    }
    let remove = || ecs.untag_resource().resource_arn(arn).tag_keys(ASLEEP_TAG);
    let call = writer.call(limiter, "ecs:UntagResource", &on);
    call.until_done(false, once!(aws_sdk_ecs, remove())).await
}

async fn list(reader: Reader<'_>, config: &Config) -> ListedResources {
    let mut listed = ListedResources::default();
    match clusters(reader, config).await {
        Ok(clusters) => {
            let read = stream::iter(clusters)
                .map(|(cluster, is_ours)| async move {
                    if is_ours {
                        in_cluster(reader, &cluster).await
                    } else {
                        asleep_in_unlisted(reader, &cluster).await
                    }
                })
                .buffer_unordered(CONCURRENT_CALLS);
            for found in read.collect::<Vec<_>>().await {
                listed.resources.extend(found.resources);
                listed.daemons.extend(found.daemons);
                listed.problems.extend(found.problems);
            }
        }
        Err(error) => listed.problems.push(Problem::unread(None, &error)),
    }
    read_bounds(reader, &mut listed).await;
    listed
}

/// All clusters, and whether the configuration speaks of them.
async fn clusters(reader: Reader<'_>, config: &Config) -> Result<Vec<(String, bool)>, ReadError> {
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        reader.acquire().await;
        let call = reader.aws.ecs().list_clusters();
        let call = call.max_results(MAX_LIST_RESULTS).set_next_token(token);
        let answer = call.send().await;
        let answer =
            answer.map_err(|error| reader.error("ListClusters", "ecs:ListClusters", &error))?;
        for arn in answer.cluster_arns() {
            let name = last_name(arn);
            let is_ours = config.clusters.is_empty() || config.clusters.find_name(name).is_some();
            names.push((name.to_owned(), is_ours));
        }
        token = answer.next_token;
        if token.is_none() {
            return Ok(names);
        }
    }
}

async fn in_cluster(reader: Reader<'_>, cluster: &str) -> ListedResources {
    let mut found = ListedResources::default();
    match names(reader, cluster, SchedulingStrategy::Daemon).await {
        Ok(names) => {
            let daemons = names.iter().map(|name| format!("{cluster}/{name}"));
            found.daemons = daemons.collect();
        }
        Err(error) => found.problems.push(Problem::unread(Some(cluster), &error)),
    }
    read_replicas(reader, cluster, &mut found).await;
    found
}

/// Services that were put to sleep in a cluster that the configuration leaves out by now: nobody else would ever
/// report them. What can't be read there is none of our business.
async fn asleep_in_unlisted(reader: Reader<'_>, cluster: &str) -> ListedResources {
    let mut found = ListedResources::default();
    read_replicas(reader, cluster, &mut found).await;
    let resources = &mut found.resources;
    resources.retain(|resource| resource.tags.contains_key(ASLEEP_TAG));
    found.problems.clear();
    found
}

async fn read_replicas(reader: Reader<'_>, cluster: &str, found: &mut ListedResources) {
    let names = match names(reader, cluster, SchedulingStrategy::Replica).await {
        Ok(names) => names,
        Err(error) => return found.problems.push(Problem::unread(Some(cluster), &error)),
    };
    let chunks = names.chunks(MAX_SERVICES_PER_CALL).map(<[_]>::to_vec);
    let read = stream::iter(chunks.collect::<Vec<_>>())
        .map(|names| async move { describe_bare(reader, cluster, &names).await })
        .buffer_unordered(CONCURRENT_CALLS);
    for described in read.collect::<Vec<_>>().await {
        let failures = match described {
            Ok(described) => {
                found.resources.extend(described.services);
                described.failures
            }
            Err(error) => vec![error],
        };
        let problems = failures.iter();
        let problems = problems.map(|error| Problem::unread(Some(cluster), error));
        found.problems.extend(problems);
    }
}

async fn names(
    reader: Reader<'_>,
    cluster: &str,
    strategy: SchedulingStrategy,
) -> Result<Vec<String>, ReadError> {
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        reader.acquire().await;
        let call = reader
            .aws
            .ecs()
            .list_services()
            .cluster(cluster)
            .scheduling_strategy(strategy.clone())
            .max_results(MAX_LIST_RESULTS)
            .set_next_token(token);
        let answer = call.send().await.map_err(|error| {
            let what = format!("ListServices in {cluster}");
            reader.error(what, "ecs:ListServices", &error)
        })?;
        let arns = answer.service_arns.unwrap_or_default();
        let found = arns.iter().map(|arn| last_name(arn));
        names.extend(found.map(str::to_owned));
        token = answer.next_token;
        if token.is_none() {
            return Ok(names);
        }
    }
}

/// A service whose bounds are unknown must not be touched: it is left out.
async fn read_bounds(reader: Reader<'_>, listed: &mut ListedResources) {
    let ids: Vec<String> = listed.resources.iter().map(resource_id).collect();
    let chunks = ids.chunks(MAX_TARGETS_PER_CALL).map(<[_]>::to_vec);
    let read = stream::iter(chunks.collect::<Vec<_>>())
        .map(|ids| async move { (scalable_target::targets(reader, ids.clone()).await, ids) })
        .buffer_unordered(CONCURRENT_CALLS);
    let (mut targets, mut unknown) = (HashMap::new(), BTreeSet::new());
    for (found, ids) in read.collect::<Vec<_>>().await {
        match found {
            Ok(found) => targets.extend(found),
            Err(error) => {
                let kind = ProblemKind::BoundsUnread(ids.len());
                listed.problems.push(Problem::of_call(kind, None, &error));
                unknown.extend(ids);
            }
        }
    }
    let resources = &mut listed.resources;
    resources.retain(|resource| !unknown.contains(&resource_id(resource)));
    for resource in resources {
        resource.scaling = targets.remove(&resource_id(resource));
    }
}

/// Services of one call: one that can't be read does not hide the others.
struct Described {
    services: Vec<Resource>,
    failures: Vec<ReadError>,
}

/// Services with their tags and without their bounds; those that are gone are left out.
async fn describe_bare(
    reader: Reader<'_>,
    cluster: &str,
    names: &[String],
) -> Result<Described, ReadError> {
    reader.acquire().await;
    let call = reader
        .aws
        .ecs()
        .describe_services()
        .cluster(cluster)
        .set_services(Some(names.to_vec()))
        .include(ServiceField::Tags);
    let answer = call.send().await.map_err(|error| {
        let what = format!("DescribeServices in {cluster}");
        reader.error(what, "ecs:DescribeServices", &error)
    })?;
    let failures = answer.failures().iter();
    let failures = failures.filter(|failure| failure.reason() != Some("MISSING"));
    let failures = failures.map(|failure| ReadError {
        call: "DescribeServices".to_owned(),
        what: format!("DescribeServices of {}", failure.arn().unwrap_or_default()),
        cause: Cause::Refused,
        detail: failure.reason().unwrap_or("no reason given").to_owned(),
        remedy: String::new(),
    });
    let failures = failures.collect();
    let services = answer.services.iter().flatten();
    Ok(Described {
        services: services
            .map(|service| fact(service, reader.sizes))
            .collect(),
        failures,
    })
}

/// What a task takes. It is only for the savings, so what can't be read is unknown.
pub(crate) async fn task_size(reader: Reader<'_>, task_definition: &str) -> Option<TaskSize> {
    if let Some(known) = reader.sizes.known(task_definition) {
        return known;
    }
    reader.acquire().await;
    let call = reader.aws.ecs().describe_task_definition();
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
    reader.sizes.keep(task_definition, size);
    size
}

fn fact(service: &Service, sizes: &TaskSizes) -> Resource {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let count = |count: i32| u32::try_from(count).unwrap_or_default();
    let task_definition = text(&service.task_definition);
    let cluster = last_name(service.cluster_arn().unwrap_or_default()).to_owned();
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
        managed_by_express: service.resource_management_type == Some(ResourceManagementType::Ecs),
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
        capacity_unit: CapacityUnit::Part,
        size: sizes.known(&task_definition).flatten(),
        created_at: service.created_at.as_ref().and_then(timestamp),
        task_definition,
    }
}
/// Old services have an ARN without their cluster, so that those of two clusters can have the same: their
/// records must not be one.
fn long_arn(arn: &str, cluster: &str) -> String {
    match arn.split_once(":service/") {
        Some((before, name)) if !name.contains('/') => format!("{before}:service/{cluster}/{name}"),
        _ => arn.to_owned(),
    }
}

/// Under the ECS controller an older deployment that still drains, or one that rolls out. A second task set is one until
/// CodeDeploy has ended and removes it; under an external controller two may stand side by side for good, and one is in
/// progress while a set does not run what it should.
fn deploying_since(service: &Service) -> Option<Timestamp> {
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

fn is_external(service: &Service) -> bool {
    let controller = service.deployment_controller();
    controller.is_some_and(|it| *it.r#type() == DeploymentControllerType::External)
}

fn is_in_progress(set: &TaskSet) -> bool {
    set.stability_status == Some(StabilityStatus::Stabilizing)
        || set.pending_count > 0
        || set.running_count != set.computed_desired_count
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    fn sets(controller: DeploymentControllerType, sets: &[(StabilityStatus, i32)]) -> Option<i64> {
        use aws_sdk_ecs::types::DeploymentController;
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
