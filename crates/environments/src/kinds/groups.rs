//! EC2 Auto Scaling groups: the minimum and the desired capacity go to zero, the maximum stays.
//!
//! A minimum that is raised above the desired capacity raises that, too, as with Application Auto Scaling.
//! <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html>
//!
//! A desired capacity of zero is a wish: instances that are protected, in standby, or of a group whose
//! processes are suspended run on, and a warm pool holds what the maximum leaves. What can be known of
//! that beforehand is a reason not to begin.

use aws_sdk_autoscaling::types::{AutoScalingGroup, LifecycleState, WarmPoolStatus};
use common::aws::explain;
use strict_yaml::words::count;

use super::AUTO_SCALING;
use crate::read::{ReadError, Reader, failed, timestamp};
use crate::resource::{Kind, Resource, Scaling, Status, Suspended};

/// All groups, or those of these names; what is gone is left out.
pub(crate) async fn groups(
    reader: Reader<'_>,
    names: &[String],
) -> Result<Vec<Resource>, ReadError> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let mut call = reader
            .aws
            .autoscaling()
            .describe_auto_scaling_groups()
            .max_records(100);
        if !names.is_empty() {
            call = call.set_auto_scaling_group_names(Some(names.to_vec()));
        }
        let answer = call.set_next_token(token).send().await.map_err(|error| {
            failed(
                "DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingGroups",
                explain(&error),
            )
        })?;
        found.extend(answer.auto_scaling_groups().iter().map(group));
        token = answer.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

fn group(group: &AutoScalingGroup) -> Resource {
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
        cluster: AUTO_SCALING.to_owned(),
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
            suspended: Suspended::default(),
        }),
        created_at: group.created_time().and_then(timestamp),
        ..Resource::default()
    }
}

/// Instances that cost, in whatever state they are.
fn existing(group: &AutoScalingGroup) -> u32 {
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
fn unstoppable(group: &AutoScalingGroup) -> Option<String> {
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
fn pool_fills_up(group: &AutoScalingGroup) -> bool {
    warm_pool(group).is_some_and(|pool| pool.prepared.is_none() && pool.least == 0)
}

/// Instances that are held ready beside a group.
struct WarmPool {
    /// How many there are together with those of the group, if that is not the group's maximum.
    prepared: Option<usize>,
    /// How many there are at least.
    least: usize,
}

fn warm_pool(group: &AutoScalingGroup) -> Option<WarmPool> {
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
