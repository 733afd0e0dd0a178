//! Opaque ids: they name a case, an offer or a month of the audit, and say nothing about it.

use std::fmt;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// 26 characters of a-z and 2-7. Safe in links, buttons, keys and logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OpaqueId(String);

const ID_CHARS: usize = 26;
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz234567";

/// RFC 4648, lower case, without padding: 16 bytes are 26 characters.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str(ALPHABET);
    specification.encoding().expect("32 different symbols")
});

impl OpaqueId {
    /// The id that the same parts always have. The first part says what is named, so that two kinds of
    /// things never share an id.
    pub fn of(parts: &[&str]) -> Self {
        let digest = Sha256::digest(parts.join("\0"));
        Self(BASE32.encode(&digest[..16]))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OpaqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<OpaqueId> for String {
    fn from(id: OpaqueId) -> Self {
        id.0
    }
}

impl TryFrom<String> for OpaqueId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let legal = text.len() == ID_CHARS && text.chars().all(|c| ALPHABET.contains(c));
        if legal {
            Ok(Self(text))
        } else {
            Err("expected 26 characters of a-z and 2-7")
        }
    }
}

/// 128 random bits as 26 characters of a-z and 2-7.
///
/// # Panics
/// Where the operating system has no randomness: nothing here could be safe then.
pub fn new_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    BASE32.encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_rfc() {
        assert_eq!(BASE32.encode(b"foobar"), "mzxw6ytboi");
        assert_eq!(BASE32.encode(&[255; 16]).len(), ID_CHARS);
    }

    #[test]
    fn an_id_has_one_form() {
        let id = OpaqueId::of(&["offer", "one"]);
        assert_eq!(OpaqueId::try_from(id.to_string()), Ok(id.clone()));
        assert_ne!(id, OpaqueId::of(&["offer", "two"]));
        for wrong in [
            "../../etc",
            "",
            &id.as_str()[1..],
            &id.to_string().to_uppercase(),
        ] {
            assert!(OpaqueId::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn new_ids_differ() {
        assert_ne!(new_id(), new_id());
        assert!(OpaqueId::try_from(new_id()).is_ok());
    }
}
