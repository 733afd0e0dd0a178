//! What a listener rule demands of a request that is to meet it, and which rules of the listener stand before it. Pure.
//!
//! ECS shifts traffic by listener *rules*. A request that does not meet the rule reaches whatever else the listener
//! serves, which would be measured in place of the release.

use aws_sdk_elasticloadbalancingv2::types::{Rule, RuleCondition};
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
    for condition in rule.conditions() {
        let field = condition.field().unwrap_or_default();
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
        .filter(|rule| rule.rule_arn() != own.rule_arn() && priority(rule) < priority(own));
    before.map(earlier_rule).collect()
}

/// What a rule may take. A condition that can't be read may be met by any request, and so may one on the caller's address:
/// nobody knows by which address a gate comes.
pub(crate) fn earlier_rule(rule: &Rule) -> EarlierRule {
    let mut conditions = RuleConditions::default();
    for condition in rule.conditions() {
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
        .filter(|rule| rule.rule_arn() != own.rule_arn() && priority(rule) < priority(own));
    let covering = before.filter(|rule| conditions(rule).is_some_and(|it| it.covers(&taken)));
    covering.map(priority).min()
}

/// What a rule takes, if all of it can be read.
fn conditions(rule: &Rule) -> Option<RuleConditions> {
    let mut conditions = RuleConditions::default();
    let mut all = rule.conditions().iter();
    all.all(|condition| add(condition, &mut conditions))
        .then_some(conditions)
}

/// The default rule comes last.
pub(crate) fn priority(rule: &Rule) -> u32 {
    let written = rule.priority().unwrap_or_default();
    written.parse().unwrap_or(u32::MAX)
}

/// Adds a condition. Says whether it could be read.
fn add(condition: &RuleCondition, conditions: &mut RuleConditions) -> bool {
    match condition.field().unwrap_or_default() {
        "host-header" => {
            let configured = condition.host_header_config();
            let (values, regexes) = configured.map_or_else(
                || (condition.values(), condition.regex_values()),
                |config| (config.values(), config.regex_values()),
            );
            conditions.hosts = patterns(values, regexes, true);
            !conditions.hosts.is_empty()
        }
        "path-pattern" => {
            let configured = condition.path_pattern_config();
            let (values, regexes) = configured.map_or_else(
                || (condition.values(), condition.regex_values()),
                |config| (config.values(), config.regex_values()),
            );
            conditions.paths = patterns(values, regexes, false);
            !conditions.paths.is_empty()
        }
        "http-header" => {
            let Some(config) = condition.http_header_config() else {
                return false;
            };
            let name = config.http_header_name().unwrap_or_default();
            let values = patterns(config.values(), config.regex_values(), true);
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
            let configured = condition.http_request_method_config();
            let methods = configured.map_or(condition.values(), |config| config.values());
            conditions.methods = methods.to_vec();
            !conditions.methods.is_empty()
        }
        "query-string" => {
            let Some(config) = condition.query_string_config() else {
                return false;
            };
            let pairs = config.values().iter().map(|pair| QueryPattern {
                key: pair.key().map(str::to_owned),
                value: pair.value().unwrap_or_default().to_owned(),
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
    use aws_sdk_elasticloadbalancingv2::types::{
        HostHeaderConditionConfig, HttpHeaderConditionConfig, HttpRequestMethodConditionConfig,
        PathPatternConditionConfig, QueryStringConditionConfig, QueryStringKeyValuePair,
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

    fn rule(priority: &str, conditions: Vec<RuleCondition>) -> Rule {
        Rule::builder()
            .rule_arn(format!("arn:{priority}"))
            .priority(priority)
            .set_conditions(Some(conditions))
            .build()
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
        let method = HttpRequestMethodConditionConfig::builder()
            .values("GET")
            .build();
        let method = condition("http-request-method")
            .http_request_method_config(method)
            .build();
        assert_eq!(before(vec![host(&["*"]), method]), None, "only reads");
        assert_eq!(
            before(vec![condition("source-ip").build()]),
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
            assert!(
                of(vec![condition(field).build()])
                    .unwrap_err()
                    .contains(field)
            );
        }
        insta::assert_snapshot!(of(vec![condition("moon-phase").build()]).unwrap_err(), @r#"has a condition on "moon-phase", which a gate can't promise to meet: another rule may answer it; give the service a rule with conditions on host-header, path-pattern or http-header"#);
    }

    #[test]
    fn a_regular_expression_and_a_missing_value_are_refused() {
        let hosts = HostHeaderConditionConfig::builder()
            .regex_values("^shop")
            .build();
        let paths = PathPatternConditionConfig::builder()
            .regex_values("^/api")
            .build();
        let headers = HttpHeaderConditionConfig::builder()
            .http_header_name("x-test")
            .regex_values("green.*")
            .build();
        let both = HttpHeaderConditionConfig::builder()
            .http_header_name("x-test")
            .values("green")
            .regex_values("green.*")
            .build();
        for refused in [
            condition("host-header").host_header_config(hosts).build(),
            condition("path-pattern").path_pattern_config(paths).build(),
            condition("http-header").http_header_config(headers).build(),
            condition("http-header").http_header_config(both).build(),
            condition("host-header").regex_values("^shop").build(),
            condition("host-header").build(),
            condition("path-pattern").build(),
            condition("http-header").build(),
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
        let regex = PathPatternConditionConfig::builder()
            .regex_values("^/v[0-9]")
            .build();
        let methods = HttpRequestMethodConditionConfig::builder()
            .values("POST")
            .build();
        let pair = QueryStringKeyValuePair::builder()
            .key("v")
            .value("2")
            .build();
        let queries = QueryStringConditionConfig::builder().values(pair).build();
        let of_query = condition("query-string")
            .query_string_config(queries)
            .build();
        let of_method = condition("http-request-method")
            .http_request_method_config(methods)
            .build();
        let rules = [
            rule("10", vec![path("/later/*")]),
            rule("1", vec![path("/api/*")]),
            rule("2", vec![condition("source-ip").build(), path("/*")]),
            rule(
                "3",
                vec![condition("path-pattern").path_pattern_config(regex).build()],
            ),
            rule("4", vec![of_query, of_method]),
            rule("5", vec![condition("moon-phase").build()]),
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
