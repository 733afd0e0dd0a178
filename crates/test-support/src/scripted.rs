//! An AWS that answers each operation as a test says, whatever its protocol: for rooms that make a few calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use common::aws::Aws;

use crate::loopback::Loopback;

/// One answer of an operation.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// How long it takes to come.
    delay: Duration,
    /// The connection breaks off in it.
    breaks_off: bool,
    /// What a refusal says beside its code.
    message: &'static str,
}

/// An answer with this body.
pub fn ok(body: impl ToString) -> Answer {
    bytes(body.to_string())
}

/// An answer with this body, which need not be text.
pub fn bytes(body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        status: 200,
        headers: Vec::new(),
        body: body.into(),
        delay: Duration::ZERO,
        breaks_off: false,
        message: "",
    }
}

/// A refusal with AWS's code, in all protocols at once.
pub fn refused(code: &'static str) -> Answer {
    Answer {
        status: 400,
        headers: vec![("x-amzn-errortype", code.to_owned())],
        message: "scripted",
        ..bytes(code)
    }
}

/// A refusal that says this.
pub fn refused_saying(code: &'static str, message: &'static str) -> Answer {
    Answer {
        message,
        ..refused(code)
    }
}

/// There is no such bucket or object; a HEAD has no body that would say so.
pub fn not_found() -> Answer {
    Answer {
        status: 404,
        ..bytes("")
    }
}

/// AWS asks to be called less often.
pub fn throttled() -> Answer {
    refused("ThrottlingException")
}

impl Answer {
    /// The same with a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same so much later.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The same, lost on its way: the connection breaks off.
    #[must_use]
    pub fn cut_off(mut self) -> Self {
        self.breaks_off = true;
        self
    }
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, Vec<Answer>>,
    calls: Vec<(String, String)>,
}

/// A running server; stops when dropped.
pub struct Scripted {
    script: Arc<Mutex<Script>>,
    server: Loopback,
}

impl Scripted {
    /// Answers each operation by its answers in turn, the last one again and again. An operation without any is refused.
    pub async fn start(answers: impl IntoIterator<Item = (&'static str, Vec<Answer>)>) -> Self {
        let answers = answers
            .into_iter()
            .map(|(operation, answers)| (operation.to_owned(), answers));
        let script = Arc::new(Mutex::new(Script {
            answers: answers.collect(),
            calls: Vec::new(),
        }));
        let app = Router::new().fallback(serve).with_state(script.clone());
        let server = Loopback::start(app).await;
        Self { script, server }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Clients of it, each call tried once.
    pub fn clients(&self) -> Aws {
        crate::sdk::loopback(&self.url(), "us-east-1", 1)
    }

    /// The operations called, each with its body or query.
    pub fn calls(&self) -> Vec<(String, String)> {
        self.script.lock().unwrap().calls.clone()
    }

    /// The bodies or queries of one operation.
    pub fn bodies(&self, operation: &str) -> Vec<String> {
        let of = |(name, body)| (name == operation).then_some(body);
        self.calls().into_iter().filter_map(of).collect()
    }
}

/// Whose bucket of S3 it must be.
const OWNER: &str = "x-amz-expected-bucket-owner";

async fn serve(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    let path = parts.uri.to_string();
    let header =
        |headers: &HeaderMap, name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let target = header(&parts.headers, "x-amz-target");
    let action = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
        .map(str::to_owned);
    // The paths of Lambda's API.
    let of_path = || match path.as_str() {
        path if path.contains("/invocations") => "Invoke",
        path if path.contains("/aliases/") => "GetAlias",
        path if path.contains("/configuration") => "GetFunctionConfiguration",
        path if path.contains("x-id=GetObject") => "GetObject",
        _ => "Unknown",
    };
    let is_json = action.is_none();
    let of_s3 = || {
        let is_bucket = parts.uri.path().trim_matches('/').split('/').count() == 1;
        match (parts.method.as_str(), is_bucket) {
            ("HEAD", true) => Some("HeadBucket"),
            ("HEAD", false) => Some("HeadObject"),
            ("PUT", true) => Some("CreateBucket"),
            ("PUT", false) => Some("PutObject"),
            _ => None,
        }
    };
    let operation = match (&target, action) {
        (Some(target), _) => target.rsplit('.').next().unwrap_or_default().to_owned(),
        (None, Some(action)) => action,
        (None, None) => of_s3().unwrap_or_else(of_path).to_owned(),
    };
    let answer = {
        let mut script = script.lock().unwrap();
        let owner = header(&parts.headers, OWNER).map(|owner| format!(" {OWNER}: {owner}"));
        let seen = if target.is_none() && is_json {
            format!("{path}{} {body}", owner.unwrap_or_default())
        } else {
            body
        };
        script.calls.push((operation.clone(), seen));
        match script.answers.get_mut(&operation) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers
                .first()
                .cloned()
                .unwrap_or_else(|| refused("NoAnswer")),
            None => refused("UnknownOperation"),
        }
    };
    tokio::time::sleep(answer.delay).await;
    if answer.breaks_off {
        return broken_off();
    }
    let protocol = match operation.as_str() {
        "GetObject" | "PutObject" | "CreateBucket" => Protocol::S3,
        _ if is_json => Protocol::Json,
        _ => Protocol::Query,
    };
    render(&answer, protocol)
}

/// A body that ends before it should.
fn broken_off() -> Response {
    let broken =
        futures::stream::once(async { Err::<Vec<u8>, _>(std::io::Error::other("closed")) });
    Response::builder()
        .header("content-length", "10")
        .body(Body::from_stream(broken))
        .unwrap()
}

/// How an error is written.
enum Protocol {
    Json,
    Query,
    S3,
}

fn render(answer: &Answer, protocol: Protocol) -> Response {
    let Answer {
        status,
        headers,
        body,
        message,
        ..
    } = answer;
    let code = String::from_utf8_lossy(body);
    let body = match (*status, protocol) {
        (200, _) => body.clone(),
        (_, Protocol::Json) => {
            format!(r#"{{"__type":"{code}","message":"{message}"}}"#).into_bytes()
        }
        (_, Protocol::Query) => format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
        .into_bytes(),
        (_, Protocol::S3) => {
            format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>").into_bytes()
        }
    };
    let mut response = (StatusCode::from_u16(*status).unwrap(), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}
