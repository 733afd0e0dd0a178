//! Probes: how a check measures. One enum, so that a new kind of probe is one more variant and
//! the engine stays as it is.
//!
//! A probe says what it saw or why it saw nothing. It must never decide whether a check passed,
//! never keep cookies or other state for the next check, and never wait without being told to:
//! the engine cuts it at its limits by dropping it.

mod address;
pub(crate) mod client;
mod connect;
pub(crate) mod http;
pub(crate) mod place;
pub(crate) mod redirect;
pub(crate) mod tls;
mod trouble;

use crate::expect::{Evidence, Expectation};
use crate::template::Values;

pub(crate) use self::client::Clients;
pub(crate) use self::trouble::Trouble;

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
pub(crate) struct Surroundings {
    pub(crate) clients: Clients,
    pub(crate) values: Values,
}

/// What is known of a try so far; filled as the probe goes, so that it survives a cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trail {
    /// `GET https://shop.example.com/version`
    pub(crate) request: Option<String>,
    pub(crate) status: Option<u16>,
    /// Redirects followed, bodies cut.
    pub(crate) notes: Vec<String>,
}

impl Probe {
    /// Looks once.
    pub(crate) async fn look(
        &self,
        around: &Surroundings,
        expect: &[Expectation],
        trail: &mut Trail,
    ) -> Result<Evidence, Trouble> {
        match self {
            Self::Http(request) => {
                let whole = expect.iter().any(Expectation::needs_whole_body);
                http::look(request, around, whole, trail).await
            }
            #[cfg(test)]
            Self::Misbehave(Misbehaviour::Panic) => panic!("the probe fell over"),
            #[cfg(test)]
            Self::Misbehave(Misbehaviour::Hang) => std::future::pending().await,
        }
    }
}
