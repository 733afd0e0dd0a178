//! What a probe saw: an answer that expectations judge, findings of its own, or both.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::body::Body;
use crate::expect::Finding;

/// What one try of a probe came to.
#[derive(Debug)]
pub(crate) struct Observation {
    /// What `expect` judges; none where the probe has conditions of its own only.
    pub(crate) answer: Option<Evidence>,
    /// What came of the probe's own conditions.
    pub(crate) findings: Vec<Finding>,
    /// It measured the release, and not another place.
    pub(crate) of_release: bool,
}

/// A part of an answer that an expectation may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facet {
    Status,
    Headers,
    /// As text or as JSON.
    Body,
    Latency,
}

impl Facet {
    /// Everything that an answer of HTTP has.
    pub(crate) const ALL: [Self; 4] = [Self::Status, Self::Headers, Self::Body, Self::Latency];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Latency => "latency",
        }
    }
}

/// What a probe saw of one answer.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// The status of HTTP; none where the answer came another way.
    pub(crate) status: Option<u16>,
    /// As they were received; none where the answer came another way.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The limit at which reading was stopped, if it was.
    pub(crate) body_cut_at: Option<usize>,
    /// From the first byte sent to the last byte of the body received.
    pub(crate) latency: Duration,
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
