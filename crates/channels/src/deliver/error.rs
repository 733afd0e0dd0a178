//! Why a message is not there. No secret is in an error: addresses and tokens are masked even where a
//! service sends them back.

use common::secret::SecretError;
use url::Url;

use crate::outgoing::RequestError;
use crate::standard_webhooks::KeyError;

/// A message that could not be delivered.
#[derive(Debug, thiserror::Error)]
#[error("the channel {channel:?} could not be reached: {cause}")]
pub struct DeliverError {
    /// The channel.
    pub channel: String,
    /// Whether it may succeed later.
    pub retryable: bool,
    /// Why.
    #[source]
    pub cause: Cause,
}

/// Why a message could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// A secret of the channel can't be had.
    #[error("its secret could not be read: {0}")]
    Secret(Box<SecretError>),
    /// The signing secret is none.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// The request failed.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// Slack refuses.
    #[error("Slack answered {code}; {remedy}")]
    Slack {
        /// Slack's code.
        code: String,
        /// What to do.
        remedy: &'static str,
    },
    /// An AWS call failed.
    #[error("{detail}")]
    Aws {
        /// What and why, with the remedy.
        detail: String,
        /// Whether it may succeed later.
        retryable: bool,
    },
    /// The answer is none that the service gives.
    #[error("it answered something that can't be understood; check its address")]
    Answer,
    /// The time is over.
    #[error("the time for it was over")]
    Slow,
}

impl DeliverError {
    pub(super) fn new(channel: &str, cause: Cause) -> Self {
        Self {
            channel: channel.to_owned(),
            retryable: cause.retryable(),
            cause,
        }
    }
}

impl Cause {
    /// Whether the same message may be delivered later.
    pub fn retryable(&self) -> bool {
        match self {
            // A permission is given, a value stored: the next try reads it again.
            Self::Secret(_) | Self::Slow => true,
            Self::Key(_) | Self::Answer => false,
            Self::Request(error) => error.retryable(),
            Self::Slack { code, .. } => super::slack_bot::passes(code),
            Self::Aws { retryable, .. } => *retryable,
        }
    }

    /// The same without a secret that the service may have sent back.
    pub(super) fn masked(self, secrets: &[&str]) -> Self {
        let mask = |text: String| {
            secrets
                .iter()
                .fold(text, |text, secret| masked(&text, secret))
        };
        match self {
            Self::Request(RequestError::Status { status, said }) => {
                Self::Request(RequestError::Status {
                    status,
                    said: mask(said),
                })
            }
            Self::Slack { code, remedy } => Self::Slack {
                code: mask(code),
                remedy,
            },
            cause => cause,
        }
    }
}

/// Shorter parts of a URL are words.
const MIN_MASKED_PART: usize = 8;

fn masked(text: &str, secret: &str) -> String {
    let mut parts = vec![secret.to_owned()];
    if let Ok(url) = Url::parse(secret) {
        parts.extend(url.query().map(str::to_owned));
        parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        parts.extend(url.path_segments().into_iter().flatten().map(str::to_owned));
    }
    let parts = parts.iter().filter(|part| part.len() >= MIN_MASKED_PART);
    parts.fold(text.to_owned(), |text, part| {
        text.replace(part.as_str(), "***")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_comes_back_is_masked() {
        let url = "https://example.com/hooks/T0123456789/abcdefghij?sig=s3cr3t-s3cr3t";
        let said = format!("no such hook: {url}, nor abcdefghij with s3cr3t-s3cr3t at hooks");
        let why = Cause::Request(RequestError::Status { status: 404, said });
        let told = DeliverError::new("room", why.masked(&[url])).to_string();
        insta::assert_snapshot!(told, @r#"the channel "room" could not be reached: it answered HTTP 404: no such hook: ***, nor *** with *** at hooks"#);
    }
}
