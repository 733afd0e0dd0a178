//! Numbers whose digits survive: the value as JSON writes it, exact at any size.
//!
//! Why not a float: `18446744073709551617` and `1.10` are read from files, sent to services and compared
//! with their answers. What was rounded on the way can make a wrong answer look right.

use std::fmt;

/// More characters than this are not a number that somebody means to compare.
const MAX_CHARACTERS: usize = 1_000;

/// A number of a file: exact, and in the form that JSON has for it.
///
/// The form keeps the digits that were written (`1.10` stays `1.10`). It differs from what was written only
/// where JSON has no such form: `0192117` becomes `192117`, `+1` becomes `1`, `.5` becomes `0.5`, `5.` becomes
/// `5`, `0x1F` becomes `31`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(String);

/// What a plain scalar is that YAML 1.2 (core schema) reads as a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Number(Number),
    /// `.inf`, `.nan`: no JSON has them.
    NotFinite,
    /// Longer than anybody can mean, or hexadecimal of more than 128 bits.
    TooLong,
}

impl Number {
    /// The number as JSON writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, if it is a whole one from 0 to `u64::MAX` that was written without point and exponent.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The nearest float; infinite if the number is beyond all floats.
    pub fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a plain scalar by the core schema of YAML 1.2; none if it is not a number there.
pub(crate) fn read(text: &str) -> Option<Reading> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Reading::NotFinite);
    }
    let radix = |prefix| {
        text.strip_prefix(prefix)
            .filter(|digits| !digits.is_empty())
    };
    for (prefix, base) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = radix(prefix).filter(|d| d.chars().all(|c| c.is_digit(base))) {
            let value = u128::from_str_radix(digits, base);
            return Some(
                value.map_or(Reading::TooLong, |v| Reading::Number(Number(v.to_string()))),
            );
        }
    }
    let decimal = Decimal::split(unsigned)?;
    if text.len() > MAX_CHARACTERS {
        return Some(Reading::TooLong);
    }
    Some(Reading::Number(Number(format!("{sign}{decimal}"))))
}

/// The parts of a number without its sign.
struct Decimal<'t> {
    whole: &'t str,
    fraction: &'t str,
    /// With its `e`; empty if there is none.
    exponent: &'t str,
}

impl<'t> Decimal<'t> {
    /// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, and an exponent or none.
    fn split(unsigned: &'t str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            None => (unsigned, ""),
            Some(at) => {
                let power = &unsigned[at + 1..];
                let power = power.strip_prefix(['-', '+']).unwrap_or(power);
                if power.is_empty() || !digits(power) {
                    return None;
                }
                unsigned.split_at(at)
            }
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let some = !whole.is_empty() || !fraction.is_empty();
        (some && digits(whole) && digits(fraction)).then_some(Self {
            whole,
            fraction,
            exponent,
        })
    }
}

impl fmt::Display for Decimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.whole.trim_start_matches('0');
        f.write_str(if whole.is_empty() { "0" } else { whole })?;
        if !self.fraction.is_empty() {
            write!(f, ".{}", self.fraction)?;
        }
        f.write_str(self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<String> {
        match read(text) {
            Some(Reading::Number(number)) => Some(number.to_string()),
            _ => None,
        }
    }

    #[test]
    fn what_json_can_write_stays_as_it_was_written() {
        for text in [
            "0",
            "-0",
            "7",
            "-7",
            "1.10",
            "6063e25",
            "1E5",
            "1e-05",
            "1e999",
            "0.5e+3",
            "18446744073709551617",
            "0.10000000000000000000000000000001",
        ] {
            assert_eq!(json(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn other_forms_of_yaml_have_the_same_value() {
        for (text, value) in [
            ("0192117", "192117"),
            ("-012", "-12"),
            ("00", "0"),
            ("+1", "1"),
            ("+1.50", "1.50"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("5.e3", "5e3"),
            ("007.50", "7.50"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("0xffffffffffffffff", "18446744073709551615"),
        ] {
            assert_eq!(json(text).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn text_is_not_a_number() {
        for text in [
            "",
            ".",
            "-",
            "+",
            "e5",
            ".e5",
            "1e",
            "1e+",
            "1.2.3",
            "1-2",
            "--1",
            "1_000",
            "1,000",
            "0x",
            "0xG",
            "0b101",
            "-0x1F",
            "0o8",
            "12:30:45",
            "2026-11-29",
            "1 ",
            "٣",
            "NaN",
            "inf",
            "+.nan",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        for text in [".inf", "-.Inf", "+.INF", ".NaN"] {
            assert_eq!(read(text), Some(Reading::NotFinite), "{text}");
        }
        assert_eq!(read(&"1".repeat(1_001)), Some(Reading::TooLong));
        assert_eq!(
            read(&format!("0x{}", "f".repeat(33))),
            Some(Reading::TooLong)
        );
    }

    #[test]
    fn whole_numbers_are_read_exactly() {
        let whole = |text| match read(text) {
            Some(Reading::Number(number)) => number.as_u64(),
            _ => None,
        };
        assert_eq!(whole("18446744073709551615"), Some(u64::MAX));
        for other in ["18446744073709551616", "-1", "1.0", "1e3"] {
            assert_eq!(whole(other), None, "{other}");
        }
        assert_eq!(whole("010"), Some(10));
    }
}
