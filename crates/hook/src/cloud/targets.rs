//! The targets of the release, and their health.

use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;
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
    let name = group.target_group_name().unwrap_or_default().to_owned();
    let aws = cloud.aws();
    let call = aws
        .elb()
        .describe_target_health()
        .set_target_group_arn(group.target_group_arn)
        .send();
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
            .target_health_descriptions()
            .iter()
            .map(health)
            .collect(),
    })
}

fn health(described: &TargetHealthDescription) -> TargetHealth {
    let target = described.target();
    let id = target.and_then(|target| target.id()).unwrap_or("?");
    let port = target.and_then(aws_sdk_elasticloadbalancingv2::types::TargetDescription::port);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let health = described.target_health();
    let state = health.and_then(|health| health.state());
    let reason = health
        .and_then(|health| health.reason())
        .map(aws_sdk_elasticloadbalancingv2::types::TargetHealthReasonEnum::as_str);
    let description = health.and_then(|health| health.description());
    let reason: Vec<&str> = reason.into_iter().chain(description).collect();
    TargetHealth {
        id: format!("{id}{port}"),
        state: state.map_or("unknown", |state| state.as_str()).to_owned(),
        reason: reason.join(": "),
    }
}
