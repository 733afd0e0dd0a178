//! Browsers of Amazon Bedrock `AgentCore`: a session is started for the first check that needs one, used by one check at a
//! time, and stopped with the run.
//!
//! A session that a cut call has started is stopped as well, as `AgentCore` counts and bills it until it ends. It ends by itself
//! a little after the run must have ended.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use common::aws::Aws;
use common::failure::{Failure, Hints};
use common::rest_api::{self, BEDROCK_AGENTCORE, path_segment};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use gate::browsers::{Browsers, Endpoint, NoBrowser, OpenBrowser, Opening};
use gate::cloud::SigningRequest;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use signing::OpaqueId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Clients;
use super::place::BrowserId;
use crate::cloud::sign;

/// What `AgentCore` shows as the session's name.
const SESSION_NAME: &str = "deploy-hooks";
/// How long a session goes on by itself when a run did not stop it.
const SESSION_GRACE: Duration = Duration::from_mins(1);
/// What `AgentCore` takes for a session.
const SESSION_TIMEOUT_SECONDS: (u64, u64) = (60, 28_800);
/// Sessions of one run. More checks at once wait for nothing: they are errored, and told to be fewer.
const MAX_SESSIONS: usize = 4;

/// Browsers of `AgentCore` for one run.
pub struct AgentCore {
    shared: Arc<SharedSessions>,
}

struct SharedSessions {
    clients: Clients,
    browser: BrowserId,
    /// When the run must have ended.
    ends: Instant,
    sessions: Mutex<Sessions>,
}

#[derive(Default)]
struct Sessions {
    /// Nobody uses these now.
    idle: Vec<Session>,
    /// Idle, in use or being started.
    open: usize,
    /// So far.
    started: usize,
    closed: bool,
}

/// A session that was started. It is stopped when this is dropped.
struct Session {
    clients: Clients,
    browser: BrowserId,
    id: String,
    /// Where its browser listens.
    stream: String,
    is_stopped: bool,
}

/// A session in use.
struct Lease {
    session: Option<Session>,
    shared: Arc<SharedSessions>,
}

impl fmt::Debug for AgentCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AgentCore")
            .field(&self.shared.browser)
            .finish()
    }
}

impl AgentCore {
    /// Browsers for a run that ends at `ends`.
    pub fn new(clients: Clients, browser: BrowserId, ends: Instant) -> Self {
        Self {
            shared: Arc::new(SharedSessions {
                clients,
                browser,
                ends,
                sessions: Mutex::default(),
            }),
        }
    }
}

impl Browsers for AgentCore {
    fn open<'a>(&'a self, _: &'a [(String, String)]) -> Opening<'a> {
        async move {
            let lease = self.shared.lease().await?;
            let session = lease.session.as_ref();
            let stream = session.map(|session| session.stream.clone());
            let endpoint = signed(self.shared.aws(), &stream.unwrap_or_default()).await?;
            Ok(OpenBrowser {
                endpoint,
                maps_hosts: false,
                lease: Arc::new(lease),
            })
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        let idle = {
            let mut sessions = self.shared.lock();
            sessions.closed = true;
            std::mem::take(&mut sessions.idle)
        };
        // Tasks of their own: whoever waits may stop waiting.
        let stopping = idle.into_iter().map(|session| tokio::spawn(session.stop()));
        let stopping = join_all(stopping.collect::<Vec<_>>());
        stopping.map(drop).boxed()
    }
}

impl SharedSessions {
    fn aws(&self) -> &Aws {
        (*self.clients).as_ref()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that nobody uses, or a new one.
    async fn lease(self: &Arc<Self>) -> Result<Lease, NoBrowser> {
        {
            let mut sessions = self.lock();
            if let Some(session) = sessions.idle.pop() {
                return Ok(Lease {
                    session: Some(session),
                    shared: Arc::clone(self),
                });
            }
            if sessions.open >= MAX_SESSIONS {
                return Err(NoBrowser(format!(
                    "{MAX_SESSIONS} sessions of the browser {} are in use; write a smaller `concurrency`",
                    self.browser.0
                )));
            }
            sessions.open += 1;
            sessions.started += 1;
        }
        // From here on the lease gives the place back.
        let mut lease = Lease {
            session: None,
            shared: Arc::clone(self),
        };
        lease.session = Some(self.start().await?);
        Ok(lease)
    }

    /// Starts a session. One that nobody waits for any more is stopped.
    async fn start(&self) -> Result<Session, NoBrowser> {
        let (answer, waiting) = oneshot::channel();
        let (clients, browser) = (self.clients.clone(), self.browser.clone());
        let left = self.ends.saturating_duration_since(Instant::now()) + SESSION_GRACE;
        let seconds = left
            .as_secs()
            .clamp(SESSION_TIMEOUT_SECONDS.0, SESSION_TIMEOUT_SECONDS.1);
        let token = format!("{:?}, the {}.", SystemTime::now(), self.lock().started);
        tokio::spawn(async move {
            // Unheard, it is dropped here, and so stopped.
            answer
                .send(started(clients, browser, (seconds, token)).await)
                .ok();
        });
        waiting
            .await
            .unwrap_or_else(|_| Err(NoBrowser("starting a session was given up".to_owned())))
    }
}

async fn started(
    clients: Clients,
    browser: BrowserId,
    (seconds, token): (u64, String),
) -> Result<Session, NoBrowser> {
    let aws: &Aws = (*clients).as_ref();
    let path = format!("/browsers/{}/sessions/start", path_segment(&browser.0));
    // The same for each try of the call: a call that is repeated starts no second session.
    let token = OpaqueId::of(&["browser session", &browser.0, &token])
        .to_string()
        .repeat(2);
    let input = json!({
        "name": SESSION_NAME, "sessionTimeoutSeconds": seconds, "clientToken": token,
        "viewPort": { "width": 1280, "height": 800 },
    });
    let route = ("PUT", path.as_str());
    let answer = rest_api::call(aws, BEDROCK_AGENTCORE, "StartBrowserSession", route, input).await;
    let answer = answer.map_err(|error| {
        let hints = Hints {
            permission: "bedrock-agentcore:StartBrowserSession: name the browser in the parameter AgentCoreBrowser",
            absent: "there is no such browser in this region",
        };
        let why = Failure::of(&error).sentence(aws.identity(), hints);
        NoBrowser(format!("StartBrowserSession {} failed: {why}", browser.0))
    })?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = text(&answer["sessionId"])
        .ok_or_else(|| NoBrowser("StartBrowserSession has no session in its answer".to_owned()))?;
    let stream = text(&answer["streams"]["automationStream"]["streamEndpoint"]);
    let session = Session {
        clients: clients.clone(),
        browser,
        id,
        stream: stream.unwrap_or_default(),
        is_stopped: false,
    };
    if session.stream.is_empty() {
        // It is dropped, and so stopped.
        return Err(NoBrowser(format!(
            "the session {} of the browser {} has no automation stream",
            session.id, session.browser.0
        )));
    }
    Ok(session)
}

impl Session {
    async fn stop(mut self) {
        self.is_stopped = true;
        stop(&self.clients, &self.browser, &self.id).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        let (false, Ok(runtime)) = (self.is_stopped, runtime) else {
            return;
        };
        let (clients, browser, id) = (self.clients.clone(), self.browser.clone(), self.id.clone());
        runtime.spawn(async move { stop(&clients, &browser, &id).await });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let session = self.session.take();
        let mut sessions = self.shared.lock();
        match session {
            Some(session) if !sessions.closed => sessions.idle.push(session),
            session => {
                sessions.open -= 1;
                drop(sessions);
                drop(session);
            }
        }
    }
}

async fn stop(clients: &Clients, browser: &BrowserId, id: &str) {
    let path = format!(
        "/browsers/{}/sessions/stop?sessionId={}",
        path_segment(&browser.0),
        path_segment(id)
    );
    let aws: &Aws = (**clients).as_ref();
    let route = ("PUT", path.as_str());
    let answer = rest_api::call(
        aws,
        BEDROCK_AGENTCORE,
        "StopBrowserSession",
        route,
        json!({}),
    );
    if let Err(error) = answer.await {
        let error = common::aws::explain(&error);
        tracing::warn!(%error, session = id, "a session of a browser could not be stopped; it ends by itself");
    }
}

/// The stream, with the signature that lets us in.
async fn signed(aws: &Aws, stream: &str) -> Result<Endpoint, NoBrowser> {
    let wrong = |why: &dyn fmt::Display| {
        NoBrowser(format!(
            "the stream of the browser can't be connected to: {why}"
        ))
    };
    let endpoint = Endpoint::parse(stream).map_err(|error| wrong(&error))?;
    let config = aws.config();
    let region = config.region().map(AsRef::as_ref);
    let region = region.ok_or_else(|| wrong(&"no AWS region is set"))?;
    let provider = config.credentials_provider();
    let provider = provider.ok_or_else(|| wrong(&"no AWS credentials are set"))?;
    let credentials = provider.provide_credentials().await;
    let credentials = credentials.map_err(|error| wrong(&error))?;
    let request = SigningRequest {
        service: "bedrock-agentcore".to_owned(),
        region: None,
        method: "GET".to_owned(),
        // The signer knows the schemes of HTTP.
        url: stream.replacen("ws", "http", 1),
        headers: Vec::new(),
        body: Vec::new().into(),
    };
    let headers = sign::signed(&request, credentials, region, SystemTime::now());
    let headers = headers.map_err(|error| wrong(&error.0))?;
    headers
        .into_iter()
        .try_fold(endpoint, |endpoint, (name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(&error))?;
            let value = HeaderValue::from_str(&value).map_err(|error| wrong(&error))?;
            Ok(endpoint.with_header(name, value))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_as_agentcore_names_it() {
        for good in ["aws.browser.v1", "shop_browser-AbCdEf1234"] {
            assert!(BrowserId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "arn:aws:x", "a b"] {
            assert!(BrowserId::parse(bad).is_err(), "{bad}");
        }
    }
}
