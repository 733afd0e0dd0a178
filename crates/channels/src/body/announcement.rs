//! A message whose words are the caller's.

use super::{Item, Line, MessageBody, Section, Tone};
use crate::budget::Rank;
use crate::links;
use crate::message::{Announcement, Choice, Severity};
use text::clean;

/// Characters of a line.
const MAX_LINE: usize = 1_000;
/// Characters of a heading.
const MAX_HEADING: usize = 120;
/// Characters of what a button says.
const MAX_LABEL: usize = 80;
/// Characters of the footer.
const MAX_FOOTER: usize = 300;

pub(super) fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Plain => Tone::Plain,
        Severity::Good => Tone::Good,
        Severity::Warning => Tone::Warning,
        Severity::Bad => Tone::Bad,
    }
}

pub(super) fn tell(body: &mut MessageBody, news: &Announcement) {
    let text = |text: &String| Line::text(clean::short(text, MAX_LINE));
    body.lead.extend(news.lead.iter().map(text));
    for list in &news.lists {
        let rank = if list.first { Rank::First } else { Rank::Rest };
        let items = list.lines.iter().map(|line| Item {
            rank,
            line: text(line),
        });
        body.sections.push(Section {
            heading: clean::short(&list.heading, MAX_HEADING),
            items: items.collect(),
            ..Section::default()
        });
    }
    body.sections.retain(|section| !section.items.is_empty());
    let choice = |choice: &Choice| Choice {
        label: clean::short(&choice.label, MAX_LABEL),
        url: choice.url.as_deref().and_then(links::own),
        button: choice.button.clone(),
    };
    body.choices = news.choices.iter().map(choice).collect();
    body.choices.retain(|choice| !choice.label.is_empty());
    if !news.footer.is_empty() {
        body.footer = clean::short(&news.footer, MAX_FOOTER);
    }
}
