//! What load balancers are made of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::conditions::Condition;
use super::round_robin::RoundRobin;
use super::tls::Protocol;

/// Tags of a resource, in the order given.
pub(crate) type Tags = Vec<(String, String)>;

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) load_balancers: Vec<LoadBalancer>,
    pub(crate) target_groups: Vec<TargetGroup>,
    pub(crate) listeners: Vec<Listener>,
    /// Number of the last registration, so that a health check knows its own.
    pub(crate) registrations: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct LoadBalancer {
    pub(crate) arn: String,
    pub(crate) created_at: Timestamp,
    pub(crate) tags: Tags,
    pub(crate) settings: LoadBalancerSettings,
}

/// What the caller chose; a second creation with the same settings finds the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoadBalancerSettings {
    pub(crate) name: String,
    pub(crate) scheme: String,
    pub(crate) subnets: Vec<String>,
    pub(crate) security_groups: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) arn: String,
    pub(crate) load_balancer_arn: String,
    pub(crate) port: u16,
    pub(crate) protocol: Protocol,
    /// What is done with requests that no rule is for.
    pub(crate) action: Action,
    pub(crate) round_robin: RoundRobin,
    pub(crate) default_rule_arn: String,
    /// By priority.
    pub(crate) rules: Vec<Rule>,
    /// The open port; closed when this is dropped.
    pub(crate) open: OpenPort,
}

impl Listener {
    /// Whether it or one of its rules forwards to a target group.
    pub(crate) fn names(&self, target_group_arn: &str) -> bool {
        let rules = self.rules.iter().map(|rule| &rule.action);
        [&self.action]
            .into_iter()
            .chain(rules)
            .any(|action| action.names(target_group_arn))
    }
}

/// What is done with the requests that meet its conditions.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) arn: String,
    pub(crate) tags: Tags,
    pub(crate) priority: u16,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) action: Action,
    pub(crate) round_robin: RoundRobin,
}

/// The accepting task of an open port, ended on drop.
#[derive(Debug)]
pub(crate) struct OpenPort(pub(crate) tokio::task::AbortHandle);

impl Drop for OpenPort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a listener or a rule does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Passes it on to one of these target groups (ARN), by weight.
    Forward(Vec<(String, u32)>),
    /// Answers it itself.
    Fixed {
        status: u16,
        content_type: String,
        body: String,
    },
}

impl Action {
    pub(crate) fn forwards(&self) -> &[(String, u32)] {
        match self {
            Self::Forward(groups) => groups,
            Self::Fixed { .. } => &[],
        }
    }

    pub(crate) fn names(&self, target_group_arn: &str) -> bool {
        self.forwards()
            .iter()
            .any(|(arn, _)| arn == target_group_arn)
    }
}

#[derive(Debug)]
pub(crate) struct TargetGroup {
    pub(crate) arn: String,
    pub(crate) tags: Tags,
    pub(crate) settings: TargetGroupSettings,
    pub(crate) targets: Vec<Target>,
    /// Requests sent so far, for the round among the targets.
    pub(crate) sent: usize,
}

impl TargetGroup {
    pub(crate) fn target(&self, id: &str, port: u16) -> Option<&Target> {
        self.targets
            .iter()
            .find(|target| target.id == id && target.port == port)
    }

    pub(crate) fn target_mut(&mut self, id: &str, port: u16) -> Option<&mut Target> {
        self.targets
            .iter_mut()
            .find(|target| target.id == id && target.port == port)
    }
}

/// What the caller chose; a second creation with the same settings finds the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetGroupSettings {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) vpc_id: String,
    pub(crate) target_type: String,
    pub(crate) check: HealthCheck,
}

/// How a target's health is found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HealthCheck {
    pub(crate) path: String,
    /// `traffic-port` or a number.
    pub(crate) port: String,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) healthy_threshold: u32,
    pub(crate) unhealthy_threshold: u32,
    pub(crate) matcher: Matcher,
}

/// The status codes that mean healthy: `200`, `200,202`, `200-299`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matcher(Vec<(u16, u16)>);

impl Matcher {
    /// Reads it; none when it is no list of codes and ranges between 200 and 499.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let range = |part: &str| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            (200 <= from && from <= to && to <= 499).then_some((from, to))
        };
        text.split(',').map(range).collect::<Option<_>>().map(Self)
    }

    pub(crate) fn accepts(&self, status: u16) -> bool {
        self.0
            .iter()
            .any(|&(from, to)| (from..=to).contains(&status))
    }
}

impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, &(from, to)) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            write!(f, "{from}")?;
            if from != to {
                write!(f, "-{to}")?;
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) port: u16,
    pub(crate) registration: u64,
    pub(crate) health: Health,
    /// Checks in a row that went the other way than `health` says.
    pub(crate) contrary: u32,
    pub(crate) in_flight: InFlight,
}

/// The health of a target, as the load balancer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Not checked yet, or not passed yet.
    Initial,
    /// Passes its checks.
    Healthy,
    /// Fails its checks.
    Unhealthy {
        /// The reason code, such as `Target.Timeout`.
        reason: &'static str,
        /// The reason in words.
        description: String,
    },
    /// Deregistered; finishes what it has.
    Draining,
}

/// Counts the requests that a target is busy with.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    pub(crate) fn enter(&self) -> Busy {
        self.0.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One request in flight, until dropped.
#[derive(Debug)]
pub(crate) struct Busy(InFlight);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
