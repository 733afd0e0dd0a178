//! A message whose words are the caller's.

use super::{Item, Letter, Line, Section, Tone};
use crate::budget::Rank;
use crate::clean;
use crate::scene::{Choice, Mood, News};
use crate::texts::{Key, Texts};

/// Characters of a line.
const LINE: usize = 1_000;
/// Characters of a heading.
const HEADING: usize = 120;
/// Characters of what a button says.
const LABEL: usize = 80;
/// Characters of the footer.
const FOOTER: usize = 300;

pub(super) fn tone(mood: Mood) -> Tone {
    match mood {
        Mood::Plain => Tone::Plain,
        Mood::Good => Tone::Good,
        Mood::Warning => Tone::Warning,
        Mood::Bad => Tone::Bad,
    }
}

/// Slack refuses a message whole for one empty text.
pub(super) fn title(text: &str, texts: &Texts) -> String {
    let title = clean::line(text);
    if title.is_empty() {
        texts.plain(Key::PlainTitle)
    } else {
        title
    }
}

pub(super) fn tell(letter: &mut Letter, news: &News) {
    let text = |text: &String| Line::text(clean::short(text, LINE));
    letter.lead.extend(news.lead.iter().map(text));
    for list in &news.lists {
        let rank = if list.first { Rank::First } else { Rank::Rest };
        let items = list.lines.iter().map(|line| Item {
            rank,
            line: text(line),
        });
        letter.sections.push(Section {
            heading: clean::short(&list.heading, HEADING),
            items: items.collect(),
            ..Section::default()
        });
    }
    letter.sections.retain(|section| !section.items.is_empty());
    let choice = |choice: &Choice| Choice {
        label: clean::short(&choice.label, LABEL),
        url: choice.url.as_deref().and_then(clean::own_link),
        button: choice.button.clone(),
    };
    letter.choices = news.choices.iter().map(choice).collect();
    letter.choices.retain(|choice| !choice.label.is_empty());
    if !news.footer.is_empty() {
        letter.footer = clean::short(&news.footer, FOOTER);
    }
}
