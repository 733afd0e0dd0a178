//! Slack: the Web API for messages, incoming webhooks, and response URLs.
//!
//! <https://docs.slack.dev/reference/methods/chat.postMessage> and its neighbours. An error of the
//! Web API is status 200 with `ok: false`.

use std::collections::{BTreeMap, BTreeSet};

use http::header;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::blocks::{self, Fault};
use super::{Delivery, Reply, content_type};

/// Longer texts are cut.
/// <https://docs.slack.dev/changelog/2018-truncating-really-long-messages>
const MAX_TEXT_CHARACTERS: usize = 40_000;
/// `chat.update` refuses longer ones.
const MAX_UPDATE_CHARACTERS: usize = 4_000;
/// How often a response URL may be used.
/// <https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>
const MAX_RESPONSES: u32 = 5;
/// What stands for the bot that posts.
const BOT: &str = "B0LOCALAWS";
const TEAM: &str = "T0LOCALAWS";

/// A workspace.
#[derive(Default)]
pub(super) struct Workspace {
    tokens: Option<BTreeSet<String>>,
    channels: Option<BTreeSet<String>>,
    /// Channel and timestamp of every message there is.
    messages: BTreeSet<(String, String)>,
    posted: u64,
    responses: BTreeMap<String, u32>,
}

impl Workspace {
    pub(super) fn know(&mut self, tokens: Option<Vec<String>>, channels: Option<Vec<String>>) {
        if let Some(tokens) = tokens {
            self.tokens = Some(tokens.into_iter().collect());
        }
        if let Some(channels) = channels {
            self.channels = Some(channels.into_iter().collect());
        }
    }

    pub(super) fn take(&mut self, delivery: &Delivery<'_>, now: Timestamp) -> Reply {
        match delivery.operation {
            "hook" => hook(delivery),
            "response" => self.response(delivery),
            method => {
                let noticed = mentions(delivery);
                let answer = self.method(method, delivery, now);
                let body = answer.unwrap_or_else(|refusal| refusal.body());
                Reply::new(200, body).noticing(noticed)
            }
        }
    }

    fn method(
        &mut self,
        method: &str,
        delivery: &Delivery<'_>,
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        self.check_token(delivery)?;
        let input = input(delivery)?;
        match method {
            "auth.test" => Ok(json!({
                "ok": true, "team_id": TEAM, "user_id": "U0LOCALAWS", "bot_id": BOT,
            })),
            "chat.postMessage" => self.post(&input, now),
            "chat.update" => self.update(&input),
            "chat.postEphemeral" => self.post_ephemeral(&input, now),
            "chat.delete" => self.delete(&input),
            _ => Err(Refusal::of("unknown_method")),
        }
    }

    fn post(&mut self, input: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let channel = self.channel(input)?;
        check_content(input)?;
        if let Some(thread) = input["thread_ts"].as_str()
            && !self
                .messages
                .contains(&(channel.clone(), thread.to_owned()))
        {
            return Err(Refusal::of("thread_not_found"));
        }
        let ts = self.stamp(now);
        self.messages.insert((channel.clone(), ts.clone()));
        Ok(json!({ "ok": true, "channel": channel, "ts": ts, "message": message(input, &ts) }))
    }

    fn update(&mut self, input: &Value) -> Result<Value, Refusal> {
        let channel = self.channel(input)?;
        let ts = input["ts"].as_str().unwrap_or_default().to_owned();
        if !self.messages.contains(&(channel.clone(), ts.clone())) {
            return Err(Refusal::of("message_not_found"));
        }
        check_content(input)?;
        if length(input, "text") > MAX_UPDATE_CHARACTERS {
            return Err(Refusal::of("msg_too_long"));
        }
        Ok(json!({
            "ok": true, "channel": channel, "ts": ts, "text": cut(input),
            "message": message(input, &ts),
        }))
    }

    fn post_ephemeral(&mut self, input: &Value, now: Timestamp) -> Result<Value, Refusal> {
        self.channel(input)?;
        if input["user"].as_str().is_none_or(str::is_empty) {
            return Err(Refusal::of("user_not_in_channel"));
        }
        check_content(input)?;
        Ok(json!({ "ok": true, "message_ts": self.stamp(now) }))
    }

    fn delete(&mut self, input: &Value) -> Result<Value, Refusal> {
        let channel = self.channel(input)?;
        let ts = input["ts"].as_str().unwrap_or_default().to_owned();
        if self.messages.remove(&(channel.clone(), ts.clone())) {
            return Ok(json!({ "ok": true, "channel": channel, "ts": ts }));
        }
        Err(Refusal::of("message_not_found"))
    }

    fn response(&mut self, delivery: &Delivery<'_>) -> Reply {
        let used = self.responses.entry(delivery.id.to_owned()).or_default();
        if *used >= MAX_RESPONSES {
            return Reply::new(404, json!({ "ok": false, "error": "used_url" }));
        }
        let Ok(input) = serde_json::from_slice::<Value>(delivery.body) else {
            return Reply::new(400, json!({ "ok": false, "error": "invalid_payload" }));
        };
        let checked = if input["delete_original"] == true {
            Ok(())
        } else {
            check_content(&input)
        };
        match checked {
            Ok(()) => {
                *used += 1;
                Reply::new(200, json!("ok")).noticing(mentions(delivery))
            }
            Err(refusal) => Reply::new(400, refusal.body()),
        }
    }

    fn check_token(&self, delivery: &Delivery<'_>) -> Result<(), Refusal> {
        let header = delivery.parts.headers.get(header::AUTHORIZATION);
        let token = header
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .unwrap_or_default();
        let known = match &self.tokens {
            Some(tokens) => tokens.contains(token),
            None => token.starts_with("xoxb-"),
        };
        if token.is_empty() {
            return Err(Refusal::of("not_authed"));
        }
        known
            .then_some(())
            .ok_or_else(|| Refusal::of("invalid_auth"))
    }

    fn channel(&self, input: &Value) -> Result<String, Refusal> {
        let channel = input["channel"].as_str().unwrap_or_default();
        let known = match &self.channels {
            Some(channels) => channels.contains(channel),
            None => {
                channel.starts_with(['C', 'D', 'G', 'U'])
                    && channel.len() >= 9
                    && channel
                        .bytes()
                        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            }
        };
        known
            .then(|| channel.to_owned())
            .ok_or_else(|| Refusal::of("channel_not_found"))
    }

    /// A timestamp that no other message has.
    fn stamp(&mut self, now: Timestamp) -> String {
        self.posted += 1;
        format!("{}.{:06}", now.as_second(), self.posted)
    }
}

/// An error of the Web API.
struct Refusal {
    error: &'static str,
    messages: Vec<String>,
}

impl Refusal {
    fn of(error: &'static str) -> Self {
        Self {
            error,
            messages: Vec::new(),
        }
    }

    fn body(&self) -> Value {
        let mut body = json!({ "ok": false, "error": self.error });
        if !self.messages.is_empty() {
            body["response_metadata"] = json!({ "messages": self.messages });
        }
        body
    }
}

/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>
fn hook(delivery: &Delivery<'_>) -> Reply {
    let Ok(input) = serde_json::from_slice::<Value>(delivery.body) else {
        return Reply::new(400, json!("invalid_payload"));
    };
    match check_content(&input) {
        Ok(()) => Reply::new(200, json!("ok")).noticing(mentions(delivery)),
        Err(refusal) => {
            Reply::new(400, json!(refusal.error)).noticing(json!({ "problems": refusal.messages }))
        }
    }
}

fn input(delivery: &Delivery<'_>) -> Result<Value, Refusal> {
    let kind = content_type(delivery.parts);
    if kind.starts_with("application/json") {
        let input: Value =
            serde_json::from_slice(delivery.body).map_err(|_| Refusal::of("invalid_json"))?;
        return match input {
            Value::Object(_) => Ok(input),
            _ => Err(Refusal::of("json_not_object")),
        };
    }
    let fields = form_urlencoded::parse(delivery.body).into_owned();
    let mut input: Value = fields.map(|(name, value)| (name, json!(value))).collect();
    if let Some(blocks) = input["blocks"].as_str() {
        input["blocks"] =
            serde_json::from_str(blocks).map_err(|_| Refusal::of("invalid_blocks_format"))?;
    }
    Ok(input)
}

/// Text and blocks of a message.
fn check_content(input: &Value) -> Result<(), Refusal> {
    let blocks = &input["blocks"];
    let has = |name: &str| match &input[name] {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    if !has("text") && !has("blocks") && !has("attachments") {
        return Err(Refusal::of("no_text"));
    }
    match blocks::check(blocks) {
        Ok(()) => Ok(()),
        Err(Fault::TooLong) => Err(Refusal::of("msg_too_long")),
        Err(Fault::Invalid(messages)) => Err(Refusal {
            error: "invalid_blocks",
            messages,
        }),
    }
}

fn length(input: &Value, name: &str) -> usize {
    input[name].as_str().map_or(0, |text| text.chars().count())
}

/// The text as it is kept.
fn cut(input: &Value) -> String {
    let text = input["text"].as_str().unwrap_or_default();
    text.chars().take(MAX_TEXT_CHARACTERS).collect()
}

fn message(input: &Value, ts: &str) -> Value {
    let mut message = json!({
        "type": "message", "ts": ts, "bot_id": BOT, "team": TEAM, "text": cut(input),
    });
    for name in ["blocks", "thread_ts"] {
        if !input[name].is_null() {
            message[name] = input[name].clone();
        }
    }
    message
}

/// Whom the message would notify: what stands unescaped between `<@`, `<!` or `<#` and `>`.
fn mentions(delivery: &Delivery<'_>) -> Value {
    let body = super::readable(delivery);
    let mut found = Vec::new();
    collect_mentions(&body, &mut found);
    json!({ "mentions": found })
}

fn collect_mentions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            for rest in text.split('<').skip(1) {
                let inside = rest.split_once('>').map(|(inside, _)| inside);
                if let Some(inside) = inside.filter(|inside| inside.starts_with(['@', '!', '#'])) {
                    found.push(inside.to_owned());
                }
            }
        }
        // Plain text is shown as it is.
        Value::Object(_) if value["type"] == "plain_text" => {}
        Value::Object(members) => members.values().for_each(|v| collect_mentions(v, found)),
        Value::Array(items) => items.iter().for_each(|v| collect_mentions(v, found)),
        _ => {}
    }
}
