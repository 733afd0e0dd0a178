//! What is asked of a metric.

use std::fmt;

/// What is asked of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// How reasons call it: `5xx rate`.
    pub name: String,
    /// Behind each value: `%`, `ms`; may be empty.
    pub unit: String,
    /// How the values of a window become one.
    pub aggregate: Aggregate,
    /// When it fails on its own.
    pub fail_when: Option<Limit>,
    /// How it is compared with the old version.
    pub compare: Option<Comparison>,
    /// With fewer samples nothing is said.
    pub min_samples: u64,
}

/// How the values of a window become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Aggregate {
    /// Their mean.
    #[default]
    Mean,
    /// The one in the middle.
    Median,
    /// The lowest.
    Min,
    /// The highest.
    Max,
    /// Their sum.
    Sum,
    /// The newest.
    Last,
    /// The lowest one that so many tenths of a percent of them do not exceed: 950 is p95.
    Percentile(u16),
}

/// A value that is beyond this is a failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// On which side.
    pub operator: Operator,
    /// The number.
    pub value: f64,
    /// The number as it was written: `1.0`.
    pub written: String,
}

/// How a value is compared with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

impl fmt::Display for Limit {
    /// `> 1.0`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.operator {
            Operator::Above => ">",
            Operator::AtLeast => ">=",
            Operator::Below => "<",
            Operator::AtMost => "<=",
        };
        write!(f, "{sign} {}", self.written)
    }
}

impl Limit {
    /// Reads `> 1.0`. None where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (operator, rest) = [
            (">=", Operator::AtLeast),
            ("<=", Operator::AtMost),
            (">", Operator::Above),
            ("<", Operator::Below),
        ]
        .into_iter()
        .find_map(|(sign, operator)| Some((operator, text.strip_prefix(sign)?)))?;
        let written = rest.trim();
        let value: f64 = written.parse().ok()?;
        // `inf` and `nan` are numbers to Rust.
        let plain = written
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
        (plain && value.is_finite()).then(|| Self {
            operator,
            value,
            written: written.to_owned(),
        })
    }

    /// Whether `value` is beyond it.
    #[must_use]
    pub fn is_broken_by(&self, value: f64) -> bool {
        match self.operator {
            Operator::Above => value > self.value,
            Operator::AtLeast => value >= self.value,
            Operator::Below => value < self.value,
            Operator::AtMost => value <= self.value,
        }
    }
}

/// How the new version is compared with the old one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Which change is bad.
    pub direction: Direction,
    /// How large a change may be, however certain it is.
    pub tolerance: Tolerance,
    /// A difference is one where it is less likely than this by chance.
    pub significance: f64,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            direction: Direction::Increase,
            tolerance: Tolerance::DEFAULT,
            significance: Self::DEFAULT_SIGNIFICANCE,
        }
    }
}

impl Comparison {
    /// One false alarm in a hundred comparisons.
    pub const DEFAULT_SIGNIFICANCE: f64 = 0.01;
}

/// Which change is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Higher is worse: errors, latency.
    Increase,
    /// Lower is worse: orders.
    Decrease,
    /// Any change is.
    Either,
}

/// How large a change may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// By Cliff's delta, 0 to 1.
    Effect(f64),
    /// By the ratio of medians: 0.1 is ten percent.
    Medians(f64),
}

impl Tolerance {
    /// What is often called a small effect.
    pub const DEFAULT: Self = Self::Effect(0.33);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_compared() {
        for (text, value, broken) in [
            ("> 1.0", 1.0, false),
            ("> 1.0", 1.01, true),
            (">=1", 1.0, true),
            ("< 0.5", 0.4, true),
            ("<= -2e3", -2000.0, true),
            ("<= 5", 5.1, false),
        ] {
            assert_eq!(
                Limit::parse(text).unwrap().is_broken_by(value),
                broken,
                "{text} {value}"
            );
        }
        for text in [
            "", "1.0", "> ", "> x", "> inf", "> nan", "= 1", "> 1e999", "=> 1",
        ] {
            assert_eq!(Limit::parse(text), None, "{text}");
        }
    }
}
