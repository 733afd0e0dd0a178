//! Load balancers: a name for a set of listeners.

use super::Elb;
use super::api::{invalid, name, required, tags};
use super::model::{LoadBalancer, LoadBalancerSettings};
use crate::error::AwsError;
use crate::ids;
use crate::wire::{QueryParams, Xml};

/// The one that its listeners' ports are reached by.
const DNS_NAME: &str = "localhost";

impl Elb {
    pub(super) fn create_load_balancer(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let settings = settings(params)?;
        let mut state = self.state();
        let known = state
            .load_balancers
            .iter()
            .find(|lb| lb.settings.name == settings.name);
        if let Some(known) = known {
            if known.settings == settings {
                return Ok(Xml::list("LoadBalancers", [render(known)]));
            }
            return Err(AwsError::client(
                "DuplicateLoadBalancerName",
                format!(
                    "A load balancer with the same name '{}' exists, but with different settings",
                    settings.name
                ),
            ));
        }
        let load_balancer = LoadBalancer {
            arn: format!(
                "{}:loadbalancer/app/{}/{}",
                self.shared.arn_prefix,
                settings.name,
                ids::hex(16)
            ),
            created_at: self.shared.clock.now(),
            tags: tags(params),
            settings,
        };
        let answer = Xml::list("LoadBalancers", [render(&load_balancer)]);
        state.load_balancers.push(load_balancer);
        Ok(answer)
    }

    pub(super) fn describe_load_balancers(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let (arns, names) = (params.list("LoadBalancerArns"), params.list("Names"));
        let state = self.state();
        let all = &state.load_balancers;
        let missing = |wanted: &[String], has: &dyn Fn(&LoadBalancer, &str) -> bool| {
            wanted
                .iter()
                .find(|w| !all.iter().any(|lb| has(lb, w)))
                .map(|m| not_found(m))
        };
        let by_arn = |lb: &LoadBalancer, arn: &str| lb.arn == arn;
        let by_name = |lb: &LoadBalancer, name: &str| lb.settings.name == name;
        if let Some(error) = missing(&arns, &by_arn).or_else(|| missing(&names, &by_name)) {
            return Err(error);
        }
        let every = arns.is_empty() && names.is_empty();
        let wanted = |lb: &&LoadBalancer| {
            every || arns.contains(&lb.arn) || names.contains(&lb.settings.name)
        };
        Ok(Xml::list(
            "LoadBalancers",
            all.iter().filter(wanted).map(render),
        ))
    }

    /// Deletes it with its listeners; one that is not there counts as deleted, as AWS has it.
    pub(super) fn delete_load_balancer(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arn = required(params, "LoadBalancerArn")?;
        let mut state = self.state();
        state.load_balancers.retain(|lb| lb.arn != arn);
        state
            .listeners
            .retain(|listener| listener.load_balancer_arn != arn);
        Ok(Xml::empty())
    }
}

fn settings(params: &QueryParams) -> Result<LoadBalancerSettings, AwsError> {
    let name = name(params, "The load balancer")?.to_owned();
    if let Some(kind) = params.get("Type").filter(|kind| *kind != "application") {
        return Err(AwsError::client(
            "InvalidConfigurationRequest",
            format!("local-aws has application load balancers only, not '{kind}'"),
        ));
    }
    let scheme = params.get("Scheme").unwrap_or("internet-facing");
    if !["internet-facing", "internal"].contains(&scheme) {
        return Err(AwsError::client(
            "InvalidScheme",
            format!("Scheme '{scheme}' must be one of 'internet-facing', 'internal'"),
        ));
    }
    let mapped = params.members("SubnetMappings");
    let mapped = mapped.iter().filter_map(|mapping| mapping.get("SubnetId"));
    let subnets: Vec<String> = params
        .list("Subnets")
        .into_iter()
        .chain(mapped.map(str::to_owned))
        .collect();
    match subnets.len() {
        0 => return Err(invalid("You must specify subnets")),
        1 => {
            return Err(invalid(
                "At least two subnets in two different Availability Zones must be specified",
            ));
        }
        _ => {}
    }
    let security_groups = params.list("SecurityGroups");
    Ok(LoadBalancerSettings {
        name,
        scheme: scheme.to_owned(),
        subnets,
        security_groups,
    })
}

fn render(lb: &LoadBalancer) -> Vec<Xml> {
    let LoadBalancerSettings {
        name,
        scheme,
        subnets,
        security_groups,
    } = &lb.settings;
    let zone = |(i, subnet): (usize, &String)| {
        let letter = char::from(b'a' + u8::try_from(i % 6).unwrap_or(0));
        vec![
            Xml::text("ZoneName", format!("local-1{letter}")),
            Xml::text("SubnetId", subnet),
        ]
    };
    vec![
        Xml::text("LoadBalancerArn", &lb.arn),
        Xml::text("DNSName", DNS_NAME),
        Xml::text("CanonicalHostedZoneId", "Z35SXDOTRQ7X7K"),
        Xml::text("CreatedTime", lb.created_at),
        Xml::text("LoadBalancerName", name),
        Xml::text("Scheme", scheme),
        Xml::text("VpcId", "vpc-local"),
        Xml::node("State", vec![Xml::text("Code", "active")]),
        Xml::text("Type", "application"),
        Xml::list("AvailabilityZones", subnets.iter().enumerate().map(zone)),
        Xml::texts("SecurityGroups", security_groups),
        Xml::text("IpAddressType", "ipv4"),
    ]
}

pub(super) fn not_found(which: &str) -> AwsError {
    AwsError::client(
        "LoadBalancerNotFound",
        format!("Load balancers '[{which}]' not found"),
    )
}
