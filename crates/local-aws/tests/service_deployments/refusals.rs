//! Calls that AWS refuses, in its words, and rules that a deployment can't start from.

use serde_json::{Value, json};

use crate::bench::Bench;

#[tokio::test]
async fn services_that_cannot_be_deployed_so_are_not_made() {
    let bench = Bench::new().await;
    let blue_green = json!({ "strategy": "BLUE_GREEN" });
    let with = |change: &dyn Fn(&mut Value)| {
        let mut service = bench.service(&blue_green, "web:1");
        change(&mut service);
        bench.refused("CreateService", service)
    };
    let advanced = |service: &mut Value, name: &str, value: Value| {
        service["loadBalancers"][0]["advancedConfiguration"][name] = value;
    };
    insta::assert_snapshot!(with(&|s| s["loadBalancers"][0]["advancedConfiguration"] = json!(null)), @"InvalidParameterException: advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy");
    let same = with(&|s| advanced(s, "testListenerRule", json!(bench.production)));
    assert_eq!(
        same,
        format!(
            "InvalidParameterException: The following rules cannot be used as both production and test listener rules: {}",
            bench.production
        )
    );
    let twice = with(&|s| advanced(s, "alternateTargetGroupArn", json!(bench.blue)));
    assert_eq!(
        twice,
        format!(
            "InvalidParameterException: Duplicate targetGroupArn found: {}",
            bench.blue
        )
    );
    insta::assert_snapshot!(with(&|s| advanced(s, "productionListenerRule", json!("arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/a/b/c"))), @"InvalidParameterException: productionListenerRule has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got: arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/a/b/c");
    insta::assert_snapshot!(with(&|s| s["deploymentConfiguration"]["strategy"] = json!("GREEN_BLUE")), @"InvalidParameterException: Invalid deployment strategy GREEN_BLUE.");
    insta::assert_snapshot!(with(&|s| s["deploymentController"]["type"] = json!("CODE_DEPLOY")), @"InvalidParameterException: Deployment strategies, lifecycle hooks, alarms and circuit breakers are not supported with a CODE_DEPLOY deployment controller.");
    let listed = bench.ok("ListServices", json!({ "cluster": "dev" }));
    assert_eq!(listed["serviceArns"], json!([]));
}

#[tokio::test]
async fn rules_that_do_not_fit_bring_a_deployment_down_and_say_why() {
    let bench = Bench::with_service(json!({ "strategy": "BLUE_GREEN" })).await;
    let elb = &bench.server.world().elb;
    let both = [(bench.blue.clone(), 50), (bench.green.clone(), 50)];
    elb.set_rule_forwards(&bench.production, &both).unwrap();
    let over = bench.until_over(&bench.deploy("web:2")).await;
    assert_eq!(over["status"], "ROLLBACK_SUCCESSFUL");
    let reason = over["statusReason"].as_str().unwrap();
    assert_eq!(
        reason,
        format!(
            "Service deployment rolled back because of invalid networking configuration. \
             productionListenerRule {} should have exactly one target group serving traffic but found \
             2 target groups which are serving traffic",
            bench.production
        )
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_failure_or_not_found() {
    let bench = Bench::new().await;
    let arn = "arn:aws:ecs:us-east-1:000000000000:service-deployment/dev/web/x";
    let missing = bench.ok(
        "DescribeServiceDeployments",
        json!({ "serviceDeploymentArns": [arn] }),
    );
    assert_eq!(
        missing["failures"][0],
        json!({ "arn": arn, "reason": "MISSING" })
    );
    insta::assert_snapshot!(bench.refused("StopServiceDeployment", json!({ "serviceDeploymentArn": arn })), @"ServiceDeploymentNotFoundException: The service deployment does not exist.");
    insta::assert_snapshot!(bench.refused("ListServiceDeployments", json!({ "cluster": "dev", "service": "web" })), @"ServiceNotFoundException: Service not found.");
    insta::assert_snapshot!(bench.refused("DescribeServiceDeployments", json!({})), @"InvalidParameterException: serviceDeploymentArns cannot be empty.");
}
