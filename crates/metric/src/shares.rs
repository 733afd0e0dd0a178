//! Shares of two versions: how many of so many requests failed. Whether the new version's is larger, certainly and by
//! more than is tolerated.
//!
//! By Fisher's exact test: errors are few, and what approximates them takes three of 600 against none for certain.

use crate::float;
use crate::judge::Outcome;
use crate::wording::{number, probability};

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How many there are of what is counted.
    pub part: usize,
    /// Among how many.
    pub whole: usize,
}

impl Share {
    fn value(self) -> f64 {
        float(self.part) / float(self.whole)
    }
}

/// Whether the new version's share is larger than the old one's: the outcome, and what stands behind the two numbers.
/// `tolerated` is the difference that may be, 0 to 1. A larger one that may be chance passes only where none is named.
#[must_use]
pub fn compare_shares(
    new: Share,
    old: Share,
    significance: f64,
    tolerated: Option<f64>,
) -> (Outcome, String) {
    if new.whole == 0 || old.whole == 0 {
        let why =
            ": the old version has no data in the same window, so there is nothing to compare with";
        return (Outcome::Inconclusive, why.to_owned());
    }
    let every = |share: Share, part| Share { part, ..share };
    if fisher(every(new, new.whole), every(old, 0)) > significance {
        let why = format!(
            ": {} of the new version and {} of the old one are too few to be compared",
            new.whole, old.whole
        );
        return (Outcome::Inconclusive, why);
    }
    let p = fisher(new, old);
    let difference = new.value() - old.value();
    let is_certain = p <= significance;
    if difference <= tolerated.unwrap_or(0.0) || (!is_certain && tolerated.is_none()) {
        return (Outcome::Passed, String::new());
    }
    let tolerated = tolerated.unwrap_or(0.0);
    let points = |share: f64, others: &[f64]| number(share * 100.0, others);
    let by = format!(
        "p {}, {} points more, tolerated {}",
        probability(p),
        points(difference, &[tolerated * 100.0]),
        points(tolerated, &[]),
    );
    if is_certain {
        let why = format!(": more than the old version ({by})");
        return (Outcome::Failed, why);
    }
    let why = format!(": too few requests to tell whether it is more than the old version ({by})");
    (Outcome::Inconclusive, why)
}

/// How likely so large a share of the new version, or a larger one, is where both versions have the same.
/// <https://en.wikipedia.org/wiki/Fisher%27s_exact_test>
fn fisher(new: Share, old: Share) -> f64 {
    let bad = new.part + old.part;
    let all = ln_choose(new.whole + old.whole, bad);
    let fewest = new.part.max(bad.saturating_sub(old.whole));
    let tail: f64 = (fewest..=new.whole.min(bad))
        .map(|part| (ln_choose(new.whole, part) + ln_choose(old.whole, bad - part) - all).exp())
        .sum();
    tail.clamp(0.0, 1.0)
}

/// The logarithm of the number of ways to choose `part` of `whole`.
fn ln_choose(whole: usize, part: usize) -> f64 {
    let ln_factorial = |count: usize| libm::lgamma(float(count) + 1.0);
    ln_factorial(whole) - ln_factorial(part) - ln_factorial(whole - part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(part: usize, whole: usize) -> Share {
        Share { part, whole }
    }

    /// By fractions of whole numbers in Python:
    /// `sum(Fraction(comb(n1, k) * comb(n2, a + c - k), comb(n1 + n2, a + c)) for k in range(a, min(n1, a + c) + 1))`
    #[test]
    fn it_is_what_exact_arithmetic_says() {
        for ((a, n1), (c, n2), p) in [
            ((3, 600), (0, 600), 0.124_687_239_366),
            ((18, 600), (1, 600), 3.397_643_934_69e-5),
            ((5, 100), (5, 100), 0.626_235_124_935),
            ((1, 20), (0, 20), 0.5),
            ((4, 20), (0, 20), 0.053_014_553_015),
            ((50, 1000), (30, 900), 0.044_719_919_695),
            ((10000, 10000), (9990, 10000), 9.743_666_625_15e-4),
            ((20, 20), (0, 20), 7.254_444_551_92e-12),
            ((0, 30), (7, 25), 1.0),
        ] {
            let found = fisher(share(a, n1), share(c, n2));
            assert!(
                (found - p).abs() <= 1e-8 * p,
                "{a}/{n1} {c}/{n2}: {found} for {p}"
            );
        }
    }

    #[test]
    fn a_few_errors_may_be_chance_and_many_are_not() {
        let judged = |new: (usize, usize), old: (usize, usize), tolerated| {
            let (outcome, why) =
                compare_shares(share(new.0, new.1), share(old.0, old.1), 0.01, tolerated);
            format!("{outcome:?}{why}")
        };
        insta::assert_snapshot!([
            judged((0, 600), (0, 600), Some(0.0)),
            judged((3, 600), (0, 600), None),
            judged((18, 600), (1, 600), None),
            judged((18, 600), (1, 600), Some(0.05)),
            judged((18, 600), (1, 600), Some(0.028)),
            judged((1, 600), (18, 600), Some(0.0)),
            judged((600, 600), (0, 600), Some(0.0)),
            judged((2, 2), (0, 2), None),
            judged((2, 2), (0, 0), None),
            // More than is tolerated, and maybe by chance.
            judged((6, 26), (0, 26), None),
            judged((6, 26), (0, 26), Some(0.005)),
            judged((6, 26), (0, 26), Some(0.25)),
            judged((3, 600), (0, 600), Some(0.0)),
            judged((5, 100), (5, 100), Some(0.0)),
        ].join("\n"), @r#"
        Passed
        Passed
        Failed: more than the old version (p = 0.000034, 2.83 points more, tolerated 0)
        Passed
        Failed: more than the old version (p = 0.000034, 2.83 points more, tolerated 2.8)
        Passed
        Failed: more than the old version (p < 0.000001, 100 points more, tolerated 0)
        Inconclusive: 2 of the new version and 2 of the old one are too few to be compared
        Inconclusive: the old version has no data in the same window, so there is nothing to compare with
        Passed
        Inconclusive: too few requests to tell whether it is more than the old version (p = 0.0113, 23.1 points more, tolerated 0.5)
        Passed
        Inconclusive: too few requests to tell whether it is more than the old version (p = 0.125, 0.5 points more, tolerated 0)
        Passed
        "#);
    }

    proptest! {
        #[test]
        fn it_is_a_probability_and_falls_with_more_errors(
            n1 in 1_usize..400,
            n2 in 1_usize..400,
            a in 0_usize..400,
            c in 0_usize..400,
        ) {
            let (a, c) = (a % (n1 + 1), c % (n2 + 1));
            let p = fisher(share(a, n1), share(c, n2));
            prop_assert!((0.0..=1.0).contains(&p));
            if a < n1 {
                prop_assert!(fisher(share(a + 1, n1), share(c, n2)) <= p + 1e-9);
            }
            if a == 0 {
                prop_assert!((p - 1.0).abs() < 1e-9);
            }
        }
    }
}
