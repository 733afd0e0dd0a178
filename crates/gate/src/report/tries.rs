//! Equal tries of a check, as one: three times the same refusal is read once, with its count.

use std::ops::RangeInclusive;

use super::{CheckReport, RoundReport, StepReport, TryReport};
use crate::measurement::Measurement;
use crate::words;

/// Tries that follow each other and came to the same.
pub(super) struct Group<'a> {
    /// The first of them, which stands for all.
    pub(super) first: &'a TryReport,
    pub(super) count: usize,
    rounds: Vec<usize>,
    tries: RangeInclusive<usize>,
    started_ms: RangeInclusive<u64>,
    duration_ms: RangeInclusive<u64>,
}

/// The tries of a check that are shown, in order, equal ones together.
pub(super) fn groups(check: &CheckReport) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for round in &check.rounds {
        for one in &round.tries {
            match groups.last_mut() {
                Some(group) if same(group.first, one) => group.add(round, one),
                _ => groups.push(Group::of(round, one)),
            }
        }
    }
    groups
}

/// Whether two tries say the same to a reader. What was met may have been met by other values.
fn same(one: &TryReport, other: &TryReport) -> bool {
    let expectations = || {
        one.expectations
            .iter()
            .zip(&other.expectations)
            .all(|(a, b)| {
                a.expected == b.expected
                    && a.measurement == b.measurement
                    && (a.measurement == Measurement::Passed || a.got == b.got)
            })
    };
    one.measurement == other.measurement
        && one.request == other.request
        && one.status == other.status
        && one.error == other.error
        && one.notes == other.notes
        && one.body_excerpt == other.body_excerpt
        && one.expectations.len() == other.expectations.len()
        && one.steps.len() == other.steps.len()
        && one
            .steps
            .iter()
            .zip(&other.steps)
            .all(|(a, b)| same_step(a, b))
        && expectations()
}

fn same_step(one: &StepReport, other: &StepReport) -> bool {
    let unmet = |step: &StepReport| {
        let unmet = step.expectations.iter();
        let unmet = unmet.filter(|line| line.measurement != Measurement::Passed);
        unmet
            .map(|line| (line.expected.clone(), line.got.clone()))
            .collect::<Vec<_>>()
    };
    one.measurement == other.measurement
        && one.status == other.status
        && one.error == other.error
        && unmet(one) == unmet(other)
}

impl<'a> Group<'a> {
    fn of(round: &RoundReport, first: &'a TryReport) -> Self {
        Self {
            first,
            count: 1,
            rounds: vec![round.number],
            tries: first.number..=first.number,
            started_ms: first.started_ms..=first.started_ms,
            duration_ms: first.duration_ms..=first.duration_ms,
        }
    }

    fn add(&mut self, round: &RoundReport, one: &TryReport) {
        self.count += 1;
        self.rounds.push(round.number);
        self.rounds.dedup();
        self.tries = *self.tries.start()..=one.number;
        self.started_ms = *self.started_ms.start()..=one.started_ms;
        let (least, most) = (*self.duration_ms.start(), *self.duration_ms.end());
        self.duration_ms = least.min(one.duration_ms)..=most.max(one.duration_ms);
    }

    /// `Try 2`, `Tries 1 to 3, all alike`, `Round 2, try 1`, `Rounds 2, 3, 5: 12 tries, all alike`.
    pub(super) fn title(&self, baked: bool) -> String {
        let (first, last) = (self.tries.start(), self.tries.end());
        let label = match (self.count, self.rounds.len()) {
            (1, _) => format!("try {first}"),
            (_, 1) => format!("tries {first} to {last}, all alike"),
            (count, _) => format!("{count} tries, all alike"),
        };
        if !baked {
            let mut letters = label.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            return first.into_iter().chain(letters).collect();
        }
        let numbers: Vec<String> = self.rounds.iter().map(usize::to_string).collect();
        match numbers.as_slice() {
            [one] => format!("Round {one}, {label}"),
            several => format!("Rounds {}: {label}", several.join(", ")),
        }
    }

    /// `after 5ms, took 1.2s`; of several the range.
    pub(super) fn timing(&self) -> String {
        let range = |range: &RangeInclusive<u64>| {
            let (first, last) = (words::millis(*range.start()), words::millis(*range.end()));
            if first == last {
                first
            } else {
                format!("{first} to {last}")
            }
        };
        let each = if self.count > 1 { " each" } else { "" };
        format!(
            "after {}, took {}{each}",
            range(&self.started_ms),
            range(&self.duration_ms)
        )
    }
}
