//! What a probe saw: the one thing that goes from probes to expectations.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::body::Body;

/// What a probe saw of one answer.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) status: u16,
    /// As they were received.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The limit at which reading was stopped, if it was.
    pub(crate) body_cut_at: Option<usize>,
    /// From the first byte sent to the last byte of the body received.
    pub(crate) latency: Duration,
    /// The answer came from the release, and not from a place that a redirect led to.
    pub(crate) of_release: bool,
}

impl Evidence {
    /// Every value of a header: as UTF-8, or else as Latin-1, as browsers read it.
    pub(crate) fn header_values(&self, name: &HeaderName) -> Vec<String> {
        let values = self.headers.get_all(name).iter();
        values
            .map(|value| match std::str::from_utf8(value.as_bytes()) {
                Ok(text) => text.to_owned(),
                Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
            })
            .collect()
    }
}
