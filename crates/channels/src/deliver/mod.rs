//! One message to one channel. Whether it was told before is the caller's question; here it is sent,
//! tried again where that helps, and either it is there or the error says what to do.

mod aws;
mod error;
mod slack_bot;
mod webhook;

use contacts::{Address, Channel, ChannelKind};
use serde_json::Value;
use tokio::time::Instant;

pub use error::{Cause, DeliverError};
use webhook::Webhook;

use crate::outgoing::Outgoing;
use crate::texts::Texts;
use crate::{Message, NoticeLength, Payload, Surface, render_as};

/// What is sent where.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryRequest<'a> {
    /// The place.
    pub channel: &'a Channel,
    /// What is told.
    pub message: &'a Message<'a>,
    /// In which words.
    pub texts: &'a Texts,
    /// How it stands to what was told before.
    pub mode: DeliveryMode<'a>,
    /// What makes this message one, for a receiver that is told twice: case and occasion, for example.
    /// The same in each retry, also in a later invocation.
    pub id: &'a str,
}

/// How a message stands to one that was delivered before. Where a channel can't do it, the message is
/// a new one.
#[derive(Debug, Clone, Copy)]
pub enum DeliveryMode<'a> {
    /// A new message.
    New,
    /// In place of the message.
    Update(&'a Value),
    /// An answer to the message.
    Thread(&'a Value),
}

/// A message that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// By what it can be changed or answered, where the channel can.
    pub message_ref: Option<Value>,
}

/// Delivers a message within `out.within`.
pub async fn deliver(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
) -> Result<Delivered, DeliverError> {
    let end = Instant::now() + out.within;
    let sent = tokio::time::timeout_at(end, send(out, post, end)).await;
    let sent = sent.unwrap_or(Err(Cause::Slow));
    sent.map_err(|why| DeliverError::new(&post.channel.name, why))
}

/// Reads what a delivery to this channel will need, for whoever has something else to wait for
/// meanwhile. What fails here fails again in [`deliver()`], which says why.
pub async fn prepare(out: &Outgoing<'_>, channel: &Channel) {
    let (one, other) = match &channel.kind {
        ChannelKind::Slack { token: one, .. }
        | ChannelKind::SlackWebhook { url: one }
        | ChannelKind::Teams { url: one } => (one, None),
        ChannelKind::Webhook { url, secret } => match url {
            Address::Plain(_) => (secret, None),
            Address::Secret(url) => (secret, Some(url)),
        },
        // AWS's own, reached with the function's role.
        ChannelKind::Ses { .. } | ChannelKind::Sns { .. } | ChannelKind::AmazonQ { .. } => return,
    };
    let other = async {
        match other {
            Some(other) => out.secret(other).await.err(),
            None => None,
        }
    };
    let client = async { out.warm() };
    let _ = tokio::join!(out.secret(one), other, client);
}

async fn send(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
    end: Instant,
) -> Result<Delivered, Cause> {
    let webhook = Webhook { out, post, end };
    match &post.channel.kind {
        ChannelKind::Slack { channel, token } => {
            slack_bot::bot(out, post, end, (channel, token)).await
        }
        ChannelKind::SlackWebhook { url } => webhook.slack(url).await,
        ChannelKind::Teams { url } => webhook.teams(url).await,
        ChannelKind::Webhook { url, secret } => webhook.signed(url, secret).await,
        ChannelKind::Ses { from, to } => aws::ses(out, post, (from, to)).await,
        ChannelKind::Sns { topic_arn } => aws::sns(out, post, topic_arn).await,
        ChannelKind::AmazonQ { topic_arn } => aws::amazon_q(out, post, topic_arn).await,
    }
}

impl DeliveryRequest<'_> {
    /// The payload for a channel in which each message is a new one: in place of an update, only what
    /// is new.
    fn as_new(&self) -> Payload {
        let shape = match self.mode {
            DeliveryMode::Update(_) => NoticeLength::Note,
            DeliveryMode::New | DeliveryMode::Thread(_) => self.message.shape(),
        };
        self.rendered(shape)
    }

    fn rendered(&self, shape: NoticeLength) -> Payload {
        render_as(
            self.message,
            shape,
            Surface::of(&self.channel.kind),
            self.texts,
        )
    }
}
