//! Tells the right people what they are asked to approve, reminds them, and tells them what became of it.
//!
//! An event (SNS, EventBridge, or a reminder of its own) comes in; people are told on the channels of
//! the matching route. Start reading at [`flow`].
//!
//! What must always hold:
//! - A message is told once, whoever delivers it twice, and a lost one is told again: everything is
//!   claimed in the state table before it is sent ([`delivery`]).
//! - A look-up that fails costs a line, never the message ([`gather`]); a channel that fails costs the
//!   others nothing.
//! - What is told follows from how things stand, not from which event came ([`follow`], [`due`]).
//! - No approval token is in a message, a link, a log, an error or the table.
//! - Nothing is dropped: what can't be handled makes the invocation fail, and so reaches a queue.

pub mod ask;
pub mod case_status;
pub mod context;
pub mod delivery;
pub mod due;
pub mod error;
pub mod findings;
pub mod flow;
pub mod follow;
pub mod forward;
pub mod gather;
pub mod link_signer;
pub mod pause;
pub mod question;
pub mod remind;
pub mod reminder_schedule;
pub mod service_deployments;
pub mod settings;
#[cfg(test)]
mod testing;

use std::fmt;
use std::sync::OnceLock;

use channels::Http;
use common::aws::Aws;
use common::settings::{Lookup, SettingsError};
use jiff::Timestamp;
use signing::{Keyring, new_id};

pub use flow::handle;
use settings::Settings;

/// The function, alive for many invocations.
pub struct Notifier {
    /// Wrong settings make each invocation fail with all problems, so that events wait in the queue.
    pub settings: Result<Settings, SettingsError>,
    /// The clients.
    pub aws: Aws,
    /// The present moment.
    pub clock: fn() -> Timestamp,
    /// Fresh names that nobody can guess.
    pub new_id: fn() -> String,
    keyring: OnceLock<Keyring>,
    http: OnceLock<Http>,
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Notifier {
    /// The function over these settings and clients.
    pub fn new(settings: Result<Settings, SettingsError>, aws: Aws) -> Self {
        Self {
            settings,
            aws,
            clock: Timestamp::now,
            new_id,
            keyring: OnceLock::new(),
            http: OnceLock::new(),
        }
    }

    fn keyring(&self, secret: &str) -> &Keyring {
        self.keyring.get_or_init(|| Keyring::new(secret))
    }

    fn http(&self, settings: &Settings) -> &Http {
        self.http
            .get_or_init(|| Http::new(settings.allow_private_addresses))
    }
}

/// The function, from its settings; nothing is called and no client is built yet.
pub fn function(lookup: Lookup<'_>) -> Notifier {
    Notifier::new(Settings::read(lookup), Aws::new(lookup))
}
