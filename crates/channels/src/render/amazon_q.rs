//! A custom notification of Amazon Q Developer in chat applications, which shows it in Slack or Teams:
//! which of them is not known here, so that the text means nothing in either's markup.
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>

use serde_json::{Map, Value, json};

use super::Payload;
use super::fitting::{self, Cost, Limits};
use super::size::utf16_units;
use super::slack_markup;
use crate::Message;
use crate::body::{Detail, Line, MessageBody, Part, Section, Tone};
use crate::limits::{
    AMAZON_Q_BUDGET, AMAZON_Q_KEYWORD, AMAZON_Q_KEYWORDS, AMAZON_Q_STEP, AMAZON_Q_STEPS,
    AMAZON_Q_TITLE,
};
use crate::texts::{Key, Texts};
use text::clean;

/// The little that a notification holds.
pub(super) const DETAIL: Detail = Detail {
    properties: 1,
    value: 60,
    text: 120,
    lines: 4,
};

const MAX_LINE_UNITS: usize = 300;
/// A link in the description. One that is longer is left out.
const MAX_LINK_UNITS: usize = 800;
const MAX_SECTIONS: usize = 12;

struct AmazonQ;

impl Cost for AmazonQ {
    fn heading(&self, section: &Section) -> usize {
        utf16_units(&heading(section)) + 2
    }

    fn line(&self, text: &Line) -> usize {
        utf16_units(&line(text)) + 3
    }

    fn more(&self, text: &str) -> usize {
        utf16_units(text) + 4
    }
}

/// The notification.
pub(super) fn notification(body: &MessageBody, message: &Message<'_>, texts: &Texts) -> Payload {
    let title = Line::text(&body.title).within(AMAZON_Q_TITLE, |text| utf16_units(&line(text)));
    let mut event = json!({
        "version": "1.0",
        "source": "custom",
        "content": {
            "textType": "client-markdown",
            "title": line(&title),
            "description": description(body, texts),
        },
        "metadata": metadata(body, message),
    });
    // A link that is too long for a step stands in the description.
    let steps: Vec<String> = links(body, texts)
        .into_iter()
        .filter(|step| is_step(step))
        .take(AMAZON_Q_STEPS)
        .collect();
    if !steps.is_empty() {
        event["content"]["nextSteps"] = json!(steps);
    }
    if let Some(notice) = message.approval() {
        let case = notice.case;
        let source = &case.source;
        let names = [source.name(), source.stage(), source.detail()];
        let words = names.into_iter().map(keyword);
        let words: Vec<String> = words
            .filter(|word| !word.is_empty())
            .take(AMAZON_Q_KEYWORDS)
            .collect();
        event["content"]["keywords"] = json!(words);
        event["id"] = json!(format!("{}-{}", case.id, message.name()));
    }
    Payload::AmazonQ(event)
}

/// The name of a pipeline, a stage or an action, in the letters that AWS allows in one.
fn keyword(name: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_');
    name.chars().filter(legal).take(AMAZON_Q_KEYWORD).collect()
}

fn is_step(step: &str) -> bool {
    utf16_units(step) <= AMAZON_Q_STEP
}

fn description(body: &MessageBody, texts: &Texts) -> String {
    let mut head: Vec<String> = Vec::new();
    if !body.mentions.is_empty() {
        head.push(escape(&clean::cut(&body.mentions.join(" "), 200)));
    }
    let fits = |text: &Line| text.within(MAX_LINE_UNITS, |text| utf16_units(&line(text)));
    head.extend(body.lead.iter().map(|text| line(&fits(text))));
    let long: Vec<String> = links(body, texts)
        .into_iter()
        .filter(|step| !is_step(step) && utf16_units(step) <= MAX_LINK_UNITS)
        .take(3)
        .collect();
    let used: usize = head
        .iter()
        .chain(&long)
        .map(|line| utf16_units(line) + 1)
        .sum();
    let limits = Limits {
        total: AMAZON_Q_BUDGET.saturating_sub(used),
        line: MAX_LINE_UNITS,
        sections: MAX_SECTIONS,
    };
    let (sections, left_out) = fitting::sections(body, &limits, &AmazonQ, texts);
    let mut lines = head;
    for shown in sections {
        lines.push(heading(shown.section));
        lines.extend(shown.lines.iter().map(|text| format!("• {}", line(text))));
        lines.extend(shown.more.map(|more| format!("• {}", escape(&more))));
    }
    lines.extend(left_out.map(|more| escape(&more)));
    lines.extend(long);
    lines.join("\n")
}

/// The name and address of each page; an address in angle brackets is a link in either chat.
fn links(body: &MessageBody, texts: &Texts) -> Vec<String> {
    let mut links = Vec::new();
    if let Some(decision) = &body.decision {
        for (key, url) in [
            (Key::Approve, &decision.approve),
            (Key::Reject, &decision.reject),
        ] {
            links.extend(
                url.as_ref()
                    .map(|url| format!("{}: <{url}>", escape(&texts.plain(key)))),
            );
        }
    }
    links.extend(
        body.links
            .iter()
            .map(|to| format!("{}: <{}>", escape(&to.label), to.url)),
    );
    links
}

fn metadata(body: &MessageBody, message: &Message<'_>) -> Value {
    let mut metadata = Map::new();
    let summary = escape(&clean::cut(&body.title, 200));
    metadata.insert("summary".into(), json!(summary));
    let event = format!("deploy-hooks.{}", message.event());
    metadata.insert("eventType".into(), json!(event));
    if let Some(notice) = message.approval() {
        let case = notice.case;
        // Messages about one case make one thread.
        metadata.insert("threadId".into(), json!(case.id.as_str()));
        let mut context = Map::new();
        context.insert("case".into(), json!(case.id.as_str()));
        if let Some(execution) = &case.execution_id {
            context.insert("execution".into(), json!(clean::short(execution, 100)));
        }
        metadata.insert("additionalContext".into(), Value::Object(context));
    }
    Value::Object(metadata)
}

fn heading(section: &Section) -> String {
    let mut text = String::new();
    if !section.heading.is_empty() {
        text = line(&Line::strong(&section.heading, Tone::Plain));
    }
    if let Some(summary) = &section.summary {
        text = format!("{text}\n{}", line(summary));
    }
    text
}

fn line(line: &Line) -> String {
    let mut text = String::new();
    for part in &line.parts {
        match part {
            Part::Strong(part, _) => {
                text.push('*');
                text.push_str(&escape(part));
                text.push('*');
            }
            Part::Link { label, url } => {
                text.push_str(&escape(label));
                text.push_str(" <");
                text.push_str(url);
                text.push('>');
            }
            part => text.push_str(&escape(part.seen())),
        }
    }
    text
}

/// Slack's escapes, and the brackets that make links in Teams.
fn escape(text: &str) -> String {
    slack_markup::escape(text)
        .replace('[', "［")
        .replace(']', "］")
}
