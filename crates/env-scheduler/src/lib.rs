//! Puts environments to sleep and wakes them exactly as they were, and lets people have a say in it.
//!
//! The crate `environments` decides and acts; this crate is only its edge: events, accounts, time limits, answers, metrics
//! and people. Start reading at [`reconcile`].
//!
//! What must always hold:
//! - Every scheduled invocation reconciles, whatever its action is called: a lost, late or doubled event
//!   is harmless, and the action only says what people are sent.
//! - Nothing is touched without a configuration that was read as a whole, in an account that it does
//!   not allow, or in a dry run.
//! - One failure never stops the rest. An invocation fails only where nothing could be done at all
//!   ([`HandleError`]), so that it is tried again and finally seen in a queue.
//! - A message that can't be sent never stops a run: [`people`] returns sentences, not errors.

pub mod cache;
pub mod configuration;
pub mod continuation;
pub mod cross_account;
pub mod event;
pub mod identity;
pub mod metrics;
pub mod people;
pub mod reconcile;
pub mod run;
pub mod settings;
pub mod web;

use std::fmt;
use std::sync::Arc;

use channels::Http;
use common::aws::Aws;
use common::invocation;
pub use common::invocation::Invocation;
use common::settings::{Lookup, SettingsError};
use common::state::Table;
use environments::config::ConfigError;
use environments::problem::Problem;
use environments::record_store::RecordStore;
use function_url::slack_request::SecretCache;
use function_url::{NotOurs, OpenError, SealedEvent, is_request};
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;
use signing::{Keyring, new_id};
use tracing::Instrument;

use cache::Cache;
use cross_account::CrossAccountError;
use event::{Event, EventError};
use settings::Settings;
use web::slack_command::SlackRequest;

/// The function, alive for many invocations.
pub struct Function {
    /// Wrong settings make each invocation fail with all problems.
    pub settings: Result<Settings, SettingsError>,
    /// The clients of the function's own account and region.
    pub aws: Aws,
    /// The present moment. A run's own clock may be ahead of it: see [`run::RunContext::now`].
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Fresh names that nobody can guess.
    pub new_id: Box<dyn Fn() -> String + Send + Sync>,
    /// Where a line of metrics goes: into the log, where CloudWatch finds it.
    pub emit: Box<dyn Fn(&Value) + Send + Sync>,
    /// The keys that links are signed with.
    pub keyring: Keyring,
    /// For webhooks and Slack.
    pub http: Http,
    /// Slack's signing secret, read when it is first needed.
    pub slack: SecretCache,
    /// What a warm function need not read or learn again.
    pub cache: Cache,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The function, from its settings; nothing is called and no client is built yet.
pub fn function(lookup: Lookup<'_>) -> Function {
    Function::new(Settings::read(lookup), Aws::new(lookup))
}

impl Function {
    /// The function over given clients.
    pub fn new(settings: Result<Settings, SettingsError>, aws: Aws) -> Self {
        let known = settings.as_ref().ok();
        Self {
            http: Http::new(known.is_some_and(|settings| settings.allow_private_addresses)),
            keyring: Keyring::new(known.map(|s| s.keys_secret.clone()).unwrap_or_default()),
            clock: Box::new(Timestamp::now),
            new_id: Box::new(new_id),
            emit: Box::new(common::metrics::emit),
            slack: SecretCache::default(),
            cache: Cache::default(),
            settings,
            aws,
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Sleep records and requests, in the function's own state table.
    pub fn record_store<'a>(&'a self, settings: &'a Settings) -> RecordStore<'a> {
        RecordStore {
            table: Table {
                aws: &self.aws,
                name: &settings.state_table,
            },
        }
    }
}

/// Why an invocation failed. Lambda tries it again, then hands it to the queue, and an alarm sees it;
/// the error of a single service or cluster is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The function is not set up.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The event says nothing that can be done.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The configuration can't be read, or is wrong. Nothing was touched.
    #[error("nothing was touched: {0}")]
    Configuration(#[from] ConfigError),
    /// The account, the region or the role is not allowed, or the role can't be taken.
    #[error(transparent)]
    CrossAccount(#[from] CrossAccountError),
    /// Not one service could be read. Nothing was touched.
    #[error("nothing could be read, and nothing was touched: {}", reconcile::some_of(.0).join("; "))]
    NothingRead(Vec<Problem>),
    /// Something came that the function should have handed to itself, and hasn't; or that can't be known.
    #[error(transparent)]
    Sealed(#[from] OpenError),
    /// The same, and it can't be read.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
}

impl HandleError {
    /// The same in each run that fails for the same reason: without ids of requests and instants.
    fn key(&self) -> String {
        match self {
            Self::Configuration(ConfigError::Unreadable(error)) => {
                format!("configuration {}", error.place)
            }
            Self::CrossAccount(CrossAccountError::Refused {
                role_arn, cause, ..
            }) => format!("role {role_arn} {cause:?}"),
            Self::NothingRead(problems) => {
                let mut keys: Vec<&str> = problems.iter().map(|one| one.key.as_str()).collect();
                keys.sort_unstable();
                keys.join("; ")
            }
            Self::Configuration(ConfigError::Invalid(problems)) => {
                format!("configuration {problems}")
            }
            Self::CrossAccount(error) => format!("{error:?}"),
            Self::Settings(_) => "settings".to_owned(),
            Self::Event(_) => "event".to_owned(),
            Self::Sealed(_) | Self::NotOurs(_) => "not ours".to_owned(),
        }
    }
}

impl From<HandleError> for Diagnostic {
    fn from(error: HandleError) -> Self {
        let error_type = match &error {
            HandleError::Settings(_) => "Settings",
            HandleError::Event(_) => "Event",
            HandleError::Configuration(_) => "Configuration",
            HandleError::CrossAccount(_) => "CrossAccount",
            HandleError::NothingRead(_) => "NothingRead",
            HandleError::Sealed(_) | HandleError::NotOurs(_) => "NotOurs",
        };
        invocation::diagnostic(error_type, error)
    }
}

/// Answers one event: a request of the function URL, or a scheduled one, which reconciles.
pub async fn handle(
    function: Arc<Function>,
    event: LambdaEvent<Value>,
) -> Result<Value, HandleError> {
    let span = invocation::span(&event.context);
    let invocation = Invocation::of(&event.context);
    answer(&function, &invocation, event.payload)
        .instrument(span)
        .await
}

async fn answer(
    function: &Function,
    invocation: &Invocation,
    payload: Value,
) -> Result<Value, HandleError> {
    if is_request(&payload) {
        return Ok(Box::pin(web::handle(function, invocation, payload)).await);
    }
    if SealedEvent::<SlackRequest>::is_in(&payload) {
        return Box::pin(web::handed_over(function, invocation, payload)).await;
    }
    let done = scheduled(function, invocation, &payload).await;
    done.inspect_err(|error| tracing::error!("{error}"))
}

async fn scheduled(
    function: &Function,
    invocation: &Invocation,
    payload: &Value,
) -> Result<Value, HandleError> {
    let settings = function.settings.as_ref().map_err(Clone::clone)?;
    let event = Event::decode(payload)?;
    Box::pin(reconcile::reconcile(function, settings, invocation, &event)).await
}
