//! What Elastic Load Balancing answers, as far as it is read: for [`query_api::read`].

use serde::Deserialize;

#[cfg(doc)]
use crate::query_api;
use crate::query_api::{Page, members};

/// Of `DescribeLoadBalancers`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoadBalancers {
    /// Those of this page.
    #[serde(deserialize_with = "members")]
    pub load_balancers: Vec<LoadBalancer>,
    next_marker: Option<String>,
}

impl Page for LoadBalancers {
    type Item = LoadBalancer;
    const NEXT: &'static str = "Marker";

    fn into_parts(self) -> (Vec<LoadBalancer>, Option<String>) {
        (self.load_balancers, self.next_marker)
    }
}

/// A load balancer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LoadBalancer {
    /// Its ARN.
    pub load_balancer_arn: Option<String>,
    /// Its name.
    pub load_balancer_name: Option<String>,
    /// What leads to it.
    #[serde(rename = "DNSName")]
    pub dns_name: Option<String>,
    /// `internal` or `internet-facing`.
    pub scheme: Option<String>,
    /// The VPC that it is in.
    pub vpc_id: Option<String>,
    /// Where it has addresses.
    #[serde(deserialize_with = "members")]
    pub availability_zones: Vec<AvailabilityZone>,
    /// Their ids.
    #[serde(deserialize_with = "members")]
    pub security_groups: Vec<String>,
}

impl LoadBalancer {
    /// Whether only what is in its VPC reaches it.
    pub fn is_internal(&self) -> bool {
        self.scheme.as_deref() == Some("internal")
    }
}

/// A zone that a load balancer is in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AvailabilityZone {
    /// Its subnet there.
    pub subnet_id: Option<String>,
}

/// Of `DescribeListeners`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Listeners {
    /// Those that were asked for.
    #[serde(deserialize_with = "members")]
    pub listeners: Vec<Listener>,
}

/// A listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Listener {
    /// Its ARN.
    pub listener_arn: Option<String>,
    /// Whose it is.
    pub load_balancer_arn: Option<String>,
    /// Where it listens.
    pub port: Option<i32>,
    /// `HTTP`, `HTTPS`, `TCP`, `TLS`, `UDP` and others.
    pub protocol: Option<String>,
    /// What it does with a request that no rule takes.
    #[serde(deserialize_with = "members")]
    pub default_actions: Vec<Action>,
}

/// Of `DescribeRules`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rules {
    /// Those of this page.
    #[serde(deserialize_with = "members")]
    pub rules: Vec<Rule>,
    /// What leads to the next page.
    pub next_marker: Option<String>,
}

/// A rule of a listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Rule {
    /// Its ARN.
    pub rule_arn: Option<String>,
    /// A number, or `default`.
    pub priority: Option<String>,
    /// All of them must hold.
    #[serde(deserialize_with = "members")]
    pub conditions: Vec<RuleCondition>,
    /// What it does with a request.
    #[serde(deserialize_with = "members")]
    pub actions: Vec<Action>,
    /// Whether it takes what no other takes.
    pub is_default: bool,
}

/// What a rule wants of a request. Of the configurations it has the one of its field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RuleCondition {
    /// `host-header`, `path-pattern`, `http-header` and others.
    pub field: Option<String>,
    /// Of a host, path or method without a configuration.
    #[serde(deserialize_with = "members")]
    pub values: Vec<String>,
    /// Likewise, as regular expressions.
    #[serde(deserialize_with = "members")]
    pub regex_values: Vec<String>,
    /// Of `host-header`.
    pub host_header_config: Option<Values>,
    /// Of `path-pattern`.
    pub path_pattern_config: Option<Values>,
    /// Of `http-header`.
    pub http_header_config: Option<HeaderValues>,
    /// Of `http-request-method`.
    pub http_request_method_config: Option<Values>,
    /// Of `query-string`.
    pub query_string_config: Option<QueryValues>,
}

/// Values, any of which is met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Values {
    /// With `*` and `?`.
    #[serde(deserialize_with = "members")]
    pub values: Vec<String>,
    /// Regular expressions.
    #[serde(deserialize_with = "members")]
    pub regex_values: Vec<String>,
}

/// A header and its values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HeaderValues {
    /// Its name.
    pub http_header_name: Option<String>,
    /// With `*` and `?`.
    #[serde(deserialize_with = "members")]
    pub values: Vec<String>,
    /// Regular expressions.
    #[serde(deserialize_with = "members")]
    pub regex_values: Vec<String>,
}

/// Parameters of a URL, any of which is met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct QueryValues {
    /// Their patterns.
    #[serde(deserialize_with = "members")]
    pub values: Vec<QueryValue>,
}

/// A parameter of a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct QueryValue {
    /// Any, unless said.
    pub key: Option<String>,
    /// With `*` and `?`.
    pub value: Option<String>,
}

/// What is done with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Action {
    /// The target group, where there is one only.
    pub target_group_arn: Option<String>,
    /// All target groups of an action that forwards.
    pub forward_config: Option<ForwardConfig>,
}

impl Action {
    /// The target groups with their weights, if it names them so.
    pub fn weighted(&self) -> &[WeightedGroup] {
        self.forward_config
            .as_ref()
            .map_or(&[], |forward| &forward.target_groups)
    }
}

/// Where requests are forwarded to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ForwardConfig {
    /// Each with its part of them.
    #[serde(deserialize_with = "members")]
    pub target_groups: Vec<WeightedGroup>,
}

/// A target group and its part of the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct WeightedGroup {
    /// Which it is.
    pub target_group_arn: Option<String>,
    /// From 0 to 999.
    pub weight: Option<i32>,
}

/// Of `DescribeTargetGroups`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetGroups {
    /// Those that were asked for.
    #[serde(deserialize_with = "members")]
    pub target_groups: Vec<TargetGroup>,
}

/// A target group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TargetGroup {
    /// Its ARN.
    pub target_group_arn: Option<String>,
    /// Its name.
    pub target_group_name: Option<String>,
    /// `instance`, `ip`, `lambda` or `alb`.
    pub target_type: Option<String>,
    /// What forwards to it.
    #[serde(deserialize_with = "members")]
    pub load_balancer_arns: Vec<String>,
    /// A number, or `traffic-port`.
    pub health_check_port: Option<String>,
}

/// Of `DescribeTargetGroupAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attributes {
    /// All of them.
    #[serde(deserialize_with = "members")]
    pub attributes: Vec<Attribute>,
}

/// A setting of a target group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Attribute {
    /// Its name.
    pub key: Option<String>,
    /// Its value.
    pub value: Option<String>,
}

/// Of `DescribeTargetHealth`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetHealths {
    /// One for each target.
    #[serde(deserialize_with = "members")]
    pub target_health_descriptions: Vec<TargetHealthDescription>,
}

/// A target and its health.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TargetHealthDescription {
    /// Which it is.
    pub target: Option<Target>,
    /// How it is.
    pub target_health: Option<TargetHealth>,
}

/// A target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Target {
    /// An instance's id, an address or an ARN.
    pub id: Option<String>,
    /// Where it listens.
    pub port: Option<i32>,
}

/// The health of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TargetHealth {
    /// `healthy`, `unhealthy`, `initial`, `draining` and others.
    pub state: Option<String>,
    /// Why it is not healthy, as a code.
    pub reason: Option<String>,
    /// Likewise, in words.
    pub description: Option<String>,
}
