//! When a schedule is due: its expression, its zone, its first and its last day, read from what the
//! emulator keeps.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schedule::aws_cron::Cron;
use schedule::aws_expression::{self, ExpressionError};
use serde_json::Value;

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

impl Expression {
    /// Reads the expression of a schedule, or says what is wrong with it.
    pub(super) fn read(schedule: &Value) -> Result<Self, ExpressionError> {
        let text = schedule["ScheduleExpression"].as_str().unwrap_or_default();
        let zone = || aws_expression::zone(schedule["ScheduleExpressionTimezone"].as_str());
        Ok(match aws_expression::Expression::read(text)? {
            aws_expression::Expression::Once(local) => {
                let at = local.to_zoned(zone()?);
                let at = at.map_err(|source| ExpressionError::Time {
                    expression: text.to_owned(),
                    source,
                })?;
                Self::Once(at.timestamp())
            }
            aws_expression::Expression::Cron(cron) => Self::Cron(cron, zone()?),
            aws_expression::Expression::Rate(interval) => Self::Rate(interval),
        })
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

    fn read(expression: &str, zone: &str) -> Expression {
        let schedule = json!({
            "ScheduleExpression": expression, "ScheduleExpressionTimezone": zone,
        });
        Expression::read(&schedule).unwrap()
    }

    #[test]
    fn the_time_of_a_one_time_schedule_is_of_its_zone() {
        let at = |zone: &str| match read("at(2026-11-21T10:00:00)", zone) {
            Expression::Once(at) => at.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(at("UTC"), "2026-11-21T10:00:00Z");
        assert_eq!(at("Europe/Berlin"), "2026-11-21T09:00:00Z");
    }

    #[test]
    fn a_rate_needs_no_zone() {
        let minutes = Expression::Rate(Duration::from_mins(5));
        assert_eq!(read("rate(5 minutes)", ""), minutes);
        assert_eq!(read("rate(5 minutes)", "Mars/Base"), minutes);
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
