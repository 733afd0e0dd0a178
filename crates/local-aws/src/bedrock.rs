//! A model of Amazon Bedrock that says what a test told it to say, by the Converse API. Without a script, calls go to the
//! emulator behind.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::AwsError;
use crate::ids;
use crate::service::{Call, Service};
use crate::sync::lock;
use crate::wire::answer::json_answer;

/// Calls that are kept.
const MAX_HEARD: usize = 200;
/// Bytes of a request for a token, roughly.
const BYTES_A_TOKEN: usize = 4;

/// A scripted model. Clones share its script.
#[derive(Clone, Debug, Default)]
pub struct Bedrock(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    script: Option<Script>,
    said: usize,
    heard: Vec<Value>,
}

/// What it says, turn by turn.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// In order.
    pub turns: Vec<Turn>,
    /// Whether it begins anew after the last one; else the last one is said again and again.
    #[serde(default)]
    pub repeat: bool,
}

/// One turn.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Turn {
    /// Words.
    Text(String),
    /// Tools, each by its name and input.
    Tools(Vec<(String, Value)>),
    /// An error of the service, by its code.
    Error(String),
    /// It stops for another reason: `guardrail_intervened`, `max_tokens`.
    Stop(String),
}

impl Bedrock {
    /// Says this from now on.
    pub fn script(&self, script: Script) {
        *lock(&self.0) = State {
            script: Some(script),
            ..State::default()
        };
    }

    /// Says nothing of its own any more.
    pub fn clear(&self) {
        *lock(&self.0) = State::default();
    }

    /// The requests so far.
    pub fn heard(&self) -> Vec<Value> {
        lock(&self.0).heard.clone()
    }

    pub(crate) fn is_scripted(&self) -> bool {
        lock(&self.0).script.is_some()
    }

    fn converse(&self, input: &Value, bytes: usize) -> Result<Value, AwsError> {
        check(input)?;
        let mut state = lock(&self.0);
        if state.heard.len() < MAX_HEARD {
            state.heard.push(input.clone());
        }
        let said = state.said;
        state.said += 1;
        let script = state.script.as_ref();
        let turns = script.map_or(&[][..], |script| &script.turns);
        let repeat = script.is_some_and(|script| script.repeat);
        let index = if repeat {
            said % turns.len().max(1)
        } else {
            said.min(turns.len().saturating_sub(1))
        };
        let turn = turns.get(index).cloned();
        drop(state);
        let answer = |content: Vec<Value>, stop: &str| {
            let output = json!(content).to_string().len() / BYTES_A_TOKEN;
            let input = bytes / BYTES_A_TOKEN;
            json!({
                "output": { "message": { "role": "assistant", "content": content } },
                "stopReason": stop,
                "usage": { "inputTokens": input, "outputTokens": output, "totalTokens": input + output },
                "metrics": { "latencyMs": 1 }
            })
        };
        match turn {
            None => Ok(answer(vec![json!({ "text": "" })], "end_turn")),
            Some(Turn::Text(text)) => Ok(answer(vec![json!({ "text": text })], "end_turn")),
            Some(Turn::Tools(tools)) => {
                let uses = tools.into_iter().map(|(name, input)| {
                    let id = format!("tooluse_{}", ids::url_safe(22));
                    json!({ "toolUse": { "toolUseId": id, "name": name, "input": input } })
                });
                Ok(answer(uses.collect(), "tool_use"))
            }
            Some(Turn::Stop(reason)) => Ok(answer(vec![json!({ "text": "…" })], &reason)),
            Some(Turn::Error(code)) => {
                let status = match code.as_str() {
                    "ThrottlingException" => 429,
                    "ModelTimeoutException" => 408,
                    "AccessDeniedException" => 403,
                    "ServiceUnavailableException" => 503,
                    _ => 400,
                };
                Err(AwsError {
                    status,
                    ..AwsError::client(&code, "as the script has it")
                })
            }
        }
    }
}

/// What Bedrock refuses: turns that don't take turns, and tools without their results.
fn check(input: &Value) -> Result<(), AwsError> {
    let invalid = |why: String| AwsError::client("ValidationException", why);
    let messages = input["messages"].as_array().filter(|list| !list.is_empty());
    let messages = messages.ok_or_else(|| invalid("messages must not be empty".to_owned()))?;
    for (index, message) in messages.iter().enumerate() {
        let expected = if index % 2 == 0 { "user" } else { "assistant" };
        if message["role"] != expected {
            return Err(invalid(format!("message {index} must be of {expected}")));
        }
        let Some(content) = message["content"]
            .as_array()
            .filter(|content| !content.is_empty())
        else {
            return Err(invalid(format!("message {index} has no content")));
        };
        let ids = |content: &[Value], kind: &str| {
            let ids = content
                .iter()
                .filter_map(|block| block[kind]["toolUseId"].as_str());
            let mut ids: Vec<String> = ids.map(str::to_owned).collect();
            ids.sort();
            ids
        };
        let before = index.checked_sub(1).and_then(|index| messages.get(index));
        let asked = before.and_then(|before| before["content"].as_array());
        let asked = asked.map_or_else(Vec::new, |asked| ids(asked, "toolUse"));
        if expected == "user" && ids(content, "toolResult") != asked {
            return Err(invalid(format!(
                "message {index} must have a toolResult for each toolUse before it, and no other"
            )));
        }
    }
    Ok(())
}

impl Service for Bedrock {
    fn signing_name(&self) -> &'static str {
        "bedrock"
    }

    fn answer(&self, call: &Call<'_>) -> Result<Response<Bytes>, AwsError> {
        if call.operation != "Converse" {
            let why = format!("{} is not served here", call.operation);
            return Err(AwsError::client("UnknownOperationException", why));
        }
        let input: Value = serde_json::from_slice(call.body)
            .map_err(|error| AwsError::client("SerializationException", error.to_string()))?;
        let output = self.converse(&input, call.body.len())?;
        Ok(json_answer("application/json", &output))
    }
}
