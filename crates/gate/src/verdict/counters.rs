//! What is counted of a check. These few numbers are all that a verdict is made of, so a run can be handed from one
//! invocation to the next in a token of some bytes.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::bake::{Bake, NoDataPolicy};
use crate::measurement::Measurement;

/// How often each measurement occurred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rounds that passed.
    pub passed: u32,
    /// Rounds that failed.
    pub failed: u32,
    /// Rounds that were measured and said neither.
    #[serde(default)]
    pub inconclusive: u32,
    /// Rounds that errored.
    pub errored: u32,
    /// Rounds that were not measured.
    pub no_data: u32,
}

impl Tally {
    /// Counts.
    pub(crate) fn of(rounds: impl IntoIterator<Item = Measurement>) -> Self {
        let mut tally = Self::default();
        for round in rounds {
            tally.add(round);
        }
        tally
    }

    fn add(&mut self, measurement: Measurement) {
        let count = match measurement {
            Measurement::Passed => &mut self.passed,
            Measurement::Failed => &mut self.failed,
            Measurement::Inconclusive => &mut self.inconclusive,
            Measurement::Errored => &mut self.errored,
            Measurement::NoData => &mut self.no_data,
        };
        *count = count.saturating_add(1);
    }

    /// All rounds.
    pub fn rounds(&self) -> u32 {
        [
            self.passed,
            self.failed,
            self.inconclusive,
            self.errored,
            self.no_data,
        ]
        .into_iter()
        .fold(0, u32::saturating_add)
    }
}

/// One check's rounds, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// How often each measurement occurred.
    pub tally: Tally,
    /// Errored rounds in a row, up to the last one.
    pub errors_in_a_row: u32,
    /// The most errored rounds in a row so far.
    pub longest_errors: u32,
    /// Passed rounds in a row, up to the last one.
    pub passes_in_a_row: u32,
    /// The last round.
    pub last: Option<Measurement>,
    /// The last round that had data.
    pub last_with_data: Option<Measurement>,
}

/// A limit that a check is past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    Failed,
    Errored,
    ErroredInARow,
    Inconclusive,
    /// No limit but a policy: one round is too many.
    NoData,
}

impl Counters {
    /// Counts `rounds`.
    pub fn of(rounds: &[Measurement]) -> Self {
        let mut counters = Self::default();
        for round in rounds {
            counters.add(*round);
        }
        counters
    }

    /// Counts one more round.
    pub fn add(&mut self, round: Measurement) {
        self.tally.add(round);
        self.errors_in_a_row = match round {
            Measurement::Errored => self.errors_in_a_row.saturating_add(1),
            _ => 0,
        };
        self.longest_errors = self.longest_errors.max(self.errors_in_a_row);
        self.passes_in_a_row = match round {
            Measurement::Passed => self.passes_in_a_row.saturating_add(1),
            _ => 0,
        };
        self.last = Some(round);
        if round != Measurement::NoData {
            self.last_with_data = Some(round);
        }
    }

    /// The limit that the check is past, the worst one first. Going on can't end in a pass then.
    pub(crate) fn excess(&self, bake: &Bake) -> Option<Excess> {
        let in_a_row = bake.consecutive_error_limit.unwrap_or(u32::MAX);
        match () {
            () if self.tally.failed > bake.failure_limit => Some(Excess::Failed),
            () if self.tally.no_data > 0 && bake.no_data == NoDataPolicy::Fail => {
                Some(Excess::NoData)
            }
            () if self.tally.errored > bake.error_limit => Some(Excess::Errored),
            () if self.longest_errors > in_a_row => Some(Excess::ErroredInARow),
            () if self.tally.inconclusive > bake.inconclusive_limit => Some(Excess::Inconclusive),
            () => None,
        }
    }

    /// What all rounds came to: past a limit what there was too much of, else the last round that counts.
    pub(crate) fn came_to(&self, bake: &Bake) -> Measurement {
        match self.excess(bake) {
            Some(Excess::Failed) => Measurement::Failed,
            Some(Excess::Errored | Excess::ErroredInARow) => Measurement::Errored,
            Some(Excess::Inconclusive) => Measurement::Inconclusive,
            Some(Excess::NoData) => Measurement::NoData,
            None => self.last_counting(bake).unwrap_or(Measurement::NoData),
        }
    }

    /// The last round, or the last one with data where the others don't count.
    pub(crate) fn last_counting(&self, bake: &Bake) -> Option<Measurement> {
        match bake.no_data {
            NoDataPolicy::Ignore => self.last_with_data,
            NoDataPolicy::Inconclusive | NoDataPolicy::Fail => self.last,
        }
    }

    /// As text: numbers between commas, then the two last rounds as letters. `12,0,0,0,0,0,0,12,PP`
    pub(super) fn write(&self, text: &mut String) {
        for number in self.numbers() {
            let _ = write!(text, "{number},");
        }
        let letter = |one: Option<Measurement>| one.map_or('_', Measurement::letter);
        text.extend([letter(self.last), letter(self.last_with_data)]);
    }

    /// What [`Counters::write`] wrote.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let mut counters = Self::default();
        for number in counters.numbers_mut() {
            *number = parts.next()?.parse().ok()?;
        }
        let mut letters = parts.next()?.chars();
        let mut last = || match letters.next()? {
            '_' => Some(None),
            letter => Measurement::of_letter(letter).map(Some),
        };
        (counters.last, counters.last_with_data) = (last()?, last()?);
        (parts.next().is_none() && letters.next().is_none()).then_some(counters)
    }

    fn numbers(mut self) -> [u32; 8] {
        self.numbers_mut().map(|number| *number)
    }

    fn numbers_mut(&mut self) -> [&mut u32; 8] {
        [
            &mut self.tally.passed,
            &mut self.tally.failed,
            &mut self.tally.inconclusive,
            &mut self.tally.errored,
            &mut self.tally.no_data,
            &mut self.errors_in_a_row,
            &mut self.longest_errors,
            &mut self.passes_in_a_row,
        ]
    }
}
