//! The table of `docs/wiring.md` says what the code does.

use crate::rule::{Platform, Rule};

const DOC: &str = include_str!("../../../docs/wiring.md");

#[test]
fn every_rule_stands_in_the_table_and_nothing_else_does() {
    let table: Vec<&str> = DOC.lines().filter(|line| line.starts_with("| `")).collect();
    let rules: Vec<String> = Rule::ALL
        .iter()
        .map(|rule| {
            let platforms: Vec<&str> = rule.platforms().iter().map(|it| it.as_str()).collect();
            let platforms = platforms.join(", ");
            format!("| `{}` | {platforms} | {} |", rule.name(), rule.holds())
        })
        .collect();
    assert_eq!(table, rules, "write these rows:\n{}", rules.join("\n"));
}

#[test]
fn every_name_leads_back_to_its_rule() {
    for rule in Rule::ALL {
        assert_eq!(Rule::of_name(rule.name()), Some(*rule));
        assert!(!rule.platforms().is_empty());
    }
    assert_eq!(Rule::of_name("moon-phase"), None);
    assert_eq!(Platform::Ecs.as_str(), "ECS itself");
}
