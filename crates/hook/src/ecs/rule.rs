//! What a listener rule demands of a request that is to meet it: a host, headers, a path. Pure.
//!
//! ECS shifts traffic by listener *rules*. A request that does not meet the rule reaches whatever else the listener
//! serves, which would be measured in place of the release.

use aws_sdk_elasticloadbalancingv2::types::{Rule, RuleCondition};

/// What a request needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    /// From `host-header`: the first name that a wildcard does not leave open.
    pub(crate) host: Option<String>,
    /// From `http-header`.
    pub(crate) headers: Vec<(String, String)>,
    /// What can't be met for the suite, as sentences that say what the suite must do.
    pub(crate) open: Vec<String>,
}

/// What `rule` demands. An error says which condition no check can meet.
pub(crate) fn demands(rule: &Rule) -> Result<Demands, String> {
    let mut demands = Demands::default();
    for condition in rule.conditions() {
        match condition.field().unwrap_or_default() {
            "host-header" => of_host(condition, &mut demands),
            "http-header" => of_header(condition, &mut demands)?,
            "path-pattern" => of_path(condition, &mut demands),
            "http-request-method" | "query-string" => demands.open.push(format!(
                "the rule has a condition on {}; write requests that meet it",
                condition.field().unwrap_or_default()
            )),
            "source-ip" => demands.open.push(
                "the rule has a condition on source-ip; the function's own address must meet it"
                    .to_owned(),
            ),
            other => {
                return Err(format!(
                    "has a condition on {other:?}, which no check can meet"
                ));
            }
        }
    }
    Ok(demands)
}

fn of_host(condition: &RuleCondition, demands: &mut Demands) {
    let configured = condition.host_header_config();
    let values = configured.map_or(condition.values(), |config| config.values());
    let is_open = |name: &&String| name.contains(['*', '?']);
    match values.iter().find(|name| !is_open(name)) {
        Some(name) => demands.host = Some(name.to_ascii_lowercase()),
        None => demands.open.push(format!(
            "the rule takes hosts such as {}; write one that meets it as `host` of the suite",
            values.join(", ")
        )),
    }
}

fn of_header(condition: &RuleCondition, demands: &mut Demands) -> Result<(), String> {
    let Some(config) = condition.http_header_config() else {
        return Err("has a condition on a header, and does not say which".to_owned());
    };
    let name = config.http_header_name().unwrap_or_default();
    // `*` stands for anything, nothing included; `?` for one character.
    let value = config
        .values()
        .first()
        .map(|value| value.replace('*', "").replace('?', "x"));
    demands
        .headers
        .push((name.to_ascii_lowercase(), value.unwrap_or_default()));
    Ok(())
}

fn of_path(condition: &RuleCondition, demands: &mut Demands) {
    let configured = condition.path_pattern_config();
    let values = configured.map_or(condition.values(), |config| config.values());
    if values
        .iter()
        .any(|pattern| pattern == "*" || pattern == "/*")
    {
        return;
    }
    demands.open.push(format!(
        "the rule takes paths such as {}; a check with another path reaches another target",
        values.join(", ")
    ));
}

/// The listener of a rule: `…:listener-rule/app/name/lb/listener/rule`. A Network Load Balancer has no rules; there the
/// service names the listener itself.
pub(crate) fn listener_of(rule: &str) -> Option<String> {
    if rule.contains(":listener/") {
        return Some(rule.to_owned());
    }
    let (head, tail) = rule.split_once(":listener-rule/")?;
    let (listener, _rule) = tail.rsplit_once('/')?;
    Some(format!("{head}:listener/{listener}"))
}

/// Whether this names a rule, and not the listener itself.
pub(crate) fn is_rule(arn: &str) -> bool {
    arn.contains(":listener-rule/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_elasticloadbalancingv2::types::{
        HostHeaderConditionConfig, HttpHeaderConditionConfig, PathPatternConditionConfig,
    };

    fn condition(
        field: &str,
    ) -> aws_sdk_elasticloadbalancingv2::types::builders::RuleConditionBuilder {
        RuleCondition::builder().field(field)
    }

    fn host(names: &[&str]) -> RuleCondition {
        let values = names.iter().map(ToString::to_string).collect();
        let config = HostHeaderConditionConfig::builder()
            .set_values(Some(values))
            .build();
        condition("host-header").host_header_config(config).build()
    }

    fn header(name: &str, value: &str) -> RuleCondition {
        let config = HttpHeaderConditionConfig::builder()
            .http_header_name(name)
            .values(value)
            .build();
        condition("http-header").http_header_config(config).build()
    }

    fn path(pattern: &str) -> RuleCondition {
        let config = PathPatternConditionConfig::builder()
            .values(pattern)
            .build();
        condition("path-pattern")
            .path_pattern_config(config)
            .build()
    }

    fn of(conditions: Vec<RuleCondition>) -> Result<Demands, String> {
        demands(&Rule::builder().set_conditions(Some(conditions)).build())
    }

    #[test]
    fn a_request_meets_the_host_and_the_headers_of_the_rule() {
        let met = of(vec![
            host(&["*.example.com", "Shop.example.com"]),
            header("X-Test", "*green?*"),
        ]);
        let met = met.unwrap();
        assert_eq!(met.host.as_deref(), Some("shop.example.com"));
        assert_eq!(met.headers, [("x-test".to_owned(), "greenx".to_owned())]);
        assert!(met.open.is_empty());
        assert_eq!(of(vec![path("/*")]).unwrap(), Demands::default());
    }

    #[test]
    fn what_the_suite_must_meet_itself_is_said() {
        let open = |condition| of(vec![condition]).unwrap().open.join("\n");
        insta::assert_snapshot!(open(host(&["*.example.com"])), @"the rule takes hosts such as *.example.com; write one that meets it as `host` of the suite");
        insta::assert_snapshot!(open(path("/api/*")), @"the rule takes paths such as /api/*; a check with another path reaches another target");
        insta::assert_snapshot!(open(condition("source-ip").build()), @"the rule has a condition on source-ip; the function's own address must meet it");
        insta::assert_snapshot!(of(vec![condition("moon-phase").build()]).unwrap_err(), @r#"has a condition on "moon-phase", which no check can meet"#);
    }

    #[test]
    fn a_rule_names_its_listener() {
        let rule =
            "arn:aws:elasticloadbalancing:eu-central-1:1:listener-rule/app/lb/50dc/f2f7/9683";
        let listener = "arn:aws:elasticloadbalancing:eu-central-1:1:listener/app/lb/50dc/f2f7";
        assert_eq!(listener_of(rule).as_deref(), Some(listener));
        let of_nlb = "arn:aws:elasticloadbalancing:eu-central-1:1:listener/net/lb/50dc/f2f7";
        assert_eq!(listener_of(of_nlb).as_deref(), Some(of_nlb));
        assert_eq!(listener_of("rule"), None);
        assert!(is_rule(rule) && !is_rule(of_nlb));
    }
}
