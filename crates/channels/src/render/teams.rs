//! An Adaptive Card for Microsoft Teams, as a Workflows webhook takes it. Nothing can be pressed in it
//! that decides: its actions open pages.
//!
//! Texts are runs of rich text blocks and not text blocks: Teams reads Markdown in the latter, each of
//! its programs a little differently, and none in the former. So there is nothing to escape.
//! <https://adaptivecards.io/explorer/TextRun.html>

use serde_json::{Value, json};

use super::Payload;
use super::fitting::{self, Cost, Limits};
use crate::body::{Detail, Line, MessageBody, Part, Section, Tone};
use crate::limits::TEAMS_BUDGET;
use crate::texts::{Key, Texts};

/// A card in a channel is read by people at a desk.
pub(super) const DETAIL: Detail = Detail {
    properties: 2,
    value: 80,
    text: 200,
    lines: 10,
};

/// One line, as it is sent.
const MAX_LINE_UNITS: usize = 1_600;
const MAX_SECTIONS: usize = 40;

struct Teams;

impl Cost for Teams {
    fn heading(&self, section: &Section) -> usize {
        let own: usize = heading(section).iter().map(bytes).sum();
        own + 2
    }

    fn line(&self, line: &Line) -> usize {
        bytes(&paragraph(line, true))
    }

    fn more(&self, text: &str) -> usize {
        bytes(&quiet(text))
    }
}

/// The message that a Workflows webhook takes.
pub(super) fn message(body: &MessageBody, texts: &Texts) -> Payload {
    let actions = actions(body, texts);
    let head = head(body);
    let wrapper = bytes(&wrapped(std::slice::from_ref(&head), &actions));
    let limits = Limits {
        total: TEAMS_BUDGET.saturating_sub(wrapper),
        line: MAX_LINE_UNITS,
        sections: MAX_SECTIONS,
    };
    let (sections, left_out) = fitting::sections(body, &limits, &Teams, texts);
    let mut body = vec![head];
    for shown in sections {
        body.extend(heading(shown.section));
        let list = !shown.section.heading.is_empty();
        body.extend(shown.lines.iter().map(|line| paragraph(line, list)));
        body.extend(shown.more.map(|more| quiet(&more)));
    }
    body.extend(left_out.map(|more| quiet(&more)));
    Payload::Teams(wrapped(&body, &actions))
}

fn bytes(value: &Value) -> usize {
    value.to_string().len() + 1
}

fn wrapped(body: &[Value], actions: &[Value]) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": body,
                "actions": actions,
            },
        }],
    })
}

/// What is always there, on the colour of its meaning.
fn head(body: &MessageBody) -> Value {
    let style = match body.tone {
        Tone::Plain => "emphasis",
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Bad => "attention",
    };
    let mut title = run(&body.title);
    title["size"] = json!("Large");
    title["weight"] = json!("Bolder");
    let mut items = vec![block(vec![title])];
    if !body.mentions.is_empty() {
        let text = body.mentions.join(" ");
        items.push(paragraph(&Line::text(text).cut(400), false));
    }
    for line in &body.lead {
        let line = line.within(MAX_LINE_UNITS, |line| bytes(&paragraph(line, false)));
        items.push(paragraph(&line, false));
    }
    json!({"type": "Container", "style": style, "bleed": true, "items": items})
}

fn heading(section: &Section) -> Vec<Value> {
    let mut lines = Vec::new();
    if !section.heading.is_empty() {
        let mut text = run(&section.heading);
        text["weight"] = json!("Bolder");
        let mut block = block(vec![text]);
        block["separator"] = json!(true);
        block["spacing"] = json!("Medium");
        lines.push(block);
    }
    lines.extend(section.summary.as_ref().map(|line| paragraph(line, false)));
    lines
}

fn paragraph(line: &Line, list: bool) -> Value {
    let bullet = list.then(|| run("• "));
    let runs = bullet
        .into_iter()
        .chain(line.parts.iter().map(part))
        .collect();
    let mut block = block(runs);
    block["spacing"] = json!("Small");
    block
}

fn quiet(text: &str) -> Value {
    let mut run = run(text);
    run["isSubtle"] = json!(true);
    run["italic"] = json!(true);
    block(vec![run])
}

fn block(mut inlines: Vec<Value>) -> Value {
    if inlines.is_empty() {
        inlines.push(run(" "));
    }
    json!({"type": "RichTextBlock", "inlines": inlines})
}

fn run(text: &str) -> Value {
    json!({"type": "TextRun", "text": text})
}

fn part(part: &Part) -> Value {
    let mut run = run(part.seen());
    match part {
        Part::Text(_) => {}
        Part::Strong(_, tone) => {
            run["weight"] = json!("Bolder");
            let color = match tone {
                Tone::Plain => None,
                Tone::Good => Some("Good"),
                Tone::Warning => Some("Warning"),
                Tone::Bad => Some("Attention"),
            };
            if let Some(color) = color {
                run["color"] = json!(color);
            }
        }
        Part::Code(_) => run["fontType"] = json!("Monospace"),
        Part::Link { url, .. } => {
            run["color"] = json!("Accent");
            run["underline"] = json!(true);
            run["selectAction"] = json!({"type": "Action.OpenUrl", "url": url});
        }
    }
    run
}

/// Pages to open: Teams shows at most six.
fn actions(body: &MessageBody, texts: &Texts) -> Vec<Value> {
    let mut actions = Vec::new();
    if let Some(decision) = &body.decision {
        let pages = [
            (Key::Approve, "positive", &decision.approve),
            (Key::Reject, "destructive", &decision.reject),
        ];
        for (key, style, url) in pages {
            if let Some(url) = url {
                let title = format!("{}…", texts.plain(key));
                actions.push(
                    json!({"type": "Action.OpenUrl", "title": title, "style": style, "url": url}),
                );
            }
        }
    }
    let links = body
        .links
        .iter()
        .map(|to| json!({"type": "Action.OpenUrl", "title": to.label, "url": to.url}));
    actions.extend(links.take(4));
    actions
}
