//! The answer, in the approvals' state table. It has a partition of its own, so that a gate may read answers and
//! nothing else: neither cases nor votes nor the audit.

use common::state::{Key, StateError, Table};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

/// What the partition of an answer begins with; the id of the question follows. IAM names it.
pub const ANSWER_PARTITION: &str = "gate-answer#";

/// What people have decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateAnswer {
    /// Whether the release may go on.
    pub approved: bool,
    /// Who, and what they said: `Approved by A (slack:T/U): comment`. Masked.
    pub summary: String,
    /// When.
    pub at: Timestamp,
}

/// The answer to a question, if there is one.
pub async fn read(table: Table<'_>, question: &OpaqueId) -> Result<Option<GateAnswer>, StateError> {
    Ok(table.get(&key(question)).await?.map(|item| item.value))
}

/// Writes the answer, once, and returns what counts: whichever was written first. In a way that can't replace one,
/// so that IAM holds that, too. It is kept until `keep_until`.
pub async fn write(
    table: Table<'_>,
    question: &OpaqueId,
    answer: &GateAnswer,
    keep_until: Timestamp,
) -> Result<GateAnswer, StateError> {
    table.append(&key(question), answer, keep_until).await?;
    Ok(read(table, question)
        .await?
        .unwrap_or_else(|| answer.clone()))
}

fn key(question: &OpaqueId) -> Key {
    Key::new(format!("{ANSWER_PARTITION}{question}"), "answer")
}
