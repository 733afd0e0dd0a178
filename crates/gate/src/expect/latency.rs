//! Demands on how long an answer took, in all or up to a phase of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Actual, Finding};
use crate::evidence::Evidence;
use crate::words;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// From the request to the last byte of the body, redirects and connecting included.
    Total,
    /// From the request to the head of the answer, the same included.
    FirstByte,
    /// Looking up the name.
    Dns,
    /// Connecting by TCP.
    Connect,
    /// The handshake of TLS.
    Tls,
}

/// A limit for one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LatencyLimit {
    pub(crate) phase: Phase,
    pub(crate) limit: Duration,
    /// `<=`, not `<`.
    pub(crate) inclusive: bool,
}

impl Phase {
    /// As a suite writes it.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("total", Self::Total),
        ("first_byte", Self::FirstByte),
        ("dns", Self::Dns),
        ("connect", Self::Connect),
        ("tls", Self::Tls),
    ];

    fn words(self) -> &'static str {
        match self {
            Self::Total => "latency",
            Self::FirstByte => "latency to the first byte",
            Self::Dns => "time of the look-up of the name",
            Self::Connect => "time of connecting",
            Self::Tls => "time of the TLS handshake",
        }
    }

    /// Whether it takes place only where a connection is made.
    pub(crate) fn is_of_connecting(self) -> bool {
        matches!(self, Self::Dns | Self::Connect | Self::Tls)
    }

    /// How long it took, or why it did not take place.
    fn took(self, evidence: &Evidence) -> Result<Duration, &'static str> {
        let connecting = match (self, &evidence.exchange) {
            (Self::Total, _) => return Ok(evidence.latency),
            (_, None) => return Err("the answer did not come by HTTP"),
            (Self::FirstByte, Some(exchange)) => return Ok(exchange.first_byte),
            (_, Some(exchange)) => exchange.connecting,
        };
        let connecting = connecting.ok_or("no connection was made for this request")?;
        match self {
            Self::Dns => connecting
                .dns
                .ok_or("the host is an address, so no name was looked up"),
            Self::Tls => connecting.tls.ok_or("the URL is http, so there is no TLS"),
            _ => Ok(connecting.connect),
        }
    }
}

impl LatencyLimit {
    /// `latency < 800ms`
    pub(crate) fn demand(self) -> String {
        let sign = if self.inclusive { "<=" } else { "<" };
        let limit = words::duration(self.limit);
        format!("{} {sign} {limit}", self.phase.words())
    }

    /// Whether so long is short enough.
    pub(crate) fn is_met_by(self, took: Duration) -> bool {
        took < self.limit || self.inclusive && took == self.limit
    }

    /// Whether whatever meets the other one meets this one.
    pub(crate) fn is_as_loose_as(self, other: Self) -> bool {
        self.phase == other.phase
            && (self.limit > other.limit
                || self.limit == other.limit && (self.inclusive || !other.inclusive))
    }
}

pub(super) fn evaluate(limit: LatencyLimit, evidence: &Evidence) -> Finding {
    let demand = limit.demand();
    let got = match limit.phase.took(evidence) {
        Ok(got) => got,
        Err(why) => return Finding::errored(demand, why),
    };
    let met = limit.is_met_by(got);
    // Rounding must not make a missed limit look like a met one.
    let rounded = u64::try_from(got.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
    let got = words::duration(Duration::from_millis(rounded));
    Finding::new(demand, Actual::Words(got), met)
}
