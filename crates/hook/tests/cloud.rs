//! A gate whose suite asks AWS about the release, from the event to the answer.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::gates as support;

use std::sync::Arc;
use std::time::Duration;

use gate::Stage;
use support::aws::{Changes, FakeAws, Fault, Plan, none};
use support::service::{Behaviour, Service};
use support::{SUITE, function, invoke};

async fn after_traffic(changes: Changes, plan: Plan) -> (Vec<String>, String) {
    let service = Service::start(Behaviour::Well).await;
    let suite = format!("{SUITE}  - {{ name: quiet, alarms: [shop-5xx], retries: 0 }}\n");
    let changes = Changes {
        app_spec: Some(AFTER),
        ..changes
    };
    let aws = FakeAws::with(service.port, &suite, changes, plan).await;
    let seen = invoke(&function(Stage::PostTraffic, &aws), Duration::from_secs(30)).await;
    (aws.answers(), seen.result.unwrap()["reasons"].to_string())
}

const AFTER: &str = "version: 0.0\nResources:\n  - S:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: arn:aws:ecs:us-east-1:111122223333:task-definition/shop:2\n        LoadBalancerInfo: {ContainerName: shop, ContainerPort: 8080}\nHooks:\n  - AfterAllowTraffic: CodeDeployHook_post-traffic\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_decides_with_the_answers_of_the_release() {
    let (answers, reasons) = after_traffic(Changes::default(), none()).await;
    assert_eq!(answers, ["Succeeded"], "{reasons}");
    let changes = Changes {
        alarm: Some("ALARM"),
        ..Changes::default()
    };
    let (answers, reasons) = after_traffic(changes, none()).await;
    assert_eq!(answers, ["Failed"]);
    assert!(reasons.contains("got ALARM: 5 errors"), "{reasons}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_right_is_no_pass_and_is_named() {
    let plan: Plan = Arc::new(|called, _| {
        (called == "DescribeAlarms").then_some(Fault::Refuse("AccessDeniedException"))
    });
    let (answers, reasons) = after_traffic(Changes::default(), plan).await;
    assert_eq!(answers, ["Failed"]);
    assert!(
        reasons.contains("the function's role needs cloudwatch:DescribeAlarms"),
        "{reasons}"
    );
}
