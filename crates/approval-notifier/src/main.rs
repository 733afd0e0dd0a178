//! The Lambda function `approval-notifier`.

use std::sync::Arc;

use common::settings::environment;
use common::telemetry;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

/// Whose log lines are written from INFO on.
const CRATES: [&str; 7] = [
    "approval_notifier",
    "approvals",
    "briefing",
    "channels",
    "contacts",
    "ledger",
    "signing",
];

// Two threads even on a slice of one core: a record that blocks one leaves the other to its neighbours.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Error> {
    telemetry::start(&environment, &CRATES);
    let function = Arc::new(approval_notifier::function(&environment));
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        approval_notifier::handle(function.clone(), event)
    }))
    .await
}
