//! How large a difference is, beside how certain it is: with many samples, a difference that nobody minds is certain.

/// Cliff's delta by U of the first sample: from -1 (each of its values is lower) over 0 to 1 (each is higher). The
/// A of Vargha and Delaney is `(delta + 1) / 2`.
#[must_use]
pub fn cliffs_delta(u: f64, n1: usize, n2: usize) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        reason = "sample sizes are far below 2^53"
    )]
    let pairs = (n1 * n2) as f64;
    2.0 * u / pairs - 1.0
}

/// The value in the middle; the mean of the two middle ones of an even number. None of no values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        let (low, high) = (sorted.get(middle.checked_sub(1)?)?, sorted.get(middle)?);
        return Some(f64::midpoint(*low, *high));
    }
    sorted.get(middle).copied()
}

/// The lowest value that at least so many tenths of a percent of all do not exceed, by nearest rank: it is one that was
/// measured. None of no values.
#[must_use]
pub fn percentile(values: &[f64], tenths: u16) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * usize::from(tenths.min(1000))).div_ceil(1000);
    sorted.get(rank.max(1) - 1).copied()
}

/// How many times `old` the value `new` is. Two zeros are equal; anything else is infinitely often zero.
#[must_use]
#[allow(clippy::float_cmp, reason = "only zero itself can't be divided by")]
pub fn ratio(new: f64, old: f64) -> f64 {
    if new == old {
        return 1.0;
    }
    if old == 0.0 {
        return f64::INFINITY.copysign(new);
    }
    new / old
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_goes_from_minus_one_to_one() {
        for (u, delta) in [(0.0, -1.0), (6.0, 0.0), (12.0, 1.0), (9.0, 0.5)] {
            assert!((cliffs_delta(u, 3, 4) - delta).abs() < 1e-12);
        }
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        for (tenths, value) in [
            (0, 1.0),
            (500, 10.0),
            (950, 19.0),
            (951, 20.0),
            (999, 20.0),
            (1000, 20.0),
        ] {
            assert_eq!(percentile(&values, tenths), Some(value), "{tenths}");
        }
        assert_eq!(percentile(&[7.0], 950), Some(7.0));
        assert_eq!(percentile(&[], 950), None);
    }

    proptest::proptest! {
        #[test]
        fn no_more_values_than_said_are_beyond_a_percentile(values in proptest::collection::vec(0.0..1e6, 1..200), tenths in 1_u16..=1000) {
            let limit = percentile(&values, tenths).unwrap();
            let within = values.iter().filter(|value| **value <= limit).count();
            let below = values.iter().filter(|value| **value < limit).count();
            proptest::prop_assert!(within * 1000 >= values.len() * usize::from(tenths));
            proptest::prop_assert!(below * 1000 < values.len() * usize::from(tenths));
        }
    }

    #[test]
    #[allow(clippy::float_cmp, reason = "exact values")]
    fn a_ratio_has_an_answer_for_zero() {
        assert_eq!(ratio(3.0, 2.0), 1.5);
        assert_eq!(ratio(0.0, 0.0), 1.0);
        assert_eq!(ratio(1.0, 0.0), f64::INFINITY);
        assert_eq!(ratio(-1.0, 0.0), f64::NEG_INFINITY);
    }
}
