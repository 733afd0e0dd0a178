//! A small, strict reader of iCalendar files (RFC 5545), for holidays: all-day events and those that repeat
//! every year.
//!
//! It must never lose a holiday silently: what it can't use as it is written is a problem with its line.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use jiff::civil::Date;

use crate::calendar_problem::{CALENDAR_YEARS, CalendarProblem, MAX_LINES, quoted, too_many_lines};
use crate::recurrence::{self, YearlyDates};

const BEGIN: &str = "BEGIN:VCALENDAR";
/// A longer event is a mistake, or no holiday.
const MAX_EVENT_DAYS: i64 = 366;
/// Events of a file: what the holidays of all countries take in ten years.
const MAX_EVENTS: usize = 5_000;
/// Events that come again every year, each of which is looked for day by day.
const MAX_YEARLY: usize = 500;
/// Dates in `RDATE` and `EXDATE`, of all events together.
const MAX_DATES: usize = 10_000;
/// Days of all events and years together, however often they meet.
const MAX_DAYS: usize = 50_000;
/// What lies in what: a calendar, an event, an alarm.
const MAX_DEPTH: usize = 16;
/// What of an event is read; the rest need not be kept.
const READ: [&str; 10] = [
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "RECURRENCE-ID",
    "STATUS",
    "SUMMARY",
    "UID",
];

/// The dates with their names, and everything that is wrong.
pub(crate) fn holidays(
    text: &str,
    years: &RangeInclusive<i16>,
) -> (Vec<(Date, String)>, Vec<CalendarProblem>) {
    let mut problems = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let begins = text.trim_start().get(..BEGIN.len());
    if !begins.is_some_and(|begins| begins.eq_ignore_ascii_case(BEGIN)) {
        problems.push(CalendarProblem {
            line: 1,
            problem: "this is not an iCalendar file".to_owned(),
            remedy: format!("it begins with {BEGIN}"),
        });
        return (Vec::new(), problems);
    }
    let lines = unfold(text, &mut problems);
    let events = events(&lines, &mut problems);
    let mut read: Vec<Event> = Vec::new();
    let (mut yearly, mut listed) = (0, 0);
    for event in events {
        match Event::read(&event) {
            Ok(found) => {
                yearly += usize::from(found.yearly.is_some());
                listed += found.more.len() + found.except.len();
                let bound = if read.len() == MAX_EVENTS {
                    format!("{MAX_EVENTS} events")
                } else if yearly > MAX_YEARLY {
                    format!("{MAX_YEARLY} yearly events")
                } else if listed > MAX_DATES {
                    format!("{MAX_DATES} dates in RDATE and EXDATE")
                } else {
                    read.push(found);
                    continue;
                };
                problems.push(
                    event[0].problem(format!("the file has more than {bound}"), FEWER_REMEDY),
                );
                break;
            }
            Err(problem) => problems.push(problem),
        }
    }
    problems.sort_by_key(|problem| problem.line);
    if !problems.is_empty() {
        return (Vec::new(), problems);
    }
    let dates = dates(&read, years);
    if dates.len() > MAX_DAYS {
        problems.push(CalendarProblem {
            line: 1,
            problem: format!("the events come to more than {MAX_DAYS} days"),
            remedy: FEWER_REMEDY.to_owned(),
        });
    }
    (dates, problems)
}

const FEWER_REMEDY: &str = "keep only the holidays that matter, or make several files of it";

/// A property: `NAME;PARAMETERS:VALUE`, in one piece.
#[derive(Clone, Debug)]
struct Property {
    line: usize,
    name: String,
    parameters: String,
    value: String,
}

impl Property {
    fn problem(&self, problem: String, remedy: &str) -> CalendarProblem {
        CalendarProblem {
            line: self.line,
            problem,
            remedy: remedy.to_owned(),
        }
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.name == name && self.value.trim().eq_ignore_ascii_case(value)
    }
}

/// A line that begins with a blank goes on with the one before.
fn unfold(text: &str, problems: &mut Vec<CalendarProblem>) -> Vec<Property> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    for (line, written) in (1..).zip(text.lines()) {
        if line > MAX_LINES {
            problems.push(too_many_lines());
            break;
        }
        match (written.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(more), Some((_, before))) => before.push_str(more),
            _ if written.trim().is_empty() => {}
            _ => whole.push((line, written.to_owned())),
        }
    }
    let mut properties = Vec::new();
    for (line, written) in whole {
        match property(line, &written) {
            Some(property) => properties.push(property),
            None => problems.push(CalendarProblem {
                line,
                problem: format!("{} is not a line of an iCalendar file", quoted(&written)),
                remedy: "write NAME:VALUE, or begin the line with a blank if it continues the one before".to_owned(),
            }),
        }
    }
    properties
}

fn property(line: usize, written: &str) -> Option<Property> {
    let mut quoted = false;
    let colon = written.find(|character| {
        quoted ^= character == '"';
        character == ':' && !quoted
    })?;
    let (head, value) = (&written[..colon], &written[colon + 1..]);
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!name.is_empty() && name.chars().all(legal)).then(|| Property {
        line,
        name: name.to_ascii_uppercase(),
        parameters: parameters.to_ascii_uppercase(),
        value: value.to_owned(),
    })
}

/// The properties of each event; those of what is nested in it (an alarm) and beside it (a time zone) are
/// left out. The first is `BEGIN:VEVENT` itself.
fn events(lines: &[Property], problems: &mut Vec<CalendarProblem>) -> Vec<Vec<Property>> {
    let mut open: Vec<&Property> = Vec::new();
    let mut events: Vec<Vec<Property>> = Vec::new();
    for line in lines {
        let in_event = open.last().is_some_and(|open| open.is("BEGIN", "VEVENT"));
        match line.name.as_str() {
            "BEGIN" => {
                if line.is("BEGIN", "VEVENT") {
                    events.push(vec![line.clone()]);
                }
                if open.len() == MAX_DEPTH {
                    let problem = format!(
                        "BEGIN:{} lies more than {MAX_DEPTH} deep",
                        quoted(line.value.trim())
                    );
                    problems.push(line.problem(
                        problem,
                        "take it out; a holiday is BEGIN:VEVENT in BEGIN:VCALENDAR",
                    ));
                    return events;
                }
                open.push(line);
            }
            "END" => match open.pop() {
                Some(begun) if begun.is("BEGIN", line.value.trim()) => {}
                begun => {
                    let (problem, remedy) = unmatched(line, begun);
                    problems.push(line.problem(problem, &remedy));
                    return events;
                }
            },
            name if in_event && READ.contains(&name) => events
                .last_mut()
                .expect("the open event")
                .push(line.clone()),
            _ => {}
        }
    }
    if let Some(begun) = open.last() {
        let problem = format!("BEGIN:{} is never ended", begun.value.trim());
        problems.push(begun.problem(problem, "the file is cut off; get it again"));
    }
    events
}

fn unmatched(end: &Property, begun: Option<&Property>) -> (String, String) {
    let end = end.value.trim();
    match begun {
        Some(begun) => {
            let (line, begun) = (begun.line, begun.value.trim());
            let problem = format!("END:{end} ends nothing; BEGIN:{begun} of line {line} is open");
            (problem, format!("write END:{begun} first"))
        }
        None => (
            format!("END:{end} ends nothing"),
            "take the line out".to_owned(),
        ),
    }
}

/// One holiday, perhaps of many days and many years.
struct Event {
    uid: Option<String>,
    name: String,
    first: Date,
    days: i64,
    yearly: Option<YearlyDates>,
    more: Vec<Date>,
    except: BTreeSet<Date>,
    /// The date of the series that this event stands in for.
    instead_of: Option<Date>,
    cancelled: bool,
}

impl Event {
    fn read(properties: &[Property]) -> Result<Self, CalendarProblem> {
        let find = |name: &str| properties.iter().find(|property| property.name == name);
        let Some(start) = find("DTSTART") else {
            let remedy = "write DTSTART;VALUE=DATE:20261225";
            return Err(properties[0].problem("the event has no DTSTART".to_owned(), remedy));
        };
        let first = day(start, &start.value)?;
        if first.year() < *CALENDAR_YEARS.start() {
            let problem = format!("the event begins before {}", CALENDAR_YEARS.start());
            return Err(start.problem(problem, "write a later year in DTSTART"));
        }
        let yearly = match find("RRULE") {
            Some(rule) => Some(
                recurrence::yearly(&rule.value, first)
                    .map_err(|wrong| rule.problem(wrong.problem, &wrong.remedy))?,
            ),
            None => None,
        };
        let list = |name: &str| -> Result<Vec<Date>, CalendarProblem> {
            let lists = properties.iter().filter(|property| property.name == name);
            lists
                .flat_map(|list| list.value.split(',').map(move |date| day(list, date)))
                .collect()
        };
        Ok(Self {
            uid: find("UID").map(|uid| uid.value.clone()),
            name: find("SUMMARY").map_or_else(String::new, |summary| plain(&summary.value)),
            first,
            days: length(first, find("DTEND"), find("DURATION"))?,
            yearly,
            more: list("RDATE")?,
            except: list("EXDATE")?.into_iter().collect(),
            instead_of: list("RECURRENCE-ID")?.first().copied(),
            cancelled: find("STATUS").is_some_and(|status| status.is("STATUS", "CANCELLED")),
        })
    }
}

/// `20261225`. A time of day is refused: it isn't a holiday, or it isn't clear of which zone.
fn day(property: &Property, value: &str) -> Result<Date, CalendarProblem> {
    let value = value.trim();
    let digits = value.len() == 8 && value.bytes().all(|byte| byte.is_ascii_digit());
    let date = digits.then(|| value.parse::<Date>().ok()).flatten();
    if let Some(date) = date.filter(|date| date.year() > *CALENDAR_YEARS.end()) {
        let problem = format!("{date} lies after {}", CALENDAR_YEARS.end());
        return Err(property.problem(problem, "write an earlier year"));
    }
    date.ok_or_else(|| {
        let name = &property.name;
        let typed_as_date = property.parameters.split(';').any(|it| it == "VALUE=DATE");
        let (problem, remedy) = if value.contains('T') && !typed_as_date {
            (
                format!("{name} has a time of day, and only all-day events are holidays"),
                format!("write {name};VALUE=DATE:20261225, or take the event out"),
            )
        } else {
            (
                format!("{} is not a date", quoted(value)),
                format!("write {name};VALUE=DATE:20261225"),
            )
        };
        property.problem(problem, &remedy)
    })
}

/// In days. `DTEND` is the first day after it; without it and `DURATION`, an event is one day long.
fn length(
    first: Date,
    end: Option<&Property>,
    duration: Option<&Property>,
) -> Result<i64, CalendarProblem> {
    let (property, days) = match (end, duration) {
        (Some(end), _) => (end, recurrence::days_between(first, day(end, &end.value)?)),
        (None, Some(duration)) => (duration, whole_days(duration)?),
        (None, None) => return Ok(1),
    };
    // Some programs write an end that is the start.
    let days = if days == 0 { 1 } else { days };
    if (1..=MAX_EVENT_DAYS).contains(&days) {
        Ok(days)
    } else {
        let problem = format!("the event is {days} days long");
        let remedy =
            format!("write 1 to {MAX_EVENT_DAYS} days; DTEND is the first day after the event");
        Err(property.problem(problem, &remedy))
    }
}

/// `P1D` or `P2W`.
fn whole_days(duration: &Property) -> Result<i64, CalendarProblem> {
    let value = duration.value.trim();
    let number = |text: &str| text.parse::<u16>().ok().map(i64::from);
    let days = value.strip_prefix('P').and_then(|rest| {
        let days = rest.strip_suffix('D').and_then(number);
        days.or_else(|| {
            rest.strip_suffix('W')
                .and_then(number)
                .map(|weeks| weeks * 7)
        })
    });
    days.ok_or_else(|| {
        let problem = format!("DURATION {} is not a number of days", quoted(value));
        duration.problem(problem, "write P1D, P2D or P1W")
    })
}

/// RFC 5545, 3.3.11: escapes of a text.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.trim().chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('n' | 'N') | None => ' ',
                Some(other) => other,
            },
            other => other,
        });
    }
    plain
}

fn dates(events: &[Event], years: &RangeInclusive<i16>) -> Vec<(Date, String)> {
    let mut replaced: BTreeMap<&str, BTreeSet<Date>> = BTreeMap::new();
    for event in events {
        if let (Some(uid), Some(date)) = (&event.uid, event.instead_of) {
            replaced.entry(uid).or_default().insert(date);
        }
    }
    let mut dates = Vec::new();
    for event in events.iter().filter(|event| !event.cancelled) {
        let mut begins = match &event.yearly {
            Some(yearly) => yearly.dates(years),
            None => vec![event.first],
        };
        begins.extend(&event.more);
        let instead = match (&event.uid, event.instead_of) {
            (Some(uid), None) => replaced.get(uid.as_str()),
            _ => None,
        };
        begins.retain(|date| {
            !event.except.contains(date) && !instead.is_some_and(|dates| dates.contains(date))
        });
        for begin in begins {
            if dates.len() > MAX_DAYS {
                return dates;
            }
            let days = std::iter::successors(Some(begin), |date| date.tomorrow().ok());
            let days = days.take(usize::try_from(event.days).unwrap_or(1));
            dates.extend(days.map(|date| (date, event.name.clone())));
        }
    }
    dates
}

#[cfg(test)]
#[path = "icalendar_tests.rs"]
mod tests;
