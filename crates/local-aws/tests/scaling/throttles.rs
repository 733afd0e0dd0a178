//! Throttling as AWS does it, and clients that try again.

use aws_sdk_ecs::config::retry::RetryConfig;
use serde_json::json;

use crate::bench::{Bench, refusal};

#[tokio::test]
async fn a_burst_is_let_through_and_the_rest_refused_until_they_are_switched_off() {
    let bench = Bench::new().await;
    bench.service("web", 1).await;
    let buckets = json!([{ "name": "service-changes", "burst": 3, "per_second": 0.001 }]);
    let on = bench
        .control("throttles", json!({ "buckets": buckets }))
        .await;
    assert_eq!(on["buckets"].as_array().unwrap().len(), 4);
    let update = || {
        let call = bench.ecs.update_service().cluster("dev").service("web");
        call.desired_count(2)
    };
    for _ in 0..3 {
        update().send().await.unwrap();
    }
    let throttled = update().send().await;
    let status = throttled
        .as_ref()
        .unwrap_err()
        .raw_response()
        .unwrap()
        .status();
    assert_eq!(status.as_u16(), 400);
    assert_eq!(refusal(throttled), "ThrottlingException: Rate exceeded");
    bench.described("web").await;
    let seen = bench.get("throttles").await["buckets"].clone();
    let of = |name: &str| {
        let mut all = seen.as_array().unwrap().iter();
        let found = all.find(|bucket| bucket["name"] == name).unwrap();
        (
            found["taken"].as_u64().unwrap(),
            found["refused"].as_u64().unwrap(),
        )
    };
    assert_eq!(of("service-changes"), (3, 1));
    assert_eq!(of("service-reads"), (1, 0));
    let url = format!("http://{}/_local/throttles", bench.server.address());
    reqwest::Client::new().delete(url).send().await.unwrap();
    update().send().await.unwrap();
}

#[tokio::test]
async fn a_client_that_tries_again_gets_through_when_the_bucket_has_filled() {
    let bench = Bench::new().await;
    bench.service("web", 1).await;
    let buckets = json!([{ "name": "service-changes", "burst": 1, "per_second": 4 }]);
    bench
        .control("throttles", json!({ "buckets": buckets }))
        .await;
    let retrying =
        aws_sdk_ecs::Config::builder().retry_config(RetryConfig::standard().with_max_attempts(8));
    for desired in 2..6 {
        let call = bench.ecs.update_service().cluster("dev").service("web");
        let call = call.desired_count(desired).customize();
        call.config_override(retrying.clone()).send().await.unwrap();
    }
    assert_eq!(bench.desired("web").await, 5);
}
