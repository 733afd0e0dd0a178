//! Where a request to a listener goes: the rule that takes it, whose turn it is among its target groups, and the next
//! healthy target.

use std::net::{IpAddr, SocketAddr};

use super::Elb;
use super::conditions::RequestFacts;
use super::model::{Action, Busy, Health, Listener, Rule, Target, TargetGroup};
use super::round_robin::RoundRobin;

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Route {
    /// To a target.
    Target { address: SocketAddr, busy: Busy },
    /// Nowhere: the answer of a fixed-response action.
    Fixed {
        status: u16,
        content_type: String,
        body: String,
    },
    /// Nowhere: no target that could take it.
    NoTarget,
}

impl Elb {
    /// Where a request to a listener goes.
    pub(super) fn route(&self, listener_arn: &str, request: &RequestFacts<'_>) -> Route {
        let mut guard = self.state();
        let state = &mut *guard;
        let listener = state
            .listeners
            .iter_mut()
            .find(|listener| listener.arn == listener_arn);
        let Some(listener) = listener else {
            return Route::NoTarget;
        };
        let (action, round_robin) = listener.action_for(request);
        let groups = match action {
            Action::Forward(groups) => groups,
            Action::Fixed {
                status,
                content_type,
                body,
            } => {
                let (status, content_type, body) = (*status, content_type.clone(), body.clone());
                return Route::Fixed {
                    status,
                    content_type,
                    body,
                };
            }
        };
        let weights: Vec<u32> = groups.iter().map(|(_, weight)| *weight).collect();
        let Some(turn) = round_robin.next(&weights) else {
            return Route::NoTarget;
        };
        let arn = &groups[turn].0;
        let group = state
            .target_groups
            .iter_mut()
            .find(|group| group.arn == *arn);
        group.and_then(to_target).unwrap_or(Route::NoTarget)
    }
}

impl Listener {
    /// What is done with a request, and whose turn it is among the target groups.
    fn action_for(&mut self, request: &RequestFacts<'_>) -> (&Action, &mut RoundRobin) {
        let is_met = |rule: &Rule| rule.conditions.iter().all(|c| c.is_met(request));
        match self.rules.iter().position(is_met) {
            Some(place) => {
                let rule = &mut self.rules[place];
                (&rule.action, &mut rule.round_robin)
            }
            None => (&self.action, &mut self.round_robin),
        }
    }
}

/// The next healthy target of a group.
fn to_target(group: &mut TargetGroup) -> Option<Route> {
    let healthy: Vec<&Target> = group
        .targets
        .iter()
        .filter(|target| target.health == Health::Healthy)
        .collect();
    let target = healthy.get(group.sent.checked_rem(healthy.len())?)?;
    group.sent = group.sent.wrapping_add(1);
    let ip: IpAddr = target.id.parse().ok()?;
    let address = SocketAddr::new(ip, target.port);
    Some(Route::Target {
        address,
        busy: target.in_flight.enter(),
    })
}
