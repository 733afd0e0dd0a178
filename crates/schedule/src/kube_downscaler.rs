//! Importer of kube-downscaler's time definitions (`downscaler/uptime`): `always | never | spec(,spec)*`, a spec
//! being `Mon-Fri 07:30-20:30 Europe/Berlin` or an absolute range.
//!
//! There are two tools of that name, and they read one text differently. The original in Python
//! (<https://codeberg.org/hjacobs/kube-downscaler>, and py-kube-downscaler after it) compares wall clocks, so a
//! window that ends before it starts never matches. Its successor in Go
//! (<https://github.com/caas-team/GoKubeDownscaler>) documents such a window as on from midnight until its end and
//! from its start until midnight, of each of its weekdays. So whose text it is can be said ([`Dialect`]), and where
//! it isn't, what the two read differently is refused, with both readings.
//!
//! What differs from our own grammar is kept: the weekdays are always a range. A zone may be left out only where
//! the configuration names one.
//!
//! Two things are ours, on purpose. Where the clocks go back within a window's first or last hour,
//! kube-downscaler, which compares wall clocks, would switch off and on again in between; ours starts at
//! the first occurrence and ends at the last. And an absolute range doesn't include its very last instant.

use crate::cursor::{self, Word};
use crate::schedule::{Part, Rule, Rules};
use crate::window::Window;
use crate::{Schedule, ScheduleError};

const FORM_REMEDY: &str = "write Mon-Fri 07:30-20:30 Europe/Berlin";
const MINUTES_PER_DAY: u16 = 1440;

/// Whose text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Of either tool: what they read differently is refused.
    Either,
    /// Of the original, in Python, and of py-kube-downscaler.
    Python,
    /// Of `GoKubeDownscaler`.
    Go,
}

/// Reads an uptime. For a downtime, ask for the opposite state. `default_zone` is that of windows that name none.
pub fn parse(
    text: &str,
    dialect: Dialect,
    default_zone: Option<&str>,
) -> Result<Schedule, ScheduleError> {
    let whole = cursor::bounded(text)?.trimmed();
    let mut reading = Reading {
        dialect,
        default_zone,
        parts: Vec::new(),
        remarks: Vec::new(),
    };
    match constant(whole, dialect) {
        Some(rule) => reading.add(whole.text, rule)?,
        None => whole
            .split(',')
            .try_for_each(|spec| reading.spec(spec.trimmed()))?,
    }
    Ok(Schedule {
        text: text.to_owned(),
        rules: Rules::Parts(reading.parts),
        remarks: reading.remarks,
    })
}

/// `always` and `never`; in Go `true` and `false` as well.
fn constant(word: Word<'_>, dialect: Dialect) -> Option<Rule> {
    match word.text.to_ascii_lowercase().as_str() {
        "always" => Some(Rule::Always),
        "never" => Some(Rule::Never),
        "true" if dialect == Dialect::Go => Some(Rule::Always),
        "false" if dialect == Dialect::Go => Some(Rule::Never),
        _ => None,
    }
}

struct Reading<'a> {
    dialect: Dialect,
    default_zone: Option<&'a str>,
    parts: Vec<Part>,
    remarks: Vec<String>,
}

impl Reading<'_> {
    fn add(&mut self, text: &str, rule: Rule) -> Result<(), ScheduleError> {
        crate::parse::push(&mut self.parts, text.to_owned(), rule)
    }

    fn spec(&mut self, spec: Word<'_>) -> Result<(), ScheduleError> {
        let words = spec.words();
        match words.as_slice() {
            [] => Err(spec.error("a time specification is missing".to_owned(), FORM_REMEDY)),
            [range] if cursor::begins_like_date(range.text) => {
                let rule = Rule::Range(cursor::range(*range)?);
                self.add(spec.text, rule)
            }
            [from, dash, until]
                if self.dialect == Dialect::Go
                    && dash.text == "-"
                    && cursor::begins_like_date(from.text) =>
            {
                let rule = Rule::Range(cursor::range_between(*from, *until)?);
                self.add(spec.text, rule)
            }
            [word] if constant(*word, Dialect::Go).is_some() => match constant(*word, self.dialect)
            {
                Some(rule) if self.dialect == Dialect::Go => self.add(spec.text, rule),
                Some(_) => {
                    let problem = format!("{:?} can't be joined with others", word.text);
                    Err(word.error(problem, "write it alone, or take it out"))
                }
                None => {
                    let problem = format!("only GoKubeDownscaler knows {:?}", word.text);
                    let remedy = "write always or never, or name the grammar go-kube-downscaler";
                    Err(word.error(problem, remedy))
                }
            },
            // What is there is recognised by its form, so that what is missing is named.
            [times, ..] if begins_like_times(*times) => {
                let remedy = format!("write them first: Mon-Sun {}", spec.text);
                Err(times.error("the weekdays are missing".to_owned(), remedy))
            }
            [days] if cursor::begins_like_window(days.text) => {
                let remedy = format!("write {} 07:30-20:30 Europe/Berlin", days.text);
                Err(days.end().error("the times are missing".to_owned(), remedy))
            }
            [days, zone] if !begins_like_times(*zone) && cursor::zone(*zone).is_ok() => {
                let remedy = format!("write {} 07:30-20:30 {}", days.text, zone.text);
                Err(zone.error("the times are missing".to_owned(), remedy))
            }
            [days, times] => {
                let zone = cursor::default_zone(self.default_zone, *times);
                self.window(spec, (*days, *times), zone)
            }
            [days, times, zone] => self.window(spec, (*days, *times), cursor::zone(*zone)),
            _ => {
                let problem = format!("{:?} is not a time specification", spec.text);
                Err(spec.error(problem, FORM_REMEDY))
            }
        }
    }

    fn window(
        &mut self,
        spec: Word<'_>,
        (days, times): (Word<'_>, Word<'_>),
        zone: Result<crate::zone::Zone, ScheduleError>,
    ) -> Result<(), ScheduleError> {
        let weekdays = cursor::weekdays(days)?;
        if !days.text.contains('-') {
            let problem = format!("{:?} is a single weekday", days.text);
            let remedy = format!("kube-downscaler needs a range: {0}-{0}", days.text);
            return Err(days.error(problem, remedy));
        }
        let (start, end) = cursor::times(times)?;
        let zone = zone?;
        let window = |start, end| {
            Rule::Window(Window {
                days: weekdays,
                start,
                end,
                zone: zone.clone(),
            })
        };
        // What a part says has its zone, wherever that was written.
        let text = match spec.words().len() {
            2 => format!("{} {}", spec.text, zone.name()),
            _ => spec.text.to_owned(),
        };
        if start < end {
            return self.add(&text, window(start, end));
        }
        if start == end {
            self.remarks.push(format!(
                "{:?} starts and ends at the same time, so it is never on",
                spec.text
            ));
            return self.add(&text, Rule::Never);
        }
        match self.dialect {
            Dialect::Go => {
                // Each of the weekdays has both ends of its night: that of Friday doesn't go on on Saturday.
                if end > 0 {
                    self.add(&text, window(0, end))?;
                }
                self.add(&text, window(start, MINUTES_PER_DAY))
            }
            Dialect::Python => {
                self.remarks.push(format!(
                    "{:?} ends before it starts, and kube-downscaler in Python doesn't go over midnight, so it is \
                     never on; write {}",
                    spec.text,
                    two_windows(days, times, end, zone.name())
                ));
                self.add(&text, Rule::Never)
            }
            Dialect::Either => Err(ambiguous(spec, (days, times), (end, zone.name()))),
        }
    }
}

fn begins_like_times(word: Word<'_>) -> bool {
    word.text.starts_with(|c: char| c.is_ascii_digit()) && word.text.contains(':')
}

/// What `GoKubeDownscaler` means by a window that ends before it starts, as both tools read it.
fn two_windows(days: Word<'_>, times: Word<'_>, end: u16, zone: &str) -> String {
    let (start, until) = times.text.split_once('-').unwrap_or((times.text, ""));
    let evening = format!("{} {start}-24:00 {zone}", days.text);
    if end == 0 {
        evening
    } else {
        format!("{} 00:00-{until} {zone},{evening}", days.text)
    }
}

fn ambiguous(
    spec: Word<'_>,
    (days, times): (Word<'_>, Word<'_>),
    (end, zone): (u16, &str),
) -> ScheduleError {
    let (start, until) = times.text.split_once('-').unwrap_or((times.text, ""));
    let morning = if end == 0 {
        String::new()
    } else {
        format!("from 00:00 to {until} and ")
    };
    let problem = format!(
        "{:?} ends before it starts: GoKubeDownscaler is on {morning}from {start} to 24:00 of each of these days, and \
         kube-downscaler in Python is never on",
        spec.text
    );
    let remedy = format!(
        "write {} for the first and never for the second, or name the grammar go-kube-downscaler or \
         py-kube-downscaler",
        two_windows(days, times, end, zone)
    );
    times.error(problem, remedy)
}
