//! What was sent, tried and asked for, each written once: who claims a delivery, what the audit has, and
//! what must not happen twice. Entries are about something with an opaque id; what that is, the ledger
//! doesn't know.
//!
//! No token and no link is ever written here.

mod actor;
mod attempts;
mod audit;
mod delivery_claims;

use common::state::{CreateOutcome, Key, StateError, Table};
use jiff::{SignedDuration, Timestamp};
use signing::OpaqueId;

pub use actor::{Actor, Via};
pub use attempts::MAX_ATTEMPTS;
pub use audit::{AuditKind, AuditRecord};
pub use delivery_claims::{Claim, ClaimGuard, Delivery, DeliveryState, LEASE};

/// How long deliveries are kept, beyond any approval's life.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long audit records are kept unless the settings say otherwise: a year and a month.
pub const AUDIT_RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);

/// The present moment, as a function writes it down.
pub type Clock<'a> = &'a (dyn Fn() -> Timestamp + Send + Sync);

/// A fresh name that nobody can guess: [`signing::new_id`] in a function.
pub type NewId<'a> = &'a (dyn Fn() -> String + Send + Sync);

/// The ledger, in the state table.
#[derive(Clone, Copy)]
pub struct Ledger<'a> {
    table: Table<'a>,
    clock: Clock<'a>,
    new_id: NewId<'a>,
    audit_retention: SignedDuration,
}

impl<'a> Ledger<'a> {
    /// The ledger in `table`; `clock` is asked whenever a time is written, `new_id` whenever something
    /// needs a name of its own.
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

    /// How long audit records are kept.
    pub fn audit_retention(&self) -> SignedDuration {
        self.audit_retention
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
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
            CreateOutcome::New => true,
            CreateOutcome::Exists(earlier) => earlier.value == who,
        })
    }
}

/// The partition of whatever has this id. Everything about a case lies here, beside its audit.
pub fn partition(id: &OpaqueId) -> String {
    format!("approval#{id}")
}
