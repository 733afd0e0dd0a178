//! Which target groups a release has, and what CloudWatch calls them.

use common::aws::Aws;
use common::json_api::CallError;
use common::load_balancing::{TargetGroup, TargetGroups};
use common::query_api::{self, ELASTIC_LOAD_BALANCING, list_parameter};
use gate::cloud::CloudError;

use super::Cloud;
use crate::facts::KnownFacts;

/// Describes the target group of this name or ARN.
pub(super) async fn by_name_or_arn(aws: &Aws, named: &str) -> Result<TargetGroups, CallError> {
    let by = if named.starts_with("arn:") {
        "TargetGroupArns"
    } else {
        "Names"
    };
    let by = list_parameter(by, &[named]);
    query_api::read(aws, ELASTIC_LOAD_BALANCING, "DescribeTargetGroups", &by).await
}

/// The target group that the deployment names, by name or ARN.
pub(super) async fn describe(cloud: &Cloud, named: &str) -> Result<TargetGroup, CloudError> {
    let aws = cloud.aws();
    let what = format!("DescribeTargetGroups {named}");
    let answer = by_name_or_arn(aws, named).await;
    let answer = answer.map_err(super::failed(
        aws,
        what.as_str(),
        "elasticloadbalancing:DescribeTargetGroups",
        "the target group is gone; correct the deployment's target groups",
    ))?;
    let mut groups = answer.target_groups.into_iter();
    groups
        .next()
        .ok_or_else(|| CloudError(format!("{what} returned nothing")))
}

/// The facts that metrics of a load balancer need.
pub(super) async fn facts(cloud: &Cloud) -> KnownFacts {
    let named = cloud.release.target_groups();
    let of = async |named: &Result<String, String>| match named {
        Ok(named) => describe(cloud, named).await.map_err(|error| error.0),
        Err(why) => Err(why.clone()),
    };
    let (new, old) = tokio::join!(of(&named.new), of(&named.old));
    let mut known = KnownFacts::default();
    let dimension = |group: &Result<TargetGroup, String>| match group {
        Ok(group) => group
            .target_group_arn
            .as_deref()
            .and_then(dimension)
            .ok_or_else(|| "DescribeTargetGroups returned no ARN of it".to_owned()),
        Err(why) => Err(why.clone()),
    };
    known.learn("target_group", dimension(&new));
    known.learn("old_target_group", dimension(&old));
    known.learn("load_balancer", load_balancer([&new, &old]));
    known
}

/// `targetgroup/green/73e2` of its ARN.
fn dimension(arn: &str) -> Option<String> {
    let (_, rest) = arn.split_once(":targetgroup/")?;
    Some(format!("targetgroup/{rest}"))
}

/// `app/shop/50dc` of the load balancer of either group: one that no rule names yet has none.
fn load_balancer(groups: [&Result<TargetGroup, String>; 2]) -> Result<String, String> {
    let arns = groups.into_iter().flatten();
    let arn = arns.flat_map(|group| &group.load_balancer_arns).next();
    if let Some(name) = arn.and_then(|arn| arn.split_once(":loadbalancer/")) {
        return Ok(name.1.to_owned());
    }
    match groups {
        [Err(why), _] => Err(why.clone()),
        _ => Err("the target groups are attached to no load balancer".to_owned()),
    }
}
