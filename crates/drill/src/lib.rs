//! What a drill of the functions has shown: counts of it, and the table of all. Pure.
//!
//! The drills themselves are in `tests/drill`: a module for each function, over the worlds of `test-support`.

use std::fmt::Write as _;
use std::time::Duration;

/// What one drill has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Invocations, repetitions by Lambda among them.
    pub invocations: usize,
    /// Faults that were met.
    pub faults: usize,
    /// Calls, stories or requests that were answered once, each invocation within its time.
    pub answered: usize,
    /// Those that ended in time without an answer, of which the function said so itself: Lambda keeps the event.
    pub unheard: usize,
    /// Answers that let something through: a release, a deployment, an approval, a service that woke.
    pub passes: usize,
    /// Those of them that nothing stands behind.
    pub false_passes: usize,
    /// The slowest invocation, in the time of the drill.
    pub slowest: Duration,
    /// What must never be, in words.
    pub wrong: Vec<String>,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.invocations += other.invocations;
        self.faults += other.faults;
        self.answered += other.answered;
        self.unheard += other.unheard;
        self.passes += other.passes;
        self.false_passes += other.false_passes;
        self.slowest = self.slowest.max(other.slowest);
        self.wrong.extend(other.wrong);
        self
    }

    /// Counts an invocation, which should have been over within `limit`.
    pub fn invoked(&mut self, took: Duration, limit: Duration) {
        self.invocations += 1;
        self.slowest = self.slowest.max(took);
        if took >= limit {
            self.wrong
                .push(format!("an invocation took {took:?} of {limit:?}"));
        }
    }
}

/// A line of the table.
#[derive(Debug)]
pub struct Row {
    /// The function.
    pub function: &'static str,
    /// Who or what calls it.
    pub caller: &'static str,
    /// What was shown.
    pub tally: Tally,
}

impl Row {
    /// Whether it showed what it must: enough invocations under faults, each answered or said to be unheard, no false pass.
    pub fn holds(&self, wanted: usize) -> bool {
        let Tally {
            invocations,
            answered,
            false_passes,
            ..
        } = self.tally;
        self.tally.wrong.is_empty() && false_passes == 0 && answered > 0 && invocations >= wanted
    }
}

/// The table, and below it what went wrong.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<18} {:<26} {:>11} {:>7} {:>9} {:>8} {:>7} {:>12} {:>9}\n",
        "function",
        "called by",
        "invocations",
        "faults",
        "answered",
        "unheard",
        "passes",
        "false passes",
        "slowest"
    );
    for Row {
        function,
        caller,
        tally,
    } in rows
    {
        let slowest = format!("{:.1} s", tally.slowest.as_secs_f64());
        let _ = writeln!(
            text,
            "{function:<18} {caller:<26} {:>11} {:>7} {:>9} {:>8} {:>7} {:>12} {slowest:>9}",
            tally.invocations,
            tally.faults,
            tally.answered,
            tally.unheard,
            tally.passes,
            tally.false_passes
        );
    }
    for Row {
        function,
        caller,
        tally,
    } in rows
    {
        for wrong in &tally.wrong {
            let _ = writeln!(text, "WRONG  {function}, {caller}: {wrong}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(change: impl FnOnce(&mut Tally)) -> Row {
        let mut tally = Tally {
            invocations: 12,
            faults: 5,
            answered: 9,
            unheard: 1,
            passes: 4,
            ..Tally::default()
        };
        change(&mut tally);
        Row {
            function: "pre-traffic",
            caller: "CodeDeploy",
            tally,
        }
    }

    #[test]
    fn a_drill_holds_only_if_it_was_large_enough_and_nothing_was_wrong() {
        assert!(row(|_| ()).holds(12));
        assert!(!row(|_| ()).holds(13));
        assert!(!row(|tally| tally.false_passes = 1).holds(12));
        assert!(!row(|tally| tally.wrong.push("x".into())).holds(12));
        assert!(!row(|tally| tally.answered = 0).holds(12));
        let limit = Duration::from_secs(9);
        assert!(!row(|tally| tally.invoked(limit, limit)).holds(12));
    }

    #[test]
    fn the_table_has_a_line_for_each_and_what_went_wrong_below() {
        let rows = [
            row(|_| ()),
            row(|tally| tally.wrong.push("run 7: answered twice".into())),
        ];
        insta::assert_snapshot!(table(&rows), @"
        function           called by                  invocations  faults  answered  unheard  passes false passes   slowest
        pre-traffic        CodeDeploy                          12       5         9        1       4            0     0.0 s
        pre-traffic        CodeDeploy                          12       5         9        1       4            0     0.0 s
        WRONG  pre-traffic, CodeDeploy: run 7: answered twice
        ");
    }

    #[test]
    fn together_they_are_the_sum_and_the_slowest() {
        let one = row(|tally| tally.slowest = Duration::from_secs(2)).tally;
        let both = one.clone().and(row(|_| ()).tally);
        assert_eq!((both.invocations, both.answered), (24, 18));
        assert_eq!(both.slowest, Duration::from_secs(2));
    }
}
