//! When a schedule is due: its expression, its zone, its first and its last day, read from what the
//! emulator keeps.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::Value;

use schedule::aws_cron::Cron;

/// An expression with its zone.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// `at(…)`
    Once(Timestamp),
    /// `cron(…)`
    Cron(Cron, TimeZone),
    /// `rate(…)`: a length of time, also where it is written in days.
    Rate(Duration),
}

/// Why an expression never fires.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExpressionError {
    #[error("there is no time zone {0}")]
    Zone(String),
    #[error("{expression}: {source}")]
    Time {
        expression: String,
        source: jiff::Error,
    },
    #[error("{expression}: {reason}")]
    Cron { expression: String, reason: String },
    #[error("'{0}' is not at(…), cron(…) or rate(N minutes), (N hours) or (N days)")]
    Unknown(String),
}

impl Expression {
    /// Reads the expression of a schedule, or says what is wrong with it.
    pub(super) fn read(schedule: &Value) -> Result<Self, ExpressionError> {
        let text = schedule["ScheduleExpression"].as_str().unwrap_or_default();
        let inside = |kind: &str| {
            let rest = text.trim().strip_prefix(kind)?.strip_prefix('(')?;
            Some(rest.strip_suffix(')')?.trim())
        };
        let zone_name = schedule["ScheduleExpressionTimezone"].as_str();
        let zone = zone(zone_name.unwrap_or_default());
        let zone =
            zone.ok_or_else(|| ExpressionError::Zone(zone_name.unwrap_or_default().to_owned()));
        if let Some(local) = inside("at") {
            let wrong = |source| ExpressionError::Time {
                expression: text.to_owned(),
                source,
            };
            let local: DateTime = local.parse().map_err(wrong)?;
            let at = local.to_zoned(zone?);
            return at.map(|at| Self::Once(at.timestamp())).map_err(wrong);
        }
        if let Some(fields) = inside("cron") {
            let cron = Cron::read(fields).map_err(|reason| ExpressionError::Cron {
                expression: text.to_owned(),
                reason,
            })?;
            return Ok(Self::Cron(cron, zone?));
        }
        let rate = inside("rate").and_then(rate).map(Self::Rate);
        rate.ok_or_else(|| ExpressionError::Unknown(text.to_owned()))
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

/// A zone by its IANA name, from the database that is built in; without a name it is UTC.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "UTC" => Some(TimeZone::UTC),
        name => TimeZoneDatabase::bundled().get(name).ok(),
    }
}

/// A date of a schedule: seconds since 1970, or text.
pub(super) fn date(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(seconds) => {
            let seconds = Duration::try_from_secs_f64(seconds.as_f64()?).ok()?;
            Timestamp::UNIX_EPOCH.checked_add(seconds).ok()
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The ticks of a rate in `(after, until]`: whole intervals after `anchor`.
pub(super) fn ticks(
    interval: Duration,
    anchor: Timestamp,
    (after, until): (Timestamp, Timestamp),
) -> impl Iterator<Item = Timestamp> {
    let passed = Duration::try_from(after.duration_since(anchor)).unwrap_or(Duration::ZERO);
    let before = passed.as_secs() / interval.as_secs().max(1);
    let first = u32::try_from(before)
        .ok()
        .and_then(|before| interval.checked_mul(before))
        .and_then(|skipped| anchor.checked_add(skipped).ok());
    std::iter::successors(first, move |at| at.checked_add(interval).ok())
        .skip_while(move |at| *at <= after)
        .take_while(move |at| *at <= until)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use serde_json::json;

    use super::*;

    fn read(expression: &str, zone: &str) -> Result<Expression, String> {
        Expression::read(&json!({
            "ScheduleExpression": expression, "ScheduleExpressionTimezone": zone,
        }))
        .map_err(|error| error.to_string())
    }

    #[test]
    fn the_time_of_a_one_time_schedule_is_of_its_zone() {
        let at = |zone: &str| match read("at(2026-11-21T10:00:00)", zone) {
            Ok(Expression::Once(at)) => at.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(at("UTC"), "2026-11-21T10:00:00Z");
        assert_eq!(at("Europe/Berlin"), "2026-11-21T09:00:00Z");
    }

    #[test]
    fn rates_are_lengths_of_time() {
        let day = Duration::from_hours(24);
        assert_eq!(
            read("rate(1 day)", "Europe/Berlin"),
            Ok(Expression::Rate(day))
        );
        assert_eq!(
            read("rate(5 minutes)", ""),
            Ok(Expression::Rate(Duration::from_mins(5)))
        );
        for wrong in [
            "rate(0 minutes)",
            "rate(5 weeks)",
            "rate(5)",
            "every day",
            "",
        ] {
            assert!(read(wrong, "UTC").is_err(), "{wrong}");
        }
        assert_eq!(
            read("cron(0 9 * * ? *)", "Mars/Base").unwrap_err(),
            "there is no time zone Mars/Base"
        );
    }

    #[test]
    fn ticks_are_counted_from_the_anchor() {
        let anchor: Timestamp = "2026-11-21T10:00:30Z".parse().unwrap();
        let five = Duration::from_mins(5);
        let count = |from: Timestamp, to: Timestamp| ticks(five, anchor, (from, to)).count();
        // Eleven hours have 132 ticks, wherever they begin.
        for start in [
            anchor,
            anchor + 1.minute(),
            anchor + 3.hours() + 7.seconds(),
        ] {
            assert_eq!(count(start, start + 11.hours()), 132);
        }
        assert_eq!(count(anchor, anchor + 299.seconds()), 0);
        // What begins later begins with its anchor.
        let first = ticks(five, anchor, (anchor - 1.hour(), anchor + 1.hour())).next();
        assert_eq!(first, Some(anchor));
    }

    #[test]
    fn dates_come_as_numbers_and_as_text() {
        let at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        assert_eq!(date(&json!(at.as_second())), Some(at));
        assert_eq!(date(&json!("2026-11-21T11:00:00+01:00")), Some(at));
        assert_eq!(date(&Value::Null), None);
    }
}
