//! When to try again. A service that says when is believed; else the pauses double.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// Tries in all; the time ends most deliveries before.
pub(super) const MAX_TRIES: u32 = 4;
static PARSER: DateTimeParser = DateTimeParser::new();
/// A service may ask for more than a clock can count; nobody here waits for longer than this.
const MAX_PAUSE: Duration = Duration::from_hours(24);
/// The first pause.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// The pause after try number `tried` (from 1), where the service does not say.
pub(super) fn pause(tried: u32) -> Duration {
    FIRST_PAUSE * 2_u32.saturating_pow(tried.saturating_sub(1)).min(64)
}

/// What `Retry-After` says, at most a day: seconds, or a date. <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>
pub(super) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(MAX_PAUSE));
    }
    let at = PARSER.parse_timestamp(header).ok()?;
    let pause = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    Some(pause.min(MAX_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let told = |header| retry_after(header, now).map(|pause| pause.as_secs());
        assert_eq!(told(" 30 "), Some(30));
        assert_eq!(told("Sun, 01 Mar 2026 12:00:07 GMT"), Some(7));
        assert_eq!(
            told("Sun, 01 Mar 2026 11:00:00 GMT"),
            Some(0),
            "a date that is over"
        );
        assert_eq!(told("-1"), None);
        assert_eq!(told("soon"), None);
        assert_eq!(told("99999999999999999999"), None);
    }

    #[test]
    fn nobody_is_asked_to_wait_for_more_than_a_day() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for header in ["18446744073709551615", "Tue, 31 Dec 2999 12:00:00 GMT"] {
            let pause = retry_after(header, now);
            assert_eq!(pause, Some(MAX_PAUSE), "{header}");
        }
    }

    #[test]
    fn pauses_double() {
        let pauses = [1, 2, 3].map(|tried| pause(tried).as_millis());
        assert_eq!(pauses, [300, 600, 1_200]);
        assert!(pause(u32::MAX) < Duration::from_secs(20));
    }
}
