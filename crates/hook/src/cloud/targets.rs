//! The targets of the release, and their health.

use common::load_balancing::{TargetHealthDescription, TargetHealths};
use common::query_api::{self, ELASTIC_LOAD_BALANCING, parameter};
use gate::cloud::{CloudError, TargetGroup, TargetHealth};

use super::{Cloud, target_groups};

/// The target group of the release, with its targets.
pub(super) async fn of_release(cloud: &Cloud) -> Result<TargetGroup, CloudError> {
    if cloud.fact("platform") == Some("Lambda") {
        return Err(CloudError(
            "a function has no targets; use a `lambda` check".to_owned(),
        ));
    }
    let named = cloud.release.target_groups();
    let group = target_groups::describe(cloud, &named.new.map_err(CloudError)?).await?;
    let desired = named.desired.map_err(CloudError)?;
    let name = group.target_group_name.unwrap_or_default();
    let aws = cloud.aws();
    let group = [parameter(
        "TargetGroupArn",
        group.target_group_arn.unwrap_or_default(),
    )];
    let call = query_api::read::<TargetHealths>(
        aws,
        ELASTIC_LOAD_BALANCING,
        "DescribeTargetHealth",
        &group,
    );
    let what = format!("DescribeTargetHealth {name}");
    let answer = call.await.map_err(super::failed(
        aws,
        what,
        "elasticloadbalancing:DescribeTargetHealth",
        "the target group is gone; correct the deployment's target groups",
    ))?;
    Ok(TargetGroup {
        name,
        desired,
        targets: answer
            .target_health_descriptions
            .iter()
            .map(health)
            .collect(),
    })
}

fn health(described: &TargetHealthDescription) -> TargetHealth {
    let target = described.target.as_ref();
    let id = target
        .and_then(|target| target.id.as_deref())
        .unwrap_or("?");
    let port = target.and_then(|target| target.port);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let health = described.target_health.as_ref();
    let state = health.and_then(|health| health.state.as_deref());
    let reason = health.and_then(|health| health.reason.as_deref());
    let description = health.and_then(|health| health.description.as_deref());
    let reason: Vec<&str> = reason.into_iter().chain(description).collect();
    TargetHealth {
        id: format!("{id}{port}"),
        state: state.unwrap_or("unknown").to_owned(),
        reason: reason.join(": "),
    }
}
