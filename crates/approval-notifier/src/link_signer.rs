//! The links in a message: each recipient has links of their own.

use approvals::Case;
use approvals::config::Route;
use approvals::link_claims::{self, LinkAction, audience};
use channels::{Links, Recipient};
use signing::Keys;
use signing::link::seal;

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
            let link = link_claims::link(&audience, case, approver, action);
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
    use approvals::config::Config;
    use channels::recipients;
    use contacts::Approver;

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
        let named = route
            .channels()
            .filter_map(|name| config.channels.get(name));
        let all = recipients(named);
        let recipient = all.iter().find(|it| it.key == key).unwrap();
        let case = testing::case("2026-05-04T10:00:00Z", Some("2026-05-05T10:00:00Z"));
        signer.links(&case, route, recipient)
    }

    fn who(link: Option<&String>) -> (Approver, LinkAction, jiff::Timestamp) {
        let sealed = link.unwrap().rsplit('/').next().unwrap();
        let now = "2026-05-04T11:00:00Z".parse().unwrap();
        let link = signing::link::open::<link_claims::LinkClaims>(
            &testing::keys(),
            &audience("approvals"),
            sealed,
            now,
        )
        .unwrap();
        (link.claims.approver, link.claims.action, link.expires)
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
