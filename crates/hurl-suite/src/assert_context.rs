//! One assert, and what is known of the entry that it belongs to.

use hurl_core::ast::{Assert, Query, QueryValue};
use hurl_core::types::ToSource as _;
use strict_yaml::Position;

use crate::context::{Context, SUITE_REMEDY};
use crate::options::Options;
use crate::tree::start;

/// An assert, and what is known of the entry that it belongs to.
pub(crate) struct AssertContext<'a> {
    pub(crate) assert: &'a Assert,
    pub(crate) options: &'a Options,
    /// Whether another assert of the entry demands that what this one is about is there.
    pub(crate) is_there: bool,
}

impl AssertContext<'_> {
    pub(crate) fn at(&self) -> Position {
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
pub(crate) fn source(query: &Query) -> String {
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
