//! What a probe saw: an answer that expectations judge, findings of its own, or both.

use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::body::Body;
use crate::expect::finding::Finding;

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

impl Observation {
    /// Of a probe that judges by its own conditions alone, and had no answer of the release.
    pub(crate) fn of_others(findings: impl IntoIterator<Item = Finding>) -> Self {
        Self {
            answer: None,
            findings: findings.into_iter().collect(),
            of_release: false,
        }
    }
}

/// A part of an answer that an expectation may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Facet {
    Status,
    Headers,
    /// As text, as JSON or as a page.
    Body,
    Latency,
    /// The redirects that were followed.
    Redirects,
    /// How long its parts took.
    Phases,
}

impl Facet {
    /// Everything that an answer of HTTP has.
    pub(crate) const ALL: [Self; 6] = [
        Self::Status,
        Self::Headers,
        Self::Body,
        Self::Latency,
        Self::Redirects,
        Self::Phases,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Latency => "latency",
            Self::Redirects => "redirects",
            Self::Phases => "phases of latency",
        }
    }
}
use crate::probe::request_url::RequestUrl;

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
    /// What is known of an exchange of HTTP beside its answer.
    pub(crate) exchange: Option<Exchange>,
}

/// How an answer of HTTP came.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// From the request to the head of the answer.
    pub(crate) first_byte: Duration,
    /// How long connecting took, if a connection was made for the request.
    pub(crate) connecting: Option<ConnectTimes>,
    /// Where the answer came from: the check's own URL, or the one that the last redirect led to.
    pub(crate) url: RequestUrl,
    /// Where redirects that were followed led to, in order.
    pub(crate) redirects: Vec<RequestUrl>,
}

/// How long the parts of connecting took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConnectTimes {
    /// Of looking up the name; none where the host is an address.
    pub(crate) dns: Option<Duration>,
    /// Of TCP.
    pub(crate) connect: Duration,
    /// Of TLS; none where the URL is `http`.
    pub(crate) tls: Option<Duration>,
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
