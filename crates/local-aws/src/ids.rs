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
        assert_ne!(hex(32), hex(32));
    }
}
