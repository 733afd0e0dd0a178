//! Listeners, their rules and their load balancers.

use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer, Rule};
use common::aws::Aws;

use super::LookupError;

/// A page has 400 rules at most, and a load balancer some hundreds.
const MAX_PAGES_OF_RULES: usize = 10;

pub(crate) async fn listeners(aws: &Aws, arns: Vec<String>) -> Result<Vec<Listener>, LookupError> {
    let call = format!("DescribeListeners {}", arns.join(", "));
    let answer = aws
        .elb()
        .describe_listeners()
        .set_listener_arns(Some(arns))
        .send()
        .await
        .map_err(LookupError::of(
            aws,
            call,
            "elasticloadbalancing:DescribeListeners",
            "correct the listeners in the deployment group's loadBalancerInfo",
        ))?;
    Ok(answer.listeners.unwrap_or_default())
}

pub(crate) async fn load_balancers(
    aws: &Aws,
    arns: Vec<String>,
) -> Result<Vec<LoadBalancer>, LookupError> {
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let call = format!("DescribeLoadBalancers {}", arns.join(", "));
    let answer = aws
        .elb()
        .describe_load_balancers()
        .set_load_balancer_arns(Some(arns))
        .send()
        .await
        .map_err(LookupError::of(
            aws,
            call,
            "elasticloadbalancing:DescribeLoadBalancers",
            "the load balancer is gone; correct the deployment group",
        ))?;
    Ok(answer.load_balancers.unwrap_or_default())
}

/// All rules of the listener, as those before one may take what it takes; none without a listener.
pub(crate) async fn rules(aws: &Aws, listener: Option<String>) -> Result<Vec<Rule>, LookupError> {
    let mut rules = Vec::new();
    let Some(listener) = listener else {
        return Ok(rules);
    };
    let call = format!("DescribeRules {listener}");
    let absent =
        "correct the listeners and listener rules that the service or the deployment group names";
    let mut marker = None;
    for _ in 0..MAX_PAGES_OF_RULES {
        let page = aws
            .elb()
            .describe_rules()
            .listener_arn(&listener)
            .set_marker(marker)
            .send()
            .await
            .map_err(LookupError::of(
                aws,
                call.clone(),
                "elasticloadbalancing:DescribeRules",
                absent,
            ))?;
        rules.extend(page.rules.unwrap_or_default());
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(rules);
        }
    }
    Err(LookupError::Missing(format!(
        "{call} did not come to an end after {} rules; give the service a listener with fewer rules",
        rules.len()
    )))
}
