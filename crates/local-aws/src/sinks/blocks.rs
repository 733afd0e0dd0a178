//! Block Kit: what Slack refuses in the blocks of a message.
//!
//! <https://docs.slack.dev/reference/block-kit/blocks> and the pages below it; the limit of a whole
//! message is not documented and was measured by others as a little above 13,000 characters.

use std::collections::BTreeSet;

use serde_json::Value;

const MAX_BLOCKS: usize = 50;
/// Characters of all texts of a message.
const MAX_MESSAGE_CHARACTERS: usize = 13_000;
const MAX_SECTION_TEXT: usize = 3_000;
const MAX_FIELD_TEXT: usize = 2_000;
const MAX_FIELDS: usize = 10;
const MAX_HEADER_TEXT: usize = 150;
const MAX_CONTEXT_TEXT: usize = 3_000;
const MAX_CONTEXT: usize = 10;
const MAX_ELEMENTS: usize = 25;
const MAX_ID: usize = 255;
const MAX_BUTTON_TEXT: usize = 75;
const MAX_BUTTON_VALUE: usize = 2_000;
const MAX_URL: usize = 3_000;
const MAX_LABEL: usize = 2_000;
const MAX_PLACEHOLDER: usize = 150;
const MAX_CONFIRM_TITLE: usize = 100;
const MAX_CONFIRM_TEXT: usize = 300;
const MAX_CONFIRM_BUTTON: usize = 30;
const MAX_MARKDOWN: usize = 12_000;

/// Why blocks are refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// All texts together.
    TooLong,
    /// Each with its place, in Slack's words.
    Invalid(Vec<String>),
}

/// Checks the `blocks` of a message; none is fine.
pub(super) fn check(blocks: &Value) -> Result<(), Fault> {
    let mut check = Check::default();
    match blocks {
        Value::Null => return Ok(()),
        Value::Array(blocks) => {
            if blocks.len() > MAX_BLOCKS {
                check.problem(
                    format!("no more than {MAX_BLOCKS} items allowed"),
                    "/blocks",
                );
            }
            for (n, block) in blocks.iter().enumerate() {
                check.block(block, &format!("/blocks/{n}"));
            }
        }
        _ => check.problem("must be an array", "/blocks"),
    }
    if !check.problems.is_empty() {
        return Err(Fault::Invalid(check.problems));
    }
    if check.characters > MAX_MESSAGE_CHARACTERS {
        return Err(Fault::TooLong);
    }
    Ok(())
}

#[derive(Default)]
struct Check {
    problems: Vec<String>,
    characters: usize,
    block_ids: BTreeSet<String>,
}

/// The kinds of text a place takes.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Any,
}

impl Check {
    fn problem(&mut self, what: impl std::fmt::Display, at: &str) {
        self.problems
            .push(format!("[ERROR] {what} [json-pointer:{at}]"));
    }

    fn block(&mut self, block: &Value, at: &str) {
        self.id(block, "block_id", at);
        if let Some(id) = block["block_id"].as_str()
            && !self.block_ids.insert(id.to_owned())
        {
            self.problem(
                format!("block_id {id} already exists"),
                &format!("{at}/block_id"),
            );
        }
        match block["type"].as_str() {
            Some("section") => self.section(block, at),
            Some("header") => self.text(block, "text", at, (Kind::Plain, MAX_HEADER_TEXT)),
            Some("context") => self.context(block, at),
            Some("actions") => self.actions(block, at),
            Some("input") => self.input(block, at),
            Some("image") => {
                self.limit(block, "image_url", at, MAX_URL);
                self.limit(block, "alt_text", at, MAX_LABEL);
            }
            Some("markdown") => self.limit(block, "text", at, MAX_MARKDOWN),
            Some("divider" | "rich_text") => {}
            Some(other) => {
                self.problem(format!("unsupported type: {other}"), &format!("{at}/type"));
            }
            None => self.problem("missing required field: type", at),
        }
    }

    fn section(&mut self, block: &Value, at: &str) {
        let fields = block["fields"].as_array();
        if block["text"].is_null() && fields.is_none_or(Vec::is_empty) {
            self.problem("missing required field: text or fields", at);
        }
        if !block["text"].is_null() {
            self.text(block, "text", at, (Kind::Any, MAX_SECTION_TEXT));
        }
        let fields = fields.map(Vec::as_slice).unwrap_or_default();
        if fields.len() > MAX_FIELDS {
            self.problem(
                format!("no more than {MAX_FIELDS} items allowed"),
                &format!("{at}/fields"),
            );
        }
        for (n, field) in fields.iter().enumerate() {
            self.text_object(
                field,
                &format!("{at}/fields/{n}"),
                (Kind::Any, MAX_FIELD_TEXT),
            );
        }
        if !block["accessory"].is_null() {
            self.element(&block["accessory"], &format!("{at}/accessory"));
        }
    }

    fn context(&mut self, block: &Value, at: &str) {
        for (n, element) in self.items(block, at, MAX_CONTEXT).iter().enumerate() {
            let at = format!("{at}/elements/{n}");
            match element["type"].as_str() {
                Some("image") => self.limit(element, "image_url", &at, MAX_URL),
                _ => self.text_object(element, &at, (Kind::Any, MAX_CONTEXT_TEXT)),
            }
        }
    }

    fn actions(&mut self, block: &Value, at: &str) {
        let mut seen = BTreeSet::new();
        for (n, element) in self.items(block, at, MAX_ELEMENTS).iter().enumerate() {
            let at = format!("{at}/elements/{n}");
            self.element(element, &at);
            if let Some(id) = element["action_id"].as_str()
                && !seen.insert(id)
            {
                self.problem(
                    format!("action_id {id} already exists"),
                    &format!("{at}/action_id"),
                );
            }
        }
    }

    fn input(&mut self, block: &Value, at: &str) {
        self.text(block, "label", at, (Kind::Plain, MAX_LABEL));
        if !block["hint"].is_null() {
            self.text(block, "hint", at, (Kind::Plain, MAX_LABEL));
        }
        self.element(&block["element"], &format!("{at}/element"));
    }

    /// The `elements` of a block: some, and not too many.
    fn items<'a>(&mut self, block: &'a Value, at: &str, most: usize) -> &'a [Value] {
        let items = block["elements"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let at = format!("{at}/elements");
        if items.is_empty() {
            self.problem("must provide at least one element", &at);
        }
        if items.len() > most {
            self.problem(format!("no more than {most} items allowed"), &at);
        }
        items
    }

    fn element(&mut self, element: &Value, at: &str) {
        self.id(element, "action_id", at);
        match element["type"].as_str() {
            Some("button") => {
                self.text(element, "text", at, (Kind::Plain, MAX_BUTTON_TEXT));
                if !element["value"].is_null() {
                    self.limit(element, "value", at, MAX_BUTTON_VALUE);
                }
                if !element["url"].is_null() {
                    self.limit(element, "url", at, MAX_URL);
                }
                if !matches!(element["style"].as_str(), None | Some("primary" | "danger")) {
                    self.problem("must be primary or danger", &format!("{at}/style"));
                }
            }
            Some("plain_text_input") => {
                if !element["placeholder"].is_null() {
                    self.text(element, "placeholder", at, (Kind::Plain, MAX_PLACEHOLDER));
                }
                if element["max_length"]
                    .as_u64()
                    .is_some_and(|n| !(1..=3000).contains(&n))
                {
                    self.problem("must be between 1 and 3000", &format!("{at}/max_length"));
                }
            }
            Some(
                "static_select" | "users_select" | "overflow" | "datepicker" | "checkboxes"
                | "radio_buttons" | "image",
            ) => {}
            Some(other) => {
                self.problem(format!("unsupported type: {other}"), &format!("{at}/type"));
            }
            None => self.problem("missing required field: type", at),
        }
        if !element["confirm"].is_null() {
            self.confirm(&element["confirm"], &format!("{at}/confirm"));
        }
    }

    fn confirm(&mut self, confirm: &Value, at: &str) {
        self.text(confirm, "title", at, (Kind::Plain, MAX_CONFIRM_TITLE));
        self.text(confirm, "text", at, (Kind::Any, MAX_CONFIRM_TEXT));
        self.text(confirm, "confirm", at, (Kind::Plain, MAX_CONFIRM_BUTTON));
        self.text(confirm, "deny", at, (Kind::Plain, MAX_CONFIRM_BUTTON));
    }

    fn text(&mut self, holder: &Value, name: &str, at: &str, allowed: (Kind, usize)) {
        let at = format!("{at}/{name}");
        if holder[name].is_null() {
            return self.problem(format!("missing required field: {name}"), &at);
        }
        self.text_object(&holder[name], &at, allowed);
    }

    fn text_object(&mut self, object: &Value, at: &str, (kind, most): (Kind, usize)) {
        match object["type"].as_str() {
            Some("plain_text") => {}
            Some("mrkdwn") if kind == Kind::Any => {}
            _ => self.problem("must be a valid text object", &format!("{at}/type")),
        }
        self.limit(object, "text", at, most);
    }

    fn id(&mut self, holder: &Value, name: &str, at: &str) {
        let length = holder[name].as_str().map_or(0, |id| id.chars().count());
        if length > MAX_ID {
            self.problem(
                format!("must be less than {} characters", MAX_ID + 1),
                &format!("{at}/{name}"),
            );
        }
    }

    /// A text that has to be there, and not too long.
    fn limit(&mut self, holder: &Value, name: &str, at: &str, most: usize) {
        let at = format!("{at}/{name}");
        let Some(text) = holder[name].as_str() else {
            return self.problem(format!("missing required field: {name}"), &at);
        };
        let length = text.chars().count();
        self.characters += length;
        if length == 0 {
            self.problem("must be more than 0 characters", &at);
        }
        if length > most {
            self.problem(format!("must be less than {} characters", most + 1), &at);
        }
    }
}
