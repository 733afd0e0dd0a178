//! Probes: how a check measures. One enum, so that a new kind of probe is one more variant and
//! the engine stays as it is.
//!
//! A probe says what it saw or why it saw nothing. It must never decide whether a check passed,
//! never keep cookies or other state for the next check, and never wait on its own account:
//! the engine cuts it at its limits by dropping it.

pub(crate) mod allowed_origins;
pub(crate) mod client;
mod connect;
mod error;
pub(crate) mod http;
mod redirect;
mod release;
pub(crate) mod request_url;
pub(crate) mod tls;

use crate::evidence::Evidence;
use crate::template::Values;

pub(crate) use self::client::Clients;
pub(crate) use self::error::ProbeError;

/// How a check measures.
#[derive(Clone, Debug)]
pub(crate) enum Probe {
    Http(http::Request),
    /// Probes that misbehave, for the engine's own tests.
    #[cfg(test)]
    Misbehave(Misbehaviour),
}

/// What the engine must survive.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Misbehaviour {
    Panic,
    Hang,
}

/// What a run shares with its probes.
#[derive(Debug)]
pub(crate) struct ProbeContext {
    pub(crate) clients: Clients,
    pub(crate) values: Values,
    /// What the release's listener rule demands of every request.
    pub(crate) release_headers: ::http::HeaderMap,
}

/// What is known of a try so far; filled as the probe goes, so that it survives a cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    /// `GET https://shop.example.com/version`
    pub(crate) request: Option<String>,
    pub(crate) status: Option<u16>,
    /// Redirects followed, bodies cut.
    pub(crate) notes: Vec<String>,
}

impl Probe {
    /// Measures once. `whole_body` says whether the check needs the body to its end.
    pub(crate) async fn execute(
        &self,
        context: &ProbeContext,
        whole_body: bool,
        trace: &mut Trace,
    ) -> Result<Evidence, ProbeError> {
        match self {
            Self::Http(request) => http::execute(request, context, whole_body, trace).await,
            #[cfg(test)]
            Self::Misbehave(Misbehaviour::Panic) => panic!("the probe fell over"),
            #[cfg(test)]
            Self::Misbehave(Misbehaviour::Hang) => std::future::pending().await,
        }
    }
}
