//! By which rule a listener leads requests to the release. Pure.
//!
//! CodeDeploy shifts the default action of a listener and its rules alike: each that forwards to a target group of the pair. Many
//! listeners lead to the release by a rule alone, and their default action is a redirect or a fixed response.

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, DeploymentTarget, TargetGroupPairInfo};
use common::load_balancing::{Action, Listener, Rule};
use gate::{ListenerRule, RuleConditions};

use crate::cloud::NamedGroups;
use crate::ecs::rule_demands::{self, Demands};

/// Of the rules that lead to the release besides the one that is used.
const MAX_OTHER_RULES: usize = 50;

/// The target groups of a deployment group, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PairedGroups {
    /// Those that have only tasks of the release, as far as that is known.
    release: Vec<String>,
    /// Both.
    pair: Vec<String>,
}

impl PairedGroups {
    /// Of a deployment under way. Where CodeDeploy does not say which group has the new tasks, both may: it shifts whatever forwards to
    /// one of them.
    pub(super) fn of_release(group: &DeploymentGroupInfo, targets: &[DeploymentTarget]) -> Self {
        let pair = Self::of_pair(group);
        match NamedGroups::of_targets(targets).new {
            Ok(new) => Self {
                release: vec![name(&new)],
                ..pair
            },
            Err(_) => pair,
        }
    }

    /// Of a listener whose traffic has still to shift.
    pub(super) fn of_pair(group: &DeploymentGroupInfo) -> Self {
        let pair = group.load_balancer_info();
        let pair = pair.and_then(|info| info.target_group_pair_info_list().first());
        let groups = pair
            .map(TargetGroupPairInfo::target_groups)
            .unwrap_or_default()
            .iter();
        let pair: Vec<String> = groups.filter_map(|group| group.name().map(name)).collect();
        Self {
            release: pair.clone(),
            pair,
        }
    }

    fn is_release(&self, group: &str) -> bool {
        self.release.iter().any(|one| one == group)
    }

    /// Whether these actions hand requests to the release, and to nothing else.
    fn is_led_to(&self, actions: &[Action]) -> bool {
        let mut groups = actions.iter().flat_map(forwards_to).peekable();
        groups.peek().is_some() && groups.all(|group| self.is_release(&group))
    }

    /// Why nothing of the listener leads to the release alone.
    fn why_not(&self, actions: &[&[Action]]) -> String {
        let new = self.release.join(" or ");
        let of =
            |actions: &&[Action]| -> Vec<String> { actions.iter().flat_map(forwards_to).collect() };
        let each: Vec<Vec<String>> = actions.iter().map(of).collect();
        let mixed = each
            .iter()
            .find(|groups| groups.iter().any(|group| self.is_release(group)));
        let other = mixed.and_then(|groups| groups.iter().find(|group| !self.is_release(group)));
        if let Some(other) = other {
            let whose = if self.pair.contains(other) {
                "an earlier release's"
            } else {
                "something else's"
            };
            return format!(
                "it forwards to {other} as well as to {new}, so an answer may be {whose}"
            );
        }
        let earlier = each
            .iter()
            .flatten()
            .find(|group| self.pair.contains(group));
        match earlier {
            Some(earlier) => {
                format!("it forwards to {earlier}, and the release's tasks are in {new}")
            }
            None => format!("it does not forward to {new}, where the release's tasks are"),
        }
    }
}

/// How a listener leads to the release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReleaseRoute {
    /// What a request needs.
    pub(super) demands: Demands,
    /// The ARN of the rule; none where the listener has no rules.
    pub(super) rule: Option<String>,
}

/// Finds the rule: the default one, as it takes whatever no other does; else one that takes all paths; else the first one. An error
/// continues "the listener …".
pub(super) fn route(
    listener: &Listener,
    rules: &[Rule],
    groups: &PairedGroups,
) -> Result<ReleaseRoute, String> {
    let is_default = |rule: &&Rule| rule.is_default;
    let (mut own, elsewhere): (Vec<&Rule>, Vec<&Rule>) = rules
        .iter()
        .filter(|rule| !is_default(rule))
        .partition(|rule| groups.is_led_to(&rule.actions));
    let elsewhere: Vec<Rule> = elsewhere.into_iter().cloned().collect();
    let default = rules.iter().find(is_default);
    if groups.is_led_to(&listener.default_actions) {
        let earlier: Vec<_> = elsewhere.iter().map(rule_demands::earlier_rule).collect();
        // The default rule takes the rest as well, unless something else is asked before.
        if earlier.is_empty() {
            own.clear();
        }
        let demands = Demands {
            rule: ListenerRule {
                conditions: RuleConditions::default(),
                earlier,
                others: others(own, &elsewhere),
            },
            ..Demands::default()
        };
        if let Some(why) = may_never_reach(&demands) {
            return Err(format!(
                "leads to the release by its default rule, which {why}"
            ));
        }
        return Ok(ReleaseRoute {
            demands,
            rule: default.and_then(|rule| rule.rule_arn.clone()),
        });
    }
    own.sort_by_key(|rule| {
        let is_shadowed = rule_demands::taken_before(rule, &elsewhere).is_some();
        // A name with wildcards is none that the gate could send.
        (
            is_shadowed,
            has_unknown_host(rule),
            has_paths(rule),
            rule_demands::priority(rule),
        )
    });
    let mut unmet = None;
    for (index, rule) in own.iter().enumerate() {
        let arn = rule.rule_arn.clone();
        let demanded = rule_demands::demands(rule, &elsewhere);
        let reached = demanded.and_then(|demands| match may_never_reach(&demands) {
            Some(why) => Err(why),
            None => Ok(demands),
        });
        match reached {
            Ok(mut demands) => {
                own.remove(index);
                demands.rule.others = others(own, &elsewhere);
                return Ok(ReleaseRoute { demands, rule: arn });
            }
            Err(why) => {
                let arn = arn.unwrap_or_default();
                unmet.get_or_insert(format!(
                    "leads to the release by the rule {arn}, which {why}"
                ));
            }
        }
    }
    Err(unmet.unwrap_or_else(|| {
        let actions: Vec<&[Action]> = std::iter::once(listener.default_actions.as_slice())
            .chain(elsewhere.iter().map(|rule| rule.actions.as_slice()))
            .collect();
        format!(
            "does not lead to the release alone: {}",
            groups.why_not(&actions)
        )
    }))
}

/// Why it can't be known that any request reaches the rule, if so.
fn may_never_reach(demands: &Demands) -> Option<String> {
    let mut earlier = demands.rule.earlier.iter();
    let first = earlier.find(|rule| rule.conditions == RuleConditions::default())?;
    Some(format!(
        "comes after the rule of priority {}, which may take every request: nobody knows whether those of a gate meet it \
         (source-ip, or a condition that can't be read); give them a rule before it",
        first.priority
    ))
}

fn has_unknown_host(rule: &Rule) -> bool {
    let of_host = rule
        .conditions
        .iter()
        .filter(|condition| condition.field.as_deref() == Some("host-header"));
    let hosts: Vec<&String> = of_host
        .flat_map(|condition| {
            let configured = condition.host_header_config.iter();
            configured
                .flat_map(|configured| &configured.values)
                .chain(&condition.values)
        })
        .collect();
    !hosts.is_empty() && hosts.iter().all(|host| host.contains(['*', '?']))
}

fn has_paths(rule: &Rule) -> bool {
    let mut conditions = rule.conditions.iter();
    conditions.any(|condition| condition.field.as_deref() == Some("path-pattern"))
}

/// What else is led to the release. What can't be promised to meet a rule is left out.
fn others(rules: Vec<&Rule>, elsewhere: &[Rule]) -> Vec<ListenerRule> {
    let rules = rules.into_iter();
    let demanded = rules.filter_map(|rule| rule_demands::demands(rule, elsewhere).ok());
    demanded
        .map(|demands| demands.rule)
        .take(MAX_OTHER_RULES)
        .collect()
}

/// The names of the target groups that an action hands requests to.
fn forwards_to(action: &Action) -> Vec<String> {
    let weighted = action.weighted();
    if weighted.is_empty() {
        let group = action.target_group_arn.iter();
        return group.map(|arn| name(arn)).collect();
    }
    weighted
        .iter()
        .filter(|group| group.weight != Some(0))
        .filter_map(|group| group.target_group_arn.as_deref())
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
    use aws_sdk_codedeploy::types::{LoadBalancerInfo, TargetGroupInfo};
    use common::load_balancing::{ForwardConfig, RuleCondition, WeightedGroup};

    fn forward(groups: &[(&str, i32)]) -> Action {
        let weighted = |(group, weight): &(&str, i32)| WeightedGroup {
            target_group_arn: Some(format!(
                "arn:aws:elasticloadbalancing:x:1:targetgroup/{group}/7"
            )),
            weight: Some(*weight),
        };
        let target_groups = groups.iter().map(weighted).collect();
        Action {
            forward_config: Some(ForwardConfig { target_groups }),
            ..Action::default()
        }
    }

    fn listener(default: &[(&str, i32)]) -> Listener {
        Listener {
            default_actions: vec![forward(default)],
            ..Listener::default()
        }
    }

    fn on(field: &str, value: &str) -> RuleCondition {
        RuleCondition {
            field: Some(field.to_owned()),
            values: vec![value.to_owned()],
            ..RuleCondition::default()
        }
    }

    fn rule(priority: &str, condition: RuleCondition, groups: &[(&str, i32)]) -> Rule {
        Rule {
            rule_arn: Some(format!("arn:rule-{priority}")),
            priority: Some(priority.to_owned()),
            conditions: vec![condition],
            actions: vec![forward(groups)],
            is_default: false,
        }
    }

    fn default_rule(arn: Option<&str>) -> Rule {
        Rule {
            rule_arn: arn.map(str::to_owned),
            is_default: true,
            ..Rule::default()
        }
    }

    fn groups() -> PairedGroups {
        PairedGroups {
            release: vec!["green".to_owned()],
            pair: vec!["blue".to_owned(), "green".to_owned()],
        }
    }

    fn refused(default: &[(&str, i32)], rules: &[Rule]) -> String {
        route(&listener(default), rules, &groups()).unwrap_err()
    }

    #[test]
    fn a_listener_leads_to_the_release_or_says_where_else() {
        let to = |groups: &[(&str, i32)]| rule("1", on("path-pattern", "/x"), groups);
        for (default, rules) in [
            (vec![("green", 100), ("blue", 0)], vec![]),
            (vec![("green", 1)], vec![to(&[("other-service", 1)])]),
            (vec![], vec![to(&[("green", 100), ("blue", 0)])]),
            (vec![("blue", 1)], vec![to(&[("green", 1)])]),
        ] {
            assert!(
                route(&listener(&default), &rules, &groups()).is_ok(),
                "{default:?}"
            );
        }
        insta::assert_snapshot!(refused(&[("green", 90), ("blue", 10)], &[]), @"does not lead to the release alone: it forwards to blue as well as to green, so an answer may be an earlier release's");
        insta::assert_snapshot!(refused(&[], &[to(&[("green", 90), ("lab", 10)])]), @"does not lead to the release alone: it forwards to lab as well as to green, so an answer may be something else's");
        insta::assert_snapshot!(refused(&[("green", 0), ("blue", 1)], &[]), @"does not lead to the release alone: it forwards to blue, and the release's tasks are in green");
        insta::assert_snapshot!(refused(&[], &[to(&[("other-service", 1)])]), @"does not lead to the release alone: it does not forward to green, where the release's tasks are");
        insta::assert_snapshot!(refused(&[], &[rule("4", on("source-ip", "10.0.0.0/8"), &[("green", 1)])]), @r#"leads to the release by the rule arn:rule-4, which has a condition on "source-ip", which a gate can't promise to meet: another rule may answer it; give the service a rule with conditions on host-header, path-pattern or http-header"#);
    }

    #[test]
    fn where_the_default_action_leads_elsewhere_a_rule_is_used_that_takes_all_paths_if_there_is_one()
     {
        let fixed = Listener::default();
        let api = rule("1", on("path-pattern", "/api/*"), &[("green", 1)]);
        let host = rule("2", on("host-header", "shop.example.com"), &[("green", 1)]);
        let taken = rule("3", on("path-pattern", "/legacy/*"), &[("legacy", 1)]);
        let late = rule("9", on("host-header", "late.example.com"), &[("green", 1)]);
        let by = |rules: &[Rule]| route(&fixed, rules, &groups()).unwrap();
        let found = by(&[api.clone(), host.clone(), taken.clone(), late.clone()]);
        assert_eq!(found.rule.as_deref(), Some("arn:rule-2"));
        assert_eq!(found.demands.host.as_deref(), Some("shop.example.com"));
        assert_eq!(
            found.demands.rule.earlier,
            [],
            "the legacy rule comes later"
        );
        assert_eq!(found.demands.rule.others.len(), 2);
        let late = by(&[taken.clone(), late]);
        assert_eq!(late.demands.rule.earlier[0].priority, 3);
        let shadowed = rule("5", on("path-pattern", "/legacy/a/*"), &[("green", 1)]);
        let found = by(&[
            taken,
            shadowed,
            rule("6", on("path-pattern", "/b"), &[("green", 1)]),
        ]);
        assert_eq!(found.rule.as_deref(), Some("arn:rule-6"));
        assert_eq!(by(&[api]).demands.host, None);
    }

    #[test]
    fn a_rule_that_may_take_everything_first_is_named_before_traffic() {
        let deny = rule("1", on("source-ip", "203.0.113.0/24"), &[("denied", 1)]);
        let default = default_rule(None);
        insta::assert_snapshot!(refused(&[("green", 1)], &[deny.clone(), default]), @"leads to the release by its default rule, which comes after the rule of priority 1, which may take every request: nobody knows whether those of a gate meet it (source-ip, or a condition that can't be read); give them a rule before it");
        let fixed = Listener::default();
        let first = rule("2", on("path-pattern", "/x"), &[("green", 1)]);
        let why = route(&fixed, &[deny, first], &groups()).unwrap_err();
        assert!(
            why.contains("by the rule arn:rule-2, which comes after the rule of priority 1"),
            "{why}"
        );
    }

    #[test]
    fn a_name_that_can_be_sent_is_preferred_to_one_with_wildcards() {
        let fixed = Listener::default();
        let wild = rule("5", on("host-header", "*.example.com"), &[("green", 1)]);
        let named = rule("6", on("host-header", "shop.example.com"), &[("green", 1)]);
        let found = route(&fixed, &[wild, named], &groups()).unwrap();
        assert_eq!(found.rule.as_deref(), Some("arn:rule-6"));
    }

    #[test]
    fn what_a_rule_leads_elsewhere_is_not_of_the_release() {
        let path = |path| on("path-pattern", path);
        let fixed = Rule {
            priority: Some("2".to_owned()),
            conditions: vec![path("/health")],
            ..Rule::default()
        };
        let default = default_rule(Some("arn:default"));
        let rules = [
            rule("1", path("/api/*"), &[("green", 1)]),
            fixed,
            rule("3", path("/legacy/*"), &[("legacy", 1)]),
            default,
        ];
        let found = route(&listener(&[("green", 1)]), &rules, &groups()).unwrap();
        let of_default = found.demands.rule;
        let priorities: Vec<u32> = of_default
            .earlier
            .iter()
            .map(|rule| rule.priority)
            .collect();
        assert_eq!(priorities, [2, 3]);
        assert_eq!(
            of_default.others[0].earlier,
            [],
            "nothing is asked before it"
        );
        assert_eq!(found.rule.as_deref(), Some("arn:default"));
    }

    #[test]
    fn where_nobody_names_the_releases_tasks_the_rules_of_the_pair_lead_to_it() {
        let info = |name: &str| TargetGroupInfo::builder().name(name).build();
        let pair = TargetGroupPairInfo::builder()
            .target_groups(info("blue"))
            .target_groups(info("green"))
            .build();
        let balancing = LoadBalancerInfo::builder()
            .target_group_pair_info_list(pair)
            .build();
        let group = DeploymentGroupInfo::builder()
            .load_balancer_info(balancing)
            .build();
        let groups = PairedGroups::of_release(&group, &[]);
        assert_eq!(groups.release, ["blue", "green"]);
        let rules = [rule(
            "1",
            on("host-header", "a"),
            &[("green", 100), ("blue", 0)],
        )];
        let found = route(&Listener::default(), &rules, &groups).unwrap();
        assert_eq!(found.demands.host.as_deref(), Some("a"));
        let wrong = route(&listener(&[("lab", 1)]), &[], &groups).unwrap_err();
        insta::assert_snapshot!(wrong, @"does not lead to the release alone: it does not forward to blue or green, where the release's tasks are");
    }
}
