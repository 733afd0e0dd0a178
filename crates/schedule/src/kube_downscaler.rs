//! Importer of kube-downscaler's time definitions (`downscaler/uptime`), grammar of
//! <https://codeberg.org/hjacobs/kube-downscaler>: `always | never | spec(,spec)*`, a spec being
//! `Mon-Fri 07:30-20:30 Europe/Berlin` or an absolute range.
//!
//! What differs from our own grammar is kept: the weekdays are always a range, the zone is never left out,
//! and a window that ends before it starts holds nothing: kube-downscaler doesn't go over midnight. That
//! is legal there, so it isn't refused here, but remarked.
//!
//! Two things are ours, on purpose. Where the clocks go back within a window's first or last hour,
//! kube-downscaler, which compares wall clocks, would switch off and on again in between; ours starts at
//! the first occurrence and ends at the last. And an absolute range doesn't include its very last instant.

use crate::cursor::{self, Word};
use crate::schedule::{Part, Rule, Rules};
use crate::window::Window;
use crate::{Schedule, ScheduleError};

/// Reads an uptime. For a downtime, ask for the opposite state.
pub fn parse(text: &str) -> Result<Schedule, ScheduleError> {
    let whole = Word::whole(text).trimmed();
    let mut remarks = Vec::new();
    let parts = match whole.text.to_ascii_lowercase().as_str() {
        "always" => vec![part(whole.text.to_owned(), Rule::Always)],
        "never" => vec![part(whole.text.to_owned(), Rule::Never)],
        _ => whole
            .split(',')
            .map(|spec| read_spec(spec.trimmed(), &mut remarks))
            .collect::<Result<_, _>>()?,
    };
    Ok(Schedule {
        text: text.to_owned(),
        rules: Rules::Parts(parts),
        remarks,
    })
}

fn part(text: String, rule: Rule) -> Part {
    Part {
        text,
        schedule: None,
        rule,
    }
}

fn read_spec(spec: Word<'_>, remarks: &mut Vec<String>) -> Result<Part, ScheduleError> {
    let form = "write Mon-Fri 07:30-20:30 Europe/Berlin";
    let words = spec.words();
    let (days, times, zone) = match words.as_slice() {
        [] => return Err(spec.error("a time specification is missing".to_owned(), form)),
        [range] if cursor::begins_like_date(range.text) => {
            let rule = Rule::Range(cursor::range(*range)?);
            return Ok(part(spec.text.to_owned(), rule));
        }
        [word] if ["always", "never"].contains(&word.text.to_ascii_lowercase().as_str()) => {
            let problem = format!("{:?} can't be joined with others", word.text);
            return Err(word.error(problem, "write it alone, or take it out"));
        }
        [days, times, zone] => (*days, *times, *zone),
        [_, _] => {
            let remedy = "write one behind the times, such as Europe/Berlin";
            return Err(spec.end().error("no time zone is given".to_owned(), remedy));
        }
        _ => {
            let problem = format!("{:?} is not a time specification", spec.text);
            return Err(spec.error(problem, form));
        }
    };
    let weekdays = cursor::weekdays(days)?;
    if !days.text.contains('-') {
        let problem = format!("{:?} is a single weekday", days.text);
        let remedy = format!("kube-downscaler needs a range: {0}-{0}", days.text);
        return Err(days.error(problem, remedy));
    }
    let (start, end) = cursor::times(times)?;
    let window = Window {
        days: weekdays,
        start,
        end,
        zone: cursor::zone(zone)?,
    };
    if start < end {
        return Ok(part(spec.text.to_owned(), Rule::Window(window)));
    }
    remarks.push(format!(
        "{:?} ends before it starts, and kube-downscaler doesn't go over midnight, so it is never on; \
         write two windows, the first up to 24:00 and the second from 00:00",
        spec.text
    ));
    Ok(part(spec.text.to_owned(), Rule::Never))
}
