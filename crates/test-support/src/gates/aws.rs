//! The part of AWS that a gate talks to: one server, all protocols, and a list of faults.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::balancing::{self, RuleOf};
use super::codedeploy;
use super::ecs::{self, EcsChanges};
use super::lives::{Fate, Lives};
use crate::sdk;

pub const DEPLOYMENT: &str = "d-ABCDEF123";
pub const EXECUTION: &str = "execution-1";
/// The eTag of every object.
pub const E_TAG: &str = "5d41402abc4b2a76b9719d911017c592";

/// What goes wrong at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// HTTP 500 with AWS's `InternalFailure`.
    Error,
    /// HTTP 400 with AWS's `ThrottlingException`.
    Throttle,
    /// The connection is closed without an answer.
    Close,
    /// Nothing comes, for longer than any function lives.
    Hang,
    /// The call is carried out, but its answer is lost.
    Lost,
    /// It takes a while, and is answered.
    Slow,
    /// HTTP 400 with this code.
    Refuse(&'static str),
    /// The caller panics over the answer.
    Panic,
}

/// All kinds that a busy AWS and a network have.
pub const FAULTS: [Fault; 6] = [
    Fault::Error,
    Fault::Throttle,
    Fault::Close,
    Fault::Hang,
    Fault::Lost,
    Fault::Slow,
];

/// Longer than a look-up may take that the gate can do without, and shorter than any other limit.
const SLOW: Duration = Duration::from_millis(1_200);

/// Says which fault, if any, meets the `n`th call (from 0) of an operation.
pub type Plan = Arc<dyn Fn(&str, usize) -> Option<Fault> + Send + Sync>;

/// No fault at all.
pub fn none() -> Plan {
    Arc::new(|_, _| None)
}

#[derive(Default, Clone)]
struct Recorded {
    calls: Vec<String>,
    counts: HashMap<String, usize>,
    answers: Vec<String>,
    objects: HashMap<String, String>,
    published: Vec<HashMap<String, String>>,
    events: Vec<Value>,
    /// The state table: bodies by their two keys.
    items: BTreeMap<(String, String), String>,
    jobs: Vec<Value>,
    invoked: Vec<String>,
}

struct Inner {
    recorded: Mutex<Recorded>,
    lives: Lives,
    plan: Plan,
    service_port: u16,
    changes: Changes,
    ecs: Mutex<EcsChanges>,
}

/// How this AWS differs from the usual one.
#[derive(Default, Clone)]
pub struct Changes {
    pub no_test_listener: bool,
    pub rollback_of: Option<&'static str>,
    /// Who began the deployment.
    pub creator: Option<&'static str>,
    /// The deployment names no group and no revision, as those of CloudFormation's blue/green.
    pub bare: bool,
    /// There is no production listener.
    pub no_production_listener: bool,
    /// The group names its production listener as its test listener, too.
    pub one_listener: bool,
    pub app_spec: Option<&'static str>,
    /// The image of the new task definition.
    pub image: Option<&'static str>,
    /// The environment of its container.
    pub environment: &'static [(&'static str, &'static str)],
    /// The tags that the registry has beside a digest.
    pub registry_tags: &'static [&'static str],
    /// What CodeDeploy says of the lifecycle events, whatever was answered.
    pub event_status: Option<&'static str>,
    /// Lifecycle events with what CodeDeploy says of each, instead of the usual two.
    pub events: &'static [(&'static str, &'static str)],
    /// How many seconds ago they began, of which CodeDeploy says nothing otherwise.
    pub events_began: Option<i64>,
    /// The state of the only alarm.
    pub alarm: Option<&'static str>,
    /// How the deployment ended.
    pub ended: Option<&'static str>,
    /// The revision is in S3, and has this eTag.
    pub revision_e_tag: Option<&'static str>,
    /// Protocol and port of the two listeners, production first.
    pub listeners: Option<[(&'static str, u16); 2]>,
    /// The target groups that the two listeners forward to, production first; the new release's is `shop-green`. A listener
    /// that forwards to none redirects.
    pub forwards: Option<[&'static str; 2]>,
    /// The rules of the two listeners, production first.
    pub rules: [&'static [RuleOf]; 2],
    /// What ECS says of its own deployment.
    pub ecs: EcsChanges,
}

/// A running server; stops when dropped.
pub struct FakeAws {
    inner: Arc<Inner>,
    port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FakeAws {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeAws {
    /// An AWS whose listeners lead to the service on `service_port`.
    pub async fn start(service_port: u16, suite: &str) -> Self {
        Self::with(
            service_port,
            suite,
            Changes::default(),
            Arc::new(|_, _| None),
        )
        .await
    }

    /// The same with changes and faults.
    pub async fn with(service_port: u16, suite: &str, changes: Changes, plan: Plan) -> Self {
        let mut recorded = Recorded::default();
        if !suite.is_empty() {
            recorded
                .objects
                .insert("/suites/shop/production.yaml".into(), suite.into());
            let of_ecs = "/suites/web/shop.yaml".to_owned();
            recorded.objects.insert(of_ecs, suite.into());
        }
        if changes.revision_e_tag.is_some() {
            let text = changes.app_spec.unwrap_or(codedeploy::APP_SPEC).to_owned();
            recorded.objects.insert("/appspecs/shop.yaml".into(), text);
        }
        Self::serving(service_port, recorded, changes, plan).await
    }

    /// Another AWS, in which everything is as it is in this one by now, and nothing goes wrong.
    pub async fn fork(&self) -> Self {
        let recorded = self.inner.recorded.lock().unwrap().clone();
        let ecs = *self.inner.ecs.lock().unwrap();
        let changes = Changes {
            ecs,
            ..self.inner.changes.clone()
        };
        Self::serving(self.inner.service_port, recorded, changes, none()).await
    }

    async fn serving(service_port: u16, recorded: Recorded, changes: Changes, plan: Plan) -> Self {
        let inner = Arc::new(Inner {
            recorded: Mutex::new(recorded),
            lives: Lives::default(),
            plan,
            service_port,
            ecs: Mutex::new(changes.ecs),
            changes,
        });
        let app = Router::new().fallback(serve).with_state(inner.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { inner, port, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The answers that were accepted.
    pub fn answers(&self) -> Vec<String> {
        self.inner.recorded.lock().unwrap().answers.clone()
    }

    /// CodeDeploy asks anew, as if nothing had been answered.
    pub fn ask_anew(&self) {
        self.inner.recorded.lock().unwrap().answers.clear();
    }

    /// Every operation called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.inner.recorded.lock().unwrap().calls.clone()
    }

    /// A stored object.
    pub fn object(&self, path: &str) -> Option<String> {
        self.inner
            .recorded
            .lock()
            .unwrap()
            .objects
            .get(path)
            .cloned()
    }

    /// The paths of all stored objects.
    pub fn paths(&self) -> Vec<String> {
        let recorded = self.inner.recorded.lock().unwrap();
        recorded.objects.keys().cloned().collect()
    }

    pub(super) fn lives(&self) -> &Lives {
        &self.inner.lives
    }

    /// The only stored object whose path begins and ends so.
    pub fn object_below(&self, prefix: &str, suffix: &str) -> String {
        let recorded = self.inner.recorded.lock().unwrap();
        let is_meant = |path: &String| {
            path.starts_with(prefix) && path.ends_with(suffix) && !path.contains("-so-far")
        };
        let found: Vec<&String> = recorded
            .objects
            .keys()
            .filter(|path| is_meant(path))
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        recorded.objects[found[0]].clone()
    }

    /// Stores an object.
    pub fn put(&self, path: &str, text: &str) {
        let mut recorded = self.inner.recorded.lock().unwrap();
        recorded.objects.insert(path.into(), text.into());
    }

    /// The answers to jobs of CodePipeline, with the fields of their calls.
    pub fn jobs(&self) -> Vec<Value> {
        self.inner.recorded.lock().unwrap().jobs.clone()
    }

    /// The payloads that functions were invoked with.
    pub fn invoked(&self) -> Vec<String> {
        self.inner.recorded.lock().unwrap().invoked.clone()
    }

    /// Writes an item of the state table, by its keys.
    pub fn put_item(&self, partition: &str, sort: &str, body: &Value) {
        let mut recorded = self.inner.recorded.lock().unwrap();
        let key = (partition.to_owned(), sort.to_owned());
        recorded.items.insert(key, body.to_string());
    }

    /// The bodies of all items whose partition begins so.
    pub fn items(&self, partition: &str) -> Vec<Value> {
        let recorded = self.inner.recorded.lock().unwrap();
        let items = recorded.items.iter();
        items
            .filter(|((pk, _), _)| pk.starts_with(partition))
            .map(|(_, body)| serde_json::from_str(body).unwrap())
            .collect()
    }

    /// From now on ECS says something else of its deployment.
    pub fn change_ecs(&self, changes: EcsChanges) {
        *self.inner.ecs.lock().unwrap() = changes;
    }

    /// The entries of events that were put on a bus.
    pub fn events(&self) -> Vec<Value> {
        self.inner.recorded.lock().unwrap().events.clone()
    }

    /// What was published, as the fields of the Publish call.
    pub fn published(&self) -> Vec<HashMap<String, String>> {
        self.inner.recorded.lock().unwrap().published.clone()
    }
}

/// A call, whatever its protocol.
struct Call {
    operation: String,
    path: String,
    json: Value,
    form: HashMap<String, String>,
    body: Bytes,
    /// With whose key it is signed.
    authorization: String,
    /// On which the call of S3 depends.
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl Call {
    /// Whether an object of S3 is the one that is asked for.
    fn matches(&self) -> bool {
        let is = |asked: &String| *asked == format!("\"{E_TAG}\"");
        self.if_match.as_ref().is_none_or(is)
    }
}

async fn serve(State(inner): State<Arc<Inner>>, request: Request) -> Response {
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

fn item((pk, sk): &(String, String), body: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": sk}, "body": {"S": body},
        "version": {"N": "1"}, "expires_at": {"N": "4000000000"}})
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

fn error(call: &Call, status: u16, code: &str) -> Response {
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

impl Inner {
    fn answer(&self, call: &Call) -> Response {
        let json = |value: Value| value.to_string().into_response();
        match call.operation.as_str() {
            "GetDeployment" => json(codedeploy::deployment(&self.changes)),
            "GetApplicationRevision" => json(json!({"revision": {
                "revisionType": "AppSpecContent",
                "appSpecContent": {"content": self.changes.app_spec.unwrap_or(codedeploy::APP_SPEC)}}})),
            "GetDeploymentGroup" => json(codedeploy::deployment_group(&self.changes)),
            "ListDeploymentTargets" => json(json!({"targetIds": ["shop:shop"]})),
            "BatchGetDeploymentTargets" => {
                let answered = self.recorded.lock().unwrap().answers.first().cloned();
                json(codedeploy::deployment_targets(&self.changes, answered))
            }
            "DescribeTaskDefinition" => {
                json(codedeploy::task_definition(&self.changes, &call.json))
            }
            "DescribeImages" => {
                json(json!({"imageDetails": [{"imageTags": self.changes.registry_tags}]}))
            }
            "DescribeServices" => json(codedeploy::services()),
            "DescribeAlarms" => json(json!({"MetricAlarms": [{
                "AlarmName": "shop-5xx", "StateReason": "5 errors",
                "StateValue": self.changes.alarm.unwrap_or("OK")}]})),
            "PutLifecycleEventHookExecutionStatus" => self.put_status(call),
            "ListServiceDeployments" => json(ecs::deployments(&self.ecs.lock().unwrap())),
            "DescribeServiceDeployments" => json(ecs::deployment(&self.ecs.lock().unwrap())),
            "DescribeServiceRevisions" => json(ecs::revisions(&self.ecs.lock().unwrap())),
            "DescribeRules" => match call.form.get("ListenerArn").map(String::as_str) {
                Some(listener @ (balancing::PRODUCTION | balancing::TEST)) => {
                    balancing::rules(&self.changes, listener).into_response()
                }
                _ => ecs::rules().into_response(),
            },
            "PutJobSuccessResult" | "PutJobFailureResult" => self.put_job(call),
            "Invoke" => {
                let payload = String::from_utf8_lossy(&call.body).into_owned();
                self.recorded.lock().unwrap().invoked.push(payload);
                StatusCode::ACCEPTED.into_response()
            }
            "GetItem" => {
                let part = |name: &str| call.json["Key"][name]["S"].as_str().unwrap().to_owned();
                let key = (part("pk"), part("sk"));
                let recorded = self.recorded.lock().unwrap();
                json(match recorded.items.get(&key) {
                    None => json!({}),
                    Some(body) => json!({"Item": item(&key, body)}),
                })
            }
            "Query" => {
                let partition = call.json["ExpressionAttributeValues"][":pk"]["S"].as_str();
                let recorded = self.recorded.lock().unwrap();
                let items: Vec<Value> = recorded
                    .items
                    .iter()
                    .filter(|((pk, _), _)| Some(pk.as_str()) == partition)
                    .map(|(key, body)| item(key, body))
                    .collect();
                json(json!({"Items": items, "Count": items.len()}))
            }
            // An INSERT: it replaces nothing.
            "ExecuteStatement" => {
                let part = |index: usize| {
                    let text = call.json["Parameters"][index]["S"].as_str();
                    text.unwrap().to_owned()
                };
                let key = (part(0), part(1));
                let mut recorded = self.recorded.lock().unwrap();
                if recorded.items.contains_key(&key) {
                    return error(call, 400, "DuplicateItemException");
                }
                recorded.items.insert(key, part(2));
                json(json!({"Items": []}))
            }
            "PutEvents" => {
                let entries = call.json["Entries"].as_array().unwrap();
                let mut recorded = self.recorded.lock().unwrap();
                recorded.events.extend(entries.iter().cloned());
                json(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]}))
            }
            "DescribeListeners" => {
                balancing::listeners(&self.changes, self.service_port).into_response()
            }
            "DescribeLoadBalancers" => balancing::BALANCERS.into_response(),
            "Publish" => {
                self.recorded
                    .lock()
                    .unwrap()
                    .published
                    .push(call.form.clone());
                "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>".into_response()
            }
            "GetObject" => match self.recorded.lock().unwrap().objects.get(&call.path) {
                Some(_) if !call.matches() => error(call, 412, "PreconditionFailed"),
                Some(text) => text.clone().into_response(),
                None => error(call, 404, "NoSuchKey"),
            },
            "PutObject" => {
                let text = String::from_utf8_lossy(&call.body).into_owned();
                let mut recorded = self.recorded.lock().unwrap();
                let there = recorded.objects.contains_key(&call.path);
                if there && call.if_none_match.as_deref() == Some("*") {
                    return error(call, 412, "PreconditionFailed");
                }
                recorded.objects.insert(call.path.clone(), text);
                StatusCode::OK.into_response()
            }
            other => error(call, 400, &format!("UnknownOperation{other}")),
        }
    }

    /// One accepted answer to a job, with a token or without; any later one meets AWS's error.
    fn put_job(&self, call: &Call) -> Response {
        let mut recorded = self.recorded.lock().unwrap();
        let id = call.json["jobId"].as_str().unwrap();
        let answered = |job: &Value| job["jobId"] == id;
        if recorded.jobs.iter().any(answered) {
            return error(call, 400, "InvalidJobStateException");
        }
        recorded.jobs.push(call.json.clone());
        "{}".into_response()
    }

    /// One accepted answer; any later one meets AWS's error.
    fn put_status(&self, call: &Call) -> Response {
        let mut recorded = self.recorded.lock().unwrap();
        if call.json["lifecycleEventHookExecutionId"] != EXECUTION {
            return error(call, 400, "InvalidLifecycleEventHookExecutionIdException");
        }
        if !recorded.answers.is_empty() {
            return error(call, 400, "LifecycleEventAlreadyCompletedException");
        }
        let status = call.json["status"].as_str().unwrap().to_owned();
        if !matches!(status.as_str(), "Succeeded" | "Failed") {
            return error(
                call,
                400,
                "InvalidLifecycleEventHookExecutionStatusException",
            );
        }
        recorded.answers.push(status);
        json!({"lifecycleEventHookExecutionId": EXECUTION})
            .to_string()
            .into_response()
    }
}
