//! With processes: the versions that answer at the two listeners.

use serde_json::json;

use crate::bench::{Bench, MINUTE, Setup, answer, appspec};

#[tokio::test(flavor = "multi_thread")]
async fn the_replacement_is_tried_at_the_test_listener_before_production_reaches_it() {
    let mut bench = Bench::new(Setup {
        tasks: 1,
        ..Setup::default()
    })
    .await;
    until_version(&bench, "1").await;
    let hooks = [
        ("AfterAllowTestTraffic", "pre"),
        ("AfterAllowTraffic", "post"),
    ];
    let id = bench.deploy(&hooks).await;
    let pre = bench.next_call().await;
    assert_eq!(bench.version(&bench.test).await, "2");
    assert_eq!(bench.version(&bench.production).await, "1");
    bench
        .ok(
            "PutLifecycleEventHookExecutionStatus",
            answer(&pre, "Succeeded"),
        )
        .await;
    let post = bench.next_call().await;
    assert_eq!(post.function, "post");
    assert_eq!(bench.version(&bench.production).await, "2");
    bench
        .ok(
            "PutLifecycleEventHookExecutionStatus",
            answer(&post, "Failed"),
        )
        .await;
    bench.until(&id, "Failed").await;
    let begin = tokio::time::Instant::now();
    while bench.version(&bench.production).await != "1" {
        assert!(
            begin.elapsed().as_secs() < 1,
            "production is not back within a second"
        );
    }
    assert_eq!(bench.version(&bench.test).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_never_becomes_healthy_times_out_after_an_hour() {
    let bench = Bench::new(Setup {
        tasks: 1,
        ..Setup::default()
    })
    .await;
    until_version(&bench, "1").await;
    let broken = json!({
        "family": "broken",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{
            "name": "web",
            "image": "registry.example/no-such-program:1.0.0",
            "essential": true,
            "portMappings": [{ "containerPort": 8080 }],
        }],
    });
    bench
        .world
        .ecs
        .call("RegisterTaskDefinition", broken)
        .unwrap();
    let id = bench
        .deploy_text(&appspec("broken:1", "web", 8080, &[]))
        .await;
    bench
        .until_info(&id, |info| info["status"] == "InProgress")
        .await;
    while bench.task_sets().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    bench.world.clock.advance(61 * MINUTE);
    let info = bench.until(&id, "Failed").await;
    assert_eq!(info["errorInformation"]["code"], "TIMEOUT");
    let rollback = info["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap();
    bench.until(rollback, "Succeeded").await;
    assert_eq!(bench.version(&bench.production).await, "1");
}

/// Waits until production answers with a version.
async fn until_version(bench: &Bench, version: &str) {
    let url = format!("http://127.0.0.1:{}/version", bench.production.port);
    let begin = tokio::time::Instant::now();
    loop {
        let answer = reqwest::get(&url).await.unwrap();
        if answer.status() == 200 && answer.text().await.unwrap().contains(version) {
            return;
        }
        assert!(begin.elapsed().as_secs() < 30, "production never answers");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
