//! Tasks without processes: running counts, and how they lag.

use std::time::Instant;

use serde_json::json;

use crate::bench::Bench;

/// Desired, running, pending.
async fn counts(bench: &Bench, name: &str) -> (i32, i32, i32) {
    let service = bench.described(name).await;
    (
        service.desired_count,
        service.running_count,
        service.pending_count,
    )
}

#[tokio::test]
async fn without_a_lag_tasks_run_and_stop_at_once() {
    let bench = Bench::new().await;
    bench.service("web", 3).await;
    assert_eq!(counts(&bench, "web").await, (3, 3, 0));
    bench.set_count("web", 0).await;
    assert_eq!(counts(&bench, "web").await, (0, 0, 0));
}

#[tokio::test]
async fn counts_lag_behind_in_virtual_time() {
    let bench = Bench::new().await;
    bench.service("slow", 2).await;
    bench.service("quick", 2).await;
    let lag =
        json!({ "cluster": "dev", "service": "slow", "start_seconds": 60, "stop_seconds": 30 });
    bench.control("lag", lag).await;
    for name in ["slow", "quick"] {
        bench.set_count(name, 5).await;
    }
    assert_eq!(counts(&bench, "quick").await, (5, 5, 0));
    assert_eq!(counts(&bench, "slow").await, (5, 2, 3));
    bench.advance(61).await;
    assert_eq!(counts(&bench, "slow").await, (5, 5, 0));
    bench.set_count("slow", 0).await;
    assert_eq!(counts(&bench, "slow").await, (0, 5, 0));
    let clusters = bench
        .ecs
        .describe_clusters()
        .clusters("dev")
        .send()
        .await
        .unwrap();
    assert_eq!(clusters.clusters()[0].running_tasks_count, 10);
    bench.advance(31).await;
    assert_eq!(counts(&bench, "slow").await, (0, 0, 0));
    bench.control("lag", json!({ "start_seconds": 10 })).await;
    bench.set_count("quick", 6).await;
    assert_eq!(counts(&bench, "quick").await, (6, 5, 1));
}

#[tokio::test]
async fn a_deleted_service_drains_for_as_long_as_its_tasks_take() {
    let bench = Bench::new().await;
    bench.control("lag", json!({ "stop_seconds": 30 })).await;
    bench.service("web", 2).await;
    let delete = bench.ecs.delete_service().cluster("dev").service("web");
    delete.force(true).send().await.unwrap();
    bench
        .until("its tasks are stopping", async |bench| {
            let service = bench.described("web").await;
            service.status() == Some("DRAINING") && service.running_count == 2
        })
        .await;
    bench.advance(31).await;
    let inactive = async |bench: &Bench| bench.described("web").await.status() == Some("INACTIVE");
    bench.until("it is inactive", inactive).await;
}

#[tokio::test]
async fn a_thousand_services_cost_little() {
    let bench = Bench::new().await;
    let begin = Instant::now();
    for n in 0..1000 {
        bench.service(&format!("web-{n:04}"), 2).await;
    }
    for n in 0..1000 {
        bench.set_count(&format!("web-{n:04}"), 0).await;
    }
    let clusters = bench
        .ecs
        .describe_clusters()
        .clusters("dev")
        .send()
        .await
        .unwrap();
    assert_eq!(clusters.clusters()[0].active_services_count, 1000);
    assert_eq!(clusters.clusters()[0].running_tasks_count, 0);
    let took = begin.elapsed();
    assert!(took.as_secs() < 30, "2,000 calls took {took:?}");
}
