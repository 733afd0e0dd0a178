//! Target groups, listeners and rules, each asked for by itself: of several at once, one that is gone hides the others.

use aws_sdk_elasticloadbalancingv2::types::{Action, Rule, TargetGroup as EventDescription};
use futures::future::join_all;
use std::time::Duration;
use wiring::Fact;
use wiring::facts::{Route, TargetGroup};

use super::first;
use crate::cloud::target_groups::by_name_or_arn;
use crate::cloud::{Cloud, existing};
use crate::ecs::rule_demands;
use crate::lookup::load_balancing::rules as rules_of_listener;

/// Target groups by name or ARN; those that don't exist are left out.
pub(super) async fn target_groups(cloud: &Cloud, named: &[String]) -> Fact<Vec<TargetGroup>> {
    let mut distinct: Vec<&String> = named.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let found = join_all(distinct.into_iter().map(|name| target_group(cloud, name))).await;
    let found: Fact<Vec<Option<TargetGroup>>> = found.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

async fn target_group(cloud: &Cloud, named: &str) -> Fact<Option<TargetGroup>> {
    let aws = cloud.aws();
    let what = format!("DescribeTargetGroups {named}");
    let permission = "elasticloadbalancing:DescribeTargetGroups";
    let answer = existing(aws, what, permission, by_name_or_arn(aws, named).send()).await;
    let Some(group) = first(answer.map(|answer| answer.and_then(|it| it.target_groups)))? else {
        return Ok(None);
    };
    let delay = deregistration_delay(cloud, &group).await;
    Ok(Some(TargetGroup {
        arn: group.target_group_arn.unwrap_or_default(),
        name: group.target_group_name.unwrap_or_default(),
        target_type: group
            .target_type
            .map_or_else(|| "instance".to_owned(), |kind| kind.as_str().to_owned()),
        load_balancers: group.load_balancer_arns.unwrap_or_default(),
        // `traffic-port` is none.
        health_check_port: group.health_check_port.and_then(|port| port.parse().ok()),
        deregistration_delay: delay,
    }))
}

async fn deregistration_delay(cloud: &Cloud, group: &EventDescription) -> Fact<Duration> {
    let aws = cloud.aws();
    let name = group.target_group_name().unwrap_or_default();
    let call = aws
        .elb()
        .describe_target_group_attributes()
        .set_target_group_arn(group.target_group_arn.clone())
        .send();
    let what = format!("DescribeTargetGroupAttributes {name}");
    let permission = "elasticloadbalancing:DescribeTargetGroupAttributes";
    let answer = existing(aws, what.clone(), permission, call).await?;
    let attributes = answer
        .and_then(|answer| answer.attributes)
        .unwrap_or_default();
    let seconds = attributes
        .iter()
        .find(|it| it.key() == Some("deregistration_delay.timeout_seconds"))
        .and_then(|it| it.value()?.parse().ok());
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("{what} returned no deregistration delay"))
}

/// Listeners by ARN, each with what it and its rules forward to; those that don't exist are left out.
pub(super) async fn listeners(cloud: &Cloud, arns: Vec<String>) -> Fact<Vec<Route>> {
    let found = join_all(arns.into_iter().map(|arn| listener(cloud, arn))).await;
    let found: Fact<Vec<Option<Route>>> = found.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

async fn listener(cloud: &Cloud, arn: String) -> Fact<Option<Route>> {
    let aws = cloud.aws();
    let call = aws.elb().describe_listeners().listener_arns(&arn).send();
    let what = format!("DescribeListeners {arn}");
    let permission = "elasticloadbalancing:DescribeListeners";
    let answer = existing(aws, what, permission, call).await;
    let Some(listener) = first(answer.map(|answer| answer.and_then(|it| it.listeners)))? else {
        return Ok(None);
    };
    let call = aws.elb().describe_rules().listener_arn(&arn).send();
    let what = format!("DescribeRules {arn}");
    let rules = existing(aws, what, "elasticloadbalancing:DescribeRules", call).await?;
    let rules = rules.and_then(|answer| answer.rules).unwrap_or_default();
    let own = listener.default_actions().iter();
    let actions = own.chain(
        rules
            .iter()
            .flat_map(aws_sdk_elasticloadbalancingv2::types::Rule::actions),
    );
    Ok(Some(Route {
        forwards_to: actions.flat_map(forwarded).collect(),
        load_balancer: listener.load_balancer_arn.unwrap_or_default(),
        taken_before: Ok(None),
        arn,
    }))
}

/// Rules by ARN, and listeners of Network Load Balancers, which have none.
pub(super) async fn rules(cloud: &Cloud, arns: Vec<String>) -> Fact<Vec<Route>> {
    let one = async |arn: String| {
        if arn.contains(":listener-rule/") {
            rule(cloud, arn).await
        } else {
            listener(cloud, arn).await
        }
    };
    let found = join_all(arns.into_iter().map(one)).await;
    let found: Fact<Vec<Option<Route>>> = found.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

async fn rule(cloud: &Cloud, arn: String) -> Fact<Option<Route>> {
    let aws = cloud.aws();
    let call = aws.elb().describe_rules().rule_arns(&arn).send();
    let what = format!("DescribeRules {arn}");
    let answer = existing(aws, what, "elasticloadbalancing:DescribeRules", call).await;
    let Some(rule) = first(answer.map(|answer| answer.and_then(|it| it.rules)))? else {
        return Ok(None);
    };
    Ok(Some(Route {
        forwards_to: rule.actions().iter().flat_map(forwarded).collect(),
        load_balancer: load_balancer_of(&arn),
        taken_before: taken_before(cloud, &rule, &arn).await,
        arn,
    }))
}

/// Whether a rule of the same listener takes whatever this one takes, and is asked first.
async fn taken_before(cloud: &Cloud, rule: &Rule, arn: &str) -> Fact<Option<u32>> {
    let listener = rule_demands::listener_of(arn);
    let rules = rules_of_listener(cloud.aws(), listener).await;
    let rules = rules.map_err(|error| error.to_string())?;
    Ok(rule_demands::taken_before(rule, &rules))
}

/// `…:loadbalancer/app/shop/50dc` of `…:listener-rule/app/shop/50dc/f2f7/9683`.
fn load_balancer_of(rule: &str) -> String {
    let Some((head, tail)) = rule.split_once(":listener-rule/") else {
        return String::new();
    };
    let name: Vec<&str> = tail.split('/').take(3).collect();
    format!("{head}:loadbalancer/{}", name.join("/"))
}

/// The target groups that an action forwards to.
fn forwarded(action: &Action) -> Vec<String> {
    let tuples = action
        .forward_config()
        .map(aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig::target_groups)
        .unwrap_or_default();
    let of_tuples = tuples.iter().filter_map(|tuple| tuple.target_group_arn());
    let mut arns: Vec<String> = action
        .target_group_arn()
        .into_iter()
        .chain(of_tuples)
        .map(str::to_owned)
        .collect();
    arns.dedup();
    arns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_its_load_balancer() {
        let rule =
            "arn:aws:elasticloadbalancing:eu-central-1:1:listener-rule/app/shop/50dc/f2f7/9683";
        assert_eq!(
            load_balancer_of(rule),
            "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/shop/50dc"
        );
    }
}
