//! Sending each message once to each recipient: claim, send, note. Whoever sends has claimed before, so that of many who try
//! at once one sends; a failure is noted and costs nobody else anything.
//!
//! Where it can't be written down that a message was sent, it is sent again after the claim has run out: twice is better
//! than never.

use std::fmt;
use std::time::Duration;

use common::state::StateError;
use futures::future::join_all;
use jiff::Timestamp;
use ledger::{Claim, ClaimGuard, Ledger};
use serde_json::Value;
use signing::OpaqueId;
use tokio::time::Instant;

use crate::recipient::Recipient;
use crate::texts::Texts;
use crate::{DeliverError, DeliveryMode, DeliveryRequest, Message, Outgoing, deliver, prepare};

/// How often a delivery by another invocation is looked at.
const BUSY_PAUSE: Duration = Duration::from_millis(400);

/// What each recipient gets once.
#[derive(Debug, Clone, Copy)]
pub enum MessageKey<'a> {
    /// A message about a case or an offer, by its opaque id, and the message's name: `ask`, `reminder-1`, `notice`.
    About(&'a OpaqueId, &'a str),
    /// A message that is passed on, by its own id.
    Forwarded(&'a str),
}

/// How messages are sent once.
#[derive(Clone, Copy)]
pub struct Dispatcher<'a> {
    /// Where claims are written.
    pub ledger: Ledger<'a>,
    /// The ways out.
    pub outgoing: Outgoing<'a>,
    /// How long a delivery by another invocation is waited for; none: it is left to that one.
    pub busy_timeout: Option<Duration>,
    /// After so many failed tries a message is given up.
    pub max_tries: u32,
}

/// A message for one recipient.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    /// The message.
    pub message: &'a Message<'a>,
    /// Its words.
    pub texts: &'a Texts,
    /// How it stands to what was sent before.
    pub mode: DeliveryMode<'a>,
    /// Whether it is too late to send it.
    pub is_late: &'a (dyn Fn() -> bool + Sync),
}

/// Whether a delivery is to be made.
#[derive(Debug)]
pub enum DeliveryClaim {
    /// Yes, by the caller, who uses the claim or gives it back.
    Granted(ClaimGuard),
    /// It was made before; what the channel calls the message.
    Before(Option<Value>),
    /// No: somebody else is at it, or it was given up.
    Left,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The state table.
    #[error(transparent)]
    State(#[from] StateError),
    /// Another invocation is sending the same.
    #[error(
        "{what} is being sent to {recipient} by another invocation since {since}; if that one has died, this one takes \
         over when Lambda runs it again"
    )]
    Busy {
        /// What is sent.
        what: String,
        /// To whom.
        recipient: String,
        /// Since when.
        since: Timestamp,
    },
    /// A channel has not taken a message.
    #[error("{what} was not sent to {recipient}: {error}")]
    Undelivered {
        /// What was to be sent.
        what: String,
        /// To whom.
        recipient: String,
        /// Why, and what to do about it.
        error: DeliverError,
    },
}

impl MessageKey<'_> {
    async fn claim(self, ledger: &Ledger<'_>, to: &Recipient) -> Result<Claim, StateError> {
        match self {
            Self::About(id, name) => ledger.claim_delivery(id, name, &to.key).await,
            Self::Forwarded(id) => ledger.claim_message(id, &to.key).await,
        }
    }

    /// What makes the message one for a receiver that gets it twice.
    fn id(self) -> String {
        match self {
            Self::About(id, name) => format!("{id}-{name}"),
            Self::Forwarded(id) => format!("message-{id}"),
        }
    }
}

impl fmt::Display for MessageKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::About(id, name) => write!(f, "{name} of {id}"),
            Self::Forwarded(id) => write!(f, "the message {id}"),
        }
    }
}

impl Dispatcher<'_> {
    /// Claims a delivery to each recipient. Claims that were granted must be used or given back.
    ///
    /// Waits for nobody: two that hold some claims each and wait for the others' would wait for ever.
    pub async fn claim_all(
        &self,
        what: MessageKey<'_>,
        to: &[Recipient],
    ) -> Vec<Result<Claim, StateError>> {
        let claims = to.iter().map(|to| Box::pin(what.claim(&self.ledger, to)));
        join_all(claims).await
    }

    /// Gives claims back that will not be used, so that the next try need not wait for their end.
    pub async fn give_back(&self, claims: Vec<Result<Claim, StateError>>, why: &str) {
        let granted = claims.into_iter().filter_map(|claim| match claim {
            Ok(Claim::Granted(claim)) => Some(claim),
            _ => None,
        });
        join_all(granted.map(|claim| self.failed(claim, why))).await;
    }

    async fn failed(&self, claim: ClaimGuard, why: &str) {
        if let Err(error) = self.ledger.delivery_failed(claim, why).await {
            tracing::warn!("a claim could not be given back and runs out by itself: {error}");
        }
    }

    /// Reads what the deliveries will need while something else is waited for.
    pub async fn prepare(&self, to: &[Recipient]) {
        let preparing = to
            .iter()
            .map(|to| Box::pin(prepare(&self.outgoing, &to.channel)));
        join_all(preparing).await;
    }

    /// Claims a delivery to one recipient. Who waits for others holds no other claim.
    pub async fn claim(
        &self,
        what: MessageKey<'_>,
        to: &Recipient,
    ) -> Result<DeliveryClaim, DispatchError> {
        let until = self.busy_timeout.map(|timeout| Instant::now() + timeout);
        loop {
            let since = match what.claim(&self.ledger, to).await? {
                Claim::Granted(claim) if claim.tries() > self.max_tries => {
                    self.ledger.delivery_failed(claim, "given up").await?;
                    return Ok(DeliveryClaim::Left);
                }
                Claim::Granted(claim) => return Ok(DeliveryClaim::Granted(claim)),
                Claim::AlreadySent(delivery) => {
                    return Ok(DeliveryClaim::Before(delivery.message_ref));
                }
                Claim::Busy { since } => since,
            };
            let Some(until) = until else {
                return Ok(DeliveryClaim::Left);
            };
            if Instant::now() + BUSY_PAUSE >= until {
                return Err(DispatchError::Busy {
                    what: what.to_string(),
                    recipient: to.key.clone(),
                    since,
                });
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    }

    /// Sends a message, unless the recipient has it. Returns what the channel calls it.
    pub async fn send(
        &self,
        what: MessageKey<'_>,
        to: &Recipient,
        post: Post<'_>,
    ) -> Result<Option<Value>, DispatchError> {
        if (post.is_late)() {
            return Ok(None);
        }
        match self.claim(what, to).await? {
            DeliveryClaim::Before(message_ref) => Ok(message_ref),
            DeliveryClaim::Left => Ok(None),
            // Claiming took its time.
            DeliveryClaim::Granted(claim) if (post.is_late)() => {
                self.ledger.delivery_failed(claim, "too late").await?;
                Ok(None)
            }
            DeliveryClaim::Granted(claim) => self.send_claimed(what, (to, claim), post).await,
        }
    }

    /// Sends what was claimed, and notes what came of it.
    pub async fn send_claimed(
        &self,
        what: MessageKey<'_>,
        (to, claim): (&Recipient, ClaimGuard),
        post: Post<'_>,
    ) -> Result<Option<Value>, DispatchError> {
        let request = DeliveryRequest {
            channel: &to.channel,
            message: post.message,
            texts: post.texts,
            mode: post.mode,
            id: &what.id(),
        };
        let (recipient, tries) = (to.key.as_str(), claim.tries());
        match Box::pin(deliver(&self.outgoing, &request)).await {
            Ok(delivered) => {
                tracing::info!(recipient, tries, "sent {what}");
                // Lost: it took longer than the lease. It was sent all the same.
                let message_ref = delivered.message_ref;
                self.ledger.delivered(claim, message_ref.clone()).await?;
                Ok(message_ref)
            }
            Err(error) => {
                self.failed(claim, &error.to_string()).await;
                Err(DispatchError::Undelivered {
                    what: what.to_string(),
                    recipient: recipient.to_owned(),
                    error,
                })
            }
        }
    }
}
