//! The part of AWS that a briefing asks, on loopback: real HTTP, the real SDK, all protocols, with
//! latency and faults. Tests and the bench share it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unreachable_pub, reason = "a test module has no outside")]
#![allow(
    dead_code,
    reason = "each test binary and the bench use their own part"
)]

mod change_sets;
pub mod shop;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::aws::Aws;
use serde_json::{Value, json};
use test_support::loopback::Loopback;

pub use change_sets::{Resource, Set};

/// What goes wrong at an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// HTTP 400 with AWS's `AccessDeniedException`.
    Denied,
    /// Nothing comes, for longer than any test lasts.
    Hang,
}

/// What there is in this AWS.
#[derive(Default, Clone)]
pub struct World {
    /// `GetPipelineExecution` by execution id.
    pub executions: HashMap<String, Value>,
    /// `ListActionExecutions` by execution id, newest first.
    pub actions: HashMap<String, Vec<Value>>,
    /// `ListPipelineExecutions`: the ids that passed a stage, newest first.
    pub passed: Vec<String>,
    /// `GetDeployment` by deployment id.
    pub deployments: HashMap<String, Value>,
    /// Change sets by `STACK/NAME` and by ARN.
    pub sets: HashMap<String, Set>,
    /// Changes a page has.
    pub page: usize,
    /// Objects by `/bucket/key`.
    pub objects: BTreeMap<String, String>,
    /// What goes wrong, by operation; a key `Operation:detail` meets only calls about that.
    pub faults: HashMap<String, Fault>,
    /// How long each answer takes.
    pub latency: Duration,
}

/// A running fake; stops when dropped.
pub struct Fake {
    pub aws: Aws,
    inner: Arc<Inner>,
    _server: Loopback,
}

struct Inner {
    world: Mutex<World>,
    calls: Mutex<Vec<String>>,
}

impl Fake {
    pub async fn start(world: World) -> Self {
        let inner = Arc::new(Inner {
            world: Mutex::new(world),
            calls: Mutex::default(),
        });
        let app = Router::new().fallback(serve).with_state(inner.clone());
        let server = Loopback::start(app).await;
        Self {
            aws: test_support::sdk::loopback(&server.url(), "eu-central-1", common::aws::MAX_TRIES),
            inner,
            _server: server,
        }
    }

    /// Every operation that was called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.inner.calls.lock().unwrap().clone()
    }

    /// Changes what there is.
    pub fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.inner.world.lock().unwrap());
    }
}

/// A call, whatever its protocol.
struct Call {
    operation: String,
    /// What it is about: an execution, a stack, a key.
    about: String,
    json: Value,
    form: HashMap<String, String>,
}

async fn serve(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let call = read(request).await;
    inner.calls.lock().unwrap().push(call.operation.clone());
    let (latency, fault) = {
        let world = inner.world.lock().unwrap();
        let named = format!("{}:{}", call.operation, call.about);
        let fault = world.faults.get(&named);
        let fault = fault.or_else(|| world.faults.get(&call.operation)).copied();
        (world.latency, fault)
    };
    tokio::time::sleep(latency).await;
    match fault {
        None => inner.world.lock().unwrap().answer(&call),
        Some(Fault::Denied) => error(&call, 400, "AccessDeniedException", "not you"),
        Some(Fault::Hang) => {
            tokio::time::sleep(Duration::from_mins(10)).await;
            StatusCode::OK.into_response()
        }
    }
}

async fn read(request: Request) -> Call {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if let Some(target) = parts.headers.get("x-amz-target") {
        let operation = target.to_str().unwrap().rsplit('.').next().unwrap();
        let json: Value = serde_json::from_slice(&body).unwrap();
        let about = [
            &json["pipelineExecutionId"],
            &json["filter"]["pipelineExecutionId"],
            &json["deploymentId"],
        ];
        let about = about
            .into_iter()
            .find_map(Value::as_str)
            .unwrap_or_default();
        return Call {
            operation: operation.to_owned(),
            about: about.to_owned(),
            json,
            form: HashMap::new(),
        };
    }
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let text: &[u8] = if parts.method == "POST" { &body } else { query };
    let form: HashMap<_, _> = url::form_urlencoded::parse(text).into_owned().collect();
    let (operation, about) = match (form.get("Action"), form.get("list-type")) {
        (Some(action), _) => (action.clone(), change_sets::about(&form)),
        (None, Some(_)) => ("ListObjectsV2".to_owned(), form["prefix"].clone()),
        (None, None) => ("GetObject".to_owned(), parts.uri.path().to_owned()),
    };
    let mut form = form;
    form.insert("path".to_owned(), parts.uri.path().to_owned());
    Call {
        operation,
        about,
        json: Value::Null,
        form,
    }
}

fn error(call: &Call, status: u16, code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    if !call.json.is_null() {
        return (
            status,
            json!({"__type": code, "message": message}).to_string(),
        )
            .into_response();
    }
    let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let text = if call.form.contains_key("Action") {
        format!("<ErrorResponse>{error}</ErrorResponse>")
    } else {
        error
    };
    (status, text).into_response()
}

impl World {
    fn answer(&self, call: &Call) -> Response {
        let missing = |code: &str| error(call, 400, code, "there is no such thing");
        let json = |value: Value| value.to_string().into_response();
        match call.operation.as_str() {
            "GetPipelineExecution" => match self.executions.get(&call.about) {
                Some(execution) => json(json!({"pipelineExecution": execution})),
                None => missing("PipelineExecutionNotFoundException"),
            },
            "ListActionExecutions" => match self.actions.get(&call.about) {
                Some(actions) => json(json!({"actionExecutionDetails": actions})),
                None => missing("PipelineExecutionNotFoundException"),
            },
            "ListPipelineExecutions" => {
                let stage = &call.json["filter"]["succeededInStage"]["stageName"];
                assert_eq!(stage, "Production");
                let summary = |id: &String| json!({"pipelineExecutionId": id});
                let all: Vec<Value> = self.passed.iter().map(summary).collect();
                json(json!({"pipelineExecutionSummaries": all}))
            }
            "GetDeployment" => match self.deployments.get(&call.about) {
                Some(deployment) => json(json!({"deploymentInfo": deployment})),
                None => missing("DeploymentDoesNotExistException"),
            },
            "DescribeChangeSet" => match self.sets.get(&call.about) {
                Some(set) => set.page(&call.form, self.page).into_response(),
                None => missing("ChangeSetNotFound"),
            },
            "ListObjectsV2" => self.list(&call.form).into_response(),
            "GetObject" => match self.objects.get(&call.about) {
                Some(text) => text.clone().into_response(),
                None => error(call, 404, "NoSuchKey", "there is no such thing"),
            },
            other => error(call, 400, "UnknownOperation", other),
        }
    }

    fn list(&self, form: &HashMap<String, String>) -> String {
        let bucket = form["path"].trim_matches('/');
        let place = format!("/{bucket}/{}", form["prefix"]);
        let of = self.objects.iter().enumerate();
        let mut contents = String::new();
        for (at, (path, text)) in of.filter(|(_, (path, _))| path.starts_with(&place)) {
            let _ = write!(
                contents,
                "<Contents><Key>{}</Key><Size>{}</Size>\
                 <LastModified>2026-03-01T10:00:{at:02}.000Z</LastModified></Contents>",
                &path[bucket.len() + 2..],
                text.len()
            );
        }
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>")
    }
}
