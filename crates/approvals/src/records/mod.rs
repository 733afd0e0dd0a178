//! What is remembered about a case, as typed items of the state table. Everything is created once;
//! what may change (a delivery, a decision) changes only for whoever has read its present version.
//!
//! No token and no link ever lies here: a case knows its token by a keyed hash, a used link by its number.

mod attempts;
mod audit;
mod delivery;
mod items;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use common::state::{Created, Item, Key, Replaced, StateError, Table};

use crate::{Case, CaseId};

pub use attempts::MAX_ATTEMPTS;
pub use audit::{AuditKind, AuditRecord};
pub use delivery::{Claim, ClaimGuard, Delivery, DeliveryState, LEASE};
pub use items::{Decision, DecisionRecord, Intent, LinkUse, Outcome, Via, Vote, Voter};

/// How long the records of a case are kept, beyond any approval's life.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long audit records are kept unless the settings say otherwise: a year and a month.
pub const AUDIT_RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);

/// The present moment, as a function writes it down.
pub type Clock<'a> = &'a (dyn Fn() -> Timestamp + Send + Sync);

/// A fresh name that nobody can guess: [`crate::sign::new_id`] in a function.
pub type NewId<'a> = &'a (dyn Fn() -> String + Send + Sync);

/// The records, over the state table.
#[derive(Clone, Copy)]
pub struct Records<'a> {
    table: Table<'a>,
    clock: Clock<'a>,
    new_id: NewId<'a>,
    audit_retention: SignedDuration,
}

/// Whether [`Records::open_case`] made the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// Nobody had told of this wait before.
    New,
    /// It is known; what was written first counts.
    Exists(Box<Case>),
}

impl<'a> Records<'a> {
    /// The records in `table`; `clock` is asked whenever a time is written, `new_id` whenever
    /// something needs a name of its own.
    pub fn new(table: Table<'a>, clock: Clock<'a>, new_id: NewId<'a>) -> Self {
        Self {
            table,
            clock,
            new_id,
            audit_retention: AUDIT_RETENTION,
        }
    }

    /// The same with another lifetime of audit records.
    #[must_use]
    pub fn with_audit_retention(self, audit_retention: SignedDuration) -> Self {
        Self {
            audit_retention,
            ..self
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Writes a case down, once: with what people are about to be shown. Also makes it findable by its
    /// execution, if that is known.
    pub async fn open_case(&self, case: &Case) -> Result<Opened, StateError> {
        // First the index: an index without a case is skipped, a case without one could not be found.
        if let Some(execution) = &case.execution_id {
            self.index_case(&case.id, &case.action.pipeline, execution)
                .await?;
        }
        self.write_case(case).await
    }

    /// The first half of [`Records::open_case`], for whoever has something to do between the two.
    pub async fn index_case(
        &self,
        id: &CaseId,
        pipeline: &str,
        execution_id: &str,
    ) -> Result<(), StateError> {
        let key = Key::new(
            execution_key(pipeline, execution_id),
            format!("approval#{id}"),
        );
        // As long as the audit, which is found by it.
        let expires = self.now() + self.audit_retention.max(RETENTION);
        match self.table.create(&key, id, expires).await? {
            Created::New | Created::Exists(_) => Ok(()),
        }
    }

    /// The second half of [`Records::open_case`]: once the case is findable.
    pub async fn write_case(&self, case: &Case) -> Result<Opened, StateError> {
        Ok(match self.create(&case_key(&case.id), case).await? {
            Created::New => Opened::New,
            Created::Exists(known) => Opened::Exists(Box::new(known.value)),
        })
    }

    /// A case by its id.
    pub async fn case(&self, id: &CaseId) -> Result<Option<Case>, StateError> {
        let item = self.table.get(&case_key(id)).await?;
        Ok(item.map(|item| item.value))
    }

    /// The cases of a pipeline execution; more than one where it has several approvals, or one that was retried.
    pub async fn cases_of_execution(
        &self,
        pipeline: &str,
        execution_id: &str,
    ) -> Result<Vec<CaseId>, StateError> {
        let pk = execution_key(pipeline, execution_id);
        let items = self.table.list(&pk, "approval#").await?;
        Ok(items.into_iter().map(|item| item.value).collect())
    }

    /// The decision about a case, as far as it has come.
    pub async fn decision(&self, id: &CaseId) -> Result<Option<Item<DecisionRecord>>, StateError> {
        self.table.get(&decision_key(id)).await
    }

    /// Writes what the decision about a case has come to: the first record, or the next after `read`.
    /// None: somebody else has written in between; read again.
    pub async fn put_decision(
        &self,
        id: &CaseId,
        read: Option<&Item<DecisionRecord>>,
        record: &DecisionRecord,
    ) -> Result<Option<Item<DecisionRecord>>, StateError> {
        let key = decision_key(id);
        let (done, version) = match read {
            None => match self.create(&key, record).await? {
                Created::New => (true, 1),
                Created::Exists(_) => (false, 1),
            },
            Some(read) => {
                let done = self.table.replace(read, record).await? == Replaced::Yes;
                (done, read.version + 1)
            }
        };
        if done {
            let value = record.clone();
            return Ok(Some(Item {
                key,
                version,
                value,
            }));
        }
        // Perhaps it was our own first try, whose answer was lost.
        let present = self.decision(id).await?;
        Ok(present.filter(|item| item.version == version && item.value == *record))
    }

    /// Writes a vote down, one a person; the vote that was there stays, unless it was withdrawn and this
    /// is another click.
    pub async fn vote(&self, id: &CaseId, vote: &Vote) -> Result<Created<Vote>, StateError> {
        let created = self.create(&vote_key(id, &vote.voter), vote).await?;
        if let Created::Exists(there) = &created
            && there.value.withdrawn.is_some()
            && there.value.click != vote.click
        {
            // Lost: another click of the same person was faster.
            let (Replaced::Yes | Replaced::Lost) = self.table.replace(there, vote).await?;
        }
        Ok(created)
    }

    /// Takes back the vote of somebody who says no now, if there is one.
    pub async fn withdraw_vote(&self, id: &CaseId, voter: &Voter) -> Result<(), StateError> {
        let there: Option<Item<Vote>> = self.table.get(&vote_key(id, voter)).await?;
        if let Some(there) = there.filter(|there| there.value.withdrawn.is_none()) {
            let withdrawn = Vote {
                withdrawn: Some(self.now()),
                ..there.value.clone()
            };
            // Lost: another click of the same person did the same.
            let (Replaced::Yes | Replaced::Lost) = self.table.replace(&there, &withdrawn).await?;
        }
        Ok(())
    }

    /// All votes of a case that count.
    pub async fn votes(&self, id: &CaseId) -> Result<Vec<Vote>, StateError> {
        let items = self.table.list(&pk(id), "vote#").await?;
        let votes = items.into_iter().map(|item: Item<Vote>| item.value);
        Ok(votes.filter(|vote| vote.withdrawn.is_none()).collect())
    }

    /// Writes down that a link was used, once; the first use stays.
    pub async fn use_link(
        &self,
        id: &CaseId,
        jti: &str,
        use_: &LinkUse,
    ) -> Result<Created<LinkUse>, StateError> {
        self.create(&link_key(id, jti), use_).await
    }

    /// The use of a link, if it was used.
    pub async fn link_use(&self, id: &CaseId, jti: &str) -> Result<Option<LinkUse>, StateError> {
        let item = self.table.get(&link_key(id, jti)).await?;
        Ok(item.map(|item| item.value))
    }

    /// Remembers that something happened, so that it happens once: true for whoever comes first.
    /// `who` names the caller, so that it recognises its own first try after a lost answer. For short
    /// memories such as a signature that must not be seen twice.
    pub async fn first_time(
        &self,
        what: &str,
        who: &str,
        for_: SignedDuration,
    ) -> Result<bool, StateError> {
        let key = Key::new(format!("once#{what}"), "seen");
        let created = self
            .table
            .create(&key, &who.to_owned(), self.now() + for_)
            .await?;
        Ok(match created {
            Created::New => true,
            Created::Exists(earlier) => earlier.value == who,
        })
    }

    async fn create<T: Serialize + DeserializeOwned>(
        &self,
        key: &Key,
        value: &T,
    ) -> Result<Created<T>, StateError> {
        self.table.create(key, value, self.now() + RETENTION).await
    }
}

/// The partition of a case.
fn pk(id: &CaseId) -> String {
    format!("approval#{id}")
}

fn case_key(id: &CaseId) -> Key {
    Key::new(pk(id), "case")
}

fn decision_key(id: &CaseId) -> Key {
    Key::new(pk(id), "decision")
}

fn vote_key(id: &CaseId, voter: &Voter) -> Key {
    Key::new(pk(id), format!("vote#{}", voter.approver))
}

fn link_key(id: &CaseId, jti: &str) -> Key {
    Key::new(pk(id), format!("link#{jti}"))
}

fn execution_key(pipeline: &str, execution_id: &str) -> String {
    format!("execution#{pipeline}#{execution_id}")
}
