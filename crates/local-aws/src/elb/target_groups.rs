//! Target groups: who can take requests, and how their health is found out.

use std::time::Duration;

use super::Elb;
use super::api::{invalid, name, number, only_http, required, tags};
use super::model::{
    HealthCheck, Listener, LoadBalancer, Matcher, State, TargetGroup, TargetGroupSettings,
};
use crate::error::AwsError;
use crate::ids;
use crate::wire::{QueryParams, Xml};

impl Elb {
    pub(super) fn create_target_group(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let settings = settings(params)?;
        let mut state = self.state();
        let known = state
            .target_groups
            .iter()
            .find(|group| group.settings.name == settings.name);
        if let Some(known) = known {
            if known.settings == settings {
                return Ok(Xml::list("TargetGroups", [render(&state, known)]));
            }
            return Err(AwsError::client(
                "DuplicateTargetGroupName",
                format!(
                    "A target group with the same name '{}' exists, but with different settings",
                    settings.name
                ),
            ));
        }
        let arn = format!(
            "{}:targetgroup/{}/{}",
            self.shared.arn_prefix,
            settings.name,
            ids::hex(16)
        );
        let tags = tags(params);
        let group = TargetGroup {
            arn,
            tags,
            settings,
            targets: Vec::new(),
            sent: 0,
        };
        let answer = Xml::list("TargetGroups", [render(&state, &group)]);
        state.target_groups.push(group);
        Ok(answer)
    }

    pub(super) fn describe_target_groups(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let (arns, names) = (params.list("TargetGroupArns"), params.list("Names"));
        let state = self.state();
        let all = &state.target_groups;
        let balancer = params.get("LoadBalancerArn");
        if let Some(arn) = balancer
            && !state.load_balancers.iter().any(|lb| lb.arn == arn)
        {
            return Err(super::load_balancers::not_found(arn));
        }
        let known_arn = |arn: &String| all.iter().any(|group| group.arn == *arn);
        let known_name = |name: &String| all.iter().any(|group| group.settings.name == *name);
        if !arns.iter().all(known_arn) || !names.iter().all(known_name) {
            return Err(not_found());
        }
        let every = arns.is_empty() && names.is_empty();
        let wanted = |group: &&TargetGroup| {
            (every || arns.contains(&group.arn) || names.contains(&group.settings.name))
                && balancer.is_none_or(|arn| balancers(&state, &group.arn).any(|lb| lb == arn))
        };
        let rendered = all.iter().filter(wanted).map(|group| render(&state, group));
        Ok(Xml::list("TargetGroups", rendered))
    }

    /// The attributes: the deregistration delay alone, with AWS's default.
    pub(super) fn describe_target_group_attributes(
        &self,
        params: &QueryParams,
    ) -> Result<Xml, AwsError> {
        let arn = required(params, "TargetGroupArn")?;
        if !self.state().target_groups.iter().any(|it| it.arn == arn) {
            return Err(not_found());
        }
        let delay = vec![
            Xml::text("Key", "deregistration_delay.timeout_seconds"),
            Xml::text("Value", "300"),
        ];
        Ok(Xml::list("Attributes", [delay]))
    }

    /// Deletes it; one that is not there counts as deleted, as AWS has it.
    pub(super) fn delete_target_group(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arn = required(params, "TargetGroupArn")?;
        let mut state = self.state();
        if state.listeners.iter().any(|listener| listener.names(arn)) {
            return Err(AwsError::client(
                "ResourceInUse",
                format!("Target group '{arn}' is currently in use by a listener or a rule"),
            ));
        }
        state.target_groups.retain(|group| group.arn != arn);
        Ok(Xml::empty())
    }
}

fn settings(params: &QueryParams) -> Result<TargetGroupSettings, AwsError> {
    let name = name(params, "The target group")?.to_owned();
    let target_type = params.get("TargetType").unwrap_or("instance").to_owned();
    if !["instance", "ip"].contains(&target_type.as_str()) {
        return Err(AwsError::client(
            "InvalidConfigurationRequest",
            format!("local-aws has the target types instance and ip, not '{target_type}'"),
        ));
    }
    only_http(
        params
            .get("Protocol")
            .ok_or_else(|| invalid("A protocol must be specified"))?,
    )?;
    params
        .get("Port")
        .ok_or_else(|| invalid("A port must be specified"))?;
    let vpc_id = params
        .get("VpcId")
        .ok_or_else(|| invalid("A VPC ID must be specified"))?;
    Ok(TargetGroupSettings {
        name,
        port: number(params, "Port", 0, 1..=u16::MAX)?,
        vpc_id: vpc_id.to_owned(),
        target_type,
        check: health_check(params)?,
    })
}

fn health_check(params: &QueryParams) -> Result<HealthCheck, AwsError> {
    only_http(params.get("HealthCheckProtocol").unwrap_or("HTTP"))?;
    if params
        .get("HealthCheckEnabled")
        .is_some_and(|enabled| enabled == "false")
    {
        return Err(invalid(
            "Health check enabled must be true for target groups with target type 'instance' or 'ip'",
        ));
    }
    let interval = number(params, "HealthCheckIntervalSeconds", 30, 5..=300)?;
    let timeout = number(params, "HealthCheckTimeoutSeconds", 5, 2..=120)?;
    if timeout > interval {
        return Err(invalid(format!(
            "Health check timeout '{timeout}' must be smaller than or equal to the interval '{interval}'"
        )));
    }
    let path = params.get("HealthCheckPath").unwrap_or("/");
    if !path.starts_with('/') || path.parse::<http::uri::PathAndQuery>().is_err() {
        return Err(invalid(format!(
            "Health check path '{path}' must be a path starting with '/'"
        )));
    }
    let port = params.get("HealthCheckPort").unwrap_or("traffic-port");
    if port != "traffic-port" && port.parse::<u16>().is_err() {
        return Err(invalid(format!(
            "Health check port '{port}' must be in the range 1-65535 or 'traffic-port'"
        )));
    }
    let codes = params.structure("Matcher");
    let codes = codes.get("HttpCode").unwrap_or("200");
    let matcher = Matcher::parse(codes).ok_or_else(|| {
        invalid(format!(
            "Health check matcher HTTP code '{codes}' must be within '200-499' inclusive"
        ))
    })?;
    Ok(HealthCheck {
        path: path.to_owned(),
        port: port.to_owned(),
        interval: Duration::from_secs(interval),
        timeout: Duration::from_secs(timeout),
        healthy_threshold: number(params, "HealthyThresholdCount", 5, 2..=10)?,
        unhealthy_threshold: number(params, "UnhealthyThresholdCount", 2, 2..=10)?,
        matcher,
    })
}

/// The load balancers whose listeners forward to a target group.
fn balancers<'a>(state: &'a State, group_arn: &'a str) -> impl Iterator<Item = &'a str> {
    let forwards = move |lb: &&LoadBalancer| {
        let on_it = |l: &Listener| l.load_balancer_arn == lb.arn && l.names(group_arn);
        state.listeners.iter().any(on_it)
    };
    state
        .load_balancers
        .iter()
        .filter(forwards)
        .map(|lb| lb.arn.as_str())
}

fn render(state: &State, group: &TargetGroup) -> Vec<Xml> {
    let TargetGroupSettings {
        name,
        port,
        vpc_id,
        target_type,
        check,
    } = &group.settings;
    vec![
        Xml::text("TargetGroupArn", &group.arn),
        Xml::text("TargetGroupName", name),
        Xml::text("Protocol", "HTTP"),
        Xml::text("Port", port),
        Xml::text("VpcId", vpc_id),
        Xml::text("HealthCheckProtocol", "HTTP"),
        Xml::text("HealthCheckPort", &check.port),
        Xml::text("HealthCheckEnabled", true),
        Xml::text("HealthCheckIntervalSeconds", check.interval.as_secs()),
        Xml::text("HealthCheckTimeoutSeconds", check.timeout.as_secs()),
        Xml::text("HealthyThresholdCount", check.healthy_threshold),
        Xml::text("UnhealthyThresholdCount", check.unhealthy_threshold),
        Xml::text("HealthCheckPath", &check.path),
        Xml::node("Matcher", vec![Xml::text("HttpCode", &check.matcher)]),
        Xml::texts("LoadBalancerArns", balancers(state, &group.arn)),
        Xml::text("TargetType", target_type),
        Xml::text("ProtocolVersion", "HTTP1"),
        Xml::text("IpAddressType", "ipv4"),
    ]
}

pub(super) fn not_found() -> AwsError {
    AwsError::client("TargetGroupNotFound", "One or more target groups not found")
}
