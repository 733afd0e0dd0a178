//! One server for AWS and for Slack, Teams and the webhooks: it records every call, can be slow, and can
//! meet any call with a fault.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use test_support::loopback::Loopback;

use super::world::World;

/// What goes wrong at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An answer with this status and an error of that protocol.
    Status(u16),
    /// AWS's refusal.
    Denied,
    /// Nothing comes for this long, then the connection ends.
    Hang(Duration),
    /// The call is carried out, but its answer is lost.
    Lost,
    /// Slack's `{"ok":false,"error":…}`.
    SlackError(&'static str),
}

/// A call as it was received.
#[derive(Debug, Clone)]
pub struct Call {
    /// `PutItem`, `chat.postMessage`, `POST /hook/teams`, …
    pub operation: String,
    /// The path.
    pub path: String,
    /// The body as JSON; a form becomes an object of texts.
    pub body: Value,
    /// The headers.
    pub headers: HashMap<String, String>,
    /// When it came.
    pub at: std::time::Instant,
}

/// Says which fault, if any, meets a call; the number counts the calls of its operation from 0.
pub type Plan = Box<dyn Fn(&Call, usize) -> Option<Fault> + Send + Sync>;
/// Says how long a call takes.
pub type Delay = Box<dyn Fn(&Call) -> Duration + Send + Sync>;

struct Inner {
    world: Mutex<World>,
    calls: Mutex<Vec<Call>>,
    plan: Mutex<Plan>,
    delay: Mutex<Delay>,
}

/// A running server; stops when dropped.
pub struct Server {
    inner: Arc<Inner>,
    server: Loopback,
}

impl Server {
    pub async fn start() -> Self {
        let inner = Arc::new(Inner {
            world: Mutex::default(),
            calls: Mutex::default(),
            plan: Mutex::new(Box::new(|_, _| None)),
            delay: Mutex::new(Box::new(|_| Duration::ZERO)),
        });
        let app = Router::new().fallback(serve).with_state(inner.clone());
        let server = Loopback::start(app).await;
        inner.world.lock().unwrap().base = server.url();
        Self { inner, server }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What the server knows; change it as time goes on.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.inner.world.lock().unwrap()
    }

    /// Every call, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.inner.calls.lock().unwrap().clone()
    }

    /// The calls of one operation.
    pub fn calls_of(&self, operation: &str) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.operation == operation);
        calls
    }

    /// Forgets the calls so far.
    pub fn forget(&self) {
        self.inner.calls.lock().unwrap().clear();
    }

    pub fn fail(&self, plan: impl Fn(&Call, usize) -> Option<Fault> + Send + Sync + 'static) {
        *self.inner.plan.lock().unwrap() = Box::new(plan);
    }

    pub fn slow(&self, delay: impl Fn(&Call) -> Duration + Send + Sync + 'static) {
        *self.inner.delay.lock().unwrap() = Box::new(delay);
    }
}

async fn serve(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let call = read(request).await;
    let fault = {
        let mut calls = inner.calls.lock().unwrap();
        let earlier = calls
            .iter()
            .filter(|earlier| earlier.operation == call.operation)
            .count();
        calls.push(call.clone());
        (inner.plan.lock().unwrap())(&call, earlier)
    };
    let delay = (inner.delay.lock().unwrap())(&call);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match fault {
        None => respond(inner.world.lock().unwrap().answer(&call)),
        Some(Fault::Status(status)) => respond((status, error(&call, "InternalFailure"))),
        Some(Fault::Denied) => respond((400, error(&call, "AccessDeniedException"))),
        Some(Fault::SlackError(code)) => respond((200, json!({"ok": false, "error": code}))),
        Some(Fault::Hang(time)) => {
            tokio::time::sleep(time).await;
            broken()
        }
        Some(Fault::Lost) => {
            inner.world.lock().unwrap().answer(&call);
            broken()
        }
    }
}

/// A JSON value; a text goes out as it is, for the XML protocols.
fn respond((status, body): (u16, Value)) -> Response {
    let text = match body {
        Value::String(text) => text,
        other => other.to_string(),
    };
    (StatusCode::from_u16(status).unwrap(), text).into_response()
}

fn error(call: &Call, code: &str) -> Value {
    if call.headers.contains_key("x-amz-target") || call.path.starts_with("/v2/") {
        return json!({"__type": code, "message": "injected"});
    }
    if call.path == "/" {
        return json!(format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>injected</Message></Error></ErrorResponse>"
        ));
    }
    json!({"__type": code, "message": "injected"})
}

/// A body that breaks off: the client sees the connection end before the answer does.
fn broken() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("closed")) });
    Response::builder()
        .header("content-length", "10")
        .body(Body::from_stream(broken))
        .unwrap()
}

async fn read(request: Request) -> Call {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path().to_owned();
    let headers: HashMap<String, String> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                value.to_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    let form = headers
        .get("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = if form {
        let pairs = url::form_urlencoded::parse(&bytes).into_owned();
        Value::Object(pairs.map(|(k, v)| (k, json!(v))).collect())
    } else {
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    };
    let operation = if let Some(target) = headers.get("x-amz-target") {
        target.rsplit('.').next().unwrap().to_owned()
    } else if form && path == "/" {
        body["Action"].as_str().unwrap().to_owned()
    } else if let Some(method) = path.strip_prefix("/slack/api/") {
        method.to_owned()
    } else {
        format!("{} {path}", parts.method)
    };
    Call {
        operation,
        path,
        body,
        headers,
        at: std::time::Instant::now(),
    }
}
