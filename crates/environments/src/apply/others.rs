//! The calls that change databases and Auto Scaling groups. They are paced like those of ECS, which is
//! slower than AWS demands: there are few of them.

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_rds::types::Tag;

use super::ApplyContext;
use super::calls::{CallError, RetriedCall, number};
use crate::backup_tag::ASLEEP_TAG;
use crate::resource::{Kind, Resource, Scaling};

/// Starts or stops a database; sets the desired capacity of a group.
pub(super) async fn set_count(
    context: &ApplyContext<'_>,
    resource: &Resource,
    desired: u32,
) -> Result<(), CallError> {
    let (rds, name) = (context.aws.rds(), &resource.name);
    match (resource.kind, desired) {
        (Kind::RdsInstance, 0) => {
            let call = || rds.stop_db_instance().db_instance_identifier(name);
            let again = again(context, resource, "StopDBInstance", "rds:StopDBInstance");
            let once = || call().customize().config_override(once_rds()).send();
            again.until_done(true, once).await
        }
        (Kind::RdsInstance, _) => {
            let call = || rds.start_db_instance().db_instance_identifier(name);
            let again = again(context, resource, "StartDBInstance", "rds:StartDBInstance");
            let once = || call().customize().config_override(once_rds()).send();
            again.until_done(true, once).await
        }
        (Kind::RdsCluster, 0) => {
            let call = || rds.stop_db_cluster().db_cluster_identifier(name);
            let again = again(context, resource, "StopDBCluster", "rds:StopDBCluster");
            let once = || call().customize().config_override(once_rds()).send();
            again.until_done(true, once).await
        }
        (Kind::RdsCluster, _) => {
            let call = || rds.start_db_cluster().db_cluster_identifier(name);
            let again = again(context, resource, "StartDBCluster", "rds:StartDBCluster");
            let once = || call().customize().config_override(once_rds()).send();
            again.until_done(true, once).await
        }
        (Kind::AutoScalingGroup | Kind::EcsService, _) => {
            let groups = context.aws.autoscaling();
            let call = || {
                groups
                    .update_auto_scaling_group()
                    .auto_scaling_group_name(name)
            };
            let once = || {
                let call = call().desired_capacity(number(desired)).customize();
                call.config_override(once_groups()).send()
            };
            update_group(context, resource).until_done(true, once).await
        }
    }
}

/// Sets the bounds of a group, and its desired capacity with them if there is one.
pub(super) async fn set_group(
    context: &ApplyContext<'_>,
    resource: &Resource,
    scaling: Scaling,
    desired: Option<u32>,
) -> Result<(), CallError> {
    let groups = context.aws.autoscaling();
    let once = || {
        groups
            .update_auto_scaling_group()
            .auto_scaling_group_name(&resource.name)
            .min_size(number(scaling.min))
            .max_size(number(scaling.max))
            .set_desired_capacity(desired.map(number))
            .customize()
            .config_override(once_groups())
            .send()
    };
    update_group(context, resource)
        .until_done(desired.is_some(), once)
        .await
}

/// Mirrors the record in a tag.
pub(super) async fn set_tag(
    context: &ApplyContext<'_>,
    resource: &Resource,
    value: &str,
) -> Result<(), CallError> {
    if resource.kind == Kind::AutoScalingGroup {
        let again = again(
            context,
            resource,
            "CreateOrUpdateTags",
            "autoscaling:CreateOrUpdateTags",
        );
        let tag = group_tag(resource)
            .value(value)
            .propagate_at_launch(false)
            .build();
        let once = || {
            let call = context
                .aws
                .autoscaling()
                .create_or_update_tags()
                .tags(tag.clone());
            call.customize().config_override(once_groups()).send()
        };
        return again.until_done(false, once).await;
    }
    let again = again(
        context,
        resource,
        "AddTagsToResource",
        "rds:AddTagsToResource",
    );
    let tag = Tag::builder().key(ASLEEP_TAG).value(value).build();
    let once = || {
        let call = context
            .aws
            .rds()
            .add_tags_to_resource()
            .resource_name(&resource.arn);
        call.tags(tag.clone())
            .customize()
            .config_override(once_rds())
            .send()
    };
    again.until_done(false, once).await
}

/// Removes the mirror.
pub(super) async fn remove_tag(
    context: &ApplyContext<'_>,
    resource: &Resource,
) -> Result<(), CallError> {
    if resource.kind == Kind::AutoScalingGroup {
        let again = again(context, resource, "DeleteTags", "autoscaling:DeleteTags");
        let tag = group_tag(resource).build();
        let once = || {
            let call = context.aws.autoscaling().delete_tags().tags(tag.clone());
            call.customize().config_override(once_groups()).send()
        };
        return again.until_done(false, once).await;
    }
    let again = again(
        context,
        resource,
        "RemoveTagsFromResource",
        "rds:RemoveTagsFromResource",
    );
    let once = || {
        let call = context
            .aws
            .rds()
            .remove_tags_from_resource()
            .resource_name(&resource.arn);
        call.tag_keys(ASLEEP_TAG)
            .customize()
            .config_override(once_rds())
            .send()
    };
    again.until_done(false, once).await
}

fn group_tag(resource: &Resource) -> aws_sdk_autoscaling::types::builders::TagBuilder {
    aws_sdk_autoscaling::types::Tag::builder()
        .resource_type("auto-scaling-group")
        .resource_id(&resource.name)
        .key(ASLEEP_TAG)
}

fn update_group<'a>(context: &'a ApplyContext<'a>, resource: &Resource) -> RetriedCall<'a> {
    let permission = "autoscaling:UpdateAutoScalingGroup";
    again(context, resource, "UpdateAutoScalingGroup", permission)
}

fn again<'a>(
    context: &'a ApplyContext<'a>,
    resource: &Resource,
    call: &str,
    permission: &'static str,
) -> RetriedCall<'a> {
    RetriedCall {
        context,
        limiter: &context.limiters.scaling,
        told: format!("{call} of {}", resource.name),
        permission,
    }
}

fn once_rds() -> aws_sdk_rds::config::Builder {
    aws_sdk_rds::config::Config::builder().retry_config(RetryConfig::disabled())
}

fn once_groups() -> aws_sdk_autoscaling::config::Builder {
    aws_sdk_autoscaling::config::Config::builder().retry_config(RetryConfig::disabled())
}
