//! The judgement of one metric over one window. Pure.

use crate::effect::{cliffs_delta, median, percentile, ratio};
use crate::mann_whitney::{Alternative, RankTest, mann_whitney, smallest_p};
use crate::question::{Aggregate, Comparison, Direction, Question, Tolerance};
use crate::wording::{number, probability, samples, with_unit};

/// What was measured over the window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// Values of the new version, the oldest first.
    pub new: Vec<f64>,
    /// How many samples they stand for, where that is not their number: requests, for example.
    pub new_count: Option<u64>,
    /// Values of the old version over the same window.
    pub old: Option<Vec<f64>>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is within its limit and no worse than the old version.
    Passed,
    /// It is not.
    Failed,
    /// Too little to say.
    Inconclusive,
    /// Nothing at all.
    NoData,
}

/// The outcome, with a sentence that has the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What came of it.
    pub outcome: Outcome,
    /// `5xx rate: 3.1 % in 42 samples, limit 1.0 %; old version 0.2 %`
    pub reason: String,
}

/// Judges `measured` by what is asked.
#[must_use]
pub fn judge(question: &Question, measured: &Samples) -> Judgement {
    let new = finite(&measured.new);
    let old = measured.old.as_deref().map(finite);
    let sentence = Sentence {
        question,
        old: old
            .as_deref()
            .and_then(|old| aggregate(question.aggregate, old)),
        is_compared: measured.old.is_some(),
    };
    let Some(value) = aggregate(question.aggregate, &new) else {
        let reason = format!("{}: no data of the new version", question.name);
        return Judgement {
            outcome: Outcome::NoData,
            reason: sentence.with_old(reason),
        };
    };
    let count = measured
        .new_count
        .unwrap_or_else(|| u64::try_from(new.len()).unwrap_or(u64::MAX));
    let judgement = |outcome, rest: &str| Judgement {
        outcome,
        reason: sentence.full(value, count, rest),
    };
    if count < question.min_samples {
        let rest = format!(": too few, {} are needed", question.min_samples);
        return judgement(Outcome::Inconclusive, &rest);
    }
    let limit = question.fail_when.as_ref();
    if limit.is_some_and(|limit| limit.is_broken_by(value)) {
        return judgement(Outcome::Failed, "");
    }
    let Some(comparison) = question.compare else {
        return judgement(Outcome::Passed, "");
    };
    let (outcome, rest) = compare(comparison, &new, old.as_deref().unwrap_or_default());
    judgement(outcome, &rest)
}

fn finite(values: &[f64]) -> Vec<f64> {
    let finite = values.iter().copied();
    finite.filter(|value| value.is_finite()).collect()
}

/// The values as one; none of none.
fn aggregate(by: Aggregate, values: &[f64]) -> Option<f64> {
    #[allow(
        clippy::cast_precision_loss,
        reason = "sample sizes are far below 2^53"
    )]
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    match by {
        _ if values.is_empty() => None,
        Aggregate::Mean => Some(sum / count),
        Aggregate::Median => median(values),
        Aggregate::Min => values.iter().copied().reduce(f64::min),
        Aggregate::Max => values.iter().copied().reduce(f64::max),
        Aggregate::Sum => Some(sum),
        Aggregate::Last => values.last().copied(),
        Aggregate::Percentile(tenths) => percentile(values, tenths),
    }
}

/// Whether the new version is worse than the old one, certainly and by more than is tolerated.
fn compare(comparison: Comparison, new: &[f64], old: &[f64]) -> (Outcome, String) {
    let alternative = match comparison.direction {
        Direction::Increase => Alternative::Greater,
        Direction::Decrease => Alternative::Less,
        Direction::Either => Alternative::TwoSided,
    };
    let Some(RankTest { u, p, .. }) = mann_whitney(new, old, alternative) else {
        let why =
            ": the old version has no data in the same window, so there is nothing to compare with";
        return (Outcome::Inconclusive, why.to_owned());
    };
    if smallest_p(new.len(), old.len(), alternative) > comparison.significance {
        let why = format!(
            ": {} of the new version and {} of the old one are too few to be compared",
            new.len(),
            old.len()
        );
        return (Outcome::Inconclusive, why);
    }
    let delta = cliffs_delta(u, new.len(), old.len());
    let certain = p <= comparison.significance;
    let (beyond, effect) = beyond(comparison, new, old, delta);
    if !(certain && beyond) {
        return (Outcome::Passed, String::new());
    }
    let way = if delta > 0.0 { "higher" } else { "lower" };
    (
        Outcome::Failed,
        format!(
            ": {way} than the old version (p {}, {effect})",
            probability(p)
        ),
    )
}

/// Whether the difference is larger than is tolerated, and how large it is.
fn beyond(comparison: Comparison, new: &[f64], old: &[f64], delta: f64) -> (bool, String) {
    match comparison.tolerance {
        Tolerance::Effect(tolerated) => {
            let effect = match comparison.direction {
                Direction::Increase => delta,
                Direction::Decrease => -delta,
                Direction::Either => delta.abs(),
            };
            let described = format!(
                "effect {}, tolerated {}",
                number(effect, &[tolerated]),
                number(tolerated, &[])
            );
            (effect > tolerated, described)
        }
        Tolerance::Medians(tolerated) => {
            let (Some(new), Some(old)) = (median(new), median(old)) else {
                return (false, String::new());
            };
            let change = ratio(new, old) - 1.0;
            let worse = match comparison.direction {
                Direction::Increase => change,
                Direction::Decrease => -change,
                Direction::Either => change.abs(),
            };
            let described = if change.is_finite() {
                format!("{} %", number(change * 100.0, &[tolerated * 100.0]))
            } else {
                "from zero".to_owned()
            };
            let described = format!(
                "medians {} and {}: {described}, tolerated {} %",
                number(new, &[old]),
                number(old, &[new]),
                number(tolerated * 100.0, &[])
            );
            (worse > tolerated, described)
        }
    }
}

/// What a reason consists of.
struct Sentence<'a> {
    question: &'a Question,
    old: Option<f64>,
    is_compared: bool,
}

impl Sentence<'_> {
    fn full(&self, value: f64, count: u64, rest: &str) -> String {
        let Question {
            name,
            unit,
            fail_when,
            ..
        } = self.question;
        let others: Vec<f64> = fail_when
            .iter()
            .map(|limit| limit.value)
            .chain(self.old)
            .collect();
        let value = with_unit(&number(value, &others), unit);
        let limit = fail_when.as_ref().map_or_else(String::new, |limit| {
            format!(", limit {}", with_unit(&limit.written, unit))
        });
        let sentence = format!("{name}: {value} in {}{limit}", samples(count));
        self.with_old(sentence) + rest
    }

    fn with_old(&self, sentence: String) -> String {
        match self.old {
            Some(old) => {
                let old = with_unit(&number(old, &[]), &self.question.unit);
                format!("{sentence}; old version {old}")
            }
            None if self.is_compared => format!("{sentence}; old version without data"),
            None => sentence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Limit;

    fn question() -> Question {
        Question {
            name: "5xx rate".to_owned(),
            unit: "%".to_owned(),
            aggregate: Aggregate::Mean,
            fail_when: Limit::parse("> 1.0"),
            compare: None,
            min_samples: 3,
        }
    }

    fn compared(direction: Direction, tolerance: Tolerance) -> Question {
        Question {
            name: "latency".to_owned(),
            unit: "ms".to_owned(),
            fail_when: None,
            compare: Some(Comparison {
                direction,
                tolerance,
                ..Comparison::default()
            }),
            ..question()
        }
    }

    fn described(question: &Question, new: &[f64], old: Option<&[f64]>) -> String {
        let measured = Samples {
            new: new.to_vec(),
            new_count: None,
            old: old.map(<[f64]>::to_vec),
        };
        let Judgement { outcome, reason } = judge(question, &measured);
        format!("{outcome:?} {reason}")
    }

    #[test]
    fn a_limit_is_kept_or_broken_with_both_numbers() {
        insta::assert_snapshot!(described(&question(), &[0.2, 0.1, 0.3], None), @"Passed 5xx rate: 0.2 % in 3 samples, limit 1.0 %");
        insta::assert_snapshot!(described(&question(), &[4.0, 2.2, 3.1], Some(&[0.2, 0.1, 0.3])), @"Failed 5xx rate: 3.1 % in 3 samples, limit 1.0 %; old version 0.2 %");
        insta::assert_snapshot!(described(&question(), &[1.0, 1.0, 1.0003], None), @"Failed 5xx rate: 1.0001 % in 3 samples, limit 1.0 %");
    }

    #[test]
    fn samples_may_be_counted_by_something_else() {
        let measured = Samples {
            new: vec![3.1],
            new_count: Some(42),
            old: Some(vec![0.2]),
        };
        let judgement = judge(&question(), &measured);
        insta::assert_snapshot!(judgement.reason, @"5xx rate: 3.1 % in 42 samples, limit 1.0 %; old version 0.2 %");
        let few = Samples {
            new_count: Some(2),
            ..measured
        };
        assert_eq!(judge(&question(), &few).outcome, Outcome::Inconclusive);
    }

    #[test]
    fn too_little_is_never_a_pass() {
        insta::assert_snapshot!(described(&question(), &[], None), @"NoData 5xx rate: no data of the new version");
        insta::assert_snapshot!(described(&question(), &[f64::NAN, f64::INFINITY], Some(&[1.0])), @"NoData 5xx rate: no data of the new version; old version 1 %");
        insta::assert_snapshot!(described(&question(), &[99.0], None), @"Inconclusive 5xx rate: 99 % in 1 sample, limit 1.0 %: too few, 3 are needed");
        let question = compared(Direction::Increase, Tolerance::DEFAULT);
        insta::assert_snapshot!(described(&question, &[1.0, 2.0, 3.0], Some(&[])), @"Inconclusive latency: 2 ms in 3 samples; old version without data: the old version has no data in the same window, so there is nothing to compare with");
        assert!(described(&question, &[1.0, 2.0, 3.0], None).starts_with("Inconclusive"));
        insta::assert_snapshot!(described(&question, &[7.0, 8.0, 9.0], Some(&[1.0, 2.0, 3.0])), @"Inconclusive latency: 8 ms in 3 samples; old version 2 ms: 3 of the new version and 3 of the old one are too few to be compared");
    }

    const OLD: [f64; 8] = [200.0, 205.0, 210.0, 215.0, 220.0, 225.0, 230.0, 235.0];
    const SLOW: [f64; 8] = [320.0, 330.0, 340.0, 345.0, 350.0, 355.0, 360.0, 370.0];

    #[test]
    fn a_certain_and_large_change_for_the_worse_fails() {
        let question = compared(Direction::Increase, Tolerance::DEFAULT);
        insta::assert_snapshot!(described(&question, &SLOW, Some(&OLD)), @"Failed latency: 346 ms in 8 samples; old version 218 ms: higher than the old version (p = 0.0000777, effect 1, tolerated 0.33)");
        assert!(
            described(&question, &OLD, Some(&SLOW)).starts_with("Passed"),
            "faster is better"
        );
        assert!(described(&question, &OLD, Some(&OLD)).starts_with("Passed"));
    }

    #[test]
    fn the_direction_says_which_change_is_bad() {
        let fewer = compared(Direction::Decrease, Tolerance::DEFAULT);
        assert!(described(&fewer, &OLD, Some(&SLOW)).contains("lower than the old version"));
        assert!(described(&fewer, &SLOW, Some(&OLD)).starts_with("Passed"));
        let either = compared(Direction::Either, Tolerance::DEFAULT);
        assert!(described(&either, &OLD, Some(&SLOW)).starts_with("Failed"));
        assert!(described(&either, &SLOW, Some(&OLD)).starts_with("Failed"));
    }

    #[test]
    fn a_change_that_is_certain_and_small_is_tolerated() {
        let slightly: Vec<f64> = OLD.iter().map(|value| value * 1.2).collect();
        let question = compared(Direction::Increase, Tolerance::Medians(0.25));
        assert!(described(&question, &slightly, Some(&OLD)).starts_with("Passed"));
        let question = compared(Direction::Increase, Tolerance::Medians(0.1));
        insta::assert_snapshot!(described(&question, &slightly, Some(&OLD)), @"Failed latency: 261 ms in 8 samples; old version 218 ms: higher than the old version (p = 0.0000777, medians 261 and 218: 20 %, tolerated 10 %)");
        let zeros = [0.0; 8];
        let from_zero = described(&question, &OLD, Some(&zeros));
        assert!(from_zero.contains("from zero"), "{from_zero}");
    }

    #[test]
    fn the_window_becomes_one_value_as_is_asked() {
        let values = [4.0, 1.0, 7.0, 2.0];
        for (by, value) in [
            (Aggregate::Mean, 3.5),
            (Aggregate::Median, 3.0),
            (Aggregate::Min, 1.0),
            (Aggregate::Max, 7.0),
            (Aggregate::Sum, 14.0),
            (Aggregate::Last, 2.0),
        ] {
            assert_eq!(aggregate(by, &values), Some(value), "{by:?}");
            assert_eq!(aggregate(by, &[]), None);
        }
    }
}
