//! What sending to people takes, and one message for several of them.

use std::sync::Arc;
use std::time::Duration;

use channels::{
    Announcement, DeliveryMode, DispatchError, Dispatcher, Message, MessageKey, Outgoing, Post,
    Recipient, Subject, recipients,
};
use common::state::Table;
use contacts::{Channel, ChannelKind};
use environments::config::People;
use futures::future::join_all;
use jiff::Timestamp;
use ledger::Ledger;
use signing::{Keys, KeysError, OpaqueId};

use super::texts::Texts;
use crate::Function;
use crate::settings::Settings;

/// For one delivery with all its tries.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(8);
/// After so many failed tries a message is given up: it is in the log and in the answer.
const MAX_TRIES: u32 = 5;
/// The name of the topic of the settings among the channels. No configured one can have it.
pub const TOPIC_CHANNEL: &str = "0-topic";

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

/// One message for several recipients.
pub struct Broadcast<'a> {
    /// What it is about; each recipient gets it once for this and the occasion.
    pub id: &'a OpaqueId,
    /// Why: `notice`, `morning`, `problems`.
    pub occasion: &'a str,
    /// Whether it is too late to send it.
    pub is_late: &'a (dyn Fn() -> bool + Sync),
    /// The words for a recipient.
    pub news: &'a (dyn Fn(&Recipient, &'static Texts) -> Announcement + Sync),
}

impl<'a> Messenger<'a> {
    /// What was sent and asked for, each once.
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
    pub async fn keys(&self) -> Result<Arc<Keys>, KeysError> {
        let function = self.function;
        function.keyring.keys(&function.aws, function.now()).await
    }

    /// The present moment of the real clock.
    pub fn now(&self) -> Timestamp {
        self.function.now()
    }

    /// The recipients: the readers of the named channels and of the topic of the settings, each once.
    pub fn recipients(&self, names: &[String]) -> Vec<Recipient> {
        let topic = self.topic();
        let configured = self.people.into_iter();
        let channels = configured.flat_map(|people| people.channels_of(names));
        recipients(channels.chain(&topic))
    }

    fn topic(&self) -> Option<Channel> {
        let topic_arn = self.settings.topic.clone()?;
        Some(Channel {
            name: TOPIC_CHANNEL.to_owned(),
            kind: ChannelKind::Sns { topic_arn },
            language: None,
        })
    }

    /// How each message is sent once.
    pub fn dispatcher(&self) -> Dispatcher<'a> {
        Dispatcher {
            ledger: self.ledger(),
            outgoing: Outgoing {
                aws: &self.function.aws,
                http: &self.function.http,
                slack_api: &self.settings.slack_api_url,
                within: DELIVERY_TIMEOUT,
            },
            busy_timeout: None,
            max_tries: MAX_TRIES,
        }
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

    /// Sends to each recipient once, all at the same time; returns what could not be sent.
    pub async fn send(&self, to: &[Recipient], message: &Broadcast<'_>) -> Vec<DispatchError> {
        let sending = to.iter().map(|to| Box::pin(self.send_one(to, message)));
        let sent = join_all(sending).await;
        sent.into_iter().filter_map(Result::err).collect()
    }

    async fn send_one(&self, to: &Recipient, message: &Broadcast<'_>) -> Result<(), DispatchError> {
        let news = (message.news)(to, self.texts(&to.channel));
        let post = Post {
            message: &Message {
                subject: Subject::Announcement(&news),
                now: self.now(),
            },
            texts: &channels::Texts::of(self.language(&to.channel)),
            mode: DeliveryMode::New,
            is_late: message.is_late,
        };
        let what = MessageKey::About(message.id, message.occasion);
        self.dispatcher().send(what, to, post).await.map(drop)
    }
}
