//! Numbers in sentences.

/// Three significant digits, and more where it would look like one of `others`: rounding must not make a broken limit
/// look like a kept one.
pub(crate) fn number(value: f64, others: &[f64]) -> String {
    let magnitude = value.abs().max(1e-300).log10().floor();
    let mut decimals = if value == 0.0 {
        0.0
    } else {
        (2.0 - magnitude).clamp(0.0, 12.0)
    };
    loop {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 17"
        )]
        let text = format!("{value:.*}", decimals as usize);
        let rounded: f64 = text.parse().unwrap_or(value);
        #[allow(clippy::float_cmp, reason = "the same text is the same number")]
        let looks_like_another = others
            .iter()
            .any(|other| *other == rounded && *other != value);
        if !looks_like_another || decimals >= 17.0 {
            return trimmed(&text);
        }
        decimals += 1.0;
    }
}

fn trimmed(text: &str) -> String {
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    };
    if text == "-0" { "0" } else { text }.to_owned()
}

/// `= 0.003`. What is possible never looks like what is not.
pub(crate) fn probability(p: f64) -> String {
    const MIN_SHOWN: f64 = 0.000_001;
    if p < MIN_SHOWN {
        return "< 0.000001".to_owned();
    }
    format!("= {}", number(p, &[]))
}

/// `3.1 %`, `340 ms`, `12`.
pub(crate) fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() {
        return number.to_owned();
    }
    format!("{number} {unit}")
}

/// `1 sample`, `42 samples`.
pub(crate) fn samples(count: u64) -> String {
    format!("{count} sample{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_look_like_the_limit() {
        for (value, others, text) in [
            (3.1, vec![1.0], "3.1"),
            (2.345_67, vec![], "2.35"),
            (1234.5678, vec![], "1235"),
            (0.000_123_45, vec![], "0.000123"),
            (1.000_04, vec![1.0], "1.00004"),
            (0.999_96, vec![1.0], "0.99996"),
            (0.0, vec![0.0], "0"),
            (-0.0, vec![], "0"),
            (100.0, vec![100.0], "100"),
        ] {
            assert_eq!(number(value, &others), text);
        }
    }

    #[test]
    fn a_probability_is_never_zero() {
        assert_eq!(probability(0.003), "= 0.003");
        assert_eq!(probability(0.000_001), "= 0.000001");
        assert_eq!(probability(4e-17), "< 0.000001");
        assert_eq!(probability(0.0), "< 0.000001");
    }
}
