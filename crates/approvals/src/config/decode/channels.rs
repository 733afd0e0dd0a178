//! `channels:`

use std::collections::BTreeMap;

use strict_yaml::{Findings, Node, Object, SecretRef, Value, entries, scalar};

use super::{formed, label, language, words};
use crate::config::{Address, Channel, ChannelKind, FILE, forms, keys};
use crate::message::https_link;

const KINDS: [&str; 7] = [
    "slack",
    "slack_webhook",
    "teams",
    "ses",
    "sns",
    "webhook",
    "amazon_q",
];

/// More channels than this are a mistake.
const CHANNEL_LIMIT: usize = 100;
/// SES takes 50 recipients a call; each gets a message of their own, and time is short.
const RECIPIENT_LIMIT: usize = 50;

const TOPIC: &str = "write the whole ARN: arn:aws:sns:eu-central-1:111122223333:releases";

/// The channels that could be read, and the names of all.
pub(super) fn all(node: &Node, problems: &Findings) -> (BTreeMap<String, Channel>, Vec<String>) {
    let mut channels = BTreeMap::new();
    let mut names = Vec::new();
    let found = entries(node, "channels", problems).unwrap_or_default();
    if found.is_empty() && matches!(node.value, Value::Map(_)) {
        let remedy = "add one: `release-room: {slack: {channel: …, token: …}}`";
        problems.add(node.at, "there are no channels", remedy);
    }
    if found.len() > CHANNEL_LIMIT {
        let message = format!("there are more than {CHANNEL_LIMIT} channels");
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
    let found: Vec<&str> = KINDS
        .into_iter()
        .filter(|kind| object.get(kind).is_some())
        .collect();
    let [kind] = found.as_slice() else {
        if found.len() > 1 {
            let message = format!("the channel is both {:?} and {:?}", found[0], found[1]);
            problems.add(object.at, message, "make it two channels");
        } else if !object.has_unknown_keys() {
            let remedy = format!("add one of {}", strict_yaml::words::list(KINDS));
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
        if written.len() > RECIPIENT_LIMIT {
            let message = format!("there are more than {RECIPIENT_LIMIT} recipients");
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
            SecretRef::FORMS
        );
        problems.add(node.at, "url is not an https URL", remedy);
    }
    address
}

fn secret(object: &Object<'_>, key: &str, told: &str, problems: &Findings) -> Option<SecretRef> {
    let node = object.require(key, problems)?;
    SecretRef::read(node, told, FILE.noun, problems)
}

fn topic(object: &Object<'_>, problems: &Findings) -> Option<String> {
    let node = object.require("topic_arn", problems)?;
    formed(node, "topic_arn", (forms::is_topic_arn, TOPIC), problems)
}
