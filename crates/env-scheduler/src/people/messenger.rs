//! Who gets a message, and sending it: once to each, even if two runs try at the same time.
//!
//! Whoever opens a link is taken for its recipient. So a mailbox never gets the links of another, and what a whole channel
//! sees names the channel and no person.

use std::sync::Arc;
use std::time::Duration;

use channels::{Announcement, DeliveryRequest, Links, Message, Mode, Occasion, Outgoing};
use common::state::Table;
use contacts::{Approver, Channel, ChannelKind};
use environments::config::People;
use futures::future::join_all;
use jiff::Timestamp;
use ledger::{Claim, Ledger};
use signing::Keys;
use signing::OpaqueId;

use super::texts::Texts;
use crate::Function;
use crate::settings::Settings;

/// For one delivery with all its tries.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(8);
/// After so many failed tries a message is given up: it is in the log and in the answer.
const MAX_TRIES: u32 = 5;
/// The name of the topic of the settings among the channels. No configured one can have it.
pub const TOPIC: &str = "0-topic";

/// What sending needs.
#[derive(Clone, Copy)]
pub struct Messenger<'a> {
    /// The function.
    pub function: &'a Function,
    /// Its settings.
    pub settings: &'a Settings,
    /// The configured people; none where the configuration can't be read.
    pub people: Option<&'a People>,
}

/// One who gets messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The channel; one of mail has this one mailbox.
    pub channel: Channel,
    /// Its name in records: the channel's, with the mailbox where it has several readers.
    pub key: String,
    /// Whose links it gets; none: it gets no links.
    pub by: Option<Approver>,
}

/// One message for several recipients.
pub struct Broadcast<'a> {
    /// What it is about; each recipient gets it once for this and the occasion.
    pub id: &'a OpaqueId,
    /// Why: `notice`, `morning`, `trouble`.
    pub occasion: &'a str,
    /// Whether it is too late to send it.
    pub is_over: &'a (dyn Fn() -> bool + Sync),
    /// The words for a recipient.
    pub news: &'a (dyn Fn(&Recipient, &'static Texts) -> Announcement + Sync),
}

impl<'a> Messenger<'a> {
    /// What was told and asked for, each once.
    pub fn ledger(&self) -> Ledger<'a> {
        Ledger::new(self.table(), &*self.function.clock, &*self.function.new_id)
    }

    /// The function's own state table.
    pub fn table(&self) -> Table<'a> {
        Table {
            aws: &self.function.aws,
            name: &self.settings.state_table,
        }
    }

    /// The keys that links are signed with.
    pub async fn keys(&self) -> Result<Arc<Keys>, String> {
        let function = self.function;
        let keys = function.keyring.keys(&function.aws, function.now()).await;
        keys.map_err(|error| error.to_string())
    }

    /// The present moment of the real clock.
    pub fn now(&self) -> Timestamp {
        self.function.now()
    }

    /// The recipients: the named channels, each reader once, and the topic of the settings.
    pub fn recipients(&self, names: &[String]) -> Vec<Recipient> {
        let configured = self.people.into_iter();
        let mut all: Vec<Recipient> = configured
            .flat_map(|people| people.channels_of(names))
            .flat_map(readers)
            .collect();
        all.extend(self.topic());
        all
    }

    fn topic(&self) -> Option<Recipient> {
        let topic_arn = self.settings.topic.clone()?;
        Some(Recipient {
            channel: Channel {
                name: TOPIC.to_owned(),
                kind: ChannelKind::Sns { topic_arn },
                language: None,
            },
            key: TOPIC.to_owned(),
            by: None,
        })
    }

    /// The words for a channel.
    pub fn texts(&self, channel: &Channel) -> &'static Texts {
        Texts::of(self.language(channel))
    }

    fn language(&self, channel: &Channel) -> contacts::Language {
        self.people
            .map(|people| people.language_of(channel))
            .unwrap_or_default()
    }

    /// Sends to each recipient once, all at the same time; returns what could not be sent, in sentences.
    pub async fn tell(&self, recipients: &[Recipient], message: &Broadcast<'_>) -> Vec<String> {
        let telling = recipients
            .iter()
            .map(|to| Box::pin(self.tell_one(to, message)));
        let told = join_all(telling).await;
        told.into_iter().filter_map(Result::err).collect()
    }

    async fn tell_one(&self, to: &Recipient, message: &Broadcast<'_>) -> Result<(), String> {
        if (message.is_over)() {
            return Ok(());
        }
        let ledger = self.ledger();
        let claim = ledger
            .claim_delivery(message.id, message.occasion, &to.key)
            .await
            .map_err(|error| error.to_string())?;
        let claim = match claim {
            Claim::Granted(claim) if claim.tries() <= MAX_TRIES => claim,
            Claim::Granted(claim) => {
                let given_up = ledger.delivery_failed(claim, "given up").await;
                return given_up.map(drop).map_err(|error| error.to_string());
            }
            // Told before, or somebody is at it.
            Claim::AlreadySent(_) | Claim::Busy { .. } => return Ok(()),
        };
        // Claiming took its time.
        if (message.is_over)() {
            let late = ledger.delivery_failed(claim, "too late").await;
            return late.map(drop).map_err(|error| error.to_string());
        }
        match self.deliver(to, message).await {
            Ok(reference) => {
                let noted = ledger.delivered(claim, reference).await;
                noted.map(drop).map_err(|error| error.to_string())
            }
            Err(why) => {
                if let Err(error) = ledger.delivery_failed(claim, &why).await {
                    tracing::warn!("a claim could not be restored and runs out by itself: {error}");
                }
                Err(why)
            }
        }
    }

    async fn deliver(
        &self,
        to: &Recipient,
        message: &Broadcast<'_>,
    ) -> Result<Option<serde_json::Value>, String> {
        let news = (message.news)(to, self.texts(&to.channel));
        let rendered = Message {
            occasion: Occasion::Announcement(&news),
            case: None,
            links: Links::default(),
            mentions: &[],
            waiting: false,
            now: self.now(),
        };
        let post = DeliveryRequest {
            channel: &to.channel,
            recipient: None,
            message: &rendered,
            texts: &channels::Texts::of(self.language(&to.channel)),
            mode: Mode::New,
            id: &format!("{}-{}", message.id, message.occasion),
        };
        let out = Outgoing {
            aws: &self.function.aws,
            http: &self.function.http,
            slack_api: &self.settings.slack_api_url,
            within: DELIVERY_TIMEOUT,
        };
        let delivered = channels::deliver(&out, &post).await;
        delivered
            .map(|delivered| delivered.message_ref)
            .map_err(|error| error.to_string())
    }
}

fn readers(channel: &Channel) -> Vec<Recipient> {
    let ChannelKind::Ses { from, to } = &channel.kind else {
        return vec![Recipient {
            channel: channel.clone(),
            key: channel.name.clone(),
            by: Some(Approver::Link(channel.name.clone())),
        }];
    };
    let mailbox = |address: &String| Recipient {
        channel: Channel {
            kind: ChannelKind::Ses {
                from: from.clone(),
                to: vec![address.clone()],
            },
            ..channel.clone()
        },
        key: format!("{}:{address}", channel.name),
        by: Some(Approver::Email(address.to_ascii_lowercase())),
    };
    to.iter().map(mailbox).collect()
}
