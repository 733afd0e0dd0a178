//! What undoes a release that fails.

use text::words;

use crate::facts::{AttachedAlarms, AutomaticRollback, EcsDeployment, Strategy};
use crate::finding::{RuleResult, known, mismatch, not_judged};

/// `CodeDeploy` rolls back on failure.
pub(crate) fn automatic(rollback: &AutomaticRollback) -> RuleResult {
    let AutomaticRollback {
        group,
        enabled,
        events,
    } = rollback;
    let on_failure = events.iter().any(|event| event == "DEPLOYMENT_FAILURE");
    if *enabled && on_failure {
        return Ok(());
    }
    let what = if *enabled {
        "rolls back automatically, but not on DEPLOYMENT_FAILURE: a release that a gate stops keeps its traffic"
    } else {
        "does not roll back automatically: a release that a gate stops keeps its traffic"
    };
    Err(mismatch(
        format!("the deployment group {group}"),
        what,
        "set autoRollbackConfiguration to enabled, with the event DEPLOYMENT_FAILURE",
    ))
}

/// Stages at which a failing hook still rolls back a release that customers meet.
const UNDER_TRAFFIC: [&str; 2] = ["PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"];

/// ECS rolls back a release that fails under traffic.
pub(crate) fn trigger(facts: &EcsDeployment) -> RuleResult {
    let has_hook = facts.hooks.iter().any(|hook| {
        let stages = hook.stages.iter();
        let under_traffic = stages
            .filter(|stage| UNDER_TRAFFIC.contains(&stage.as_str()))
            .count();
        hook.function.is_some() && !hook.continues_on_timeout && under_traffic > 0
    });
    let has_alarms = facts.alarms_roll_back && !facts.release.alarms.named.is_empty();
    // It looks at tasks that don't start or stay healthy, and has been made for rolling deployments.
    let is_rolling = facts.strategy == Strategy::Rolling;
    let has_breaker = facts.circuit_breaker && is_rolling;
    if has_hook || has_alarms || has_breaker {
        return Ok(());
    }
    let breaker = match (is_rolling, facts.circuit_breaker) {
        (true, _) => "no alarms, no circuit breaker and no hook after the shift",
        (false, true) => {
            "no alarms and no hook after the shift; the circuit breaker looks at tasks that don't start, not at what they answer"
        }
        (false, false) => "no alarms and no hook after the shift",
    };
    Err(mismatch(
        "the service's deploymentConfiguration",
        format!("has nothing that rolls back a release which fails under traffic: {breaker}"),
        "set alarms with rollback, or a hook at POST_PRODUCTION_TRAFFIC_SHIFT",
    ))
}

/// The policy for a service's first deployment.
pub(crate) fn first_deployment(facts: &EcsDeployment, policy: FirstDeployment) -> RuleResult {
    if policy == FirstDeployment::Allow {
        return Err(not_judged("the suite allows a first deployment"));
    }
    if !facts.is_first {
        return Ok(());
    }
    Err(mismatch(
        "this deployment",
        "is the service's first: there is no earlier revision to roll back to",
        "make the service by hand first, or say `first_deployment: allow` in the suite",
    ))
}

/// The alarms exist.
pub(crate) fn alarms(alarms: &AttachedAlarms) -> Vec<RuleResult> {
    if alarms.named.is_empty() {
        return Vec::new();
    }
    let existing = match known(&alarms.existing) {
        Ok(existing) => existing,
        Err(outcome) => return vec![Err(outcome)],
    };
    alarms
        .named
        .iter()
        .map(|named| {
            if existing.contains(named) {
                return Ok(());
            }
            let meant = words::nearest(named, existing.iter().map(String::as_str));
            let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
            Err(mismatch(
                format!("the attached alarm {named}"),
                format!("does not exist{meant}"),
                "make it, or take it from the deployment's alarms: until then the deployment can't be stopped by it",
            ))
        })
        .collect()
}

/// What a service's first deployment means: there is nothing to roll back to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FirstDeployment {
    /// It may go on.
    #[default]
    Allow,
    /// It may not.
    Fail,
}
