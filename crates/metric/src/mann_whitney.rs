//! The Mann–Whitney U test: whether values of one sample tend to be higher than those of another one.
//!
//! It asks nothing of how values are distributed, which latencies and error rates need. As `SciPy`'s `mannwhitneyu` does it: exact
//! where one sample has at most eight values and there are no ties, else by the normal approximation, corrected for
//! ties and for continuity. Its results are recorded in `tests/scipy.json`.

use std::f64::consts::SQRT_2;

use crate::float;

/// With more values in both samples, or with ties, the normal approximation is used.
const MAX_EXACT: usize = 8;
/// Beyond this the exact counts would not fit into 128 bits.
const MAX_EXACT_OTHER: usize = 100_000;

/// Which difference is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alternative {
    /// The first sample's values are higher.
    Greater,
    /// They are lower.
    Less,
    /// Either.
    TwoSided,
}

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// U of the first sample: how many pairs it wins, a tie counting half.
    pub u: f64,
    /// How likely so large a difference is where there is none.
    pub p: f64,
    /// By the exact distribution.
    pub is_exact: bool,
}

/// Tests `x` against `y`. None where a sample is empty or holds a value that has no order.
#[must_use]
pub fn mann_whitney(x: &[f64], y: &[f64], alternative: Alternative) -> Option<RankTest> {
    if x.is_empty() || y.is_empty() || x.iter().chain(y).any(|value| value.is_nan()) {
        return None;
    }
    let Ranks { sum_of_x, ties } = ranks(x, y);
    let (n1, n2) = (float(x.len()), float(y.len()));
    let u = sum_of_x - n1 * (n1 + 1.0) / 2.0;
    let other = n1 * n2 - u;
    let tested = match alternative {
        Alternative::Greater => u,
        Alternative::Less => other,
        Alternative::TwoSided => u.max(other),
    };
    let is_exact =
        ties == 0.0 && x.len().min(y.len()) <= MAX_EXACT && x.len().max(y.len()) <= MAX_EXACT_OTHER;
    let one_sided = if is_exact {
        exact_tail(x.len(), y.len(), tested)
    } else {
        normal_tail(n1, n2, tested, ties)
    };
    let sides = match alternative {
        Alternative::TwoSided => 2.0,
        Alternative::Greater | Alternative::Less => 1.0,
    };
    Some(RankTest {
        u,
        p: (one_sided * sides).clamp(0.0, 1.0),
        is_exact,
    })
}

/// The smallest p that samples of these sizes can come to, by the exact distribution: if even that is above the
/// significance, nothing could ever be shown.
#[must_use]
pub(crate) fn smallest_p(n1: usize, n2: usize, alternative: Alternative) -> f64 {
    // One arrangement of all `C(n1 + n2, n1)`.
    let choices =
        (1..=n1.min(n2)).fold(1.0, |product, i| product * float(n1.max(n2) + i) / float(i));
    match alternative {
        Alternative::TwoSided => (2.0 / choices).min(1.0),
        Alternative::Greater | Alternative::Less => 1.0 / choices,
    }
}

struct Ranks {
    /// Of the first sample's values, equal ones having the mean of their ranks.
    sum_of_x: f64,
    /// `t³ - t` over all groups of equal values.
    ties: f64,
}

fn ranks(x: &[f64], y: &[f64]) -> Ranks {
    let of_x = x.iter().map(|value| (*value, true));
    let mut all: Vec<(f64, bool)> = of_x.chain(y.iter().map(|value| (*value, false))).collect();
    all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut sum_of_x, mut ties, mut before) = (0.0, 0.0, 0);
    // -0.0 sorts before 0.0 and is equal to it.
    #[allow(clippy::float_cmp, reason = "ties are equal values")]
    for group in all.chunk_by(|(a, _), (b, _)| a == b) {
        let size = float(group.len());
        let rank = f64::midpoint(float(before + 1), float(before + group.len()));
        sum_of_x += rank * float(group.iter().filter(|(_, is_x)| *is_x).count());
        ties += size * size * size - size;
        before += group.len();
    }
    Ranks { sum_of_x, ties }
}

/// `P(U >= u)` by counting arrangements. The number with each U are the coefficients of a Gaussian binomial.
fn exact_tail(n1: usize, n2: usize, u: f64) -> f64 {
    let (small, large) = (n1.min(n2), n1.max(n2));
    let top = small * large;
    let mut counts = vec![0_i128; top + 1];
    counts[0] = 1;
    for i in 1..=small {
        // Times (1 - q^(large + i)), over (1 - q^i).
        for k in (large + i..=top).rev() {
            counts[k] -= counts[k - large - i];
        }
        for k in i..=top {
            counts[k] += counts[k - i];
        }
    }
    let all: i128 = counts.iter().sum();
    let at_least: i128 = counts
        .iter()
        .enumerate()
        .filter(|(k, _)| float(*k) >= u)
        .map(|(_, count)| count)
        .sum();
    #[allow(clippy::cast_precision_loss, reason = "a ratio of two counts")]
    let tail = at_least as f64 / all as f64;
    tail
}

fn normal_tail(n1: f64, n2: f64, u: f64, ties: f64) -> f64 {
    let n = n1 + n2;
    let mean = n1 * n2 / 2.0;
    let variance = n1 * n2 / 12.0 * ((n + 1.0) - ties / (n * (n - 1.0)));
    if variance <= 0.0 {
        // All values are equal.
        return 1.0;
    }
    let z = (u - mean - 0.5) / variance.sqrt();
    libm::erfc(z / SQRT_2) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn numbers(value: &Value) -> Vec<f64> {
        let numbers = value.as_array().unwrap().iter();
        numbers.map(|number| number.as_f64().unwrap()).collect()
    }

    #[test]
    fn results_are_those_of_scipy() {
        let recorded: Value = serde_json::from_str(include_str!("../tests/scipy.json")).unwrap();
        let cases = recorded["cases"].as_array().unwrap();
        assert!(cases.len() > 100, "{}", cases.len());
        let mut exact = 0;
        for case in cases {
            let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
            for (alternative, name) in [
                (Alternative::Greater, "greater"),
                (Alternative::Less, "less"),
                (Alternative::TwoSided, "two-sided"),
            ] {
                let test = mann_whitney(&x, &y, alternative).unwrap();
                let (u, p) = (
                    case["u"].as_f64().unwrap(),
                    case["p"][name].as_f64().unwrap(),
                );
                assert!(
                    (test.u - u).abs() < 1e-9,
                    "{} {name}: {test:?}",
                    case["name"]
                );
                let error = (test.p - p).abs() / p.max(1e-12);
                assert!(
                    error < 1e-9,
                    "{} {name}: {test:?} and not {p}",
                    case["name"]
                );
                exact += usize::from(test.is_exact);
            }
        }
        assert!(exact > 50, "{exact} by the exact distribution");
    }

    #[test]
    fn without_values_there_is_no_test() {
        assert_eq!(mann_whitney(&[], &[1.0], Alternative::Less), None);
        assert_eq!(mann_whitney(&[1.0], &[f64::NAN], Alternative::Less), None);
    }

    #[test]
    fn the_smallest_p_is_reached_by_samples_that_do_not_overlap() {
        for (n1, n2) in [(1, 1), (3, 3), (5, 4), (2, 40)] {
            let x: Vec<f64> = (0..n1).map(|i| 1000.0 + float(i)).collect();
            let y: Vec<f64> = (0..n2).map(float).collect();
            for alternative in [Alternative::Greater, Alternative::TwoSided] {
                let p = mann_whitney(&x, &y, alternative).unwrap().p;
                let smallest = smallest_p(n1, n2, alternative);
                assert!((p - smallest).abs() < 1e-12, "{n1} {n2}: {p} {smallest}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_other_way_round_is_the_other_alternative(
            x in proptest::collection::vec(-50_i32..50, 1..40),
            y in proptest::collection::vec(-50_i32..50, 1..40),
        ) {
            let floats = |values: &[i32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
            let (x, y) = (floats(&x), floats(&y));
            let one = mann_whitney(&x, &y, Alternative::Greater).unwrap();
            let other = mann_whitney(&y, &x, Alternative::Less).unwrap();
            prop_assert!((one.p - other.p).abs() < 1e-12);
            prop_assert!((one.u + other.u - float(x.len() * y.len())).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&one.p));
        }
    }
}
