//! Signed links: they say which offer they are of, what may be asked for by them, and whose they are. The
//! offer itself, with its services and times, is written down where nobody outside can change it.
//!
//! Form: base64url(JSON) `.` key id `.` hex(HMAC-SHA256), in one path segment.

use approvals::CaseId;
use approvals::config::Approver;
use approvals::sign::Keys;
use approvals::sign::link::LinkError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;
/// No link of ours is longer; whatever is, isn't read.
const LENGTH_LIMIT: usize = 1024;

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Put the sleep off until the offer's instant of this number.
    Snooze(u8),
    /// Wake for some hours.
    Wake,
}

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The offer.
    pub offer: CaseId,
    /// What may be asked for.
    pub wish: Wish,
    /// Whose link it is.
    pub by: Approver,
    /// Until when, in whole seconds.
    pub expires: Timestamp,
}

/// The JSON of a link; short names, as it stands in a URL.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    v: u8,
    o: CaseId,
    w: Wish,
    b: Approver,
    x: i64,
}

/// Signatures of other stacks, and of links of other kinds, don't count here.
fn purpose(state_table: &str) -> String {
    format!("environment link of {state_table}")
}

/// A link as the path segment of a URL.
pub fn seal(keys: &Keys, state_table: &str, link: &Link) -> String {
    let payload = Payload {
        v: VERSION,
        o: link.offer.clone(),
        w: link.wish,
        b: link.by.clone(),
        x: link.expires.as_second(),
    };
    let json = serde_json::to_vec(&payload).expect("a link is plain data");
    let payload = URL_SAFE_NO_PAD.encode(json);
    let signature = keys.seal_text(&purpose(state_table), &payload);
    format!("{payload}.{signature}")
}

/// What a path segment says, if it is a link of ours and its time is not over. The signature is right
/// before anything else is looked at.
pub fn open(keys: &Keys, state_table: &str, text: &str, now: Timestamp) -> Result<Link, LinkError> {
    if text.len() > LENGTH_LIMIT {
        return Err(LinkError::Malformed);
    }
    let (payload, signature) = text.split_once('.').ok_or(LinkError::Malformed)?;
    if !keys.text_sealed(signature, &purpose(state_table), payload) {
        return Err(LinkError::Forged);
    }
    let json = URL_SAFE_NO_PAD.decode(payload);
    let json = json.map_err(|_| LinkError::Malformed)?;
    let said: Payload = serde_json::from_slice(&json).map_err(|_| LinkError::Malformed)?;
    if said.v != VERSION {
        return Err(LinkError::Malformed);
    }
    let expires = Timestamp::from_second(said.x).map_err(|_| LinkError::Malformed)?;
    if now >= expires {
        return Err(LinkError::Expired);
    }
    Ok(Link {
        offer: said.o,
        wish: said.w,
        by: said.b,
        expires,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const TWO: &str = "fedcba9876543210fedcba9876543210";

    fn link() -> Link {
        Link {
            offer: CaseId::try_from("a".repeat(26)).unwrap(),
            wish: Wish::Snooze(1),
            by: "email:lead@example.com".parse().unwrap(),
            expires: "2026-11-20T23:00:00Z".parse().unwrap(),
        }
    }

    fn now() -> Timestamp {
        "2026-11-20T21:45:00Z".parse().unwrap()
    }

    #[test]
    fn a_link_says_what_was_sealed_and_is_short() {
        let keys = Keys::new(ONE, None).unwrap();
        let text = seal(&keys, "table", &link());
        assert_eq!(open(&keys, "table", &text, now()), Ok(link()));
        assert!(text.len() < 260, "{}", text.len());
        let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(text.chars().all(safe), "{text}");
    }

    #[test]
    fn no_byte_of_it_can_be_changed() {
        let keys = Keys::new(ONE, None).unwrap();
        let text = seal(&keys, "table", &link());
        for place in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(open(&keys, "table", &forged, now()).is_err(), "{place}");
        }
        for cut in 0..text.len() {
            assert!(open(&keys, "table", &text[..cut], now()).is_err());
        }
        for wrong in ["", ".", "..", "é", &"a".repeat(2_000)] {
            assert!(open(&keys, "table", wrong, now()).is_err());
        }
    }

    #[test]
    fn other_stacks_other_keys_and_other_purposes_do_not_count() {
        let keys = Keys::new(ONE, None).unwrap();
        let text = seal(&keys, "table", &link());
        let other = Keys::new(TWO, None).unwrap();
        assert_eq!(open(&keys, "another", &text, now()), Err(LinkError::Forged));
        assert_eq!(open(&other, "table", &text, now()), Err(LinkError::Forged));
        let rotated = Keys::new(TWO, Some(ONE)).unwrap();
        assert_eq!(open(&rotated, "table", &text, now()), Ok(link()));
        let (payload, _) = text.split_once('.').unwrap();
        let elsewhere = format!("{payload}.{}", keys.seal_text("form", payload));
        assert_eq!(
            open(&keys, "table", &elsewhere, now()),
            Err(LinkError::Forged)
        );
    }

    #[test]
    fn it_ends_at_its_instant() {
        let keys = Keys::new(ONE, None).unwrap();
        let text = seal(&keys, "table", &link());
        let at = |text: &str| text.parse().unwrap();
        assert!(open(&keys, "table", &text, at("2026-11-20T22:59:59Z")).is_ok());
        let over = open(&keys, "table", &text, at("2026-11-20T23:00:00Z"));
        assert_eq!(over, Err(LinkError::Expired));
    }
}
