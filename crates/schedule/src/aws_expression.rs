//! `at(…)`, `cron(…)` and `rate(…)`, as EventBridge Scheduler and Application Auto Scaling read them, and the time zones
//! beside them.
//!
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::aws_cron::Cron;
use crate::zone;

/// An expression; its zone stands beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// `at(2026-11-21T10:00:00)`
    Once(DateTime),
    /// `cron(0 9 * * ? *)`
    Cron(Cron),
    /// `rate(5 minutes)`: a length of time, also where it is written in days.
    Rate(Duration),
}

/// Why an expression never fires.
#[derive(Debug, thiserror::Error)]
pub enum ExpressionError {
    /// The time of an `at(…)`.
    #[error("{expression}: {source}")]
    Time {
        /// As it was written.
        expression: String,
        /// What is wrong with it.
        source: jiff::Error,
    },
    /// The fields of a `cron(…)`.
    #[error("{expression}: {reason}")]
    Cron {
        /// As it was written.
        expression: String,
        /// What is wrong with them.
        reason: String,
    },
    /// Anything else.
    #[error("{0:?} is not at(…), cron(…) or rate(N minutes), (N hours) or (N days)")]
    Unknown(String),
    /// There is no such zone.
    #[error("there is no time zone {0:?}")]
    Zone(String),
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// It is none that AWS takes.
    pub fn read(text: &str) -> Result<Self, ExpressionError> {
        let text = text.trim();
        let inside = |kind: &str| {
            let rest = text.strip_prefix(kind)?.strip_prefix('(')?;
            Some(rest.strip_suffix(')')?.trim())
        };
        let expression = || text.to_owned();
        if let Some(local) = inside("at") {
            let local = local.parse().map_err(|source| ExpressionError::Time {
                expression: expression(),
                source,
            })?;
            return Ok(Self::Once(local));
        }
        if let Some(fields) = inside("cron") {
            let cron = Cron::read(fields).map_err(|reason| ExpressionError::Cron {
                expression: expression(),
                reason,
            })?;
            return Ok(Self::Cron(cron));
        }
        let rate = inside("rate").and_then(rate).map(Self::Rate);
        rate.ok_or_else(|| ExpressionError::Unknown(expression()))
    }
}

/// `5 minutes`
fn rate(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_once(char::is_whitespace)?;
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    let unit = match unit.trim() {
        "minute" | "minutes" => Duration::from_mins(1),
        "hour" | "hours" => Duration::from_hours(1),
        "day" | "days" => Duration::from_hours(24),
        _ => return None,
    };
    Some(unit * count)
}

/// The zone of an expression, by its IANA name; UTC where none is named.
///
/// # Errors
///
/// The database has no zone of this name.
pub fn zone(name: Option<&str>) -> Result<TimeZone, ExpressionError> {
    match name {
        None | Some("" | "UTC") => Ok(TimeZone::UTC),
        Some(name) => zone::time_zone(name).ok_or_else(|| ExpressionError::Zone(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read() {
        let read = |text| Expression::read(text).unwrap();
        let local = "2026-11-21T10:00:00".parse().unwrap();
        assert_eq!(read("at(2026-11-21T10:00:00)"), Expression::Once(local));
        let cron = Cron::read("0 9 * * ? *").unwrap();
        assert_eq!(read(" cron(0 9 * * ? *) "), Expression::Cron(cron));
        let minutes = |count| Expression::Rate(Duration::from_mins(count));
        assert_eq!(read("rate(5 minutes)"), minutes(5));
        assert_eq!(read("rate(1 day)"), minutes(24 * 60));
    }

    #[test]
    fn what_aws_does_not_take_is_refused_with_the_reason() {
        let refused = |text| Expression::read(text).unwrap_err().to_string();
        for text in [
            "rate(0 minutes)",
            "rate(5 weeks)",
            "rate(5)",
            "every day",
            "",
        ] {
            let forms = "is not at(…), cron(…) or rate(N minutes), (N hours) or (N days)";
            assert_eq!(refused(text), format!("{text:?} {forms}"));
        }
        assert!(refused("at(noon)").starts_with("at(noon): "));
        assert!(refused("cron(0 9 * * * *)").starts_with("cron(0 9 * * * *): "));
    }

    #[test]
    fn a_zone_is_found_by_its_name() {
        assert_eq!(zone(None).unwrap(), TimeZone::UTC);
        assert_eq!(zone(Some("")).unwrap(), TimeZone::UTC);
        let berlin = zone(Some("Europe/Berlin")).unwrap();
        assert_eq!(berlin.iana_name(), Some("Europe/Berlin"));
        let error = zone(Some("Mars/Base")).unwrap_err().to_string();
        assert_eq!(error, r#"there is no time zone "Mars/Base""#);
    }
}
