//! `wiring:` of a check.

use strict_yaml::{Node, Object, Value, items, scalar};
use wiring::{FirstDeployment, Options, Rule};

use super::context::Context;
use super::keys;
use super::targets::choice;
use crate::probe::wiring::Wiring;

/// `all`, or a mapping.
pub(super) fn wiring(node: &Node, context: &Context) -> Option<Wiring> {
    let problems = &context.problems;
    if let Value::Text(_) = &node.value {
        let all = Wiring {
            options: Options::default(),
        };
        return choice(node, "wiring", &[("all", all)], context);
    }
    let object = Object::read(node, &keys::WIRING, problems)?;
    let allow_downgrade = object
        .get("allow_downgrade")
        .and_then(|node| scalar::boolean(node, "allow_downgrade", problems));
    let policies = [
        ("allow", FirstDeployment::Allow),
        ("fail", FirstDeployment::Fail),
    ];
    let first_deployment = object
        .get("first_deployment")
        .and_then(|node| scalar::choice(node, "first_deployment", &policies, problems));
    let rules: Vec<(&str, Rule)> = Rule::ALL.iter().map(|rule| (rule.name(), *rule)).collect();
    let except = object
        .get("except")
        .and_then(|node| items(node, "except", problems))
        .unwrap_or_default();
    let except = except
        .iter()
        .filter_map(|node| scalar::choice(node, "except", &rules, problems))
        .collect();
    Some(Wiring {
        options: Options {
            allow_downgrade: allow_downgrade.unwrap_or_default(),
            first_deployment: first_deployment.unwrap_or_default(),
            except,
        },
    })
}
