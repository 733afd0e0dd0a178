//! The end of a gate that asked and has not gone by people's answer: whoever answers after that must hear so. Written by the
//! gate, once, in a partition of its own, so that it can't change anything else; an event alone could be forged.

use common::state::{Key, StateError, Table};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use signing::OpaqueId;

use crate::answer::{self, GateAnswer};

/// What the partition of an end begins with; the id of the question follows. IAM names it.
pub const END_PARTITION: &str = "gate-ended#";
/// As long as the audit.
const RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);

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

/// What a question has come to before its time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateResolution {
    /// People have answered.
    Answer(GateAnswer),
    /// The gate has ended in another way.
    End(GateEnd),
}

/// What a question has come to, if it has.
pub async fn read_resolution(
    table: Table<'_>,
    question: &OpaqueId,
) -> Result<Option<GateResolution>, StateError> {
    let answer = answer::read(table, question).await?;
    let end = table.get(&key(question)).await?.map(|item| item.value);
    Ok(first(answer, end))
}

/// Pure: what came first. An answer after the gate's end counts for nothing.
fn first(answer: Option<GateAnswer>, end: Option<GateEnd>) -> Option<GateResolution> {
    match (answer, end) {
        (Some(answer), Some(end)) if answer.at < end.at => Some(GateResolution::Answer(answer)),
        (_, Some(end)) => Some(GateResolution::End(end)),
        (answer, None) => answer.map(GateResolution::Answer),
    }
}

/// Writes the end, in a way that can't replace an earlier one.
pub async fn write_end(
    table: Table<'_>,
    question: &OpaqueId,
    end: &GateEnd,
) -> Result<(), StateError> {
    let keep_until = end.at.saturating_add(RETENTION).unwrap_or(Timestamp::MAX);
    table.append(&key(question), end, keep_until).await
}

fn key(question: &OpaqueId) -> Key {
    Key::new(format!("{END_PARTITION}{question}"), "end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_the_end_of_a_gate_is_no_answer() {
        let at = |time: &str| format!("2026-05-04T{time}Z").parse::<Timestamp>().unwrap();
        let answer = |time: &str| GateAnswer {
            approved: true,
            summary: "Approved by A (slack:T/U)".into(),
            at: at(time),
        };
        let end = GateEnd {
            reason: "the deployment is over".into(),
            at: at("10:00:00"),
        };
        let of = |answer: Option<GateAnswer>| first(answer, Some(end.clone()));
        let before = answer("09:59:59");
        assert_eq!(
            of(Some(before.clone())),
            Some(GateResolution::Answer(before))
        );
        for late in [None, Some(answer("10:00:00")), Some(answer("10:00:01"))] {
            assert_eq!(of(late), Some(GateResolution::End(end.clone())));
        }
        let only = answer("10:00:00");
        assert_eq!(
            first(Some(only.clone()), None),
            Some(GateResolution::Answer(only))
        );
        assert_eq!(first(None, None), None);
    }
}
