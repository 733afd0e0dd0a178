//! The lifecycle hooks of ECS's own deployments: how long they may take, and what ends them.

use std::time::Duration;

use text::arn::{Arn, function_name};

use crate::facts::{EcsDeployment, LifecycleHook};
use crate::finding::{RuleResult, existing, join, known, mismatch, not_judged};

/// Where a hook does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_hours(24);
/// The longest time-out of a hook that calls a function.
const MAX_FUNCTION_TIMEOUT: Duration = Duration::from_hours(24);
/// The longest one of a pause.
const MAX_PAUSE_TIMEOUT: Duration = Duration::from_hours(14 * 24);
/// What CloudFormation waits for a service: bake time and all hooks together.
const MAX_SUM: Duration = Duration::from_hours(33);

/// `the pause at POST_TEST_TRAFFIC_SHIFT`, `the hook pre-traffic at …`.
fn place(hook: &LifecycleHook) -> String {
    let at = if hook.stages.is_empty() {
        "every stage".to_owned()
    } else {
        join(hook.stages.iter().map(String::as_str))
    };
    match &hook.function {
        None => format!("the pause at {at}"),
        Some(function) => {
            let name = function_name(function);
            format!("the hook {name} at {at}")
        }
    }
}

/// A time-out never lets a release pass.
pub(crate) fn timeout_action(facts: &EcsDeployment) -> Vec<RuleResult> {
    let judge = |hook: &LifecycleHook| {
        if !hook.continues_on_timeout {
            return Ok(());
        }
        Err(mismatch(
            place(hook),
            "has timeoutConfiguration.action CONTINUE: where it does not answer in time, a release passes that nobody has judged",
            "set the action to ROLLBACK",
        ))
    };
    facts.hooks.iter().map(judge).collect()
}

/// Each time-out is one that ECS takes.
pub(crate) fn timeouts(facts: &EcsDeployment) -> Vec<RuleResult> {
    let judge = |hook: &LifecycleHook| {
        let max = if hook.function.is_some() {
            MAX_FUNCTION_TIMEOUT
        } else {
            MAX_PAUSE_TIMEOUT
        };
        let timeout = hook.timeout.unwrap_or(DEFAULT_TIMEOUT);
        if timeout >= Duration::from_mins(1) && timeout <= max {
            return Ok(());
        }
        Err(mismatch(
            place(hook),
            format!("has a time-out of {} minutes", minutes(timeout)),
            format!("set timeoutInMinutes between 1 and {}", minutes(max)),
        ))
    };
    facts.hooks.iter().map(judge).collect()
}

/// `CloudFormation` waits long enough.
pub(crate) fn time_sum(facts: &EcsDeployment) -> RuleResult {
    let service = existing(&facts.release.service, "service")?;
    if known(&service.stack)?.is_none() {
        return Err(not_judged("no stack of CloudFormation manages the service"));
    }
    let timeout = |hook: &LifecycleHook| hook.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let of_hooks = facts.hooks.iter().map(timeout);
    let sum = of_hooks.fold(facts.bake_time, Duration::saturating_add);
    if sum <= MAX_SUM {
        // AWS doesn't say whether each stage of a hook counts, and the waits of a shift: at most that long may pass.
        let at_each_stage = facts.hooks.iter().map(|hook| {
            let stages = u32::try_from(hook.stages.len().max(1)).unwrap_or(u32::MAX);
            timeout(hook).saturating_mul(stages)
        });
        let bake_times = facts.bake_time.saturating_add(facts.shift_time);
        let longest = at_each_stage.fold(bake_times, Duration::saturating_add);
        if longest <= MAX_SUM {
            return Ok(());
        }
        return Err(not_judged(format!(
            "the bake time and the hooks' time-outs are {} minutes together, and {} with each stage of a hook and the waits of \
             the shift; CloudFormation takes {}, and AWS does not say which it counts",
            minutes(sum),
            minutes(longest),
            minutes(MAX_SUM)
        )));
    }
    let silent = facts.hooks.iter().filter(|hook| hook.timeout.is_none());
    let silent = match silent.count() {
        0 => String::new(),
        number => format!(
            "; {} no timeoutInMinutes, which means 1440",
            if number == 1 {
                "one hook has".to_owned()
            } else {
                format!("{number} hooks have")
            }
        ),
    };
    Err(mismatch(
        "the service's deploymentConfiguration",
        format!(
            "has a bake time and hooks' time-outs of {} minutes together, and CloudFormation takes {}{silent}",
            minutes(sum),
            minutes(MAX_SUM)
        ),
        "set timeoutInMinutes of the hooks, or shorten bakeTimeInMinutes",
    ))
}

fn minutes(duration: Duration) -> u64 {
    duration.as_secs() / 60
}

/// ECS can assume a role to call each function.
pub(crate) fn roles(facts: &EcsDeployment) -> Vec<RuleResult> {
    let calling = facts.hooks.iter().filter(|hook| hook.function.is_some());
    calling.map(|hook| role(hook, facts)).collect()
}

fn role(hook: &LifecycleHook, facts: &EcsDeployment) -> RuleResult {
    let remedy = "name a role of this account that ecs.amazonaws.com may assume and that may invoke the function";
    let Some(role) = &hook.role else {
        return Err(mismatch(place(hook), "names no roleArn", remedy));
    };
    let of_role =
        Arn::parse(role).filter(|arn| arn.service == "iam" && arn.resource.starts_with("role/"));
    let Some(of_role) = of_role else {
        let what = format!("has the roleArn {role:?}, which is no role");
        return Err(mismatch(place(hook), what, remedy));
    };
    let service = existing(&facts.release.service, "service")?;
    if Some(of_role.account) != Arn::parse(&service.arn).map(|arn| arn.account) {
        let what = format!("has the roleArn {role}, of another account than the service");
        return Err(mismatch(place(hook), what, remedy));
    }
    Ok(())
}

/// No rule that the service's stack makes after the service is what answers the service's pause.
pub(crate) fn event_rules(facts: &EcsDeployment) -> Vec<RuleResult> {
    let pauses: Vec<&LifecycleHook> = facts
        .hooks
        .iter()
        .filter(|hook| hook.function.is_none())
        .collect();
    if pauses.is_empty() {
        return Vec::new();
    }
    let looked_up = existing(&facts.release.service, "service")
        .and_then(|service| Ok((known(&service.stack)?, known(&facts.event_rules)?)));
    let (stack, rules) = match looked_up {
        Ok((Some(stack), rules)) => (stack, rules),
        Ok((None, _)) => {
            let why = "no stack of CloudFormation manages the service";
            return vec![Err(not_judged(why))];
        }
        Err(outcome) => return vec![Err(outcome)],
    };
    let judge = |rule: &crate::facts::EventRule| {
        if rule.stack.as_ref() != Some(stack) {
            return Ok(());
        }
        Err(mismatch(
            format!("the event rule {}", rule.name),
            format!(
                "names the service and is in its stack {stack}, too: when the stack is made, the service waits for a pause that no rule hears of yet"
            ),
            "let the rule's pattern name the cluster (detail.clusterArn) instead of the service",
        ))
    };
    if rules.is_empty() {
        return vec![Ok(())];
    }
    rules.iter().map(judge).collect()
}
