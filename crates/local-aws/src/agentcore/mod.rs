//! Browsers of Amazon Bedrock `AgentCore`: sessions over a Chromium of this machine, and the stream that drives it.
//!
//! A session has a browser of its own, which ends with it. The stream is let in by its signature alone, as AWS does: it is
//! the one thing here that checks one.

mod signature;
mod stream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use browser::Chromium;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::{Request, Response};
use hyper::body::Incoming;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use url::form_urlencoded;

pub use self::signature::SECRET;
use crate::error::AwsError;
use crate::ids;
use crate::service::{Call, Service};
use crate::sync::lock;
use crate::wire::answer::json_answer;

/// The longest time of a session, in seconds.
const MAX_SESSION: u64 = 28_800;
/// Without another one.
const USUAL_SESSION: u64 = 3_600;
/// How long a session may take to have its browser.
const START_TIMEOUT: Duration = Duration::from_secs(40);
const STREAMS: &str = "/browser-streams/";

/// Sessions of browsers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct AgentCore(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    chromium: Option<PathBuf>,
    address: OnceLock<SocketAddr>,
    sessions: Mutex<BTreeMap<String, Session>>,
}

type Started = Shared<BoxFuture<'static, Result<Arc<Chromium>, String>>>;

struct Session {
    browser: String,
    token: String,
    /// None: it has ended.
    running: Option<Running>,
    connections: usize,
}

struct Running {
    chromium: Started,
    /// Connections, and what ends the session by itself.
    tasks: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Session {
    fn status(&self) -> &'static str {
        if self.running.is_some() {
            "READY"
        } else {
            "TERMINATED"
        }
    }
}

/// Whether a path is that of a stream.
pub(crate) fn is_stream(path: &str) -> bool {
    path.starts_with(STREAMS)
}

impl AgentCore {
    /// Over this program.
    pub(crate) fn new(chromium: Option<PathBuf>) -> Self {
        Self(Arc::new(Inner {
            chromium,
            ..Inner::default()
        }))
    }

    /// What the addresses of streams begin with.
    pub(crate) fn listens_at(&self, address: SocketAddr) {
        // Once: an address does not change.
        self.0.address.set(address).ok();
    }

    /// All sessions so far: id, browser, status and how many connections each has had.
    pub fn sessions(&self) -> Vec<Value> {
        let sessions = lock(&self.0.sessions);
        let sessions = sessions.iter().map(|(id, session)| {
            json!({
                "sessionId": id, "browserIdentifier": session.browser,
                "status": session.status(), "connections": session.connections
            })
        });
        sessions.collect()
    }

    /// Ends all of them.
    pub(crate) fn shut_down(&self) {
        for session in lock(&self.0.sessions).values_mut() {
            session.running = None;
        }
    }

    fn start(&self, browser: &str, input: &Value) -> Result<Value, AwsError> {
        let program = self.0.chromium.clone().ok_or_else(|| {
            AwsError::internal(
                "there is no Chromium: start local-aws with --image chromium=/usr/bin/chromium",
            )
        })?;
        let seconds = match &input["sessionTimeoutSeconds"] {
            Value::Null => USUAL_SESSION,
            value => value
                .as_u64()
                .filter(|seconds| (1..=MAX_SESSION).contains(seconds))
                .ok_or_else(|| invalid("sessionTimeoutSeconds must be 1 to 28800"))?,
        };
        let token = input["clientToken"].as_str().unwrap_or_default().to_owned();
        if !token.is_empty() && !(33..=256).contains(&token.len()) {
            return Err(invalid("clientToken must have 33 to 256 characters"));
        }
        let mut sessions = lock(&self.0.sessions);
        let known = sessions
            .iter()
            .find(|(_, session)| !token.is_empty() && session.token == token)
            .map(|(id, _)| id.clone());
        let id = known.unwrap_or_else(|| {
            let id = ids::url_safe(26).replace(['-', '_'], "A").to_uppercase();
            let session = Session {
                browser: browser.to_owned(),
                token,
                running: Some(Running {
                    chromium: starting(program),
                    tasks: vec![self.ends_after(id.clone(), Duration::from_secs(seconds))],
                }),
                connections: 0,
            };
            sessions.insert(id.clone(), session);
            id
        });
        let address = self.0.address.get();
        let address = address.ok_or_else(|| AwsError::internal("it listens nowhere"))?;
        let at = format!("ws://{address}{STREAMS}{browser}/sessions/{id}");
        Ok(json!({
            "browserIdentifier": browser, "sessionId": id, "createdAt": Timestamp::now(),
            "streams": {
                "automationStream": { "streamEndpoint": format!("{at}/automation"), "streamStatus": "ENABLED" },
                "liveViewStream": { "streamEndpoint": format!("{at}/live-view") }
            }
        }))
    }

    fn ends_after(&self, id: String, time: Duration) -> JoinHandle<()> {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(inner) = inner.upgrade() {
                let ended = lock(&inner.sessions)
                    .get_mut(&id)
                    .and_then(|session| session.running.take());
                drop(ended);
            }
        })
    }

    fn stop(&self, id: &str) -> Result<Value, AwsError> {
        let mut sessions = lock(&self.0.sessions);
        let session = sessions.get_mut(id).ok_or_else(|| unknown(id))?;
        session.running = None;
        Ok(json!({
            "browserIdentifier": session.browser, "sessionId": id, "lastUpdatedAt": Timestamp::now()
        }))
    }

    fn get(&self, id: &str) -> Result<Value, AwsError> {
        let sessions = lock(&self.0.sessions);
        let session = sessions.get(id).ok_or_else(|| unknown(id))?;
        Ok(json!({
            "browserIdentifier": session.browser, "sessionId": id, "status": session.status()
        }))
    }

    /// Connects a client of the protocol with the browser of a session.
    pub(crate) async fn connect(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<()>, AwsError> {
        let (parts, body) = request.into_parts();
        signature::check(&parts, "bedrock-agentcore", Timestamp::now())?;
        let path = parts.uri.path().to_owned();
        let session = path
            .strip_prefix(STREAMS)
            .and_then(|path| path.strip_suffix("/automation"))
            .and_then(|path| path.split_once("/sessions/"));
        let id = session.map_or("", |(_, id)| id).to_owned();
        let chromium = {
            let mut sessions = lock(&self.0.sessions);
            let session = sessions.get_mut(&id);
            let session = session.filter(|session| session.running.is_some());
            let session = session.ok_or_else(|| unknown(&id))?;
            session.connections += 1;
            session
                .running
                .as_ref()
                .map(|running| running.chromium.clone())
        };
        let chromium = chromium.ok_or_else(|| unknown(&id))?;
        let chromium = tokio::time::timeout(START_TIMEOUT, chromium).await;
        let chromium = chromium
            .map_err(|_| AwsError::internal("the browser did not start in time"))?
            .map_err(AwsError::internal)?;
        let request = Request::from_parts(parts, body);
        let (answer, tunnel) = stream::connect(request, chromium.endpoint().uri()).await?;
        if let Some(session) = lock(&self.0.sessions).get_mut(&id)
            && let Some(running) = &mut session.running
        {
            running.tasks.push(tokio::spawn(tunnel));
        }
        Ok(answer)
    }
}

fn starting(program: PathBuf) -> Started {
    async move {
        let chromium = Chromium::start(&program, &[]).await;
        chromium.map(Arc::new).map_err(|error| error.to_string())
    }
    .boxed()
    .shared()
}

fn invalid(why: &str) -> AwsError {
    AwsError::client("ValidationException", why)
}

fn unknown(id: &str) -> AwsError {
    AwsError {
        status: 404,
        ..AwsError::client(
            "ResourceNotFoundException",
            format!("there is no session {id:?} that is ready"),
        )
    }
}

impl Service for AgentCore {
    fn signing_name(&self) -> &'static str {
        "bedrock-agentcore"
    }

    fn answer(&self, call: &Call<'_>) -> Result<Response<Bytes>, AwsError> {
        let path = call.parts.uri.path();
        let browser = path
            .strip_prefix("/browsers/")
            .and_then(|path| path.split('/').next())
            .unwrap_or_default();
        let query = call.parts.uri.query().unwrap_or_default();
        let query = form_urlencoded::parse(query.as_bytes());
        let id = query.into_owned().find(|(name, _)| name == "sessionId");
        let id = id.map(|(_, id)| id).unwrap_or_default();
        let output = match call.operation {
            "StartBrowserSession" => {
                let input: Value = serde_json::from_slice(call.body).map_err(|error| {
                    AwsError::client("SerializationException", error.to_string())
                })?;
                self.start(browser, &input)?
            }
            "StopBrowserSession" => self.stop(&id)?,
            "GetBrowserSession" => self.get(&id)?,
            other => {
                let why = format!("{other} is not served here");
                return Err(AwsError::client("UnknownOperationException", why));
            }
        };
        Ok(json_answer("application/json", &output))
    }
}
