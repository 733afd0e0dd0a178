//! Slack's requests. Slack waits three seconds: within two a request is verified, taken in once, and handed
//! to an invocation of its own. Everything that this takes, also reading the configuration and the signing
//! secret, is within that limit.

use std::time::Duration;

use common::aws::Aws;
use common::secret::{self, SecretError, SecretRef};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signing::slack_signature::{NoSecret, SignedRequest, SigningSecret, verify};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::{Request, Response};

/// Slack waits three seconds; the way there and back takes its part.
const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(2);
/// A message with all its blocks comes back with each click; ours have some ten kilobytes.
const MAX_BODY: usize = 256 * 1024;
/// A signature is remembered for longer than it counts.
pub const SIGNATURE_TTL: SignedDuration = SignedDuration::from_mins(15);
/// The signing secret is read again after this long, so that a new one is noticed.
const CACHE_TTL: SignedDuration = SignedDuration::from_mins(5);

/// Why a request of Slack could not be taken in: for the log, as Slack hears only that it failed.
#[derive(Debug, thiserror::Error)]
pub enum ReceptionError {
    /// The time was over before the signing secret was read.
    #[error("no signing secret within {0:?}")]
    SecretTimeout(Duration),
    /// The signing secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// What was read is no signing secret.
    #[error(transparent)]
    NoSecret(#[from] NoSecret),
    /// The function's own work failed: its configuration, its records, its keys or its call of itself.
    #[error(transparent)]
    Function(Box<dyn std::error::Error + Send + Sync>),
}

impl ReceptionError {
    /// Of the function's own work.
    pub fn of(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Function(error.into())
    }
}

/// The signing secret of a function that lives for many invocations.
#[derive(Debug, Default)]
pub struct SecretCache(Mutex<Option<(Timestamp, SigningSecret)>>);

impl SecretCache {
    /// The secret; none if `reference` finds none. `reference` is asked only where nothing is cached.
    async fn read(
        &self,
        aws: &Aws,
        now: Timestamp,
        reference: impl Future<Output = Result<Option<SecretRef>, ReceptionError>>,
    ) -> Result<Option<SigningSecret>, ReceptionError> {
        let mut cached = self.0.lock().await;
        if let Some((read, secret)) = &*cached
            && now.duration_since(*read).abs() < CACHE_TTL
        {
            return Ok(Some(secret.clone()));
        }
        let Some(reference) = Box::pin(reference).await? else {
            return Ok(None);
        };
        let text = secret::read(aws, &reference).await?;
        let secret = SigningSecret::new(&text)?;
        *cached = Some((now, secret.clone()));
        Ok(Some(secret))
    }
}

/// One request of Slack, under its time limit.
#[derive(Debug, Clone, Copy)]
pub struct Reception<'a> {
    request: &'a Request,
    aws: &'a Aws,
    now: Timestamp,
    deadline: Instant,
}

impl<'a> Reception<'a> {
    /// The time begins to run.
    pub fn begin(request: &'a Request, aws: &'a Aws, now: Timestamp) -> Self {
        Self {
            request,
            aws,
            now,
            deadline: Instant::now() + ACKNOWLEDGE_TIMEOUT,
        }
    }

    /// Whether the request comes from Slack; if not, what it is answered. `reference` says where the signing
    /// secret is kept, or that there is no Slack.
    pub async fn verify(
        &self,
        cache: &SecretCache,
        reference: impl Future<Output = Result<Option<SecretRef>, ReceptionError>>,
    ) -> Result<(), Response> {
        let request = self.request;
        if request.method != "POST" {
            return Err(Response::only("POST"));
        }
        if request.oversized || request.body.len() > MAX_BODY {
            return Err(Response::empty(413));
        }
        let secret = timeout_at(self.deadline, cache.read(self.aws, self.now, reference)).await;
        let late = |_| Err(ReceptionError::SecretTimeout(ACKNOWLEDGE_TIMEOUT));
        let secret = match secret.unwrap_or_else(late) {
            Ok(Some(secret)) => secret,
            Ok(None) => return Err(Response::not_found()),
            Err(why) => {
                tracing::error!("no request of Slack can be taken in: {why}");
                return Err(Response::empty(503));
            }
        };
        let signed = SignedRequest {
            timestamp: request.header("x-slack-request-timestamp"),
            signature: request.header("x-slack-signature"),
            body: &request.body,
        };
        verify(&secret, &signed, self.now).map_err(|refused| {
            tracing::warn!("a request was refused that does not come from Slack: {refused}");
            Response::empty(401)
        })
    }

    /// The request's signature, by which it is known when it comes again.
    pub fn signature(&self) -> &str {
        self.request.header("x-slack-signature").unwrap_or_default()
    }

    /// Takes the request in by `taking`, which says whether it came for the first time; if it isn't taken in,
    /// what it is answered. There is no way to say anything to a person in this answer; a status of failure
    /// makes Slack show a warning.
    pub async fn take_in(
        &self,
        taking: impl Future<Output = Result<bool, ReceptionError>>,
    ) -> Result<(), Response> {
        match timeout_at(self.deadline, Box::pin(taking)).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => {
                tracing::warn!("a request was refused that came before");
                Err(Response::empty(401))
            }
            Ok(Err(why)) => {
                tracing::error!("a request of Slack could not be taken in: {why}");
                Err(Response::empty(503))
            }
            Err(_) => {
                tracing::error!(
                    "a request of Slack could not be taken in within {ACKNOWLEDGE_TIMEOUT:?}"
                );
                Err(Response::empty(503))
            }
        }
    }
}

/// A text that only the person sees who has sent the request. Slack's own signs are made harmless.
pub fn message(text: &str) -> Value {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    json!({
        "response_type": "ephemeral",
        "replace_original": false,
        "text": text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_does_nothing_in_slack() {
        let message = message("<!channel> & <@U1>");
        assert_eq!(message["text"], "&lt;!channel&gt; &amp; &lt;@U1&gt;");
    }
}
