//! Words of a text with their place, and the readers that all grammars share: weekdays, times, zones,
//! absolute ranges.

use jiff::Timestamp;
use strict_yaml::words::nearest;

use crate::ScheduleError;
use crate::window::{Range, Weekdays};
use crate::zone::{self, Zone};

const SHORT: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Nobody's schedule is as long, and whatever reads one is bounded by it.
pub(crate) const MAX_TEXT: usize = 16 * 1024;

/// The whole text, unless it is longer than any schedule.
pub(crate) fn bounded(text: &str) -> Result<Word<'_>, ScheduleError> {
    if text.len() > MAX_TEXT {
        let problem = format!("the schedule is longer than {MAX_TEXT} bytes");
        return Err(Word::whole("").error(problem, "write fewer windows, or name schedules"));
    }
    Ok(Word::whole(text))
}

/// A piece of the text that is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    /// Where it begins: characters from 1.
    pub(crate) column: usize,
}

impl<'a> Word<'a> {
    pub(crate) fn whole(text: &'a str) -> Self {
        Self { text, column: 1 }
    }

    /// The words between white space.
    pub(crate) fn words(self) -> Vec<Self> {
        let mut before = Word {
            text: "",
            column: self.column,
        };
        let mut rest = self.text;
        let mut words = Vec::new();
        for word in self.text.split_whitespace() {
            let skipped = word.as_ptr().addr() - rest.as_ptr().addr();
            let column =
                before.column + before.text.chars().count() + rest[..skipped].chars().count();
            before = Word { text: word, column };
            rest = &rest[skipped + word.len()..];
            words.push(before);
        }
        words
    }

    /// Without the white space around it.
    pub(crate) fn trimmed(self) -> Self {
        self.part(self.text.trim())
    }

    /// Without these characters around it.
    pub(crate) fn trimmed_of(self, around: [char; 4]) -> Self {
        self.part(self.text.trim_matches(around))
    }

    /// Without these characters before it.
    pub(crate) fn without_leading(self, before: [char; 2]) -> Self {
        self.part(self.text.trim_start_matches(before))
    }

    /// The pieces between separators.
    pub(crate) fn split(self, separator: char) -> impl Iterator<Item = Self> {
        let mut column = self.column;
        self.text.split(separator).map(move |text| {
            let part = Word { text, column };
            column += text.chars().count() + 1;
            part
        })
    }

    /// The two pieces around the first separator.
    pub(crate) fn split_once(self, separator: char) -> Option<(Self, Self)> {
        let (left, right) = self.text.split_once(separator)?;
        Some((self.part(left), self.part(right)))
    }

    /// The two pieces before and after a byte, if that is between characters.
    fn split_at(self, byte: usize) -> Option<(Self, Self)> {
        let (left, right) = self.text.split_at_checked(byte)?;
        Some((self.part(left), self.part(right)))
    }

    /// Just behind its last character.
    pub(crate) fn end(self) -> Self {
        self.part(&self.text[self.text.len()..])
    }

    pub(crate) fn error(self, problem: String, remedy: impl Into<String>) -> ScheduleError {
        ScheduleError {
            schedule: None,
            column: self.column,
            problem,
            remedy: remedy.into(),
        }
    }

    /// `part` is a slice of `self.text`.
    fn part(self, part: &'a str) -> Self {
        let before = part.as_ptr().addr() - self.text.as_ptr().addr();
        Word {
            text: part,
            column: self.column + self.text[..before].chars().count(),
        }
    }
}

/// `Mon-Fri` or, unless a range is demanded, `Sat`.
pub(crate) fn weekdays(word: Word<'_>) -> Result<Weekdays, ScheduleError> {
    if word.text.contains(',') {
        let remedy = "write one window for each, joined by \" + \", or a range such as Mon-Fri";
        return Err(word.error(format!("{:?} is a list of weekdays", word.text), remedy));
    }
    let (first, last) = match word.split_once('-') {
        Some((first, last)) => (weekday(first)?, weekday(last)?),
        None => (weekday(word)?, weekday(word)?),
    };
    Ok(Weekdays::between(first, last))
}

/// Whether a word that stands alone is meant as the beginning of a window: a weekday or a time.
pub(crate) fn begins_like_window(text: &str) -> bool {
    let first = text.split(['-', '–', ',']).next().unwrap_or_default();
    let weekday = SHORT
        .iter()
        .chain(&LONG)
        .any(|day| day.eq_ignore_ascii_case(first));
    weekday || first.starts_with(|c: char| c.is_ascii_digit())
}

fn weekday(word: Word<'_>) -> Result<u8, ScheduleError> {
    if let Some(day) = (0_u8..)
        .zip(SHORT)
        .find(|(_, day)| day.eq_ignore_ascii_case(word.text))
    {
        return Ok(day.0);
    }
    if word.text.contains(['–', '—', '−']) {
        return Err(long_dash(word));
    }
    let lower = word.text.to_lowercase();
    let long = LONG.iter().position(|day| {
        lower.chars().count() > 1
            && (day.to_lowercase().starts_with(&lower) || nearest(&lower, [*day]).is_some())
    });
    let near = nearest(word.text, SHORT).or_else(|| long.map(|day| SHORT[day]));
    let problem = if word.text.is_empty() {
        "a weekday is missing".to_owned()
    } else {
        format!("unknown weekday {:?}", word.text)
    };
    Err(match near {
        Some(day) => word.error(problem, format!("did you mean {day}?")),
        None => word.error(problem, "write Mon, Tue, Wed, Thu, Fri, Sat or Sun"),
    })
}

fn long_dash(word: Word<'_>) -> ScheduleError {
    word.error(
        format!("{:?} has a long dash", word.text),
        "write a plain one: \"-\"",
    )
}

/// `09:00-22:00` as minutes of the day; the end may be `24:00`.
pub(crate) fn times(word: Word<'_>) -> Result<(u16, u16), ScheduleError> {
    if word.text.contains(['–', '—', '−']) {
        return Err(long_dash(word));
    }
    let Some((start, end)) = word.split_once('-') else {
        let problem = format!("{:?} is not a time of day from one to another", word.text);
        return Err(word.error(problem, "write start and end without blanks: 09:00-22:00"));
    };
    let (start_minute, end_minute) = (time(start)?, time(end)?);
    if start_minute == 1440 {
        let remedy = "write 00:00 and the weekdays that follow";
        return Err(start.error("a window can't start at 24:00".to_owned(), remedy));
    }
    Ok((start_minute, end_minute))
}

fn time(word: Word<'_>) -> Result<u16, ScheduleError> {
    let number = |digits: &str| {
        let two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        two.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let parts = word
        .text
        .split_once(':')
        .and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
    let Some((hour, minute)) = parts else {
        let problem = if word.text.is_empty() {
            "a time is missing".to_owned()
        } else {
            format!("{:?} is not a time of day", word.text)
        };
        return Err(word.error(problem, time_remedy(word.text)));
    };
    if minute > 59 || hour * 60 + minute > 1440 {
        let problem = format!("{:?} is not a time of day", word.text);
        return Err(word.error(problem, "write 00:00 to 23:59, or 24:00 as an end"));
    }
    Ok(hour * 60 + minute)
}

/// `9:00` and `9` can only mean one thing.
fn time_remedy(text: &str) -> String {
    let (hour, minute) = text.split_once(':').unwrap_or((text, "00"));
    match (hour.parse::<u8>(), minute.parse::<u8>()) {
        (Ok(hour @ 0..=24), Ok(minute @ 0..=59)) => format!("write {hour:02}:{minute:02}"),
        _ => "write hours and minutes with two digits each, such as 09:00".to_owned(),
    }
}

/// An IANA name, in any case.
pub(crate) fn zone(word: Word<'_>) -> Result<Zone, ScheduleError> {
    Zone::find(word.text).ok_or_else(|| {
        let problem = format!("unknown time zone {:?}", word.text);
        match word.text.split_once('+') {
            Some((zone, rest)) if Zone::find(zone).is_some() && !rest.is_empty() => word.error(
                problem,
                "write a blank on either side of \"+\" to join windows",
            ),
            _ => word.error(problem, zone::remedy(word.text)),
        }
    })
}

/// The zone of a window that names none: the configuration's, if it has one.
pub(crate) fn default_zone(name: Option<&str>, times: Word<'_>) -> Result<Zone, ScheduleError> {
    let Some(name) = name else {
        let remedy = "write one behind the times, such as Europe/Berlin";
        return Err(times
            .end()
            .error("no time zone is given".to_owned(), remedy));
    };
    zone(Word::whole(name)).map_err(|error| ScheduleError {
        column: times.end().column,
        problem: format!("the default time zone can't be used: {}", error.problem),
        ..error
    })
}

/// `America/New York` is meant as `America/New_York`.
pub(crate) fn zone_in_two_words(
    first: Word<'_>,
    second: Word<'_>,
    error: ScheduleError,
) -> ScheduleError {
    match Zone::find(&format!("{}_{}", first.text, second.text)) {
        Some(zone) => ScheduleError {
            remedy: format!("did you mean {}?", zone.name()),
            ..error
        },
        None => error,
    }
}

/// Whether a word is meant as an absolute range: it begins with a date.
pub(crate) fn begins_like_date(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.by_ref().take(4).filter(u8::is_ascii_digit).count() == 4 && bytes.next() == Some(b'-')
}

/// `2026-12-24T00:00:00+00:00-2026-12-27T00:00:00+00:00`.
pub(crate) fn range(word: Word<'_>) -> Result<Range, ScheduleError> {
    let form = "write 2026-12-24T00:00:00+00:00-2026-12-27T00:00:00+00:00";
    // An instant ends with Z or with an offset of six characters.
    let length = if word.text.as_bytes().get(19) == Some(&b'Z') {
        20
    } else {
        25
    };
    let parts = word.split_at(length).and_then(|(from, rest)| {
        let (dash, until) = rest.split_at(1)?;
        (dash.text == "-").then_some((from, until))
    });
    let Some((from, until)) = parts else {
        let problem = format!("{:?} is not a range of two instants", word.text);
        return Err(word.error(problem, form));
    };
    range_between(from, until)
}

/// The range from one instant to a later one.
pub(crate) fn range_between(from: Word<'_>, until: Word<'_>) -> Result<Range, ScheduleError> {
    let range = Range {
        from: instant(from)?,
        until: instant(until)?,
    };
    if range.from >= range.until {
        let remedy = "write the earlier instant first";
        return Err(until.error("the range ends before it starts".to_owned(), remedy));
    }
    Ok(range)
}

fn instant(word: Word<'_>) -> Result<i64, ScheduleError> {
    let whole_seconds = word.text.len() <= 25 && !word.text.contains(['.', ',', '[']);
    word.text
        .parse::<Timestamp>()
        .ok()
        .filter(|_| whole_seconds)
        .map(Timestamp::as_second)
        .ok_or_else(|| {
            let problem = format!("{:?} is not an instant", word.text);
            word.error(
                problem,
                "write one with its offset: 2026-12-24T00:00:00+00:00",
            )
        })
}
