//! Listeners, their rules and their load balancers.

use common::aws::Aws;
use common::load_balancing::{Listener, Listeners, LoadBalancer, LoadBalancers, Rule, Rules};
use common::query_api::{self, ELASTIC_LOAD_BALANCING, list_parameter, parameter};

use super::LookupError;

/// A page has 400 rules at most, and a load balancer some hundreds.
const MAX_PAGES_OF_RULES: usize = 10;

pub(crate) async fn listeners(aws: &Aws, arns: Vec<String>) -> Result<Vec<Listener>, LookupError> {
    let call = format!("DescribeListeners {}", arns.join(", "));
    let arns = list_parameter("ListenerArns", &arns);
    let answer =
        query_api::read::<Listeners>(aws, ELASTIC_LOAD_BALANCING, "DescribeListeners", &arns);
    let answer = answer.await.map_err(LookupError::of(
        aws,
        call,
        "elasticloadbalancing:DescribeListeners",
        "correct the listeners in the deployment group's loadBalancerInfo",
    ))?;
    Ok(answer.listeners)
}

pub(crate) async fn load_balancers(
    aws: &Aws,
    arns: Vec<String>,
) -> Result<Vec<LoadBalancer>, LookupError> {
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let call = format!("DescribeLoadBalancers {}", arns.join(", "));
    let arns = list_parameter("LoadBalancerArns", &arns);
    let answer = query_api::read::<LoadBalancers>(
        aws,
        ELASTIC_LOAD_BALANCING,
        "DescribeLoadBalancers",
        &arns,
    );
    let answer = answer.await.map_err(LookupError::of(
        aws,
        call,
        "elasticloadbalancing:DescribeLoadBalancers",
        "the load balancer is gone; correct the deployment group",
    ))?;
    Ok(answer.load_balancers)
}

/// All rules of the listener, as those before one may take what it takes. None without a listener, nor of one of a
/// Network Load Balancer, which has none.
pub(crate) async fn rules(aws: &Aws, listener: Option<String>) -> Result<Vec<Rule>, LookupError> {
    let mut rules = Vec::new();
    let Some(listener) = listener.filter(|arn| !arn.contains(":listener/net/")) else {
        return Ok(rules);
    };
    let call = format!("DescribeRules {listener}");
    let absent =
        "correct the listeners and listener rules that the service or the deployment group names";
    let mut parameters = vec![parameter("ListenerArn", listener)];
    for _ in 0..MAX_PAGES_OF_RULES {
        let page =
            query_api::read::<Rules>(aws, ELASTIC_LOAD_BALANCING, "DescribeRules", &parameters);
        let page = page.await.map_err(LookupError::of(
            aws,
            call.clone(),
            "elasticloadbalancing:DescribeRules",
            absent,
        ))?;
        rules.extend(page.rules);
        let Some(marker) = page.next_marker.filter(|marker| !marker.is_empty()) else {
            return Ok(rules);
        };
        parameters.truncate(1);
        parameters.push(parameter("Marker", marker));
    }
    Err(LookupError::Missing(format!(
        "{call} did not come to an end after {} rules; give the service a listener with fewer rules",
        rules.len()
    )))
}
