//! A service on loopback that answers as it is told to and remembers what it was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_types::SdkConfig;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use common::aws::Aws;
use serde_json::Value;

/// What it answers.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A status, headers and a body.
    Says(u16, Vec<(&'static str, &'static str)>, String),
    /// Nothing for so long, then all is well.
    After(Duration),
    /// The beginning of an answer.
    CutOff,
}

impl Answer {
    pub fn ok(body: &str) -> Self {
        Self::Says(200, Vec::new(), body.to_owned())
    }

    pub fn status(status: u16) -> Self {
        Self::Says(status, Vec::new(), String::new())
    }
}

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub at: tokio::time::Instant,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

#[derive(Debug, Default)]
struct Story {
    answers: VecDeque<Answer>,
    seen: Vec<Seen>,
}

/// A running service; the last answer is given for ever.
pub struct Fake {
    pub port: u16,
    story: Arc<Mutex<Story>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = answers.into_iter().collect();
        let story = Arc::new(Mutex::new(Story {
            answers,
            seen: Vec::new(),
        }));
        let app = Router::new().fallback(answer).with_state(story.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { port, story, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.story.lock().unwrap().seen.clone()
    }
}

async fn answer(
    State(story): State<Arc<Mutex<Story>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = {
        let mut story = story.lock().unwrap();
        story.seen.push(Seen {
            path: uri.path().to_owned(),
            headers,
            body: body.to_vec(),
            at: tokio::time::Instant::now(),
        });
        if story.answers.len() > 1 {
            story.answers.pop_front().unwrap()
        } else {
            story.answers[0].clone()
        }
    };
    match answer {
        Answer::Says(status, headers, body) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Answer::After(pause) => {
            tokio::time::sleep(pause).await;
            "ok".into_response()
        }
        Answer::CutOff => {
            let gone = std::io::Error::other("gone");
            let pieces = [Ok(Bytes::from_static(b"{\"ok\":tr")), Err(gone)];
            Response::new(Body::from_stream(futures::stream::iter(pieces)))
        }
    }
}

/// AWS that answers each call with the next of these, and the client that remembers the calls.
pub fn aws(answers: Vec<(u16, String)>) -> (Aws, StaticReplayClient) {
    let events = answers.into_iter().map(|(status, body)| {
        let request = http::Request::new(aws_smithy_types::body::SdkBody::empty());
        let response = http::Response::builder()
            .status(status)
            .body(aws_smithy_types::body::SdkBody::from(body));
        ReplayEvent::new(request, response.unwrap())
    });
    let client = StaticReplayClient::new(events.collect());
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "key", "secret", None, None, "test",
        )))
        .http_client(client.clone())
        .timeout_config(common::aws::timeouts())
        .build();
    (Aws::from_config(config), client)
}

/// The answer of Parameter Store with a value.
pub fn parameter(value: &str) -> (u16, String) {
    (
        200,
        serde_json::json!({"Parameter": {"Name": "p", "Type": "SecureString", "Value": value}})
            .to_string(),
    )
}
