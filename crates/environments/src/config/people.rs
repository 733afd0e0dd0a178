//! `people:`: where messages go, in which language, and who may ask for a snooze or a waking.
//!
//! Channels have the form that they have in the configuration of approvals. What must never happen: a
//! stranger who is let in by a typo, a secret that stands in the file itself.

use std::collections::BTreeMap;

use contacts::Directory;
use contacts::decode::language;
use contacts::forms::is_slack_id;
use contacts::{Approver, Channel, ChannelKind, Language};
use jiff::civil::Time;
use strict_yaml::{Findings, Node, Object, SecretRef, scalar};

use super::{FILE, keys};

/// `until tomorrow` means until then, where nothing else is configured.
const DEFAULT_SUMMARY_TIME: Time = Time::constant(9, 0, 0, 0);

/// Who gets messages, and who may ask for something.
#[derive(Clone, Debug, PartialEq)]
pub struct People {
    /// The language of channels that don't say otherwise.
    pub language: Language,
    /// The configured places, by name.
    pub channels: BTreeMap<String, Channel>,
    /// Which of them get which messages.
    pub tell: Notifications,
    /// Who may ask for something.
    pub may: Permissions,
    /// For buttons and commands in Slack.
    pub slack_app: Option<SlackApp>,
    /// When a snooze ends that lasts until tomorrow.
    pub tomorrow: Time,
}

/// Names of channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notifications {
    /// Before something sleeps.
    pub notice: Vec<String>,
    /// After it has woken.
    pub morning: Vec<String>,
    /// When something fails.
    pub problems: Vec<String>,
}

/// Who may ask for something. Without a list: whoever holds a link, and the members of the workspace of
/// the Slack app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Put a sleep off.
    pub snooze: Option<Vec<Approver>>,
    /// Wake what sleeps.
    pub wake: Option<Vec<Approver>>,
}

/// The app of a workspace of Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlackApp {
    /// By what its requests are known; none: the function's settings say it.
    pub signing_secret: Option<SecretRef>,
    /// The workspace whose members count, `T…` or `E…`.
    pub team: String,
    /// Whether its interactivity URL leads to us, so that messages have buttons; otherwise they have
    /// links.
    pub buttons: bool,
}

impl Default for People {
    fn default() -> Self {
        Self {
            language: Language::default(),
            channels: BTreeMap::new(),
            tell: Notifications::default(),
            may: Permissions::default(),
            slack_app: None,
            tomorrow: DEFAULT_SUMMARY_TIME,
        }
    }
}

impl People {
    /// The configured channels of these names, in their order.
    pub fn channels_of<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a Channel> {
        names.iter().filter_map(|name| self.channels.get(name))
    }

    /// The language of a channel.
    pub fn language_of(&self, channel: &Channel) -> Language {
        channel.language.unwrap_or(self.language)
    }
}

pub(super) fn read(node: &Node, problems: &Findings) -> Option<People> {
    let object = Object::read(node, &keys::PEOPLE, problems)?;
    let channels = object
        .get("channels")
        .map(|node| Directory::read(node, problems))
        .unwrap_or_default();
    let tell = object
        .get("tell")
        .and_then(|node| tell(node, &channels, problems));
    let may = object
        .get("may")
        .and_then(|node| may(node, &channels, problems));
    let slack_app = object
        .get("slack_app")
        .and_then(|node| slack_app(node, problems));
    let tomorrow = object
        .get("tomorrow")
        .and_then(|node| time_of_day(node, problems));
    Some(People {
        language: language(&object, problems).unwrap_or_default(),
        tell: tell.unwrap_or_default(),
        may: may.unwrap_or_default(),
        slack_app,
        tomorrow: tomorrow.unwrap_or(DEFAULT_SUMMARY_TIME),
        channels: channels.channels,
    })
}

fn tell(node: &Node, channels: &Directory, problems: &Findings) -> Option<Notifications> {
    let object = Object::read(node, &keys::TELL, problems)?;
    let names = |key: &str| -> Vec<String> {
        let node = object.get(key);
        node.and_then(|node| channels.named(node, &format!("tell.{key}"), problems))
            .unwrap_or_default()
    };
    Some(Notifications {
        notice: names("notice"),
        morning: names("morning"),
        problems: names("problems"),
    })
}

/// A list that is wrong is never no list: that would let everybody in. Its problem refuses the file.
fn may(node: &Node, channels: &Directory, problems: &Findings) -> Option<Permissions> {
    let object = Object::read(node, &keys::MAY, problems)?;
    let people = |key: &str| {
        let node = object.get(key)?;
        let read = channels.approvers(node, &format!("may.{key}"), problems);
        let read = read.unwrap_or_default();
        for person in &read {
            reached(person, node, channels, problems);
        }
        Some(read)
    };
    Some(Permissions {
        snooze: people("snooze"),
        wake: people("wake"),
    })
}

/// A mail recipient who is in no channel never gets a link.
fn reached(person: &Approver, node: &Node, channels: &Directory, problems: &Findings) {
    let Approver::Email(address) = person else {
        return;
    };
    let has = |channel: &Channel| matches!(&channel.kind, ChannelKind::Ses { to, .. } if to.iter().any(|to| to.eq_ignore_ascii_case(address)));
    if !channels.channels.values().any(has) {
        let remedy = "name them in `to:` of a ses channel, or remove them here";
        problems.add(node.at, format!("no message goes to {person}"), remedy);
    }
}

fn slack_app(node: &Node, problems: &Findings) -> Option<SlackApp> {
    let object = Object::read(node, &keys::SLACK_APP, problems)?;
    let signing_secret = object
        .get("signing_secret")
        .and_then(|node| SecretRef::read(node, "the signing secret", FILE.noun, problems));
    let team = object
        .require("team", problems)
        .and_then(|node| team(node, problems));
    let buttons = object
        .get("buttons")
        .and_then(|node| scalar::boolean(node, "buttons", problems));
    Some(SlackApp {
        signing_secret,
        team: team?,
        buttons: buttons.unwrap_or(false),
    })
}

fn team(node: &Node, problems: &Findings) -> Option<String> {
    let written = scalar::text(node, "team", problems)?;
    if is_slack_id(written, "TE") {
        return Some(written.to_owned());
    }
    problems.add(
        node.at,
        "team is not of the right form",
        "write the workspace's id, such as T0123ABCD; it stands in the address of Slack in a browser",
    );
    None
}

fn time_of_day(node: &Node, problems: &Findings) -> Option<Time> {
    let written = scalar::text(node, "tomorrow", problems)?;
    let read = written.split_once(':').and_then(|(hour, minute)| {
        let number = |text: &str| {
            let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<i8>().ok().filter(|_| digits)
        };
        Time::new(number(hour)?, number(minute)?, 0, 0).ok()
    });
    if read.is_none() {
        problems.add(
            node.at,
            format!("tomorrow: {written:?} is not a time of day"),
            "write 00:00 to 23:59, in quotes",
        );
    }
    read
}
