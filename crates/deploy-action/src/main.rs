//! The Lambda function `deploy-action`.

use std::sync::Arc;

use common::settings::environment;
use common::telemetry;
use deploy_action::Function;
use lambda_runtime::{Error, LambdaEvent, service_fn};

/// Whose log lines are written from INFO on.
const CRATES: [&str; 3] = ["codepipeline_job", "deploy_action", "ecs_deploy"];

// Two threads even on a slice of one core: whatever blocks one, the time limit is kept on the other.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Error> {
    telemetry::start(&environment, &CRATES);
    let function = Arc::new(Function::new(&environment));
    lambda_runtime::run(service_fn(|event: LambdaEvent<deploy_action::Event>| {
        deploy_action::handle(function.clone(), event)
    }))
    .await
}
