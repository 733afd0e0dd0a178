//! The wire API: which operations there are, and what they have in common.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use bytes::Bytes;
use http::Response;

use super::Elb;
use super::model::Tags;
use crate::error::AwsError;
use crate::service::{Call, Operations, Service};
use crate::wire::{QueryParams, Xml};

/// The XML namespace of answers.
const NAMESPACE: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";

type Operation = fn(&Elb, &QueryParams) -> Result<Xml, AwsError>;

/// Every operation that is served.
const OPERATIONS: Operations<Operation> = Operations {
    unknown: "InvalidAction",
    table: &[
        ("CreateListener", Elb::create_listener),
        ("CreateLoadBalancer", Elb::create_load_balancer),
        ("CreateRule", Elb::create_rule),
        ("CreateTargetGroup", Elb::create_target_group),
        ("DeleteListener", Elb::delete_listener),
        ("DeleteLoadBalancer", Elb::delete_load_balancer),
        ("DeleteRule", Elb::delete_rule),
        ("DeleteTargetGroup", Elb::delete_target_group),
        ("DeregisterTargets", Elb::deregister_targets),
        ("DescribeListeners", Elb::describe_listeners),
        ("DescribeLoadBalancers", Elb::describe_load_balancers),
        ("DescribeRules", Elb::describe_rules),
        ("DescribeTags", Elb::describe_tags),
        (
            "DescribeTargetGroupAttributes",
            Elb::describe_target_group_attributes,
        ),
        ("DescribeTargetGroups", Elb::describe_target_groups),
        ("DescribeTargetHealth", Elb::describe_target_health),
        ("ModifyListener", Elb::modify_listener),
        ("ModifyRule", Elb::modify_rule),
        ("RegisterTargets", Elb::register_targets),
        ("SetRulePriorities", Elb::set_rule_priorities),
    ],
};

impl Service for Elb {
    fn signing_name(&self) -> &'static str {
        "elasticloadbalancing"
    }

    fn answer(&self, call: &Call<'_>) -> Result<Response<Bytes>, AwsError> {
        call.query(NAMESPACE, |params| self.call(call.operation, params))
    }
}

impl Elb {
    /// Performs an operation of the wire API; gives the children of its result element.
    pub fn call(&self, operation: &str, params: &QueryParams) -> Result<Xml, AwsError> {
        OPERATIONS.find(operation)?(self, params)
    }

    fn describe_tags(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let state = self.state();
        let of = |arn: &str| {
            let balancers = state.load_balancers.iter().map(|lb| (&lb.arn, &lb.tags));
            let groups = state
                .target_groups
                .iter()
                .map(|group| (&group.arn, &group.tags));
            let rules = state.listeners.iter().flat_map(|listener| &listener.rules);
            balancers
                .chain(groups)
                .chain(rules.map(|rule| (&rule.arn, &rule.tags)))
                .find(|(known, _)| *known == arn)
                .map(|(_, tags)| tags)
        };
        let mut described = Vec::new();
        for arn in params.list("ResourceArns") {
            let tags = of(&arn).ok_or_else(|| {
                AwsError::client("LoadBalancerNotFound", format!("'{arn}' not found"))
            })?;
            let tag = |(key, value): &(String, String)| {
                vec![Xml::text("Key", key), Xml::text("Value", value)]
            };
            let tags = Xml::list("Tags", tags.iter().map(tag));
            described.push(vec![Xml::text("ResourceArn", arn), tags]);
        }
        Ok(Xml::list("TagDescriptions", described))
    }
}

/// The code of every complaint about a parameter.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationError", message)
}

/// A parameter that has to be there.
pub(super) fn required<'a>(params: &'a QueryParams, name: &str) -> Result<&'a str, AwsError> {
    params
        .get(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            invalid(format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy constraint: \
             Member must not be null"
            ))
        })
}

/// A number within bounds; `default` when the caller sent none.
pub(super) fn number<T: FromStr + PartialOrd + Copy + Display>(
    params: &QueryParams,
    name: &str,
    default: T,
    bounds: RangeInclusive<T>,
) -> Result<T, AwsError> {
    let Some(text) = params.get(name) else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|n| bounds.contains(n))
        .ok_or_else(|| {
            let (from, to) = (bounds.start(), bounds.end());
            invalid(format!("{name} '{text}' must be between {from} and {to}"))
        })
}

/// A name of a load balancer or target group.
pub(super) fn name<'a>(params: &'a QueryParams, what: &str) -> Result<&'a str, AwsError> {
    let name = required(params, "Name")?;
    let fault = if name.len() > 32 {
        "cannot be longer than '32' characters"
    } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        "can only contain characters that are alphanumeric characters and hyphens(-)"
    } else if name.starts_with('-') || name.ends_with('-') {
        "cannot begin or end with '-'"
    } else {
        return Ok(name);
    };
    Err(invalid(format!("{what} name '{name}' {fault}")))
}

/// `Tags.member.N.{Key,Value}`.
pub(super) fn tags(params: &QueryParams) -> Tags {
    let tag = |tag: QueryParams| {
        Some((
            tag.get("Key")?.to_owned(),
            tag.get("Value").unwrap_or_default().to_owned(),
        ))
    };
    params.members("Tags").into_iter().filter_map(tag).collect()
}

/// HTTP is all that local-aws speaks to targets.
pub(super) fn only_http(protocol: &str) -> Result<(), AwsError> {
    if protocol == "HTTP" {
        return Ok(());
    }
    Err(AwsError::client(
        "UnsupportedProtocol",
        format!("local-aws speaks HTTP to targets, not '{protocol}'; use Protocol=HTTP"),
    ))
}
