//! Why one service is on or off now: the rule, where it stands, what is remembered, what comes next.

use std::fmt::Write as _;

use serde::Serialize;

use crate::memory::{Memory, Phase};
use crate::plan::Row;

/// The explanation of one service, as sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `cluster/name`.
    pub place: String,
    /// One sentence each.
    pub sentences: Vec<String>,
}

/// Explains a row of a plan.
pub fn explain(row: &Row, memory: Option<&Memory>) -> Explanation {
    let service = &row.service;
    let mut sentences = vec![format!(
        "It is an {} at {}, {} running.",
        service.kind,
        service.level(),
        service.running
    )];
    match (&row.shall, &row.want_rule, &row.source) {
        (Some(shall), Some(rule), Some(source)) => {
            sentences.push(format!("It shall be {shall}: {rule} ({source})."));
            sentences.push(match row.next_edge {
                Some(edge) => format!("That changes at {edge}."),
                None => "That does not change.".to_owned(),
            });
        }
        _ => sentences.push("It is not ours to touch.".to_owned()),
    }
    sentences.extend(memory.map(remembered));
    sentences.push(format!("Now: {}, because {}.", row.step.word(), row.why));
    if row.tier != "rest" {
        sentences.push(format!("It belongs to the tier {}.", row.tier));
    }
    Explanation {
        place: service.place(),
        sentences,
    }
}

fn remembered(memory: &Memory) -> String {
    let phase = match memory.phase {
        Phase::GoingDown => "on its way to sleep",
        Phase::Down => "asleep",
        Phase::GoingUp => "on its way up",
        Phase::Up => "up again",
        Phase::Left => "left to people until the next edge",
        Phase::Conflict => "in conflict, and left alone",
    };
    let mut text = format!(
        "Remembered: {phase} since {} ({})",
        memory.since, memory.why
    );
    if let Some(was) = &memory.was {
        write!(text, "; before it slept it had {}", was.level).expect("a string takes all");
    }
    if let Some(conflict) = &memory.conflict {
        write!(text, "; found at {} at {}", conflict.found, conflict.at)
            .expect("a string takes all");
    }
    text.push('.');
    text
}

/// One sentence a line, after the service's name.
impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.place)?;
        self.sentences
            .iter()
            .try_for_each(|sentence| write!(f, "\n  {sentence}"))
    }
}
