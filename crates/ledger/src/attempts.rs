//! How often somebody has tried. Whoever holds a link may send it again without end; the audit lists the
//! first attempts one by one and then says how many more there were, so that it can't be filled.

use common::state::{CreateOutcome, Item, Key, ReplaceOutcome, StateError};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

use crate::{Actor, AuditKind, AuditRecord, Ledger, partition};

/// Attempts of one approver at one case that are listed one by one.
pub const MAX_ATTEMPTS: u32 = 20;

const PREFIX: &str = "attempts#";

/// The attempts of one approver at one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Attempts {
    voter: Actor,
    count: u32,
    first: Timestamp,
    last: Timestamp,
}

impl Ledger<'_> {
    /// Adds a record of an attempt that has decided nothing to the audit of its case, or only counts it
    /// where its approver has tried often.
    pub async fn audit_attempt<D>(&self, record: &AuditRecord<D>) -> Result<(), StateError>
    where
        D: Serialize + DeserializeOwned,
    {
        let Some(voter) = record.by.first() else {
            return self.audit(record).await;
        };
        let listed = match self.attempt(&record.case, voter).await {
            Ok(count) => count <= MAX_ATTEMPTS,
            Err(error) => {
                tracing::warn!("an attempt could not be counted: {error}");
                true
            }
        };
        if listed {
            self.audit(record).await
        } else {
            Ok(())
        }
    }

    async fn attempt(&self, id: &OpaqueId, voter: &Actor) -> Result<u32, StateError> {
        let key = Key::new(partition(id), format!("{PREFIX}{}", voter.approver));
        let now = self.now();
        let first = Attempts {
            voter: voter.clone(),
            count: 1,
            first: now,
            last: now,
        };
        let expires = now + self.audit_retention;
        let there = match self.table.create(&key, &first, expires).await? {
            CreateOutcome::New => return Ok(1),
            CreateOutcome::Exists(there) => there,
        };
        let next = Attempts {
            count: there.value.count.saturating_add(1),
            last: now,
            ..there.value.clone()
        };
        // Lost: another attempt at the same moment was counted.
        let (ReplaceOutcome::Yes | ReplaceOutcome::Lost) =
            self.table.replace(&there, &next).await?;
        Ok(next.count)
    }

    /// What the audit has only counted, an entry for each approver.
    pub(crate) async fn counted_attempts<D: Default>(
        &self,
        id: &OpaqueId,
    ) -> Result<Vec<AuditRecord<D>>, StateError> {
        let items: Vec<Item<Attempts>> = self.table.list(&partition(id), PREFIX).await?;
        let many = items.into_iter().map(|item| item.value);
        let many = many.filter(|attempts| attempts.count > MAX_ATTEMPTS);
        let entry = |attempts: Attempts| {
            let more = attempts.count - MAX_ATTEMPTS;
            let result = format!(
                "{more} more attempts, the first of all at {}; they decided nothing and are not listed one by one",
                attempts.first
            );
            AuditRecord {
                by: vec![attempts.voter],
                ..AuditRecord::new(AuditKind::Click, id.clone(), attempts.last, result)
            }
        };
        Ok(many.map(entry).collect())
    }
}
