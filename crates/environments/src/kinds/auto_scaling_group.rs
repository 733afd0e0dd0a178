//! EC2 Auto Scaling groups: the minimum and the desired capacity go to zero, the maximum stays.
//!
//! A minimum that is raised above the desired capacity raises that, too, as with Application Auto Scaling.
//! <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html>
//!
//! A desired capacity of zero is a wish: instances that are protected, in standby, or of a group whose
//! processes are suspended run on, and a warm pool holds what the maximum leaves. What can be known of
//! that beforehand is a reason not to begin.

use common::query_api::{self, AUTO_SCALING, List, Page, list_parameter, parameter};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use strict_yaml::words::count;

use super::{
    Change, KindSpec, ListedResources, ReadFuture, ResourceKind, ResourceNames, Tag, WriteFuture,
};
use crate::backup_tag::ASLEEP_TAG;
use crate::config::Config;
use crate::read::{ReadError, Reader, in_milliseconds};
use crate::resource::{Capacity, CapacityUnit, Kind, Resource, Scaling, ScalingSuspension, Status};
use crate::write::{CallError, Writer, number};

/// What stands in place of a cluster before the names of groups.
const PREFIX: &str = "autoscaling";

static SPEC: KindSpec = KindSpec {
    noun: "Auto Scaling group",
    prefix: Some(PREFIX),
    parts: Some("instance"),
    has_scheduled_actions: false,
    names_per_call: 1,
    // As for tasks: a load balancer lets go of instances within five minutes if nothing is said.
    transition_timeout: SignedDuration::from_mins(10),
    restarted_after: None,
    still_runs_remedy: "see its activities: instances may be protected, in standby, held by a lifecycle hook, or in a warm pool",
    not_up_remedy: "see its activities: AWS may lack capacity, or the health check fails",
};

pub(super) struct AutoScalingGroup;

impl ResourceKind for AutoScalingGroup {
    fn spec(&self) -> &'static KindSpec {
        &SPEC
    }

    fn list<'a>(&self, reader: Reader<'a>, config: &'a Config) -> BoxFuture<'a, ListedResources> {
        let names = &config.also.auto_scaling_groups;
        Box::pin(async move {
            if names.is_empty() {
                return ListedResources::default();
            }
            ListedResources::matching(describe(reader, &[]).await, names)
        })
    }

    fn describe<'a>(&self, reader: Reader<'a>, names: ResourceNames<'a>) -> ReadFuture<'a> {
        Box::pin(describe(reader, names.names))
    }

    /// A group without instances needs no suspension: nothing raises it above its desired capacity but policies, and
    /// those are the user's to suspend.
    fn asleep(&self, group: &Resource, was: Capacity) -> Capacity {
        Capacity {
            desired: 0,
            scaling: was.scaling.map(|scaling| Scaling {
                min: 0,
                max: if group.pool_fills_up {
                    0
                } else {
                    scaling.max.max(was.desired)
                },
                ..scaling
            }),
        }
    }

    /// A maximum that was lowered for a warm pool is raised with the count: a count above it is refused.
    fn wake(&self, found: Capacity, was: Capacity) -> Vec<Change> {
        let has_room = |bounds: Scaling| was.desired <= bounds.max;
        match was.scaling {
            Some(bounds) if !found.scaling.is_none_or(has_room) => {
                vec![Change::BoundsAndCount(bounds, was.desired)]
            }
            _ => super::wake(found, was),
        }
    }

    fn change<'a>(&self, writer: Writer<'a>, change: Change) -> WriteFuture<'a> {
        Box::pin(update(writer, change))
    }

    fn tag<'a>(&self, writer: Writer<'a>, value: Option<&'a str>) -> WriteFuture<'a> {
        Box::pin(tag(writer, value))
    }
}

async fn update(writer: Writer<'_>, change: Change) -> Result<(), CallError> {
    let (bounds, desired) = match change {
        Change::Count(desired) => (None, Some(desired)),
        Change::Bounds(bounds) => (Some(bounds), None),
        Change::BoundsAndCount(bounds, desired) => (Some(bounds), Some(desired)),
    };
    let count = |name: &str, count: u32| parameter(name, number(count).to_string());
    let mut parameters = vec![parameter("AutoScalingGroupName", &writer.resource.name)];
    if let Some(bounds) = bounds {
        parameters.push(count("MinSize", bounds.min));
        parameters.push(count("MaxSize", bounds.max));
    }
    parameters.extend(desired.map(|desired| count("DesiredCapacity", desired)));
    // A turn for the count was waited for before the group was read again.
    let call = ("autoscaling:UpdateAutoScalingGroup", desired.is_some());
    writer.call_query(AUTO_SCALING, call, &parameters).await
}

async fn tag(writer: Writer<'_>, value: Option<&str>) -> Result<(), CallError> {
    let mut parameters = vec![
        parameter("Tags.member.1.ResourceType", "auto-scaling-group"),
        parameter("Tags.member.1.ResourceId", &writer.resource.name),
        parameter("Tags.member.1.Key", ASLEEP_TAG),
    ];
    let action = if let Some(value) = value {
        parameters.push(parameter("Tags.member.1.Value", value));
        parameters.push(parameter("Tags.member.1.PropagateAtLaunch", "false"));
        "autoscaling:CreateOrUpdateTags"
    } else {
        "autoscaling:DeleteTags"
    };
    writer
        .call_query(AUTO_SCALING, (action, false), &parameters)
        .await
}

/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Groups {
    auto_scaling_groups: List<Group>,
    next_token: Option<String>,
}

impl Page for Groups {
    type Item = Group;
    const NEXT: &'static str = "NextToken";

    fn into_parts(self) -> (Vec<Group>, Option<String>) {
        (self.auto_scaling_groups.0, self.next_token)
    }
}

/// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html>
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    #[serde(rename = "AutoScalingGroupARN", default)]
    arn: String,
    #[serde(rename = "AutoScalingGroupName", default)]
    name: String,
    min_size: u32,
    max_size: u32,
    desired_capacity: u32,
    /// `units` if left out; `vcpu` and `memory-mib` with requirements in place of instance types.
    desired_capacity_type: Option<String>,
    #[serde(default)]
    instances: List<Instance>,
    #[serde(default)]
    suspended_processes: List<SuspendedProcess>,
    warm_pool_configuration: Option<WarmPoolConfiguration>,
    #[serde(default)]
    warm_pool_size: u32,
    /// Only a group that is being deleted has one.
    status: Option<String>,
    created_time: Option<Timestamp>,
    #[serde(default)]
    tags: List<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    #[serde(default)]
    lifecycle_state: String,
    #[serde(default)]
    protected_from_scale_in: bool,
    /// How many units of the desired capacity it is worth; one if it has no weight.
    weighted_capacity: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SuspendedProcess {
    #[serde(default)]
    process_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WarmPoolConfiguration {
    max_group_prepared_capacity: Option<i64>,
    min_size: Option<i64>,
    status: Option<String>,
}

/// All groups, or those of these names; what is gone is left out.
async fn describe(reader: Reader<'_>, names: &[String]) -> Result<Vec<Resource>, ReadError> {
    let mut parameters = vec![parameter("MaxRecords", "100")];
    parameters.extend(list_parameter("AutoScalingGroupNames", names));
    let operation = "DescribeAutoScalingGroups";
    let found = query_api::list::<Groups>(reader.aws, AUTO_SCALING, operation, &parameters).await;
    let found = found.map_err(|error| {
        let action = "autoscaling:DescribeAutoScalingGroups";
        reader.error(operation, action, &error)
    })?;
    Ok(found.into_iter().map(group).collect())
}

fn group(group: Group) -> Resource {
    let instances = group.instances.0.iter();
    let in_service: Vec<&Instance> = instances
        .filter(|one| one.lifecycle_state == "InService")
        .collect();
    let running = u32::try_from(in_service.len()).unwrap_or(u32::MAX);
    let units = in_units(&group, &in_service);
    Resource {
        kind: Kind::AutoScalingGroup,
        cluster: PREFIX.to_owned(),
        desired: group.desired_capacity,
        running: units.unwrap_or(running),
        capacity_unit: units.map_or(CapacityUnit::Part, |_| CapacityUnit::Weight),
        not_in_service: existing(&group)
            .saturating_add(group.warm_pool_size)
            .saturating_sub(running),
        unstoppable: unstoppable(&group),
        pool_fills_up: pool_fills_up(&group),
        status: match group.status {
            Some(_) => Status::Draining,
            None => Status::Active,
        },
        scaling: Some(Scaling {
            min: group.min_size,
            max: group.max_size,
            suspended: ScalingSuspension::default(),
        }),
        created_at: group.created_time.and_then(in_milliseconds),
        arn: group.arn,
        name: group.name,
        tags: group.tags.0.into_iter().map(Tag::into_pair).collect(),
        ..Resource::default()
    }
}

/// What instances are worth in units of the desired capacity, where that is not how many there are. What runs although none
/// is desired is counted in instances.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-mixed-instances-groups-instance-weighting.html>
fn in_units(group: &Group, in_service: &[&Instance]) -> Option<u32> {
    if group.desired_capacity == 0 || in_service.is_empty() {
        return None;
    }
    let weights = || in_service.iter().map(|one| one.weighted_capacity);
    if weights().any(|weight| weight.is_some()) {
        let sum = |sum: u32, weight: Option<u32>| sum.saturating_add(weight.unwrap_or(1));
        return Some(weights().fold(0, sum));
    }
    // How many vCPUs or MiB an instance has is not known here, and so no shortage is.
    let counts_instances = group
        .desired_capacity_type
        .as_deref()
        .is_none_or(|unit| unit == "units");
    (!counts_instances).then_some(group.desired_capacity)
}

/// Instances that cost, in whatever state they are.
fn existing(group: &Group) -> u32 {
    let gone = ["Detached", "Terminated", "Warmed:Terminated"];
    let existing = group.instances.0.iter();
    let existing = existing.filter(|one| !gone.contains(&one.lifecycle_state.as_str()));
    u32::try_from(existing.count()).unwrap_or(u32::MAX)
}

/// Why its instances would stay when its desired capacity is zero, or would not come back.
///
/// `ReplaceUnhealthy` and the other processes hinder neither. A lifecycle hook that holds an instance is not in the
/// description of a group, and its time runs out: that is seen afterwards.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html>
fn unstoppable(group: &Group) -> Option<String> {
    let suspended = |name: &str| {
        let mut processes = group.suspended_processes.0.iter();
        processes.any(|process| process.process_name == name)
    };
    let instances =
        |is: &dyn Fn(&Instance) -> bool| group.instances.0.iter().filter(|one| is(one)).count();
    let protected = instances(&|one| one.protected_from_scale_in);
    let standby =
        instances(&|one| ["Standby", "EnteringStandby"].contains(&one.lifecycle_state.as_str()));
    if suspended("Terminate") {
        return Some(
            "its process Terminate is suspended, so its instances would run on".to_owned(),
        );
    }
    if suspended("Launch") {
        return Some("its process Launch is suspended, so nothing would wake it".to_owned());
    }
    if protected > 0 {
        let instances = count(protected, "instance");
        return Some(format!(
            "{instances} of it protected from scale-in would run on"
        ));
    }
    if standby > 0 {
        let instances = count(standby, "instance");
        return Some(format!("{instances} of it in standby would run on"));
    }
    let WarmPool { prepared, least } = warm_pool(group)?;
    let holds = prepared.unwrap_or_default().max(least);
    (holds > 0).then(|| {
        format!(
            "its warm pool would hold {} while the group is at zero; give the pool a MinSize of 0 and no \
             MaxGroupPreparedCapacity",
            count(holds, "instance"),
        )
    })
}

/// Without a prepared capacity of its own a pool holds as many as the maximum leaves above the desired capacity.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html>
fn pool_fills_up(group: &Group) -> bool {
    warm_pool(group).is_some_and(|pool| pool.prepared.is_none() && pool.least == 0)
}

/// Instances that are held ready beside a group.
struct WarmPool {
    /// How many there are together with those of the group, if that is not the group's maximum.
    prepared: Option<usize>,
    /// How many there are at least.
    least: usize,
}

fn warm_pool(group: &Group) -> Option<WarmPool> {
    let pool = group.warm_pool_configuration.as_ref()?;
    if pool.status.as_deref() == Some("PendingDelete") {
        return None;
    }
    // -1 takes a prepared capacity away.
    let prepared = pool.max_group_prepared_capacity;
    let least = pool.min_size.unwrap_or_default();
    Some(WarmPool {
        prepared: prepared.and_then(|prepared| prepared.try_into().ok()),
        least: least.try_into().unwrap_or_default(),
    })
}
