//! A rendered message as text, about as people see it: for a preview on a terminal. Nothing is sent
//! of this.

use std::fmt::Write;

use serde_json::Value;

use super::Payload;

impl Payload {
    /// The message as text, buttons in brackets.
    pub fn shown(&self) -> String {
        match self {
            Self::Slack { blocks, .. } => members(blocks)
                .map(slack_block)
                .collect::<Vec<_>>()
                .join("\n\n"),
            Self::Teams(message) => card(&message["attachments"][0]["content"]),
            Self::Mail { subject, text, .. } | Self::SnsMail { subject, text } => {
                format!("Subject: {subject}\n\n{}", text.trim_end())
            }
            Self::Webhook(event) => format!("{event:#}"),
            Self::AmazonQ(event) => notification(&event["content"]),
        }
    }
}

fn members(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn slack_block(block: &Value) -> String {
    match text(&block["type"]) {
        "header" => format!("# {}", text(&block["text"]["text"])),
        "input" => format!("[ {} ]", text(&block["label"]["text"])),
        "actions" => {
            let labels = members(&block["elements"]).map(|button| text(&button["text"]["text"]));
            labels
                .map(|label| format!("[{label}]"))
                .collect::<Vec<_>>()
                .join(" ")
        }
        _ => text(&block["text"]["text"]).to_owned(),
    }
}

fn card(card: &Value) -> String {
    let mut lines = Vec::new();
    for element in members(&card["body"]) {
        if element["items"].is_array() {
            lines.extend(members(&element["items"]).map(runs));
            lines.push(String::new());
        } else {
            let spaced = element["separator"] == true && !lines.last().is_none_or(String::is_empty);
            lines.extend(spaced.then(String::new));
            lines.push(runs(element));
        }
    }
    let actions = members(&card["actions"]).map(|action| format!("[{}]", text(&action["title"])));
    let actions = actions.collect::<Vec<_>>().join(" ");
    if !actions.is_empty() {
        lines.extend([String::new(), actions]);
    }
    lines.join("\n").trim_end().replace("\n\n\n", "\n\n")
}

fn runs(block: &Value) -> String {
    members(&block["inlines"])
        .map(|run| text(&run["text"]))
        .collect()
}

fn notification(content: &Value) -> String {
    let mut shown = format!(
        "{}\n\n{}",
        text(&content["title"]),
        text(&content["description"])
    );
    for step in members(&content["nextSteps"]) {
        let _ = write!(shown, "\n> {}", text(step));
    }
    shown
}
