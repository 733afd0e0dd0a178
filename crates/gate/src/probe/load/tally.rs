//! What came of the requests to one version: numbers, and the first few kinds of errors. It stays small however many
//! requests there were.

use std::collections::BTreeMap;
use std::time::Duration;

use metric::Share;
use metric::effect::percentile;

use crate::words;

/// How many kinds of errors are told apart.
const MAX_KINDS: usize = 5;

/// So much of the requests to one version may be lost by our own doing, in percent: beyond it, nothing is known.
const MAX_OWN_FAULTS_PERCENT: usize = 10;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// A good answer, and how long it took.
    Good(Duration),
    /// No answer within the time that one may take.
    TimedOut(Duration),
    /// An answer that is none, or no answer at all.
    Bad(String),
    /// It says nothing of the target.
    OwnFault(String),
}

/// What came of the requests to one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tally {
    /// Of good answers, and of those that were not waited for any longer, in milliseconds.
    pub(super) latencies: Vec<f64>,
    pub(super) good: usize,
    pub(super) bad: usize,
    kinds: BTreeMap<String, usize>,
    other_kinds: usize,
    late: usize,
    faults: usize,
    first_fault: Option<String>,
}

impl Tally {
    /// With room for as many as are planned.
    pub(super) fn with_capacity(requests: usize) -> Self {
        Self {
            latencies: Vec::with_capacity(requests),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, sample: Sample) {
        match sample {
            Sample::Good(took) => {
                self.good += 1;
                self.latencies.push(millis(took));
            }
            Sample::TimedOut(waited) => {
                // It took at least as long.
                self.latencies.push(millis(waited));
                let why = format!("no complete answer within {}", words::duration(waited));
                self.add_bad(why);
            }
            Sample::Bad(why) => self.add_bad(why),
            Sample::OwnFault(why) => {
                self.faults += 1;
                self.first_fault.get_or_insert(why);
            }
        }
    }

    pub(super) fn add_late(&mut self) {
        self.late += 1;
    }

    fn add_bad(&mut self, why: String) {
        self.bad += 1;
        if let Some(count) = self.kinds.get_mut(&why) {
            *count += 1;
        } else if self.kinds.len() < MAX_KINDS {
            self.kinds.insert(why, 1);
        } else {
            self.other_kinds += 1;
        }
    }

    /// Why nothing is known of the target, if too much of it is our own doing.
    pub(super) fn own_fault(&self) -> Option<String> {
        let lost = self.late + self.faults;
        let all = self.good + self.bad + lost;
        if lost * 100 <= all * MAX_OWN_FAULTS_PERCENT {
            return None;
        }
        let why = match &self.first_fault {
            Some(why) => why.clone(),
            None => "the gate was too busy to send them at their instants; lower `rate`, run fewer checks at once, or \
                     give the function more memory"
                .to_owned(),
        };
        Some(format!(
            "{lost} of {all} requests say nothing of the target: {why}"
        ))
    }

    /// `503 (3), no complete answer within 5s (1)`; none without errors.
    pub(super) fn errors(&self) -> Option<String> {
        let mut kinds: Vec<(&String, &usize)> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let mut words: Vec<String> = kinds
            .iter()
            .map(|(why, count)| format!("{why} ({count})"))
            .collect();
        if self.other_kinds > 0 {
            words.push(format!("others ({})", self.other_kinds));
        }
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// `new version: 600 requests, 597 good answers; p50 40.1 ms, p95 80.2 ms, p99 90.3 ms, highest 301 ms`
    pub(super) fn summary(&self, version: &str) -> String {
        let requests = words::count(self.good + self.bad, "request");
        let answers = words::count(self.good, "good answer");
        let mut summary = format!("{version}: {requests}, {answers}");
        let shown = [("p50", 500), ("p95", 950), ("p99", 990), ("highest", 1000)];
        let shown = shown.iter().filter_map(|(name, tenths)| {
            let value = percentile(&self.latencies, *tenths)?;
            Some(format!("{name} {value:.1} ms"))
        });
        let shown: Vec<String> = shown.collect();
        if !shown.is_empty() {
            summary = format!("{summary}; {}", shown.join(", "));
        }
        let lost = self.late + self.faults;
        if lost > 0 {
            summary = format!("{summary}; {lost} more say nothing of it, by the gate's own doing");
        }
        summary
    }

    /// Requests without a good answer, among all that say something.
    pub(super) fn errors_of_all(&self) -> Share {
        Share {
            part: self.bad,
            whole: self.good + self.bad,
        }
    }

    /// A value for each request: 0, or 100 for an error.
    pub(super) fn error_percentages(&self) -> Vec<f64> {
        let good = std::iter::repeat_n(0.0, self.good);
        good.chain(std::iter::repeat_n(100.0, self.bad)).collect()
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_our_own_doing_counts_for_nothing_and_not_for_long() {
        let mut tally = Tally::default();
        for _ in 0..90 {
            tally.add(Sample::Good(Duration::from_millis(20)));
        }
        for _ in 0..10 {
            tally.add_late();
        }
        assert_eq!(tally.own_fault(), None);
        insta::assert_snapshot!(tally.summary("new version"), @"new version: 90 requests, 90 good answers; p50 20.0 ms, p95 20.0 ms, p99 20.0 ms, highest 20.0 ms; 10 more say nothing of it, by the gate's own doing");
        tally.add(Sample::OwnFault("no file handles".to_owned()));
        insta::assert_snapshot!(tally.own_fault().unwrap(), @"11 of 101 requests say nothing of the target: no file handles");
        assert_eq!((tally.good, tally.bad), (90, 0));
    }

    #[test]
    fn errors_are_told_apart_by_kind_the_most_frequent_first() {
        let mut tally = Tally::default();
        assert_eq!(tally.errors(), None);
        tally.add(Sample::TimedOut(Duration::from_secs(5)));
        for status in [503, 500, 503, 501, 502, 504, 505] {
            tally.add(Sample::Bad(format!("status {status}")));
        }
        insta::assert_snapshot!(tally.errors().unwrap(), @"status 503 (2), no complete answer within 5s (1), status 500 (1), status 501 (1), status 502 (1), others (2)");
        assert_eq!((tally.bad, tally.latencies.len()), (8, 1));
    }

    proptest! {
        #[test]
        fn every_request_is_counted_once_and_little_is_kept(kinds in proptest::collection::vec(0_u32..40, 0..500)) {
            let mut tally = Tally::default();
            for kind in &kinds {
                match kind {
                    0..10 => tally.add(Sample::Good(Duration::from_millis(1))),
                    10 => tally.add_late(),
                    11 => tally.add(Sample::OwnFault("x".repeat(100))),
                    12 => tally.add(Sample::TimedOut(Duration::from_secs(1))),
                    other => tally.add(Sample::Bad(other.to_string())),
                }
            }
            prop_assert_eq!(tally.good + tally.bad + tally.late + tally.faults, kinds.len());
            prop_assert!(tally.kinds.len() <= MAX_KINDS);
            prop_assert_eq!(tally.kinds.values().sum::<usize>() + tally.other_kinds, tally.bad);
            prop_assert_eq!(tally.error_percentages().len(), tally.good + tally.bad);
        }
    }
}
