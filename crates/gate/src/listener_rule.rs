//! Whether the listener of a load balancer leads a request to the release. Pure.
//!
//! ECS shifts traffic by listener *rules*. A request that the release's rule does not take, or that another rule takes
//! first, is answered by something else, at the very address of the release.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html>

use std::fmt;

use http::{HeaderMap, HeaderName, Method};
use regex::{Regex, RegexBuilder};
use text::glob;

use crate::words;

/// Bytes that one regular expression may take when it is compiled.
const MAX_REGEX_BYTES: usize = 256 * 1024;

/// The listener rule that leads to the release, and the rules that stand before it. The default takes everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenerRule {
    /// What a request must meet.
    pub conditions: RuleConditions,
    /// Rules of a higher priority: something else answers what one of them takes.
    pub earlier: Vec<EarlierRule>,
    /// Other rules of the listener that lead to the release, too: what one of them takes reaches it as well.
    pub others: Vec<Self>,
}

/// A rule that is asked before that of the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierRule {
    /// Its place: 1 comes first.
    pub priority: u32,
    /// What it takes.
    pub conditions: RuleConditions,
}

/// What a rule takes. All lists must be met; an empty one takes everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleConditions {
    /// One of them; case does not count.
    pub hosts: Vec<RulePattern>,
    /// One of them, without the query; case counts.
    pub paths: Vec<RulePattern>,
    /// One of them, as it is written.
    pub methods: Vec<String>,
    /// Each of them.
    pub headers: Vec<HeaderCondition>,
    /// Of each of them one pair.
    pub queries: Vec<Vec<QueryPattern>>,
}

/// A header that a rule wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderCondition {
    /// Which.
    pub name: HeaderName,
    /// One of them; case does not count.
    pub values: Vec<RulePattern>,
}

/// A pair of a URL's query that a rule wants, with `*` and `?`; case does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryPattern {
    /// Any, if none.
    pub key: Option<String>,
    /// Its value.
    pub value: String,
}

/// A pattern of a condition.
#[derive(Clone, Debug)]
pub enum RulePattern {
    /// With `*` and `?`.
    Wildcard(String),
    /// A regular expression, as it is written, and what it means; `None` if it can't be read here, and may mean anything.
    Regex(String, Option<Regex>),
}

impl RulePattern {
    /// A pattern with wildcards.
    pub fn wildcard(written: impl Into<String>) -> Self {
        Self::Wildcard(written.into())
    }

    /// Patterns with wildcards.
    pub fn wildcards(written: &[&str]) -> Vec<Self> {
        written.iter().copied().map(Self::wildcard).collect()
    }

    /// A regular expression.
    pub fn regex(written: impl Into<String>, ignores_case: bool) -> Self {
        let written = written.into();
        let read = RegexBuilder::new(&written)
            .case_insensitive(ignores_case)
            .size_limit(MAX_REGEX_BYTES)
            .build();
        Self::Regex(written, read.ok())
    }

    /// Of expressions only equal ones are known to take the same.
    fn covers(&self, narrow: &Self, ignores_case: bool) -> bool {
        match (self, narrow) {
            (Self::Wildcard(wide), Self::Wildcard(narrow)) if ignores_case => {
                glob::covers(&wide.to_lowercase(), &narrow.to_lowercase())
            }
            (Self::Wildcard(wide), Self::Wildcard(narrow)) => glob::covers(wide, narrow),
            _ => self == narrow,
        }
    }

    fn takes(&self, text: &str, ignores_case: bool) -> bool {
        match self {
            Self::Wildcard(pattern) if ignores_case => {
                glob::matches(&pattern.to_lowercase(), &text.to_lowercase())
            }
            Self::Wildcard(pattern) => glob::matches(pattern, text),
            Self::Regex(_, read) => read.as_ref().is_none_or(|regex| regex.is_match(text)),
        }
    }
}

/// Whether patterns of which one must match take whatever others take. No pattern takes everything.
fn cover(wide: &[RulePattern], narrow: &[RulePattern], ignores_case: bool) -> bool {
    let is_covered =
        |narrow: &RulePattern| wide.iter().any(|wide| wide.covers(narrow, ignores_case));
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(is_covered))
}

impl PartialEq for RulePattern {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Wildcard(one), Self::Wildcard(two))
            | (Self::Regex(one, _), Self::Regex(two, _)) => one == two,
            _ => false,
        }
    }
}

impl Eq for RulePattern {}

impl fmt::Display for RulePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wildcard(written) | Self::Regex(written, _) => f.write_str(written),
        }
    }
}

/// A request, as a listener sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleRequest<'a> {
    pub(crate) method: &'a Method,
    /// In lower case, without a port.
    pub(crate) host: &'a str,
    /// With its query.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
}

impl RuleRequest<'_> {
    fn path_and_query(&self) -> (&str, &str) {
        let whole = self.path.split('#').next().unwrap_or_default();
        whole.split_once('?').unwrap_or((whole, ""))
    }
}

/// Why a request does not reach the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Miss<'a> {
    Host(&'a [RulePattern]),
    Path(&'a [RulePattern]),
    Method(&'a [String]),
    Header(&'a HeaderCondition),
    Query,
    /// Another rule takes it, by its priority.
    TakenBefore(u32),
}

impl fmt::Display for Miss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(hosts) => write!(f, "takes the host {}; correct `host`", either(hosts)),
            Self::Path(paths) => write!(
                f,
                "takes the path {}, so something else would answer",
                either(paths)
            ),
            Self::Method(methods) => {
                write!(
                    f,
                    "takes the method {}",
                    words::list(methods.iter().map(String::as_str))
                )
            }
            Self::Header(header) => write!(
                f,
                "takes the header {}: {}; leave it out, and the gate sends it",
                header.name,
                either(&header.values)
            ),
            Self::Query => f.write_str("takes another query"),
            Self::TakenBefore(priority) => write!(
                f,
                "comes after the rule of priority {priority}, which may take this request first; give the release's rule \
                 a lower number"
            ),
        }
    }
}

/// `a` or `a or b`
fn either(patterns: &[RulePattern]) -> String {
    let written: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    written.join(" or ")
}

impl RuleConditions {
    /// Whether whatever `other` takes is taken by these, too. Never says so wrongly.
    pub fn covers(&self, other: &Self) -> bool {
        let of_headers = |wide: &HeaderCondition| {
            let mut same = other.headers.iter().filter(|it| it.name == wide.name);
            same.any(|narrow| cover(&wide.values, &narrow.values, true))
        };
        let methods = self.methods.is_empty()
            || (!other.methods.is_empty()
                && other.methods.iter().all(|it| self.methods.contains(it)));
        cover(&self.hosts, &other.hosts, true)
            && cover(&self.paths, &other.paths, false)
            && methods
            && self.headers.iter().all(of_headers)
            && self.queries.iter().all(|it| other.queries.contains(it))
    }

    /// What a URL alone says: host and path.
    pub(crate) fn miss_of_url(&self, host: &str, path: &str) -> Option<Miss<'_>> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let takes = |patterns: &[RulePattern], text: &str, ignores_case| {
            patterns.is_empty() || patterns.iter().any(|it| it.takes(text, ignores_case))
        };
        if !takes(&self.hosts, host, true) {
            Some(Miss::Host(&self.hosts))
        } else if !takes(&self.paths, path, false) {
            Some(Miss::Path(&self.paths))
        } else {
            None
        }
    }

    fn miss(&self, request: RuleRequest<'_>) -> Option<Miss<'_>> {
        if let Some(miss) = self.miss_of_url(request.host, request.path) {
            return Some(miss);
        }
        if !self.methods.is_empty() && !self.methods.iter().any(|it| it == request.method.as_str())
        {
            return Some(Miss::Method(&self.methods));
        }
        let is_met = |condition: &&HeaderCondition| {
            let mut sent = request.headers.get_all(&condition.name).iter();
            sent.any(|value| {
                let value = String::from_utf8_lossy(value.as_bytes());
                condition.values.iter().any(|it| it.takes(&value, true))
            })
        };
        if let Some(header) = self.headers.iter().find(|condition| !is_met(condition)) {
            return Some(Miss::Header(header));
        }
        let (_, query) = request.path_and_query();
        let mut conditions = self.queries.iter();
        let all_met = conditions.all(|wanted| wanted.iter().any(|pair| pair.is_in(query)));
        (!all_met).then_some(Miss::Query)
    }
}

impl QueryPattern {
    fn is_in(&self, query: &str) -> bool {
        // `\*` is a star itself: taken for any character, as it only widens what an earlier rule may take.
        let pattern = |written: &str| {
            written
                .to_lowercase()
                .replace("\\*", "?")
                .replace("\\?", "?")
        };
        url::form_urlencoded::parse(query.as_bytes()).any(|(key, value)| {
            let is_key = self
                .key
                .as_ref()
                .is_none_or(|wanted| glob::matches(&pattern(wanted), &key.to_lowercase()));
            is_key && glob::matches(&pattern(&self.value), &value.to_lowercase())
        })
    }
}

impl ListenerRule {
    /// Why the listener leads this request somewhere else.
    pub(crate) fn miss(&self, request: RuleRequest<'_>) -> Option<Miss<'_>> {
        let miss = self.own_miss(request)?;
        let mut others = self.others.iter();
        let is_taken = others.any(|other| other.miss(request).is_none());
        (!is_taken).then_some(miss)
    }

    fn own_miss(&self, request: RuleRequest<'_>) -> Option<Miss<'_>> {
        if let Some(miss) = self.conditions.miss(request) {
            return Some(miss);
        }
        let mut earlier = self.earlier.iter();
        earlier
            .find(|rule| rule.conditions.miss(request).is_none())
            .map(|rule| Miss::TakenBefore(rule.priority))
    }

    /// Why host and path alone keep a request from the release.
    pub(crate) fn miss_of_url(&self, host: &str, path: &str) -> Option<Miss<'_>> {
        let miss = self.conditions.miss_of_url(host, path)?;
        let mut others = self.others.iter();
        let is_taken = others.any(|other| other.miss_of_url(host, path).is_none());
        (!is_taken).then_some(miss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &'static str, values: &[&str]) -> HeaderCondition {
        HeaderCondition {
            name: HeaderName::from_static(name),
            values: RulePattern::wildcards(values),
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[allow(clippy::needless_pass_by_value, reason = "short in a test")]
    fn miss(rule: &ListenerRule, method: Method, url: (&str, &str), sent: &HeaderMap) -> String {
        let (host, path) = url;
        let request = RuleRequest {
            method: &method,
            host,
            path,
            headers: sent,
        };
        rule.miss(request)
            .map_or_else(|| "taken".to_owned(), |miss| miss.to_string())
    }

    #[test]
    fn every_condition_must_be_met() {
        let rule = ListenerRule {
            conditions: RuleConditions {
                hosts: RulePattern::wildcards(&["*.Example.com"]),
                paths: RulePattern::wildcards(&["/api/*", "/health"]),
                methods: vec!["GET".into()],
                headers: vec![header("x-test", &["green*"]), header("user-agent", &["*"])],
                queries: vec![vec![QueryPattern {
                    key: Some("v".into()),
                    value: "2*".into(),
                }]],
            },
            ..ListenerRule::default()
        };
        let sent = headers(&[("x-test", "Green-1"), ("user-agent", "gate")]);
        let of = |method: Method, host: &str, path: &str, sent: &HeaderMap| {
            miss(&rule, method, (host, path), sent)
        };
        let (get, host) = (Method::GET, "shop.example.com");
        assert_eq!(of(get.clone(), host, "/api/x?v=2.1&w", &sent), "taken");
        assert_eq!(of(get.clone(), host, "/health?V=2", &sent), "taken");
        insta::assert_snapshot!([
            of(get.clone(), "example.com", "/health?v=2", &sent),
            of(get.clone(), host, "/API/x?v=2", &sent),
            of(Method::POST, host, "/api/x?v=2", &sent),
            of(get.clone(), host, "/api/x?v=2", &headers(&[("user-agent", "gate")])),
            of(get.clone(), host, "/api/x?v=2", &headers(&[("x-test", "blue"), ("user-agent", "gate")])),
            of(get.clone(), host, "/api/x?v=1", &sent),
            of(get, host, "/api/x", &sent),
        ].join("\n"), @r#"
        takes the host *.Example.com; correct `host`
        takes the path /api/* or /health, so something else would answer
        takes the method "GET"
        takes the header x-test: green*; leave it out, and the gate sends it
        takes the header x-test: green*; leave it out, and the gate sends it
        takes another query
        takes another query
        "#);
    }

    #[test]
    fn what_an_earlier_rule_takes_is_not_the_release() {
        let rule = ListenerRule {
            conditions: RuleConditions {
                headers: vec![header("x-test", &["1"])],
                ..RuleConditions::default()
            },
            earlier: vec![
                EarlierRule {
                    priority: 3,
                    conditions: RuleConditions {
                        paths: RulePattern::wildcards(&["/api/*"]),
                        ..RuleConditions::default()
                    },
                },
                EarlierRule {
                    priority: 7,
                    conditions: RuleConditions {
                        paths: vec![RulePattern::regex("^/v[0-9]+/", false)],
                        ..RuleConditions::default()
                    },
                },
            ],
            ..ListenerRule::default()
        };
        let sent = headers(&[("x-test", "1")]);
        let of = |path: &str| miss(&rule, Method::GET, ("h", path), &sent);
        assert_eq!(of("/health"), "taken");
        insta::assert_snapshot!(of("/api/x"), @"comes after the rule of priority 3, which may take this request first; give the release's rule a lower number");
        assert!(of("/v2/x").contains("priority 7"));
        assert_eq!(of("/vx/x"), "taken");
    }

    #[test]
    fn what_another_rule_of_the_release_takes_reaches_it_unless_something_else_is_asked_before() {
        let of_path = |path: &str, earlier| ListenerRule {
            conditions: RuleConditions {
                paths: RulePattern::wildcards(&[path]),
                ..RuleConditions::default()
            },
            earlier,
            ..ListenerRule::default()
        };
        let admin = EarlierRule {
            priority: 3,
            conditions: RuleConditions {
                paths: RulePattern::wildcards(&["/api/admin/*"]),
                ..RuleConditions::default()
            },
        };
        let rule = ListenerRule {
            others: vec![of_path("/api/*", vec![admin])],
            ..of_path("/shop/*", Vec::new())
        };
        let of = |path: &str| miss(&rule, Method::GET, ("h", path), &HeaderMap::new());
        assert_eq!(of("/shop/1"), "taken");
        assert_eq!(of("/api/v1"), "taken");
        insta::assert_snapshot!(of("/api/admin/users"), @"takes the path /shop/*, so something else would answer");
        insta::assert_snapshot!(of("/legacy"), @"takes the path /shop/*, so something else would answer");
        assert_eq!(rule.miss_of_url("h", "/api/v1?q=1"), None);
        assert!(rule.miss_of_url("h", "/legacy").is_some());
    }

    #[test]
    fn an_expression_that_nobody_can_read_may_take_anything() {
        let rule = RuleConditions {
            hosts: vec![RulePattern::regex("(?=lookahead)", true)],
            ..RuleConditions::default()
        };
        assert_eq!(rule.miss_of_url("h", "/"), None);
        let too_large = RulePattern::regex(r"(\w{100}){100}", true);
        assert!(matches!(too_large, RulePattern::Regex(_, None)));
    }
}
