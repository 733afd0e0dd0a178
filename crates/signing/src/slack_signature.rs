//! Slack's signature: proves that a request comes from Slack, is unchanged and is fresh.
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>
//!
//! It is made over the raw bytes of the body: whoever decodes first, checks nothing.

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// Slack's own limit for the age of a request, in seconds; also for one from the future.
pub const REPLAY_WINDOW: i64 = 300;

/// Slack's signing secrets have 32 characters; anything much shorter was mistyped.
const MIN_SECRET_LENGTH: usize = 16;

/// A signing secret that can be used.
#[derive(Clone)]
pub struct SigningSecret(Vec<u8>);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The signing secret is empty or too short: with it anybody could sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Slack's signing secret is empty or too short ({length} characters); copy it from Basic Information → App Credentials of the Slack app"
)]
pub struct NoSecret {
    length: usize,
}

impl SigningSecret {
    /// A secret from its text.
    pub fn new(text: &str) -> Result<Self, NoSecret> {
        let text = text.trim();
        let length = text.chars().count();
        if length < MIN_SECRET_LENGTH {
            return Err(NoSecret { length });
        }
        Ok(Self(text.as_bytes().to_vec()))
    }
}

/// What a request brings: its two headers, if they are there, and its body as it came.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// `X-Slack-Request-Timestamp`
    pub timestamp: Option<&'a str>,
    /// `X-Slack-Signature`
    pub signature: Option<&'a str>,
    /// The raw bytes of the body.
    pub body: &'a [u8],
}

/// Why a request does not count. The answer to the sender has none of this; it is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlackSignatureError {
    /// A header is missing, doubled or malformed.
    #[error("its signature headers are missing or malformed")]
    Malformed,
    /// It is too old, or from the future.
    #[error("its timestamp is more than {REPLAY_WINDOW} s away from now")]
    Stale,
    /// Somebody else made it, or changed it.
    #[error("its signature is wrong")]
    Forged,
}

/// Whether `request` comes from Slack.
pub fn verify(
    secret: &SigningSecret,
    request: &SignedRequest<'_>,
    now: Timestamp,
) -> Result<(), SlackSignatureError> {
    let timestamp = request.timestamp.ok_or(SlackSignatureError::Malformed)?;
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|b| b.is_ascii_digit());
    let seconds: i64 = Some(timestamp)
        .filter(|_| digits)
        .and_then(|text| text.parse().ok())
        .ok_or(SlackSignatureError::Malformed)?;
    let signature = request
        .signature
        .and_then(|text| text.strip_prefix("v0="))
        .and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok())
        .ok_or(SlackSignatureError::Malformed)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("HMAC takes keys of any length");
    mac.update(b"v0:");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(request.body);
    if mac.verify_slice(&signature).is_err() {
        return Err(SlackSignatureError::Forged);
    }
    if now.as_second().abs_diff(seconds) > REPLAY_WINDOW.unsigned_abs() {
        return Err(SlackSignatureError::Stale);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Slack's own example.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const TIMESTAMP: i64 = 1_531_420_618;
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn secret() -> SigningSecret {
        SigningSecret::new(SECRET).unwrap()
    }

    fn check(
        timestamp: Option<&str>,
        signature: Option<&str>,
        now: i64,
    ) -> Result<(), SlackSignatureError> {
        let request = SignedRequest {
            timestamp,
            signature,
            body: BODY.as_bytes(),
        };
        verify(&secret(), &request, Timestamp::from_second(now).unwrap())
    }

    #[test]
    fn the_official_example_counts() {
        assert_eq!(
            check(Some("1531420618"), Some(SIGNATURE), TIMESTAMP),
            Ok(())
        );
    }

    #[test]
    fn five_minutes_is_the_limit_in_both_directions() {
        let at = |now| check(Some("1531420618"), Some(SIGNATURE), now);
        for near in [-300, -299, 299, 300] {
            assert_eq!(at(TIMESTAMP + near), Ok(()));
        }
        for far in [-301, 301, 86_400] {
            assert_eq!(at(TIMESTAMP + far), Err(SlackSignatureError::Stale));
        }
    }

    #[test]
    fn missing_and_malformed_headers_are_refused() {
        let doubled = format!("{SIGNATURE},{SIGNATURE}");
        for (timestamp, signature) in [
            (None, Some(SIGNATURE)),
            (Some("1531420618"), None),
            (None, None),
            (Some(""), Some(SIGNATURE)),
            (Some("1531420618,1531420618"), Some(SIGNATURE)),
            (Some("+1531420618"), Some(SIGNATURE)),
            (Some(" 1531420618"), Some(SIGNATURE)),
            (Some("-1"), Some(SIGNATURE)),
            (Some("99999999999999999999"), Some(SIGNATURE)),
            (Some("1531420618"), Some("")),
            (Some("1531420618"), Some("v0=")),
            (Some("1531420618"), Some(&SIGNATURE[3..])),
            (Some("1531420618"), Some(&SIGNATURE.replace("v0", "v1"))),
            (Some("1531420618"), Some(&SIGNATURE[..20])),
            (Some("1531420618"), Some(&doubled)),
            (Some("1531420618"), Some(&SIGNATURE.to_uppercase())),
        ] {
            let got = check(timestamp, signature, TIMESTAMP);
            assert!(got.is_err(), "{timestamp:?} {signature:?}");
        }
    }

    #[test]
    fn a_change_of_any_byte_is_refused() {
        let now = Timestamp::from_second(TIMESTAMP).unwrap();
        let with = |timestamp: &str, signature: &str, body: &[u8]| {
            let request = SignedRequest {
                timestamp: Some(timestamp),
                signature: Some(signature),
                body,
            };
            verify(&secret(), &request, now)
        };
        for place in 0..BODY.len() {
            let mut body = BODY.as_bytes().to_vec();
            body[place] ^= 1;
            assert_eq!(
                with("1531420618", SIGNATURE, &body),
                Err(SlackSignatureError::Forged)
            );
        }
        for place in 3..SIGNATURE.len() {
            let mut signature = SIGNATURE.as_bytes().to_vec();
            signature[place] = if signature[place] == b'0' { b'1' } else { b'0' };
            let signature = String::from_utf8(signature).unwrap();
            assert_eq!(
                with("1531420618", &signature, BODY.as_bytes()),
                Err(SlackSignatureError::Forged)
            );
        }
        assert_eq!(
            with("1531420619", SIGNATURE, BODY.as_bytes()),
            Err(SlackSignatureError::Forged)
        );
    }

    #[test]
    fn an_empty_secret_is_no_secret() {
        for text in ["", "   ", "short"] {
            assert!(SigningSecret::new(text).is_err());
        }
        assert_eq!(format!("{:?}", secret()), "***");
    }
}
