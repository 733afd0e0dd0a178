//! The records in the state table: one of each service that ever slept, and what people asked for.
//!
//! The guard against the worst mistake stands here, at the only door: what was saved can't be replaced
//! by something else while the record says going down or down.

use std::collections::HashMap;

use common::state::{Created, Item, Key, Replaced, StateError, Table};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::facts::Service;
use crate::memory::Memory;
use crate::overrides::{LONGEST_REQUEST, Request};

/// A record must not vanish while its service sleeps, and each replacement keeps its lifetime: so it
/// lives practically for ever. There is one small item for each service.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 365 * 50);
/// Requests are kept longer than they hold, by more than the longest request: a request that is gone
/// replaces nothing any more, and what it has replaced would hold again. A month's `down`, ended by an
/// hour's `up`, must not come back after that hour.
const REQUEST_KEPT: SignedDuration = SignedDuration::from_hours(24 * 40);
const _: () = assert!(REQUEST_KEPT.as_secs() > LONGEST_REQUEST.as_secs());
/// Reads at once.
const AT_ONCE: usize = 32;
const REQUESTS: &str = "environments";

/// The records.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    /// Where they lie.
    pub table: Table<'a>,
}

/// Whether a record was written.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it is matched at once")]
pub enum Written {
    /// It was; this is it.
    Yes(Item<Memory>),
    /// Another run was faster; nothing was written.
    Lost,
}

/// Why a record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The table could not be used.
    #[error("{0}")]
    State(#[from] StateError),
    /// A defect: never told to AWS.
    #[error(
        "the record of {arn} says {phase:?}, and what was saved must not be replaced; please report this"
    )]
    Guarded {
        /// Whose.
        arn: String,
        /// What it says.
        phase: crate::memory::Phase,
    },
}

impl Records<'_> {
    /// The record of a service.
    pub async fn memory(&self, arn: &str) -> Result<Option<Item<Memory>>, StateError> {
        self.table.get(&key(arn)).await
    }

    /// The records of many, and what could not be read, by ARN.
    pub async fn memories(
        &self,
        arns: impl IntoIterator<Item = String>,
    ) -> (HashMap<String, Memory>, Vec<(String, StateError)>) {
        let read = stream::iter(arns)
            .map(|arn| async move {
                let item = self.memory(&arn).await;
                (arn, item)
            })
            .buffer_unordered(AT_ONCE);
        let (mut found, mut failed) = (HashMap::new(), Vec::new());
        let read: Vec<_> = read.collect().await;
        for (arn, item) in read {
            match item {
                Ok(Some(item)) => drop(found.insert(arn, item.value)),
                Ok(None) => {}
                Err(error) => failed.push((arn, error)),
            }
        }
        (found, failed)
    }

    /// Writes a record where `before` lies (or nothing), and only there.
    pub async fn write(
        &self,
        service: &Service,
        before: Option<&Item<Memory>>,
        memory: Memory,
    ) -> Result<Written, RecordError> {
        let Some(before) = before else {
            return self.create(memory).await;
        };
        let old = &before.value;
        if old.phase.guards() && old.is_about(service) && old.was != memory.was {
            return Err(RecordError::Guarded {
                arn: service.arn.clone(),
                phase: old.phase,
            });
        }
        let written = Item {
            key: before.key.clone(),
            version: before.version + 1,
            value: memory,
        };
        match self.table.replace(before, &written.value).await? {
            Replaced::Yes => Ok(Written::Yes(written)),
            // The answer to our own try may have been lost.
            Replaced::Lost => self.perhaps_ours(&written.value).await,
        }
    }

    async fn create(&self, memory: Memory) -> Result<Written, RecordError> {
        let key = key(&memory.arn);
        let expires = memory.since.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        match self.table.create(&key, &memory, expires).await? {
            Created::New => Ok(Written::Yes(Item {
                key,
                version: 1,
                value: memory,
            })),
            Created::Exists(item) => Ok(ours(Some(item), &memory)),
        }
    }

    async fn perhaps_ours(&self, memory: &Memory) -> Result<Written, RecordError> {
        let item = self.memory(&memory.arn).await?;
        Ok(ours(item, memory))
    }

    /// What people asked for and that still holds, or did in the last weeks; and what of it can't be
    /// read, which is among the requests as [`Ask::Unreadable`](crate::overrides::Ask::Unreadable).
    pub async fn requests(&self) -> Result<(Vec<Request>, Vec<StateError>), StateError> {
        let items = self.table.list_each(REQUESTS, "request#").await?;
        let (mut requests, mut unreadable) = (Vec::new(), Vec::new());
        for item in items {
            requests.push(match item {
                Ok(Item { value, .. }) => value,
                Err(error) => {
                    unreadable.push(error);
                    Request::unreadable()
                }
            });
        }
        Ok((requests, unreadable))
    }

    /// Remembers what somebody asks for. The same id twice is one request: gives back the one that counts,
    /// which may be the earlier one.
    pub async fn request(&self, request: &Request) -> Result<Request, StateError> {
        let key = Key::new(REQUESTS, format!("request#{}", request.id));
        let expires = request.until.checked_add(REQUEST_KEPT);
        let expires = expires.unwrap_or(Timestamp::MAX);
        Ok(match self.table.create(&key, request, expires).await? {
            Created::New => request.clone(),
            Created::Exists(earlier) => earlier.value,
        })
    }
}

/// A run names itself while it acts, so an equal value is our own; or says the same, which is as good.
fn ours(item: Option<Item<Memory>>, memory: &Memory) -> Written {
    match item {
        Some(item) if item.value == *memory => Written::Yes(item),
        _ => Written::Lost,
    }
}

fn key(arn: &str) -> Key {
    Key::new(format!("service#{arn}"), "sleep")
}
