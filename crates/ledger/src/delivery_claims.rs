//! One message to one channel, sent once: whoever delivers claims it first. A claim is a lease, as its
//! owner may die; then somebody else takes it over.

use std::cmp::min;

use common::state::{CreateOutcome, Item, Key, ReplaceOutcome, StateError};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signing::OpaqueId;

use crate::{Ledger, RETENTION, partition};

/// How long a claim holds without a result: longer than any delivery with its retries.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// A reason is kept up to so many bytes.
const MAX_REASON: usize = 500;

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Somebody is at it.
    Sending,
    /// The channel has taken it.
    Sent,
    /// It did not work; anybody may try again.
    Failed,
}

/// One message to one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// How far it has come.
    pub state: DeliveryState,
    /// Since when.
    pub since: Timestamp,
    /// What the channel calls the message, to update it or answer to it later.
    pub message_ref: Option<Value>,
    /// How often it was tried.
    pub tries: u32,
    /// Why it failed last.
    pub why: Option<String>,
    /// Names the claim, so that whoever made it recognises it after a lost answer.
    #[serde(default)]
    nonce: String,
}

/// A claim that was granted: to be given back to [`Ledger::delivered`] or [`Ledger::delivery_failed`].
#[derive(Debug)]
#[must_use = "a claim ends in delivered or delivery_failed"]
pub struct ClaimGuard(Item<Delivery>);

impl ClaimGuard {
    /// How often it was tried, this time included.
    pub fn tries(&self) -> u32 {
        self.0.value.tries
    }
}

/// Whether a delivery may be made now.
#[derive(Debug)]
pub enum Claim {
    /// Yes, by the caller, within [`LEASE`].
    Granted(ClaimGuard),
    /// No: it was made.
    AlreadySent(Delivery),
    /// Not now: somebody else is at it.
    Busy {
        /// Since when.
        since: Timestamp,
    },
}

impl Ledger<'_> {
    /// Claims the delivery of `occasion` (`ask`, `reminder-1`, …) to `channel`.
    pub async fn claim_delivery(
        &self,
        id: &OpaqueId,
        occasion: &str,
        channel: &str,
    ) -> Result<Claim, StateError> {
        self.claim(key(id, occasion, channel)).await
    }

    /// Claims passing a message on to `channel`, one that is about no case; `message` is its own id.
    pub async fn claim_message(&self, message: &str, channel: &str) -> Result<Claim, StateError> {
        let key = Key::new(
            format!("message#{message}"),
            format!("delivery#plain#{channel}"),
        );
        self.claim(key).await
    }

    async fn claim(&self, key: Key) -> Result<Claim, StateError> {
        let mut value = Delivery {
            state: DeliveryState::Sending,
            since: self.now(),
            message_ref: None,
            tries: 1,
            why: None,
            nonce: (self.new_id)(),
        };
        let known = match self
            .table
            .create(&key, &value, self.now() + RETENTION)
            .await?
        {
            CreateOutcome::New => {
                let version = 1;
                return Ok(Claim::Granted(ClaimGuard(Item {
                    key,
                    version,
                    value,
                })));
            }
            // Our own first try, whose answer was lost.
            CreateOutcome::Exists(known) if known.value.nonce == value.nonce => {
                return Ok(Claim::Granted(ClaimGuard(known)));
            }
            CreateOutcome::Exists(known) => known,
        };
        match known.value.state {
            DeliveryState::Sent => return Ok(Claim::AlreadySent(known.value)),
            DeliveryState::Sending if self.now() < known.value.since + LEASE => {
                let since = known.value.since;
                return Ok(Claim::Busy { since });
            }
            DeliveryState::Sending | DeliveryState::Failed => {}
        }
        value.tries = known.value.tries.saturating_add(1);
        value.why.clone_from(&known.value.why);
        match self.table.replace(&known, &value).await? {
            ReplaceOutcome::Yes => Ok(Claim::Granted(ClaimGuard(Item {
                key,
                version: known.version + 1,
                value,
            }))),
            ReplaceOutcome::Lost => {
                let present: Option<Item<Delivery>> = self.table.get(&key).await?;
                let own = present.filter(|item| item.value.nonce == value.nonce);
                Ok(own.map_or(Claim::Busy { since: value.since }, |item| {
                    Claim::Granted(ClaimGuard(item))
                }))
            }
        }
    }

    /// The channel has taken the message. Lost: the lease was over, and somebody else has taken the
    /// delivery over.
    pub async fn delivered(
        &self,
        claim: ClaimGuard,
        message_ref: Option<Value>,
    ) -> Result<ReplaceOutcome, StateError> {
        let value = Delivery {
            state: DeliveryState::Sent,
            since: self.now(),
            message_ref,
            tries: claim.0.value.tries,
            why: None,
            nonce: claim.0.value.nonce.clone(),
        };
        self.table.replace(&claim.0, &value).await
    }

    /// The channel has not taken the message; anybody may claim the delivery again.
    pub async fn delivery_failed(
        &self,
        claim: ClaimGuard,
        why: &str,
    ) -> Result<ReplaceOutcome, StateError> {
        let why = &why[..why.floor_char_boundary(min(why.len(), MAX_REASON))];
        let value = Delivery {
            state: DeliveryState::Failed,
            since: self.now(),
            message_ref: None,
            tries: claim.0.value.tries,
            why: Some(why.to_owned()),
            nonce: claim.0.value.nonce.clone(),
        };
        self.table.replace(&claim.0, &value).await
    }

    /// A delivery, if it was ever claimed: for example to find the message that is to be updated.
    pub async fn delivery(
        &self,
        id: &OpaqueId,
        occasion: &str,
        channel: &str,
    ) -> Result<Option<Delivery>, StateError> {
        let item = self.table.get(&key(id, occasion, channel)).await?;
        Ok(item.map(|item| item.value))
    }

    /// Everything that was sent, or tried, about a case: occasion, channel, delivery.
    pub async fn deliveries(
        &self,
        id: &OpaqueId,
    ) -> Result<Vec<(String, String, Delivery)>, StateError> {
        let items = self.table.list(&partition(id), "delivery#").await?;
        let named = |item: Item<Delivery>| {
            let name = item.key.sk.strip_prefix("delivery#")?;
            let (occasion, channel) = name.split_once('#')?;
            Some((occasion.to_owned(), channel.to_owned(), item.value))
        };
        Ok(items.into_iter().filter_map(named).collect())
    }
}

fn key(id: &OpaqueId, occasion: &str, channel: &str) -> Key {
    Key::new(partition(id), format!("delivery#{occasion}#{channel}"))
}
