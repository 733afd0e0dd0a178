//! Why people did not get a message. A run goes on all the same: these are only reported.

use channels::DispatchError;
use common::state::StateError;
use signing::KeysError;

use super::NOTIFY_TIMEOUT;
use crate::identity::SelfCallError;

/// What was not sent, and why.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// A message was not sent to one recipient.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    /// There is no offer that a notice could lead to; the next tick tries again.
    #[error("a sleep was not announced: {0}")]
    Offer(#[source] StateError),
    /// The function's own address is not known.
    #[error("notices have no links: {0}")]
    Url(#[from] SelfCallError),
    /// Links can't be signed.
    #[error("notices have no links: {0}")]
    Keys(#[from] KeysError),
    /// It is not known whether a problem was reported before.
    #[error("a problem was not reported: {0}")]
    Claim(#[source] DispatchError),
    /// It could not be written down that a problem was reported.
    #[error("a problem may be reported twice: {0}")]
    Note(#[source] StateError),
    /// A defect.
    #[error("people could not be notified: the function panicked")]
    Panicked,
    /// The time for it was over.
    #[error("people could not all be notified within {} seconds", NOTIFY_TIMEOUT.as_secs())]
    Slow,
}
