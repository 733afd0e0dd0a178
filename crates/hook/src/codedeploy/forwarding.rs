//! Whether a listener leads to the release alone. Pure.

use aws_sdk_elasticloadbalancingv2::types::{Action, Listener, Rule};

use gate::{ListenerRule, RuleConditions};

use crate::cloud::NamedGroups;
use crate::ecs::rule_demands;

/// Why the answers at the listener may be somebody else's; none where it hands requests to the tasks of the release, and
/// nowhere else in the deployment group.
pub(super) fn leads_elsewhere(
    listener: &Listener,
    rules: &[Rule],
    named: &NamedGroups,
    pair: &[String],
) -> Option<String> {
    let new = match &named.new {
        Ok(new) => name(new),
        Err(why) => return Some(format!("nobody knows which tasks are the release's: {why}")),
    };
    let default: Vec<String> = listener
        .default_actions()
        .iter()
        .flat_map(forwards_to)
        .collect();
    let by_rules = rules.iter().flat_map(Rule::actions).flat_map(forwards_to);
    let mut forwards: Vec<String> = default.iter().cloned().chain(by_rules).collect();
    forwards.sort();
    forwards.dedup();
    let (release, others): (Vec<&String>, Vec<&String>) =
        forwards.iter().partition(|group| **group == new);
    // Rules for other services don't concern the deployment.
    let earlier = others.iter().find(|group| pair.contains(**group));
    match (release.is_empty(), earlier) {
        (false, None) if default.contains(&new) => None,
        (false, None) => Some(format!(
            "only some of its rules forward to {new}, and its default action answers whatever they don't take"
        )),
        (false, Some(earlier)) => Some(format!(
            "it forwards to {earlier} as well as to {new}, so an answer may be an earlier release's"
        )),
        (true, Some(earlier)) => Some(format!(
            "it forwards to {earlier}, and the release's tasks are in {new}"
        )),
        (true, None) => Some(format!(
            "it does not forward to {new}, where the release's tasks are"
        )),
    }
}

/// What the default action of a listener that leads to the release takes: whatever no other rule leads elsewhere.
pub(super) fn rule_of_default(rules: &[Rule], named: &NamedGroups) -> ListenerRule {
    let new = named.new.as_ref().map(|new| name(new));
    let leads_elsewhere = |rule: &&Rule| {
        let mut groups = rule.actions().iter().flat_map(forwards_to).peekable();
        let has_groups = groups.peek().is_some();
        !has_groups || !groups.all(|group| new.as_ref() == Ok(&group))
    };
    ListenerRule {
        conditions: RuleConditions::default(),
        earlier: rules
            .iter()
            .filter(|rule| rule.is_default() != Some(true))
            .filter(leads_elsewhere)
            .map(rule_demands::earlier_rule)
            .collect(),
    }
}

/// The names of the target groups that an action hands requests to.
fn forwards_to(action: &Action) -> Vec<String> {
    let weighted = action
        .forward_config()
        .map(aws_sdk_elasticloadbalancingv2::types::ForwardActionConfig::target_groups)
        .unwrap_or_default();
    if weighted.is_empty() {
        return action.target_group_arn().map(name).into_iter().collect();
    }
    weighted
        .iter()
        .filter(|group| group.weight() != Some(0))
        .filter_map(|group| group.target_group_arn())
        .map(name)
        .collect()
}

/// `green` of `arn:…:targetgroup/green/73e2`, or of itself.
fn name(group: &str) -> String {
    let of_arn = group.split_once(":targetgroup/");
    let name = of_arn.and_then(|(_, rest)| rest.split('/').next());
    name.unwrap_or(group).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_elasticloadbalancingv2::types::{
        ForwardActionConfig, RuleCondition, TargetGroupTuple,
    };

    fn forward(groups: &[(&str, i32)]) -> Action {
        let tuple = |(group, weight): &(&str, i32)| {
            TargetGroupTuple::builder()
                .target_group_arn(format!(
                    "arn:aws:elasticloadbalancing:x:1:targetgroup/{group}/7"
                ))
                .weight(*weight)
                .build()
        };
        let config = ForwardActionConfig::builder()
            .set_target_groups(Some(groups.iter().map(tuple).collect()))
            .build();
        Action::builder().forward_config(config).build()
    }

    fn judged(default: &[(&str, i32)], rule: &[(&str, i32)]) -> Option<String> {
        let listener = Listener::builder()
            .default_actions(forward(default))
            .build();
        let rules = [Rule::builder().actions(forward(rule)).build()];
        let named = NamedGroups {
            new: Ok("green".to_owned()),
            old: Ok("blue".to_owned()),
            desired: Ok(1),
        };
        leads_elsewhere(
            &listener,
            &rules,
            &named,
            &["blue".to_owned(), "green".to_owned()],
        )
    }

    #[test]
    fn a_listener_leads_to_the_release_alone_or_says_where_else() {
        assert_eq!(judged(&[("green", 100), ("blue", 0)], &[]), None);
        assert_eq!(judged(&[("green", 1)], &[("other-service", 1)]), None);
        insta::assert_snapshot!(judged(&[("green", 90), ("blue", 10)], &[]).unwrap(), @"it forwards to blue as well as to green, so an answer may be an earlier release's");
        insta::assert_snapshot!(judged(&[("green", 1)], &[("blue", 1)]).unwrap(), @"it forwards to blue as well as to green, so an answer may be an earlier release's");
        insta::assert_snapshot!(judged(&[("green", 0), ("blue", 1)], &[]).unwrap(), @"it forwards to blue, and the release's tasks are in green");
        insta::assert_snapshot!(judged(&[], &[("green", 1)]).unwrap(), @"only some of its rules forward to green, and its default action answers whatever they don't take");
        insta::assert_snapshot!(judged(&[], &[("other-service", 1)]).unwrap(), @"it does not forward to green, where the release's tasks are");
    }

    #[test]
    fn what_a_rule_leads_elsewhere_is_not_of_the_release() {
        let path = |path: &str| {
            RuleCondition::builder()
                .field("path-pattern")
                .values(path)
                .build()
        };
        let rule = |priority: &str, pattern: &str, groups: &[(&str, i32)]| {
            let rule = Rule::builder().priority(priority).conditions(path(pattern));
            rule.actions(forward(groups)).build()
        };
        let fixed = Rule::builder()
            .priority("2")
            .conditions(path("/health"))
            .build();
        let default = Rule::builder().is_default(true).build();
        let rules = [
            rule("1", "/api/*", &[("green", 1)]),
            fixed,
            rule("3", "/legacy/*", &[("legacy", 1)]),
            default,
        ];
        let named = NamedGroups {
            new: Ok("green".to_owned()),
            old: Ok("blue".to_owned()),
            desired: Ok(1),
        };
        let earlier = rule_of_default(&rules, &named).earlier;
        let priorities: Vec<u32> = earlier.iter().map(|rule| rule.priority).collect();
        assert_eq!(priorities, [2, 3]);
    }

    #[test]
    fn a_release_whose_tasks_nobody_names_is_not_found() {
        let named = NamedGroups {
            new: Err("CodeDeploy names no task set Green".to_owned()),
            old: Ok("blue".to_owned()),
            desired: Ok(1),
        };
        let listener = Listener::builder()
            .default_actions(forward(&[("green", 1)]))
            .build();
        assert!(leads_elsewhere(&listener, &[], &named, &[]).is_some());
    }
}
