//! Targets: registering them and reporting their health.

use std::net::IpAddr;

use super::api::{number, required};
use super::model::{State, Target, TargetGroup};
use super::{Elb, Health, target_groups};
use crate::error::AwsError;
use crate::wire::{QueryParams, Xml};

/// A target's health as `DescribeTargetHealth` says it.
struct ShownHealth {
    state: &'static str,
    reason: Option<(&'static str, String)>,
}

impl Elb {
    pub(super) fn register_targets(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arn = required(params, "TargetGroupArn")?;
        let targets = named_targets(&self.state(), arn, params)?;
        for (id, _) in &targets {
            if id.parse::<IpAddr>().is_err() {
                return Err(AwsError::client(
                    "InvalidTarget",
                    format!("local-aws reaches targets by IP address, and '{id}' is none"),
                ));
            }
        }
        targets
            .iter()
            .try_for_each(|(id, port)| self.register(arn, id, *port))?;
        Ok(Xml::empty())
    }

    pub(super) fn deregister_targets(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arn = required(params, "TargetGroupArn")?;
        let targets = named_targets(&self.state(), arn, params)?;
        for (id, port) in targets {
            let (elb, arn) = (self.clone(), arn.to_owned());
            tokio::spawn(async move { elb.deregister(&arn, &id, port).await });
        }
        Ok(Xml::empty())
    }

    pub(super) fn describe_target_health(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arn = required(params, "TargetGroupArn")?;
        let state = self.state();
        let group = find(&state, arn)?;
        let used = state.listeners.iter().any(|listener| listener.names(arn));
        let mut wanted: Vec<(String, u16)> = group
            .targets
            .iter()
            .map(|target| (target.id.clone(), target.port))
            .collect();
        if !params.members("Targets").is_empty() {
            wanted = named_targets(&state, arn, params)?;
        }
        let descriptions = wanted.into_iter().map(|(id, port)| {
            let health = shown_health(group.target(&id, port), used);
            let check_port = match group.settings.check.port.as_str() {
                "traffic-port" => port.to_string(),
                other => other.to_owned(),
            };
            vec![
                Xml::node("Target", vec![Xml::text("Id", id), Xml::text("Port", port)]),
                Xml::text("HealthCheckPort", check_port),
                render(health),
            ]
        });
        Ok(Xml::list("TargetHealthDescriptions", descriptions))
    }
}

fn find<'a>(state: &'a State, arn: &str) -> Result<&'a TargetGroup, AwsError> {
    state
        .target_groups
        .iter()
        .find(|group| group.arn == arn)
        .ok_or_else(target_groups::not_found)
}

/// The targets a call names; a target without port has that of its group.
fn named_targets(
    state: &State,
    arn: &str,
    params: &QueryParams,
) -> Result<Vec<(String, u16)>, AwsError> {
    let default = find(state, arn)?.settings.port;
    let target = |target: &QueryParams| {
        let id = required(target, "Id")?.to_owned();
        Ok((id, number(target, "Port", default, 1..=u16::MAX)?))
    };
    params.members("Targets").iter().map(target).collect()
}

fn shown_health(target: Option<&Target>, used: bool) -> ShownHealth {
    let Some(target) = target else {
        let description = "Target is not registered to the target group".to_owned();
        return ShownHealth {
            state: "unused",
            reason: Some(("Target.NotRegistered", description)),
        };
    };
    match &target.health {
        Health::Draining => ShownHealth {
            state: "draining",
            reason: Some((
                "Target.DeregistrationInProgress",
                "Target deregistration is in progress".to_owned(),
            )),
        },
        _ if !used => ShownHealth {
            state: "unused",
            reason: Some((
                "Target.NotInUse",
                "Target group is not configured to receive traffic from the load balancer"
                    .to_owned(),
            )),
        },
        Health::Initial => ShownHealth {
            state: "initial",
            reason: Some((
                "Elb.InitialHealthChecking",
                "Initial health checks in progress".to_owned(),
            )),
        },
        Health::Healthy => ShownHealth {
            state: "healthy",
            reason: None,
        },
        Health::Unhealthy {
            reason,
            description,
        } => ShownHealth {
            state: "unhealthy",
            reason: Some((reason, description.clone())),
        },
    }
}

fn render(health: ShownHealth) -> Xml {
    let mut children = vec![Xml::text("State", health.state)];
    if let Some((reason, description)) = health.reason {
        children.push(Xml::text("Reason", reason));
        children.push(Xml::text("Description", description));
    }
    Xml::node("TargetHealth", children)
}
