use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use signing::link::{LinkError, open, seal, unverified};
use signing::{Keys, SealError};

use super::*;
use crate::{ApprovalAction, Briefing, ShownDigest, Token};

const AUDIENCE: &str = "deploy-hooks/decision/live";
const ONE: &str = "0123456789abcdef0123456789abcdef";
const TWO: &str = "fedcba9876543210fedcba9876543210";

fn keys() -> Keys {
    Keys::new(ONE, None).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn case(expires: Option<&str>) -> Case {
    let action = ApprovalAction::sample();
    Case {
        id: Case::id_of(&action, &Token::new("a token")),
        source: action.into(),
        execution_id: None,
        token_mac: String::new(),
        route: "production".into(),
        asked_at: at("2026-03-02T09:00:00Z"),
        expires: expires.map(at),
        console_link: None,
        external_link: None,
        comment: None,
        briefing: Briefing::default(),
        shown: ShownDigest::default(),
    }
}

fn mails(action: LinkAction) -> Link {
    let approver = "email:lead@example.com".parse().unwrap();
    link(
        AUDIENCE,
        &case(Some("2026-03-02T12:00:00Z")),
        &approver,
        action,
    )
}

fn open_now(keys: &Keys, text: &str) -> Result<Link, LinkError> {
    open(keys, AUDIENCE, text, at("2026-03-02T10:00:00Z"))
}

#[test]
fn a_link_says_what_was_signed() {
    let link = mails(LinkAction::Approve);
    let text = seal(&keys(), &link);
    assert_eq!(open_now(&keys(), &text), Ok(link.clone()));
    assert_eq!(
        unverified(&text).map(|said: LinkClaims| said.case),
        Some(link.claims.case)
    );
    let harmless = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    assert!(text.bytes().all(harmless), "one path segment: {text}");
    assert!(text.len() < 500, "{}", text.len());
}

#[test]
fn a_change_of_any_character_is_refused() {
    let text = seal(&keys(), &mails(LinkAction::View));
    for place in 0..text.len() {
        for other in [b'A', b'B', b'-', b'.', b'=', b'%'] {
            let mut bytes = text.clone().into_bytes();
            if bytes[place] == other {
                continue;
            }
            bytes[place] = other;
            let tampered = String::from_utf8(bytes).unwrap();
            assert!(open_now(&keys(), &tampered).is_err(), "{place}: {tampered}");
        }
        assert!(open_now(&keys(), &text[..place]).is_err(), "cut at {place}");
    }
    assert!(open_now(&keys(), &format!("{text}=")).is_err());
    assert!(open_now(&keys(), &format!("{text}.x")).is_err());
}

#[test]
fn a_link_for_another_audience_or_key_is_refused() {
    let text = seal(&keys(), &mails(LinkAction::Approve));
    let now = at("2026-03-02T10:00:00Z");
    let other = open::<LinkClaims>(&keys(), "deploy-hooks/decision/test", &text, now);
    assert_eq!(other, Err(LinkError::WrongAudience));
    let stranger = Keys::new(TWO, None).unwrap();
    assert_eq!(
        open_now(&stranger, &text),
        Err(LinkError::Seal(SealError::UnknownKey))
    );
}

#[test]
fn rotation_keeps_links_alive_once() {
    let text = seal(&keys(), &mails(LinkAction::Approve));
    let rotated = Keys::new(TWO, Some(ONE)).unwrap();
    assert!(open_now(&rotated, &text).is_ok());
    let again = Keys::new("another key of thirty-two characters", Some(TWO)).unwrap();
    assert_eq!(
        open_now(&again, &text),
        Err(LinkError::Seal(SealError::UnknownKey))
    );
}

#[test]
fn a_link_ends_with_the_approval_and_after_a_week_where_its_end_is_not_known() {
    let text = seal(&keys(), &mails(LinkAction::Approve));
    let until = |now| open::<LinkClaims>(&keys(), AUDIENCE, &text, at(now)).err();
    assert_eq!(until("2026-03-02T11:59:59.999Z"), None);
    assert_eq!(until("2026-03-02T12:00:00Z"), Some(LinkError::Expired));
    let approver = "link:teams".parse().unwrap();
    let month = "2026-04-01T09:00:00Z";
    for (expires, ends) in [(None, "2026-03-09T09:00:00Z"), (Some(month), month)] {
        let link = link(AUDIENCE, &case(expires), &approver, LinkAction::View);
        assert_eq!(link.expires, at(ends));
    }
}

#[test]
fn each_action_and_person_has_a_number_of_its_own_and_keeps_it() {
    let other = "email:other@example.com".parse().unwrap();
    let case = case(None);
    let others = link(AUDIENCE, &case, &other, LinkAction::Approve);
    let numbers = [
        mails(LinkAction::Approve).claims.jti,
        mails(LinkAction::Reject).claims.jti,
        others.claims.jti,
    ];
    assert_eq!(numbers[0], mails(LinkAction::Approve).claims.jti);
    assert!(numbers[0] != numbers[1] && numbers[0] != numbers[2]);
}

proptest::proptest! {
    #[test]
    fn whatever_text_comes_is_refused_and_never_a_panic(text in "\\PC{0,80}") {
        proptest::prop_assert!(open_now(&keys(), &text).is_err());
        let _: Option<LinkClaims> = unverified(&text);
    }

    #[test]
    fn a_payload_of_somebody_else_is_refused(json in "[ -~]{0,200}", signature: [u8; 32]) {
        let payload = URL_SAFE_NO_PAD.encode(json);
        let text = format!("{payload}.{}", URL_SAFE_NO_PAD.encode(signature));
        proptest::prop_assert!(open_now(&keys(), &text).is_err());
    }
}
