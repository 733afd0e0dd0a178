//! Microsoft Teams: a Workflows webhook that posts an Adaptive Card.
//!
//! A card posted by a workflow can open links and nothing else, and a message is 28 KB at most:
//! <https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>
//! Teams reports most of these faults to the workflow's owner only; here the sender hears of them, so
//! that a test sees them.

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
        Err(error) => refused(400, "TriggerInputSchemaMismatch", &error.to_string()),
    }
}

/// Why a message is refused.
#[derive(Debug, thiserror::Error)]
enum CardError {
    #[error("type must be message")]
    NotMessage,
    #[error("attachments must hold a card")]
    NoCard,
    #[error("contentType must be {CARD}")]
    ContentType,
    #[error("the type of content must be AdaptiveCard")]
    NotAdaptive,
    #[error("the version of the card must be one of {}", VERSIONS.join(", "))]
    Version,
    #[error("the body of the card must be a list")]
    Body,
    #[error("there is no element {0}")]
    Element(String),
    #[error("a TextBlock needs a text")]
    Text,
    #[error("a fact needs a title and a value, both texts")]
    Fact,
    #[error("a card posted by a workflow can only open links: Action.OpenUrl, not {0}")]
    Action(Value),
    #[error("the url of an action must be an address, not '{0}'")]
    Url(String),
}

fn refused(status: u16, code: &str, message: &str) -> Reply {
    Reply::new(
        status,
        json!({ "error": { "code": code, "message": message } }),
    )
}

fn check(message: &Value) -> Result<(), CardError> {
    if message["type"] != "message" {
        return Err(CardError::NotMessage);
    }
    let attachments = message["attachments"].as_array();
    let attachments = attachments.filter(|list| !list.is_empty());
    for attachment in attachments.ok_or(CardError::NoCard)? {
        if attachment["contentType"] != CARD {
            return Err(CardError::ContentType);
        }
        let card = &attachment["content"];
        if card["type"] != "AdaptiveCard" {
            return Err(CardError::NotAdaptive);
        }
        if !VERSIONS.iter().any(|version| card["version"] == *version) {
            return Err(CardError::Version);
        }
        if !card["body"].is_array() {
            return Err(CardError::Body);
        }
        elements(&card["body"])?;
        actions(&card["actions"])?;
    }
    Ok(())
}

fn elements(list: &Value) -> Result<(), CardError> {
    for element in list.as_array().into_iter().flatten() {
        let kind = element["type"].as_str().unwrap_or("(none)");
        // Columns and cells need not name their type.
        if !ELEMENTS.contains(&kind) && element["type"].is_string() {
            return Err(CardError::Element(kind.to_owned()));
        }
        if kind == "TextBlock" && !element["text"].is_string() {
            return Err(CardError::Text);
        }
        if kind == "FactSet" {
            let mut facts = element["facts"].as_array().into_iter().flatten();
            if !facts.all(|fact| fact["title"].is_string() && fact["value"].is_string()) {
                return Err(CardError::Fact);
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

fn actions(list: &Value) -> Result<(), CardError> {
    list.as_array().into_iter().flatten().try_for_each(action)
}

fn action(given: &Value) -> Result<(), CardError> {
    if given["type"] != "Action.OpenUrl" {
        return Err(CardError::Action(given["type"].clone()));
    }
    let url = given["url"].as_str().unwrap_or_default();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(CardError::Url(url.to_owned()));
    }
    Ok(())
}
