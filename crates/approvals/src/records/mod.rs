//! What is remembered about a case, as typed items of the state table. Everything is created once;
//! what may change (a delivery, a decision) changes only for whoever has read its present version.
//!
//! No token and no link ever lies here: a case knows its token by a keyed hash, a used link by its number.

mod items;

use gate_question::{GateAnswer, GateResolution};
use jiff::{SignedDuration, Timestamp};
use ledger::{Actor, AuditRecord, Clock, Ledger, NewId, RETENTION, partition as pk};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use common::state::{CreateOutcome, Item, Key, ReplaceOutcome, StateError, Table};

use crate::{ActionState, Case, CaseId, Source};

pub use items::{Decision, DecisionRecord, Intent, LinkUse, Outcome, Vote};

/// What the audit has of an approval beside the common part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalDetails {
    /// What it is about, if the case is known.
    #[serde(rename = "action")]
    pub source: Option<Source>,
    /// The pipeline execution or the service deployment, if it is known.
    pub execution_id: Option<String>,
    /// Yes or no.
    pub decision: Option<Decision>,
    /// What was said about it.
    pub comment: Option<String>,
    /// What `CodePipeline` says, for an outcome.
    #[serde(rename = "truth")]
    pub action_state: Option<ActionState>,
}

impl ApprovalDetails {
    /// Those of a case; the rest is empty.
    pub fn of(case: &Case) -> Self {
        Self {
            source: Some(case.source.clone()),
            execution_id: case.execution_id.clone(),
            ..Self::default()
        }
    }
}

/// One entry of an approval's audit.
pub type ApprovalAudit = AuditRecord<ApprovalDetails>;

/// The records, over the state table.
#[derive(Clone, Copy)]
pub struct Records<'a> {
    table: Table<'a>,
    /// Deliveries, the audit, and what happens once.
    pub ledger: Ledger<'a>,
}

/// Whether [`Records::open_case`] made the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseCreation {
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
            ledger: Ledger::new(table, clock, new_id),
        }
    }

    /// The same with another lifetime of audit records.
    #[must_use]
    pub fn with_audit_retention(self, audit_retention: SignedDuration) -> Self {
        let ledger = self.ledger.with_audit_retention(audit_retention);
        Self { ledger, ..self }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.ledger.now()
    }

    /// The audit of a case, oldest first; attempts that were only counted stand together.
    pub async fn audits(&self, id: &CaseId) -> Result<Vec<ApprovalAudit>, StateError> {
        self.ledger.audits(id).await
    }

    /// Writes a case down, once: with what people are about to be shown. Also makes it findable by its
    /// execution, if that is known.
    pub async fn open_case(&self, case: &Case) -> Result<CaseCreation, StateError> {
        // First the index: an index without a case is skipped, a case without one could not be found.
        if let Some(execution) = &case.execution_id {
            self.index_case(&case.id, case.source.index(), execution)
                .await?;
        }
        self.write_case(case).await
    }

    /// The first half of [`Records::open_case`], for whoever has something to do between the two.
    pub async fn index_case(
        &self,
        id: &CaseId,
        index: &str,
        execution_id: &str,
    ) -> Result<(), StateError> {
        let key = Key::new(execution_key(index, execution_id), format!("approval#{id}"));
        // As long as the audit, which is found by it.
        let expires = self.now() + self.ledger.audit_retention().max(RETENTION);
        match self.table.create(&key, id, expires).await? {
            CreateOutcome::New | CreateOutcome::Exists(_) => Ok(()),
        }
    }

    /// The second half of [`Records::open_case`]: once the case is findable.
    pub async fn write_case(&self, case: &Case) -> Result<CaseCreation, StateError> {
        Ok(match self.create(&case_key(&case.id), case).await? {
            CreateOutcome::New => CaseCreation::New,
            CreateOutcome::Exists(known) => CaseCreation::Exists(Box::new(known.value)),
        })
    }

    /// A case by its id.
    pub async fn case(&self, id: &CaseId) -> Result<Option<Case>, StateError> {
        let item = self.table.get(&case_key(id)).await?;
        Ok(item.map(|item| item.value))
    }

    /// The cases of a pipeline execution or a service deployment; more than one where it has several
    /// approvals or pauses, or one that was retried. `index` is [`Source::index`].
    pub async fn cases_of_execution(
        &self,
        index: &str,
        execution_id: &str,
    ) -> Result<Vec<CaseId>, StateError> {
        let pk = execution_key(index, execution_id);
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
                CreateOutcome::New => (true, 1),
                CreateOutcome::Exists(_) => (false, 1),
            },
            Some(read) => {
                let done = self.table.replace(read, record).await? == ReplaceOutcome::Yes;
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

    /// What a gate goes by, if there is anything: people's answer, or its own end.
    pub async fn gate_resolution(&self, id: &CaseId) -> Result<Option<GateResolution>, StateError> {
        gate_question::read_resolution(self.table, id).await
    }

    /// Answers a gate, once, and returns what counts. Kept as long as the audit.
    pub async fn answer_gate(
        &self,
        id: &CaseId,
        answer: &GateAnswer,
    ) -> Result<GateAnswer, StateError> {
        let keep_until = self.now() + self.ledger.audit_retention().max(RETENTION);
        gate_question::write(self.table, id, answer, keep_until).await
    }

    /// Writes a vote down, one a person; the vote that was there stays, unless it was withdrawn and this
    /// is another click.
    pub async fn vote(&self, id: &CaseId, vote: &Vote) -> Result<CreateOutcome<Vote>, StateError> {
        let created = self.create(&vote_key(id, &vote.voter), vote).await?;
        if let CreateOutcome::Exists(there) = &created
            && there.value.withdrawn.is_some()
            && there.value.click != vote.click
        {
            // Lost: another click of the same person was faster.
            let (ReplaceOutcome::Yes | ReplaceOutcome::Lost) =
                self.table.replace(there, vote).await?;
        }
        Ok(created)
    }

    /// Takes back the vote of somebody who says no now, if there is one.
    pub async fn withdraw_vote(&self, id: &CaseId, voter: &Actor) -> Result<(), StateError> {
        let there: Option<Item<Vote>> = self.table.get(&vote_key(id, voter)).await?;
        if let Some(there) = there.filter(|there| there.value.withdrawn.is_none()) {
            let withdrawn = Vote {
                withdrawn: Some(self.now()),
                ..there.value.clone()
            };
            // Lost: another click of the same person did the same.
            let (ReplaceOutcome::Yes | ReplaceOutcome::Lost) =
                self.table.replace(&there, &withdrawn).await?;
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
    ) -> Result<CreateOutcome<LinkUse>, StateError> {
        self.create(&link_key(id, jti), use_).await
    }

    /// The use of a link, if it was used.
    pub async fn link_use(&self, id: &CaseId, jti: &str) -> Result<Option<LinkUse>, StateError> {
        let item = self.table.get(&link_key(id, jti)).await?;
        Ok(item.map(|item| item.value))
    }

    async fn create<T: Serialize + DeserializeOwned>(
        &self,
        key: &Key,
        value: &T,
    ) -> Result<CreateOutcome<T>, StateError> {
        self.table.create(key, value, self.now() + RETENTION).await
    }
}

fn case_key(id: &CaseId) -> Key {
    Key::new(pk(id), "case")
}

fn decision_key(id: &CaseId) -> Key {
    Key::new(pk(id), "decision")
}

fn vote_key(id: &CaseId, voter: &Actor) -> Key {
    Key::new(pk(id), format!("vote#{}", voter.approver))
}

fn link_key(id: &CaseId, jti: &str) -> Key {
    Key::new(pk(id), format!("link#{jti}"))
}

fn execution_key(index: &str, execution_id: &str) -> String {
    format!("execution#{index}#{execution_id}")
}
