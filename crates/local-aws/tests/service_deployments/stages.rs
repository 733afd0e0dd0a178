//! The stages of each strategy, where the traffic is at each, and what is said of them.

use serde_json::{Value, json};

use crate::bench::{Bench, HOOK_STAGES, MINUTE, hook};

/// `STAGE test production`: the shares of the new revision in the event of each call.
fn shares(bench: &Bench) -> Vec<String> {
    let share = |weights: &Value, target: &str| match weights.get(target) {
        Some(weight) => weight.to_string(),
        None => "-".to_owned(),
    };
    let line = |(_, event): &(String, Value)| {
        let details = &event["executionDetails"];
        let target = details["targetServiceRevisionArn"].as_str().unwrap();
        format!(
            "{} {} {}",
            event["lifecycleStage"].as_str().unwrap(),
            share(&details["testTrafficWeights"], target),
            share(&details["productionTrafficWeights"], target)
        )
    };
    bench.emulator.calls().iter().map(line).collect()
}

#[tokio::test]
async fn blue_green_runs_its_hooks_in_order_and_ends_with_the_new_revision_alone() {
    let bench = Bench::with_service(json!({
        "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5, "lifecycleHooks": [hook("check", HOOK_STAGES)],
    }))
    .await;
    let deployment = bench.deploy("web:2");
    let baking = bench.until_stage(&deployment, "BAKE_TIME").await;
    insta::assert_snapshot!(shares(&bench).join("\n"), @r"
    PRE_SCALE_UP - -
    POST_SCALE_UP - -
    TEST_TRAFFIC_SHIFT 100 -
    POST_TEST_TRAFFIC_SHIFT - -
    PRE_PRODUCTION_TRAFFIC_SHIFT - 0
    PRODUCTION_TRAFFIC_SHIFT - 100
    POST_PRODUCTION_TRAFFIC_SHIFT - -
    ");
    assert_eq!(baking["status"], "IN_PROGRESS");
    let target = &baking["targetServiceRevision"];
    assert_eq!(target["requestedProductionTrafficWeight"], 100.0);
    assert_eq!(target["requestedTestTrafficWeight"], 100.0);
    assert_eq!(target["runningTaskCount"], 1);
    let source = &baking["sourceServiceRevisions"][0];
    assert_eq!(source["requestedProductionTrafficWeight"], 0.0);
    assert_eq!(source["runningTaskCount"], 1, "both run while it bakes");
    assert_eq!(bench.weights(&bench.production), (0, 100));
    bench.advance(MINUTE * 5).await;
    let over = bench.until_over(&deployment).await;
    assert_eq!(over["status"], "SUCCESSFUL", "{over:#}");
    assert_eq!(over["lifecycleStage"], "CLEAN_UP");
    assert_eq!(
        bench.running(),
        ("web:2".to_owned(), vec!["web:2".to_owned()])
    );

    // The next one goes the other way round.
    bench
        .emulator
        .returns("check", &[json!({ "hookStatus": "SUCCEEDED" })]);
    let next = bench.deploy("web:3");
    bench.until_stage(&next, "BAKE_TIME").await;
    assert_eq!(bench.weights(&bench.production), (100, 0));
    let input =
        json!({ "serviceRevisionArns": [bench.described(&next)["targetServiceRevision"]["arn"]] });
    let revision = &bench.ok("DescribeServiceRevisions", input)["serviceRevisions"][0];
    let resolved = &revision["resolvedConfiguration"]["loadBalancers"][0];
    assert_eq!(resolved["targetGroupArn"], bench.blue.as_str());
    assert_eq!(
        resolved["productionListenerRule"],
        bench.production.as_str()
    );
    assert_eq!(
        revision["loadBalancers"][0]["advancedConfiguration"]["testListenerRule"],
        bench.test.as_str()
    );
    assert_eq!(
        revision["containerImages"][0]["image"],
        "example/no-process:3"
    );
}

#[tokio::test]
async fn a_function_gets_exactly_the_event_of_aws() {
    let bench = Bench::with_service(json!({
        "strategy": "BLUE_GREEN", "lifecycleHooks": [hook("check", &["PRE_PRODUCTION_TRAFFIC_SHIFT"])],
    }))
    .await;
    let deployment = bench.deploy("web:2");
    let over = bench.until_over(&deployment).await;
    let (function, event) = bench.emulator.calls()[0].clone();
    assert_eq!(function, "check");
    let (old, new) = (
        over["sourceServiceRevisions"][0]["arn"].as_str().unwrap(),
        over["targetServiceRevision"]["arn"].as_str().unwrap(),
    );
    let expected = json!({
        "executionId": event["executionId"],
        "lifecycleStage": "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "resourceArn": deployment,
        "executionDetails": {
            "serviceArn": "arn:aws:ecs:us-east-1:000000000000:service/dev/web",
            "targetServiceRevisionArn": new,
            "testTrafficWeights": {},
            "productionTrafficWeights": { old: 100, new: 0 },
        },
    });
    assert_eq!(event, expected, "no hookDetails where none were configured");
    assert_eq!(event["executionId"].as_str().unwrap().len(), 36);
    assert!(
        deployment.starts_with("arn:aws:ecs:us-east-1:000000000000:service-deployment/dev/web/")
    );
    assert!(new.starts_with("arn:aws:ecs:us-east-1:000000000000:service-revision/dev/web/"));
}

#[tokio::test]
async fn a_canary_asks_before_and_at_each_step_and_waits_between_them() {
    let bench = Bench::with_service(json!({
        "strategy": "CANARY",
        "canaryConfiguration": { "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 10 },
        "lifecycleHooks": [hook("check", &["PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"])],
    }))
    .await;
    let deployment = bench.deploy("web:2");
    bench.until_called(2).await;
    assert_eq!(bench.weights(&bench.production), (90, 10));
    assert_eq!(bench.weights(&bench.test), (0, 100));
    bench.advance(MINUTE * 9).await;
    assert_eq!(
        bench.weights(&bench.production),
        (90, 10),
        "it bakes for ten minutes"
    );
    let seen = bench.described(&deployment);
    assert_eq!(seen["lifecycleStage"], "PRODUCTION_TRAFFIC_SHIFT");
    assert_eq!(
        seen["targetServiceRevision"]["requestedProductionTrafficWeight"],
        10.0
    );
    bench.advance(MINUTE).await;
    let over = bench.until_over(&deployment).await;
    assert_eq!(over["status"], "SUCCESSFUL");
    insta::assert_snapshot!(shares(&bench).join("\n"), @r"
    PRE_PRODUCTION_TRAFFIC_SHIFT - 0
    PRODUCTION_TRAFFIC_SHIFT - 10
    PRE_PRODUCTION_TRAFFIC_SHIFT - 10
    PRODUCTION_TRAFFIC_SHIFT - 100
    ");
}

#[tokio::test]
async fn a_linear_deployment_goes_through_all_its_steps_within_one_advance() {
    let bench = Bench::with_service(json!({
        "strategy": "LINEAR",
        "linearConfiguration": { "stepPercent": 40.0, "stepBakeTimeInMinutes": 6 },
        "lifecycleHooks": [hook("check", &["PRODUCTION_TRAFFIC_SHIFT"])],
    }))
    .await;
    let deployment = bench.deploy("web:2");
    bench.until_called(1).await;
    bench.advance(MINUTE * 12).await;
    assert_eq!(bench.until_over(&deployment).await["status"], "SUCCESSFUL");
    insta::assert_snapshot!(shares(&bench).join("\n"), @r"
    PRODUCTION_TRAFFIC_SHIFT - 40
    PRODUCTION_TRAFFIC_SHIFT - 80
    PRODUCTION_TRAFFIC_SHIFT - 100
    ");
}

#[tokio::test]
async fn the_first_deployment_runs_hooks_too_and_knows_no_other_revision() {
    let bench = Bench::new().await;
    let configuration = json!({
        "strategy": "CANARY", "lifecycleHooks": [hook("check", HOOK_STAGES)],
    });
    let over = bench.create(configuration, "web:1").await;
    assert_eq!(over["status"], "SUCCESSFUL", "it waits for no canary");
    assert_eq!(over["sourceServiceRevisions"], json!([]));
    insta::assert_snapshot!(shares(&bench).join("\n"), @r"
    PRE_SCALE_UP - -
    POST_SCALE_UP - -
    TEST_TRAFFIC_SHIFT 100 -
    POST_TEST_TRAFFIC_SHIFT - -
    PRE_PRODUCTION_TRAFFIC_SHIFT - 0
    PRODUCTION_TRAFFIC_SHIFT - 100
    POST_PRODUCTION_TRAFFIC_SHIFT - -
    ");
    let (_, shift) = &bench.emulator.calls()[2];
    let weights = shift["executionDetails"]["testTrafficWeights"].as_object();
    assert_eq!(weights.unwrap().len(), 1);
}

#[tokio::test]
async fn real_processes_answer_behind_the_rules_as_the_weights_say() {
    let bench = Bench::new().await;
    for version in ["1.0.0", "2.0.0"] {
        bench.register("shop", &format!("example/shop:{version}"), version);
    }
    bench
        .create(json!({ "strategy": "BLUE_GREEN" }), "shop:1")
        .await;
    assert_eq!(bench.version("shop.test").await, "1.0.0");
    let configuration = json!({
        "strategy": "CANARY", "bakeTimeInMinutes": 1,
        "canaryConfiguration": { "canaryPercent": 25.0, "canaryBakeTimeInMinutes": 10 },
        "lifecycleHooks": [hook("check", &["POST_TEST_TRAFFIC_SHIFT"])],
    });
    bench.emulator.returns(
        "check",
        &[
            json!({ "hookStatus": "IN_PROGRESS" }),
            json!({ "hookStatus": "SUCCEEDED" }),
        ],
    );
    bench.ok("UpdateService", json!({
        "cluster": "dev", "service": "web", "taskDefinition": "shop:2", "deploymentConfiguration": configuration,
    }));
    let deployment = bench.newest();
    bench.until_called(1).await;
    assert_eq!(bench.version("next.shop.test").await, "2.0.0");
    assert_eq!(bench.version("shop.test").await, "1.0.0");
    bench.advance(MINUTE).await;
    bench
        .until(&deployment, |seen| {
            seen["targetServiceRevision"]["requestedProductionTrafficWeight"] == 25.0
        })
        .await;
    let mut new = 0;
    for _ in 0..20 {
        new += usize::from(bench.version("shop.test").await == "2.0.0");
    }
    assert_eq!(new, 5, "a quarter of twenty");
    bench.advance(MINUTE * 11).await;
    assert_eq!(bench.until_over(&deployment).await["status"], "SUCCESSFUL");
    assert_eq!(bench.version("shop.test").await, "2.0.0");
    bench.server.stop().await;
}
