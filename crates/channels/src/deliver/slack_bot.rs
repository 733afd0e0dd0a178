//! Slack through a bot: new messages, changed messages, answers in a thread.
//! <https://docs.slack.dev/reference/methods/chat.postMessage>

use serde_json::{Value, json};
use strict_yaml::SecretRef;
use tokio::time::Instant;

use super::{Cause, Delivered, DeliveryMode, DeliveryRequest};
use crate::outgoing::{Destination, Outgoing, Request, RequestError, send};
use crate::{NoticeLength, NoticeReason, Payload};

/// Posts, changes or answers.
pub(super) async fn bot(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
    end: Instant,
    (channel, token): (&str, &SecretRef),
) -> Result<Delivered, Cause> {
    let token = out.secret(token).await.map_err(Cause::Secret)?;
    let bot = Bot {
        out,
        token: token.trim(),
        end,
        post,
    };
    match post.mode {
        DeliveryMode::New => bot.say(channel, post.message.shape(), None).await,
        DeliveryMode::Update(message) => bot.change(channel, message).await,
        DeliveryMode::Thread(message) => bot.answer(channel, message).await,
    }
}

struct Bot<'a> {
    out: &'a Outgoing<'a>,
    token: &'a str,
    end: Instant,
    post: &'a DeliveryRequest<'a>,
}

impl Bot<'_> {
    async fn say(
        &self,
        channel: &str,
        shape: NoticeLength,
        thread: Option<&str>,
    ) -> Result<Delivered, Cause> {
        let mut body = self.body(channel, shape);
        if let Some(ts) = thread {
            body["thread_ts"] = json!(ts);
            // A reminder that only its thread shows reminds nobody.
            let notice = self.post.message.approval();
            if notice.is_some_and(|one| matches!(one.occasion, NoticeReason::Reminder { .. })) {
                body["reply_broadcast"] = json!(true);
            }
        }
        let answer = self.call("chat.postMessage", &body).await?;
        reference(&answer).ok_or(Cause::Answer)
    }

    /// Changes the message; if it is gone or can't be changed, people are told anew.
    async fn change(&self, channel: &str, message: &Value) -> Result<Delivered, Cause> {
        let Some((place, ts)) = place(message) else {
            return self.say(channel, NoticeLength::Note, None).await;
        };
        let mut body = self.body(place, NoticeLength::Whole);
        body["ts"] = json!(ts);
        match self.call("chat.update", &body).await {
            Ok(answer) => Ok(reference(&answer).unwrap_or(Delivered {
                message_ref: Some(message.clone()),
            })),
            Err(Cause::Slack { code, .. }) if is_gone(&code) => {
                self.say(channel, NoticeLength::Note, None).await
            }
            Err(why) => Err(why),
        }
    }

    /// Answers the message; if it is gone, people are told anew.
    async fn answer(&self, channel: &str, message: &Value) -> Result<Delivered, Cause> {
        let Some((place, ts)) = place(message) else {
            return self.say(channel, self.post.message.shape(), None).await;
        };
        match self.say(place, NoticeLength::Note, Some(ts)).await {
            Err(Cause::Slack { code, .. }) if is_gone(&code) => {
                self.say(channel, self.post.message.shape(), None).await
            }
            told => told,
        }
    }

    /// Slack makes nothing of a text that was not meant: no previews, no links, no names.
    fn body(&self, channel: &str, shape: NoticeLength) -> Value {
        let Payload::Slack { text, blocks } = self.post.rendered(shape) else {
            unreachable!("Slack's surface renders Slack's payload");
        };
        json!({
            "channel": channel,
            "text": text,
            "blocks": blocks,
            "link_names": false,
            "parse": "none",
            "unfurl_links": false,
            "unfurl_media": false,
        })
    }

    async fn call(&self, method: &str, body: &Value) -> Result<Value, Cause> {
        let url = format!("{}/{method}", self.out.slack_api.trim_end_matches('/'));
        let request = Request {
            url: &url,
            body: body.to_string().into_bytes(),
            headers: vec![("authorization", format!("Bearer {}", self.token))],
            now: self.post.message.now,
            within: self.end.saturating_duration_since(Instant::now()),
            judge: Some(judge),
            destination: Destination::Slack(self.out.slack_api),
        };
        let sent = send(self.out.http, &request).await;
        let response = sent.map_err(|error| why(error).masked(&[self.token]))?;
        let answer: Value = serde_json::from_slice(&response.body).map_err(|_| Cause::Answer)?;
        (answer["ok"] == true)
            .then_some(answer)
            .ok_or(Cause::Answer)
    }
}

/// Slack says no with a status of success.
fn judge(body: &[u8]) -> Option<RequestError> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    if answer["ok"] == true {
        return None;
    }
    let code = text::clean::cut(&text::clean::line(answer["error"].as_str()?), 60);
    let passes = passes(&code);
    Some(RequestError::Said { code, passes })
}

fn why(error: RequestError) -> Cause {
    match error {
        RequestError::Said { code, .. } => {
            let remedy = remedy(&code);
            Cause::Slack { code, remedy }
        }
        error => Cause::Request(error),
    }
}

fn reference(answer: &Value) -> Option<Delivered> {
    let (channel, ts) = place(answer)?;
    Some(Delivered {
        message_ref: Some(json!({"channel": channel, "ts": ts})),
    })
}

/// Channel and time stamp, which together name a message.
fn place(message: &Value) -> Option<(&str, &str)> {
    Some((message["channel"].as_str()?, message["ts"].as_str()?))
}

fn is_gone(code: &str) -> bool {
    matches!(
        code,
        "message_not_found"
            | "cant_update_message"
            | "edit_window_closed"
            | "thread_not_found"
            | "cannot_reply_to_message"
    )
}

/// Whether Slack's error passes by itself.
pub(super) fn passes(code: &str) -> bool {
    matches!(
        code,
        "ratelimited"
            | "rate_limited"
            | "internal_error"
            | "fatal_error"
            | "request_timeout"
            | "service_unavailable"
            | "team_added_to_org"
            | "message_limit_exceeded"
    )
}

/// What to do about Slack's codes.
fn remedy(code: &str) -> &'static str {
    match code {
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            "store a valid bot token (xoxb-…) in the channel's secret"
        }
        "missing_scope" | "no_permission" | "ekm_access_denied" | "restricted_action" => {
            "give the app the scope chat:write and install it anew"
        }
        "not_in_channel" | "channel_not_found" => {
            "check the channel's id, and invite the app: /invite @app"
        }
        "is_archived" => "the channel is archived; configure another one",
        "invalid_blocks" | "invalid_blocks_format" | "msg_too_long" | "msg_blocks_too_long" => {
            "the message does not fit; this is a defect of deploy-hooks, please report it"
        }
        code if passes(code) => "this passes; it is tried again",
        _ => "see https://docs.slack.dev/reference/methods/chat.postMessage#errors",
    }
}
