//! Listeners, their rules and their load balancers.

use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer, Rule};
use common::aws::Aws;
use common::failure::Hints;

use super::LookupError;

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
            Hints {
                permission: "elasticloadbalancing:DescribeListeners",
                absent: "correct the listeners in the deployment group's loadBalancerInfo",
            },
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
            Hints {
                permission: "elasticloadbalancing:DescribeLoadBalancers",
                absent: "the load balancer is gone; correct the deployment group",
            },
        ))?;
    Ok(answer.load_balancers.unwrap_or_default())
}

/// The rules of `arns`.
pub(crate) async fn rules(aws: &Aws, arns: Vec<String>) -> Result<Vec<Rule>, LookupError> {
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let call = format!("DescribeRules {}", arns.join(", "));
    let answer = aws
        .elb()
        .describe_rules()
        .set_rule_arns(Some(arns))
        .send()
        .await
        .map_err(LookupError::of(
            aws,
            call,
            Hints {
                permission: "elasticloadbalancing:DescribeRules",
                absent: "correct productionListenerRule and testListenerRule in the service's loadBalancers",
            },
        ))?;
    Ok(answer.rules.unwrap_or_default())
}
