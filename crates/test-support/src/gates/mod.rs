//! A small AWS and a small service on loopback, with faults, for the whole flow of a gate.
//!
//! Real HTTP and the real SDK: what is injected is what a network and a busy AWS do (an error, a
//! closed connection, silence), at one call or at many.

pub mod aws;
pub mod balancing;
mod codedeploy;
pub mod ecs;
pub mod lives;
pub mod service;
pub mod storm;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use common::aws::Aws;
use gate::Stage;
use hook::event::Payload;
use hook::settings::Settings;
use hook::{GateFunction, handle};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::Instant;

use aws::FakeAws;

/// The suite of these tests: one required check on both stages.
pub const SUITE: &str = r"
version: 1
name: shop
defaults: { http: { timeout: 1s, retries: 1, retry_every: 50ms } }
checks:
  - name: a reader buys a book
    http: POST /checkout
    expect: [ { status: 201 } ]
";

/// What the caller of a gate sees.
pub struct Seen {
    pub result: Result<Value, String>,
    pub took: Duration,
}

/// Where the settings of these tests point.
pub fn settings(changes: &[(&str, &str)]) -> Result<Settings, common::settings::SettingsError> {
    let mut values = std::collections::HashMap::from([
        ("SUITE", "s3://suites/{application}/{deployment_group}.yaml"),
        ("REPORT_BUCKET", "reports"),
        (
            "OUTCOME_TOPIC_ARN",
            "arn:aws:sns:us-east-1:111122223333:outcomes",
        ),
        ("EVENT_BUS", "default"),
        ("AWS_LAMBDA_FUNCTION_NAME", "CodeDeployHook_pre-traffic"),
        ("AWS_REGION", "us-east-1"),
    ]);
    values.extend(changes.iter().copied());
    Settings::read(&|name| values.get(name).map(ToString::to_string))
}

/// A gate function over `fake`.
pub fn function(stage: Stage, fake: &FakeAws) -> Arc<GateFunction> {
    let name = match stage {
        Stage::PreTraffic => "CodeDeployHook_pre-traffic",
        Stage::PostTraffic => "CodeDeployHook_post-traffic",
    };
    Arc::new(GateFunction {
        stage,
        settings: settings(&[("AWS_LAMBDA_FUNCTION_NAME", name)]),
        aws: clients(fake),
    })
}

/// Clients of `fake`, with the time limits of the real ones.
pub fn clients(fake: &FakeAws) -> Aws {
    crate::sdk::loopback(&fake.url(), "us-east-1", common::aws::MAX_TRIES)
}

/// Calls the function as Lambda does, with `left` until its time-out.
pub async fn invoke(function: &Arc<GateFunction>, left: Duration) -> Seen {
    invoke_with(function, left, event()).await
}

/// The event of the deployment that [`FakeAws`] knows.
pub fn event() -> Value {
    json!({"DeploymentId": aws::DEPLOYMENT, "LifecycleEventHookExecutionId": aws::EXECUTION})
}

/// The same with another event.
pub async fn invoke_with(function: &Arc<GateFunction>, left: Duration, payload: Value) -> Seen {
    invoke_as("request-1", function, left, payload).await
}

/// The same as an invocation of its own.
pub async fn invoke_as(
    request_id: &str,
    function: &Arc<GateFunction>,
    left: Duration,
    payload: Value,
) -> Seen {
    let mut context = Context::default();
    let deadline = SystemTime::now() + left;
    let since_epoch = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    context.deadline = u64::try_from(since_epoch.as_millis()).unwrap();
    request_id.clone_into(&mut context.request_id);
    let started = Instant::now();
    let payload: Payload = serde_json::from_str(&payload.to_string()).unwrap();
    let result = handle(function.clone(), LambdaEvent::new(payload, context)).await;
    Seen {
        result: result.map_err(|error| error.to_string()),
        took: started.elapsed(),
    }
}

/// Lets time pass for a run that was handed on: its beginning moves into the past.
pub fn later(run: &str, passed: Duration) -> String {
    with_begun(run, |begun| {
        begun - i64::try_from(passed.as_millis()).unwrap()
    })
}

/// A run that was handed on, as one that began so long ago, however long the test itself has taken.
pub fn begun_ago(run: &str, passed: Duration) -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    with_begun(run, |_| now - i64::try_from(passed.as_millis()).unwrap())
}

fn with_begun(run: &str, change: impl FnOnce(i64) -> i64) -> String {
    let (head, state) = run.rsplit_once('~').unwrap();
    let mut parts: Vec<String> = state.split('.').map(str::to_owned).collect();
    parts[1] = change(parts[1].parse().unwrap()).to_string();
    format!("{head}~{}", parts.join("."))
}
