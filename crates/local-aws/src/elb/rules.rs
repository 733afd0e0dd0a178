//! Listener rules: which requests are treated differently from the listener's default action.
//!
//! The default rule is the listener's default action, shown as a rule: it can't be deleted, and it has
//! no conditions. Rules are kept in the order of their priorities, which is the order of evaluation.

use super::actions::{action, check_action, render_action};
use super::api::{invalid, number, required, tags};
use super::conditions::{self, conditions};
use super::model::{Action, Listener, Rule, State};
use super::{Elb, listeners};
use crate::error::AwsError;
use crate::ids;
use crate::wire::{QueryParams, Xml};

/// Rules of one load balancer, default rules aside: AWS's quota.
const MAX_RULES: usize = 100;
/// The priorities there are.
const PRIORITIES: std::ops::RangeInclusive<u16> = 1..=50_000;

/// A rule as callers name it: where its listener is, and its own place; none for the default rule.
#[derive(Clone, Copy)]
pub(super) struct RulePlace {
    pub(super) listener: usize,
    pub(super) rule: Option<usize>,
}

impl Elb {
    pub(super) fn create_rule(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let listener_arn = required(params, "ListenerArn")?;
        required(params, "Priority")?;
        let priority = number(params, "Priority", 1, PRIORITIES)?;
        let conditions = conditions(params)?;
        if conditions.is_empty() {
            return Err(invalid("A condition must be specified"));
        }
        refuse_transforms(params)?;
        let action =
            action(params, "Actions")?.ok_or_else(|| invalid("An action must be specified"))?;
        let mut state = self.state();
        let index = listeners::index(&state, listener_arn)?;
        let balancer = state.listeners[index].load_balancer_arn.clone();
        check_action(&state, &balancer, &action)?;
        check_priority(&state.listeners[index], priority, &[])?;
        let of_balancer = |l: &&Listener| l.load_balancer_arn == balancer;
        let count = state.listeners.iter().filter(of_balancer);
        if count.map(|l| l.rules.len()).sum::<usize>() >= MAX_RULES {
            return Err(AwsError::client(
                "TooManyRules",
                "The maximum number of rules on the load balancer has been reached",
            ));
        }
        let rule = Rule {
            arn: rule_arn(listener_arn),
            tags: tags(params),
            priority,
            conditions,
            round_robin: super::round_robin::RoundRobin::default(),
            action,
        };
        let answer = Xml::list("Rules", [render(&rule)]);
        let listener = &mut state.listeners[index];
        listener.rules.push(rule);
        listener.rules.sort_by_key(|rule| rule.priority);
        Ok(answer)
    }

    pub(super) fn describe_rules(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arns = params.list("RuleArns");
        let state = self.state();
        let rendered = match params.get("ListenerArn") {
            Some(_) if !arns.is_empty() => {
                return Err(invalid(
                    "You cannot specify both a listener ARN and rule ARNs",
                ));
            }
            Some(listener) => {
                let listener = &state.listeners[listeners::index(&state, listener)?];
                let rules = listener.rules.iter().map(render);
                rules.chain([render_default(listener)]).collect()
            }
            None if arns.is_empty() => {
                return Err(invalid(
                    "You must specify either listener rule ARNs or a listener ARN",
                ));
            }
            None => arns
                .iter()
                .map(|arn| Ok(render_at(&state, place(&state, arn)?)))
                .collect::<Result<Vec<_>, AwsError>>()?,
        };
        Ok(Xml::list("Rules", rendered))
    }

    pub(super) fn modify_rule(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arn = required(params, "RuleArn")?;
        let conditions = conditions(params)?;
        refuse_transforms(params)?;
        let action = action(params, "Actions")?;
        let mut state = self.state();
        let at = place(&state, arn)?;
        let Some(rule) = at.rule else {
            return Err(AwsError::client(
                "OperationNotPermitted",
                format!("Default rule '{arn}' cannot be modified"),
            ));
        };
        if let Some(action) = action {
            self.set_rule_action(&mut state, at, action)?;
        }
        let rule = &mut state.listeners[at.listener].rules[rule];
        if !conditions.is_empty() {
            rule.conditions = conditions;
        }
        Ok(Xml::list("Rules", [render(rule)]))
    }

    pub(super) fn delete_rule(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let arn = required(params, "RuleArn")?;
        let mut state = self.state();
        let at = place(&state, arn)?;
        let Some(rule) = at.rule else {
            return Err(AwsError::client(
                "OperationNotPermitted",
                format!("Default rule '{arn}' cannot be deleted"),
            ));
        };
        state.listeners[at.listener].rules.remove(rule);
        Ok(Xml::empty())
    }

    pub(super) fn set_rule_priorities(&self, params: &QueryParams) -> Result<Xml, AwsError> {
        let mut state = self.state();
        let mut wanted = Vec::new();
        for pair in params.members("RulePriorities") {
            let arn = required(&pair, "RuleArn")?;
            required(&pair, "Priority")?;
            let priority = number(&pair, "Priority", 1, PRIORITIES)?;
            let at = place(&state, arn)?;
            let Some(rule) = at.rule else {
                return Err(AwsError::client(
                    "OperationNotPermitted",
                    "The priority of a default rule cannot be set",
                ));
            };
            wanted.push((at.listener, rule, arn.to_owned(), priority));
        }
        // All of them change at once, so that two rules can change places.
        let moving: Vec<String> = wanted.iter().map(|(_, _, arn, _)| arn.clone()).collect();
        for (index, (listener, _, _, priority)) in wanted.iter().enumerate() {
            check_priority(&state.listeners[*listener], *priority, &moving)?;
            let taken = |(other, _, _, chosen): &(usize, usize, String, u16)| {
                other == listener && chosen == priority
            };
            if wanted[..index].iter().any(taken) {
                return Err(in_use(*priority));
            }
        }
        for (listener, rule, _, priority) in &wanted {
            state.listeners[*listener].rules[*rule].priority = *priority;
        }
        for listener in &mut state.listeners {
            listener.rules.sort_by_key(|rule| rule.priority);
        }
        let rendered: Vec<_> = moving
            .iter()
            .map(|arn| Ok(render_at(&state, place(&state, arn)?)))
            .collect::<Result<_, AwsError>>()?;
        Ok(Xml::list("Rules", rendered))
    }

    /// The target groups (ARN) and weights a rule forwards to; the default rule's are its listener's.
    /// None when there is no such rule.
    pub fn rule_forwards(&self, rule_arn: &str) -> Option<Vec<(String, u32)>> {
        let state = self.state();
        let at = place(&state, rule_arn).ok()?;
        Some(action_at(&state, at).forwards().to_vec())
    }

    /// Makes a rule forward to target groups (ARN) by weight, from the next request on.
    pub fn set_rule_forwards(
        &self,
        rule_arn: &str,
        weights: &[(String, u32)],
    ) -> Result<(), AwsError> {
        let mut state = self.state();
        let at = place(&state, rule_arn)?;
        self.set_rule_action(&mut state, at, Action::Forward(weights.to_vec()))
    }

    pub(super) fn set_rule_action(
        &self,
        state: &mut State,
        at: RulePlace,
        action: Action,
    ) -> Result<(), AwsError> {
        let listener = &state.listeners[at.listener];
        let Some(rule) = at.rule else {
            let arn = listener.arn.clone();
            return self.set_action(state, &arn, action);
        };
        check_action(state, &listener.load_balancer_arn, &action)?;
        if listener.rules[rule].action == action {
            return Ok(());
        }
        let (port, arn) = (listener.port, listener.rules[rule].arn.clone());
        let subject = format!("Rule {} of :{port}", listener.rules[rule].priority);
        self.record_action(state, &subject, &action, ("rule", &arn, port));
        let rule = &mut state.listeners[at.listener].rules[rule];
        rule.round_robin = super::round_robin::RoundRobin::default();
        rule.action = action;
        Ok(())
    }
}

/// The ARN of a new rule of a listener.
pub(super) fn rule_arn(listener_arn: &str) -> String {
    let prefix = listener_arn.replacen(":listener/", ":listener-rule/", 1);
    format!("{prefix}/{}", ids::hex(16))
}

/// Where a rule is.
pub(super) fn place(state: &State, arn: &str) -> Result<RulePlace, AwsError> {
    let mut listeners = state.listeners.iter().enumerate();
    listeners
        .find_map(|(listener, candidate)| {
            if candidate.default_rule_arn == arn {
                return Some(RulePlace {
                    listener,
                    rule: None,
                });
            }
            let rule = candidate.rules.iter().position(|rule| rule.arn == arn)?;
            Some(RulePlace {
                listener,
                rule: Some(rule),
            })
        })
        .ok_or_else(not_found)
}

fn action_at(state: &State, at: RulePlace) -> &Action {
    let listener = &state.listeners[at.listener];
    match at.rule {
        Some(rule) => &listener.rules[rule].action,
        None => &listener.action,
    }
}

/// Refuses a priority that another rule has, those aside that are about to move.
fn check_priority(listener: &Listener, priority: u16, moving: &[String]) -> Result<(), AwsError> {
    let taken = |rule: &Rule| rule.priority == priority && !moving.contains(&rule.arn);
    if listener.rules.iter().any(taken) {
        return Err(in_use(priority));
    }
    Ok(())
}

fn in_use(priority: u16) -> AwsError {
    AwsError::client(
        "PriorityInUse",
        format!("Priority '{priority}' is currently in use"),
    )
}

fn refuse_transforms(params: &QueryParams) -> Result<(), AwsError> {
    if params.members("Transforms").is_empty() {
        return Ok(());
    }
    Err(AwsError::client(
        "InvalidConfigurationRequest",
        "local-aws has no transforms; leave Transforms out",
    ))
}

fn render_at(state: &State, at: RulePlace) -> Vec<Xml> {
    let listener = &state.listeners[at.listener];
    match at.rule {
        Some(rule) => render(&listener.rules[rule]),
        None => render_default(listener),
    }
}

fn render(rule: &Rule) -> Vec<Xml> {
    let conditions = rule.conditions.iter().map(conditions::render);
    vec![
        Xml::text("RuleArn", &rule.arn),
        Xml::text("Priority", rule.priority),
        Xml::list("Conditions", conditions),
        Xml::list("Actions", [render_action(&rule.action)]),
        Xml::text("IsDefault", false),
    ]
}

fn render_default(listener: &Listener) -> Vec<Xml> {
    vec![
        Xml::text("RuleArn", &listener.default_rule_arn),
        Xml::text("Priority", "default"),
        Xml::node("Conditions", Vec::new()),
        Xml::list("Actions", [render_action(&listener.action)]),
        Xml::text("IsDefault", true),
    ]
}

fn not_found() -> AwsError {
    AwsError::client("RuleNotFound", "One or more rules not found")
}
