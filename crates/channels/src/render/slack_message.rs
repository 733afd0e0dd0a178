//! A message for Slack: blocks, and a text for notifications.
//! <https://docs.slack.dev/reference/block-kit/blocks>

use serde_json::{Value, json};

use super::Payload;
use super::fitting::{self, Cost, Limits};
use super::size::{json_units, utf16_units};
use super::slack_actions;
use super::slack_markup::{escape, fitted, line, link, mention};
use crate::body::{Detail, Line, MessageBody, Section, Tone};
use crate::limits::{SLACK_BUDGET, SLACK_HEADER, SLACK_PER_BLOCK, SLACK_SECTION, SLACK_TEXT};
use crate::texts::Texts;

/// A chat is read on a phone.
pub(super) const DETAIL: Detail = Detail {
    properties: 2,
    value: 80,
    text: 160,
    lines: 8,
};

/// One line, as it is sent.
const MAX_LINE_UNITS: usize = 420;
/// All mentions together.
const MAX_MENTIONS_UNITS: usize = 400;
/// One link below the sections. One that is longer as Slack wants it written is left out.
const MAX_LINK_UNITS: usize = 1_200;
/// Sections; each takes a block, and some take two.
const MAX_SECTIONS: usize = 24;
const BULLET: &str = "• ";

struct Slack;

impl Cost for Slack {
    fn heading(&self, section: &Section) -> usize {
        let block = section_block("").to_string().len() + SLACK_PER_BLOCK;
        block + json_units(&heading(section)) + 2
    }

    fn line(&self, text: &Line) -> usize {
        json_units(&line(text)) + json_units(BULLET) + 2
    }

    fn more(&self, text: &str) -> usize {
        json_units(text) + json_units(BULLET) + 4
    }
}

/// The message. `linked` makes buttons links.
pub(super) fn message(body: &MessageBody, linked: bool, texts: &Texts) -> Payload {
    let mut head = vec![header(body)];
    head.extend(in_sections(&lead(body)));
    let mut tail = Vec::new();
    if !body.links.is_empty() {
        let links: Vec<String> = body
            .links
            .iter()
            .map(|to| link(&to.url, &to.label))
            .filter(|link| utf16_units(link) <= MAX_LINK_UNITS)
            .collect();
        tail.extend(in_sections(&links));
    }
    if let Some(decision) = &body.decision {
        tail.extend(slack_actions::blocks(decision, linked, texts));
    }
    tail.extend(slack_actions::choices(&body.choices, linked));
    let used: usize = head.iter().chain(&tail).map(cost).sum();
    let limits = Limits {
        total: SLACK_BUDGET.saturating_sub(used),
        line: MAX_LINE_UNITS,
        sections: MAX_SECTIONS,
    };
    let (sections, left_out) = fitting::sections(body, &limits, &Slack, texts);
    let mut blocks = head;
    for shown in sections {
        let mut lines = heading_lines(shown.section);
        lines.extend(shown.lines.iter().map(|text| bulleted(text, shown.section)));
        lines.extend(
            shown
                .more
                .map(|more| format!("{BULLET}_{}_", escape(&more))),
        );
        blocks.extend(in_sections(&lines));
    }
    blocks.extend(
        left_out
            .into_iter()
            .flat_map(|more| in_sections(&[format!("_{}_", escape(&more))])),
    );
    blocks.extend(tail);
    Payload::Slack {
        text: notification(body),
        blocks: Value::Array(blocks),
    }
}

/// What Slack counts for a block, as far as is known.
fn cost(block: &Value) -> usize {
    utf16_units(&block.to_string()) + SLACK_PER_BLOCK
}

fn header(body: &MessageBody) -> Value {
    let title = fitted(&body.title, SLACK_HEADER);
    json!({"type": "header", "text": {"type": "plain_text", "text": title, "emoji": false}})
}

/// What is always there, the mentions first.
fn lead(body: &MessageBody) -> Vec<String> {
    let mut lines = Vec::new();
    let mut mentions = String::new();
    for text in &body.mentions {
        let text = mention(text);
        if utf16_units(&mentions) + utf16_units(&text) < MAX_MENTIONS_UNITS {
            mentions.push_str(&text);
            mentions.push(' ');
        }
    }
    if !mentions.is_empty() {
        lines.push(mentions.trim_end().to_owned());
    }
    let fits = |text: &Line| text.within(MAX_LINE_UNITS, |text| json_units(&line(text)));
    lines.extend(body.lead.iter().map(|text| line(&fits(text))));
    lines
}

fn notification(body: &MessageBody) -> String {
    let mut text = String::new();
    for mentioned in &body.mentions {
        let mentioned = mention(mentioned);
        if utf16_units(&text) + utf16_units(&mentioned) < SLACK_TEXT / 2 {
            text.push_str(&mentioned);
            text.push(' ');
        }
    }
    let left = SLACK_TEXT - utf16_units(&text);
    text.push_str(&fitted(&body.title, left));
    text
}

fn heading(section: &Section) -> String {
    heading_lines(section).join("\n")
}

fn heading_lines(section: &Section) -> Vec<String> {
    let mut lines = Vec::new();
    if !section.heading.is_empty() {
        lines.push(line(&Line::strong(&section.heading, Tone::Plain)));
    }
    lines.extend(section.summary.as_ref().map(line));
    lines
}

/// A section without a heading is a text, not a list.
fn bulleted(text: &Line, section: &Section) -> String {
    let bullet = if section.heading.is_empty() {
        ""
    } else {
        BULLET
    };
    format!("{bullet}{}", line(text))
}

/// The lines in as few sections as hold them.
fn in_sections(lines: &[String]) -> Vec<Value> {
    let mut blocks = Vec::new();
    let mut text = String::new();
    for line in lines {
        if !text.is_empty() && utf16_units(&text) + utf16_units(line) + 1 > SLACK_SECTION {
            blocks.push(section_block(&std::mem::take(&mut text)));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
    if !text.trim().is_empty() {
        blocks.push(section_block(&text));
    }
    blocks
}

/// `verbatim`: Slack makes no links or mentions of what only looks like one.
fn section_block(text: &str) -> Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})
}
