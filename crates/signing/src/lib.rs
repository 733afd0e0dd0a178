//! What proves where something comes from: keys, seals over short texts, signed links, Slack's signature,
//! and ids that nobody can guess.
//!
//! All comparisons of secrets take constant time. An empty or short key is refused when it is read: there
//! is no value of these types that would verify anything with it.

mod id;
mod keyring;
mod keys;
pub mod link;
pub mod slack_signature;

pub use id::{OpaqueId, new_id};
pub use keyring::Keyring;
pub use keys::{Keys, KeysError, MIN_KEY_LENGTH, MacMatch, SealError};
