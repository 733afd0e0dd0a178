//! `[Captures]` as captures of a step. What Hurl demands of an answer to have the value is demanded beside them.

use hurl_core::ast::{Capture, CookieAttributeName, FilterValue, Query, QueryValue, RegexValue};
use hurl_core::types::ToSource as _;
use strict_yaml::{Node, Position};

use crate::asserts::unsupported;
use crate::context::{Context, SUITE_REMEDY};
use crate::json_asserts::picked;
use crate::names::Kind;
use crate::text_asserts::{once, set_cookie, sets_once};
use crate::tree::{boolean, map, start, text};
use crate::uses::Origin;

/// What the captures of an entry come to.
#[derive(Default)]
pub(crate) struct StepCaptures {
    /// By the names of the suite.
    pub(crate) captures: Vec<(String, Node)>,
    /// Expectations.
    pub(crate) demands: Vec<Node>,
    /// The name in the suite, the one in the Hurl file, and what the value is.
    pub(crate) names: Vec<(String, String, Kind)>,
}

/// Where a value is taken from, what it is, and what is expected beside it.
struct Source {
    key: &'static str,
    value: String,
    kind: Kind,
    demands: Vec<Node>,
}

pub(crate) fn read(captures: &[Capture], step: usize, context: &mut Context) -> StepCaptures {
    let mut taken = StepCaptures::default();
    for capture in captures {
        let at = start(capture.name.source_info);
        let Some(name) = context.literal(&capture.name, "the name of a capture") else {
            continue;
        };
        let source = source(capture, context);
        let own = context.names.reserve(&name);
        // Also where it has problems: what uses it has none of its own.
        let source = source.unwrap_or_else(|| Source {
            key: "json",
            value: "$".to_owned(),
            kind: Kind::Json,
            demands: Vec::new(),
        });
        let origin = Origin {
            step,
            at,
            key: source.key,
            value: source.value.clone(),
            redacted: capture.redacted,
        };
        context.names.comes_from(own.clone(), origin);
        let mut keys = vec![(source.key, text(at, source.value))];
        if capture.redacted {
            keys.push(("secret", boolean(at, true)));
        }
        taken.captures.push((own.clone(), map(at, keys)));
        taken.demands.extend(source.demands);
        taken.names.push((own, name, source.kind));
    }
    taken
}

fn source(capture: &Capture, context: &Context) -> Option<Source> {
    let Query { source_info, value } = &capture.query;
    let at = start(*source_info);
    let text = |key, value| Source {
        key,
        value,
        kind: Kind::Text,
        demands: Vec::new(),
    };
    if let QueryValue::Jsonpath { expr, .. } = value {
        let filters = capture.filters.iter().map(|(_, filter)| filter);
        let path = picked(&context.text(expr)?, filters, context)?;
        return Some(Source {
            kind: Kind::Json,
            ..text("json", path)
        });
    }
    if let (QueryValue::Body, [(_, only)]) = (value, capture.filters.as_slice())
        && let FilterValue::Regex { value, .. } = &only.value
    {
        return pattern(value, start(only.source_info), context).map(|regex| text("regex", regex));
    }
    if let Some((_, filter)) = capture.filters.first() {
        let message = format!(
            "the filter {} on {} is not supported",
            filter.value.identifier(),
            value.identifier()
        );
        let remedy = "capture the value as it comes, or by `regex` from the body";
        return context.refuse(start(filter.source_info), message, remedy);
    }
    match value {
        QueryValue::Header { name, .. } => {
            let name = context.literal(name, "the name of a header")?;
            let demands = vec![once(at, &name)];
            Some(Source {
                demands,
                ..text("header", name)
            })
        }
        QueryValue::Cookie { expr, .. } => match expr.attribute.as_ref().map(|one| &one.name) {
            None | Some(CookieAttributeName::Value(_)) => {
                let name = context.literal(&expr.name, "the name of a cookie")?;
                let pattern = regex::escape(&name);
                let demands = vec![sets(at, &pattern), sets_once(at, &pattern)];
                Some(Source {
                    demands,
                    ..text("cookie", name)
                })
            }
            Some(_) => context.refuse(
                at,
                "an attribute of a cookie can't be captured",
                SUITE_REMEDY,
            ),
        },
        QueryValue::Regex { value, .. } => {
            pattern(value, at, context).map(|regex| text("regex", regex))
        }
        QueryValue::Body => Some(text("regex", r"(?s)\A(.*)\z".to_owned())),
        other => {
            let (message, _) = unsupported(other);
            let remedy = "capture by jsonpath, header, cookie, regex or body";
            context.refuse(at, message, remedy)
        }
    }
}

/// That this answer sets the cookie, by its escaped name: Hurl takes it from there, and a suite from all that is kept.
fn sets(at: Position, name: &str) -> Node {
    let pattern = set_cookie(name);
    let keys = [
        ("name", text(at, "set-cookie")),
        ("matches", text(at, pattern)),
    ];
    map(at, [("header", map(at, keys))])
}

/// A regular expression whose first group is the value: without one Hurl never finds anything.
fn pattern(value: &RegexValue, at: Position, context: &Context) -> Option<String> {
    let pattern = match value {
        RegexValue::Regex(regex) => regex.inner.as_str().to_owned(),
        RegexValue::Template(template) => {
            let literal = context.literal(template, "a regular expression")?;
            if regex::Regex::new(&literal).is_err() {
                let message = format!("{} is no regular expression", template.to_source());
                return context.refuse(at, message, "correct it");
            }
            literal
        }
    };
    let groups = regex::Regex::new(&pattern).map_or(0, |regex| regex.captures_len());
    if groups < 2 {
        let message = "the regular expression has no group, so that Hurl finds nothing";
        return context.refuse(at, message, "put what is captured in parentheses");
    }
    context.fixed(at, &pattern)
}
