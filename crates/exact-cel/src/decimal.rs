//! Computing with decimals, exactly or not at all.

use std::cmp::Ordering;

/// A number as digits and an exponent of ten, without zeros at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    digits: i128,
    exponent: i32,
}

/// Exponents beyond this are not computed with.
const MAX_EXPONENT: u32 = 100;

/// Whether a JSON number is a whole multiple of another one. None where they have too many digits to say so exactly.
pub fn is_multiple(number: &str, of: &str) -> Option<bool> {
    let (number, of) = (Decimal::parse(number)?, Decimal::parse(of)?);
    let exponent = number.exponent.min(of.exponent);
    let rest = number
        .digits_at(exponent)?
        .checked_rem(of.digits_at(exponent)?)?;
    Some(rest == 0)
}

impl Decimal {
    pub(crate) const ONE: Self = Self {
        digits: 1,
        exponent: 0,
    };

    /// None where a number has too many digits, or too large an exponent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        if digits == 0 {
            return Some(Self {
                digits,
                exponent: 0,
            });
        }
        let exponent: i32 = exponent.parse().ok()?;
        let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        Self { digits, exponent }.normal()
    }

    fn normal(mut self) -> Option<Self> {
        while self.digits != 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.exponent = self.exponent.checked_add(1)?;
        }
        if self.digits == 0 {
            self.exponent = 0;
        }
        (self.exponent.unsigned_abs() <= MAX_EXPONENT).then_some(self)
    }

    /// The digits at a smaller exponent.
    fn digits_at(self, exponent: i32) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let places = u32::try_from(self.exponent - exponent).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(places)?)
    }

    pub(crate) fn add(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        let digits = self
            .digits_at(exponent)?
            .checked_add(other.digits_at(exponent)?)?;
        Self { digits, exponent }.normal()
    }

    pub(crate) fn negative(self) -> Option<Self> {
        let digits = self.digits.checked_neg()?;
        Some(Self { digits, ..self })
    }

    pub(crate) fn multiply(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        let exponent = self.exponent + other.exponent;
        Self { digits, exponent }.normal()
    }

    pub(crate) fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// None where the quotient has no end within the digits that there are.
    pub(crate) fn divide(self, by: Self) -> Option<Self> {
        let (mut digits, mut exponent) = (self.digits, self.exponent - by.exponent);
        while digits.checked_rem(by.digits)? != 0 {
            digits = digits.checked_mul(10)?;
            exponent -= 1;
        }
        Self {
            digits: digits.checked_div(by.digits)?,
            exponent,
        }
        .normal()
    }

    /// How this quotient is to another one, without dividing. None where that takes too many digits, or divides by zero.
    pub(crate) fn compare_quotients(one: [Self; 2], other: [Self; 2]) -> Option<Ordering> {
        let ([above, below], [other_above, other_below]) = (one, other);
        if below.is_zero() || other_below.is_zero() {
            return None;
        }
        let left = above.multiply(other_below)?;
        let right = other_above.multiply(below)?;
        let order = left.order(right)?;
        // Multiplying by a negative number turns the order around.
        let turns = (below.digits < 0) != (other_below.digits < 0);
        Some(if turns { order.reverse() } else { order })
    }

    fn order(self, other: Self) -> Option<Ordering> {
        if self.digits.signum() != other.digits.signum() {
            return Some(self.digits.signum().cmp(&other.digits.signum()));
        }
        let exponent = self.exponent.min(other.exponent);
        let (left, right) = (self.digits_at(exponent)?, other.digits_at(exponent)?);
        Some(left.cmp(&right))
    }

    /// As a whole number, if it is one.
    pub(crate) fn whole(self) -> Option<i128> {
        self.digits_at(0)
    }

    /// Without what stands behind the point.
    pub(crate) fn truncated(self) -> Option<i128> {
        if self.exponent >= 0 {
            return self.whole();
        }
        let places = u32::try_from(-self.exponent).ok()?;
        // A divisor beyond every number leaves nothing.
        Some(
            10_i128
                .checked_pow(places)
                .map_or(0, |divisor| self.digits / divisor),
        )
    }

    /// As JSON writes it.
    pub(crate) fn text(self) -> String {
        let Ok(places) = usize::try_from(-self.exponent) else {
            return match self.whole() {
                Some(whole) => whole.to_string(),
                None => format!("{}e{}", self.digits, self.exponent),
            };
        };
        if places == 0 {
            return self.digits.to_string();
        }
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = self.digits.unsigned_abs().to_string();
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn decimals_are_read_and_written() {
        for (text, same) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("19.90", "19.9"),
            ("-0.05", "-0.05"),
            ("1e3", "1000"),
            ("12.5e-1", "1.25"),
            ("1E+2", "100"),
            ("0.000e999", "0"),
            (
                "170141183460469231731687303715884105727",
                "170141183460469231731687303715884105727",
            ),
        ] {
            assert_eq!(decimal(text).text(), same, "{text}");
        }
        for beyond in [
            "1e101",
            "1e-999999999999",
            "170141183460469231731687303715884105728",
            "1e-2147483648",
            "10e2147483647",
            "0.1e-2147483648",
            "1e2147483648",
        ] {
            assert_eq!(Decimal::parse(beyond), None, "{beyond}");
        }
    }

    #[test]
    fn multiples_are_known_exactly() {
        assert_eq!(is_multiple("0.3", "0.1"), Some(true));
        assert_eq!(is_multiple("19.99", "0.01"), Some(true));
        assert_eq!(is_multiple("19.999", "0.01"), Some(false));
        assert_eq!(is_multiple("9007199254740993", "2"), Some(false));
        assert_eq!(is_multiple("-7.0", "7"), Some(true));
        assert_eq!(is_multiple("1e400", "2"), None);
        assert_eq!(is_multiple("0", "1e-2147483648"), None);
        assert_eq!(is_multiple("10e2147483647", "1"), None);
    }

    #[test]
    fn nothing_is_rounded() {
        let sum = decimal("0.1").add(decimal("0.2")).unwrap();
        assert_eq!(sum.text(), "0.3");
        assert_eq!(
            decimal("19.99").multiply(decimal("3")).unwrap().text(),
            "59.97"
        );
        assert_eq!(decimal("5").divide(decimal("2")).unwrap().text(), "2.5");
        assert_eq!(decimal("-1").divide(decimal("8")).unwrap().text(), "-0.125");
        assert_eq!(decimal("1").divide(decimal("3")), None);
        let least = decimal("-170141183460469231731687303715884105728");
        assert_eq!(least.divide(decimal("-1")), None);
        assert_eq!(decimal("1e100").add(decimal("1e-100")), None);
        assert_eq!(decimal("-7.9").truncated(), Some(-7));
        assert_eq!(decimal("0.5").whole(), None);
    }

    #[test]
    fn quotients_are_compared_without_dividing() {
        let compared = |one: [&str; 2], other: [&str; 2]| {
            Decimal::compare_quotients(one.map(decimal), other.map(decimal))
        };
        assert_eq!(compared(["1", "3"], ["2", "6"]), Some(Ordering::Equal));
        assert_eq!(compared(["1", "3"], ["0.33", "1"]), Some(Ordering::Greater));
        assert_eq!(compared(["1", "-3"], ["0.33", "1"]), Some(Ordering::Less));
        assert_eq!(
            compared(["-1", "-3"], ["-0.34", "-1"]),
            Some(Ordering::Less)
        );
        assert_eq!(compared(["1", "0"], ["1", "1"]), None);
        assert_eq!(compared(["1", "1"], ["1", "0"]), None);
    }
}
