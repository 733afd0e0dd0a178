//! What a model may do, and how it says so: tools, each with its input.

use serde_json::{Value, json};

use crate::prompt::Task;
use crate::snapshot::PageState;

/// Doubts that are kept.
const MAX_DOUBTS: usize = 10;
/// Characters that a model may type at once, and of its last words.
const MAX_TYPED_CHARS: usize = 2_000;
const MAX_SENTENCE_CHARS: usize = 2_000;

/// One thing to do in the page. Elements are those of the page that the model saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a page.
    Navigate(String),
    /// Click the element with this index.
    Click(usize),
    /// Type into it, in place of what it holds.
    Type(usize, TypedInput),
    /// Choose an option of it, by what people read.
    Select(usize, String),
    /// Look at what is farther down or up.
    Scroll(Scroll),
    /// Go back to the page before.
    Back,
    /// Read all of the page's text.
    Read,
}

/// What is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedInput {
    /// These words of the model.
    Text(String),
    /// A value of the task, by its name: the model may not know it.
    Datum(String),
}

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scroll {
    /// Farther down.
    Down,
    /// Farther up.
    Up,
}

/// What a model says with a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToolCall {
    Act(Action),
    Done {
        summary: String,
        doubts: Vec<String>,
    },
    GiveUp(String),
}

/// Why what a model says can't be done; it is told so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAction(pub String);

impl Action {
    /// As people read it.
    pub fn described(&self, page: &PageState) -> String {
        match self {
            Self::Navigate(url) => format!("go to {url}"),
            Self::Click(index) => format!("click {}", page.named(*index)),
            Self::Type(index, TypedInput::Text(text)) => {
                format!("type {text:?} into {}", page.named(*index))
            }
            Self::Type(index, TypedInput::Datum(name)) => {
                format!("type {{{{ {name} }}}} into {}", page.named(*index))
            }
            Self::Select(index, option) => format!("select {option:?} from {}", page.named(*index)),
            Self::Scroll(Scroll::Down) => "scroll down".to_owned(),
            Self::Scroll(Scroll::Up) => "scroll up".to_owned(),
            Self::Back => "go back".to_owned(),
            Self::Read => "read the page".to_owned(),
        }
    }
}

/// What the call of a tool means, on this page and for this task.
pub(crate) fn parse(
    name: &str,
    input: &Value,
    page: &PageState,
    task: &Task,
) -> Result<ToolCall, InvalidAction> {
    let text = |key: &str| {
        let text = input.get(key).and_then(Value::as_str);
        text.ok_or_else(|| InvalidAction(format!("{name} needs {key}, a text")))
    };
    let element = || {
        let reference = text("ref")?;
        page.resolve(reference).ok_or_else(|| {
            InvalidAction(format!(
                "there is no {reference:?} in the page; use a reference of the last snapshot"
            ))
        })
    };
    let words = |key: &str| Ok::<_, InvalidAction>(head(text(key)?, MAX_SENTENCE_CHARS));
    Ok(match name {
        "navigate" => {
            let url = text("url")?;
            if !task.allows(url) {
                let why = format!("{url:?} is beyond this site; write a path of it, such as /");
                return Err(InvalidAction(why));
            }
            ToolCall::Act(Action::Navigate(url.to_owned()))
        }
        "click" => ToolCall::Act(Action::Click(element()?)),
        "type" => {
            let index = element()?;
            let typed = match (input.get("text"), input.get("data")) {
                (Some(Value::String(text)), None) if text.chars().count() <= MAX_TYPED_CHARS => {
                    TypedInput::Text(text.clone())
                }
                (None, Some(Value::String(name))) if task.has_datum(name) => {
                    TypedInput::Datum(name.clone())
                }
                (None, Some(other)) => {
                    let why = format!("there is no data {other}; there is: {}", task.data_names());
                    return Err(InvalidAction(why));
                }
                _ => return Err(InvalidAction("type needs one of text and data".to_owned())),
            };
            ToolCall::Act(Action::Type(index, typed))
        }
        "select" => ToolCall::Act(Action::Select(element()?, words("option")?)),
        "scroll" => ToolCall::Act(Action::Scroll(match text("direction")? {
            "down" => Scroll::Down,
            "up" => Scroll::Up,
            other => {
                return Err(InvalidAction(format!(
                    "direction is down or up, and not {other:?}"
                )));
            }
        })),
        "back" => ToolCall::Act(Action::Back),
        "read" => ToolCall::Act(Action::Read),
        "done" => ToolCall::Done {
            summary: words("summary")?,
            doubts: doubts(input.get("doubts"))?,
        },
        "give_up" => ToolCall::GiveUp(words("reason")?),
        other => {
            return Err(InvalidAction(format!(
                "there is no tool {}",
                head(other, 50)
            )));
        }
    })
}

/// What a model doubts, whether it writes one text or a list. What is neither is for it to write again: a doubt is never
/// dropped.
fn doubts(said: Option<&Value>) -> Result<Vec<String>, InvalidAction> {
    let texts: Option<Vec<&str>> = match said {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text]),
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let texts =
        texts.ok_or_else(|| InvalidAction("doubts is a list of texts, or left out".to_owned()))?;
    let texts = texts.into_iter().filter(|text| !text.trim().is_empty());
    Ok(texts
        .take(MAX_DOUBTS)
        .map(|text| head(text, MAX_SENTENCE_CHARS))
        .collect())
}

pub(crate) fn head(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The tools, as Converse takes them.
pub(crate) fn tools() -> Value {
    let tool = |name: &str, description: &str, properties: Value, required: &[&str]| {
        json!({ "toolSpec": { "name": name, "description": description, "inputSchema": { "json": {
            "type": "object", "properties": properties, "required": required
        } } } })
    };
    let reference =
        json!({ "type": "string", "description": "a reference of the last snapshot, such as @e3" });
    json!([
        tool(
            "navigate",
            "Open a page of this site by its path.",
            json!({ "url": { "type": "string" } }),
            &["url"]
        ),
        tool(
            "click",
            "Click an element.",
            json!({ "ref": reference }),
            &["ref"]
        ),
        tool(
            "type",
            "Type into a field, in place of what it holds: your own text, or the value of a named datum.",
            json!({ "ref": reference, "text": { "type": "string" }, "data": { "type": "string", "description": "the name of a datum" } }),
            &["ref"],
        ),
        tool(
            "select",
            "Choose an option of a list by what people read.",
            json!({ "ref": reference, "option": { "type": "string" } }),
            &["ref", "option"]
        ),
        tool(
            "scroll",
            "Scroll the page.",
            json!({ "direction": { "type": "string", "enum": ["down", "up"] } }),
            &["direction"]
        ),
        tool("back", "Go back to the page before.", json!({}), &[]),
        tool("read", "Read all of the page's text.", json!({}), &[]),
        tool(
            "done",
            "The goal is reached. Say what you saw that proves it, and each doubt that you have.",
            json!({ "summary": { "type": "string" }, "doubts": { "type": "array", "items": { "type": "string" } } }),
            &["summary"],
        ),
        tool(
            "give_up",
            "The goal can't be reached. Say what keeps you from it.",
            json!({ "reason": { "type": "string" } }),
            &["reason"]
        ),
    ])
}
