//! What a listener rule demands of a request that is to meet it: a host, headers, a path. Pure.
//!
//! ECS shifts traffic by listener *rules*. A request that does not meet the rule reaches whatever else the listener
//! serves, which would be measured in place of the release.

use aws_sdk_elasticloadbalancingv2::types::{Rule, RuleCondition};
use gate::ListenerRule;

/// What a request needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    /// From `host-header`: the first name that a wildcard does not leave open.
    pub(crate) host: Option<String>,
    /// From `http-header`.
    pub(crate) headers: Vec<(String, String)>,
    /// What hosts and paths the rule takes: the gate refuses checks that don't meet it.
    pub(crate) rule: ListenerRule,
}

/// What `rule` demands. An error says which condition nobody can promise to meet.
pub(crate) fn demands(rule: &Rule) -> Result<Demands, String> {
    let mut demands = Demands::default();
    for condition in rule.conditions() {
        match condition.field().unwrap_or_default() {
            "host-header" => {
                let configured = condition.host_header_config();
                let values = configured.map_or(condition.values(), |config| config.values());
                let is_open = |name: &&String| name.contains(['*', '?']);
                let named = values.iter().find(|name| !is_open(name));
                demands.host = named.map(|name| name.to_ascii_lowercase());
                let patterns = values.iter().map(|name| name.to_ascii_lowercase());
                demands.rule.hosts = patterns.collect();
            }
            "http-header" => of_header(condition, &mut demands)?,
            "path-pattern" => {
                let configured = condition.path_pattern_config();
                let values = configured.map_or(condition.values(), |config| config.values());
                demands.rule.paths = values.to_vec();
            }
            other => {
                return Err(format!(
                    "has a condition on {other:?}, which a gate can't promise to meet: another rule may answer it; give the \
                     service a rule with conditions on host-header, path-pattern or http-header"
                ));
            }
        }
    }
    Ok(demands)
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
        assert_eq!(met.rule.hosts, ["*.example.com", "shop.example.com"]);
        assert_eq!(of(vec![path("/api/*")]).unwrap().rule.paths, ["/api/*"]);
        assert_eq!(of(vec![host(&["*.example.com"])]).unwrap().host, None);
    }

    #[test]
    fn a_condition_that_nobody_can_promise_to_meet_is_refused() {
        for field in ["source-ip", "query-string", "http-request-method"] {
            assert!(
                of(vec![condition(field).build()])
                    .unwrap_err()
                    .contains(field)
            );
        }
        insta::assert_snapshot!(of(vec![condition("moon-phase").build()]).unwrap_err(), @r#"has a condition on "moon-phase", which a gate can't promise to meet: another rule may answer it; give the service a rule with conditions on host-header, path-pattern or http-header"#);
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
