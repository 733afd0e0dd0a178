//! Traffic over virtual time.

use serde_json::json;

use crate::bench::{Bench, MINUTE, Setup, elb};

#[tokio::test]
async fn a_canary_holds_its_share_for_the_interval() {
    let config = "CodeDeployDefault.ECSCanary10Percent5Minutes";
    let bench = Bench::new(Setup {
        config,
        ..Setup::default()
    })
    .await;
    let id = bench.deploy(&[]).await;
    bench.until_weights((90, 10)).await;
    bench.world.clock.advance(4 * MINUTE);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(bench.weights(&bench.production), (90, 10));
    assert_eq!(bench.task_sets(), ["shop:1 PRIMARY", "shop:2 ACTIVE"]);
    bench.world.clock.advance(MINUTE);
    bench.until(&id, "Succeeded").await;
    assert_eq!(bench.weights(&bench.production), (0, 100));
}

#[tokio::test]
async fn a_linear_shift_takes_a_step_a_minute() {
    let config = "CodeDeployDefault.ECSLinear10PercentEvery1Minutes";
    let bench = Bench::new(Setup {
        config,
        ..Setup::default()
    })
    .await;
    let id = bench.deploy(&[]).await;
    for green in (10..100).step_by(10) {
        bench.until_weights((100 - green, green)).await;
        bench.world.clock.advance(MINUTE);
    }
    bench.until(&id, "Succeeded").await;
    assert_eq!(bench.weights(&bench.production), (0, 100));
    let target = bench.target(&id).await;
    let shift = &target["lifecycleEvents"][6];
    let took = shift["endTime"].as_f64().unwrap() - shift["startTime"].as_f64().unwrap();
    assert!(
        (540.0..570.0).contains(&took),
        "nine intervals took {took} s"
    );
}

#[tokio::test]
async fn a_configuration_of_ones_own_is_used() {
    let bench = Bench::new(Setup::default()).await;
    let config = json!({
        "deploymentConfigName": "half", "computePlatform": "ECS",
        "trafficRoutingConfig": {
            "type": "TimeBasedCanary",
            "timeBasedCanary": { "canaryPercentage": 50, "canaryInterval": 1 },
        },
    });
    bench.ok("CreateDeploymentConfig", config.clone()).await;
    assert_eq!(
        bench.code("CreateDeploymentConfig", config).await,
        "DeploymentConfigAlreadyExistsException"
    );
    let update = json!({
        "applicationName": "shop", "currentDeploymentGroupName": "shop-production",
        "deploymentConfigName": "half",
    });
    bench.ok("UpdateDeploymentGroup", update).await;
    let id = bench.deploy(&[]).await;
    bench.until_weights((50, 50)).await;
    assert_eq!(bench.info(&id).await["deploymentConfigName"], "half");
    bench.world.clock.advance(MINUTE);
    bench.until(&id, "Succeeded").await;
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_shift_takes_the_traffic_back() {
    let config = "CodeDeployDefault.ECSCanary10Percent5Minutes";
    let rollback = &["DEPLOYMENT_STOP_ON_REQUEST"];
    let bench = Bench::new(Setup {
        config,
        rollback,
        ..Setup::default()
    })
    .await;
    let id = bench.deploy(&[]).await;
    bench.until_weights((90, 10)).await;
    bench
        .ok("StopDeployment", json!({ "deploymentId": id }))
        .await;
    let info = bench.until(&id, "Stopped").await;
    let rollback = info["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap();
    bench.until(rollback, "Succeeded").await;
    assert_eq!(bench.weights(&bench.production), (100, 0));
    let target = bench.target(&id).await;
    assert_eq!(target["lifecycleEvents"][6]["status"], "Failed");
    assert_eq!(target["lifecycleEvents"][7]["status"], "Skipped");
}

#[tokio::test]
async fn rules_that_forward_to_the_pair_are_shifted_and_the_rest_of_the_listener_stays() {
    let bench = Bench::new(Setup::default()).await;
    let group = |name: &str| bench.world.elb.target_group_by_name(name).unwrap().arn;
    let rule = async |priority: &str, path: &str, group: &str| {
        let params = [
            ("ListenerArn", &*bench.test.arn),
            ("Priority", priority),
            ("Conditions.member.1.Field", "path-pattern"),
            ("Conditions.member.1.Values.member.1", path),
            ("Actions.member.1.Type", "forward"),
            ("Actions.member.1.TargetGroupArn", group),
        ];
        elb(&bench.world, "CreateRule", &params, "RuleArn").await
    };
    let settings = [
        ("Name", "legacy"),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("VpcId", "vpc-1"),
        ("TargetType", "ip"),
    ];
    let legacy = elb(
        &bench.world,
        "CreateTargetGroup",
        &settings,
        "TargetGroupArn",
    )
    .await;
    let ours = rule("1", "/shop/*", &group("shop-blue")).await;
    let theirs = rule("2", "/legacy/*", &legacy).await;
    let fixed = [
        ("ListenerArn", &*bench.test.arn),
        ("DefaultActions.member.1.Type", "fixed-response"),
        (
            "DefaultActions.member.1.FixedResponseConfig.StatusCode",
            "404",
        ),
    ];
    elb(&bench.world, "ModifyListener", &fixed, "ListenerArn").await;
    let id = bench.deploy(&[]).await;
    bench.until(&id, "Succeeded").await;
    let forwards = |rule: &str| bench.world.elb.rule_forwards(rule).unwrap();
    assert_eq!(
        forwards(&ours),
        [(group("shop-blue"), 0), (group("shop-green"), 100)]
    );
    assert_eq!(forwards(&theirs), [(legacy, 1)]);
    assert_eq!(bench.world.elb.forwards(&bench.test.arn), []);
}

#[tokio::test]
async fn a_test_listener_that_names_no_group_of_the_pair_fails_the_deployment() {
    let bench = Bench::new(Setup::default()).await;
    let fixed = [
        ("ListenerArn", &*bench.test.arn),
        ("DefaultActions.member.1.Type", "fixed-response"),
        (
            "DefaultActions.member.1.FixedResponseConfig.StatusCode",
            "404",
        ),
    ];
    elb(&bench.world, "ModifyListener", &fixed, "ListenerArn").await;
    let id = bench.deploy(&[]).await;
    let info = bench.until(&id, "Failed").await;
    let message = info["errorInformation"]["message"].as_str().unwrap();
    assert!(message.contains("must be behind listener"), "{message}");
}
