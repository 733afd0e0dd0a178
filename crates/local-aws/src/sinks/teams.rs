//! Microsoft Teams: a Workflows webhook that posts an Adaptive Card.
//!
//! A card posted by a workflow can open links and nothing else, and a message is 28 KB at most:
//! <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>
//! Teams tells most of these faults to the workflow's owner only; here they are told to the sender,
//! so that a test sees them.

use serde_json::{Value, json};

use super::{Delivery, Reply};

const MAX_CARD_BYTES: usize = 28 * 1024;
const CARD: &str = "application/vnd.microsoft.card.adaptive";
const VERSIONS: [&str; 6] = ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"];
/// Elements of Adaptive Cards up to 1.5, and those that only Teams has.
const ELEMENTS: [&str; 14] = [
    "ActionSet",
    "Column",
    "ColumnSet",
    "Container",
    "Fact",
    "FactSet",
    "Image",
    "ImageSet",
    "Media",
    "RichTextBlock",
    "Table",
    "TableCell",
    "TableRow",
    "TextBlock",
];

pub(super) fn take(delivery: &Delivery<'_>) -> Reply {
    if delivery.body.len() > MAX_CARD_BYTES {
        return refused(
            413,
            "RequestEntityTooLarge",
            "The message is larger than 28 KB",
        );
    }
    let Ok(message) = serde_json::from_slice::<Value>(delivery.body) else {
        return refused(
            400,
            "InvalidRequestContent",
            "The request content is not valid JSON",
        );
    };
    match check(&message) {
        // A workflow accepts and says nothing.
        Ok(()) => Reply::new(202, Value::Null),
        Err(why) => refused(400, "TriggerInputSchemaMismatch", &why),
    }
}

fn refused(status: u16, code: &str, message: &str) -> Reply {
    Reply::new(
        status,
        json!({ "error": { "code": code, "message": message } }),
    )
}

fn check(message: &Value) -> Result<(), String> {
    if message["type"] != "message" {
        return Err("type is to be message".to_owned());
    }
    let attachments = message["attachments"].as_array();
    let attachments = attachments.filter(|list| !list.is_empty());
    for attachment in attachments.ok_or("attachments is to hold a card")? {
        if attachment["contentType"] != CARD {
            return Err(format!("contentType is to be {CARD}"));
        }
        let card = &attachment["content"];
        if card["type"] != "AdaptiveCard" {
            return Err("the type of content is to be AdaptiveCard".to_owned());
        }
        if !VERSIONS.iter().any(|version| card["version"] == *version) {
            return Err(format!(
                "the version of the card is to be one of {}",
                VERSIONS.join(", ")
            ));
        }
        if !card["body"].is_array() {
            return Err("the body of the card is to be a list".to_owned());
        }
        elements(&card["body"])?;
        actions(&card["actions"])?;
    }
    Ok(())
}

fn elements(list: &Value) -> Result<(), String> {
    for element in list.as_array().into_iter().flatten() {
        let kind = element["type"].as_str().unwrap_or("(none)");
        // Columns and cells need not name their type.
        if !ELEMENTS.contains(&kind) && element["type"].is_string() {
            return Err(format!("there is no element {kind}"));
        }
        if kind == "TextBlock" && !element["text"].is_string() {
            return Err("a TextBlock needs a text".to_owned());
        }
        if kind == "FactSet" {
            let mut facts = element["facts"].as_array().into_iter().flatten();
            if !facts.all(|fact| fact["title"].is_string() && fact["value"].is_string()) {
                return Err("a fact needs a title and a value, both texts".to_owned());
            }
        }
        for name in ["items", "columns", "rows", "cells"] {
            elements(&element[name])?;
        }
        actions(&element["actions"])?;
        if !element["selectAction"].is_null() {
            action(&element["selectAction"])?;
        }
    }
    Ok(())
}

fn actions(list: &Value) -> Result<(), String> {
    list.as_array().into_iter().flatten().try_for_each(action)
}

fn action(given: &Value) -> Result<(), String> {
    if given["type"] != "Action.OpenUrl" {
        return Err(format!(
            "a card posted by a workflow can only open links: Action.OpenUrl, not {}",
            given["type"]
        ));
    }
    let url = given["url"].as_str().unwrap_or_default();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(format!(
            "the url of an action is to be an address, not '{url}'"
        ));
    }
    Ok(())
}
