//! The Lambda function `post-traffic`.

use std::sync::Arc;

use common::settings::environment;
use common::telemetry;
use hook::event::Payload;
use lambda_runtime::{Error, LambdaEvent, service_fn};

/// Whose log lines are written from INFO on.
const CRATES: [&str; 3] = ["gate", "hook", "post_traffic"];

// Two threads even on a slice of one core: whatever blocks one, the guard runs on the other.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Error> {
    telemetry::start(&environment, &CRATES);
    let function = Arc::new(post_traffic::function(&environment));
    lambda_runtime::run(service_fn(|event: LambdaEvent<Payload>| {
        hook::handle(function.clone(), event)
    }))
    .await
}
