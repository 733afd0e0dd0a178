//! The records in the state table: one of each service that ever slept, and what people asked for.
//!
//! All writes go through here, so this is where the worst mistake is prevented: what was saved can't be replaced by
//! something else while the record says going down or down.

use std::collections::HashMap;

use common::state::{CreateOutcome, Item, Key, ReplaceOutcome, StateError, Table};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::resource::Resource;
use crate::schedule_overrides::{MAX_REQUEST_LENGTH, OverrideRequest};
use crate::sleep_record::SleepRecord;

/// A record must not expire while its service sleeps, and each replacement keeps its expiry: so it is kept practically for
/// ever. There is one small item for each service.
const RECORD_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365 * 50);
/// Requests are kept longer than they are valid, by more than the longest request: a request that is gone no longer
/// replaces anything, and what it has replaced would be valid again. A month's `down`, ended by an
/// hour's `up`, must not come back after that hour.
const REQUEST_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 40);
const _: () = assert!(REQUEST_LIFETIME.as_secs() > MAX_REQUEST_LENGTH.as_secs());
/// Reads at once.
const CONCURRENT_READS: usize = 32;
const REQUESTS: &str = "environments";

/// The records.
#[derive(Clone, Copy, Debug)]
pub struct RecordStore<'a> {
    /// The state table.
    pub table: Table<'a>,
}

/// Whether a record was written.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it is matched at once")]
pub enum Written {
    /// It was; this is it.
    Yes(Item<SleepRecord>),
    /// Another run was faster; nothing was written.
    Lost,
}

/// Why a record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The table could not be used.
    #[error("{0}")]
    State(#[from] StateError),
    /// A defect. Nothing was written.
    #[error(
        "the record of {arn} says {phase:?}, and what was saved must not be replaced; please report this"
    )]
    Guarded {
        /// Whose.
        arn: String,
        /// What it says.
        phase: crate::sleep_record::Phase,
    },
}

impl RecordStore<'_> {
    /// The record of a service.
    pub async fn record(&self, arn: &str) -> Result<Option<Item<SleepRecord>>, StateError> {
        self.table.get(&key(arn)).await
    }

    /// The records of many, and what could not be read, by ARN.
    pub async fn records(
        &self,
        arns: impl IntoIterator<Item = String>,
    ) -> (HashMap<String, SleepRecord>, Vec<(String, StateError)>) {
        let read = stream::iter(arns)
            .map(|arn| async move {
                let item = self.record(&arn).await;
                (arn, item)
            })
            .buffer_unordered(CONCURRENT_READS);
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

    /// Writes a record over `before` (or over nothing), and over nothing else.
    pub async fn write(
        &self,
        resource: &Resource,
        before: Option<&Item<SleepRecord>>,
        record: SleepRecord,
    ) -> Result<Written, RecordError> {
        let Some(before) = before else {
            return self.create(record).await;
        };
        let old = &before.value;
        if old.phase.guards() && old.is_about(resource) && old.was != record.was {
            return Err(RecordError::Guarded {
                arn: resource.arn.clone(),
                phase: old.phase,
            });
        }
        let written = Item {
            key: before.key.clone(),
            version: before.version + 1,
            value: record,
        };
        match self.table.replace(before, &written.value).await? {
            ReplaceOutcome::Yes => Ok(Written::Yes(written)),
            // The answer to our own try may have been lost.
            ReplaceOutcome::Lost => self.perhaps_ours(&written.value).await,
        }
    }

    async fn create(&self, record: SleepRecord) -> Result<Written, RecordError> {
        let key = key(&record.arn);
        let expires = record
            .since
            .checked_add(RECORD_LIFETIME)
            .unwrap_or(Timestamp::MAX);
        match self.table.create(&key, &record, expires).await? {
            CreateOutcome::New => Ok(Written::Yes(Item {
                key,
                version: 1,
                value: record,
            })),
            CreateOutcome::Exists(item) => Ok(ours(Some(item), &record)),
        }
    }

    async fn perhaps_ours(&self, record: &SleepRecord) -> Result<Written, RecordError> {
        let item = self.record(&record.arn).await?;
        Ok(ours(item, record))
    }

    /// What people asked for and that still holds, or did in the last weeks; and what of it can't be
    /// read, which is among the requests as [`RequestKind::Unreadable`](crate::schedule_overrides::RequestKind::Unreadable).
    pub async fn requests(&self) -> Result<(Vec<OverrideRequest>, Vec<StateError>), StateError> {
        let items = self.table.list_each(REQUESTS, "request#").await?;
        let (mut requests, mut unreadable) = (Vec::new(), Vec::new());
        for item in items {
            requests.push(match item {
                Ok(Item { value, .. }) => value,
                Err(error) => {
                    unreadable.push(error);
                    OverrideRequest::unreadable()
                }
            });
        }
        Ok((requests, unreadable))
    }

    /// Stores what somebody asks for. The same id twice is one request: returns the one that counts, which may be the
    /// earlier one.
    pub async fn request(&self, request: &OverrideRequest) -> Result<OverrideRequest, StateError> {
        let key = Key::new(REQUESTS, format!("request#{}", request.id));
        let expires = request.until.checked_add(REQUEST_LIFETIME);
        let expires = expires.unwrap_or(Timestamp::MAX);
        Ok(match self.table.create(&key, request, expires).await? {
            CreateOutcome::New => request.clone(),
            CreateOutcome::Exists(earlier) => earlier.value,
        })
    }
}

/// A run names itself while it acts, so an equal value is our own; or says the same, which is as good.
fn ours(item: Option<Item<SleepRecord>>, record: &SleepRecord) -> Written {
    match item {
        Some(item) if item.value == *record => Written::Yes(item),
        _ => Written::Lost,
    }
}

fn key(arn: &str) -> Key {
    Key::new(format!("service#{arn}"), "sleep")
}
