//! The part of `CodePipeline` that approvals talk to, on loopback: real HTTP, the real SDK.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use common::aws::Aws;
use serde_json::{Value, json};
use test_support::loopback::Loopback;

/// What the fake answers.
#[derive(Default, Clone)]
pub struct World {
    /// `stageStates` of the pipeline.
    pub stages: Value,
    /// All action executions, newest first.
    pub actions: Vec<Value>,
    /// `status` of the execution.
    pub execution: &'static str,
    /// How many action executions a page has; 0: all.
    pub page: usize,
    /// Errors by operation: how often, status, code and message.
    pub faults: Vec<(&'static str, usize, u16, &'static str, String)>,
}

/// A running fake; stops when dropped.
pub struct Fake {
    pub aws: Aws,
    inner: Arc<Mutex<Inner>>,
    _server: Loopback,
}

struct Inner {
    world: World,
    calls: Vec<(String, Value)>,
}

impl Fake {
    pub async fn start(world: World) -> Self {
        let calls = Vec::new();
        let inner = Arc::new(Mutex::new(Inner { world, calls }));
        let app = Router::new().fallback(serve).with_state(inner.clone());
        let server = Loopback::start(app).await;
        Self {
            aws: test_support::sdk::loopback(&server.url(), "eu-central-1", common::aws::MAX_TRIES),
            inner,
            _server: server,
        }
    }

    /// The operations that were called, in order.
    pub fn calls(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner.calls.iter().map(|(name, _)| name.clone()).collect()
    }

    /// What was sent with the calls of an operation.
    pub fn sent(&self, operation: &str) -> Vec<Value> {
        let inner = self.inner.lock().unwrap();
        let of = inner.calls.iter().filter(|(name, _)| name == operation);
        of.map(|(_, input)| input.clone()).collect()
    }
}

async fn serve(
    State(inner): State<Arc<Mutex<Inner>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers["x-amz-target"].to_str().unwrap();
    let operation = target.rsplit('.').next().unwrap().to_owned();
    let input: Value = serde_json::from_slice(&body).unwrap();
    let mut inner = inner.lock().unwrap();
    inner.calls.push((operation.clone(), input.clone()));
    let fault = inner
        .world
        .faults
        .iter_mut()
        .find(|fault| fault.0 == operation && fault.1 > 0);
    if let Some((_, times, status, code, message)) = fault {
        *times -= 1;
        let status = StatusCode::from_u16(*status).unwrap();
        let body = json!({"__type": code, "message": message});
        return (status, body.to_string()).into_response();
    }
    inner
        .world
        .answer(&operation, &input)
        .to_string()
        .into_response()
}

impl World {
    fn answer(&self, operation: &str, input: &Value) -> Value {
        match operation {
            "GetPipelineState" => json!({"pipelineName": "shop", "stageStates": self.stages}),
            "GetPipelineExecution" => json!({"pipelineExecution": {
                "pipelineName": "shop", "status": self.execution,
                "pipelineExecutionId": input["pipelineExecutionId"]}}),
            "ListActionExecutions" => self.list(input),
            "PutApprovalResult" => json!({"approvedAt": 1_772_000_000.5}),
            other => json!({"unexpected": other}),
        }
    }

    fn list(&self, input: &Value) -> Value {
        let wanted = &input["filter"]["pipelineExecutionId"];
        let all: Vec<&Value> = self
            .actions
            .iter()
            .filter(|action| wanted.is_null() || action["pipelineExecutionId"] == *wanted)
            .collect();
        let from: usize = input["nextToken"]
            .as_str()
            .map_or(0, |token| token.parse().unwrap());
        let size = if self.page == 0 { 100 } else { self.page };
        let page: Vec<_> = all.iter().skip(from).take(size).collect();
        let mut answer = json!({"actionExecutionDetails": page});
        if from + size < all.len() {
            answer["nextToken"] = json!((from + size).to_string());
        }
        answer
    }
}

/// An execution of the approval action, `status` as AWS writes it, begun at `start` (epoch seconds).
pub fn approval(execution: &str, token: &str, status: &str, start: u32) -> Value {
    json!({
        "pipelineExecutionId": execution, "actionExecutionId": format!("a-{start}"),
        "stageName": "Production", "actionName": "Approve", "status": status,
        "startTime": start, "lastUpdateTime": start + 60,
        "input": {"actionTypeId":
            {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}},
        "output": {"executionResult": {"externalExecutionId": token}}
    })
}

/// An approval that somebody has answered.
pub fn answered(mut action: Value, by: &str, summary: &str) -> Value {
    action["updatedBy"] = json!(by);
    action["output"]["executionResult"]["externalExecutionSummary"] = json!(summary);
    action
}

/// `stageStates` with the approval as it stands.
pub fn stages(execution: &str, latest: &Value) -> Value {
    json!([
        {"stageName": "Source", "actionStates": [], "latestExecution":
            {"pipelineExecutionId": "newer", "status": "Succeeded"}},
        {"stageName": "Production",
         "latestExecution": {"pipelineExecutionId": execution, "status": "InProgress"},
         "actionStates": [
            {"actionName": "Deploy"},
            {"actionName": "Approve", "latestExecution": latest}]}
    ])
}
