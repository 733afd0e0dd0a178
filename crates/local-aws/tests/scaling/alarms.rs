//! Scaling that nobody calls for.

use aws_sdk_applicationautoscaling::types::{
    PolicyType, ScalableDimension, ServiceNamespace, SuspendedState,
};
use serde_json::json;

use crate::bench::{Bench, id};

async fn policy(bench: &Bench, name: &str) {
    let call = bench.scaling.put_scaling_policy().policy_name("cpu");
    let call = call
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .resource_id(id(name))
        .policy_type(PolicyType::TargetTrackingScaling);
    call.send().await.unwrap();
}

#[tokio::test]
async fn a_policy_pulls_a_stopped_service_up_again_unless_it_is_suspended() {
    let bench = Bench::new().await;
    for name in ["plain", "scaled", "suspended"] {
        bench.service(name, 3).await;
        bench.bounds(name, 2, 4).await;
    }
    policy(&bench, "scaled").await;
    policy(&bench, "suspended").await;
    let out = SuspendedState::builder()
        .dynamic_scaling_out_suspended(true)
        .build();
    let call = bench.register("suspended").suspended_state(out);
    call.send().await.unwrap();
    for name in ["plain", "scaled", "suspended"] {
        bench.set_count(name, 0).await;
    }
    bench.advance(30).await;
    assert_eq!(bench.desired("scaled").await, 0, "its alarm takes a minute");
    bench.advance(31).await;
    bench
        .until("the alarm goes off", async |bench| {
            bench.desired("scaled").await == 2
        })
        .await;
    assert_eq!(
        bench.desired("plain").await,
        0,
        "without a policy there is no alarm"
    );
    assert_eq!(bench.desired("suspended").await, 0);
}

#[tokio::test]
async fn alarms_are_ordered_and_scale_within_the_bounds() {
    let bench = Bench::new().await;
    bench.service("web", 2).await;
    bench.bounds("web", 1, 4).await;
    let alarm = async |direction: &str, by: u32| {
        let order = json!({ "resource_id": "service/dev/web", "direction": direction, "by": by });
        bench.control("alarms", order).await
    };
    assert_eq!(
        alarm("out", 1).await,
        json!({ "desired": 3, "reason": null })
    );
    assert_eq!(alarm("out", 9).await["desired"], 4);
    assert_eq!(alarm("out", 1).await["reason"], "the maximum is reached");
    assert_eq!(alarm("in", 1).await["desired"], 3);
    bench.set_count("web", 0).await;
    assert_eq!(
        alarm("out", 1).await["desired"],
        2,
        "to the minimum first, then one more"
    );
    let suspend = SuspendedState::builder()
        .dynamic_scaling_in_suspended(true)
        .build();
    bench
        .register("web")
        .suspended_state(suspend)
        .send()
        .await
        .unwrap();
    assert_eq!(
        alarm("in", 1).await,
        json!({ "desired": 2, "reason": "scaling in is suspended" })
    );
    assert_eq!(bench.desired("web").await, 2);
}
