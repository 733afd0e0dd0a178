//! Links of notices: they say which offer they are of, what may be asked for by them, and whose they are.
//! The offer itself, with its services and times, is written down where nobody outside can change it.

use contacts::Approver;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signing::OpaqueId;
use signing::link::SignedLink;

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// Put the sleep off until the offer's instant of this number.
    Snooze(u8),
    /// Wake for some hours.
    Wake,
}

/// What a link says; short names, as it stands in a URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkClaims {
    /// The offer.
    #[serde(rename = "o")]
    pub offer: OpaqueId,
    /// What may be asked for.
    #[serde(rename = "w")]
    pub wish: LinkAction,
    /// Whose link it is.
    #[serde(rename = "b")]
    pub by: Approver,
}

/// A link of a notice.
pub type Link = SignedLink<LinkClaims>;

/// Who takes the links of a stack: other stacks' links, and links of other kinds, don't count here.
pub fn audience(state_table: &str) -> String {
    format!("deploy-hooks/environments/{state_table}")
}

/// A link that counts until `expires`.
pub fn link(state_table: &str, claims: LinkClaims, expires: Timestamp) -> Link {
    SignedLink {
        audience: audience(state_table),
        claims,
        expires,
    }
}

#[cfg(test)]
mod tests {
    use signing::link::{LinkError, open, seal};
    use signing::{Keys, SealError};

    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const TWO: &str = "fedcba9876543210fedcba9876543210";

    fn mails() -> Link {
        let claims = LinkClaims {
            offer: OpaqueId::try_from("a".repeat(26)).unwrap(),
            wish: LinkAction::Snooze(1),
            by: "email:lead@example.com".parse().unwrap(),
        };
        link("table", claims, "2026-11-20T23:00:00Z".parse().unwrap())
    }

    fn now() -> Timestamp {
        "2026-11-20T21:45:00Z".parse().unwrap()
    }

    #[test]
    fn a_link_says_what_was_sealed_and_is_short() {
        let keys = Keys::new(ONE, None).unwrap();
        let text = seal(&keys, &mails());
        assert_eq!(
            open::<LinkClaims>(&keys, &audience("table"), &text, now()),
            Ok(mails())
        );
        assert!(text.len() < 260, "{}", text.len());
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(text.chars().all(safe), "{text}");
    }

    #[test]
    fn no_byte_of_it_can_be_changed() {
        let keys = Keys::new(ONE, None).unwrap();
        let text = seal(&keys, &mails());
        for place in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(
                open::<LinkClaims>(&keys, &audience("table"), &forged, now()).is_err(),
                "{place}"
            );
        }
        for cut in 0..text.len() {
            assert!(open::<LinkClaims>(&keys, &audience("table"), &text[..cut], now()).is_err());
        }
        for wrong in ["", ".", "..", "é", &"a".repeat(2_000)] {
            assert!(open::<LinkClaims>(&keys, &audience("table"), wrong, now()).is_err());
        }
    }

    #[test]
    fn other_stacks_other_keys_and_other_purposes_do_not_count() {
        let keys = Keys::new(ONE, None).unwrap();
        let text = seal(&keys, &mails());
        let other = Keys::new(TWO, None).unwrap();
        assert_eq!(
            open::<LinkClaims>(&keys, &audience("another"), &text, now()),
            Err(LinkError::WrongAudience)
        );
        assert_eq!(
            open::<LinkClaims>(&other, &audience("table"), &text, now()),
            Err(LinkError::Seal(SealError::UnknownKey))
        );
        let rotated = Keys::new(TWO, Some(ONE)).unwrap();
        assert_eq!(
            open::<LinkClaims>(&rotated, &audience("table"), &text, now()),
            Ok(mails())
        );
        let (payload, _) = text.split_once('.').unwrap();
        let elsewhere = format!("{payload}.{}", keys.seal_text("form", payload));
        assert_eq!(
            open::<LinkClaims>(&keys, &audience("table"), &elsewhere, now()),
            Err(LinkError::Malformed)
        );
    }

    #[test]
    fn it_ends_at_its_instant() {
        let keys = Keys::new(ONE, None).unwrap();
        let text = seal(&keys, &mails());
        let at = |text: &str| text.parse().unwrap();
        assert!(
            open::<LinkClaims>(&keys, &audience("table"), &text, at("2026-11-20T22:59:59Z"))
                .is_ok()
        );
        let over = open::<LinkClaims>(&keys, &audience("table"), &text, at("2026-11-20T23:00:00Z"));
        assert_eq!(over, Err(LinkError::Expired));
    }
}
