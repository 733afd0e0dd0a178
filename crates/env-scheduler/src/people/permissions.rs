//! Who may ask for what. This is read from the configuration each time: whoever is removed from a list, or from a channel,
//! loses the right at once.

use contacts::{Approver, ChannelKind};
use environments::config::People;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// A sleep that comes later.
    Snooze,
    /// Waking what sleeps.
    Wake,
}

impl Permission {
    /// Its name in records.
    pub fn word(self) -> &'static str {
        match self {
            Self::Snooze => "snooze",
            Self::Wake => "wake",
        }
    }
}

/// Whether somebody may. Only ids count, never names. Whoever is unknown may not.
pub fn may(people: &People, right: Permission, who: &Approver) -> bool {
    let list = match right {
        Permission::Snooze => &people.may.snooze,
        Permission::Wake => &people.may.wake,
    };
    let listed = list.as_ref().is_none_or(|list| list.contains(who));
    listed && is_known(people, who, list.is_some())
}

/// Whether somebody may read how things are: whoever is known, and whoever is on a list.
pub fn may_read(people: &People, who: &Approver) -> bool {
    let rights = [Permission::Snooze, Permission::Wake];
    is_known(people, who, false) || rights.into_iter().any(|right| may(people, right, who))
}

fn is_known(people: &People, who: &Approver, by_list: bool) -> bool {
    match who {
        // Slack vouches for members of the app's workspace, and for whom a list names.
        Approver::Slack { team, .. } => {
            let app = people.slack_app.as_ref();
            by_list || app.is_some_and(|app| app.team == *team)
        }
        Approver::Email(address) => people.channels.values().any(|channel| {
            matches!(&channel.kind, ChannelKind::Ses { to, .. }
                if to.iter().any(|to| to.eq_ignore_ascii_case(address)))
        }),
        Approver::Link(name) => people.channels.contains_key(name),
    }
}

#[cfg(test)]
mod tests {
    use environments::config::{Config, Files};

    use super::*;

    fn people(more: &str) -> People {
        let text = format!(
            "version: 1\naccounts: '111122223333'\npeople:\n  channels:\n    room: {{ slack: {{ channel: C0123ABCD, token: 'ssm:/t' }} }}\n    mail: {{ ses: {{ from: a@example.com, to: Lead@example.com }} }}\n  slack_app: {{ signing_secret: 'ssm:/s', team: T0123 }}\n{more}"
        );
        Config::parse("environments.yaml", &text, &Files::new())
            .unwrap()
            .people
    }

    fn asks(people: &People, who: &str) -> [bool; 2] {
        let who = who.parse().unwrap();
        [Permission::Snooze, Permission::Wake].map(|right| may(people, right, &who))
    }

    #[test]
    fn without_a_list_whoever_is_told_and_the_workspace() {
        let people = people("");
        for who in ["slack:T0123/U0123", "email:lead@example.com", "link:room"] {
            assert_eq!(asks(&people, who), [true, true], "{who}");
        }
        for who in ["slack:T0999/U0123", "email:gone@example.com", "link:gone"] {
            assert_eq!(asks(&people, who), [false, false], "{who}");
        }
    }

    #[test]
    fn a_list_is_exact_and_an_empty_one_is_nobody() {
        let people = people(
            "  may: { snooze: [], wake: ['slack:T0999/U0777', 'email:lead@example.com'] }\n",
        );
        assert_eq!(asks(&people, "slack:T0999/U0777"), [false, true]);
        assert_eq!(asks(&people, "email:lead@example.com"), [false, true]);
        assert_eq!(asks(&people, "slack:T0123/U0123"), [false, false]);
        assert_eq!(asks(&people, "link:room"), [false, false]);
        let looks = |who: &str| may_read(&people, &who.parse().unwrap());
        assert!(
            looks("slack:T0123/U0123"),
            "of the workspace, though it may nothing"
        );
        assert!(looks("slack:T0999/U0777"), "listed");
        assert!(!looks("slack:T0999/U0123"));
    }

    #[test]
    fn without_an_app_nobody_comes_from_slack() {
        let people = People::default();
        assert_eq!(asks(&people, "slack:T0123/U0123"), [false, false]);
        assert_eq!(asks(&people, "link:room"), [false, false]);
    }
}
