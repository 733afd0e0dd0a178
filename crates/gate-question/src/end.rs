//! The end of a gate that asked and has not gone by people's answer: whoever answers after that must hear so. Written by the
//! gate, once, in a partition of its own, so that it can't change anything else; an event alone could be forged.

use common::state::{Key, StateError, Table};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

/// What the partition of an end begins with; the id of the question follows. IAM names it.
pub const END_PARTITION: &str = "gate-ended#";
/// As long as the audit.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How a gate has ended that does not wait for people any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateEnd {
    /// Why, in sentences. Masked.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl GateEnd {
    /// What people are told.
    pub fn summary(&self) -> String {
        format!("the gate has ended: {}", self.reason)
    }
}

/// How the gate that asked this has ended, if it has ended without an answer.
pub async fn read_end(
    table: Table<'_>,
    question: &OpaqueId,
) -> Result<Option<GateEnd>, StateError> {
    Ok(table.get(&key(question)).await?.map(|item| item.value))
}

/// Writes the end, in a way that can't replace an earlier one.
pub async fn write_end(
    table: Table<'_>,
    question: &OpaqueId,
    end: &GateEnd,
) -> Result<(), StateError> {
    let keep_until = end.at.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
    table.append(&key(question), end, keep_until).await
}

fn key(question: &OpaqueId) -> Key {
    Key::new(format!("{END_PARTITION}{question}"), "end")
}
