//! The keys that seals, links and token hashes are made with, kept in one secret of Secrets Manager.
//! Rotating it makes a new current key; what the previous one has signed still counts until the next
//! rotation.

use std::fmt;

use common::aws::{Aws, Identity};
use common::failure::{Cause, Failure, Hints};
use common::stored_values;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A key has at least so many characters: 32 of Secrets Manager's own make about 200 bits.
pub const MIN_KEY_LENGTH: usize = 32;

/// The keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// They could not be read.
    #[error("the signing keys could not be read from {secret}: {detail}")]
    Unreadable {
        /// The secret's ARN or name.
        secret: String,
        /// AWS's error in one line, with the remedy that fits it.
        detail: String,
    },
    /// A key that can be guessed is no key.
    #[error(
        "the current signing key has {length} characters, at least {MIN_KEY_LENGTH} are needed; let Secrets Manager generate one of 64"
    )]
    TooShort {
        /// How long it is.
        length: usize,
    },
}

/// One key and its short public name.
#[derive(Clone)]
struct Key {
    id: String,
    bytes: Vec<u8>,
}

/// The keys. They are printed by their names alone.
#[derive(Clone)]
pub struct Keys {
    current: Key,
    previous: Option<Key>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let previous = self.previous.as_ref().map(|key| key.id.as_str());
        f.debug_struct("Keys")
            .field("current", &self.current.id)
            .field("previous", &previous)
            .finish()
    }
}

impl Keys {
    /// Keys from their texts. A short current one is refused; a short previous one has signed nothing
    /// that would count, and is left out.
    pub fn new(current: &str, previous: Option<&str>) -> Result<Self, KeysError> {
        let current = Key::new(current)?;
        let previous = previous.and_then(|text| {
            Key::new(text)
                .inspect_err(|_| {
                    tracing::warn!(
                        "the previous signing key is too short and is left out; nothing that it has signed counts"
                    );
                })
                .ok()
        });
        // Where only the label moved, both are one key.
        let previous = previous.filter(|key| key.id != current.id);
        Ok(Self { current, previous })
    }

    /// Reads both from a secret of Secrets Manager, by its ARN or name.
    pub async fn load(aws: &Aws, secret: &str) -> Result<Self, KeysError> {
        // One after the other: a rotation in between makes both one key, and never the newest and one
        // that is older than the previous.
        let current = version(aws, secret, "AWSCURRENT").await?;
        let previous = version(aws, secret, "AWSPREVIOUS").await?;
        let current = current.ok_or_else(|| KeysError::Unreadable {
            secret: secret.to_owned(),
            detail: "it has no current text value".to_owned(),
        })?;
        Self::new(&current, previous.as_deref())
    }

    /// The id of the key that signs.
    pub fn id(&self) -> &str {
        &self.current.id
    }

    /// Signs with the current key. `purpose` keeps what is signed for one thing from counting for another.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> Vec<u8> {
        mac(&self.current.bytes, purpose, message)
            .finalize()
            .into_bytes()
            .to_vec()
    }

    /// Whether `signature` was made by the key called `id`.
    pub fn verify(
        &self,
        id: &str,
        purpose: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SealError> {
        let mut keys = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten();
        let key = keys.find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
        let mac = mac(&key.bytes, purpose, message);
        mac.verify_slice(signature).map_err(|_| SealError::Forged)
    }

    /// Signs a short text: `<key id>.<hex>`.
    pub fn seal_text(&self, purpose: &str, text: &str) -> String {
        let signature = self.sign(purpose, text.as_bytes());
        format!("{}.{}", self.id(), HEXLOWER.encode(&signature))
    }

    /// Whether `seal` was made by [`Keys::seal_text`] for the same purpose and text.
    pub fn check_text(&self, seal: &str, purpose: &str, text: &str) -> Result<(), SealError> {
        let (id, signature) = seal.split_once('.').ok_or(SealError::Malformed)?;
        let signature = HEXLOWER
            .decode(signature.as_bytes())
            .map_err(|_| SealError::Malformed)?;
        self.verify(id, purpose, text.as_bytes(), &signature)
    }

    /// A keyed hash by which a secret is recognised that isn't kept: `<key id>:<hex>`.
    pub fn keyed_hash(&self, purpose: &str, secret: &[u8]) -> String {
        let signature = self.sign(purpose, secret);
        format!("{}:{}", self.id(), HEXLOWER.encode(&signature))
    }

    /// Whether `hash` was made by [`Keys::keyed_hash`] of this secret.
    pub fn compare_hash(&self, hash: &str, purpose: &str, secret: &[u8]) -> MacMatch {
        let Some((id, signature)) = hash.split_once(':') else {
            return MacMatch::Differs;
        };
        let Ok(signature) = HEXLOWER.decode(signature.as_bytes()) else {
            return MacMatch::Differs;
        };
        match self.verify(id, purpose, secret, &signature) {
            Ok(()) => MacMatch::Matches,
            Err(SealError::UnknownKey) => MacMatch::UnknownKey,
            Err(_) => MacMatch::Differs,
        }
    }
}

/// Why a seal doesn't count. The answer to the sender has none of this; it is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is no seal of ours at all.
    #[error("it does not have the form of a seal")]
    Malformed,
    /// It names a key that isn't known, or not any longer: one that was read before the last rotation.
    #[error("it names a key that is not known; it is forged, or older than two rotations")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong: it is forged or damaged")]
    Forged,
}

/// What a keyed hash says about a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacMatch {
    /// It was made of this secret.
    Matches,
    /// It was made of another one.
    Differs,
    /// It was made with a key that isn't known, or not any longer: nothing can be said.
    UnknownKey,
}

impl Key {
    fn new(text: &str) -> Result<Self, KeysError> {
        let text = text.trim();
        let length = text.chars().count();
        if length < MIN_KEY_LENGTH {
            return Err(KeysError::TooShort { length });
        }
        let digest = Sha256::digest(text.as_bytes());
        Ok(Self {
            id: HEXLOWER.encode(&digest[..4]),
            bytes: text.as_bytes().to_vec(),
        })
    }
}

fn mac(key: &[u8], purpose: &str, message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"deploy-hooks\0");
    mac.update(purpose.as_bytes());
    mac.update(b"\0");
    mac.update(message);
    mac
}

/// One version of the secret; none where that label isn't there (a secret that was never rotated).
async fn version(aws: &Aws, secret: &str, stage: &str) -> Result<Option<String>, KeysError> {
    let error = match stored_values::secret(aws, secret, Some(stage)).await {
        Ok(text) => return Ok(text),
        Err(error) => Failure::of(&error),
    };
    if stage == "AWSPREVIOUS" && error.cause == Cause::Absent {
        return Ok(None);
    }
    let hints = Hints {
        permission: "secretsmanager:GetSecretValue on it",
        absent: "check KEYS_SECRET_ARN",
    };
    Err(KeysError::Unreadable {
        secret: secret.to_owned(),
        detail: error.sentence(Identity::Function, hints),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const TWO: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn short_and_empty_keys_are_refused() {
        for (current, previous) in [
            ("", None),
            ("                                ", None),
            (&ONE[1..], None),
            ("short", Some(ONE)),
        ] {
            assert!(Keys::new(current, previous).is_err(), "{current:?}");
        }
        let error = Keys::new("short", None).unwrap_err();
        insta::assert_snapshot!(error, @"the current signing key has 5 characters, at least 32 are needed; let Secrets Manager generate one of 64");
    }

    #[test]
    fn a_short_previous_key_is_left_out_and_stops_nothing() {
        let seal = Keys::new(ONE, None).unwrap().seal_text("form", "nonce");
        for previous in ["", "short"] {
            let keys = Keys::new(ONE, Some(previous)).unwrap();
            assert!(keys.previous.is_none());
            assert!(keys.check_text(&seal, "form", "nonce").is_ok());
        }
    }

    #[test]
    fn what_the_previous_key_has_signed_still_counts_and_nothing_older() {
        let old = Keys::new(ONE, None).unwrap();
        let seal = old.seal_text("form", "nonce");
        let rotated = Keys::new(TWO, Some(ONE)).unwrap();
        assert!(rotated.check_text(&seal, "form", "nonce").is_ok());
        let again = Keys::new(&TWO.to_uppercase(), Some(TWO)).unwrap();
        assert!(again.check_text(&seal, "form", "nonce").is_err());
    }

    #[test]
    fn a_seal_counts_for_its_purpose_and_text_only() {
        let keys = Keys::new(ONE, None).unwrap();
        let seal = keys.seal_text("form", "nonce");
        assert!(keys.check_text(&seal, "form", "nonce").is_ok());
        assert!(keys.check_text(&seal, "link", "nonce").is_err());
        assert!(keys.check_text(&seal, "form", "nonces").is_err());
        for wrong in ["", ".", &seal[..seal.len() - 1], &seal.to_uppercase()] {
            assert!(keys.check_text(wrong, "form", "nonce").is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_show_only_their_names() {
        let shown = format!("{:?}", Keys::new(ONE, Some(TWO)).unwrap());
        assert!(
            !shown.contains(&ONE[..8]) && !shown.contains(&TWO[..8]),
            "{shown}"
        );
    }
}
