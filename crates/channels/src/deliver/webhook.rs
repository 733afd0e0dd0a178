//! Channels that are a URL: Slack's and Teams' webhooks, and the signed generic one. Each message is a
//! new one.

use contacts::Address;
use serde_json::{Value, json};
use strict_yaml::SecretRef;
use tokio::time::Instant;

use super::{Cause, Delivered, DeliveryRequest};
use crate::Payload;
use crate::outgoing::{Destination, Outgoing, Request, send};
use crate::standard_webhooks::{self, Key};

/// Slack's incoming webhook.
pub(super) async fn slack(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
    end: Instant,
    url: &SecretRef,
) -> Result<Delivered, Cause> {
    let Payload::Slack { text, blocks } = post.as_new() else {
        unreachable!("Slack's surface renders Slack's payload");
    };
    let body =
        json!({"text": text, "blocks": blocks, "unfurl_links": false, "unfurl_media": false});
    let url = out.secret(url).await.map_err(Cause::Secret)?;
    to(
        out,
        post,
        end,
        WebhookCall {
            url: &url,
            body,
            key: None,
        },
    )
    .await
}

/// The Workflows webhook of Teams.
pub(super) async fn teams(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
    end: Instant,
    url: &SecretRef,
) -> Result<Delivered, Cause> {
    let Payload::Teams(body) = post.as_new() else {
        unreachable!("Teams' surface renders Teams' payload");
    };
    let url = out.secret(url).await.map_err(Cause::Secret)?;
    to(
        out,
        post,
        end,
        WebhookCall {
            url: &url,
            body,
            key: None,
        },
    )
    .await
}

/// The generic webhook.
pub(super) async fn signed(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
    end: Instant,
    (url, secret): (&Address, &SecretRef),
) -> Result<Delivered, Cause> {
    let Payload::Webhook(body) = post.as_new() else {
        unreachable!("the webhook's surface renders the webhook's payload");
    };
    let secret = out.secret(secret).await.map_err(Cause::Secret)?;
    let key = Key::parse(&secret)?;
    let url = match url {
        Address::Plain(url) => url.clone(),
        Address::Secret(reference) => out.secret(reference).await.map_err(Cause::Secret)?,
    };
    to(
        out,
        post,
        end,
        WebhookCall {
            url: &url,
            body,
            key: Some(key),
        },
    )
    .await
}

struct WebhookCall<'a> {
    url: &'a str,
    body: Value,
    key: Option<Key>,
}

async fn to(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
    end: Instant,
    call: WebhookCall<'_>,
) -> Result<Delivered, Cause> {
    let body = call.body.to_string().into_bytes();
    let now = post.message.now;
    let headers = call.key.map_or_else(Vec::new, |key| {
        vec![
            ("webhook-id", post.id.to_owned()),
            ("webhook-timestamp", now.as_second().to_string()),
            (
                "webhook-signature",
                standard_webhooks::sign(&key, post.id, now, &body),
            ),
        ]
    });
    let request = Request {
        url: call.url.trim(),
        body,
        headers,
        now,
        within: end.saturating_duration_since(Instant::now()),
        judge: None,
        destination: Destination::Webhook,
    };
    let sent = send(out.http, &request).await;
    sent.map_err(|error| Cause::Request(error).masked(&[call.url.trim()]))?;
    Ok(Delivered::default())
}
