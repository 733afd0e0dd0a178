//! Who is told: a channel, or one mailbox of a mail channel, with links of their own.
//!
//! Who opens a link is taken for whoever it was made for. So a mailbox never gets another one's links,
//! and what a whole channel sees names the channel and no person.

use approvals::Case;
use approvals::config::{Config, Route};
use approvals::link::{self, LinkAction, audience};
use channels::Links;
use contacts::{Approver, Channel, ChannelKind};
use signing::Keys;
use signing::link::seal;

/// One who is told.
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
    /// Whether its first message can be changed, and answered in a thread.
    pub fn changeable(&self) -> bool {
        matches!(self.channel.kind, ChannelKind::Slack { .. })
    }
}

/// The recipients of the named channels, each once, in that order.
pub fn recipients<'a>(config: &Config, names: impl IntoIterator<Item = &'a str>) -> Vec<Recipient> {
    let mut all: Vec<Recipient> = Vec::new();
    let channels = names
        .into_iter()
        .filter_map(|name| config.channels.get(name));
    for recipient in channels.flat_map(readers) {
        if !all.iter().any(|known| known.key == recipient.key) {
            all.push(recipient);
        }
    }
    all
}

fn readers(channel: &Channel) -> Vec<Recipient> {
    let ChannelKind::Ses { from, to } = &channel.kind else {
        return vec![Recipient {
            channel: channel.clone(),
            key: channel.name.clone(),
            approver: Approver::Link(channel.name.clone()),
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
        approver: Approver::Email(address.to_ascii_lowercase()),
    };
    to.iter().map(mailbox).collect()
}

/// Where links lead, and what they are signed with.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The keys.
    pub keys: &'a Keys,
    /// The function URL of `approval-decision`, without a slash at its end.
    pub decision_url: &'a str,
    /// The state table, which tells this stack's links from another's.
    pub state_table: &'a str,
}

impl Signer<'_> {
    /// The links of `recipient`: those that decide only where the route lets its reader decide, and
    /// where the execution is known, as any other decision would be refused.
    pub fn links(&self, case: &Case, route: &Route, recipient: &Recipient) -> Links {
        let approver = &recipient.approver;
        let decides = case.execution_id.is_some()
            && route.policy.decide
            && route.policy.approvers.contains(approver);
        let audience = audience(self.state_table);
        let address = |action| {
            let link = link::link(&audience, case, approver, action);
            format!("{}/d/{}", self.decision_url, seal(self.keys, &link))
        };
        Links {
            view: Some(address(LinkAction::View)),
            approve: decides.then(|| address(LinkAction::Approve)),
            reject: decides.then(|| address(LinkAction::Reject)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn signed(config: &Config, key: &str) -> Links {
        let keys = testing::keys();
        let signer = Signer {
            keys: &keys,
            decision_url: "https://decide.example.com",
            state_table: "approvals",
        };
        let route = &config.routes[0];
        let all = recipients(config, route.channels());
        let recipient = all.iter().find(|it| it.key == key).unwrap();
        let case = testing::case("2026-05-04T10:00:00Z", Some("2026-05-05T10:00:00Z"));
        signer.links(&case, route, recipient)
    }

    fn who(link: Option<&String>) -> (Approver, LinkAction, jiff::Timestamp) {
        let sealed = link.unwrap().rsplit('/').next().unwrap();
        let now = "2026-05-04T11:00:00Z".parse().unwrap();
        let link = signing::link::open::<link::LinkClaims>(
            &testing::keys(),
            &audience("approvals"),
            sealed,
            now,
        )
        .unwrap();
        (link.claims.approver, link.claims.action, link.expires)
    }

    #[test]
    fn a_mail_channel_has_a_recipient_for_each_mailbox() {
        let config = testing::config("");
        let all = recipients(&config, ["room", "mail", "room"]);
        let keys: Vec<_> = all.iter().map(|it| it.key.as_str()).collect();
        assert_eq!(
            keys,
            ["room", "mail:lead@example.com", "mail:guest@example.com"]
        );
        let ChannelKind::Ses { to, .. } = &all[1].channel.kind else {
            panic!("{:?}", all[1]);
        };
        assert_eq!(to.as_slice(), ["lead@example.com"]);
    }

    #[test]
    fn only_who_may_decide_gets_links_that_decide() {
        let config = testing::config("");
        let lead = signed(&config, "mail:lead@example.com");
        let (approver, action, expires) = who(lead.approve.as_ref());
        assert_eq!(approver.to_string(), "email:lead@example.com");
        assert_eq!(action, LinkAction::Approve);
        assert_eq!(
            expires.to_string(),
            "2026-05-05T10:00:00Z",
            "ends with the approval"
        );
        assert_eq!(who(lead.reject.as_ref()).1, LinkAction::Reject);
        for key in ["mail:guest@example.com", "room"] {
            let links = signed(&config, key);
            assert_eq!((links.approve, links.reject), (None, None), "{key}");
            assert_eq!(who(links.view.as_ref()).1, LinkAction::View, "{key}");
        }
    }
}
