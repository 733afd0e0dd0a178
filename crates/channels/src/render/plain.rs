//! Plain text: the alternative of a mail, and what SNS sends as one.

use std::fmt::Write;

use super::Payload;
use super::fitting::{self, Cost, Limits};
use crate::body::{Line, MessageBody, Part, Section};
use crate::limits::{SNS_BUDGET, SNS_SUBJECT};
use crate::texts::{Key, Texts};

const MAX_LINE_UNITS: usize = 4_000;
const MAX_SECTIONS: usize = 60;

struct Plain;

impl Cost for Plain {
    fn heading(&self, section: &Section) -> usize {
        heading(section).len() + 1
    }

    fn line(&self, text: &Line) -> usize {
        line(text).len() + 3
    }

    fn more(&self, text: &str) -> usize {
        text.len() + 4
    }
}

/// The message for SNS.
pub(super) fn sns(body: &MessageBody, texts: &Texts) -> Payload {
    Payload::SnsMail {
        subject: subject(&body.ascii_title),
        text: text(body, SNS_BUDGET, texts),
    }
}

/// The body in at most `budget` bytes.
pub(super) fn text(body: &MessageBody, budget: usize, texts: &Texts) -> String {
    let mut head = format!("{}\n", body.title);
    for text in &body.lead {
        let text = text.within(MAX_LINE_UNITS, |text| line(text).len());
        let _ = writeln!(head, "{}", line(&text));
    }
    let tail = tail(body, texts);
    let limits = Limits {
        total: budget.saturating_sub(head.len() + tail.len()),
        line: MAX_LINE_UNITS,
        sections: MAX_SECTIONS,
    };
    let (sections, left_out) = fitting::sections(body, &limits, &Plain, texts);
    let mut text = head;
    for shown in sections {
        text.push_str(&heading(shown.section));
        let bullet = if shown.section.heading.is_empty() {
            ""
        } else {
            "- "
        };
        for item in &shown.lines {
            let _ = writeln!(text, "{bullet}{}", line(item));
        }
        if let Some(more) = shown.more {
            let _ = writeln!(text, "- {more}");
        }
    }
    if let Some(more) = left_out {
        let _ = writeln!(text, "\n{more}");
    }
    text.push_str(&tail);
    text
}

/// Where to go from here; each link on a line of its own, so that no program breaks it.
fn tail(body: &MessageBody, texts: &Texts) -> String {
    let mut tail = String::new();
    let mut warn = false;
    let colon = texts.colon().trim_end();
    if let Some(decision) = &body.decision {
        for (key, url) in [
            (Key::Approve, &decision.approve),
            (Key::Reject, &decision.reject),
        ] {
            if let Some(url) = url {
                warn = true;
                let _ = writeln!(tail, "\n{}{colon}\n{url}", texts.plain(key));
            }
        }
    }
    for to in &body.links {
        let _ = writeln!(tail, "\n{}{colon}\n{}", to.label, to.url);
    }
    if warn {
        let _ = writeln!(tail, "\n{}", texts.plain(Key::LinkWarning));
    }
    let _ = writeln!(tail, "\n-- \n{}", body.footer);
    tail
}

fn heading(section: &Section) -> String {
    let mut text = String::from("\n");
    if !section.heading.is_empty() {
        let _ = writeln!(text, "{}", section.heading);
    }
    if let Some(summary) = &section.summary {
        let _ = writeln!(text, "{}", line(summary));
    }
    text
}

fn line(line: &Line) -> String {
    let mut text = String::new();
    for part in &line.parts {
        match part {
            Part::Link { label, url } => {
                let _ = write!(text, "{label} <{url}>");
            }
            part => text.push_str(part.seen()),
        }
    }
    text
}

/// A subject that SNS takes: printable ASCII, at most 100 characters, beginning with one that is no
/// space.
fn subject(title: &str) -> String {
    let ascii: String = title
        .chars()
        .map(|c| match c {
            '→' => '>',
            '–' | '—' => '-',
            '“' | '”' => '"',
            '’' => '\'',
            ' '..='~' => c,
            _ => '?',
        })
        .collect();
    let ascii = ascii.trim();
    if ascii.is_empty() {
        return "deploy-hooks".to_owned();
    }
    if ascii.len() <= SNS_SUBJECT {
        return ascii.to_owned();
    }
    format!("{}...", &ascii[..SNS_SUBJECT - 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_line_of_ascii() {
        assert_eq!(subject(" shop → 2.0 – “ü” "), "shop > 2.0 - \"?\"");
        assert_eq!(subject(&"x".repeat(300)).len(), 100);
        assert_eq!(subject(""), "deploy-hooks");
    }
}
