//! What the numbers of a load come to. Pure; the judgement itself is [`metric::judge`].

use metric::{Aggregate, Comparison, Limit, Outcome, Question, Samples, compare_shares};

use super::tally::Tally;
use crate::expect::{Actual, Finding};
use crate::measurement::Measurement;
use crate::probe::metric::judged;

/// What is asked of the numbers.
#[derive(Clone, Debug)]
pub(crate) struct Demands {
    pub(crate) errors: ErrorDemand,
    /// Of `statistic` in milliseconds.
    pub(crate) latency: Option<Limit>,
    /// Percent: 95 is p95.
    pub(crate) statistic: u8,
    pub(crate) compare: Option<Comparison>,
    pub(crate) min_samples: u64,
}

/// What is asked of the share of requests without a good answer.
#[derive(Clone, Debug)]
pub(crate) struct ErrorDemand {
    /// In percent. None: only the old version says how many there may be.
    pub(crate) limit: Option<Limit>,
    /// How much larger than the old version's it may be, 0 to 1. None: any difference that may be chance passes.
    pub(crate) tolerance: Option<f64>,
}

const COMPARISON_DEMAND: &str = "latency no worse than the old version's";

/// A finding on errors, and one on latency if it is asked for.
pub(super) fn findings(demands: &Demands, new: &Tally, old: Option<&Tally>) -> Vec<Finding> {
    let mut findings = vec![errors(demands, new, old)];
    if demands.latency.is_none() && demands.compare.is_none() {
        return findings;
    }
    let mut question = Question {
        name: format!("latency p{}", demands.statistic),
        unit: "ms".to_owned(),
        aggregate: Aggregate::Percentile(u16::from(demands.statistic) * 10),
        fail_when: demands.latency.clone(),
        compare: demands.compare,
        min_samples: demands.min_samples,
    };
    if let (Some(old), Some(_)) = (old, demands.compare) {
        let count = old.latencies.len();
        if u64::try_from(count).unwrap_or(u64::MAX) < demands.min_samples {
            question.compare = None;
            findings.push(too_few_of_the_old_version(demands, old, count));
        }
    }
    if question.fail_when.is_none() && question.compare.is_none() {
        return findings;
    }
    let samples = Samples {
        new: new.latencies.clone(),
        new_count: None,
        old: old.map(|old| old.latencies.clone()),
    };
    findings.push(judged(&demand(&question), &question, &samples));
    findings
}

fn errors(demands: &Demands, new: &Tally, old: Option<&Tally>) -> Finding {
    let question = Question {
        name: "errors".to_owned(),
        unit: "%".to_owned(),
        aggregate: Aggregate::Mean,
        fail_when: demands.errors.limit.clone(),
        compare: demands.compare,
        min_samples: demands.min_samples,
    };
    let demand = demand(&question);
    // Shares are compared by a test of their own.
    let by_limit = Question {
        compare: None,
        ..question
    };
    let samples = Samples {
        new: new.error_percentages(),
        new_count: None,
        old: old.map(Tally::error_percentages),
    };
    let mut finding = judged(&demand, &by_limit, &samples);
    if let (Some(old), Some(comparison), Measurement::Passed) =
        (old, demands.compare, finding.measurement)
    {
        let (outcome, why) = compare_shares(
            new.errors_of_all(),
            old.errors_of_all(),
            comparison.significance,
            demands.errors.tolerance,
        );
        finding = with_comparison(finding, outcome, &why);
    }
    if let (Actual::Words(words), Some(errors)) = (&mut finding.got, new.errors()) {
        *words = format!("{words}: {errors}");
    }
    finding
}

/// What passed by its limit, as the comparison with the old version leaves it.
fn with_comparison(finding: Finding, outcome: Outcome, why: &str) -> Finding {
    let got = match finding.got {
        Actual::Words(words) | Actual::Value(words) => Actual::Words(words + why),
    };
    match outcome {
        Outcome::Passed => Finding::new(finding.demand, got, true),
        Outcome::Failed => Finding::new(finding.demand, got, false),
        Outcome::Inconclusive | Outcome::NoData => Finding::inconclusive(finding.demand, got),
    }
}

/// Nothing was asked.
pub(super) fn nothing_to_compare_with(why: &str) -> Finding {
    Finding::no_data(
        COMPARISON_DEMAND,
        Actual::Words(format!("nothing was asked: {why}")),
    )
}

fn too_few_of_the_old_version(demands: &Demands, old: &Tally, count: usize) -> Finding {
    let mut got = format!(
        "{count} answers of the old version are too few to be compared with, {} are needed",
        demands.min_samples
    );
    if let Some(errors) = old.errors() {
        got = format!("{got}: {errors}");
    }
    Finding::inconclusive(COMPARISON_DEMAND, Actual::Words(got))
}

/// `latency p95 not > 300 ms and no worse than the old version`
fn demand(question: &Question) -> String {
    let limit = question.fail_when.as_ref();
    let limit = limit.map(|limit| format!("not {limit} {}", question.unit));
    let old = question.compare;
    let old = old.map(|_| "no worse than the old version".to_owned());
    let demands: Vec<String> = limit.into_iter().chain(old).collect();
    format!("{} {}", question.name, demands.join(" and "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use metric::Tolerance;

    use super::super::tally::Sample;
    use super::*;

    fn demands(compare: bool) -> Demands {
        Demands {
            errors: ErrorDemand {
                limit: Limit::parse("> 1"),
                tolerance: None,
            },
            latency: Limit::parse("> 300"),
            statistic: 95,
            compare: compare.then(|| Comparison {
                tolerance: Tolerance::Medians(0.1),
                ..Comparison::default()
            }),
            min_samples: 20,
        }
    }

    /// Answers in milliseconds, and how many bad ones.
    fn tally(answers: impl IntoIterator<Item = u64>, bad: usize) -> Tally {
        let mut tally = Tally::default();
        for took in answers {
            tally.add(Sample::Good(Duration::from_millis(took)));
        }
        for _ in 0..bad {
            tally.add(Sample::Bad("status 503".to_owned()));
        }
        tally
    }

    fn summary(demands: &Demands, new: &Tally, old: Option<&Tally>) -> String {
        let lines = findings(demands, new, old).into_iter().map(|finding| {
            let Actual::Words(got) = finding.got else {
                panic!("only our own words");
            };
            format!(
                "{}: {} <- {got}\n",
                finding.measurement.as_str(),
                finding.demand
            )
        });
        lines.collect()
    }

    #[test]
    fn limits_are_judged_with_their_numbers() {
        insta::assert_snapshot!(summary(&demands(false), &tally(100..200, 0), None), @"
        passed: errors not > 1 % <- errors: 0 % in 100 samples, limit 1 %
        passed: latency p95 not > 300 ms <- latency p95: 194 ms in 100 samples, limit 300 ms
        ");
        insta::assert_snapshot!(summary(&demands(false), &tally(250..350, 10), None), @"
        failed: errors not > 1 % <- errors: 9.09 % in 110 samples, limit 1 %: status 503 (10)
        failed: latency p95 not > 300 ms <- latency p95: 344 ms in 100 samples, limit 300 ms
        ");
        insta::assert_snapshot!(summary(&demands(false), &tally([1; 5], 0), None), @"
        inconclusive: errors not > 1 % <- errors: 0 % in 5 samples, limit 1 %: too few, 20 are needed
        inconclusive: latency p95 not > 300 ms <- latency p95: 1 ms in 5 samples, limit 300 ms: too few, 20 are needed
        ");
        insta::assert_snapshot!(summary(&demands(false), &tally([], 40), None), @"
        failed: errors not > 1 % <- errors: 100 % in 40 samples, limit 1 %: status 503 (40)
        no data: latency p95 not > 300 ms <- latency p95: no data of the new version
        ");
    }

    #[test]
    fn versions_are_compared_with_both_numbers() {
        let old = tally(100..150, 0);
        insta::assert_snapshot!(summary(&demands(true), &tally(100..150, 0), Some(&old)), @r#"
        passed: errors not > 1 % and no worse than the old version <- errors: 0 % in 50 samples, limit 1 %; old version 0 %
        passed: latency p95 not > 300 ms and no worse than the old version <- latency p95: 147 ms in 50 samples, limit 300 ms; old version 147 ms
        "#);
        insta::assert_snapshot!(summary(&demands(true), &tally(130..180, 0), Some(&old)), @r#"
        passed: errors not > 1 % and no worse than the old version <- errors: 0 % in 50 samples, limit 1 %; old version 0 %
        failed: latency p95 not > 300 ms and no worse than the old version <- latency p95: 177 ms in 50 samples, limit 300 ms; old version 147 ms: higher than the old version (p < 0.000001, medians 154 and 124: 24.1 %, tolerated 10 %)
        "#);
        insta::assert_snapshot!(summary(&demands(true), &tally(100..150, 0), Some(&tally([100; 3], 47))), @r#"
        passed: errors not > 1 % and no worse than the old version <- errors: 0 % in 50 samples, limit 1 %; old version 94 %
        inconclusive: latency no worse than the old version's <- 3 answers of the old version are too few to be compared with, 20 are needed: status 503 (47)
        passed: latency p95 not > 300 ms <- latency p95: 147 ms in 50 samples, limit 300 ms; old version 100 ms
        "#);
    }

    #[test]
    fn errors_are_compared_as_well() {
        let demanded = |limit: Option<&str>, tolerance| Demands {
            errors: ErrorDemand {
                limit: limit.map(|limit| Limit::parse(limit).unwrap()),
                tolerance,
            },
            latency: None,
            ..demands(true)
        };
        let of = |limit: Option<&str>, tolerance, new: usize, old: usize| {
            let demands = demanded(limit, tolerance);
            let (new, old) = (tally([100; 200], new), tally([100; 200], old));
            summary(&demands, &new, Some(&old))
        };
        let all = [
            of(Some("> 10"), None, 12, 0),
            of(Some("> 10"), None, 2, 0),
            of(Some("> 10"), Some(0.1), 12, 0),
            of(Some("> 10"), None, 40, 0),
            of(None, Some(0.0), 12, 12),
            of(None, Some(0.0), 40, 12),
        ];
        insta::assert_snapshot!(all.concat(), @r#"
        failed: errors not > 10 % and no worse than the old version <- errors: 5.66 % in 212 samples, limit 10 %; old version 0 %: more than the old version (p = 0.000295, 5.66 points more, tolerated 0): status 503 (12)
        passed: latency p95 no worse than the old version <- latency p95: 100 ms in 200 samples; old version 100 ms
        passed: errors not > 10 % and no worse than the old version <- errors: 0.99 % in 202 samples, limit 10 %; old version 0 %: status 503 (2)
        passed: latency p95 no worse than the old version <- latency p95: 100 ms in 200 samples; old version 100 ms
        passed: errors not > 10 % and no worse than the old version <- errors: 5.66 % in 212 samples, limit 10 %; old version 0 %: status 503 (12)
        passed: latency p95 no worse than the old version <- latency p95: 100 ms in 200 samples; old version 100 ms
        failed: errors not > 10 % and no worse than the old version <- errors: 16.7 % in 240 samples, limit 10 %; old version 0 %: status 503 (40)
        passed: latency p95 no worse than the old version <- latency p95: 100 ms in 200 samples; old version 100 ms
        passed: errors no worse than the old version <- errors: 5.66 % in 212 samples; old version 5.66 %: status 503 (12)
        passed: latency p95 no worse than the old version <- latency p95: 100 ms in 200 samples; old version 100 ms
        failed: errors no worse than the old version <- errors: 16.7 % in 240 samples; old version 5.66 %: more than the old version (p = 0.000161, 11 points more, tolerated 0): status 503 (40)
        passed: latency p95 no worse than the old version <- latency p95: 100 ms in 200 samples; old version 100 ms
        "#);
        // More than is tolerated, and not certain: six of 26 against none of 26.
        let alone = demanded(None, Some(0.005));
        insta::assert_snapshot!(summary(&alone, &tally([100; 20], 6), Some(&tally([100; 26], 0))), @r#"
        inconclusive: errors no worse than the old version <- errors: 23.1 % in 26 samples; old version 0 %: too few requests to tell whether it is more than the old version (p = 0.0113, 23.1 points more, tolerated 0.5): status 503 (6)
        passed: latency p95 no worse than the old version <- latency p95: 100 ms in 20 samples; old version 100 ms
        "#);
        // Two of each are too few to show anything.
        let few = Demands {
            min_samples: 1,
            ..demanded(None, Some(0.0))
        };
        insta::assert_snapshot!(summary(&few, &tally([], 2), Some(&tally([1; 2], 0))), @r#"
        inconclusive: errors no worse than the old version <- errors: 100 % in 2 samples; old version 0 %: 2 of the new version and 2 of the old one are too few to be compared: status 503 (2)
        no data: latency p95 no worse than the old version <- latency p95: no data of the new version; old version 1 ms
        "#);
    }

    #[test]
    fn nothing_measured_is_never_a_pass() {
        for old in [None, Some(&tally([], 0)), Some(&tally([10; 100], 0))] {
            let compare = old.is_some();
            let found = findings(&demands(compare), &tally([], 0), old);
            assert!(
                found
                    .iter()
                    .all(|finding| finding.measurement != Measurement::Passed)
            );
        }
    }
}
