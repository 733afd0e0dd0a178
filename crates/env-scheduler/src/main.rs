//! The Lambda function `env-scheduler`.

use std::sync::Arc;

use common::settings::environment;
use common::telemetry;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

/// Whose log lines are written from INFO on.
const CRATES: [&str; 8] = [
    "channels",
    "contacts",
    "env_scheduler",
    "environments",
    "function_url",
    "ledger",
    "schedule",
    "signing",
];

// Two threads even on a slice of one core: whatever blocks one leaves the other to the calls under way.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Error> {
    telemetry::start(&environment, &CRATES);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        time_zones = schedule::zone_data(),
        "env-scheduler starts"
    );
    let function = Arc::new(env_scheduler::function(&environment));
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        env_scheduler::handle(function.clone(), event)
    }))
    .await
}
