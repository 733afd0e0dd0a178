//! Signed links: what a message carries where there are no buttons. What a link says can't be changed, and
//! counts for one audience until its time is over; it holds no token. What it says beside that, its
//! *claims*, is the business of whoever makes it.
//!
//! Form: base64url(JSON) `.` base64url(HMAC-SHA256), in one path segment.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Keys, SealError};

const PURPOSE: &str = "link";
const VERSION: u8 = 1;
/// No link of ours is longer; whatever is, isn't read.
const MAX_LENGTH: usize = 2048;

/// A link that was opened, or is to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedLink<C> {
    /// The stack and the kind that it is for: another one's links don't count here.
    pub audience: String,
    /// What it says. Its JSON is an object without the keys `v`, `k`, `aud` and `exp`.
    pub claims: C,
    /// Until when it counts, in whole seconds.
    pub expires: Timestamp,
}

/// Why a link doesn't count. The page has none of this; it is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is no link of ours at all.
    #[error("it does not have the form of a link")]
    Malformed,
    /// It is not signed with our keys.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It belongs to another stack, or to another function.
    #[error("it is for another audience")]
    WrongAudience,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
}

/// A link as the path segment of a URL.
pub fn seal<C: Serialize>(keys: &Keys, link: &SignedLink<C>) -> String {
    let mut payload = Map::from_iter([
        ("v".to_owned(), VERSION.into()),
        ("k".to_owned(), keys.id().into()),
        ("aud".to_owned(), link.audience.as_str().into()),
        ("exp".to_owned(), link.expires.as_second().into()),
    ]);
    match serde_json::to_value(&link.claims) {
        Ok(Value::Object(claims)) => payload.extend(claims),
        _ => unreachable!("claims are plain objects"),
    }
    let payload = URL_SAFE_NO_PAD.encode(Value::Object(payload).to_string());
    let signature = keys.sign(PURPOSE, payload.as_bytes());
    format!("{payload}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a path segment says, if it is a link of ours for `audience` and its time is not over.
pub fn open<C: DeserializeOwned>(
    keys: &Keys,
    audience: &str,
    text: &str,
    now: Timestamp,
) -> Result<SignedLink<C>, LinkError> {
    let (payload, signature) = parts(text)?;
    let content: Payload<C> = decode(payload)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| LinkError::Malformed)?;
    keys.verify(&content.key, PURPOSE, payload.as_bytes(), &signature)?;
    if content.version != u64::from(VERSION) {
        return Err(LinkError::Malformed);
    }
    if content.audience != audience {
        return Err(LinkError::WrongAudience);
    }
    let expires = Timestamp::from_second(content.expires).map_err(|_| LinkError::Malformed)?;
    if now >= expires {
        return Err(LinkError::Expired);
    }
    Ok(SignedLink {
        audience: content.audience,
        claims: content.claims,
        expires,
    })
}

/// What a link says, whether or not that is signed: for the audit of forged ones only.
pub fn unverified<C: DeserializeOwned>(text: &str) -> Option<C> {
    let (payload, _) = parts(text).ok()?;
    decode(payload).ok().map(|content| content.claims)
}

fn parts(text: &str) -> Result<(&str, &str), LinkError> {
    if text.len() > MAX_LENGTH {
        return Err(LinkError::Malformed);
    }
    text.split_once('.').ok_or(LinkError::Malformed)
}

struct Payload<C> {
    version: u64,
    key: String,
    audience: String,
    expires: i64,
    claims: C,
}

fn decode<C: DeserializeOwned>(payload: &str) -> Result<Payload<C>, LinkError> {
    let read = || {
        let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let mut payload: Map<String, Value> = serde_json::from_slice(&json).ok()?;
        let mut text = |key| match payload.remove(key)? {
            Value::String(text) => Some(text),
            _ => None,
        };
        let (key, audience) = (text("k")?, text("aud")?);
        Some(Payload {
            version: payload.remove("v")?.as_u64()?,
            key,
            audience,
            expires: payload.remove("exp")?.as_i64()?,
            claims: serde_json::from_value(Value::Object(payload)).ok()?,
        })
    };
    read().ok_or(LinkError::Malformed)
}
