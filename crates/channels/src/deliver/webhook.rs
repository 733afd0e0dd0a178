//! Channels that are a URL: Slack's and Teams' webhooks, and the signed generic one. Each message is a
//! new one.

use approvals::config::Address;
use serde_json::{Value, json};
use strict_yaml::SecretRef;
use tokio::time::Instant;

use super::{Delivered, Post, Why};
use crate::Payload;
use crate::outgoing::{Outgoing, Place, Request, send};
use crate::standard_webhooks::{self, Key};

/// Slack's incoming webhook.
pub(super) async fn slack(
    out: &Outgoing<'_>,
    post: &Post<'_>,
    end: Instant,
    url: &SecretRef,
) -> Result<Delivered, Why> {
    let Payload::Slack { text, blocks } = post.as_new() else {
        unreachable!("Slack's surface renders Slack's payload");
    };
    let body =
        json!({"text": text, "blocks": blocks, "unfurl_links": false, "unfurl_media": false});
    let url = out.secret(url).await.map_err(Why::Secret)?;
    to(
        out,
        post,
        end,
        Letter {
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
    post: &Post<'_>,
    end: Instant,
    url: &SecretRef,
) -> Result<Delivered, Why> {
    let Payload::Teams(body) = post.as_new() else {
        unreachable!("Teams' surface renders Teams' payload");
    };
    let url = out.secret(url).await.map_err(Why::Secret)?;
    to(
        out,
        post,
        end,
        Letter {
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
    post: &Post<'_>,
    end: Instant,
    (url, secret): (&Address, &SecretRef),
) -> Result<Delivered, Why> {
    let Payload::Webhook(body) = post.as_new() else {
        unreachable!("the webhook's surface renders the webhook's payload");
    };
    let secret = out.secret(secret).await.map_err(Why::Secret)?;
    let key = Key::parse(&secret)?;
    let url = match url {
        Address::Plain(url) => url.clone(),
        Address::Secret(reference) => out.secret(reference).await.map_err(Why::Secret)?,
    };
    to(
        out,
        post,
        end,
        Letter {
            url: &url,
            body,
            key: Some(key),
        },
    )
    .await
}

struct Letter<'a> {
    url: &'a str,
    body: Value,
    key: Option<Key>,
}

async fn to(
    out: &Outgoing<'_>,
    post: &Post<'_>,
    end: Instant,
    letter: Letter<'_>,
) -> Result<Delivered, Why> {
    let body = letter.body.to_string().into_bytes();
    let now = post.scene.now;
    let headers = letter.key.map_or_else(Vec::new, |key| {
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
        url: letter.url.trim(),
        body,
        headers,
        now,
        within: end.saturating_duration_since(Instant::now()),
        judge: None,
        place: Place::Webhook,
    };
    let sent = send(out.http, &request).await;
    sent.map_err(|trouble| Why::Request(trouble).masked(&[letter.url.trim()]))?;
    Ok(Delivered::default())
}
