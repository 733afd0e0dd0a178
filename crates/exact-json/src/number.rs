//! Numbers by value, from their text: 7, 7.0 and 70e-1 are the same, 0.1 and 0.10 too, and no digit
//! is ever rounded away. An exponent costs nothing, however large: it is compared, not written out.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Exponents of more digits are not compared; one of these is far beyond any quantity.
pub const MAX_EXPONENT_DIGITS: usize = 18;

/// A JSON number as it was written. Two are equal if their values are.
#[derive(Clone, Debug)]
pub struct Number(Box<str>);

/// The text is not a number as JSON writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number as JSON writes it")]
pub struct NumberError;

impl Number {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        match scan(text.as_bytes()) {
            Some(length) if length == text.len() => Ok(Self(text.into())),
            _ => Err(NumberError),
        }
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        compare(&self.0, &other.0) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        compare(&self.0, &other.0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Compares two JSON numbers by value. `None` where an exponent is too long to compare.
pub fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (Decimal::of(left), Decimal::of(right));
    match (left.sign(), right.sign()) {
        (a, b) if a != b => Some(a.cmp(&b)),
        (0, _) => Some(Ordering::Equal),
        (sign, _) => {
            let size = left.position()?.cmp(&right.position()?);
            let size = size.then_with(|| left.significant().cmp(right.significant()));
            Some(if sign < 0 { size.reverse() } else { size })
        }
    }
}

/// Whether the value of a JSON number has no fraction: 7, 7.0 and 70e-1 have none.
pub fn is_integer(text: &str) -> bool {
    let decimal = Decimal::of(text);
    if decimal.sign() == 0 {
        return true;
    }
    match decimal.exponent {
        // More digits than any text has: the sign of the exponent decides.
        None => !decimal.exponent_negative,
        Some(exponent) => exponent + signed(decimal.whole.len()) >= signed(decimal.end),
    }
}

/// The length of the JSON number at the beginning of `text`.
pub(crate) fn scan(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        text[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut at = usize::from(text.first() == Some(&b'-'));
    at += match text.get(at)? {
        b'0' => 1,
        b'1'..=b'9' => digits(at),
        _ => return None,
    };
    if text.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

/// The parts of a number's text: `whole` and `fraction` are one row of digits, of which
/// `start..end` are significant.
struct Decimal<'t> {
    negative: bool,
    whole: &'t [u8],
    fraction: &'t [u8],
    start: usize,
    end: usize,
    exponent: Option<i64>,
    exponent_negative: bool,
}

impl<'t> Decimal<'t> {
    fn of(text: &'t str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (negative, unsigned) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let (whole, fraction) = (whole.as_bytes(), fraction.as_bytes());
        let row = move || whole.iter().chain(fraction);
        let count = whole.len() + fraction.len();
        let start = row().take_while(|digit| **digit == b'0').count();
        let zeros = row().rev().take_while(|digit| **digit == b'0').count();
        let exponent_negative = exponent.starts_with('-');
        let digits = exponent
            .trim_start_matches(['-', '+'])
            .trim_start_matches('0');
        let size = match digits.len() {
            0 => Some(0),
            1..=MAX_EXPONENT_DIGITS => digits.parse::<i64>().ok(),
            _ => None,
        };
        Self {
            negative,
            whole,
            fraction,
            start,
            end: (count - zeros).max(start),
            exponent: size.map(|size| if exponent_negative { -size } else { size }),
            exponent_negative,
        }
    }

    fn sign(&self) -> i8 {
        match (self.start == self.end, self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// Where the first significant digit stands, counted from the point.
    fn position(&self) -> Option<i64> {
        Some(self.exponent? + signed(self.whole.len()) - signed(self.start))
    }

    /// Without zeros at either end, so that rows compare like words.
    fn significant(&self) -> impl Iterator<Item = &'t u8> {
        self.whole
            .iter()
            .chain(self.fraction)
            .skip(self.start)
            .take(self.end - self.start)
    }
}

fn signed(length: usize) -> i64 {
    i64::try_from(length).expect("a text in memory is shorter than i64 counts")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(left: &str, right: &str) -> Ordering {
        compare(left, right).unwrap()
    }

    #[test]
    fn one_value_has_many_spellings() {
        for same in [
            ["7", "7.0"],
            ["7", "70e-1"],
            ["0", "-0"],
            ["0.0e5", "-0e99999999999999999999999"],
            ["1.10", "1.1"],
            ["100", "1E+2"],
            ["0.00123", "123e-5"],
            ["1e0000000000000000000000000002", "100"],
            [
                "123456789012345678901234567890",
                "1.2345678901234567890123456789e29",
            ],
        ] {
            assert_eq!(order(same[0], same[1]), Ordering::Equal, "{same:?}");
        }
    }

    #[test]
    fn neighbours_differ_at_any_size() {
        for less in [
            ["18446744073709551614", "18446744073709551615"],
            ["9007199254740992", "9007199254740993"],
            ["36893488147419103232", "36893488147419103233"],
            ["0.1", "0.10000000000000000000000000000000000001"],
            ["-18446744073709551616", "-18446744073709551615"],
            ["-1", "0"],
            ["-1", "-0.5"],
            ["9", "10"],
            ["1e-999999999", "1e999999999"],
            ["-1e999999999", "5"],
            ["9.99e20", "1e21"],
        ] {
            assert_eq!(order(less[0], less[1]), Ordering::Less, "{less:?}");
            assert_eq!(order(less[1], less[0]), Ordering::Greater, "{less:?}");
        }
    }

    #[test]
    fn an_exponent_beyond_the_bound_is_not_guessed() {
        assert_eq!(compare("1e1000000000000000000", "1"), None);
        assert_eq!(
            compare("1e999999999999999999", "1"),
            Some(Ordering::Greater)
        );
        // The signs differ, so the exponents don't matter.
        assert_eq!(compare("-1e1000000000000000000", "1"), Some(Ordering::Less));
    }

    #[test]
    fn integers_are_known_by_their_value() {
        for whole in [
            "7",
            "7.0",
            "70e-1",
            "-0",
            "0.00",
            "1e999999999999999999999",
            "12.50e1",
            "0e-9",
        ] {
            assert!(is_integer(whole), "{whole}");
        }
        for broken in [
            "7.5",
            "7.00000000000000000000001",
            "1e-1",
            "1e-999999999999999999999",
            "1.25e1",
        ] {
            assert!(!is_integer(broken), "{broken}");
        }
    }

    #[test]
    fn only_json_numbers_are_numbers() {
        for good in ["0", "-0", "10", "1.5", "1e5", "1E-5", "-1.5e+5"] {
            assert!(good.parse::<Number>().is_ok(), "{good}");
        }
        for bad in [
            "", "-", "+1", "01", ".5", "5.", "1e", "1e+", "0x1F", "1_000", "NaN", "1 ", " 1",
            "1.e1",
        ] {
            assert!(bad.parse::<Number>().is_err(), "{bad}");
        }
    }
}
