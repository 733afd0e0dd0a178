//! A case: one manual approval that waits, or has waited, for people.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Briefing, Shown, Token};

/// The manual approval action, by AWS's names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ApprovalAction {
    /// The AWS account, twelve digits; empty where a message does not say.
    pub account: String,
    /// The region, `eu-central-1`.
    pub region: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The stage's name.
    pub stage: String,
    /// The action's name.
    pub action: String,
}

impl fmt::Display for ApprovalAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.pipeline, self.stage, self.action)
    }
}

/// The opaque name of a case: 26 characters of a-z and 2-7. Safe in links, buttons and logs.
///
/// It is made from the token, so that every message about one wait leads to one case; a token is random
/// (a UUID), so that nobody comes back from the id to the token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaseId(String);

impl CaseId {
    /// The case of a wait: the same for each message about it.
    pub fn of(action: &ApprovalAction, token: &Token) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"deploy-hooks case\0");
        for part in [
            &action.account,
            &action.region,
            &action.pipeline,
            &action.stage,
            &action.action,
        ] {
            hash.update(part.as_bytes());
            hash.update(b"\0");
        }
        hash.update(token.reveal().as_bytes());
        Self(base32(&hash.finalize()[..16]))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<CaseId> for String {
    fn from(id: CaseId) -> Self {
        id.0
    }
}

impl TryFrom<String> for CaseId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let legal = text.len() == 26 && text.bytes().all(|b| ALPHABET.contains(&b));
        if legal {
            Ok(Self(text))
        } else {
            Err("expected 26 characters of a-z and 2-7")
        }
    }
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// 16 bytes as 26 characters, five bits each (RFC 4648, lower case, no padding).
pub(crate) fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
            held &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bits) & 31) as usize]));
    }
    text
}

/// One manual approval, with what people were shown. Written once, when it is first told; what happens to
/// it afterwards has records of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its opaque name.
    pub id: CaseId,
    /// What waits.
    pub action: ApprovalAction,
    /// The pipeline execution, where it could be found out.
    pub execution_id: Option<String>,
    /// A keyed hash of the token, `<key id>:<hex>`, to recognise it at decision time.
    pub token_mac: String,
    /// The name of the route in the configuration that it took.
    pub route: String,
    /// When it was told first.
    pub asked_at: Timestamp,
    /// When `CodePipeline` gives up waiting.
    pub expires: Option<Timestamp>,
    /// The pipeline in the console: never the review link, which carries the token.
    pub console_link: Option<String>,
    /// The link that the action's owner configured, without tokens. Only https may be opened; anything else
    /// is shown as text.
    pub external_link: Option<String>,
    /// The comment that the action's owner configured.
    pub comment: Option<String>,
    /// What helps to decide, redacted.
    pub briefing: Briefing,
    /// What a decision is bound to.
    pub shown: Shown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action() -> ApprovalAction {
        ApprovalAction {
            account: "111122223333".into(),
            region: "eu-central-1".into(),
            pipeline: "shop".into(),
            stage: "Production".into(),
            action: "Approve".into(),
        }
    }

    #[test]
    fn a_wait_has_one_id_and_another_wait_another_one() {
        let id = CaseId::of(&action(), &Token::new("one"));
        assert_eq!(id, CaseId::of(&action(), &Token::new("one")));
        assert_ne!(id, CaseId::of(&action(), &Token::new("two")));
        assert_eq!(CaseId::try_from(id.to_string()), Ok(id));
        assert!(CaseId::try_from("../../etc".to_owned()).is_err());
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        assert_eq!(base32(&[255; 16]).len(), 26);
    }
}
