//! Calls as they come in, whatever their protocol, and the faults that meet them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::lives::Fate;
use super::{E_TAG, Fault, Inner};
use crate::sdk;

/// Longer than a look-up may take that the gate can do without, and shorter than any other limit.
const SLOW: Duration = Duration::from_millis(1_200);

/// A call, whatever its protocol.
pub(super) struct Call {
    pub(super) operation: String,
    pub(super) path: String,
    pub(super) json: Value,
    pub(super) form: HashMap<String, String>,
    pub(super) body: Bytes,
    /// With whose key it is signed.
    pub(super) authorization: String,
    /// On which the call of S3 depends.
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: Option<String>,
}

impl Call {
    /// Whether an object of S3 is the one that is asked for.
    pub(super) fn matches(&self) -> bool {
        let is = |asked: &String| *asked == format!("\"{E_TAG}\"");
        self.if_match.as_ref().is_none_or(is)
    }
}

pub(super) async fn serve(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let call = read(request).await;
    let fate = inner.lives.fate(&call.authorization);
    if matches!(fate, Fate::Lost) {
        return std::future::pending().await;
    }
    let fault = {
        let mut recorded = inner.recorded.lock().unwrap();
        recorded.calls.push(call.operation.clone());
        let count = recorded.counts.entry(call.operation.clone()).or_default();
        *count += 1;
        (inner.plan)(&call.operation, *count - 1)
    };
    if let Fate::ServedLast(dies) = fate {
        inner.answer(&call);
        dies.notify_one();
        return std::future::pending().await;
    }
    match fault {
        None => inner.answer(&call),
        Some(Fault::Error) => error(&call, 500, "InternalFailure"),
        Some(Fault::Throttle) => error(&call, 400, "ThrottlingException"),
        Some(Fault::Refuse(code)) => error(&call, 400, code),
        Some(Fault::Close) => closed(),
        Some(Fault::Lost) => {
            inner.answer(&call);
            closed()
        }
        Some(Fault::Slow) => {
            tokio::time::sleep(SLOW).await;
            inner.answer(&call)
        }
        Some(Fault::Hang) => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            closed()
        }
        Some(Fault::Panic) => {
            ([(sdk::PANIC_HEADER, "injected")], inner.answer(&call)).into_response()
        }
    }
}

/// A body that breaks off: the client sees the connection end before the answer does.
fn closed() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("closed")) });
    Response::builder()
        .header("content-length", "10")
        .body(Body::from_stream(broken))
        .unwrap()
}

async fn read(request: Request) -> Call {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let value = |name: &str| header(&parts.headers, name).map(str::to_owned);
    let mut call = Call {
        operation: String::new(),
        path: parts.uri.path().to_owned(),
        json: Value::Null,
        form: HashMap::new(),
        body,
        authorization: value("authorization").unwrap_or_default(),
        if_match: value("if-match"),
        if_none_match: value("if-none-match"),
    };
    if let Some(target) = value("x-amz-target") {
        target
            .rsplit('.')
            .next()
            .unwrap()
            .clone_into(&mut call.operation);
        call.json = serde_json::from_slice(&call.body).unwrap();
    } else if call.path == "/" {
        call.form = url::form_urlencoded::parse(&call.body)
            .into_owned()
            .collect();
        call.operation.clone_from(&call.form["Action"]);
    } else if call.path.ends_with("/invocations") {
        call.operation = "Invoke".to_owned();
    } else if parts.method == "PUT" {
        call.operation = "PutObject".to_owned();
    } else {
        call.operation = "GetObject".to_owned();
    }
    call
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

pub(super) fn error(call: &Call, status: u16, code: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    if call.operation == "Invoke" {
        let text = json!({"message": "injected"}).to_string();
        return (status, [("x-amzn-errortype", code.to_owned())], text).into_response();
    }
    if !call.json.is_null() {
        return (
            status,
            json!({"__type": code, "message": "injected"}).to_string(),
        )
            .into_response();
    }
    let (open, close) = if call.form.is_empty() {
        ("", "")
    } else {
        ("<ErrorResponse>", "</ErrorResponse>")
    };
    let text =
        format!("{open}<Error><Code>{code}</Code><Message>injected</Message></Error>{close}");
    (status, text).into_response()
}
