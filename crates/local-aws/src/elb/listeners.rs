//! Listeners: an open port of the loopback interface and what happens to a request on it.

use tokio::net::TcpListener;

use super::actions::{action, check_action, render_action};
use super::api::{invalid, number, required};
use super::forward::ListenerPort;
use super::model::{Listener, OpenPort, State};
use super::round_robin::RoundRobin;
use super::tls::Protocol;
use super::{Elb, forward, load_balancers, rules};
use crate::error::AwsError;
use crate::ids;
use crate::wire::{QueryParams, Xml};

impl Elb {
    pub(super) fn create_listener(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let load_balancer_arn = required(params, "LoadBalancerArn")?;
        let protocol = Protocol::of(params, required(params, "Protocol")?)?;
        required(params, "Port")?;
        let port = number(params, "Port", 0_u16, 1..=u16::MAX)?;
        let action = action(params, "DefaultActions")?
            .ok_or_else(|| invalid("A default action is required"))?;
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
            if known.action == action && known.protocol == protocol {
                return Ok(Xml::list("Listeners", [render(known)]));
            }
            return Err(duplicate());
        }
        check_action(&state, load_balancer_arn, &action)?;
        let arn = format!("{}:listener/{id}/{}", self.shared.arn_prefix, ids::hex(16));
        let listener = Listener {
            open: self.open(&arn, &protocol, port)?,
            default_rule_arn: rules::rule_arn(&arn),
            arn,
            load_balancer_arn: load_balancer_arn.to_owned(),
            port,
            protocol,
            action,
            round_robin: RoundRobin::default(),
            rules: Vec::new(),
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
        let action = action(params, "DefaultActions")?;
        let mut state = self.state();
        let index = index(&state, arn)?;
        if let Some(protocol) = params.get("Protocol") {
            let known = &state.listeners[index].protocol;
            if known.name() != protocol {
                let message = format!(
                    "local-aws keeps a listener's protocol, which is {}; make another listener",
                    known.name()
                );
                return Err(AwsError::client("UnsupportedProtocol", message));
            }
        }
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
            let protocol = state.listeners[index].protocol.clone();
            state.listeners[index].open = self.open(arn, &protocol, new_port)?;
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

    fn open(&self, arn: &str, protocol: &Protocol, port: u16) -> Result<OpenPort, AwsError> {
        let front = ListenerPort {
            elb: self.clone(),
            listener_arn: arn.to_owned(),
            port,
            tls: self.shared.authority.acceptor(protocol)?,
        };
        let accepting = forward::accept(front, bind(port)?);
        Ok(OpenPort(tokio::spawn(accepting).abort_handle()))
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

/// Where a listener is.
pub(super) fn index(state: &State, arn: &str) -> Result<usize, AwsError> {
    let mut listeners = state.listeners.iter();
    listeners
        .position(|listener| listener.arn == arn)
        .ok_or_else(not_found)
}

fn render(listener: &Listener) -> Vec<Xml> {
    let mut members = vec![
        Xml::text("ListenerArn", &listener.arn),
        Xml::text("LoadBalancerArn", &listener.load_balancer_arn),
        Xml::text("Port", listener.port),
    ];
    members.extend(listener.protocol.render());
    members.push(Xml::list(
        "DefaultActions",
        [render_action(&listener.action)],
    ));
    members
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
