//! Instants as people write and read them.

use jiff::civil::{DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use environments::schedule_overrides::MAX_REQUEST_LENGTH;

use crate::failure::Failure;

/// The zone of this name, from the database that is built in.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| format!("there is no time zone {name:?}; write its name as in Europe/Berlin"))
}

/// An instant with its offset.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    let read = text.trim().parse();
    read.map_err(|_| {
        format!("{text:?} is no instant; write it with Z or an offset: 2026-11-23T22:00:00Z")
    })
}

/// `2h`, `90m`, `3d`.
pub(crate) fn how_long(text: &str) -> Result<SignedDuration, String> {
    const EXPECTED: &str = "expected a time from now such as 2h, 90m or 3d, of 31 days at most";
    let span: Span = text.parse().map_err(|_| EXPECTED)?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let right = duration
        .ok()
        .filter(|duration| duration.is_positive() && *duration <= MAX_REQUEST_LENGTH);
    right.ok_or_else(|| EXPECTED.to_owned())
}

/// Until when.
#[derive(clap::Args)]
pub(crate) struct Until {
    /// For this long from now: 2h, 90m, 3d
    #[arg(long = "for", value_name = "TIME", value_parser = how_long, conflicts_with = "until")]
    pub(crate) lasting: Option<SignedDuration>,
    /// Until then: 23:30 in the configuration's zone, or 2026-11-23T23:30:00Z
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<String>,
}

impl Until {
    /// Whether a time was given.
    pub(crate) fn is_given(&self) -> bool {
        self.lasting.is_some() || self.until.is_some()
    }

    /// The instant; none if nothing was given.
    pub(crate) fn resolve(
        &self,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Result<Option<Timestamp>, Failure> {
        let until = match (self.lasting, &self.until) {
            (Some(lasting), _) => now.checked_add(lasting).ok(),
            (None, Some(text)) => Some(moment(text, now, zone).map_err(Failure::Wrong)?),
            (None, None) => return Ok(None),
        };
        let right = until.filter(|at| *at > now && at.duration_since(now) <= MAX_REQUEST_LENGTH);
        let Some(until) = right else {
            return Err(Failure::Wrong(
                "--until must lie ahead, within 31 days; for longer, change the schedule"
                    .to_owned(),
            ));
        };
        Ok(Some(until))
    }
}

/// An instant, a local date and time, or the next time that the clocks show this.
fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Ok(at) = text.trim().parse::<Timestamp>() {
        return Ok(at);
    }
    let local = |at: DateTime| zone.to_timestamp(at).ok();
    let read = if let Ok(time) = text.parse::<Time>() {
        let today = zone.to_datetime(now).date();
        let tomorrow = today.tomorrow().unwrap_or(today);
        let days = [today, tomorrow].into_iter();
        days.filter_map(|day| local(day.to_datetime(time)))
            .find(|at| *at > now)
    } else {
        text.parse::<DateTime>().ok().and_then(local)
    };
    read.ok_or_else(|| {
        format!("{text:?} is no time; write 23:30, 2026-11-23T23:30 or 2026-11-23T23:30:00Z")
    })
}

/// `Mon 2026-11-23 22:00`, on the clocks of a zone.
pub(crate) fn written(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned(zone.clone());
    let form = if zoned.second() == 0 {
        "%a %Y-%m-%d %H:%M"
    } else {
        "%a %Y-%m-%d %H:%M:%S"
    };
    zoned.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn until_is_an_instant_or_the_next_such_time() {
        let berlin = zone("Europe/Berlin").unwrap();
        let now = at("2026-11-23T20:00:00Z");
        let moments = [
            ("23:30", "2026-11-23T22:30:00Z"),
            ("08:00", "2026-11-24T07:00:00Z"),
            ("2026-11-24T10:00", "2026-11-24T09:00:00Z"),
            ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00Z"),
        ];
        for (text, expected) in moments {
            assert_eq!(moment(text, now, &berlin).unwrap(), at(expected), "{text}");
        }
        assert!(moment("lunch", now, &berlin).is_err());
        let past = Until {
            lasting: None,
            until: Some("2026-11-23T19:00:00Z".to_owned()),
        };
        assert!(past.resolve(now, &berlin).is_err());
    }

    #[test]
    fn a_time_from_now_is_positive_and_not_for_ever() {
        assert_eq!(how_long("2h"), Ok(SignedDuration::from_hours(2)));
        assert_eq!(how_long("1d"), Ok(SignedDuration::from_hours(24)));
        for wrong in ["", "soon", "-2h", "0s", "99d", "1 year"] {
            assert!(how_long(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn times_are_told_shortly() {
        let berlin = zone("europe/berlin").unwrap();
        assert_eq!(
            written(at("2026-11-23T21:00:00Z"), &berlin),
            "Mon 2026-11-23 22:00"
        );
        assert_eq!(
            written(at("2026-11-23T21:00:07Z"), &berlin),
            "Mon 2026-11-23 22:00:07"
        );
    }
}
