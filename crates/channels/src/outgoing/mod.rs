//! Requests to addresses that a team configured: guarded, bounded in time, repeated where that helps.
//!
//! An address may be a secret (a webhook's URL is one), so that no error and no log holds one. Nothing
//! follows a redirect: it could lead anywhere, with the signature and the message in hand.

mod backoff;
mod guard;
mod request;
mod secrets;
mod slack_host;

use std::sync::OnceLock;
use std::time::Duration;

use common::aws::Aws;
use common::secret::{SecretError, SecretRef};
use reqwest::{Client, ClientBuilder};

pub use guard::UrlError;
pub use public_address::is_public;
pub(crate) use request::Destination;
pub(crate) use request::{Request, send};
pub use request::{RequestError, answer_slack};
pub use slack_host::leads_to_slack;

/// Connecting alone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// One try, to the last byte of the answer.
const TRY_TIMEOUT: Duration = Duration::from_secs(8);
/// Between two requests to one host.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The HTTP client of a function, built when first needed.
#[derive(Debug, Default)]
pub struct Http {
    allow_private: bool,
    /// One that goes to public addresses only, and one that goes anywhere.
    clients: [OnceLock<Result<Client, String>>; 2],
    secrets: secrets::Secrets,
}

impl Http {
    /// A client. `allow_private` lets it speak to webhooks at private addresses and without TLS; never to
    /// Slack, whose hosts are known.
    pub fn new(allow_private: bool) -> Self {
        Self {
            allow_private,
            clients: [OnceLock::new(), OnceLock::new()],
            secrets: secrets::Secrets::default(),
        }
    }

    /// The client; reading the system's certificates costs milliseconds, which nobody pays who sends
    /// nothing.
    fn client(&self, allow_private: bool) -> Result<&Client, String> {
        self.clients[usize::from(allow_private)]
            .get_or_init(|| Self::build(allow_private))
            .as_ref()
            .map_err(Clone::clone)
    }

    fn build(allow_private: bool) -> Result<Client, String> {
        // An error says that another part of the process has chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        ClientBuilder::new()
            .user_agent(concat!("deploy-hooks/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .https_only(!allow_private)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .dns_resolver(guard::Resolver::new(allow_private))
            .build()
            .map_err(|error| format!("no HTTP client: {}", error.without_url()))
    }
}

/// The ways out, and how long one delivery may take.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// For mails, topics and secrets.
    pub aws: &'a Aws,
    /// For everything else.
    pub http: &'a Http,
    /// Slack's API, `https://slack.com/api`.
    pub slack_api: &'a str,
    /// For one delivery with all its tries.
    pub within: Duration,
}

impl Outgoing<'_> {
    /// A secret of a channel; one that was read within the last minute is not read again.
    pub(crate) async fn secret(&self, reference: &SecretRef) -> Result<String, Box<SecretError>> {
        let read = self.http.secrets.read(self.aws, reference).await;
        read.map_err(Box::new)
    }

    /// Builds the HTTP client, for whoever has time before it is needed.
    pub(crate) fn warm(&self) {
        // If there is none, the delivery says so.
        let _ = self.http.client(self.http.allow_private);
    }
}

/// Slack's API.
pub const SLACK_API: &str = "https://slack.com/api";
