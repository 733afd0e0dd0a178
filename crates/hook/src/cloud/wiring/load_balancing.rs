//! Target groups, listeners and rules, each asked for by itself: of several at once, one that is gone hides the others.

use std::time::Duration;

use common::failure::Cause;
use common::load_balancing::{
    Action, Attributes, Listeners, Rule, Rules, TargetGroup as DescribedGroup,
};
use common::query_api::{self, ELASTIC_LOAD_BALANCING, list_parameter, parameter};
use futures::future::join_all;
use wiring::Fact;
use wiring::facts::{Route, TargetGroup};

use super::first;
use crate::cloud::target_groups::by_name_or_arn;
use crate::cloud::{Cloud, existing};
use crate::ecs::rule_demands;
use crate::lookup::LookupError;
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
    let answer = existing(aws, what, permission, by_name_or_arn(aws, named)).await;
    let Some(group) = first(answer.map(|answer| answer.map(|it| it.target_groups)))? else {
        return Ok(None);
    };
    let delay = deregistration_delay(cloud, &group).await;
    Ok(Some(TargetGroup {
        arn: group.target_group_arn.unwrap_or_default(),
        name: group.target_group_name.unwrap_or_default(),
        target_type: group.target_type.unwrap_or_else(|| "instance".to_owned()),
        load_balancers: group.load_balancer_arns,
        // `traffic-port` is none.
        health_check_port: group.health_check_port.and_then(|port| port.parse().ok()),
        deregistration_delay: delay,
    }))
}

async fn deregistration_delay(cloud: &Cloud, group: &DescribedGroup) -> Fact<Duration> {
    let aws = cloud.aws();
    let name = group.target_group_name.as_deref().unwrap_or_default();
    let arn = group.target_group_arn.clone().unwrap_or_default();
    let group = [parameter("TargetGroupArn", arn)];
    let operation = "DescribeTargetGroupAttributes";
    let call = query_api::read::<Attributes>(aws, ELASTIC_LOAD_BALANCING, operation, &group);
    let what = format!("DescribeTargetGroupAttributes {name}");
    let permission = "elasticloadbalancing:DescribeTargetGroupAttributes";
    let answer = existing(aws, what.clone(), permission, call).await?;
    let attributes = answer.map_or_else(Vec::new, |answer| answer.attributes);
    let seconds = attributes
        .iter()
        .find(|it| it.key.as_deref() == Some("deregistration_delay.timeout_seconds"))
        .and_then(|it| it.value.as_ref()?.parse().ok());
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
    let named = list_parameter("ListenerArns", &[&arn]);
    let call =
        query_api::read::<Listeners>(aws, ELASTIC_LOAD_BALANCING, "DescribeListeners", &named);
    let what = format!("DescribeListeners {arn}");
    let permission = "elasticloadbalancing:DescribeListeners";
    let answer = existing(aws, what, permission, call).await;
    let Some(listener) = first(answer.map(|answer| answer.map(|it| it.listeners)))? else {
        return Ok(None);
    };
    let rules = match rules_of_listener(aws, Some(arn.clone())).await {
        Ok(rules) => rules,
        // It went away in between.
        Err(LookupError::Call {
            cause: Cause::Absent,
            ..
        }) => Vec::new(),
        Err(error) => return Err(error.to_string()),
    };
    let own = listener.default_actions.iter();
    let actions = own.chain(rules.iter().flat_map(|rule| &rule.actions));
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
    let named = list_parameter("RuleArns", &[&arn]);
    let call = query_api::read::<Rules>(aws, ELASTIC_LOAD_BALANCING, "DescribeRules", &named);
    let what = format!("DescribeRules {arn}");
    let answer = existing(aws, what, "elasticloadbalancing:DescribeRules", call).await;
    let Some(rule) = first(answer.map(|answer| answer.map(|it| it.rules)))? else {
        return Ok(None);
    };
    Ok(Some(Route {
        forwards_to: rule.actions.iter().flat_map(forwarded).collect(),
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
    let weighted = action.weighted().iter();
    let weighted = weighted.filter_map(|group| group.target_group_arn.as_ref());
    let mut arns: Vec<String> = action
        .target_group_arn
        .iter()
        .chain(weighted)
        .cloned()
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
