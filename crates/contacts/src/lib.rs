//! Who gets messages, and who may ask for something: channels, approvers and languages, and how a configuration
//! writes them.
//!
//! What must never happen: an approver who is let in by a typo, a key that is ignored, a secret that stands
//! in the file itself.

mod approver;
mod channel;
pub mod decode;
mod directory;
pub mod forms;
mod keys;
mod language;
pub mod link;

pub use approver::{Approver, NotAnApprover};
pub use channel::{Address, Channel, ChannelKind};
pub use directory::Directory;
pub use keys::tables;
pub use language::Language;
