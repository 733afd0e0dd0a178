//! Signatures of the Standard Webhooks specification, so that a receiver knows who sent a body and that
//! nobody changed it. <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
//!
//! An empty or guessable key signs nothing: it is refused when it is read.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// The specification asks for at least 24 bytes.
const KEY_BYTES: usize = 24;
const SECRET_PREFIX: &str = "whsec_";

/// A signing key. Printed as `***`.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a secret is none. Never holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing in it.
    #[error("the webhook's secret is empty; {KEY_REMEDY}")]
    Empty,
    /// Not base64.
    #[error("the webhook's secret is not base64, as Standard Webhooks demands; {KEY_REMEDY}")]
    NotBase64,
    /// Too short to be safe.
    #[error("the webhook's secret has {0} bytes, and 24 are the least; {KEY_REMEDY}")]
    Short(usize),
}

const KEY_REMEDY: &str = "make one: echo whsec_$(openssl rand -base64 32)";

impl Key {
    /// Reads base64, with or without `whsec_` in front, as the reference libraries do: a receiver that
    /// uses one could not check a signature made with the text's own bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let encoded = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::NotBase64)?;
        match bytes.len() {
            0 => Err(KeyError::Empty),
            short if short < KEY_BYTES => Err(KeyError::Short(short)),
            _ => Ok(Self(bytes)),
        }
    }
}

/// The value of the header `webhook-signature` for a message.
pub fn sign(key: &Key, id: &str, at: Timestamp, body: &[u8]) -> String {
    format!(
        "v1,{}",
        STANDARD.encode(mac(key, id, at, body).finalize().into_bytes())
    )
}

/// Whether one of the signatures in a header `webhook-signature` is that of the message; compared in
/// constant time. How old the message may be is the caller's question.
pub fn verify(key: &Key, id: &str, at: Timestamp, body: &[u8], header: &str) -> bool {
    header
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|signature| STANDARD.decode(signature).ok())
        .any(|signature| mac(key, id, at, body).verify_slice(&signature).is_ok())
}

fn mac(key: &Key, id: &str, at: Timestamp, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes a key of any length");
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(at.as_second().to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn at() -> Timestamp {
        Timestamp::from_second(1_614_265_330).unwrap()
    }

    #[test]
    fn the_official_vector() {
        let key = Key::parse(SECRET).unwrap();
        assert_eq!(sign(&key, ID, at(), BODY), SIGNATURE);
        assert!(verify(
            &key,
            ID,
            at(),
            BODY,
            &format!("v1a,other v1,AAAA {SIGNATURE}")
        ));
    }

    #[test]
    fn the_prefix_may_be_left_out_as_in_the_reference_libraries() {
        let bare = SECRET.strip_prefix(SECRET_PREFIX).unwrap();
        for secret in [bare.to_owned(), format!(" {bare}\n")] {
            let key = Key::parse(&secret).unwrap();
            assert_eq!(sign(&key, ID, at(), BODY), SIGNATURE);
        }
        // Hexadecimal digits are base64, too, and are read as such.
        let key = Key::parse(&"0123456789abcdef".repeat(4)).unwrap();
        assert_eq!(key.0.len(), 48);
    }

    #[test]
    fn anything_else_is_no_signature() {
        let key = Key::parse(SECRET).unwrap();
        let later = Timestamp::from_second(1_614_265_331).unwrap();
        assert!(!verify(&key, ID, later, BODY, SIGNATURE));
        assert!(!verify(&key, "msg_other", at(), BODY, SIGNATURE));
        assert!(!verify(&key, ID, at(), b"{}", SIGNATURE));
        assert!(!verify(&key, ID, at(), BODY, ""));
        assert!(!verify(&key, ID, at(), BODY, "v1,"));
        let other = Key::parse(&format!("whsec_{}", STANDARD.encode([7; 32]))).unwrap();
        assert!(!verify(&other, ID, at(), BODY, SIGNATURE));
    }

    #[test]
    fn an_empty_short_or_garbled_secret_is_refused_and_a_key_is_never_printed() {
        assert_eq!(Key::parse("  ").unwrap_err(), KeyError::Empty);
        assert_eq!(Key::parse("whsec_").unwrap_err(), KeyError::Empty);
        assert_eq!(Key::parse("short").unwrap_err(), KeyError::NotBase64);
        assert_eq!(Key::parse("MfKQ9r8G").unwrap_err(), KeyError::Short(6));
        let words = Key::parse("any text will do if it is long enough");
        assert_eq!(words.unwrap_err(), KeyError::NotBase64);
        assert_eq!(Key::parse("whsec_öö").unwrap_err(), KeyError::NotBase64);
        assert_eq!(Key::parse("whsec_AAAA").unwrap_err(), KeyError::Short(3));
        assert_eq!(format!("{:?}", Key::parse(SECRET).unwrap()), "***");
    }
}
