//! From a message to what a channel is sent. Pure: the same message gives the same bytes.
//!
//! Whatever stands in a briefing, a message stays within the limits of its service, nothing in it does
//! anything (no mention, no markup, no link that isn't https), and no approval token is in it.

mod amazon_q;
mod fitting;
mod generic_webhook;
mod mail;
mod masked;
mod plain;
mod preview;
mod size;
mod slack_actions;
mod slack_markup;
mod slack_message;
mod teams;

use contacts::ChannelKind;
use serde_json::Value;

pub use size::Size;

use crate::body::MessageBody;
use crate::texts::Texts;
use crate::{Message, NoticeLength};

/// What a message is rendered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// Slack, with buttons that our app hears of.
    Slack,
    /// A Slack webhook, whose app may hear of nothing: buttons are links, where there are links.
    SlackWebhook,
    /// An Adaptive Card for a Workflows webhook.
    Teams,
    /// A mail with HTML.
    Mail,
    /// A message of SNS, which people get as plain mail.
    SnsMail,
    /// JSON for machines.
    Webhook,
    /// A custom notification of Amazon Q Developer in chat applications.
    AmazonQ,
}

impl Surface {
    /// What a channel shows.
    pub fn of(kind: &ChannelKind) -> Self {
        match kind {
            ChannelKind::Slack { .. } => Self::Slack,
            ChannelKind::SlackWebhook { .. } => Self::SlackWebhook,
            ChannelKind::Teams { .. } => Self::Teams,
            ChannelKind::Ses { .. } => Self::Mail,
            ChannelKind::Sns { .. } => Self::SnsMail,
            ChannelKind::Webhook { .. } => Self::Webhook,
            ChannelKind::AmazonQ { .. } => Self::AmazonQ,
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::SlackWebhook => "Slack webhook",
            Self::Teams => "Microsoft Teams",
            Self::Mail => "e-mail",
            Self::SnsMail => "SNS",
            Self::Webhook => "webhook",
            Self::AmazonQ => "Amazon Q",
        }
    }
}

/// A rendered message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// For `chat.postMessage`, `chat.update` and incoming webhooks.
    Slack {
        /// For notifications and screen readers.
        text: String,
        /// The blocks.
        blocks: Value,
    },
    /// The message around an Adaptive Card.
    Teams(Value),
    /// A mail.
    Mail {
        /// One line.
        subject: String,
        /// The page.
        html: String,
        /// The same as text.
        text: String,
    },
    /// A message of SNS.
    SnsMail {
        /// One line of ASCII.
        subject: String,
        /// Plain text.
        text: String,
    },
    /// The documented machine format.
    Webhook(Value),
    /// A custom notification.
    AmazonQ(Value),
}

/// Renders a new message.
pub fn render(message: &Message<'_>, surface: Surface, texts: &Texts) -> Payload {
    render_as(message, message.shape(), surface, texts)
}

/// Renders a message of a given shape: a [`NoticeLength::Note`] for a thread, a [`NoticeLength::Whole`] in place of
/// a first message.
pub fn render_as(
    message: &Message<'_>,
    shape: NoticeLength,
    surface: Surface,
    texts: &Texts,
) -> Payload {
    let masker = masked::masker(message);
    let cleared = masked::Masked::of(message, &masker);
    let message = &Message {
        subject: cleared.subject(),
        now: message.now,
    };
    let body = |detail| MessageBody::of(message, shape, texts, detail);
    let payload = match surface {
        Surface::Slack => slack_message::message(&body(&slack_message::DETAIL), false, texts),
        Surface::SlackWebhook => slack_message::message(&body(&slack_message::DETAIL), true, texts),
        Surface::Teams => teams::message(&body(&teams::DETAIL).linked(), texts),
        Surface::Mail => mail::mail(&body(&mail::DETAIL).linked(), texts),
        Surface::SnsMail => plain::sns(&body(&mail::DETAIL).linked(), texts),
        Surface::Webhook => Payload::Webhook(generic_webhook::event(message)),
        Surface::AmazonQ => {
            amazon_q::notification(&body(&amazon_q::DETAIL).linked(), message, texts)
        }
    };
    masked::sent(&masker, payload)
}
