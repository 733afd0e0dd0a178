//! The keyed hash of an approval token: a case keeps this and not the token, and recognises by it
//! whether the token that `CodePipeline` has now is the one that people were asked about.

use signing::{Keys, MacMatch};
use text::mask::Masker;

use crate::{ApprovalAction, Token, redact};

const PURPOSE: &str = "token";

/// The hash of a token, `<key id>:<hex>`.
pub fn token_mac(keys: &Keys, action: &ApprovalAction, token: &Token) -> String {
    keys.keyed_hash(PURPOSE, &message(action, token))
}

/// Whether `mac` was made of this token of this action.
pub fn compare_token(keys: &Keys, mac: &str, action: &ApprovalAction, token: &Token) -> MacMatch {
    keys.compare_hash(mac, PURPOSE, &message(action, token))
}

/// Whether `mac` was made of this token of this action, by one of the keys.
pub fn token_mac_matches(keys: &Keys, mac: &str, action: &ApprovalAction, token: &Token) -> bool {
    compare_token(keys, mac, action, token) == MacMatch::Matches
}

/// `text` without anything that has the form of a token or of a review link's end, whichever approval
/// it belongs to.
pub fn mask_token_shapes(text: &str) -> String {
    Masker::new().mask(text).into_owned()
}

/// `text` of any kind, cleaned, without secrets, without the token whose hash is `mac`, and without
/// whatever has the form of another one: people paste what the console shows them, and its review link
/// carries the token.
pub fn mask_token(keys: &Keys, mac: &str, action: &ApprovalAction, text: &str) -> String {
    let is_token = |word: &str| token_mac_matches(keys, mac, action, &Token::new(word));
    redact::masked_text(&Masker::new().asking(&is_token), text)
}

fn message(action: &ApprovalAction, token: &Token) -> Vec<u8> {
    // Names of pipelines, stages and actions have no zero bytes.
    action.with_token(token).join("\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0c35520a-b7e6-403d-ba3f-e02120b524c3";

    fn keys() -> Keys {
        Keys::new("0123456789abcdef0123456789abcdef", None).unwrap()
    }

    #[test]
    fn a_token_is_recognised_and_nothing_else_is() {
        let (keys, token) = (keys(), Token::new(TOKEN));
        let mac = token_mac(&keys, &ApprovalAction::sample(), &token);
        assert!(!mac.contains(TOKEN));
        assert!(token_mac_matches(
            &keys,
            &mac,
            &ApprovalAction::sample(),
            &token
        ));
        let other = ApprovalAction {
            action: "Other".into(),
            ..ApprovalAction::sample()
        };
        assert!(!token_mac_matches(&keys, &mac, &other, &token));
        assert!(!token_mac_matches(
            &keys,
            &mac,
            &ApprovalAction::sample(),
            &Token::new("x")
        ));
        for at in 0..mac.len() {
            let mut bytes = mac.clone().into_bytes();
            bytes[at] ^= 1;
            let tampered = String::from_utf8(bytes).unwrap();
            assert!(
                !token_mac_matches(&keys, &tampered, &ApprovalAction::sample(), &token),
                "{at}"
            );
        }
        for wrong in ["", ":", "00000000:", &mac[..mac.len() - 2]] {
            assert!(
                !token_mac_matches(&keys, wrong, &ApprovalAction::sample(), &token),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_token_is_masked_in_what_people_paste() {
        let keys = keys();
        let mac = token_mac(&keys, &ApprovalAction::sample(), &Token::new(TOKEN));
        let pasted = format!("see https://x/#/Approve/approve/{TOKEN}, or ü {TOKEN}");
        let masked = mask_token(&keys, &mac, &ApprovalAction::sample(), &pasted);
        assert_eq!(masked, "see https://x/#/Approve/approve/***, or ü ***");
    }

    #[test]
    fn tokens_of_other_approvals_are_masked_too() {
        let keys = keys();
        let mac = token_mac(
            &keys,
            &ApprovalAction::sample(),
            &Token::new("another-token"),
        );
        for pasted in [
            format!("see {TOKEN}."),
            format!("x-{TOKEN}-y"),
            format!("ü{TOKEN}{TOKEN}"),
            format!("approve%2F{TOKEN}"),
            format!("https%3A%2F%2Fx%2FApprove%252Fapprove%252f{TOKEN}"),
            TOKEN.replace('-', "%2D").to_uppercase(),
            "https://x/#/Approve/approve/0c35520a".to_owned(),
            "x%2Fapprove%2F0c35520a".to_owned(),
        ] {
            let masked = mask_token(&keys, &mac, &ApprovalAction::sample(), &pasted).to_lowercase();
            assert!(masked.contains("***"), "{masked}");
            assert!(!masked.contains("0c35520a"), "{masked}");
            assert!(!masked.contains("e02120b524c3"), "{masked}");
        }
        let harmless = "approve/reject, 0c35520a-b7e6 and ü: to approve";
        assert_eq!(
            mask_token(&keys, &mac, &ApprovalAction::sample(), harmless),
            harmless
        );
    }

    #[test]
    fn a_hash_of_an_unknown_key_says_nothing() {
        let (keys, token) = (keys(), Token::new(TOKEN));
        let mac = token_mac(&keys, &ApprovalAction::sample(), &token);
        let other = Keys::new("fedcba9876543210fedcba9876543210", None).unwrap();
        let compared = |keys| compare_token(keys, &mac, &ApprovalAction::sample(), &token);
        assert_eq!(compared(&keys), MacMatch::Matches);
        assert_eq!(compared(&other), MacMatch::UnknownKey);
        let differs = compare_token(&keys, &mac, &ApprovalAction::sample(), &Token::new("x"));
        assert_eq!(differs, MacMatch::Differs);
    }
}
