//! How much is read of a browser.

/// How long a message may be: screenshots and accessibility trees come in one.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// How many messages are read in all, and how many bytes.
pub(crate) const MAX_MESSAGES: usize = 200_000;
pub(crate) const MAX_TOTAL_BYTES: usize = 256 * 1024 * 1024;
