//! Why a probe saw nothing, and whose fault that is.
//!
//! The target's fault is a *failed* measurement: it refused, reset, broke TLS or did not answer
//! in time. What says nothing about the target is an *errored* one: a name that does not resolve,
//! a request that could not be built.

use std::error::Error;

use super::client::NotResolved;
use crate::verdict::Measurement;

/// Why nothing was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) measurement: Measurement,
    pub(crate) message: String,
}

impl Trouble {
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            measurement: Measurement::Failed,
            message: message.into(),
        }
    }

    pub(crate) fn errored(message: impl Into<String>) -> Self {
        Self {
            measurement: Measurement::Errored,
            message: message.into(),
        }
    }

    /// `doing` says what was tried: `connecting to`, `reading the body from`.
    pub(crate) fn of_request(error: reqwest::Error, place: &str) -> Self {
        let error = error.without_url();
        if let Some(lookup) = find::<NotResolved>(&error) {
            return Self::errored(lookup.to_string());
        }
        if error.is_builder() {
            return Self::errored(format!(
                "the request could not be built: {}",
                deepest(&error)
            ));
        }
        let cause = deepest(&error);
        if error.is_connect() {
            let remedy = if cause.contains("not valid for name") {
                "; set `host:` in the suite to a name on the certificate"
            } else {
                ""
            };
            return Self::failed(format!("no connection to {place}: {cause}{remedy}"));
        }
        if error.is_body() || error.is_decode() {
            return Self::failed(format!(
                "the body broke off or could not be decoded: {cause}"
            ));
        }
        Self::failed(format!("no answer from {place}: {cause}"))
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The innermost cause: the outer ones only say that sending a request failed.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
