//! The Lambda function `approval-decision`.

use std::sync::Arc;

use common::settings::environment;
use common::telemetry;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

/// Whose log lines are written from INFO on.
const CRATES: [&str; 8] = [
    "approval_decision",
    "approvals",
    "briefing",
    "channels",
    "contacts",
    "function_url",
    "ledger",
    "signing",
];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Error> {
    telemetry::start(&environment, &CRATES);
    let function = Arc::new(approval_decision::function(&environment));
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        approval_decision::handle(function.clone(), event)
    }))
    .await
}
