//! The conditions of a listener rule: what they are on the wire, and whether a request meets them.
//!
//! Case counts as it does in AWS: in paths and methods, not in host names, header values and query strings.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html>

use std::net::IpAddr;

use http::HeaderMap;
use text::glob;
use url::form_urlencoded;

use super::api::{invalid, required};
use crate::error::AwsError;
use crate::wire::{QueryParams, Xml};

/// The fields there are, in the order of AWS's message.
const FIELDS: &str =
    "http-request-method, path-pattern, host-header, query-string, http-header, source-ip";
/// Values of all conditions of a rule together.
const MAX_VALUES: usize = 5;
/// Wildcards in one rule.
const MAX_WILDCARDS: usize = 5;

/// One condition: met when one of its values is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Patterns of host names.
    Host(Vec<String>),
    /// Patterns of paths.
    Path(Vec<String>),
    /// A header's name and patterns of its value.
    Header { name: String, values: Vec<String> },
    /// Patterns of a key and its value; without a key, of any value.
    Query(Vec<(Option<String>, String)>),
    /// Methods.
    Method(Vec<String>),
    /// Networks.
    Source(Vec<Network>),
}

/// A block of addresses, such as `10.0.0.0/8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

/// What conditions see of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestFacts<'a> {
    pub(crate) method: &'a str,
    /// As the client named it, with or without a port.
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) client: IpAddr,
}

impl Condition {
    /// Whether a request meets it.
    pub(crate) fn is_met(&self, request: &RequestFacts<'_>) -> bool {
        match self {
            Self::Host(patterns) => {
                let host = without_port(request.host);
                patterns
                    .iter()
                    .any(|pattern| matches_any_case(pattern, host))
            }
            Self::Path(patterns) => patterns
                .iter()
                .any(|pattern| glob::matches(pattern, request.path)),
            Self::Header { name, values } => request
                .headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .any(|value| {
                    values
                        .iter()
                        .any(|pattern| matches_any_case(pattern, value))
                }),
            Self::Query(pairs) => {
                form_urlencoded::parse(request.query.as_bytes()).any(|(key, value)| {
                    pairs.iter().any(|(wanted, pattern)| {
                        wanted
                            .as_ref()
                            .is_none_or(|wanted| matches_any_case(wanted, &key))
                            && matches_any_case(pattern, &value)
                    })
                })
            }
            Self::Method(methods) => methods.iter().any(|method| method == request.method),
            Self::Source(networks) => networks
                .iter()
                .any(|network| network.contains(request.client)),
        }
    }

    fn field(&self) -> &'static str {
        match self {
            Self::Host(_) => "host-header",
            Self::Path(_) => "path-pattern",
            Self::Header { .. } => "http-header",
            Self::Query(_) => "query-string",
            Self::Method(_) => "http-request-method",
            Self::Source(_) => "source-ip",
        }
    }

    /// Its values as texts, each with its key where there is one.
    fn texts(&self) -> Vec<String> {
        match self {
            Self::Host(values)
            | Self::Path(values)
            | Self::Method(values)
            | Self::Header { values, .. } => values.clone(),
            Self::Query(pairs) => pairs
                .iter()
                .map(|(key, value)| format!("{}{value}", key.as_deref().unwrap_or_default()))
                .collect(),
            Self::Source(networks) => networks.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let prefix: u8 = prefix.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= bits).then_some(Self { address, prefix })
    }

    fn contains(&self, client: IpAddr) -> bool {
        let prefix = u32::from(self.prefix);
        match (self.address, client) {
            (IpAddr::V4(own), IpAddr::V4(client)) => {
                let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
                own.to_bits() & mask == client.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(client)) => {
                let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
                own.to_bits() & mask == client.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn matches_any_case(pattern: &str, text: &str) -> bool {
    glob::matches(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

/// The name in `name:port` and `[::1]:port`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The conditions a caller sent.
pub(super) fn conditions(params: &QueryParams) -> Result<Vec<Condition>, AwsError> {
    let conditions: Vec<Condition> = params
        .members("Conditions")
        .iter()
        .map(condition)
        .collect::<Result<_, _>>()?;
    for (index, condition) in conditions.iter().enumerate() {
        // Only headers and query strings may be asked for more than once.
        let field = condition.field();
        let again = conditions[..index]
            .iter()
            .any(|other| other.field() == field);
        if again && !["http-header", "query-string"].contains(&field) {
            return Err(invalid(format!(
                "A rule can only have one '{field}' condition"
            )));
        }
    }
    let values: Vec<String> = conditions.iter().flat_map(Condition::texts).collect();
    if values.len() > MAX_VALUES {
        return Err(invalid(format!(
            "A rule can only have '{MAX_VALUES}' condition values"
        )));
    }
    let wildcards = values.iter().flat_map(|value| value.chars());
    if wildcards.filter(|c| matches!(c, '*' | '?')).count() > MAX_WILDCARDS {
        return Err(invalid(format!(
            "A rule can only have '{MAX_WILDCARDS}' condition wildcards"
        )));
    }
    Ok(conditions)
}

fn condition(params: &QueryParams) -> Result<Condition, AwsError> {
    let field = required(params, "Field")?;
    if !params.list("RegexValues").is_empty() {
        return Err(no_regular_expressions());
    }
    match field {
        "host-header" => values(params, "HostHeaderConfig").map(Condition::Host),
        "path-pattern" => values(params, "PathPatternConfig").map(Condition::Path),
        "http-request-method" => values(params, "HttpRequestMethodConfig").map(Condition::Method),
        "http-header" => {
            let config = params.structure("HttpHeaderConfig");
            let name = required(&config, "HttpHeaderName")?.to_owned();
            if name.parse::<http::HeaderName>().is_err() {
                return Err(invalid(format!("'{name}' is not a valid header name")));
            }
            let values = values(params, "HttpHeaderConfig")?;
            Ok(Condition::Header { name, values })
        }
        "query-string" => {
            let config = params.structure("QueryStringConfig");
            let pair = |pair: &QueryParams| {
                let value = required(pair, "Value")?.to_owned();
                Ok((pair.get("Key").map(str::to_owned), value))
            };
            let pairs = config.members("Values");
            let pairs: Vec<_> = pairs.iter().map(pair).collect::<Result<_, AwsError>>()?;
            if pairs.is_empty() {
                return Err(no_values());
            }
            Ok(Condition::Query(pairs))
        }
        "source-ip" => {
            let network = |text: &String| {
                Network::parse(text)
                    .ok_or_else(|| invalid(format!("'{text}' is not a valid CIDR block")))
            };
            let networks = values(params, "SourceIpConfig")?;
            let networks = networks.iter().map(network).collect::<Result<_, _>>()?;
            Ok(Condition::Source(networks))
        }
        other => Err(invalid(format!(
            "Condition field '{other}' must be one of '[{FIELDS}]'"
        ))),
    }
}

/// The values in the structure of the field, or those beside it, as older callers send them.
fn values(params: &QueryParams, config: &str) -> Result<Vec<String>, AwsError> {
    let config = params.structure(config);
    if !config.list("RegexValues").is_empty() {
        return Err(no_regular_expressions());
    }
    let mut values = config.list("Values");
    if values.is_empty() {
        values = params.list("Values");
    }
    if values.is_empty() {
        return Err(no_values());
    }
    Ok(values)
}

fn no_values() -> AwsError {
    invalid("A condition value must be specified")
}

fn no_regular_expressions() -> AwsError {
    AwsError::client(
        "InvalidConfigurationRequest",
        "local-aws has no regular expressions in conditions; use Values with * and ?",
    )
}

pub(super) fn render(condition: &Condition) -> Vec<Xml> {
    let field = Xml::text("Field", condition.field());
    // Host names and paths are also shown the way they were before the structures came.
    let both = |name: &'static str, values: &[String]| {
        vec![
            field.clone(),
            Xml::texts("Values", values),
            Xml::node(name, vec![Xml::texts("Values", values)]),
        ]
    };
    let config = match condition {
        Condition::Host(values) => return both("HostHeaderConfig", values),
        Condition::Path(values) => return both("PathPatternConfig", values),
        Condition::Header { name, values } => Xml::node(
            "HttpHeaderConfig",
            vec![
                Xml::text("HttpHeaderName", name),
                Xml::texts("Values", values),
            ],
        ),
        Condition::Query(pairs) => {
            let pair = |(key, value): &(Option<String>, String)| {
                let key = key.iter().map(|key| Xml::text("Key", key));
                key.chain([Xml::text("Value", value)]).collect()
            };
            let pairs = Xml::list("Values", pairs.iter().map(pair));
            Xml::node("QueryStringConfig", vec![pairs])
        }
        Condition::Method(values) => Xml::node(
            "HttpRequestMethodConfig",
            vec![Xml::texts("Values", values)],
        ),
        Condition::Source(networks) => {
            Xml::node("SourceIpConfig", vec![Xml::texts("Values", networks)])
        }
    };
    vec![field, config]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(form: &str, request: &str) -> bool {
        let params = QueryParams::parse(form.as_bytes());
        let conditions = conditions(&params).unwrap();
        let (method, rest) = request.split_once(' ').unwrap();
        let (host, target) = rest.split_once('/').unwrap();
        let target = format!("/{target}");
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut headers = HeaderMap::new();
        headers.insert("x-release", "Green-2".parse().unwrap());
        let facts = RequestFacts {
            method,
            host,
            path,
            query,
            headers: &headers,
            client: "127.0.0.1".parse().unwrap(),
        };
        conditions.iter().all(|condition| condition.is_met(&facts))
    }

    fn refused(form: &str) -> String {
        let params = QueryParams::parse(form.as_bytes());
        conditions(&params).unwrap_err().to_string()
    }

    const HOST: &str = "Conditions.member.1.Field=host-header\
        &Conditions.member.1.HostHeaderConfig.Values.member.1=*.Example.com";
    const PATH: &str =
        "Conditions.member.2.Field=path-pattern&Conditions.member.2.Values.member.1=/api/*";

    #[test]
    fn hosts_match_in_any_case_and_without_the_port() {
        assert!(met(HOST, "GET shop.example.COM:8080/"));
        assert!(!met(HOST, "GET example.com/"));
        assert!(!met(HOST, "GET shop.example.com.evil/"));
    }

    #[test]
    fn all_conditions_have_to_be_met() {
        let both = format!("{HOST}&{PATH}");
        assert!(met(&both, "GET shop.example.com/api/v1?x=1"));
        assert!(
            !met(&both, "GET shop.example.com/API/v1"),
            "case counts in paths"
        );
        assert!(!met(&both, "GET other.test/api/v1"));
    }

    #[test]
    fn headers_query_strings_methods_and_sources_are_looked_at() {
        let header = "Conditions.member.1.Field=http-header\
            &Conditions.member.1.HttpHeaderConfig.HttpHeaderName=X-Release\
            &Conditions.member.1.HttpHeaderConfig.Values.member.1=blue\
            &Conditions.member.1.HttpHeaderConfig.Values.member.2=green-?";
        assert!(met(header, "GET a/"));
        assert!(!met(&header.replace("green-?", "green"), "GET a/"));
        let query = "Conditions.member.1.Field=query-string\
            &Conditions.member.1.QueryStringConfig.Values.member.1.Key=release\
            &Conditions.member.1.QueryStringConfig.Values.member.1.Value=green";
        assert!(met(query, "GET a/?a=b&release=Green"));
        assert!(!met(query, "GET a/?other=green"));
        let method = "Conditions.member.1.Field=http-request-method\
            &Conditions.member.1.HttpRequestMethodConfig.Values.member.1=POST";
        assert!(met(method, "POST a/"));
        assert!(!met(method, "GET a/"));
        let source = |network: &str| {
            format!(
                "Conditions.member.1.Field=source-ip\
                 &Conditions.member.1.SourceIpConfig.Values.member.1={network}"
            )
        };
        assert!(met(&source("127.0.0.0/8"), "GET a/"));
        assert!(met(&source("0.0.0.0/0"), "GET a/"));
        assert!(!met(&source("10.0.0.0/8"), "GET a/"));
        assert!(!met(&source("::/0"), "GET a/"));
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        insta::assert_snapshot!(refused("Conditions.member.1.Field=cookie"), @"ValidationError: Condition field 'cookie' must be one of '[http-request-method, path-pattern, host-header, query-string, http-header, source-ip]'");
        insta::assert_snapshot!(refused("Conditions.member.1.Field=host-header"), @"ValidationError: A condition value must be specified");
        let twice = format!("{PATH}&{}", PATH.replace("member.2.", "member.3."));
        insta::assert_snapshot!(refused(&twice), @"ValidationError: A rule can only have one 'path-pattern' condition");
        let six: Vec<String> = (1..=6)
            .map(|n| format!("Conditions.member.1.Values.member.{n}=/{n}"))
            .collect();
        let six = format!("Conditions.member.1.Field=path-pattern&{}", six.join("&"));
        insta::assert_snapshot!(refused(&six), @"ValidationError: A rule can only have '5' condition values");
        insta::assert_snapshot!(refused("Conditions.member.1.Field=path-pattern&Conditions.member.1.RegexValues.member.1=a"), @"InvalidConfigurationRequest: local-aws has no regular expressions in conditions; use Values with * and ?");
    }
}
