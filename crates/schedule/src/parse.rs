//! Our own grammar: windows, ranges and names of configured schedules, joined by ` + `.
//!
//! ```text
//! schedule = part *( " + " part )
//! part     = "always" / "never" / window / range / name
//! window   = weekdays " " HH:MM-HH:MM [ " " zone ]      weekdays: Mon, Mon-Fri, Sat-Mon
//! range    = instant "-" instant                        2026-12-24T00:00:00+00:00
//! name     = letter *( letter / digit / "_" / "-" )     a configured schedule
//! ```
//!
//! Every character is legal in an ECS tag. Names may refer to schedules that name others; a circle is
//! reported, and their total size is bounded.

use strict_yaml::words::nearest;

use crate::cursor::{self, Word};
use crate::schedule::{Part, Rule, Rules};
use crate::syntax::Context;
use crate::window::Window;
use crate::{Schedule, ScheduleError};

/// More parts than anybody writes; names that name names could otherwise grow without end.
const MAX_PARTS: usize = 200;
/// Names in one schedule, with those in the schedules that they name.
const MAX_NAMES: usize = 200;
/// Schedules that name schedules that name schedules.
const MAX_DEPTH: usize = 20;

pub(crate) fn parse(text: &str, context: &Context<'_>) -> Result<Schedule, ScheduleError> {
    cursor::bounded(text)?;
    let mut reading = Reading {
        context,
        within: Vec::new(),
        parts: Vec::new(),
        names: 0,
        too_many: false,
    };
    if let Err(error) = reading.schedule(text) {
        return Err(reading.or_too_many(error));
    }
    Ok(Schedule {
        text: text.to_owned(),
        rules: Rules::Parts(reading.parts),
        remarks: Vec::new(),
    })
}

/// Adds a part of a schedule that names no others.
pub(crate) fn push(parts: &mut Vec<Part>, text: String, rule: Rule) -> Result<(), ScheduleError> {
    if parts.len() == MAX_PARTS {
        return Err(too_many());
    }
    parts.push(Part {
        text,
        schedule: None,
        rule,
    });
    Ok(())
}

fn too_many() -> ScheduleError {
    let problem = format!("the schedule comes to more than {MAX_PARTS} parts");
    Word::whole("").error(problem, "write fewer windows, or name fewer schedules")
}

struct Reading<'a> {
    context: &'a Context<'a>,
    /// The configured schedules that are being read, outermost first.
    within: Vec<&'a str>,
    parts: Vec<Part>,
    names: usize,
    too_many: bool,
}

impl Reading<'_> {
    /// Too many parts are a problem of the whole schedule, not of one part.
    fn or_too_many(&self, error: ScheduleError) -> ScheduleError {
        if !self.too_many {
            return error;
        }
        too_many()
    }

    fn schedule(&mut self, text: &str) -> Result<(), ScheduleError> {
        let whole = Word::whole(text);
        let words = whole.words();
        let parts: Vec<&[Word<'_>]> = words.split(|word| word.text == "+").collect();
        let mut behind = whole;
        for (number, part) in parts.iter().enumerate() {
            if part.is_empty() {
                let (problem, remedy) = if words.is_empty() {
                    (
                        "the schedule is empty",
                        "write a window such as Mon-Fri 09:00-22:00 Europe/Berlin, or always or never",
                    )
                } else if number == 0 {
                    (
                        "nothing stands before \"+\"",
                        "take the \"+\" out, or write a window before it",
                    )
                } else {
                    (
                        "nothing stands behind \"+\"",
                        "take the \"+\" out, or write a window behind it",
                    )
                };
                return Err(behind.error(problem.to_owned(), remedy));
            }
            self.part(part)?;
            // The "+" that follows, if any.
            let read: usize = parts[..=number].iter().map(|part| part.len() + 1).sum();
            behind = words.get(read - 1).copied().unwrap_or(whole);
        }
        Ok(())
    }

    fn part(&mut self, words: &[Word<'_>]) -> Result<(), ScheduleError> {
        let first = words[0];
        let rule = match first.text.to_ascii_lowercase().as_str() {
            "always" => Rule::Always,
            "never" => Rule::Never,
            _ if cursor::begins_like_date(first.text) => Rule::Range(cursor::range(first)?),
            _ if words.len() == 1 && !cursor::begins_like_window(first.text) => {
                return self.named(first);
            }
            _ => return self.window(words),
        };
        if let Some(more) = words.get(1) {
            let problem = format!("{:?} can't follow {:?}", more.text, first.text);
            return Err(more.error(problem, "join parts by \" + \""));
        }
        self.add(first.text.to_owned(), rule)
    }

    fn window(&mut self, words: &[Word<'_>]) -> Result<(), ScheduleError> {
        let first = words[0];
        if first.text.starts_with(|c: char| c.is_ascii_digit()) && first.text.contains(':') {
            let remedy = format!("write them first: Mon-Sun {}", first.text);
            return Err(first.error("the weekdays are missing".to_owned(), remedy));
        }
        let days = cursor::weekdays(first)?;
        let Some(times) = words.get(1) else {
            let remedy = format!("write {} 09:00-22:00", first.text);
            return Err(first
                .end()
                .error("the times are missing".to_owned(), remedy));
        };
        let (start, end) = cursor::times(*times)?;
        if start == end {
            let problem = "the window starts and ends at the same time".to_owned();
            return Err(times.error(problem, "write 00:00-24:00 for a whole day"));
        }
        let zone = match words.get(2) {
            Some(zone) => cursor::zone(*zone).map_err(|error| match words.get(3) {
                Some(more) => cursor::zone_in_two_words(*zone, *more, error),
                None => error,
            })?,
            None => cursor::default_zone(self.context.default_zone, *times)?,
        };
        if let Some(more) = words.get(3) {
            let problem = format!("{:?} can't follow a window", more.text);
            return Err(more.error(problem, "join windows by \" + \""));
        }
        let text = format!("{} {} {}", first.text, times.text, zone.name());
        let window = Window {
            days,
            start,
            end,
            zone,
        };
        self.add(text, Rule::Window(window))
    }

    fn named(&mut self, name: Word<'_>) -> Result<(), ScheduleError> {
        let Some((known, text)) = self
            .context
            .named
            .and_then(|named| named.get_key_value(name.text))
        else {
            return Err(self.unknown(name));
        };
        if self.within.contains(&known.as_str()) {
            let circle: Vec<&str> = self
                .within
                .iter()
                .copied()
                .chain([known.as_str()])
                .collect();
            let problem = format!(
                "the schedules name each other in a circle: {}",
                circle.join(" → ")
            );
            return Err(self.locate(name.error(problem, "take one of the names out")));
        }
        if self.within.len() == MAX_DEPTH {
            let problem = format!("the schedules name each other more than {MAX_DEPTH} deep");
            return Err(self.locate(name.error(problem, "write the windows here")));
        }
        self.names += 1;
        if self.names > MAX_NAMES {
            self.too_many = true;
            return Err(too_many());
        }
        self.within.push(known);
        self.schedule(text).map_err(|error| self.locate(error))?;
        self.within.pop();
        Ok(())
    }

    fn unknown(&self, name: Word<'_>) -> ScheduleError {
        let problem = format!("unknown schedule {:?}", name.text);
        let configured = self
            .context
            .named
            .into_iter()
            .flat_map(|named| named.keys());
        let known = configured.map(String::as_str).chain(["always", "never"]);
        match nearest(name.text, known) {
            Some(near) => name.error(problem, format!("did you mean {near}?")),
            None => name.error(
                problem,
                "write the name of a configured schedule, or a window such as Mon-Fri 09:00-22:00 Europe/Berlin",
            ),
        }
    }

    /// The innermost schedule that is being read holds the problem.
    fn locate(&self, error: ScheduleError) -> ScheduleError {
        ScheduleError {
            schedule: error
                .schedule
                .or(self.within.last().map(|name| (*name).to_owned())),
            ..error
        }
    }

    fn add(&mut self, text: String, rule: Rule) -> Result<(), ScheduleError> {
        if self.parts.len() == MAX_PARTS {
            self.too_many = true;
            return Err(too_many());
        }
        self.parts.push(Part {
            text,
            schedule: self.within.last().map(|name| (*name).to_owned()),
            rule,
        });
        Ok(())
    }
}
