//! Times and spans as people say them. Times are UTC: readers sit in more than one zone.

use jiff::{SignedDuration, Timestamp};

use super::{Key, Texts};

impl Texts {
    /// `2026-03-01 14:05`, in UTC.
    pub fn time(at: Timestamp) -> String {
        at.strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// `2 h 10 min`: the two largest units, rounded down, as nobody should believe to have more time
    /// than there is.
    pub fn span(&self, span: SignedDuration) -> String {
        let minutes = span.as_mins().max(0);
        let (days, hours, rest) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
        let text = |number: i64| number.to_string();
        if days > 0 {
            self.get(Key::DaysHours, &[("d", &text(days)), ("h", &text(hours))])
        } else if hours > 0 {
            self.get(
                Key::HoursMinutes,
                &[("h", &text(hours)), ("m", &text(rest))],
            )
        } else if rest > 0 {
            self.get(Key::Minutes, &[("m", &text(rest))])
        } else {
            self.plain(Key::UnderAMinute)
        }
    }

    /// Until when to decide, and how long that is from now.
    pub fn until(&self, expires: Option<Timestamp>, now: Timestamp) -> String {
        match expires {
            None => self.plain(Key::UntilUnknown),
            Some(at) if at <= now => self.get(Key::UntilOver, &[("time", &Self::time(at))]),
            Some(at) => {
                let left = self.span(at.duration_since(now));
                self.get(Key::Until, &[("time", &Self::time(at)), ("left", &left)])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::*;

    #[test]
    fn spans_are_rounded_down_to_two_units() {
        let texts = Texts::of(Language::English);
        let told = |seconds| texts.span(SignedDuration::from_secs(seconds));
        assert_eq!(
            [-5, 59, 60, 7_859, 86_399, 86_400, 603_000].map(told),
            [
                "less than a minute",
                "less than a minute",
                "1 min",
                "2 h 10 min",
                "23 h 59 min",
                "1 d 0 h",
                "6 d 23 h"
            ]
        );
        let zh = Texts::of(Language::Chinese);
        assert_eq!(zh.span(SignedDuration::from_secs(7_800)), "2 小时 10 分钟");
    }

    #[test]
    fn until_says_both_the_time_and_what_is_left() {
        let texts = Texts::of(Language::English);
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let at: Timestamp = "2026-03-01T14:10:00Z".parse().unwrap();
        assert_eq!(
            texts.until(Some(at), now),
            "Decide by 2026-03-01 14:10 UTC: 2 h 10 min left."
        );
        assert_eq!(
            texts.until(Some(now), now),
            "The time to decide ended at 2026-03-01 12:00 UTC."
        );
        assert_eq!(
            texts.until(None, now),
            "It is not known until when it waits."
        );
    }
}
