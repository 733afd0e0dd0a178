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

/// A message on its way to a webhook.
pub(super) struct Webhook<'a> {
    pub(super) out: &'a Outgoing<'a>,
    pub(super) post: &'a DeliveryRequest<'a>,
    pub(super) end: Instant,
}

impl Webhook<'_> {
    /// Slack's incoming webhook.
    pub(super) async fn slack(&self, url: &SecretRef) -> Result<Delivered, Cause> {
        let Payload::Slack { text, blocks } = self.post.as_new() else {
            unreachable!("Slack's surface renders Slack's payload");
        };
        let body =
            json!({"text": text, "blocks": blocks, "unfurl_links": false, "unfurl_media": false});
        self.send(&self.secret(url).await?, &body, None).await
    }

    /// The Workflows webhook of Teams.
    pub(super) async fn teams(&self, url: &SecretRef) -> Result<Delivered, Cause> {
        let Payload::Teams(body) = self.post.as_new() else {
            unreachable!("Teams' surface renders Teams' payload");
        };
        self.send(&self.secret(url).await?, &body, None).await
    }

    /// The generic webhook.
    pub(super) async fn signed(
        &self,
        url: &Address,
        secret: &SecretRef,
    ) -> Result<Delivered, Cause> {
        let Payload::Webhook(body) = self.post.as_new() else {
            unreachable!("the webhook's surface renders the webhook's payload");
        };
        let key = Key::parse(&self.secret(secret).await?)?;
        let url = match url {
            Address::Plain(url) => url.clone(),
            Address::Secret(reference) => self.secret(reference).await?,
        };
        self.send(&url, &body, Some(key)).await
    }

    async fn secret(&self, reference: &SecretRef) -> Result<String, Cause> {
        self.out.secret(reference).await.map_err(Cause::Secret)
    }

    async fn send(&self, url: &str, body: &Value, key: Option<Key>) -> Result<Delivered, Cause> {
        let (body, url) = (body.to_string().into_bytes(), url.trim());
        let (id, now) = (self.post.id, self.post.message.now);
        let headers = key.map_or_else(Vec::new, |key| {
            let signature = standard_webhooks::sign(&key, id, now, &body);
            vec![
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", now.as_second().to_string()),
                ("webhook-signature", signature),
            ]
        });
        let request = Request {
            url,
            body,
            headers,
            now,
            within: self.end.saturating_duration_since(Instant::now()),
            judge: None,
            destination: Destination::Webhook,
        };
        let sent = send(self.out.http, &request).await;
        sent.map_err(|error| Cause::Request(error).masked(&[url]))?;
        Ok(Delivered::default())
    }
}
