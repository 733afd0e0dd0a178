//! Signed links: what a message carries where there are no buttons. A link says for whom it is, for
//! which case, and what it may do; it holds no token, and what it says can't be changed.
//!
//! Form: base64url(JSON) `.` base64url(HMAC-SHA256), in one path segment.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Keys;
use crate::config::Approver;
use crate::{Case, CaseId};

const PURPOSE: &str = "link";
const VERSION: u8 = 1;
/// A link lives so long where it is not known when the approval ends.
pub const MAX_LINK_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// No link of ours is longer; whatever is, isn't read.
const MAX_LENGTH: usize = 2048;

/// Who takes the links of a stack: its decision function. The stack is told by its state table, which
/// both functions know, so that neither needs a setting that could differ.
pub fn audience(state_table: &str) -> String {
    format!("deploy-hooks/decision/{state_table}")
}

/// What a link may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// Show the briefing and nothing else.
    View,
    /// Show it, and say yes.
    Approve,
    /// Show it, and say no.
    Reject,
}

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The one who takes it: another stack's link doesn't count here.
    pub audience: String,
    /// The case.
    pub case: CaseId,
    /// Whose link it is.
    pub approver: Approver,
    /// What it may do.
    pub action: LinkAction,
    /// Until when, in whole seconds.
    pub expires: Timestamp,
    /// Its number; used once.
    pub jti: String,
}

impl Link {
    /// The link of `approver` for `case`. There is one for each action, whichever message it is in, so
    /// that it counts once even if it is sent again; it ends with the approval.
    pub fn new(audience: &str, case: &Case, approver: &Approver, action: LinkAction) -> Self {
        let longest = case.asked_at.saturating_add(MAX_LINK_LIFE);
        let expires = case.expires.or(longest.ok()).unwrap_or(Timestamp::MAX);
        let mut hash = Sha256::new();
        for part in [
            "deploy-hooks link",
            audience,
            case.id.as_str(),
            &approver.to_string(),
            word(action),
        ] {
            hash.update(part.as_bytes());
            hash.update(b"\0");
        }
        Self {
            audience: audience.to_owned(),
            case: case.id.clone(),
            approver: approver.clone(),
            action,
            expires: Timestamp::from_second(expires.as_second())
                .expect("a timestamp's own seconds make a timestamp"),
            jti: crate::case::base32(&hash.finalize()[..16]),
        }
    }
}

fn word(action: LinkAction) -> &'static str {
    match action {
        LinkAction::View => "view",
        LinkAction::Approve => "approve",
        LinkAction::Reject => "reject",
    }
}

/// Why a link does not count. People are told none of this; it is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is no link of ours at all.
    #[error("it does not have the form of a link")]
    Malformed,
    /// It was signed with a key that isn't known, or not any longer.
    #[error("it names a key that is not known; it is forged, or older than two rotations")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong: it is forged or damaged")]
    Forged,
    /// It belongs to another stack.
    #[error("it is for another audience")]
    WrongAudience,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
}

/// The JSON of a link; short names, as it stands in a URL.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    v: u8,
    k: String,
    aud: String,
    case: CaseId,
    by: Approver,
    act: LinkAction,
    exp: i64,
    jti: String,
}

/// A link as the path segment of a URL.
pub fn seal(keys: &Keys, link: &Link) -> String {
    let payload = Payload {
        v: VERSION,
        k: keys.id().to_owned(),
        aud: link.audience.clone(),
        case: link.case.clone(),
        by: link.approver.clone(),
        act: link.action,
        exp: link.expires.as_second(),
        jti: link.jti.clone(),
    };
    let json = serde_json::to_vec(&payload).expect("a link is plain data");
    let payload = URL_SAFE_NO_PAD.encode(json);
    let signature = keys.sign(PURPOSE, payload.as_bytes());
    format!("{payload}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a path segment says, if it is a link of ours for `audience` and its time is not over.
pub fn open(keys: &Keys, audience: &str, text: &str, now: Timestamp) -> Result<Link, LinkError> {
    let (payload, signature) = parts(text)?;
    let said = decode(payload)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| LinkError::Malformed)?;
    match keys.verify(&said.k, PURPOSE, payload.as_bytes(), &signature) {
        None => return Err(LinkError::UnknownKey),
        Some(false) => return Err(LinkError::Forged),
        Some(true) => {}
    }
    if said.v != VERSION {
        return Err(LinkError::Malformed);
    }
    if said.aud != audience {
        return Err(LinkError::WrongAudience);
    }
    let expires = Timestamp::from_second(said.exp).map_err(|_| LinkError::Malformed)?;
    if now >= expires {
        return Err(LinkError::Expired);
    }
    Ok(Link {
        audience: said.aud,
        case: said.case,
        approver: said.by,
        action: said.act,
        expires,
        jti: said.jti,
    })
}

/// The case that a link names, whether or not that is signed: for the audit of forged ones only.
pub fn claimed_case(text: &str) -> Option<CaseId> {
    let (payload, _) = parts(text).ok()?;
    decode(payload).ok().map(|said| said.case)
}

fn parts(text: &str) -> Result<(&str, &str), LinkError> {
    if text.len() > MAX_LENGTH {
        return Err(LinkError::Malformed);
    }
    text.split_once('.').ok_or(LinkError::Malformed)
}

fn decode(payload: &str) -> Result<Payload, LinkError> {
    let json = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| LinkError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| LinkError::Malformed)
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
