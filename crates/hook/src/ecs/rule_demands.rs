//! What a listener rule demands of a request that is to meet it, and which rules of the listener stand before it. Pure.
//!
//! ECS shifts traffic by listener *rules*. A request that does not meet the rule reaches whatever else the listener
//! serves, which would be measured in place of the release.

use common::load_balancing::{Rule, RuleCondition, Values};
use gate::{EarlierRule, HeaderCondition, ListenerRule, QueryPattern, RuleConditions, RulePattern};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What a request needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    /// From `host-header`: the first name that a wildcard does not leave open.
    pub(crate) host: Option<String>,
    /// From `http-header`.
    pub(crate) headers: HeaderMap,
    /// What the listener leads to the release: the gate sends nothing else to it.
    pub(crate) rule: ListenerRule,
}

/// What `rule` demands, among the `rules` of its listener. An error says which condition nobody can promise to meet.
pub(crate) fn demands(rule: &Rule, rules: &[Rule]) -> Result<Demands, String> {
    let mut conditions = RuleConditions::default();
    for condition in &rule.conditions {
        let field = condition.field.as_deref().unwrap_or_default();
        let known = ["host-header", "http-header", "path-pattern"];
        if !known.contains(&field) {
            return Err(format!(
                "has a condition on {field:?}, which a gate can't promise to meet: another rule may answer it; give the \
                 service a rule with conditions on host-header, path-pattern or http-header"
            ));
        }
        if !add(condition, &mut conditions) || has_expressions(&conditions) {
            return Err(format!(
                "has a condition on {field:?} by a regular expression or without a value, which a gate can't promise to meet; \
                 write its values with * and ?"
            ));
        }
    }
    let names = conditions.hosts.iter().filter_map(|host| match host {
        RulePattern::Wildcard(name) if !name.contains(['*', '?']) => Some(name),
        _ => None,
    });
    let mut headers = HeaderMap::new();
    for condition in &conditions.headers {
        headers.append(condition.name.clone(), value_for(condition)?);
    }
    Ok(Demands {
        host: names.map(|name| name.to_ascii_lowercase()).next(),
        headers,
        rule: ListenerRule {
            earlier: earlier(rule, rules),
            conditions,
            ..ListenerRule::default()
        },
    })
}

/// A value that meets the condition: `*` stands for anything, nothing included; `?` for one character.
fn value_for(condition: &HeaderCondition) -> Result<HeaderValue, String> {
    let pattern = condition.values.first().map(ToString::to_string);
    let value = pattern
        .unwrap_or_default()
        .replace('*', "")
        .replace('?', "x");
    HeaderValue::try_from(value).map_err(|_| {
        format!(
            "demands the header {} with a value that can't be sent; write its values in ASCII",
            condition.name
        )
    })
}

fn has_expressions(conditions: &RuleConditions) -> bool {
    let of_headers = conditions.headers.iter().flat_map(|header| &header.values);
    let mut all = conditions
        .hosts
        .iter()
        .chain(&conditions.paths)
        .chain(of_headers);
    all.any(|pattern| matches!(pattern, RulePattern::Regex(..)))
}

/// The rules that the listener asks first.
fn earlier(own: &Rule, rules: &[Rule]) -> Vec<EarlierRule> {
    let before = rules
        .iter()
        .filter(|rule| rule.rule_arn != own.rule_arn && priority(rule) < priority(own));
    before.map(earlier_rule).collect()
}

/// What a rule may take. A condition that can't be read may be met by any request, and so may one on the caller's address:
/// nobody knows by which address a gate comes.
pub(crate) fn earlier_rule(rule: &Rule) -> EarlierRule {
    let mut conditions = RuleConditions::default();
    for condition in &rule.conditions {
        add(condition, &mut conditions);
    }
    EarlierRule {
        priority: priority(rule),
        conditions,
    }
}

/// The priority of the first rule that takes whatever `own` takes, and is asked before it. Where a condition can't be read
/// there is none.
pub(crate) fn taken_before(own: &Rule, rules: &[Rule]) -> Option<u32> {
    let taken = conditions(own)?;
    let before = rules
        .iter()
        .filter(|rule| rule.rule_arn != own.rule_arn && priority(rule) < priority(own));
    let covering = before.filter(|rule| conditions(rule).is_some_and(|it| it.covers(&taken)));
    covering.map(priority).min()
}

/// What a rule takes, if all of it can be read.
fn conditions(rule: &Rule) -> Option<RuleConditions> {
    let mut conditions = RuleConditions::default();
    let mut all = rule.conditions.iter();
    all.all(|condition| add(condition, &mut conditions))
        .then_some(conditions)
}

/// The default rule comes last.
pub(crate) fn priority(rule: &Rule) -> u32 {
    let written = rule.priority.as_deref().unwrap_or_default();
    written.parse().unwrap_or(u32::MAX)
}

/// Adds a condition. Says whether it could be read.
fn add(condition: &RuleCondition, conditions: &mut RuleConditions) -> bool {
    match condition.field.as_deref().unwrap_or_default() {
        "host-header" => {
            conditions.hosts = configured(condition, condition.host_header_config.as_ref(), true);
            !conditions.hosts.is_empty()
        }
        "path-pattern" => {
            conditions.paths = configured(condition, condition.path_pattern_config.as_ref(), false);
            !conditions.paths.is_empty()
        }
        "http-header" => {
            let Some(config) = &condition.http_header_config else {
                return false;
            };
            let name = config.http_header_name.as_deref().unwrap_or_default();
            let values = patterns(&config.values, &config.regex_values, true);
            let Some(name) = HeaderName::try_from(name)
                .ok()
                .filter(|_| !values.is_empty())
            else {
                return false;
            };
            conditions.headers.push(HeaderCondition { name, values });
            true
        }
        "http-request-method" => {
            let configured = condition.http_request_method_config.as_ref();
            let methods = configured.map_or(&condition.values, |config| &config.values);
            conditions.methods.clone_from(methods);
            !conditions.methods.is_empty()
        }
        "query-string" => {
            let Some(config) = &condition.query_string_config else {
                return false;
            };
            let pairs = config.values.iter().map(|pair| QueryPattern {
                key: pair.key.clone(),
                value: pair.value.clone().unwrap_or_default(),
            });
            let pairs: Vec<QueryPattern> = pairs.collect();
            if pairs.is_empty() {
                return false;
            }
            conditions.queries.push(pairs);
            true
        }
        _ => false,
    }
}

/// The patterns of a configuration; without one, those of the condition itself.
fn configured(
    condition: &RuleCondition,
    config: Option<&Values>,
    ignores_case: bool,
) -> Vec<RulePattern> {
    let (values, regexes) = config.map_or((&condition.values, &condition.regex_values), |config| {
        (&config.values, &config.regex_values)
    });
    patterns(values, regexes, ignores_case)
}

fn patterns(values: &[String], regexes: &[String], ignores_case: bool) -> Vec<RulePattern> {
    let wildcards = values.iter().map(RulePattern::wildcard);
    let regexes = regexes.iter();
    let regexes = regexes.map(|written| RulePattern::regex(written, ignores_case));
    wildcards.chain(regexes).collect()
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
    use common::load_balancing::{HeaderValues, QueryValue, QueryValues};

    fn condition(field: &str) -> RuleCondition {
        RuleCondition {
            field: Some(field.to_owned()),
            ..RuleCondition::default()
        }
    }

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    fn values(values: &[&str], regexes: &[&str]) -> Values {
        Values {
            values: strings(values),
            regex_values: strings(regexes),
        }
    }

    fn host(names: &[&str]) -> RuleCondition {
        RuleCondition {
            host_header_config: Some(values(names, &[])),
            ..condition("host-header")
        }
    }

    fn header_of(name: &str, values: &[&str], regexes: &[&str]) -> RuleCondition {
        RuleCondition {
            http_header_config: Some(HeaderValues {
                http_header_name: Some(name.to_owned()),
                values: strings(values),
                regex_values: strings(regexes),
            }),
            ..condition("http-header")
        }
    }

    fn header(name: &str, value: &str) -> RuleCondition {
        header_of(name, &[value], &[])
    }

    fn path(pattern: &str) -> RuleCondition {
        RuleCondition {
            path_pattern_config: Some(values(&[pattern], &[])),
            ..condition("path-pattern")
        }
    }

    fn rule(priority: &str, conditions: Vec<RuleCondition>) -> Rule {
        Rule {
            rule_arn: Some(format!("arn:{priority}")),
            priority: Some(priority.to_owned()),
            conditions,
            ..Rule::default()
        }
    }

    fn of(conditions: Vec<RuleCondition>) -> Result<Demands, String> {
        demands(&rule("9", conditions), &[])
    }

    #[test]
    fn a_rule_that_takes_all_of_a_later_ones_requests_is_known_and_no_other() {
        let own = || {
            rule(
                "9",
                vec![
                    host(&["shop.example.com"]),
                    path("/api/*"),
                    header("x-test", "green"),
                ],
            )
        };
        let before =
            |earlier: Vec<RuleCondition>| taken_before(&own(), &[rule("3", earlier), own()]);
        assert_eq!(before(vec![host(&["*.Example.com"])]), Some(3));
        assert_eq!(before(vec![path("/*")]), Some(3));
        assert_eq!(before(vec![header("X-Test", "*")]), Some(3));
        assert_eq!(before(vec![path("/api/v1/*")]), None, "some of them");
        assert_eq!(before(vec![header("x-other", "*")]), None);
        let method = RuleCondition {
            http_request_method_config: Some(values(&["GET"], &[])),
            ..condition("http-request-method")
        };
        assert_eq!(before(vec![host(&["*"]), method]), None, "only reads");
        assert_eq!(
            before(vec![condition("source-ip")]),
            None,
            "nobody can be sure"
        );
        // The default rule comes last, whatever it takes.
        assert_eq!(
            taken_before(&own(), &[rule("default", Vec::new()), own()]),
            None
        );
        let first = rule("2", vec![host(&["*"])]);
        let second = rule("1", vec![path("/*")]);
        assert_eq!(taken_before(&own(), &[first, second, own()]), Some(1));
    }

    #[test]
    fn a_request_meets_the_host_and_the_headers_of_the_rule() {
        let met = of(vec![
            host(&["*.example.com", "Shop.example.com"]),
            header("X-Test", "*green?*"),
        ]);
        let met = met.unwrap();
        assert_eq!(met.host.as_deref(), Some("shop.example.com"));
        assert_eq!(met.headers["x-test"], "greenx");
        let taken = met.rule.conditions;
        assert_eq!(
            taken.hosts,
            RulePattern::wildcards(&["*.example.com", "Shop.example.com"])
        );
        assert_eq!(
            taken.headers[0].values,
            RulePattern::wildcards(&["*green?*"])
        );
        let of_path = of(vec![path("/api/*")]).unwrap().rule.conditions;
        assert_eq!(of_path.paths, RulePattern::wildcards(&["/api/*"]));
        assert_eq!(of(vec![host(&["*.example.com"])]).unwrap().host, None);
    }

    #[test]
    fn a_condition_that_nobody_can_promise_to_meet_is_refused() {
        for field in ["source-ip", "query-string", "http-request-method"] {
            assert!(of(vec![condition(field)]).unwrap_err().contains(field));
        }
        insta::assert_snapshot!(of(vec![condition("moon-phase")]).unwrap_err(), @r#"has a condition on "moon-phase", which a gate can't promise to meet: another rule may answer it; give the service a rule with conditions on host-header, path-pattern or http-header"#);
    }

    #[test]
    fn a_regular_expression_and_a_missing_value_are_refused() {
        for refused in [
            RuleCondition {
                host_header_config: Some(values(&[], &["^shop"])),
                ..condition("host-header")
            },
            RuleCondition {
                path_pattern_config: Some(values(&[], &["^/api"])),
                ..condition("path-pattern")
            },
            header_of("x-test", &[], &["green.*"]),
            header_of("x-test", &["green"], &["green.*"]),
            RuleCondition {
                regex_values: strings(&["^shop"]),
                ..condition("host-header")
            },
            condition("host-header"),
            condition("path-pattern"),
            condition("http-header"),
            header("not a name", "green"),
        ] {
            let why = of(vec![refused]).unwrap_err();
            assert!(
                why.contains("by a regular expression or without a value"),
                "{why}"
            );
        }
        insta::assert_snapshot!(of(vec![header("x-test", "grün\u{7f}")]).unwrap_err(), @"demands the header x-test with a value that can't be sent; write its values in ASCII");
    }

    #[test]
    fn rules_that_the_listener_asks_first_are_known() {
        let own = rule("9", vec![header("x-test", "1")]);
        let regex = RuleCondition {
            path_pattern_config: Some(values(&[], &["^/v[0-9]"])),
            ..condition("path-pattern")
        };
        let pair = QueryValue {
            key: Some("v".to_owned()),
            value: Some("2".to_owned()),
        };
        let of_query = RuleCondition {
            query_string_config: Some(QueryValues { values: vec![pair] }),
            ..condition("query-string")
        };
        let of_method = RuleCondition {
            http_request_method_config: Some(values(&["POST"], &[])),
            ..condition("http-request-method")
        };
        let rules = [
            rule("10", vec![path("/later/*")]),
            rule("1", vec![path("/api/*")]),
            rule("2", vec![condition("source-ip"), path("/*")]),
            rule("3", vec![regex]),
            rule("4", vec![of_query, of_method]),
            rule("5", vec![condition("moon-phase")]),
            rule("default", Vec::new()),
            own.clone(),
        ];
        let earlier = demands(&own, &rules).unwrap().rule.earlier;
        let priorities: Vec<u32> = earlier.iter().map(|rule| rule.priority).collect();
        assert_eq!(priorities, [1, 2, 3, 4, 5]);
        assert_eq!(
            earlier[0].conditions.paths,
            RulePattern::wildcards(&["/api/*"])
        );
        // From whatever address.
        assert_eq!(earlier[1].conditions.paths, RulePattern::wildcards(&["/*"]));
        assert_eq!(earlier[2].conditions.paths[0].to_string(), "^/v[0-9]");
        assert_eq!(earlier[3].conditions.methods, ["POST"]);
        assert_eq!(earlier[3].conditions.queries[0][0].value, "2");
        // It may take whatever comes.
        assert_eq!(earlier[4].conditions, RuleConditions::default());
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
