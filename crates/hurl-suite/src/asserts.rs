//! What a response section demands, as expectations of a step.
//!
//! In Hurl an assert that says `not` holds of what is not there, too. In a suite a condition on what is not there is not
//! met, so such an assert is taken where another one of the entry demands that the thing is there, and refused
//! elsewhere.

use std::collections::BTreeSet;

use hurl_core::ast::{Assert, CookieAttributeName, PredicateFuncValue, QueryValue, Response};
use strict_yaml::Node;

use crate::assert_context::{AssertContext, source};
use crate::body;
use crate::context::{Context, SUITE_REMEDY};
use crate::options::Options;
use crate::tree::{map, start, text};
use crate::{json_asserts, sized_asserts, text_asserts};

/// What the lines between the status and the sections demand: headers, and the whole body.
pub(crate) fn implicit(response: &Response, context: &Context) -> Vec<Node> {
    let headers = response.headers.iter().filter_map(|header| {
        let at = start(header.key.source_info);
        let (name, value) = (
            context.literal(&header.key, "a name"),
            context.text(&header.value),
        );
        let keys = [("name", text(at, name?)), ("equals", text(at, value?))];
        Some(map(at, [("header", map(at, keys))]))
    });
    let body = response.body.iter();
    headers
        .chain(body.filter_map(|body| body::expected(body, context)))
        .collect()
}

/// What `[Asserts]` demands.
pub(crate) fn explicit(response: &Response, options: &Options, context: &Context) -> Vec<Node> {
    let asserts = response.asserts();
    // An assert with filters fails where there is nothing to filter.
    let demands = |assert: &&Assert| !assert.predicate.not || !assert.filters.is_empty();
    let there: BTreeSet<String> = asserts
        .iter()
        .filter(demands)
        .map(|assert| source(&assert.query))
        .collect();
    let expectation = |assert: &Assert| {
        let of = AssertContext {
            assert,
            options,
            is_there: there.contains(&source(&assert.query)),
        };
        let first = one(&of, context);
        let beside = first.as_ref().and_then(|_| beside(&of, context));
        first.into_iter().chain(beside)
    };
    asserts.iter().flat_map(expectation).collect()
}

fn one(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    match &of.assert.query.value {
        QueryValue::Status => sized_asserts::status(of, context),
        QueryValue::Duration => sized_asserts::duration(of, context),
        QueryValue::Bytes => sized_asserts::bytes(of, context),
        QueryValue::Sha256 => sized_asserts::sha256(of, context),
        QueryValue::Redirects => sized_asserts::redirects(of, context),
        QueryValue::Header { name, .. } => text_asserts::header(of, name, context),
        QueryValue::Body => text_asserts::body(of, context),
        QueryValue::Url => text_asserts::url(of, context),
        QueryValue::Cookie { expr, .. } => {
            let attribute = expr.attribute.as_ref().map(|attribute| &attribute.name);
            match attribute {
                None | Some(CookieAttributeName::Value(_)) => {
                    text_asserts::cookie(of, &expr.name, None, context)
                }
                Some(CookieAttributeName::Secure(_)) => {
                    text_asserts::cookie(of, &expr.name, Some("secure"), context)
                }
                Some(CookieAttributeName::HttpOnly(_)) => {
                    text_asserts::cookie(of, &expr.name, Some("httponly"), context)
                }
                Some(other) => {
                    let message = format!(
                        "the attribute {} of a cookie is not supported",
                        other.value()
                    );
                    let remedy = "compare the header: header \"Set-Cookie\" contains \"…\"";
                    context.refuse(of.at(), message, remedy)
                }
            }
        }
        QueryValue::Jsonpath { expr, .. } => json_asserts::expectation(of, expr, context),
        other => {
            let (message, remedy) = unsupported(other);
            context.refuse(of.at(), message, remedy)
        }
    }
}

/// What has to hold beside an assert for it to mean what it means in Hurl.
fn beside(of: &AssertContext<'_>, context: &Context) -> Option<Node> {
    let QueryValue::Cookie { expr, .. } = &of.assert.query.value else {
        return None;
    };
    let is_there = matches!(
        of.assert.predicate.predicate_func.value,
        PredicateFuncValue::Exist
    );
    // Whether there is one doesn't depend on which.
    if is_there && expr.attribute.is_none() {
        return None;
    }
    let name = context.literal(&expr.name, "the name of a cookie")?;
    Some(text_asserts::sets_once(of.at(), &regex::escape(&name)))
}

/// Why a query is refused, and what to write.
pub(crate) fn unsupported(query: &QueryValue) -> (String, &'static str) {
    let remedy = match query {
        QueryValue::Xpath { .. } => "a suite judges pages by `css`",
        QueryValue::Regex { .. } => "write `body matches /…/`",
        QueryValue::Certificate { .. } => "a suite has the probe `tls` for certificates",
        QueryValue::Md5 => "compare sha256",
        QueryValue::RawBytes => "compare bytes, whose codings are undone",
        QueryValue::Variable { .. } => "assert where the value comes from, instead of capturing it",
        _ => SUITE_REMEDY,
    };
    let name = query.identifier();
    (format!("the query {name} is not supported here"), remedy)
}
