//! Identifiers as AWS shapes them. They only have to be unlike each other, not unguessable.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};

/// `digits` random hexadecimal digits.
pub(crate) fn hex(digits: usize) -> String {
    let mut text = String::with_capacity(digits + 16);
    while text.len() < digits {
        // Writing to a string cannot fail.
        let _ = write!(text, "{:016x}", random());
    }
    text.truncate(digits);
    text
}

/// A random version 4 UUID.
pub(crate) fn uuid() -> String {
    let h = hex(32);
    format!(
        "{}-{}-4{}-a{}-{}",
        &h[..8],
        &h[8..12],
        &h[13..16],
        &h[17..20],
        &h[20..]
    )
}

/// `length` random characters of the alphabet that is safe in URLs, as in the id of a service deployment.
pub(crate) fn url_safe(length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(length + 10);
    while text.len() < length {
        let random = random();
        let letters = random.to_be_bytes();
        text.extend(letters.map(|letter| char::from(ALPHABET[usize::from(letter % 64)])));
    }
    text.truncate(length);
    text
}

/// The 19 digits in the id of an ECS service deployment or task set.
pub(crate) fn digits19() -> String {
    format!("{:019}", random() % 10_u64.pow(19))
}

// The standard library seeds each `RandomState` from the system's random source.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_the_shape_aws_gives_them() {
        assert_eq!(hex(32).len(), 32);
        assert_eq!(uuid().len(), 36);
        assert_eq!(digits19().len(), 19);
        assert_eq!(url_safe(21).len(), 21);
        assert_ne!(hex(32), hex(32));
        assert_ne!(url_safe(43), url_safe(43));
    }
}
