//! What a response section demands, as expectations of a step.
//!
//! In Hurl an assert that says `not` holds of what is not there, too. In a suite a condition on what is not there is not
//! met, so such an assert is taken where another one of the entry demands that the thing is there, and refused
//! elsewhere.

use std::collections::BTreeSet;

use hurl_core::ast::{
    Assert, CookieAttributeName, PredicateFuncValue, Query, QueryValue, Response,
};
use hurl_core::types::ToSource as _;
use strict_yaml::{At, Node};

use crate::body;
use crate::context::{Context, SUITE_REMEDY};
use crate::options::Options;
use crate::tree::{map, start, text};
use crate::{json_asserts, sized_asserts, text_asserts};

/// An assert, and what is known of the entry that it belongs to.
pub(crate) struct AssertContext<'a> {
    pub(crate) assert: &'a Assert,
    pub(crate) options: &'a Options,
    /// Whether another assert of the entry demands that what this one is about is there.
    pub(crate) is_there: bool,
}

impl AssertContext<'_> {
    pub(crate) fn at(&self) -> At {
        start(self.assert.query.source_info)
    }

    pub(crate) fn has_filters(&self) -> bool {
        !self.assert.filters.is_empty()
    }

    /// Refuses an assert that would hold of what is not there, unless that is ruled out.
    pub(crate) fn must_be_there(&self, context: &Context) -> Option<()> {
        if !self.assert.predicate.not || self.is_there {
            return Some(());
        }
        let query = source(&self.assert.query);
        let message = format!("in Hurl this holds, too, where there is no {query}");
        let remedy = format!("say that it must be there: add the line `{query} exists`");
        context.refuse(self.at(), message, remedy)
    }

    /// Refuses filters where a query has none that a suite can hold.
    pub(crate) fn no_filters(&self, context: &Context) -> Option<()> {
        let Some((_, filter)) = self.assert.filters.first() else {
            return Some(());
        };
        let name = filter.value.identifier();
        let query = self.assert.query.value.identifier();
        let message = format!("the filter {name} on {query} is not supported");
        context.refuse(start(filter.source_info), message, SUITE_REMEDY)
    }

    /// Refuses a predicate.
    pub(crate) fn unsupported<T>(&self, context: &Context, remedy: &str) -> Option<T> {
        let predicate = &self.assert.predicate;
        let at = start(predicate.predicate_func.source_info);
        let not = if predicate.not { "not " } else { "" };
        let name = predicate.predicate_func.value.identifier();
        let query = self.assert.query.value.identifier();
        let message = format!("`{not}{name}` of {query} is not supported");
        context.refuse(at, message, remedy)
    }
}

/// A query as it is written, for comparing two.
fn source(query: &Query) -> String {
    let argument = match &query.value {
        QueryValue::Header { name, .. } | QueryValue::Variable { name, .. } => {
            Some(name.to_source())
        }
        QueryValue::Jsonpath { expr, .. } | QueryValue::Xpath { expr, .. } => {
            Some(expr.to_source())
        }
        QueryValue::Cookie { expr, .. } => Some(expr.to_source()),
        _ => None,
    };
    let argument = argument.map(|argument| format!(" {argument}"));
    format!(
        "{}{}",
        query.value.identifier(),
        argument.unwrap_or_default()
    )
}

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
