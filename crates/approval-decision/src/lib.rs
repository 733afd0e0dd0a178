//! Takes an approver's answer: from a button in Slack, or from the page that a signed link leads to.
//!
//! Behind a function URL that anybody can call, so that every request proves where it comes from before
//! anything is looked up: [`slack`] by Slack's signature, [`link`] by our own. What an answer is worth is
//! decided by [`approvals::decide`], and what became of it is told as it is.
//!
//! What must always hold:
//! - A GET or HEAD changes nothing, whoever sends it: mail scanners follow links.
//! - Who can't prove anything learns nothing, not even why.
//! - No approval token is in an answer, a page, a log or an event: nothing here ever holds one.

pub mod link;
pub mod page;
pub mod settings;
pub mod slack;
pub mod texts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use approvals::CaseId;
use approvals::config::{Config, ConfigError, Route, load};
use approvals::decide::{Answer, Click, DecisionContext, VerificationObstacle, decide};
use approvals::records::{ApprovalAudit, ApprovalDetails, Records};
use channels::Http;
use common::aws::Aws;
use common::invocation::{self, Invocation};
use common::settings::{Lookup, SettingsError};
use common::state::Table;
use common::telemetry;
use function_url::slack_request::SecretCache;
use function_url::{NotOurs, OpenError, Request, Response, SealedEvent, is_request};
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent};
use ledger::{Actor, AuditKind, AuditRecord};
use serde_json::{Value, json};
use signing::{Keyring, Keys, KeysError, new_id};
use tracing::Instrument;

use settings::Settings;
use slack::SlackClick;

/// The function, alive for many invocations.
pub struct DecisionFunction {
    /// Wrong settings are an answer too, and all of them are in the log.
    pub settings: Result<Settings, SettingsError>,
    /// The clients.
    pub aws: Aws,
    /// The present moment.
    pub clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Fresh names that nobody can guess.
    pub new_id: Box<dyn Fn() -> String + Send + Sync>,
    /// For Slack's `response_url`.
    http: Http,
    keyring: Keyring,
    slack_secret: SecretCache,
}

impl fmt::Debug for DecisionFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecisionFunction")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The function, from its settings; nothing is called and no client is built yet.
pub fn function(lookup: Lookup<'_>) -> DecisionFunction {
    DecisionFunction::new(Settings::read(lookup), Aws::new(lookup))
}

impl DecisionFunction {
    /// The function over given clients.
    pub fn new(settings: Result<Settings, SettingsError>, aws: Aws) -> Self {
        let known = settings.as_ref().ok();
        Self {
            // It speaks to Slack only, or to the stand-in that a setting names.
            http: Http::new(true),
            keyring: Keyring::new(known.map(|s| s.keys_secret.clone()).unwrap_or_default()),
            slack_secret: SecretCache::default(),
            clock: Box::new(Timestamp::now),
            new_id: Box::new(new_id),
            settings,
            aws,
        }
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// One invocation of a function whose settings are right.
#[derive(Clone, Copy)]
pub struct RequestContext<'a> {
    function: &'a DecisionFunction,
    settings: &'a Settings,
    invocation: &'a Invocation,
}

impl RequestContext<'_> {
    fn records(&self) -> Records<'_> {
        let table = Table {
            aws: &self.function.aws,
            name: &self.settings.state_table,
        };
        Records::new(table, &*self.function.clock, &*self.function.new_id)
            .with_audit_retention(self.settings.audit_retention)
    }

    fn decision_context<'v>(&'v self, keys: &'v Keys, config: &'v Config) -> DecisionContext<'v> {
        DecisionContext {
            aws: &self.function.aws,
            records: self.records(),
            keys,
            config,
            shown_now: &briefing::shown_now_of,
        }
    }

    async fn keys(&self) -> Result<Arc<Keys>, KeysError> {
        let function = self.function;
        function.keyring.keys(&function.aws, function.now()).await
    }

    /// The keys of now, where something was signed with one that isn't among `keys`; the same ones if
    /// there are no others.
    async fn newer_keys(&self, keys: &Arc<Keys>) -> Arc<Keys> {
        let function = self.function;
        let newer = function
            .keyring
            .refreshed(&function.aws, function.now())
            .await;
        newer.unwrap_or_else(|error| {
            tracing::error!("{error}");
            keys.clone()
        })
    }

    /// Decides; once more with the keys of now where these were too old for the case.
    async fn decide(&self, keys: &Arc<Keys>, config: &Config, click: &Click) -> Answer {
        let answer = Box::pin(decide(&self.decision_context(keys, config), click)).await;
        let rotated = VerificationObstacle::KeysRotated;
        if answer != (Answer::TryAgain { why: rotated }) {
            return answer;
        }
        let newer = self.newer_keys(keys).await;
        if Arc::ptr_eq(&newer, keys) {
            return answer;
        }
        Box::pin(decide(&self.decision_context(&newer, config), click)).await
    }

    /// Leaves an audit record of an answer that never came to be decided, if its case is known. Without
    /// its comment: nothing that people wrote was looked at.
    async fn note_undecided(&self, click: &Click, answer: &Answer) {
        let records = self.records();
        let case = match records.case(&click.case).await {
            Ok(Some(case)) => case,
            Ok(None) => return,
            Err(error) => {
                tracing::error!("the audit is incomplete: {error}");
                return;
            }
        };
        let now = self.function.now();
        let record = ApprovalAudit {
            by: vec![Actor::new(&click.approver, "", click.via)],
            via: Some(click.via),
            from: click.from.clone(),
            details: ApprovalDetails {
                decision: Some(click.decision),
                ..ApprovalDetails::of(&case)
            },
            ..AuditRecord::new(AuditKind::Click, case.id, now, answer.to_string())
        };
        if let Err(error) = records.ledger.audit_attempt(&record).await {
            tracing::error!("the audit is incomplete: {error}");
        }
    }

    /// Read each time: who is taken off the list may not decide from that moment on.
    async fn config(&self) -> Result<Config, ConfigError> {
        load(&self.function.aws, &self.settings.config).await
    }

    /// The route of a case, to speak its language; none where it can't be found out.
    async fn route_of<'c>(&self, config: &'c Config, id: &CaseId) -> Option<&'c Route> {
        let case = self.records().case(id).await.ok()??;
        config.route_named(&case.route)
    }

    fn time_left(&self) -> Duration {
        self.invocation.time_left().saturating_sub(REPORT_RESERVE)
    }
}

/// The invocation failed in a way that Lambda should try again, or that nobody can be told of.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// It is neither a request nor our own event.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
    /// A click could not even be begun.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// Nor without the keys, nor where somebody else has handed it over.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<HandleError> for Diagnostic {
    fn from(error: HandleError) -> Self {
        let error_type = match error {
            HandleError::NotOurs(_) | HandleError::Open(OpenError::Seal(_)) => "NotOurs",
            HandleError::Settings(_) => "Settings",
            HandleError::Open(OpenError::Keys(_)) => "Keys",
        };
        invocation::diagnostic(error_type, error)
    }
}

/// Kept of the function's time for saying what came of it.
const REPORT_RESERVE: Duration = Duration::from_secs(3);

/// Answers one event: a request of the function URL, or a click that was taken in before.
pub async fn handle(
    function: Arc<DecisionFunction>,
    event: LambdaEvent<Value>,
) -> Result<Value, HandleError> {
    let span = invocation::span(&event.context);
    let invocation = Invocation::of(&event.context);
    answer(&function, event.payload, &invocation)
        .instrument(span)
        .await
}

/// What came in.
enum Event {
    /// A request of the function URL.
    Request(Request),
    /// A click that was acknowledged before.
    Click(SealedEvent<SlackClick>),
}

fn decode(payload: Value) -> Result<Event, NotOurs> {
    if is_request(&payload) {
        return Ok(Event::Request(Request::decode(payload)?));
    }
    Ok(Event::Click(SealedEvent::decode(payload)?))
}

async fn answer(
    function: &DecisionFunction,
    payload: Value,
    invocation: &Invocation,
) -> Result<Value, HandleError> {
    let event = decode(payload).inspect_err(|error| tracing::error!("{error}"))?;
    let settings = match (&function.settings, &event) {
        (Ok(settings), _) => settings,
        (Err(error), Event::Request(request)) => {
            tracing::error!("{error}");
            return Ok(Response::unavailable()
                .for_method(&request.method)
                .into_value());
        }
        (Err(error), Event::Click(_)) => {
            tracing::error!("{error}");
            return Err(error.clone().into());
        }
    };
    let context = RequestContext {
        function,
        settings,
        invocation,
    };
    Ok(match event {
        Event::Request(request) => {
            let response = Box::pin(route(&context, &request)).await;
            tracing::info!(
                method = request.method,
                status = response.status,
                "a request was answered"
            );
            response.for_method(&request.method).into_value()
        }
        Event::Click(click) => {
            let case = click.unverified().case.clone();
            Box::pin(clicked(&context, click)).await?;
            json!({"case": case})
        }
    })
}

async fn route(context: &RequestContext<'_>, request: &Request) -> Response {
    match request.path.as_str() {
        "/slack/interactions" => slack::interactions(context, request).await,
        path => match path.strip_prefix("/d/") {
            Some(sealed) => link::serve(context, request, sealed).await,
            None => Response::not_found(),
        },
    }
}

async fn clicked(
    context: &RequestContext<'_>,
    sealed: SealedEvent<SlackClick>,
) -> Result<(), HandleError> {
    let case = sealed.unverified().case.to_string();
    tracing::Span::current().record(telemetry::CORRELATION_ID, case);
    let function = context.function;
    let opened = sealed.open(&function.keyring, &function.aws, function.now());
    let (click, keys) = opened
        .await
        .inspect_err(|error| tracing::error!("{error}"))?;
    slack::decide_click(context, &keys, &click).await;
    Ok(())
}
