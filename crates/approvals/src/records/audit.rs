//! The audit: who tried what, when, and what came of it. Records are only ever added: they lie in partitions
//! of their own, in which IAM lets no function replace or delete anything.

use common::state::{Item, Key, StateError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Decision, Records, Via, Voter};
use crate::{ApprovalAction, CaseId, Truth};

/// What an audit record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// People were told of the case.
    Told,
    /// Somebody answered, whatever came of it.
    Click,
    /// It is known what became of the case.
    Outcome,
    /// A link that doesn't count named the case: a forged one, an old one, somebody else's.
    BadLink,
}

/// One entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// The case.
    pub case: CaseId,
    /// What it is about.
    pub kind: AuditKind,
    /// The approval, if the case is known.
    pub action: Option<ApprovalAction>,
    /// The pipeline execution, if it is known.
    pub execution_id: Option<String>,
    /// Who; several where an outcome took several votes.
    pub by: Vec<Voter>,
    /// How it came.
    pub via: Option<Via>,
    /// Yes or no.
    pub decision: Option<Decision>,
    /// What was said about it.
    pub comment: Option<String>,
    /// What came of it, one sentence.
    pub result: String,
    /// What `CodePipeline` says, for an outcome.
    pub truth: Option<Truth>,
    /// The address that the request came from, where there was one.
    pub from: Option<String>,
}

impl AuditRecord {
    /// A record of this kind about this case; the rest is empty.
    pub fn new(kind: AuditKind, case: CaseId, at: Timestamp, result: impl Into<String>) -> Self {
        Self {
            at,
            case,
            kind,
            action: None,
            execution_id: None,
            by: Vec::new(),
            via: None,
            decision: None,
            comment: None,
            result: result.into(),
            truth: None,
            from: None,
        }
    }
}

impl Records<'_> {
    /// Adds `record` to the audit of its case.
    pub async fn audit(&self, record: &AuditRecord) -> Result<(), StateError> {
        let key = Key::new(
            partition(&record.case),
            // Nanoseconds with all nine digits, so that the order of the keys is the order in time.
            format!("audit#{:.9}#{}", record.at, (self.new_id)()),
        );
        let expires = self.now() + self.audit_retention;
        self.table.append(&key, record, expires).await
    }

    /// The audit of a case, oldest first; attempts that were only counted stand together.
    pub async fn audits(&self, id: &CaseId) -> Result<Vec<AuditRecord>, StateError> {
        let items: Vec<Item<AuditRecord>> = self.table.list(&partition(id), "audit#").await?;
        let mut audits: Vec<AuditRecord> = items.into_iter().map(|item| item.value).collect();
        audits.extend(self.counted_attempts(id).await?);
        audits.sort_by_key(|record| record.at);
        Ok(audits)
    }
}

/// The partition of a case's audit. The template's policies name its beginning.
fn partition(id: &CaseId) -> String {
    format!("audit#{id}")
}
