//! Elastic Load Balancing v2: listeners that really listen and forward by weight to targets whose
//! health is really checked.
//!
//! All state is behind one lock that is never held across an await.

mod actions;
mod api;
mod conditions;
mod forward;
mod health;
mod listeners;
mod load_balancers;
mod model;
mod round_robin;
mod routing;
mod rules;
mod target_groups;
mod targets;
mod tls;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

use self::health::{Finding, Watched};
use self::model::{Action, HealthCheck, InFlight, State, Target, TargetGroup};
use self::round_robin::RoundRobin;
use self::tls::Authority;
use crate::clock::Clock;
use crate::error::AwsError;
use crate::sync::lock;
use crate::timeline::{Timeline, TimelineEvent};

pub(crate) use self::forward::remove_hop_by_hop;
pub use self::model::Health;

/// How long a deregistered target may take to finish its requests. AWS waits 300 seconds.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// What the deployment engine sees of a target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroupView {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its default port.
    pub port: u16,
    /// Targets that pass the health check.
    pub healthy: usize,
    /// Targets registered.
    pub total: usize,
}

/// What ECS has to know before it registers tasks in a target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetGroupFacts {
    pub(crate) name: String,
    pub(crate) target_type: String,
    /// Whether a listener or a rule forwards to it.
    pub(crate) attached: bool,
    /// How long AWS would take to find a dead target.
    pub(crate) unhealthy_after: Duration,
}

/// The load balancers of one world. Clones share all state.
#[derive(Clone, Debug)]
pub struct Elb {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    timeline: Timeline,
    /// `arn:aws:elasticloadbalancing:REGION:ACCOUNT`
    arn_prefix: String,
    authority: Authority,
    state: Mutex<State>,
}

impl Elb {
    /// No load balancer yet.
    pub fn new(clock: Clock, timeline: Timeline, account: &str, region: &str) -> Self {
        let arn_prefix = format!("arn:aws:elasticloadbalancing:{region}:{account}");
        let shared = Shared {
            clock,
            timeline,
            arn_prefix,
            authority: Authority::default(),
            state: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The certificate, as PEM, of the authority that signs those of HTTPS listeners.
    pub fn authority(&self) -> Result<String, AwsError> {
        self.shared.authority.pem()
    }

    /// Whether there is such a listener.
    pub fn listener_exists(&self, arn: &str) -> bool {
        self.state()
            .listeners
            .iter()
            .any(|listener| listener.arn == arn)
    }

    /// A target group, by name.
    pub fn target_group_by_name(&self, name: &str) -> Option<TargetGroupView> {
        let state = self.state();
        let group = state
            .target_groups
            .iter()
            .find(|group| group.settings.name == name)?;
        let healthy = |target: &&Target| target.health == Health::Healthy;
        Some(TargetGroupView {
            arn: group.arn.clone(),
            name: name.to_owned(),
            port: group.settings.port,
            healthy: group.targets.iter().filter(healthy).count(),
            total: group.targets.len(),
        })
    }

    /// The target groups (ARN) and weights a listener forwards to.
    pub fn forwards(&self, listener_arn: &str) -> Vec<(String, u32)> {
        let state = self.state();
        let listener = state
            .listeners
            .iter()
            .find(|listener| listener.arn == listener_arn);
        listener
            .map(|listener| listener.action.forwards().to_vec())
            .unwrap_or_default()
    }

    /// The target groups (ARN) and weights of the first action of a listener that names one of `groups`: its default action,
    /// else that of a rule.
    pub(crate) fn forwards_naming(
        &self,
        listener_arn: &str,
        groups: &[&str],
    ) -> Vec<(String, u32)> {
        let state = self.state();
        let mut listeners = state.listeners.iter();
        let Some(listener) = listeners.find(|listener| listener.arn == listener_arn) else {
            return Vec::new();
        };
        let rules = listener.rules.iter().map(|rule| &rule.action);
        let mut actions = std::iter::once(&listener.action).chain(rules);
        let found = actions.find(|action| groups.iter().any(|group| action.names(group)));
        found
            .map(|action| action.forwards().to_vec())
            .unwrap_or_default()
    }

    /// Makes whatever of a listener forwards to one of these target groups (ARN) forward to them by weight, from the next
    /// request on: its default action and its rules. The rest stays as it is. Says whether there was anything.
    pub(crate) fn shift(
        &self,
        listener_arn: &str,
        weights: &[(String, u32)],
    ) -> Result<bool, AwsError> {
        let mut state = self.state();
        let index = listeners::index(&state, listener_arn)?;
        let listener = &state.listeners[index];
        let is_meant = |action: &Action| weights.iter().any(|(group, _)| action.names(group));
        let default = is_meant(&listener.action).then_some(None);
        let rules = listener.rules.iter().enumerate();
        let rules = rules.filter(|(_, rule)| is_meant(&rule.action));
        let meant: Vec<Option<usize>> = default
            .into_iter()
            .chain(rules.map(|(rule, _)| Some(rule)))
            .collect();
        for rule in &meant {
            let at = rules::RulePlace {
                listener: index,
                rule: *rule,
            };
            self.set_rule_action(&mut state, at, Action::Forward(weights.to_vec()))?;
        }
        Ok(!meant.is_empty())
    }

    /// What ECS has to know of a target group.
    pub(crate) fn target_group_facts(&self, arn: &str) -> Option<TargetGroupFacts> {
        let state = self.state();
        let group = state.target_groups.iter().find(|group| group.arn == arn)?;
        let check = &group.settings.check;
        Some(TargetGroupFacts {
            name: group.settings.name.clone(),
            target_type: group.settings.target_type.clone(),
            attached: state.listeners.iter().any(|listener| listener.names(arn)),
            unhealthy_after: check.interval * check.unhealthy_threshold,
        })
    }

    /// The health of a registered target.
    pub(crate) fn health(&self, group_arn: &str, id: &str, port: u16) -> Option<Health> {
        let state = self.state();
        let group = state
            .target_groups
            .iter()
            .find(|group| group.arn == group_arn)?;
        group.target(id, port).map(|target| target.health.clone())
    }

    /// Registers a target and starts to check its health; a registered one stays as it is.
    pub(crate) fn register(&self, group_arn: &str, id: &str, port: u16) -> Result<(), AwsError> {
        let mut state = self.state();
        let registration = state.registrations + 1;
        let group = group_mut(&mut state, group_arn)?;
        let known = group
            .target(id, port)
            .is_some_and(|t| t.health != Health::Draining);
        if known {
            return Ok(());
        }
        group
            .targets
            .retain(|target| target.id != id || target.port != port);
        group.targets.push(Target {
            id: id.to_owned(),
            port,
            registration,
            health: Health::Initial,
            contrary: 0,
            in_flight: InFlight::default(),
        });
        state.registrations = registration;
        let watched = Watched {
            target_group_arn: group_arn.to_owned(),
            id: id.to_owned(),
            port,
            registration,
        };
        tokio::spawn(health::watch(self.clone(), watched));
        Ok(())
    }

    /// Gives a target no more requests, waits until it has finished those it has (a few seconds at
    /// most), then forgets it.
    pub(crate) async fn deregister(&self, group_arn: &str, id: &str, port: u16) {
        let Some(in_flight) = self.start_draining(group_arn, id, port) else {
            return;
        };
        let finished = async {
            while in_flight.count() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // Past the limit the target is forgotten all the same.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, finished).await;
        let mut state = self.state();
        if let Ok(group) = group_mut(&mut state, group_arn) {
            group.targets.retain(|target| {
                target.id != id || target.port != port || target.health != Health::Draining
            });
        }
    }

    fn start_draining(&self, group_arn: &str, id: &str, port: u16) -> Option<InFlight> {
        let mut state = self.state();
        let target = group_mut(&mut state, group_arn)
            .ok()?
            .target_mut(id, port)?;
        target.health = Health::Draining;
        Some(target.in_flight.clone())
    }

    /// The health check of a registration; none once it is over.
    fn check_for(&self, watched: &Watched) -> Option<HealthCheck> {
        let mut state = self.state();
        let group = group_mut(&mut state, &watched.target_group_arn).ok()?;
        watched_target(group, watched)?;
        Some(group.settings.check.clone())
    }

    /// Notes what a health check found.
    fn note_health(&self, watched: &Watched, finding: &Finding) {
        let changed = {
            let mut state = self.state();
            let Ok(group) = group_mut(&mut state, &watched.target_group_arn) else {
                return;
            };
            let check = group.settings.check.clone();
            let name = group.settings.name.clone();
            let Some(target) = watched_target(group, watched) else {
                return;
            };
            health::judge(target, &check, finding).map(|health| (name, health))
        };
        let Some((name, health)) = changed else {
            return;
        };
        let target = format!("{}:{}", watched.id, watched.port);
        let (state, message) = match &health {
            Health::Unhealthy { description, .. } => (
                "unhealthy",
                format!("Target {target} in {name} is unhealthy: {description}."),
            ),
            _ => ("healthy", format!("Target {target} in {name} is healthy.")),
        };
        let detail = json!({ "target_group": name, "target": target, "health": state });
        self.record("target", message, detail);
    }

    /// Gives a listener another action; the new one holds from the next request on.
    fn set_action(&self, state: &mut State, arn: &str, action: Action) -> Result<(), AwsError> {
        let listener = state
            .listeners
            .iter()
            .position(|listener| listener.arn == arn)
            .ok_or_else(listeners::not_found)?;
        let load_balancer = state.listeners[listener].load_balancer_arn.clone();
        actions::check_action(state, &load_balancer, &action)?;
        let port = state.listeners[listener].port;
        if state.listeners[listener].action != action {
            let subject = format!("Listener :{port}");
            self.record_action(state, &subject, &action, ("listener", arn, port));
            state.listeners[listener].round_robin = RoundRobin::default();
            state.listeners[listener].action = action;
        }
        Ok(())
    }

    /// Tells what a listener or a rule does from now on; `what` is its kind, its ARN and the port.
    fn record_action(
        &self,
        state: &State,
        subject: &str,
        action: &Action,
        (kind, arn, port): (&str, &str, u16),
    ) {
        let shares = shares(state, action);
        let message = match action {
            Action::Forward(_) => {
                let shown: Vec<String> = shares.iter().map(|(n, w)| format!("{n} {w}")).collect();
                format!("{subject} forwards to {}.", shown.join(", "))
            }
            Action::Fixed { status, .. } => format!("{subject} answers {status}."),
        };
        let shares: Vec<Value> = shares
            .into_iter()
            .map(|(name, weight)| json!({ "target_group": name, "weight": weight }))
            .collect();
        self.record(
            "listener",
            message,
            json!({ kind: arn, "port": port, "forwards": shares }),
        );
    }

    fn record(&self, kind: &str, message: String, detail: Value) {
        let kind = kind.to_owned();
        self.shared.timeline.record(TimelineEvent {
            kind,
            deployment_id: None,
            message,
            detail,
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

/// The names and weights of an action's target groups.
fn shares(state: &State, action: &Action) -> Vec<(String, u32)> {
    let name = |arn: &str| {
        let group = state.target_groups.iter().find(|group| group.arn == arn);
        group.map_or_else(|| arn.to_owned(), |group| group.settings.name.clone())
    };
    action
        .forwards()
        .iter()
        .map(|(arn, weight)| (name(arn), *weight))
        .collect()
}

fn watched_target<'a>(group: &'a mut TargetGroup, watched: &Watched) -> Option<&'a mut Target> {
    let target = group.target_mut(&watched.id, watched.port)?;
    let current = target.registration == watched.registration && target.health != Health::Draining;
    current.then_some(target)
}

fn group_mut<'a>(state: &'a mut State, arn: &str) -> Result<&'a mut TargetGroup, AwsError> {
    let group = state
        .target_groups
        .iter_mut()
        .find(|group| group.arn == arn);
    group.ok_or_else(target_groups::not_found)
}
