//! Importer of Cloud Custodian's off-hours values (c7n's `offhour` and `onhour` filters, 0.9):
//! `off=[(M-F,19)];on=[(M-F,7)];tz=pt`.
//!
//! As there: any case; brackets and parentheses optional; `u28`-like escapes for characters that a tag
//! refuses; quotes around the value; days `m t w h f s u`, one or a range that may wrap; hours 0 to 23; `tz`
//! an alias or an IANA name. A value without `on=` or without `off=` gets the policy's default hours for
//! it, and one with neither (empty, `on`, `tz=pt`, `Offhours tz=PT`) for both. `off` alone opts out: Custodian
//! leaves such a resource alone, so it is always on.
//!
//! What Custodian refuses (and then does nothing, with a line in its log) is an error here. So are a few
//! values that it takes and then doesn't do what is written: a blank before a key (`; on=` never switches
//! on), letters that are no weekday within a range, and an empty `tz=` in a value that leaves `on=` or `off=`
//! to the policy, which means the zone of whatever machine Custodian runs on.
//!
//! The state at an instant is what the last event said (see the `events` module for clock changes). Where
//! both fire in one hour, on wins. If no event has happened yet, it is on: nothing was switched off. On a
//! holiday nothing is switched on, and what is due to be switched off is.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::cursor::{self, Word};
use crate::events::{Events, Hours};
use crate::schedule::{Part, Rule, Rules};
use crate::zone::{self, Zone};
use crate::{Schedule, ScheduleError};

/// c7n's `DEFAULT_TZ`.
const DEFAULT_ZONE: &str = "et";

/// c7n's `TZ_ALIASES`. Each stands for a place, so that its clock changes count.
const ALIASES: [(&str, &str); 27] = [
    ("pdt", "America/Los_Angeles"),
    ("pt", "America/Los_Angeles"),
    ("pst", "America/Los_Angeles"),
    ("ast", "America/Phoenix"),
    ("at", "America/Phoenix"),
    ("est", "America/New_York"),
    ("edt", "America/New_York"),
    ("et", "America/New_York"),
    ("cst", "America/Chicago"),
    ("cdt", "America/Chicago"),
    ("ct", "America/Chicago"),
    ("mst", "America/Denver"),
    ("mdt", "America/Denver"),
    ("mt", "America/Denver"),
    ("gmt", "Etc/GMT"),
    ("gt", "Etc/GMT"),
    ("bst", "Europe/London"),
    ("ist", "Europe/Dublin"),
    ("cet", "Europe/Berlin"),
    ("it", "Asia/Kolkata"),
    ("jst", "Asia/Tokyo"),
    ("kst", "Asia/Seoul"),
    ("sgt", "Asia/Singapore"),
    ("aet", "Australia/Sydney"),
    ("brt", "America/Sao_Paulo"),
    ("nzst", "Pacific/Auckland"),
    ("utc", "Etc/UTC"),
];

/// c7n's `TAG_RESTRICTIONS`, as a value spells them.
const ESCAPES: [(&str, char); 9] = [
    ("u28", '('),
    ("u29", ')'),
    ("u5b", '['),
    ("u5d", ']'),
    ("u2c", ','),
    ("u3b", ';'),
    ("u3d", '='),
    ("u2f", '/'),
    ("u2d", '-'),
];

/// From Monday, as Custodian writes them.
const DAYS: &str = "mtwhfsu";

/// What a Custodian policy says about values that leave something out; the default is c7n's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `default_tz`: an alias or an IANA name; none is the configuration's, and where there is none `et`.
    pub zone: Option<String>,
    /// `onhour`: 0 to 23.
    pub on_hour: u8,
    /// `offhour`: 0 to 23.
    pub off_hour: u8,
    /// Which days have the default hours.
    pub days: DefaultDays,
    /// `skip-days`: local dates on which nothing is switched, neither on nor off.
    pub skip_days: BTreeSet<Date>,
}

/// The days of a policy's default hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DefaultDays {
    /// Monday to Friday, so that it stays off over the weekend (`weekends: true`, c7n's default).
    #[default]
    Workdays,
    /// Every day (`weekends: false`).
    EveryDay,
    /// Off on Friday, on again on Monday (`weekends-only: true`).
    WeekendsOnly,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            zone: None,
            on_hour: 7,
            off_hour: 19,
            days: DefaultDays::Workdays,
            skip_days: BTreeSet::new(),
        }
    }
}

/// Whether a policy may have this as its `default_tz`.
pub fn is_zone(name: &str) -> bool {
    find_zone(name).is_some()
}

/// Reads an off-hours value. `default_zone` is that of a policy that names none.
pub fn parse(
    text: &str,
    policy: &Policy,
    default_zone: Option<&str>,
) -> Result<Schedule, ScheduleError> {
    cursor::bounded(text)?;
    let value = Value::unescaped(text);
    let default_zone = policy
        .zone
        .as_deref()
        .or(default_zone)
        .unwrap_or(DEFAULT_ZONE);
    value
        .read(policy, default_zone)
        .map(|(rules, remarks)| Schedule {
            text: text.to_owned(),
            rules,
            remarks,
        })
        .map_err(|error| ScheduleError {
            column: value.column(error.column),
            ..error
        })
}

/// A value in lower case, unescaped and without quotes, as c7n reads it.
struct Value {
    text: String,
    /// For each character, and for the end, the column in what was written.
    columns: Vec<usize>,
}

impl Value {
    fn unescaped(written: &str) -> Self {
        let mut characters: Vec<(char, usize)> = Vec::new();
        let mut rest = written;
        let mut column = 1;
        while let Some(first) = rest.chars().next() {
            let escape = ESCAPES.iter().find(|(escape, _)| {
                rest.get(..3)
                    .is_some_and(|it| it.eq_ignore_ascii_case(escape))
            });
            if let Some((_, meant)) = escape {
                characters.push((*meant, column));
                (rest, column) = (&rest[3..], column + 3);
            } else {
                characters.extend(first.to_lowercase().map(|lower| (lower, column)));
                (rest, column) = (&rest[first.len_utf8()..], column + 1);
            }
        }
        let mut kept = characters.as_slice();
        for quote in ['\'', '"'] {
            while let [(first, _), inner @ ..] = kept
                && *first == quote
            {
                kept = inner;
            }
            while let [inner @ .., (last, _)] = kept
                && *last == quote
            {
                kept = inner;
            }
        }
        let end = kept.last().map_or(1, |(_, column)| column + 1);
        Self {
            text: kept.iter().map(|(character, _)| character).collect(),
            columns: kept
                .iter()
                .map(|(_, column)| *column)
                .chain([end])
                .collect(),
        }
    }

    /// Where a column of the value is in what was written.
    fn column(&self, column: usize) -> usize {
        let last = self.columns.last().copied().unwrap_or(1);
        self.columns.get(column - 1).copied().unwrap_or(last)
    }

    fn read(
        &self,
        policy: &Policy,
        default_zone: &str,
    ) -> Result<(Rules, Vec<String>), ScheduleError> {
        let whole = Word::whole(&self.text);
        let mut remarks = Vec::new();
        if whole.text == "off" {
            remarks.push("Cloud Custodian leaves this alone, so it is always on".to_owned());
            let part = Part {
                text: self.text.clone(),
                schedule: None,
                rule: Rule::Always,
            };
            return Ok((Rules::Parts(vec![part]), remarks));
        }
        let mut found = Found::default();
        // As c7n decides it: a value with hours of its own is read strictly, any other only for its zone.
        if keys(whole).any(|(key, _)| ["on", "off"].contains(&key.text)) {
            found.strictly(whole, &mut remarks)?;
        } else {
            found.zone_only(whole, &mut remarks)?;
        }
        // c7n reads an empty zone as the policy's only where the value says the hours, too.
        if let Some(empty) = found.empty_zone {
            if found.on.is_none() || found.off.is_none() {
                let problem = "the time zone is empty, which Cloud Custodian takes for that of the machine it runs on";
                return Err(empty.error(
                    problem.to_owned(),
                    "write a zone such as tz=et, or leave tz= out",
                ));
            }
            remarks.push(format!(
                "the time zone is empty, so the policy's counts: {default_zone}"
            ));
        }
        let zone = match found.zone {
            Some(zone) => zone,
            None => find_zone(default_zone).ok_or_else(|| {
                let problem = format!("unknown default time zone {default_zone:?}");
                whole.end().error(problem, zone::remedy(default_zone))
            })?,
        };
        let events = Events {
            on: found.on.unwrap_or_else(|| policy.default_on()),
            off: found.off.unwrap_or_else(|| policy.default_off()),
            skip: policy.skip_days.clone(),
            zone,
        };
        if (0..7).any(|day| events.on.0[day] & events.off.0[day] != 0) {
            remarks.push("on and off fall into the same hour; on wins".to_owned());
        }
        Ok((Rules::Events(events), remarks))
    }
}

impl Policy {
    fn default_on(&self) -> Hours {
        self.hours(self.on_hour, 0)
    }

    fn default_off(&self) -> Hours {
        self.hours(self.off_hour, 4)
    }

    fn hours(&self, hour: u8, weekend_edge: usize) -> Hours {
        let days = match self.days {
            DefaultDays::Workdays => 0..=4,
            DefaultDays::EveryDay => 0..=6,
            DefaultDays::WeekendsOnly => weekend_edge..=weekend_edge,
        };
        let mut hours = Hours::default();
        for day in days {
            hours.add(day, hour.min(23));
        }
        hours
    }
}

/// What a value says.
#[derive(Default)]
struct Found<'a> {
    on: Option<Hours>,
    off: Option<Hours>,
    zone: Option<Zone>,
    /// `tz=` with nothing behind it, if it is the last of its kind.
    empty_zone: Option<Word<'a>>,
}

impl<'a> Found<'a> {
    /// `key=value;key=value` and nothing else.
    fn strictly(
        &mut self,
        whole: Word<'a>,
        remarks: &mut Vec<String>,
    ) -> Result<(), ScheduleError> {
        for piece in whole.split(';').filter(|piece| !piece.text.is_empty()) {
            let Some((key, value)) = pair(piece) else {
                let problem = format!("{:?} is not of the form key=value", piece.text);
                return Err(piece.error(problem, "write off=…;on=…;tz=…"));
            };
            if key.text != key.text.trim() {
                let remedy = format!(
                    "Cloud Custodian doesn't read the key then; write ;{}=",
                    key.text.trim()
                );
                return Err(key.error("a blank stands beside the key".to_owned(), remedy));
            }
            let again = match key.text {
                "on" => self.on.replace(hours(value)?).is_some(),
                "off" => self.off.replace(hours(value)?).is_some(),
                "tz" => self.zone_of(value)?,
                _ => return Err(unknown_key(key)),
            };
            if again {
                remarks.push(twice(key));
            }
        }
        Ok(())
    }

    /// Whether it replaces one.
    fn zone_of(&mut self, value: Word<'a>) -> Result<bool, ScheduleError> {
        let again = self.zone.is_some() || self.empty_zone.is_some();
        (self.zone, self.empty_zone) = if value.text.is_empty() {
            (None, Some(value))
        } else {
            (Some(zone(value)?), None)
        };
        Ok(again)
    }

    /// Words around a zone are nothing to c7n.
    fn zone_only(
        &mut self,
        whole: Word<'a>,
        remarks: &mut Vec<String>,
    ) -> Result<(), ScheduleError> {
        for (key, value) in keys(whole) {
            match key.text {
                "tz" => {
                    if self.zone_of(value)? {
                        remarks.push(twice(key));
                    }
                }
                _ => return Err(unknown_key(key)),
            }
        }
        if let Some(odd) = pieces(whole).find(|piece| piece.text.matches('=').count() > 1) {
            let problem = format!("{:?} has more than one \"=\"", odd.text);
            return Err(odd.error(problem, "put \";\" between the keys"));
        }
        let ignored =
            |piece: &Word<'_>| !piece.text.contains('=') && !["", "on"].contains(&piece.text);
        for piece in pieces(whole).filter(ignored) {
            remarks.push(format!(
                "{:?} means nothing to Cloud Custodian; the policy's hours count",
                piece.text
            ));
        }
        Ok(())
    }
}

/// The pieces between blanks and semicolons.
fn pieces(whole: Word<'_>) -> impl Iterator<Item = Word<'_>> {
    whole.split(' ').flat_map(|piece| piece.split(';'))
}

/// The pieces of the form `key=value`.
fn keys(whole: Word<'_>) -> impl Iterator<Item = (Word<'_>, Word<'_>)> {
    pieces(whole).filter_map(pair)
}

fn pair(piece: Word<'_>) -> Option<(Word<'_>, Word<'_>)> {
    piece
        .split_once('=')
        .filter(|(_, value)| !value.text.contains('='))
}

fn twice(key: Word<'_>) -> String {
    format!("{:?} is given twice; the last counts", key.text)
}

fn unknown_key(key: Word<'_>) -> ScheduleError {
    let problem = format!("unknown key {:?}", key.text);
    match strict_yaml::words::nearest(key.text, ["on", "off", "tz"]) {
        Some(near) => key.error(problem, format!("did you mean {near}?")),
        None => key.error(problem, "write on, off or tz"),
    }
}

fn zone(word: Word<'_>) -> Result<Zone, ScheduleError> {
    find_zone(word.text).ok_or_else(|| {
        let remedy = match zone::remedy(word.text) {
            outcome if outcome.starts_with("did you mean") => outcome,
            _ => "write et, ct, mt, pt, gmt, bst or a name of the IANA database".to_owned(),
        };
        word.error(format!("unknown time zone {:?}", word.text), remedy)
    })
}

fn find_zone(name: &str) -> Option<Zone> {
    let lower = name.to_lowercase();
    let alias = ALIASES.iter().find(|(alias, _)| *alias == lower);
    Zone::find(alias.map_or(name, |(_, place)| place))
}

/// What may stand around days and hours.
const AROUND: [char; 4] = ['(', ')', '[', ']'];

/// `[(m-f,19),(s,13)]`; brackets anywhere are nothing, and parentheses only part the pairs.
fn hours(value: Word<'_>) -> Result<Hours, ScheduleError> {
    let form = "write days and an hour, such as (M-F,19)";
    let mut hours = Hours::default();
    let tokens: Vec<Word<'_>> = value.split(',').collect();
    for pair in tokens.chunks(2) {
        let days = pair[0].trimmed_of(AROUND);
        // Brackets are nothing; a parenthesis after a comma begins a pair.
        let Some(hour) = pair.get(1).map(|hour| hour.without_leading(['[', ']'])) else {
            let problem = if days.text.is_empty() {
                "the days and the hour are missing".to_owned()
            } else {
                format!("{:?} has no hour", days.text)
            };
            return Err(days.error(problem, form));
        };
        let set = weekdays(days)?;
        if hour.text.starts_with('(') {
            let problem = format!("a parenthesis opens before the hour {:?}", &hour.text[1..]);
            return Err(hour.error(problem, "write days and hour in one pair: (M-F,19)"));
        }
        let number = hour_of(hour.trimmed_of(AROUND))?;
        for day in set {
            hours.add(day, number);
        }
    }
    // A further pair begins with a parenthesis, brackets apart.
    for next in tokens.iter().skip(2).step_by(2) {
        if !next.text.trim_start_matches(['[', ']']).starts_with('(') {
            let problem = format!("{:?} follows a pair without a parenthesis", next.text);
            return Err(next.error(problem, "put each pair in parentheses: [(M-F,19),(S,13)]"));
        }
    }
    Ok(hours)
}

fn hour_of(word: Word<'_>) -> Result<u8, ScheduleError> {
    let digits = !word.text.is_empty() && word.text.bytes().all(|byte| byte.is_ascii_digit());
    let hour = word
        .text
        .parse::<u8>()
        .ok()
        .filter(|hour| digits && *hour < 24);
    hour.ok_or_else(|| {
        let problem = format!("{:?} is not an hour", word.text);
        word.error(problem, "write 0 to 23, without blanks")
    })
}

fn weekdays(word: Word<'_>) -> Result<Vec<usize>, ScheduleError> {
    let day = |text: &str| {
        let mut letters = text.chars();
        let day = letters.next().and_then(|letter| DAYS.find(letter));
        day.filter(|_| letters.next().is_none())
    };
    let range = match word.split_once('-') {
        Some((first, last)) => day(first.text).zip(day(last.text)),
        None => day(word.text).map(|only| (only, only)),
    };
    let Some((first, last)) = range else {
        let problem = format!("{:?} is not a day nor a range of days", word.text);
        return Err(word.error(problem, "write M, T, W, H, F, S, U or a range such as M-F"));
    };
    let days = (last + 7 - first) % 7;
    Ok((0..=days).map(|step| (first + step) % 7).collect())
}
