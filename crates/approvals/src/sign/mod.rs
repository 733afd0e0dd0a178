//! What proves where something comes from: the keys, the keyed hash by which a token is recognised,
//! signed links, Slack's signature, and fresh names that nobody can guess.
//!
//! All comparisons of secrets take constant time. An empty or short key is refused when it is read:
//! there is no value of these types that would verify anything with it.

mod keys;
pub mod link;
pub mod slack;
mod token;

use data_encoding::HEXLOWER;

pub use keys::{Keyring, Keys, KeysError, MIN_KEY_LENGTH};
pub use token::{
    KEYS_ROTATED, TokenMatch, compare_token, mask_token, mask_token_shapes, token_mac,
    token_mac_matches,
};

/// 128 random bits as 26 characters of a-z and 2-7.
///
/// # Panics
/// Where the operating system has no randomness: nothing here could be safe then.
pub fn new_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    crate::case::base32(&bytes)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// The bytes of lower-case hexadecimal; none for anything else.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    HEXLOWER.decode(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_strict() {
        assert_eq!(hex(&[0, 0x5a, 0xff]), "005aff");
        assert_eq!(unhex("005aff"), Some(vec![0, 0x5a, 0xff]));
        for wrong in ["0", "0x", "5A", "é", " 0", "+1"] {
            assert_eq!(unhex(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_fresh_name_is_another_one_each_time() {
        let (one, two) = (new_id(), new_id());
        assert_eq!(one.len(), 26);
        assert_ne!(one, two);
    }
}
