//! EC2 Auto Scaling groups: the minimum and the desired capacity go to zero, the maximum stays.
//!
//! A minimum that is raised above the desired capacity raises that, too, as with Application Auto Scaling.
//! <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html>
//!
//! A desired capacity of zero is a wish: instances that are protected, in standby, or of a group whose
//! processes are suspended run on, and a warm pool holds what the maximum leaves. What can be known of
//! that beforehand is a reason not to begin.

use aws_sdk_autoscaling::types::builders::TagBuilder;
use aws_sdk_autoscaling::types::{AutoScalingGroup as Group, LifecycleState, Tag, WarmPoolStatus};
use futures::future::BoxFuture;
use jiff::SignedDuration;
use strict_yaml::words::count;

use super::{
    Change, KindSpec, ListedResources, ReadFuture, ResourceKind, ResourceNames, WriteFuture,
};
use crate::backup_tag::ASLEEP_TAG;
use crate::config::Config;
use crate::read::{ReadError, Reader, timestamp};
use crate::resource::{Capacity, Kind, Resource, Scaling, ScalingSuspension, Status};
use crate::write::{CallError, RetriedCall, Writer, number, once};

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
    let update = || {
        let call = writer.aws.autoscaling().update_auto_scaling_group();
        call.auto_scaling_group_name(&writer.resource.name)
            .set_min_size(bounds.map(|bounds| number(bounds.min)))
            .set_max_size(bounds.map(|bounds| number(bounds.max)))
            .set_desired_capacity(desired.map(number))
    };
    // A turn for the count was waited for before the group was read again.
    call(writer, "autoscaling:UpdateAutoScalingGroup")
        .until_done(desired.is_some(), once!(aws_sdk_autoscaling, update()))
        .await
}

async fn tag(writer: Writer<'_>, value: Option<&str>) -> Result<(), CallError> {
    let groups = writer.aws.autoscaling();
    let tag = group_tag(writer.resource);
    if let Some(value) = value {
        let tag = tag.value(value).propagate_at_launch(false).build();
        let set = || groups.create_or_update_tags().tags(tag.clone());
        return call(writer, "autoscaling:CreateOrUpdateTags")
            .until_done(false, once!(aws_sdk_autoscaling, set()))
            .await;
    }
    let tag = tag.build();
    let remove = || groups.delete_tags().tags(tag.clone());
    call(writer, "autoscaling:DeleteTags")
        .until_done(false, once!(aws_sdk_autoscaling, remove()))
        .await
}

fn group_tag(group: &Resource) -> TagBuilder {
    let tag = Tag::builder().resource_type("auto-scaling-group");
    tag.resource_id(&group.name).key(ASLEEP_TAG)
}

fn call<'a>(writer: Writer<'a>, action: &'static str) -> RetriedCall<'a> {
    writer.call(&writer.limiters.scaling, action, &writer.resource.name)
}

/// All groups, or those of these names; what is gone is left out.
async fn describe(reader: Reader<'_>, names: &[String]) -> Result<Vec<Resource>, ReadError> {
    let call = reader.aws.autoscaling().describe_auto_scaling_groups();
    let names = Some(names.to_vec()).filter(|names| !names.is_empty());
    let call = call.max_records(100).set_auto_scaling_group_names(names);
    let pages = call.into_paginator().items().send();
    let found: Result<Vec<Group>, _> = pages.collect().await;
    let found = found.map_err(|error| {
        let action = "autoscaling:DescribeAutoScalingGroups";
        reader.error("DescribeAutoScalingGroups", action, &error)
    })?;
    Ok(found.iter().map(group).collect())
}

fn group(group: &Group) -> Resource {
    let number = |number: Option<i32>| {
        number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or_default()
    };
    let in_service = group
        .instances()
        .iter()
        .filter(|one| one.lifecycle_state == Some(LifecycleState::InService));
    let running = u32::try_from(in_service.count()).unwrap_or(u32::MAX);
    let tags = group
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())));
    Resource {
        kind: Kind::AutoScalingGroup,
        arn: group
            .auto_scaling_group_arn()
            .unwrap_or_default()
            .to_owned(),
        cluster: PREFIX.to_owned(),
        name: group
            .auto_scaling_group_name()
            .unwrap_or_default()
            .to_owned(),
        desired: number(group.desired_capacity),
        running,
        not_in_service: existing(group)
            .saturating_add(number(group.warm_pool_size()))
            .saturating_sub(running),
        unstoppable: unstoppable(group),
        pool_fills_up: pool_fills_up(group),
        // Only a group that is being deleted has a status.
        status: match group.status() {
            Some(_) => Status::Draining,
            None => Status::Active,
        },
        tags: tags.collect(),
        scaling: Some(Scaling {
            min: number(group.min_size),
            max: number(group.max_size),
            suspended: ScalingSuspension::default(),
        }),
        created_at: group.created_time().and_then(timestamp),
        ..Resource::default()
    }
}

/// Instances that cost, in whatever state they are.
fn existing(group: &Group) -> u32 {
    let gone = [
        LifecycleState::Detached,
        LifecycleState::Terminated,
        LifecycleState::WarmedTerminated,
    ];
    let existing = group.instances().iter();
    let existing = existing.filter(|one| one.lifecycle_state().is_none_or(|it| !gone.contains(it)));
    u32::try_from(existing.count()).unwrap_or(u32::MAX)
}

/// Why its instances would stay when its desired capacity is zero, or would not come back.
///
/// `ReplaceUnhealthy` and the other processes hinder neither. A lifecycle hook that holds an instance is not in the
/// description of a group, and its time runs out: that is seen afterwards.
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html>
fn unstoppable(group: &Group) -> Option<String> {
    let suspended = |name: &str| {
        let mut processes = group.suspended_processes().iter();
        processes.any(|process| process.process_name() == Some(name))
    };
    let instances = |is: &dyn Fn(&aws_sdk_autoscaling::types::Instance) -> bool| {
        group.instances().iter().filter(|one| is(one)).count()
    };
    let protected = instances(&|one| one.protected_from_scale_in() == Some(true));
    let standby = instances(&|one| {
        let standby = [LifecycleState::Standby, LifecycleState::EnteringStandby];
        one.lifecycle_state()
            .is_some_and(|state| standby.contains(state))
    });
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
    let pool = group.warm_pool_configuration()?;
    if pool.status() == Some(&WarmPoolStatus::PendingDelete) {
        return None;
    }
    // -1 takes a prepared capacity away.
    let prepared = pool.max_group_prepared_capacity();
    Some(WarmPool {
        prepared: prepared.and_then(|prepared| prepared.try_into().ok()),
        least: pool
            .min_size()
            .unwrap_or_default()
            .try_into()
            .unwrap_or_default(),
    })
}
