//! What stands behind the front door in these tests: functions that answer as the test asks, alarms,
//! and a rule that lets every event through.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use url::form_urlencoded;

/// Shared between the server and the test.
#[derive(Clone, Default)]
pub(crate) struct Emulator {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    answers: BTreeMap<String, VecDeque<Value>>,
    calls: Vec<(String, Value)>,
    events: Vec<Value>,
    alarms: BTreeSet<String>,
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

    /// What a function returns, call by call; the last answer stays. Without any it is `SUCCEEDED`.
    pub(crate) fn returns(&self, function: &str, answers: &[Value]) {
        let answers = answers.iter().cloned().collect();
        let mut inner = self.inner.lock().unwrap();
        inner.answers.insert(function.to_owned(), answers);
    }

    /// The calls of functions so far, with their events.
    pub(crate) fn calls(&self) -> Vec<(String, Value)> {
        self.inner.lock().unwrap().calls.clone()
    }

    /// The stages at which functions were called so far.
    pub(crate) fn stages(&self) -> Vec<String> {
        let stage =
            |(_, event): &(String, Value)| event["lifecycleStage"].as_str().unwrap().to_owned();
        self.calls().iter().map(stage).collect()
    }

    /// The events that EventBridge let through so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.inner.lock().unwrap().events.clone()
    }

    pub(crate) fn alarm(&self, name: &str) {
        self.inner.lock().unwrap().alarms.insert(name.to_owned());
    }
}

async fn answer(State(emulator): State<Emulator>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    if let Some(target) = parts.headers.get("x-amz-target") {
        let input: Value = serde_json::from_slice(&bytes).unwrap();
        return events(target.to_str().unwrap(), &input).into_response();
    }
    if let Some(rest) = parts.uri.path().strip_prefix("/2015-03-31/functions/") {
        let arn = rest.split('/').next().unwrap().replace("%3A", ":");
        let function = arn.rsplit(':').next().unwrap().to_owned();
        let event: Value = serde_json::from_slice(&bytes).unwrap();
        return emulator.invoke(&function, event).await;
    }
    let form: BTreeMap<String, String> = form_urlencoded::parse(&bytes).into_owned().collect();
    assert_eq!(
        form["Action"], "DescribeAlarms",
        "nobody calls anything else"
    );
    let inner = emulator.inner.lock().unwrap();
    let asked: Vec<&String> = form
        .iter()
        .filter(|(key, _)| key.starts_with("AlarmNames."))
        .map(|(_, name)| name)
        .collect();
    let on = inner.alarms.iter().filter(|name| asked.contains(name));
    let on = on.map(|name| format!("<member><AlarmName>{name}</AlarmName></member>"));
    format!("<MetricAlarms>{}</MetricAlarms>", on.collect::<String>()).into_response()
}

impl Emulator {
    async fn invoke(&self, function: &str, event: Value) -> Response {
        if function == "on-event" {
            self.inner.lock().unwrap().events.push(event);
            return "null".into_response();
        }
        let answer = {
            let mut inner = self.inner.lock().unwrap();
            inner.calls.push((function.to_owned(), event));
            match inner.answers.get_mut(function) {
                Some(answers) if answers.len() > 1 => answers.pop_front(),
                Some(answers) => answers.front().cloned(),
                None => None,
            }
        };
        match function {
            "missing" => {
                let error =
                    json!({ "__type": "ResourceNotFoundException", "message": "not there" });
                (StatusCode::NOT_FOUND, Json(error)).into_response()
            }
            "broken" => {
                let error = json!({ "errorMessage": "it broke" });
                ([("x-amz-function-error", "Unhandled")], Json(error)).into_response()
            }
            "hangs" => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                "null".into_response()
            }
            _ => {
                let answer = answer.unwrap_or_else(|| json!({ "hookStatus": "SUCCEEDED" }));
                Json(answer).into_response()
            }
        }
    }
}

fn events(target: &str, input: &Value) -> Json<Value> {
    Json(match target {
        "AWSEvents.ListRules" => {
            json!({ "Rules": [{ "Name": "all", "State": "ENABLED", "EventPattern": "{}" }] })
        }
        "AWSEvents.TestEventPattern" => json!({ "Result": input["Event"].is_string() }),
        "AWSEvents.ListTargetsByRule" => json!({ "Targets": [{
            "Id": "1", "Arn": "arn:aws:lambda:us-east-1:000000000000:function:on-event",
        }]}),
        other => panic!("nobody calls {other}"),
    })
}
