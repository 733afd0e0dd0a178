//! The contracts of ECS and `CodePipeline`, and bakes that are longer than a function may run, over real HTTP.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod codedeploy;
mod ecs_hooks;
mod pipelines;

use std::time::Duration;

use gate::Stage;
use serde_json::Value;
use test_support::gates::aws::{Changes, FakeAws, none};
use test_support::gates::ecs::EcsChanges;
use test_support::gates::service::{Behaviour, Service};
use test_support::gates::{SUITE, function, invoke_with};

const LEFT: Duration = Duration::from_secs(8);

const MAX_CONCURRENT: usize = 20;

/// A bake of three hours, a round a minute.
const BAKE: &str = "traffic: { bake: 3h, every: 1m }\n";

fn baked() -> String {
    format!("{SUITE}{BAKE}")
}

async fn ecs(stage: Stage, aws: &FakeAws, event: Value) -> String {
    let seen = invoke_with(&function(stage, aws), LEFT, event).await;
    assert!(seen.took < LEFT, "{:?}", seen.took);
    seen.result.unwrap()["hookStatus"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn with(mood: Behaviour, suite: &str, changes: EcsChanges) -> (Service, FakeAws) {
    let service = Service::start(mood).await;
    let changes = Changes {
        ecs: changes,
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, suite, changes, none()).await;
    (service, aws)
}

fn report(aws: &FakeAws, name: &str) -> Value {
    let stored = aws.object_below(&format!("/reports/reports/web/d-1/{name}-"), ".json");
    serde_json::from_str(&stored).unwrap()
}

/// The strip of the only check.
fn strip(report: &Value) -> String {
    report["checks"][0]["strip"].as_str().unwrap().to_owned()
}
