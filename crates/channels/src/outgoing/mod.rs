//! Requests to addresses that a team configured: guarded, bounded in time, repeated where that helps.
//!
//! An address may be a secret (a webhook's URL is one), so that no error and no log holds one. Nothing
//! follows a redirect: it could lead anywhere, with the signature and the message in hand.

mod address;
mod guard;
mod request;
mod retry;
mod secrets;

use std::sync::OnceLock;
use std::time::Duration;

use common::aws::Aws;
use common::secret::SecretRef;
use reqwest::{Client, ClientBuilder};

pub use address::is_public;
pub use guard::UrlError;
pub(crate) use request::{Request, send};
pub use request::{Trouble, post_json};

/// Connecting alone.
const CONNECT: Duration = Duration::from_secs(3);
/// One try, to the last byte of the answer.
const TRY: Duration = Duration::from_secs(8);
/// Between two requests to one host.
const IDLE: Duration = Duration::from_secs(20);

/// The HTTP client of a function, built when first needed.
#[derive(Debug, Default)]
pub struct Http {
    allow_private: bool,
    client: OnceLock<Result<Client, String>>,
    secrets: secrets::Secrets,
}

impl Http {
    /// A client. `allow_private` lets it speak to private addresses and without TLS: for a local AWS.
    pub fn new(allow_private: bool) -> Self {
        Self {
            allow_private,
            client: OnceLock::new(),
            secrets: secrets::Secrets::default(),
        }
    }

    /// The client; reading the system's certificates costs milliseconds, which nobody pays who sends
    /// nothing.
    fn client(&self) -> Result<&Client, String> {
        self.client
            .get_or_init(|| self.build())
            .as_ref()
            .map_err(Clone::clone)
    }

    fn build(&self) -> Result<Client, String> {
        // An error says that another part of the process has chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        ClientBuilder::new()
            .user_agent(concat!("deploy-hooks/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .https_only(!self.allow_private)
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .dns_resolver(guard::Resolver::new(self.allow_private))
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
    pub(crate) async fn secret(&self, reference: &SecretRef) -> Result<String, String> {
        self.http.secrets.read(self.aws, reference).await
    }

    /// Builds the HTTP client, for whoever has time before it is needed.
    pub(crate) fn warm(&self) {
        // If there is none, the delivery says so.
        let _ = self.http.client();
    }
}

/// Slack's API.
pub const SLACK_API: &str = "https://slack.com/api";
