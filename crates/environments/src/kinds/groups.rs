//! EC2 Auto Scaling groups: the minimum and the desired capacity go to zero, the maximum stays.
//!
//! A minimum that is raised above the desired capacity raises that, too, as with Application Auto Scaling.
//! <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html>

use aws_sdk_autoscaling::types::{AutoScalingGroup, LifecycleState};
use common::aws::explain;

use super::AUTO_SCALING;
use crate::facts::{Kind, Scaling, Service, Status, Suspended};
use crate::look::{Eyes, LookError, failed, timestamp};

/// All groups, or those of these names; what is gone is left out.
pub(crate) async fn groups(eyes: Eyes<'_>, names: &[String]) -> Result<Vec<Service>, LookError> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let mut call = eyes
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

fn group(group: &AutoScalingGroup) -> Service {
    let count = |count: Option<i32>| {
        count
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or_default()
    };
    let in_service = group
        .instances()
        .iter()
        .filter(|one| one.lifecycle_state == Some(LifecycleState::InService));
    let tags = group
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())));
    Service {
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
        desired: count(group.desired_capacity),
        running: u32::try_from(in_service.count()).unwrap_or(u32::MAX),
        // Only a group that is being deleted has a status.
        status: match group.status() {
            Some(_) => Status::Draining,
            None => Status::Active,
        },
        tags: tags.collect(),
        scaling: Some(Scaling {
            min: count(group.min_size),
            max: count(group.max_size),
            suspended: Suspended::default(),
        }),
        created_at: group.created_time().and_then(timestamp),
        ..Service::default()
    }
}
