//! Why one service is on or off now: the rule, where it is written, what is on record, and what comes next.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::plan::PlanRow;
use crate::sleep_record::{Phase, SleepRecord};

/// The explanation of one service, as sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `cluster/name`.
    pub place: String,
    /// One sentence each.
    pub sentences: Vec<String>,
}

/// Explains a row of a plan, with times as the clocks of a zone show them.
pub fn explain(row: &PlanRow, record: Option<&SleepRecord>, zone: &TimeZone) -> Explanation {
    let resource = &row.resource;
    let mut sentences = vec![format!(
        "It is an {} at {}, {} running.",
        resource.kind,
        resource.level(),
        resource.running
    )];
    match (&row.desired_state, &row.want_rule, &row.source) {
        (Some(desired_state), Some(rule), Some(source)) => {
            sentences.push(format!("It should be {desired_state}: {rule} ({source})."));
            sentences.push(match row.next_edge {
                Some(edge) => format!("That changes at {edge}."),
                None => "That does not change.".to_owned(),
            });
        }
        _ => sentences.push("It is left alone.".to_owned()),
    }
    sentences.extend(record.map(remembered));
    sentences.push(format!("Now: {}, because {}.", row.step.word(), row.why));
    let remarks = row.remarks.iter();
    sentences.extend(remarks.map(|remark| {
        let end = if remark.ends_with('?') { "" } else { "." };
        format!("Note: {remark}{end}")
    }));
    if row.tier != "rest" {
        sentences.push(format!("It belongs to the tier {}.", row.tier));
    }
    let localised = |sentence: &String| on_clocks(sentence, zone);
    Explanation {
        place: resource.place(),
        sentences: sentences.iter().map(localised).collect(),
    }
}

/// A text with its instants as the clocks of a zone show them: `Mon 2026-11-23 22:00`. What stands in quotes
/// is what somebody wrote, and stays.
pub fn on_clocks(text: &str, zone: &TimeZone) -> String {
    let mut localised = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        localised.push_str(before);
        let end = from.find(|c: char| !(c.is_ascii_digit() || "-T:.Z".contains(c)));
        let word = &from[..end.unwrap_or(from.len())];
        let instant = word.rfind('Z').map(|end| &word[..=end]);
        let instant = instant.filter(|_| !localised.ends_with(['"', '\'']));
        let read = instant.and_then(|text| Some((text, text.parse::<Timestamp>().ok()?)));
        if let Some((text, at)) = read {
            localised.push_str(&clock(at, zone));
            rest = &from[text.len()..];
        } else {
            localised.push_str(word);
            rest = &from[word.len()..];
        }
    }
    localised.push_str(rest);
    localised
}

/// `Mon 2026-11-23 22:00`, with seconds where they aren't zero, and the offset's name where the clocks show it twice.
fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    let twice = zone.to_ambiguous_timestamp(local.datetime()).is_ambiguous();
    let form = match (local.second() == 0, twice) {
        (true, false) => "%a %Y-%m-%d %H:%M",
        (true, true) => "%a %Y-%m-%d %H:%M %Z",
        (false, false) => "%a %Y-%m-%d %H:%M:%S",
        (false, true) => "%a %Y-%m-%d %H:%M:%S %Z",
    };
    local.strftime(form).to_string()
}

fn remembered(record: &SleepRecord) -> String {
    let phase = match record.phase {
        Phase::GoingDown => "on its way to sleep",
        Phase::Down => "asleep",
        Phase::GoingUp => "on its way up",
        Phase::Up => "up again",
        Phase::Left => "left to people until the next edge",
        Phase::Conflict => "in conflict, and left alone",
    };
    let mut text = format!(
        "Remembered: {phase} since {} ({})",
        record.since, record.why
    );
    if let Some(was) = &record.was {
        write!(text, "; before it slept it had {}", was.level).expect("a string takes all");
    }
    if let Some(conflict) = &record.conflict {
        write!(text, "; found at {} at {}", conflict.found, conflict.at)
            .expect("a string takes all");
    }
    text.push('.');
    text
}

/// One sentence a line, after the service's name.
impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.place)?;
        self.sentences
            .iter()
            .try_for_each(|sentence| write!(f, "\n  {sentence}"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZoneDatabase;

    use super::*;

    #[test]
    fn instants_are_shown_by_the_clocks_of_the_zone() {
        let localised = |text| {
            let zone = TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
            on_clocks(text, &zone)
        };
        for (text, expected) in [
            (
                "That changes at 2026-11-23T21:00:00Z.",
                "That changes at Mon 2026-11-23 22:00.",
            ),
            (
                "since 2026-07-01T12:00:01.123456789Z (a, 2 of 3)",
                "since Wed 2026-07-01 14:00:01 (a, 2 of 3)",
            ),
            ("2026-11-23T21:00:00Z", "Mon 2026-11-23 22:00"),
            (
                "from 2026-10-25T00:30:00Z until 2026-10-25T01:30:00Z",
                "from Sun 2026-10-25 02:30 CEST until Sun 2026-10-25 02:30 CET",
            ),
            // What somebody wrote, numbers, dates, ranges.
            (
                "says \"2026-11-23T21:00:00Z\"",
                "says \"2026-11-23T21:00:00Z\"",
            ),
            (
                "by \"2026-12-24T00:00:00Z-2026-12-27T00:00:00Z\"",
                "by \"2026-12-24T00:00:00Z-2026-12-27T00:00:00Z\"",
            ),
            (
                "2026-12-25 is a holiday; 3 (2-6) → 0, 99Z",
                "2026-12-25 is a holiday; 3 (2-6) → 0, 99Z",
            ),
            ("größer 2026-11-23T21:00:00Z", "größer Mon 2026-11-23 22:00"),
        ] {
            assert_eq!(localised(text), expected);
        }
    }
}
