//! Listeners: an open port of the loopback interface and what happens to a request on it.

use tokio::net::TcpListener;

use super::api::{invalid, number, only_http, required};
use super::model::{Action, Listener, OpenPort, State};
use super::round_robin::RoundRobin;
use super::{Elb, forward, load_balancers, target_groups};
use crate::error::AwsError;
use crate::ids;
use crate::wire::{QueryParams, Xml};

/// Target groups in one action, at most.
const MAX_FORWARD_GROUPS: usize = 5;
/// The highest weight.
const MAX_WEIGHT: u32 = 999;

impl Elb {
    pub(super) fn create_listener(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let load_balancer_arn = required(params, "LoadBalancerArn")?;
        only_http(required(params, "Protocol")?)?;
        required(params, "Port")?;
        let port = number(params, "Port", 0_u16, 1..=u16::MAX)?;
        let action = action(params)?.ok_or_else(|| invalid("A default action is required"))?;
        let mut state = self.state();
        let balancer = state
            .load_balancers
            .iter()
            .find(|lb| lb.arn == load_balancer_arn);
        let id = balancer
            .and_then(|lb| lb.arn.split_once(":loadbalancer/"))
            .map(|(_, id)| id.to_owned())
            .ok_or_else(|| load_balancers::not_found(load_balancer_arn))?;
        let same_port = |l: &&Listener| l.load_balancer_arn == load_balancer_arn && l.port == port;
        if let Some(known) = state.listeners.iter().find(same_port) {
            if known.action == action {
                return Ok(Xml::list("Listeners", [render(known)]));
            }
            return Err(duplicate());
        }
        check_action(&state, load_balancer_arn, &action)?;
        let arn = format!("{}:listener/{id}/{}", self.shared.arn_prefix, ids::hex(16));
        let listener = Listener {
            open: self.open(&arn, port, bind(port)?),
            arn,
            load_balancer_arn: load_balancer_arn.to_owned(),
            port,
            action,
            round_robin: RoundRobin::default(),
        };
        let answer = Xml::list("Listeners", [render(&listener)]);
        state.listeners.push(listener);
        Ok(answer)
    }

    pub(super) fn describe_listeners(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arns = params.list("ListenerArns");
        let state = self.state();
        let wanted: Vec<&Listener> = match params.get("LoadBalancerArn") {
            Some(_) if !arns.is_empty() => {
                return Err(invalid(
                    "You cannot specify both a load balancer ARN and listener ARNs",
                ));
            }
            Some(balancer) => {
                if !state.load_balancers.iter().any(|lb| lb.arn == balancer) {
                    return Err(load_balancers::not_found(balancer));
                }
                state
                    .listeners
                    .iter()
                    .filter(|l| l.load_balancer_arn == balancer)
                    .collect()
            }
            None if arns.is_empty() => {
                return Err(invalid(
                    "You must specify either listener ARNs or a load balancer ARN",
                ));
            }
            None => arns
                .iter()
                .map(|arn| {
                    state
                        .listeners
                        .iter()
                        .find(|l| l.arn == *arn)
                        .ok_or_else(not_found)
                })
                .collect::<Result<_, _>>()?,
        };
        Ok(Xml::list("Listeners", wanted.into_iter().map(render)))
    }

    pub(super) fn modify_listener(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arn = required(params, "ListenerArn")?;
        if let Some(protocol) = params.get("Protocol") {
            only_http(protocol)?;
        }
        let action = action(params)?;
        let mut state = self.state();
        let index = index(&state, arn)?;
        let port = state.listeners[index].port;
        let new_port = number(params, "Port", port, 1..=u16::MAX)?;
        if let Some(action) = &action {
            check_action(&state, &state.listeners[index].load_balancer_arn, action)?;
        }
        if new_port != port {
            let balancer = state.listeners[index].load_balancer_arn.clone();
            let taken = |l: &Listener| l.load_balancer_arn == balancer && l.port == new_port;
            if state.listeners.iter().any(taken) {
                return Err(duplicate());
            }
            let socket = bind(new_port)?;
            state.listeners[index].open = self.open(arn, new_port, socket);
            state.listeners[index].port = new_port;
        }
        if let Some(action) = action {
            self.set_action(&mut state, arn, action)?;
        }
        Ok(Xml::list("Listeners", [render(&state.listeners[index])]))
    }

    pub(super) fn delete_listener(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arn = required(params, "ListenerArn")?;
        let mut state = self.state();
        let index = index(&state, arn)?;
        state.listeners.remove(index);
        Ok(Xml::empty())
    }

    fn open(&self, arn: &str, port: u16, socket: TcpListener) -> OpenPort {
        let accepting = forward::accept(self.clone(), arn.to_owned(), port, socket);
        OpenPort(tokio::spawn(accepting).abort_handle())
    }
}

fn bind(port: u16) -> Result<TcpListener, AwsError> {
    forward::bind(port).map_err(|error| {
        AwsError::client(
            "InvalidConfigurationRequest",
            format!("local-aws cannot listen on 127.0.0.1:{port}: {error}; choose a free port"),
        )
    })
}

/// The default action a caller sent; none when none was sent.
fn action(params: &QueryParams) -> Result<Option<Action>, AwsError> {
    let actions = params.members("DefaultActions");
    let action = match actions.as_slice() {
        [] => return Ok(None),
        [action] => action,
        _ => return Err(unsupported("local-aws takes one default action")),
    };
    match required(action, "Type")? {
        "forward" => forward(action).map(Some),
        "fixed-response" => {
            let fixed = action.structure("FixedResponseConfig");
            required(&fixed, "StatusCode")?;
            Ok(Some(Action::Fixed {
                status: number(&fixed, "StatusCode", 0, 200..=599)?,
                content_type: fixed.get("ContentType").unwrap_or("text/plain").to_owned(),
                body: fixed.get("MessageBody").unwrap_or_default().to_owned(),
            }))
        }
        other => Err(unsupported(format!(
            "local-aws has the actions forward and fixed-response, not '{other}'"
        ))),
    }
}

fn forward(action: &QueryParams) -> Result<Action, AwsError> {
    let config = action.structure("ForwardConfig");
    let mut groups = Vec::new();
    for group in config.members("TargetGroups") {
        let arn = required(&group, "TargetGroupArn")?.to_owned();
        groups.push((arn, number(&group, "Weight", 1, 0..=MAX_WEIGHT)?));
    }
    if let Some(arn) = action.get("TargetGroupArn") {
        if groups.is_empty() {
            groups.push((arn.to_owned(), 1));
        } else if groups.len() > 1 || groups[0].0 != arn {
            return Err(unsupported(
                "TargetGroupArn and ForwardConfig name different target groups; leave one out",
            ));
        }
    }
    let sticky = config.structure("TargetGroupStickinessConfig");
    if sticky
        .get("Enabled")
        .is_some_and(|enabled| enabled == "true")
    {
        return Err(unsupported(
            "local-aws has no stickiness; leave it out or disable it",
        ));
    }
    Ok(Action::Forward(groups))
}

/// Where a listener is.
fn index(state: &State, arn: &str) -> Result<usize, AwsError> {
    let mut listeners = state.listeners.iter();
    listeners
        .position(|listener| listener.arn == arn)
        .ok_or_else(not_found)
}

/// Refuses an action that the load balancer cannot have.
pub(super) fn check_action(
    state: &State,
    load_balancer_arn: &str,
    action: &Action,
) -> Result<(), AwsError> {
    let Action::Forward(groups) = action else {
        return Ok(());
    };
    if groups.is_empty() {
        return Err(invalid("A target group ARN must be specified"));
    }
    if groups.len() > MAX_FORWARD_GROUPS {
        return Err(AwsError::client(
            "TooManyTargetGroups",
            format!("An action can forward to {MAX_FORWARD_GROUPS} target groups at most"),
        ));
    }
    for (index, (arn, weight)) in groups.iter().enumerate() {
        if *weight > MAX_WEIGHT {
            return Err(invalid(format!(
                "Weight '{weight}' must be between 0 and 999"
            )));
        }
        if groups[..index].iter().any(|(before, _)| before == arn) {
            return Err(invalid(
                "A target group ARN can only be specified once in an action",
            ));
        }
        if !state.target_groups.iter().any(|group| group.arn == *arn) {
            return Err(target_groups::not_found());
        }
        let elsewhere =
            |l: &Listener| l.load_balancer_arn != load_balancer_arn && l.action.names(arn);
        if state.listeners.iter().any(elsewhere) {
            return Err(AwsError::client(
                "TargetGroupAssociationLimit",
                format!(
                    "The target group '{arn}' cannot be associated with more than one load balancer"
                ),
            ));
        }
    }
    Ok(())
}

fn render(listener: &Listener) -> Vec<Xml> {
    vec![
        Xml::text("ListenerArn", &listener.arn),
        Xml::text("LoadBalancerArn", &listener.load_balancer_arn),
        Xml::text("Port", listener.port),
        Xml::text("Protocol", "HTTP"),
        Xml::list("DefaultActions", [render_action(&listener.action)]),
    ]
}

fn render_action(action: &Action) -> Vec<Xml> {
    match action {
        Action::Forward(groups) => {
            let group = |(arn, weight): &(String, u32)| {
                vec![
                    Xml::text("TargetGroupArn", arn),
                    Xml::text("Weight", weight),
                ]
            };
            let single = match groups.as_slice() {
                [(arn, _)] => Xml::text("TargetGroupArn", arn),
                _ => Xml::empty(),
            };
            let sticky = vec![Xml::text("Enabled", false)];
            let config = vec![
                Xml::list("TargetGroups", groups.iter().map(group)),
                Xml::node("TargetGroupStickinessConfig", sticky),
            ];
            vec![
                Xml::text("Type", "forward"),
                single,
                Xml::node("ForwardConfig", config),
            ]
        }
        Action::Fixed {
            status,
            content_type,
            body,
        } => {
            let config = vec![
                Xml::text("MessageBody", body),
                Xml::text("StatusCode", status),
                Xml::text("ContentType", content_type),
            ];
            vec![
                Xml::text("Type", "fixed-response"),
                Xml::node("FixedResponseConfig", config),
            ]
        }
    }
}

pub(super) fn not_found() -> AwsError {
    AwsError::client("ListenerNotFound", "One or more listeners not found")
}

fn duplicate() -> AwsError {
    AwsError::client(
        "DuplicateListener",
        "A listener already exists on this port for this load balancer",
    )
}

fn unsupported(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidLoadBalancerAction", message)
}
