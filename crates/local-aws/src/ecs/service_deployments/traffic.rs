//! Which listener rules a deployment moves, and between which target groups.
//!
//! The weights are put on the rules as a whole: whoever else changes them meanwhile loses.

use super::super::api::invalid;
use super::super::{Ecs, ServiceLoadBalancer};
use super::outcome::Halt;
use super::stage::Share;
use crate::error::AwsError;

/// The rules of one load balancer of a service, and the target groups of both revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    production: String,
    test: Option<String>,
    /// Where the new revision's tasks are registered.
    green: String,
    /// The other target group: that of the old revision, where there is one.
    blue: String,
}

/// Which of a load balancer's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    Test,
    Production,
}

impl Route {
    /// The routes of a service for a revision whose tasks are registered at `green`.
    pub(super) fn of(
        configured: &[ServiceLoadBalancer],
        green: &[ServiceLoadBalancer],
    ) -> Vec<Self> {
        let route = |(balancer, green): (&ServiceLoadBalancer, &ServiceLoadBalancer)| {
            let advanced = balancer.advanced.as_ref()?;
            let green = green.target_group_arn.clone();
            let blue = if green == balancer.target_group_arn {
                advanced.alternate_target_group_arn.clone()
            } else {
                balancer.target_group_arn.clone()
            };
            Some(Self {
                production: advanced.production_listener_rule.clone(),
                test: advanced.test_listener_rule.clone(),
                green,
                blue,
            })
        };
        configured.iter().zip(green).filter_map(route).collect()
    }

    fn rule(&self, rules: Rules) -> Option<&str> {
        match rules {
            Rules::Test => self.test.as_deref(),
            Rules::Production => Some(&self.production),
        }
    }

    fn weights(&self, green: Share) -> Vec<(String, u32)> {
        let (own, other) = green.weights();
        vec![(self.green.clone(), own), (self.blue.clone(), other)]
    }
}

impl Ecs {
    /// Gives the new revision a share of what these rules get.
    pub(super) fn forward(
        &self,
        routes: &[Route],
        rules: Rules,
        green: Share,
    ) -> Result<(), AwsError> {
        for route in routes {
            if let Some(rule) = route.rule(rules) {
                let weights = route.weights(green);
                self.shared.elb.set_rule_forwards(rule, &weights)?;
            }
        }
        Ok(())
    }

    /// Refuses rules that a deployment can't start from.
    pub(super) fn check_routes(&self, routes: &[Route]) -> Result<(), Halt> {
        for route in routes {
            let Route {
                production,
                green,
                blue,
                ..
            } = route;
            let forwards = |rule: &str| {
                let found = self.shared.elb.rule_forwards(rule);
                found.ok_or_else(|| Halt::Networking("One or more rules not found".to_owned()))
            };
            let on_production = forwards(production)?;
            let on_test = match &route.test {
                Some(rule) => forwards(rule)?,
                None => Vec::new(),
            };
            let serving: Vec<&str> = on_production
                .iter()
                .filter(|(_, weight)| *weight > 0)
                .map(|(group, _)| group.as_str())
                .collect();
            let [serving] = serving.as_slice() else {
                return Err(Halt::Networking(format!(
                    "productionListenerRule {production} should have exactly one target group \
                     serving traffic but found {} target groups which are serving traffic",
                    serving.len()
                )));
            };
            if ![green.as_str(), blue.as_str()].contains(serving) {
                return Err(Halt::Networking(format!(
                    "Production listener rule is forwarding traffic to unexpected target group \
                     {serving}. Expected traffic to be forwarded to either targetGroupArn: {blue} \
                     or alternateTargetGroupArn: {green}"
                )));
            }
            for group in [green, blue] {
                let on = on_production.iter().chain(&on_test);
                if !on.clone().any(|(arn, _)| arn == group) {
                    return Err(Halt::Networking(format!(
                        "Target group {group} is not associated with either productionListenerRule \
                         or testListenerRule."
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Refuses load balancers that a strategy can't do with.
pub(crate) fn check(balancers: &[ServiceLoadBalancer], shifts: bool) -> Result<(), AwsError> {
    let advanced: Vec<_> = balancers
        .iter()
        .filter_map(|b| b.advanced.as_ref())
        .collect();
    if shifts && advanced.len() < balancers.len() {
        return Err(invalid(
            "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING \
             deployment strategy",
        ));
    }
    if !advanced.is_empty() && advanced.len() < balancers.len() {
        return Err(invalid(
            "Either all or none of the provided loadBalancers must have advancedConfiguration defined",
        ));
    }
    let groups = balancers.iter().map(|b| &b.target_group_arn);
    let groups = groups.chain(advanced.iter().map(|a| &a.alternate_target_group_arn));
    let groups: Vec<&String> = groups.collect();
    for (index, group) in groups.iter().enumerate() {
        if groups[..index].contains(group) {
            return Err(invalid(format!("Duplicate targetGroupArn found: {group}")));
        }
    }
    for advanced in advanced {
        let rules = [
            (
                "productionListenerRule",
                Some(&advanced.production_listener_rule),
            ),
            ("testListenerRule", advanced.test_listener_rule.as_ref()),
        ];
        for (name, rule) in rules {
            if let Some(rule) = rule.filter(|rule| !rule.contains(":listener-rule/")) {
                return Err(invalid(format!(
                    "{name} has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for \
                     NLB. Got: {rule}"
                )));
            }
        }
        if advanced.test_listener_rule.as_ref() == Some(&advanced.production_listener_rule) {
            return Err(invalid(format!(
                "The following rules cannot be used as both production and test listener rules: {}",
                advanced.production_listener_rule
            )));
        }
    }
    Ok(())
}
