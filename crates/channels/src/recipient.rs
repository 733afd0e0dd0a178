//! Who gets a message: a channel, or one mailbox of a mail channel, with links of their own.
//!
//! Whoever opens a link is taken for whoever it was made for. So a mailbox never gets the links of another one, and what a
//! whole channel sees names the channel and no person.

use contacts::{Approver, Channel, ChannelKind};

/// One who gets messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The channel; one of mail has this one mailbox.
    pub channel: Channel,
    /// Its name in records: the channel's, with the mailbox where it has several readers.
    pub key: String,
    /// Whose links it gets.
    pub approver: Approver,
}

impl Recipient {
    /// All readers of a channel.
    pub fn of(channel: &Channel) -> Vec<Self> {
        let ChannelKind::Ses { from, to } = &channel.kind else {
            return vec![Self {
                channel: channel.clone(),
                key: channel.name.clone(),
                approver: Approver::Link(channel.name.clone()),
            }];
        };
        let mailbox = |address: &String| Self {
            channel: Channel {
                kind: ChannelKind::Ses {
                    from: from.clone(),
                    to: vec![address.clone()],
                },
                ..channel.clone()
            },
            key: format!("{}:{address}", channel.name),
            approver: Approver::Email(address.to_ascii_lowercase()),
        };
        to.iter().map(mailbox).collect()
    }

    /// Whether its first message can be changed, and answered in a thread.
    pub fn changeable(&self) -> bool {
        matches!(self.channel.kind, ChannelKind::Slack { .. })
    }

    /// Whether both would put the same text before the same eyes.
    fn reads_what(&self, other: &Self) -> bool {
        let same_place = match (&self.approver, &other.approver) {
            (Approver::Email(one), Approver::Email(other)) => one == other,
            _ => self.channel.kind == other.channel.kind,
        };
        same_place && self.channel.language == other.channel.language
    }
}

/// The readers of these channels, each once, in that order: also where two channels lead to one mailbox or one room.
pub fn recipients<'c>(channels: impl IntoIterator<Item = &'c Channel>) -> Vec<Recipient> {
    let mut all: Vec<Recipient> = Vec::new();
    for recipient in channels.into_iter().flat_map(Recipient::of) {
        if !all.iter().any(|known| known.reads_what(&recipient)) {
            all.push(recipient);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use contacts::Language;

    use super::*;

    fn mail(name: &str, to: &[&str]) -> Channel {
        Channel {
            name: name.to_owned(),
            kind: ChannelKind::Ses {
                from: "environments@example.com".to_owned(),
                to: to.iter().map(ToString::to_string).collect(),
            },
            language: None,
        }
    }

    fn topic(name: &str) -> Channel {
        Channel {
            kind: ChannelKind::Sns {
                topic_arn: "arn:aws:sns:eu-central-1:111122223333:list".to_owned(),
            },
            ..mail(name, &[])
        }
    }

    #[test]
    fn each_reader_is_one_recipient_however_many_channels_lead_there() {
        let (leads, all) = (
            mail("leads", &["lead@example.com", "Lead@example.com"]),
            mail("all", &["guest@example.com", "lead@example.com"]),
        );
        let chinese = Channel {
            language: Some(Language::Chinese),
            ..topic("chinese")
        };
        let (list, copy) = (topic("list"), topic("copy"));
        let found = recipients([&leads, &all, &leads, &list, &copy, &chinese]);
        let keys: Vec<&str> = found.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "leads:lead@example.com",
                "all:guest@example.com",
                "list",
                "chinese"
            ]
        );
        let ChannelKind::Ses { to, .. } = &found[0].channel.kind else {
            panic!("{:?}", found[0]);
        };
        assert_eq!(to.as_slice(), ["lead@example.com"]);
        assert_eq!(found[2].approver, Approver::Link("list".to_owned()));
    }
}
