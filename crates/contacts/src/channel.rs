//! Channels: places where people or machines get messages, and how each is reached.

use strict_yaml::SecretRef;

use crate::Language;

/// A configured place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name in the configuration.
    pub name: String,
    /// What it is, and how it is reached.
    pub kind: ChannelKind,
    /// Its own language.
    pub language: Option<Language>,
}

/// What a channel is, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelKind {
    /// Slack through a bot: messages can be changed, threads can be answered.
    Slack {
        /// The channel's id, `C…`, `G…` or `D…`.
        channel: String,
        /// The bot token, `xoxb-…`.
        token: SecretRef,
    },
    /// Slack through an incoming webhook: each message is new.
    SlackWebhook {
        /// The webhook's URL, which is a secret.
        url: SecretRef,
    },
    /// Microsoft Teams through a Workflows webhook.
    Teams {
        /// The webhook's URL, which is a secret.
        url: SecretRef,
    },
    /// E-mail through SES; each recipient gets links of their own.
    Ses {
        /// The sender, an address or `Name <address>`.
        from: String,
        /// The recipients' addresses.
        to: Vec<String>,
    },
    /// An SNS topic; its subscribers get plain text.
    Sns {
        /// The topic.
        topic_arn: String,
    },
    /// A machine, called as the Standard Webhooks specification says.
    Webhook {
        /// Where.
        url: Address,
        /// The signing secret, `whsec_…` or any text.
        secret: SecretRef,
    },
    /// Amazon Q Developer in chat applications, which listens to an SNS topic.
    AmazonQ {
        /// The topic.
        topic_arn: String,
    },
}

/// The address of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An https URL without credentials.
    Plain(String),
    /// Where the URL is kept.
    Secret(SecretRef),
}
