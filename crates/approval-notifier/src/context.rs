//! What one invocation works with: settings, clients, records, and the configuration and keys, each
//! read when they are first needed and then shared by all records of the event.

use std::sync::Arc;
use std::time::Duration;

use approvals::config::{self, Config};
use approvals::records::Records;
use channels::{Dispatcher, Outgoing, Recipient, recipients};
use common::aws::Aws;
use common::invocation::Invocation;
use jiff::Timestamp;
use signing::{Keyring, Keys};
use tokio::sync::OnceCell;

use crate::error::NotifierError;
use crate::link_signer::Signer;
use crate::settings::Settings;

/// How long another invocation's delivery is waited for.
const MAX_BUSY_WAIT: Duration = Duration::from_secs(6);

/// What one invocation works with.
pub struct EventContext<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// The settings.
    pub settings: &'a Settings,
    /// The state table.
    pub records: Records<'a>,
    /// The way out to Slack and the others.
    pub outgoing: Outgoing<'a>,
    /// The function itself.
    pub invocation: Invocation,
    keyring: &'a Keyring,
    config: OnceCell<Config>,
}

/// What outlives an invocation.
#[derive(Clone, Copy)]
pub struct SharedContext<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// The settings.
    pub settings: &'a Settings,
    /// The signing keys.
    pub keyring: &'a Keyring,
    /// The way out.
    pub outgoing: Outgoing<'a>,
}

impl<'a> EventContext<'a> {
    /// A context for one invocation.
    pub fn new(kept: SharedContext<'a>, records: Records<'a>, invocation: Invocation) -> Self {
        Self {
            aws: kept.aws,
            settings: kept.settings,
            records,
            outgoing: kept.outgoing,
            invocation,
            keyring: kept.keyring,
            config: OnceCell::new(),
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.records.now()
    }

    /// Channels and routes, read anew for each invocation, so that a change counts at once.
    pub async fn config(&self) -> Result<&Config, NotifierError> {
        let load = || config::load(self.aws, &self.settings.config);
        Ok(self.config.get_or_try_init(load).await?)
    }

    /// What links are made with.
    pub fn signer<'k>(&'k self, keys: &'k Keys) -> Signer<'k> {
        Signer {
            keys,
            decision_url: &self.settings.decision_url,
            state_table: &self.settings.state_table,
        }
    }

    /// How each message is sent once. Most deliveries of another invocation are done within a second or two; for longer
    /// ones Lambda's own repetition is the better wait.
    pub fn dispatcher(&self) -> Dispatcher<'_> {
        Dispatcher {
            ledger: self.records.ledger,
            outgoing: self.outgoing,
            busy_timeout: Some(MAX_BUSY_WAIT),
            max_tries: u32::MAX,
        }
    }

    /// The recipients of the named channels.
    pub async fn recipients(&self, names: &[String]) -> Result<Vec<Recipient>, NotifierError> {
        let channels = &self.config().await?.channels;
        Ok(recipients(
            names.iter().filter_map(|name| channels.get(name)),
        ))
    }

    /// The signing keys.
    pub async fn keys(&self) -> Result<Arc<Keys>, NotifierError> {
        Ok(self.keyring.keys(self.aws, self.now()).await?)
    }
}
