//! `channels:` of a configuration, and lists of their names and of people. A configuration has a directory,
//! whatever else it is about.

use std::collections::BTreeMap;

use strict_yaml::words::list;
use strict_yaml::{Findings, Node, Object, Position, SecretRef, Value, entries, items, scalar};

use crate::decode::{formed, label, language, words};
use crate::link::https_link;
use crate::{Address, Approver, Channel, ChannelKind, forms, keys};

const CHANNEL_KINDS: [&str; 7] = [
    "slack",
    "slack_webhook",
    "teams",
    "ses",
    "sns",
    "webhook",
    "amazon_q",
];

const MAX_CHANNELS: usize = 100;
const MAX_APPROVERS: usize = 200;
/// SES takes 50 recipients a call; each gets a message of their own, and time is short.
const MAX_RECIPIENTS: usize = 50;

const TOPIC_REMEDY: &str = "write the whole ARN: arn:aws:sns:eu-central-1:111122223333:releases";

/// The channels of a configuration.
#[derive(Debug, Default)]
pub struct Directory {
    /// Those that could be read, by name.
    pub channels: BTreeMap<String, Channel>,
    /// The names of all: a channel that is wrong is not unknown as well.
    names: Vec<String>,
}

impl Directory {
    /// Reads `channels:`.
    pub fn read(node: &Node, problems: &Findings) -> Self {
        let (channels, names) = all(node, problems);
        Self { channels, names }
    }

    /// Names of these channels: at least one, each known, none twice.
    pub fn named(&self, node: &Node, label: &str, problems: &Findings) -> Option<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for (at, name) in words(node, label, problems)? {
            if self.knows(at.at, name, problems) && !names.iter().any(|earlier| earlier == name) {
                names.push(name.to_owned());
            }
        }
        Some(names)
    }

    /// Whether the channel is there; otherwise a problem says so.
    pub fn knows(&self, at: Position, name: &str, problems: &Findings) -> bool {
        let known = self.names.iter().any(|known| known == name);
        if !known {
            let names = || self.names.iter().map(String::as_str);
            let remedy = match problems.nearest(name, names()) {
                Some(near) => format!("did you mean {near:?}?"),
                None if self.names.is_empty() => "add it under `channels:`".to_owned(),
                None => format!("add it under `channels:`; known are {}", list(names())),
            };
            problems.add(at, format!("there is no channel {name:?}"), remedy);
        }
        known
    }

    /// People and holders of links, each once; none if one of them is wrong.
    pub fn approvers(
        &self,
        node: &Node,
        label: &str,
        problems: &Findings,
    ) -> Option<Vec<Approver>> {
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            return Some(Vec::new());
        }
        let nodes = items(node, label, problems)?;
        if nodes.len() > MAX_APPROVERS {
            let message = format!("there are more than {MAX_APPROVERS} {label}");
            problems.add(node.at, message, "name those who really decide");
            return None;
        }
        let mut approvers: Vec<Approver> = Vec::new();
        let mut right = true;
        for node in nodes {
            let read = scalar::text(node, label, problems)
                .and_then(|written| self.approver(node.at, written, problems));
            match read {
                None => right = false,
                Some(approver) if approvers.contains(&approver) => {
                    problems.add(
                        node.at,
                        format!("{label} has {approver} twice"),
                        "remove one",
                    );
                }
                Some(approver) => approvers.push(approver),
            }
        }
        right.then_some(approvers)
    }

    /// One of them.
    pub fn approver(&self, at: Position, written: &str, problems: &Findings) -> Option<Approver> {
        let Ok(approver) = written.parse::<Approver>() else {
            let message = format!("{written:?} names no approver");
            let remedy = "write slack:T0123ABCD/U0123ABCD (workspace and member id; names can be changed by \
                          their owners), email:lead@example.com or link:CHANNEL";
            problems.add(at, message, remedy);
            return None;
        };
        if let Approver::Link(channel) = &approver {
            if !self.knows(at, channel, problems) {
                return None;
            }
            let mail = self.channels.get(channel);
            if mail.is_some_and(|channel| matches!(channel.kind, ChannelKind::Ses { .. })) {
                let message =
                    format!("{written}: each recipient of {channel:?} gets a link of their own");
                let remedy = "name those who may decide: email:lead@example.com";
                problems.add(at, message, remedy);
                return None;
            }
        }
        Some(approver)
    }
}

/// The channels that could be read, and the names of all.
fn all(node: &Node, problems: &Findings) -> (BTreeMap<String, Channel>, Vec<String>) {
    let mut channels = BTreeMap::new();
    let mut names = Vec::new();
    let found = entries(node, "channels", problems).unwrap_or_default();
    if found.is_empty() && matches!(node.value, Value::Map(_)) {
        let remedy = "add one: `release-room: {slack: {channel: …, token: …}}`";
        problems.add(node.at, "there are no channels", remedy);
    }
    if found.len() > MAX_CHANNELS {
        let message = format!("there are more than {MAX_CHANNELS} channels");
        problems.add(node.at, message, "remove those that no route needs");
        return (channels, names);
    }
    for (key, value) in found {
        names.push(key.text.clone());
        let right = label(&key.text, key.at, "a channel", problems);
        let Some(object) = Object::read(value, &keys::CHANNEL, problems) else {
            continue;
        };
        let language = language(&object, problems);
        let kind = kind(&object, problems);
        if let Some(kind) = kind.filter(|_| right) {
            let name = key.text.clone();
            let channel = Channel {
                name: name.clone(),
                kind,
                language,
            };
            channels.insert(name, channel);
        }
    }
    (channels, names)
}

fn kind(object: &Object<'_>, problems: &Findings) -> Option<ChannelKind> {
    let found: Vec<&str> = CHANNEL_KINDS
        .into_iter()
        .filter(|kind| object.get(kind).is_some())
        .collect();
    let [kind] = found.as_slice() else {
        if found.len() > 1 {
            let message = format!("the channel is both {:?} and {:?}", found[0], found[1]);
            problems.add(object.at, message, "make it two channels");
        } else if !object.has_unknown_keys() {
            let remedy = format!("add one of {}", strict_yaml::words::list(CHANNEL_KINDS));
            problems.add(object.at, "the channel leads nowhere", remedy);
        }
        return None;
    };
    let node = object.get(kind)?;
    match *kind {
        "slack" => slack(node, problems),
        "slack_webhook" => {
            let object = Object::read(node, &keys::SLACK_WEBHOOK, problems)?;
            let url = secret(&object, "url", "the webhook's URL", problems)?;
            Some(ChannelKind::SlackWebhook { url })
        }
        "teams" => {
            let object = Object::read(node, &keys::TEAMS, problems)?;
            let url = secret(&object, "url", "the webhook's URL", problems)?;
            Some(ChannelKind::Teams { url })
        }
        "ses" => ses(node, problems),
        "webhook" => webhook(node, problems),
        "sns" => {
            let object = Object::read(node, &keys::SNS, problems)?;
            let topic_arn = topic(&object, problems)?;
            Some(ChannelKind::Sns { topic_arn })
        }
        _ => {
            let object = Object::read(node, &keys::AMAZON_Q, problems)?;
            let topic_arn = topic(&object, problems)?;
            Some(ChannelKind::AmazonQ { topic_arn })
        }
    }
}

fn slack(node: &Node, problems: &Findings) -> Option<ChannelKind> {
    let object = Object::read(node, &keys::SLACK, problems)?;
    let channel = object.require("channel", problems).and_then(|node| {
        let remedy = "write the channel's id, such as C0123ABCD: names can be changed by anybody; \
                      Slack shows the id at the end of a channel's details";
        let right = |text: &str| forms::is_slack_id(text, "CGD");
        formed(node, "channel", (right, remedy), problems)
    });
    let token = secret(&object, "token", "the bot token", problems);
    Some(ChannelKind::Slack {
        channel: channel?,
        token: token?,
    })
}

fn ses(node: &Node, problems: &Findings) -> Option<ChannelKind> {
    let object = Object::read(node, &keys::SES, problems)?;
    let from = object.require("from", problems).and_then(|node| {
        let remedy = "write an address, or `Name <address>`: releases@example.com";
        formed(node, "from", (forms::is_sender, remedy), problems)
    });
    let to = object.require("to", problems).and_then(|node| {
        let written = words(node, "to", problems)?;
        if written.len() > MAX_RECIPIENTS {
            let message = format!("there are more than {MAX_RECIPIENTS} recipients");
            problems.add(node.at, message, "write to a mailing list or an SNS topic");
            return None;
        }
        let address = |(node, _): (&Node, &str)| {
            let remedy = "write a plain address: lead@example.com";
            formed(node, "to", (forms::is_email, remedy), problems)
        };
        let read: Vec<Option<String>> = written.into_iter().map(address).collect();
        read.into_iter().collect::<Option<Vec<_>>>()
    });
    Some(ChannelKind::Ses {
        from: from?,
        to: to?,
    })
}

fn webhook(node: &Node, problems: &Findings) -> Option<ChannelKind> {
    let object = Object::read(node, &keys::WEBHOOK, problems)?;
    let url = object
        .require("url", problems)
        .and_then(|node| address(node, problems));
    let secret = secret(&object, "secret", "the signing secret", problems);
    Some(ChannelKind::Webhook {
        url: url?,
        secret: secret?,
    })
}

/// A URL, or where one is kept. What is wrong is not repeated: it may hold credentials.
fn address(node: &Node, problems: &Findings) -> Option<Address> {
    let written = scalar::text(node, "url", problems)?;
    let address = SecretRef::parse(written)
        .map(Address::Secret)
        .or_else(|| https_link(written).map(Address::Plain));
    if address.is_none() {
        let remedy = format!(
            "write https://HOST/PATH without user and password, or {}",
            SecretRef::SECRET_FORMS
        );
        problems.add(node.at, "url is not an https URL", remedy);
    }
    address
}

fn secret(object: &Object<'_>, key: &str, label: &str, problems: &Findings) -> Option<SecretRef> {
    let node = object.require(key, problems)?;
    SecretRef::read(node, label, "configuration", problems)
}

fn topic(object: &Object<'_>, problems: &Findings) -> Option<String> {
    let node = object.require("topic_arn", problems)?;
    formed(
        node,
        "topic_arn",
        (forms::is_topic_arn, TOPIC_REMEDY),
        problems,
    )
}
