//! Target groups, listeners and rules.

use std::time::Duration;

use text::words;

use crate::facts::{CodeDeployEcs, EcsDeployment, EcsRelease, Fact, Route, TargetGroup};
use crate::finding::{Outcome, RuleResult, existing, join, known, mismatch, not_judged};
use crate::service::{host_ports, short};

/// Two different target groups, both existing.
pub(crate) fn two_groups(release: &EcsRelease) -> RuleResult {
    let mut named: Vec<&str> = release
        .named_target_groups
        .iter()
        .map(String::as_str)
        .collect();
    named.sort_unstable();
    named.dedup();
    if named.len() != 2 {
        let which = match named.as_slice() {
            [] => "are missing".to_owned(),
            [one] => format!("are only one, {}", label(one)),
            more => format!("are {}, and two are needed", more.len()),
        };
        return Err(mismatch(
            "the deployment's target groups",
            which,
            "name two target groups: one for the release that serves, one for the next",
        ));
    }
    let existing = known(&release.target_groups)?;
    let gone: Vec<&str> = named
        .into_iter()
        .filter(|named| find(existing, named).is_none())
        .map(label)
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    Err(mismatch(
        format!("the target group {}", join(gone)),
        "does not exist",
        "make it again, or correct the deployment's target groups",
    ))
}

fn find<'a>(groups: &'a [TargetGroup], named: &str) -> Option<&'a TargetGroup> {
    groups
        .iter()
        .find(|group| group.name == named || group.arn == named)
}

/// The name in `…:targetgroup/NAME/ID`, or the name itself.
fn label(named: &str) -> &str {
    named
        .split_once(":targetgroup/")
        .and_then(|(_, rest)| rest.split('/').next())
        .unwrap_or(named)
}

/// The target type fits the network mode.
pub(crate) fn target_types(release: &EcsRelease) -> Vec<RuleResult> {
    let facts = existing(&release.task_definition, "task definition")
        .and_then(|definition| Ok((definition, known(&release.target_groups)?)));
    let (definition, groups) = match facts {
        Ok(facts) => facts,
        Err(outcome) => return vec![Err(outcome)],
    };
    let wanted = if definition.network_mode == "awsvpc" {
        "ip"
    } else {
        "instance"
    };
    groups
        .iter()
        .map(|group| {
            if group.target_type == wanted {
                return Ok(());
            }
            Err(mismatch(
                format!("the target group {}", group.name),
                format!(
                    "has the target type {}, and tasks with the network mode {} need {wanted}",
                    group.target_type, definition.network_mode
                ),
                format!("make a target group of the type {wanted}; the type can't be changed"),
            ))
        })
        .collect()
}

/// Groups and routes are on one load balancer.
pub(crate) fn one_load_balancer(release: &EcsRelease, routes: &Fact<Vec<Route>>) -> RuleResult {
    let groups = known(&release.target_groups)?;
    let routes = known(routes)?;
    let Some(route) = routes.first() else {
        return Err(not_judged("there is no listener"));
    };
    let balancer = &route.load_balancer;
    let elsewhere = |place: String, on: &str| {
        Err(mismatch(
            place,
            format!(
                "is on {on}, and {} is on the load balancer {}",
                route_label(&route.arn),
                balancer_label(balancer)
            ),
            "put both target groups and all listeners on the same load balancer",
        ))
    };
    for other in routes {
        if other.load_balancer != *balancer {
            let on = format!("the load balancer {}", balancer_label(&other.load_balancer));
            return elsewhere(route_label(&other.arn), &on);
        }
    }
    for group in groups {
        // A group that no rule names yet is attached to nothing; the first shift attaches it.
        if !group.load_balancers.is_empty() && !group.load_balancers.contains(balancer) {
            let others: Vec<&str> = group
                .load_balancers
                .iter()
                .map(|arn| balancer_label(arn))
                .collect();
            let on = format!("the load balancer {}", join(others));
            return elsewhere(format!("the target group {}", group.name), &on);
        }
    }
    Ok(())
}

/// The health check asks a port that something listens on. Only behind the bridge of a host does that take a mapping:
/// elsewhere a container has every port of its address, whatever it maps.
pub(crate) fn health_check_ports(release: &EcsRelease) -> Vec<RuleResult> {
    let facts = existing(&release.task_definition, "task definition")
        .and_then(|definition| Ok((definition, known(&release.target_groups)?)));
    let (definition, groups) = match facts {
        Ok(facts) => facts,
        Err(outcome) => return vec![Err(outcome)],
    };
    let behind_bridge = definition.network_mode == "bridge";
    let mapped = host_ports(definition);
    groups
        .iter()
        .map(|group| match group.health_check_port {
            Some(_) if !behind_bridge => Err(not_judged(format!(
                "in the network mode {} a port needs no mapping",
                definition.network_mode
            ))),
            Some(port) if !mapped.contains(&port) => Err(mismatch(
                format!("the health check of the target group {}", group.name),
                format!(
                    "asks port {port} of the host, to which no container of {} is mapped",
                    short(&definition.arn)
                ),
                "set its port to traffic-port, or name that hostPort in a port mapping",
            )),
            _ => Ok(()),
        })
        .collect()
}

/// `CodeDeploy`: the production listener leads to one of the groups.
pub(crate) fn production_listener(facts: &CodeDeployEcs) -> RuleResult {
    let Some(arn) = &facts.production_listener else {
        return Err(mismatch(
            "the deployment group's prodTrafficRoute",
            "is missing",
            "name the production listener in loadBalancerInfo.targetGroupPairInfoList",
        ));
    };
    let route = route(arn, &facts.routes, "production listener")?;
    forwards(route, &facts.release, "production listener")
}

/// `CodeDeploy`: where a hook needs it, there is a test listener.
pub(crate) fn test_listener(facts: &CodeDeployEcs) -> RuleResult {
    let events = join(facts.events_on_test_traffic.iter().map(String::as_str));
    let Some(arn) = &facts.test_listener else {
        if facts.events_on_test_traffic.is_empty() {
            return Err(not_judged("no hook needs a test listener"));
        }
        return Err(mismatch(
            "the deployment group's testTrafficRoute",
            format!("is missing, and the AppSpec hooks {events}"),
            "name a test listener in loadBalancerInfo.targetGroupPairInfoList",
        ));
    };
    if Some(arn) == facts.production_listener.as_ref() {
        return Err(mismatch(
            "the deployment group's testTrafficRoute",
            "is the production listener, too, where the earlier release answers",
            "give test traffic a listener of its own",
        ));
    }
    let route = route(arn, &facts.routes, "test listener")?;
    forwards(route, &facts.release, "test listener")
}

/// ECS: the production rule leads to one of the groups.
pub(crate) fn production_rule(facts: &EcsDeployment) -> RuleResult {
    let Some(arn) = &facts.production_rule else {
        return Err(mismatch(
            "the service's productionListenerRule",
            "is missing",
            "name it in loadBalancers.advancedConfiguration",
        ));
    };
    let route = route(arn, &facts.routes, "production rule")?;
    forwards(route, &facts.release, "production rule")
}

/// The stages at which a hook judges the new revision before customers meet it.
const BEFORE_PRODUCTION: [&str; 2] = ["POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT"];

/// ECS: where a hook needs it, there is a test rule that can lead to the new target group.
pub(crate) fn test_rule(facts: &EcsDeployment) -> RuleResult {
    let needing: Vec<&str> = facts
        .hooks
        .iter()
        .filter(|hook| hook.function.is_some())
        .flat_map(|hook| hook.stages.iter().map(String::as_str))
        .filter(|stage| BEFORE_PRODUCTION.contains(stage))
        .collect();
    let Some(arn) = &facts.test_rule else {
        if needing.is_empty() {
            return Err(not_judged("no hook needs a test rule"));
        }
        return Err(mismatch(
            "the service's testListenerRule",
            format!("is missing, and a hook stands at {}", join(needing)),
            "name it in loadBalancers.advancedConfiguration",
        ));
    };
    if Some(arn) == facts.production_rule.as_ref() {
        return Err(mismatch(
            "the service's testListenerRule",
            "is its productionListenerRule, too, where the earlier revision answers",
            "give test traffic a rule of its own",
        ));
    }
    let route = route(arn, &facts.routes, "test rule")?;
    forwards(route, &facts.release, "test rule")
}

/// ECS: a request that meets a rule reaches it.
pub(crate) fn rule_priorities(facts: &EcsDeployment) -> Vec<RuleResult> {
    let routes = match known(&facts.routes) {
        Ok(routes) => routes,
        Err(outcome) => return vec![Err(outcome)],
    };
    let named = [
        (&facts.test_rule, "test rule"),
        (&facts.production_rule, "production rule"),
    ];
    let judged = named.into_iter().filter_map(|(arn, noun)| {
        let route = routes
            .iter()
            .find(|route| Some(&route.arn) == arn.as_ref())?;
        Some(reached(route, noun))
    });
    judged.collect()
}

fn reached(route: &Route, noun: &str) -> RuleResult {
    match known(&route.taken_before)? {
        None => Ok(()),
        Some(priority) => Err(mismatch(
            format!("the {noun} {}", route_label(&route.arn)),
            format!(
                "is asked after the rule of priority {priority}, which takes every request that it takes, so nothing \
                 reaches the tasks by it"
            ),
            "give it a lower number than that, or let the other rule take less",
        )),
    }
}

fn route<'a>(arn: &str, routes: &'a Fact<Vec<Route>>, noun: &str) -> Result<&'a Route, Outcome> {
    let found = known(routes)?.iter().find(|route| route.arn == *arn);
    found.ok_or_else(|| {
        mismatch(
            format!("the {noun} {}", route_label(arn)),
            "does not exist",
            "make it again, or correct its ARN",
        )
    })
}

/// Traffic can only be moved on a route that forwards to one of the groups.
fn forwards(route: &Route, release: &EcsRelease, noun: &str) -> RuleResult {
    let groups = known(&release.target_groups)?;
    let leads_to = |group: &TargetGroup| route.forwards_to.contains(&group.arn);
    if groups.iter().any(leads_to) {
        return Ok(());
    }
    let instead = if route.forwards_to.is_empty() {
        "to no target group".to_owned()
    } else {
        let named = route.forwards_to.iter().map(|arn| label(arn));
        format!("to {}", join(named))
    };
    let own: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    Err(mismatch(
        format!("the {noun} {}", route_label(&route.arn)),
        format!("forwards {instead}, so it never reaches the new tasks"),
        format!("let it forward to {}", join(own)),
    ))
}

/// Draining connections are not cut by the end of the earlier tasks.
pub(crate) fn deregistration(
    release: &EcsRelease,
    kept: Option<Duration>,
    setting: &str,
) -> Vec<RuleResult> {
    let Some(kept) = kept else {
        return vec![Err(not_judged("the earlier tasks are kept"))];
    };
    let groups = match known(&release.target_groups) {
        Ok(groups) => groups,
        Err(outcome) => return vec![Err(outcome)],
    };
    groups
        .iter()
        .map(|group| {
            let delay = *known(&group.deregistration_delay)?;
            if delay <= kept {
                return Ok(());
            }
            Err(mismatch(
                format!("the target group {}", group.name),
                format!(
                    "has a deregistration delay of {}, longer than the {setting} of {}: connections that still drain are cut, and a rollback meets draining targets",
                    words::duration(delay),
                    written(kept)
                ),
                format!("shorten deregistration_delay.timeout_seconds, or lengthen the {setting}"),
            ))
        })
        .collect()
}

fn written(duration: Duration) -> String {
    if duration.is_zero() {
        return "0s".to_owned();
    }
    words::duration(duration)
}

/// `the listener …/50dc` of an ARN, short enough to be read.
fn route_label(arn: &str) -> String {
    let (kind, rest) = match arn.split_once(":listener-rule/") {
        Some((_, rest)) => ("rule", rest),
        None => match arn.split_once(":listener/") {
            Some((_, rest)) => ("listener", rest),
            None => return arn.to_owned(),
        },
    };
    format!("{kind}/{rest}")
}

/// `app/shop/50dc` of an ARN.
fn balancer_label(arn: &str) -> &str {
    arn.split_once(":loadbalancer/")
        .map_or(arn, |(_, name)| name)
}
