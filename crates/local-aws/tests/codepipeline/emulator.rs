//! What stands behind the front door in these tests: objects, topics, functions, rules and schedules,
//! as far as pipelines touch them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

/// Shared between the server and the test.
#[derive(Clone, Default)]
pub(crate) struct Emulator {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Vec<u8>>,
    published: Vec<BTreeMap<String, String>>,
    invoked: Vec<(String, Value)>,
    /// The invocation types of `invoked`.
    invocation_types: Vec<String>,
    /// What was sent to queues.
    sent: Vec<Value>,
    rules: Vec<String>,
    schedules: BTreeMap<String, Value>,
    topics_are_closed: bool,
}

impl Emulator {
    /// Listens; gives its address.
    pub(crate) async fn start(&self) -> String {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let app = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(socket, app).await });
        format!("http://{address}")
    }

    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.inner
            .lock()
            .unwrap()
            .objects
            .insert(path.to_owned(), bytes);
    }

    pub(crate) fn object(&self, path: &str) -> Option<Vec<u8>> {
        self.inner.lock().unwrap().objects.get(path).cloned()
    }

    /// The forms of all messages published to topics.
    pub(crate) fn published(&self) -> Vec<BTreeMap<String, String>> {
        self.inner.lock().unwrap().published.clone()
    }

    /// Functions that were invoked, with their payloads.
    pub(crate) fn invoked(&self) -> Vec<(String, Value)> {
        self.inner.lock().unwrap().invoked.clone()
    }

    /// A rule that lets events with this detail-type through to the function `on-event`.
    pub(crate) fn rule(&self, detail_type: &str) {
        self.inner
            .lock()
            .unwrap()
            .rules
            .push(detail_type.to_owned());
    }

    /// How the functions were invoked.
    pub(crate) fn invocation_types(&self) -> Vec<String> {
        self.inner.lock().unwrap().invocation_types.clone()
    }

    /// What was sent to queues.
    pub(crate) fn sent(&self) -> Vec<Value> {
        self.inner.lock().unwrap().sent.clone()
    }

    /// A schedule as it is kept.
    pub(crate) fn kept(&self, name: &str) -> Value {
        self.inner.lock().unwrap().schedules[name].clone()
    }

    pub(crate) fn schedule(&self, name: &str, schedule: Value) {
        self.inner
            .lock()
            .unwrap()
            .schedules
            .insert(name.to_owned(), schedule);
    }

    pub(crate) fn schedules(&self) -> Vec<String> {
        self.inner
            .lock()
            .unwrap()
            .schedules
            .keys()
            .cloned()
            .collect()
    }

    /// From now on nothing can be published.
    pub(crate) fn close_topics(&self) {
        self.inner.lock().unwrap().topics_are_closed = true;
    }
}

async fn answer(State(emulator): State<Emulator>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let path = parts.uri.path().to_owned();
    let mut inner = emulator.inner.lock().unwrap();
    if let Some(target) = parts.headers.get("x-amz-target") {
        let input: Value = serde_json::from_slice(&bytes).unwrap();
        return inner.json(target.to_str().unwrap(), &input);
    }
    if let Some(rest) = path.strip_prefix("/2015-03-31/functions/") {
        let name = rest.split('/').next().unwrap().to_owned();
        return inner.invoke(name, &parts, &bytes);
    }
    if path.starts_with("/schedules") {
        let name = path.trim_start_matches("/schedules");
        return inner.scheduler(&parts.method, name, &bytes);
    }
    if parts.method == Method::POST && path == "/" {
        let form = form_urlencoded::parse(&bytes).into_owned().collect();
        return inner.form(form);
    }
    inner.s3(&parts.method, path.trim_start_matches('/'), bytes)
}

impl Inner {
    fn json(&mut self, target: &str, input: &Value) -> Response {
        let answer = match target {
            "AWSEvents.ListRules" => {
                let rules = self
                    .rules
                    .iter()
                    .map(|rule| json!({ "Name": rule, "State": "ENABLED", "EventPattern": rule }));
                json!({ "Rules": rules.collect::<Vec<_>>() })
            }
            "AWSEvents.TestEventPattern" => {
                let event: Value = serde_json::from_str(input["Event"].as_str().unwrap()).unwrap();
                json!({ "Result": event["detail-type"] == input["EventPattern"] })
            }
            "AWSEvents.ListTargetsByRule" => json!({ "Targets": [{
                "Id": "1", "Arn": "arn:aws:lambda:us-east-1:000000000000:function:on-event",
            }]}),
            "AmazonSQS.GetQueueUrl" => json!({ "QueueUrl": input["QueueName"] }),
            "AmazonSQS.SendMessage" => {
                self.sent.push(input.clone());
                json!({})
            }
            other => panic!("nobody calls {other}"),
        };
        Json(answer).into_response()
    }

    /// Functions named `broken` fail, those named `missing` aren't there.
    fn invoke(&mut self, name: String, parts: &Parts, payload: &[u8]) -> Response {
        if name.contains("missing") {
            let error = json!({ "__type": "ResourceNotFoundException", "message": "not there" });
            return (StatusCode::NOT_FOUND, Json(error)).into_response();
        }
        let kind = parts.headers["x-amz-invocation-type"].to_str().unwrap();
        let fails = name.contains("broken") && kind == "RequestResponse";
        self.invocation_types.push(kind.to_owned());
        let payload = serde_json::from_slice(payload).unwrap();
        self.invoked.push((name, payload));
        if fails {
            return ([("x-amz-function-error", "Unhandled")], "{}").into_response();
        }
        "null".into_response()
    }

    fn form(&mut self, form: BTreeMap<String, String>) -> Response {
        match form["Action"].as_str() {
            "Publish" if self.topics_are_closed => (
                StatusCode::FORBIDDEN,
                "<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not you</Message></Error></ErrorResponse>",
            )
                .into_response(),
            "Publish" => {
                self.published.push(form);
                "<PublishResponse/>".into_response()
            }
            "ListSubscriptionsByTopic" => "<A><Subscriptions>\
                <member><Endpoint>lead@example.com</Endpoint><Protocol>email</Protocol></member>\
                <member><Endpoint>arn:x</Endpoint><Protocol>lambda</Protocol></member>\
                </Subscriptions></A>"
                .into_response(),
            other => (
                StatusCode::BAD_REQUEST,
                format!("<ErrorResponse><Error><Code>ValidationError</Code><Message>{other} is not emulated</Message></Error></ErrorResponse>"),
            )
                .into_response(),
        }
    }

    fn scheduler(&mut self, method: &Method, name: &str, body: &[u8]) -> Response {
        let name = name.trim_start_matches('/');
        if name.is_empty() {
            let all = self.schedules.iter().map(
                |(name, schedule)| json!({ "Name": name, "GroupName": "g", "State": schedule["State"] }),
            );
            return Json(json!({ "Schedules": all.collect::<Vec<_>>() })).into_response();
        }
        if *method == Method::POST || *method == Method::PUT {
            let mut schedule: Value = serde_json::from_slice(body).unwrap();
            schedule["Name"] = json!(name);
            self.schedules.insert(name.to_owned(), schedule);
            return Json(json!({})).into_response();
        }
        match (method, self.schedules.get(name).cloned()) {
            (_, None) => StatusCode::NOT_FOUND.into_response(),
            (&Method::DELETE, Some(_)) => {
                self.schedules.remove(name);
                Json(json!({})).into_response()
            }
            (_, Some(schedule)) => Json(schedule).into_response(),
        }
    }

    fn s3(&mut self, method: &Method, path: &str, bytes: Vec<u8>) -> Response {
        if method == Method::PUT {
            self.objects.insert(path.to_owned(), bytes);
            return StatusCode::OK.into_response();
        }
        let Some(object) = self.objects.get(path) else {
            let error = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
            return (StatusCode::NOT_FOUND, error).into_response();
        };
        let mut answer = Response::new(Body::from(object.clone()));
        let headers = answer.headers_mut();
        if path.starts_with("source/") {
            headers.insert("x-amz-version-id", "version-1".parse().unwrap());
        }
        headers.insert("etag", "\"tag\"".parse().unwrap());
        answer
    }
}
