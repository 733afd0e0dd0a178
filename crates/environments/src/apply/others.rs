//! The calls that change databases and Auto Scaling groups. They are paced like those of ECS, which is
//! slower than AWS demands: there are few of them.

use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_rds::types::Tag;

use super::Site;
use super::calls::{Again, CallError, number};
use crate::facts::{Kind, Scaling, Service};
use crate::mirror::TAG;

/// Starts or stops a database; sets the desired capacity of a group.
pub(super) async fn set_count(
    site: &Site<'_>,
    service: &Service,
    desired: u32,
) -> Result<(), CallError> {
    let (rds, name) = (site.aws.rds(), &service.name);
    match (service.kind, desired) {
        (Kind::RdsInstance, 0) => {
            let call = || rds.stop_db_instance().db_instance_identifier(name);
            let again = again(site, service, "StopDBInstance", "rds:StopDBInstance");
            let once = || call().customize().config_override(once_rds()).send();
            again.until_done(true, once).await
        }
        (Kind::RdsInstance, _) => {
            let call = || rds.start_db_instance().db_instance_identifier(name);
            let again = again(site, service, "StartDBInstance", "rds:StartDBInstance");
            let once = || call().customize().config_override(once_rds()).send();
            again.until_done(true, once).await
        }
        (Kind::RdsCluster, 0) => {
            let call = || rds.stop_db_cluster().db_cluster_identifier(name);
            let again = again(site, service, "StopDBCluster", "rds:StopDBCluster");
            let once = || call().customize().config_override(once_rds()).send();
            again.until_done(true, once).await
        }
        (Kind::RdsCluster, _) => {
            let call = || rds.start_db_cluster().db_cluster_identifier(name);
            let again = again(site, service, "StartDBCluster", "rds:StartDBCluster");
            let once = || call().customize().config_override(once_rds()).send();
            again.until_done(true, once).await
        }
        (Kind::AutoScalingGroup | Kind::EcsService, _) => {
            let groups = site.aws.autoscaling();
            let call = || {
                groups
                    .update_auto_scaling_group()
                    .auto_scaling_group_name(name)
            };
            let once = || {
                let call = call().desired_capacity(number(desired)).customize();
                call.config_override(once_groups()).send()
            };
            update_group(site, service).until_done(true, once).await
        }
    }
}

/// Sets the bounds of a group, and its desired capacity with them if there is one.
pub(super) async fn set_group(
    site: &Site<'_>,
    service: &Service,
    scaling: Scaling,
    desired: Option<u32>,
) -> Result<(), CallError> {
    let groups = site.aws.autoscaling();
    let once = || {
        groups
            .update_auto_scaling_group()
            .auto_scaling_group_name(&service.name)
            .min_size(number(scaling.min))
            .max_size(number(scaling.max))
            .set_desired_capacity(desired.map(number))
            .customize()
            .config_override(once_groups())
            .send()
    };
    update_group(site, service)
        .until_done(desired.is_some(), once)
        .await
}

/// Mirrors the record in a tag.
pub(super) async fn set_tag(
    site: &Site<'_>,
    service: &Service,
    value: &str,
) -> Result<(), CallError> {
    if service.kind == Kind::AutoScalingGroup {
        let again = again(
            site,
            service,
            "CreateOrUpdateTags",
            "autoscaling:CreateOrUpdateTags",
        );
        let tag = group_tag(service)
            .value(value)
            .propagate_at_launch(false)
            .build();
        let once = || {
            let call = site
                .aws
                .autoscaling()
                .create_or_update_tags()
                .tags(tag.clone());
            call.customize().config_override(once_groups()).send()
        };
        return again.until_done(false, once).await;
    }
    let again = again(site, service, "AddTagsToResource", "rds:AddTagsToResource");
    let tag = Tag::builder().key(TAG).value(value).build();
    let once = || {
        let call = site
            .aws
            .rds()
            .add_tags_to_resource()
            .resource_name(&service.arn);
        call.tags(tag.clone())
            .customize()
            .config_override(once_rds())
            .send()
    };
    again.until_done(false, once).await
}

/// Removes the mirror.
pub(super) async fn remove_tag(site: &Site<'_>, service: &Service) -> Result<(), CallError> {
    if service.kind == Kind::AutoScalingGroup {
        let again = again(site, service, "DeleteTags", "autoscaling:DeleteTags");
        let tag = group_tag(service).build();
        let once = || {
            let call = site.aws.autoscaling().delete_tags().tags(tag.clone());
            call.customize().config_override(once_groups()).send()
        };
        return again.until_done(false, once).await;
    }
    let again = again(
        site,
        service,
        "RemoveTagsFromResource",
        "rds:RemoveTagsFromResource",
    );
    let once = || {
        let call = site
            .aws
            .rds()
            .remove_tags_from_resource()
            .resource_name(&service.arn);
        call.tag_keys(TAG)
            .customize()
            .config_override(once_rds())
            .send()
    };
    again.until_done(false, once).await
}

fn group_tag(service: &Service) -> aws_sdk_autoscaling::types::builders::TagBuilder {
    aws_sdk_autoscaling::types::Tag::builder()
        .resource_type("auto-scaling-group")
        .resource_id(&service.name)
        .key(TAG)
}

fn update_group<'a>(site: &'a Site<'a>, service: &Service) -> Again<'a> {
    let permission = "autoscaling:UpdateAutoScalingGroup";
    again(site, service, "UpdateAutoScalingGroup", permission)
}

fn again<'a>(
    site: &'a Site<'a>,
    service: &Service,
    call: &str,
    permission: &'static str,
) -> Again<'a> {
    Again {
        site,
        pace: &site.paces.scaling,
        told: format!("{call} of {}", service.name),
        permission,
    }
}

fn once_rds() -> aws_sdk_rds::config::Builder {
    aws_sdk_rds::config::Config::builder().retry_config(RetryConfig::disabled())
}

fn once_groups() -> aws_sdk_autoscaling::config::Builder {
    aws_sdk_autoscaling::config::Config::builder().retry_config(RetryConfig::disabled())
}
