//! The audit: who tried what, when, and what came of it. Records are only ever added: they lie in partitions
//! of their own, in which IAM lets no function replace or delete anything.

use common::state::{Item, Key, StateError};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

use crate::{Actor, Ledger, Via};

/// What an audit record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// People were asked.
    Told,
    /// Somebody answered or asked for something, whatever came of it.
    Click,
    /// It is known what became of it.
    Outcome,
    /// A link that doesn't count named it: a forged one, an old one, somebody else's.
    BadLink,
}

/// One entry of the audit. `D` is what is known beside the common part: an object of its own fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord<D> {
    /// When.
    pub at: Timestamp,
    /// The case, or whatever else has an audit of its own.
    pub case: OpaqueId,
    /// What it is about.
    pub kind: AuditKind,
    /// Who; several where an outcome took several votes.
    pub by: Vec<Actor>,
    /// How it came.
    pub via: Option<Via>,
    /// What came of it, one sentence.
    pub result: String,
    /// The address that the request came from, where there was one.
    pub from: Option<String>,
    /// What else is known.
    #[serde(flatten)]
    pub details: D,
}

impl<D: Default> AuditRecord<D> {
    /// A record of this kind about this case; the rest is empty.
    pub fn new(kind: AuditKind, case: OpaqueId, at: Timestamp, result: impl Into<String>) -> Self {
        Self {
            at,
            case,
            kind,
            by: Vec::new(),
            via: None,
            result: result.into(),
            from: None,
            details: D::default(),
        }
    }
}

impl Ledger<'_> {
    /// Adds `record` to the audit of its case.
    pub async fn audit<D>(&self, record: &AuditRecord<D>) -> Result<(), StateError>
    where
        D: Serialize + DeserializeOwned,
    {
        let key = Key::new(
            audit_partition(&record.case),
            // Nanoseconds with all nine digits, so that the order of the keys is the order in time.
            format!("audit#{:.9}#{}", record.at, (self.new_id)()),
        );
        let expires = self.now() + self.audit_retention;
        self.table.append(&key, record, expires).await
    }

    /// The audit of a case, oldest first; attempts that were only counted stand together.
    pub async fn audits<D>(&self, id: &OpaqueId) -> Result<Vec<AuditRecord<D>>, StateError>
    where
        D: Serialize + DeserializeOwned + Default,
    {
        let items: Vec<Item<AuditRecord<D>>> =
            self.table.list(&audit_partition(id), "audit#").await?;
        let mut audits: Vec<AuditRecord<D>> = items.into_iter().map(|item| item.value).collect();
        audits.extend(self.counted_attempts(id).await?);
        audits.sort_by_key(|record| record.at);
        Ok(audits)
    }
}

/// The partition of a case's audit. The template's policies name its beginning.
fn audit_partition(id: &OpaqueId) -> String {
    format!("audit#{id}")
}
