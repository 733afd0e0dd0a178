//! Where messages end here: Slack, Teams, a webhook, the mailbox of a topic's subscriber.
//!
//! Each sink refuses what the service refuses, in the service's words, and keeps everything it was
//! sent, with its answer, for `GET /_local/sinks`. No message ever leaves this machine.

mod blocks;
mod mail;
mod slack;
mod teams;
mod webhook;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::World;
use crate::clock::Clock;
use crate::error::AwsError;
use crate::sync::lock;
use crate::upstream::Upstream;

/// Under which path the sinks are.
const ROOT: &str = "/_sinks/";
/// Headers that are kept with a message; credentials are not among them.
const KEPT_HEADERS: [&str; 5] = [
    "content-type",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// All sinks. Clones share them.
#[derive(Clone)]
pub struct Sinks {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    upstream: Upstream,
    state: Mutex<State>,
    last: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    slack: slack::Workspace,
    webhooks: webhook::Receivers,
}

/// A message that came.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Message {
    seq: u64,
    at: Timestamp,
    service: &'static str,
    operation: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Value,
    answer: Value,
}

/// What the control API sets up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    /// Bot tokens that Slack knows; without it any that begins with `xoxb-`.
    slack_tokens: Option<Vec<String>>,
    /// Channels that Slack knows; without it any that is shaped like an id.
    slack_channels: Option<Vec<String>>,
    /// Secrets of webhooks, by the last part of their path.
    #[serde(default)]
    webhook_secrets: BTreeMap<String, String>,
}

/// One delivery, as a sink sees it.
struct Delivery<'a> {
    operation: &'a str,
    /// The last part of the path.
    id: &'a str,
    parts: &'a Parts,
    body: &'a Bytes,
}

/// What a sink answers, and what it noticed.
struct Reply {
    status: StatusCode,
    body: Value,
    /// For whoever reads the messages later: not part of the answer.
    noticed: Value,
}

impl Reply {
    fn new(status: u16, body: Value) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
            body,
            noticed: Value::Null,
        }
    }

    fn noticing(self, noticed: Value) -> Self {
        Self { noticed, ..self }
    }
}

/// The service and the operation of a path, where a sink is there.
pub(crate) fn named(path: &str) -> Option<(&'static str, String)> {
    let mut segments = path.strip_prefix(ROOT)?.splitn(3, '/');
    let (service, second) = (segments.next()?, segments.next()?);
    Some(match (service, second) {
        ("slack", "api") => ("slack", segments.next()?.to_owned()),
        ("slack", kind @ ("hook" | "response")) => ("slack", kind.to_owned()),
        ("teams", _) => ("teams", "post".to_owned()),
        ("webhook", _) => ("webhook", "post".to_owned()),
        _ => return None,
    })
}

/// Whether a path is of a sink.
pub(crate) fn is_for(path: &str) -> bool {
    path.starts_with(ROOT)
}

/// Whether a service ends in a sink.
pub(crate) fn is_service(service: &str) -> bool {
    matches!(service, "slack" | "teams" | "webhook")
}

/// An ordered fault in the words of the service.
pub(crate) fn fault_answer(service: &str, error: &AwsError) -> Response<Bytes> {
    let body = match service {
        // What Slack says to too many calls, unless something else was ordered.
        "slack" if error.code == "ThrottlingException" => {
            json!({ "ok": false, "error": "ratelimited" })
        }
        "slack" => json!({ "ok": false, "error": error.code }),
        _ => json!({ "error": { "code": error.code, "message": error.message } }),
    };
    respond(&Reply::new(error.status, body))
}

impl Sinks {
    pub(crate) fn new(world: &World) -> Self {
        let shared = Shared {
            clock: world.clock.clone(),
            upstream: world.upstream_client(),
            state: Mutex::default(),
            last: watch::Sender::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Takes what was sent to a sink.
    pub(crate) fn take(&self, parts: &Parts, body: &Bytes) -> Response<Bytes> {
        let path = parts.uri.path();
        let Some((service, operation)) = named(path) else {
            let message = "there are /_sinks/slack/api/METHOD, /_sinks/slack/hook/ID, \
                        /_sinks/slack/response/ID, /_sinks/teams/ID and /_sinks/webhook/ID";
            return respond(&Reply::new(404, json!({ "error": message })));
        };
        let delivery = Delivery {
            operation: &operation,
            id: path.rsplit('/').next().unwrap_or_default(),
            parts,
            body,
        };
        let now = self.shared.clock.now();
        let reply = {
            let mut state = self.lock();
            match service {
                "slack" => state.slack.take(&delivery, now),
                "teams" => teams::take(&delivery),
                _ => state.webhooks.take(&delivery),
            }
        };
        self.keep(service, &delivery, &reply, now);
        respond(&reply)
    }

    /// Sets up what the sinks know.
    pub(crate) fn set_up(&self, setup: Setup) {
        let mut state = self.lock();
        state.slack.know(setup.slack_tokens, setup.slack_channels);
        state.webhooks.know(setup.webhook_secrets);
    }

    /// Forgets all messages; what was set up stays.
    pub(crate) fn clear(&self) {
        self.lock().messages.clear();
    }

    /// The messages after `seq`, of a service where one is given; waits for one, `wait` of real time
    /// at most.
    pub(crate) async fn after(
        &self,
        seq: u64,
        service: Option<&str>,
        wait: Duration,
    ) -> Vec<Message> {
        let mut last = self.shared.last.subscribe();
        let waiting = async {
            loop {
                let found = self.messages(seq, service);
                if !found.is_empty() || last.changed().await.is_err() {
                    return found;
                }
            }
        };
        let waited = tokio::time::timeout(wait, waiting).await;
        waited.unwrap_or_else(|_| self.messages(seq, service))
    }

    fn messages(&self, seq: u64, service: Option<&str>) -> Vec<Message> {
        let wanted = |message: &&Message| {
            message.seq > seq && service.is_none_or(|service| service == message.service)
        };
        self.lock()
            .messages
            .iter()
            .filter(wanted)
            .cloned()
            .collect()
    }

    fn keep(&self, service: &'static str, delivery: &Delivery<'_>, reply: &Reply, now: Timestamp) {
        let headers = KEPT_HEADERS.iter().filter_map(|name| {
            let value = delivery.parts.headers.get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), value.to_owned()))
        });
        let mut answer = json!({ "status": reply.status.as_u16(), "body": reply.body });
        if let Some(noticed) = reply.noticed.as_object() {
            for (name, value) in noticed {
                answer[name] = value.clone();
            }
        }
        self.push(Message {
            seq: 0,
            at: now,
            service,
            operation: delivery.operation.to_owned(),
            path: delivery.parts.uri.path().to_owned(),
            headers: headers.collect(),
            body: readable(delivery),
            answer,
        });
    }

    fn push(&self, message: Message) {
        let mut state = self.lock();
        let seq = *self.shared.last.borrow() + 1;
        state.messages.push(Message { seq, ..message });
        drop(state);
        self.shared.last.send_replace(seq);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

/// The body as JSON, as the fields of a form, or as the text it is.
fn readable(delivery: &Delivery<'_>) -> Value {
    let kind = content_type(delivery.parts);
    if kind.starts_with("application/x-www-form-urlencoded") {
        let fields = url::form_urlencoded::parse(delivery.body).into_owned();
        return fields.map(|(name, value)| (name, json!(value))).collect();
    }
    serde_json::from_slice(delivery.body)
        .unwrap_or_else(|_| json!(String::from_utf8_lossy(delivery.body)))
}

fn content_type(parts: &Parts) -> &str {
    let header = parts.headers.get(header::CONTENT_TYPE);
    header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Texts are answered as texts, everything else as JSON.
fn respond(reply: &Reply) -> Response<Bytes> {
    let (kind, body) = match &reply.body {
        Value::Null => ("text/plain", String::new()),
        Value::String(text) => ("text/plain", text.clone()),
        other => ("application/json; charset=utf-8", other.to_string()),
    };
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = reply.status;
    let kind = HeaderValue::from_static(kind);
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_the_service_and_the_operation() {
        let named = |path: &str| named(path).map(|(s, o)| format!("{s} {o}"));
        assert_eq!(
            named("/_sinks/slack/api/chat.postMessage").as_deref(),
            Some("slack chat.postMessage")
        );
        assert_eq!(
            named("/_sinks/slack/hook/T1/B1/x").as_deref(),
            Some("slack hook")
        );
        assert_eq!(
            named("/_sinks/slack/response/1").as_deref(),
            Some("slack response")
        );
        assert_eq!(named("/_sinks/teams/1").as_deref(), Some("teams post"));
        assert_eq!(named("/_sinks/webhook/1").as_deref(), Some("webhook post"));
        assert_eq!(named("/_sinks/mattermost/1"), None);
        assert_eq!(named("/_local/health"), None);
    }
}
