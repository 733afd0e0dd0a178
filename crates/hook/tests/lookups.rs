//! A look-up that fails says what to do about why it failed, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::gates as support;

use std::sync::Arc;
use std::time::Duration;

use gate::Stage;
use support::aws::{Changes, E_TAG, FakeAws, Fault, Plan, none};
use support::service::{Behaviour, Service};
use support::{SUITE, function, invoke};

/// The gate's reasons where every call of `operation` meets `fault`.
async fn reasons(operation: &'static str, fault: Fault) -> String {
    let plan: Plan = Arc::new(move |called, _| (called == operation).then_some(fault));
    let aws = FakeAws::with(1, SUITE, Changes::default(), plan).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), Duration::from_secs(40)).await;
    assert_eq!(aws.answers(), ["Failed"]);
    let value = seen.result.unwrap();
    let reasons = value["reasons"].as_array().unwrap();
    reasons
        .iter()
        .map(|reason| reason.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_remedy_of_a_failed_look_up_fits_its_cause() {
    let operation = "GetDeployment";
    let denied = reasons(operation, Fault::Refuse("AccessDeniedException")).await;
    insta::assert_snapshot!(denied, @"GetDeployment d-ABCDEF123 failed: AccessDeniedException: injected; the function's role needs codedeploy:GetDeployment");
    let absent = reasons(operation, Fault::Refuse("DeploymentDoesNotExistException")).await;
    insta::assert_snapshot!(absent, @"GetDeployment d-ABCDEF123 failed: DeploymentDoesNotExistException: injected; this is a sample event: put the DeploymentId of a deployment of yours that is in progress into it, and the LifecycleEventHookExecutionId that CodeDeploy sent for it");
    let (throttled, broken) = tokio::join!(
        reasons(operation, Fault::Throttle),
        reasons(operation, Fault::Error),
    );
    insta::assert_snapshot!(throttled, @"GetDeployment d-ABCDEF123 failed: ThrottlingException: injected; AWS throttled all 4 tries; other callers of codedeploy in this account use up its rate: try again later, or raise the quota");
    let expired = reasons(operation, Fault::Refuse("ExpiredTokenException")).await;
    insta::assert_snapshot!(expired, @"GetDeployment d-ABCDEF123 failed: ExpiredTokenException: injected; the function's credentials are not accepted: check the clock, the region, and that its role still exists");
    insta::assert_snapshot!(broken, @"GetDeployment d-ABCDEF123 failed: InternalFailure: injected; a fault of codedeploy in all 4 tries; try again later");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_points_to_the_network() {
    for operation in ["DescribeListeners", "DescribeLoadBalancers"] {
        let said = reasons(operation, Fault::Close).await;
        assert!(
            said.contains("VPC endpoint for elasticloadbalancing"),
            "{said}"
        );
        assert!(!said.contains("role needs"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_required_look_up_has_its_permission_and_its_remedy() {
    for (operation, permission, absent) in [
        (
            "GetApplicationRevision",
            "codedeploy:GetApplicationRevision",
            "RevisionDoesNotExistException",
        ),
        (
            "GetDeploymentGroup",
            "codedeploy:GetDeploymentGroup",
            "DeploymentGroupDoesNotExistException",
        ),
        (
            "DescribeListeners",
            "elasticloadbalancing:DescribeListeners",
            "ListenerNotFound",
        ),
        (
            "DescribeLoadBalancers",
            "elasticloadbalancing:DescribeLoadBalancers",
            "LoadBalancerNotFound",
        ),
        ("GetObject", "s3:GetObject", "NoSuchBucket"),
    ] {
        let denied = reasons(operation, Fault::Refuse("AccessDenied")).await;
        let needs = format!("the function's role needs {permission}");
        assert!(denied.contains(&needs), "{denied}");
        for code in [absent, "ExpiredToken"] {
            let said = reasons(operation, Fault::Refuse(code)).await;
            assert!(!said.contains("role needs"), "{operation} {code}: {said}");
            assert!(said.contains("; "), "a remedy: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_spec_that_was_replaced_is_refused_with_the_remedy() {
    let service = Service::start(Behaviour::Well).await;
    let run = async |e_tag: &'static str| {
        let changes = Changes {
            revision_e_tag: Some(e_tag),
            ..Changes::default()
        };
        let aws = FakeAws::with(service.port, SUITE, changes, none()).await;
        let seen = invoke(&function(Stage::PreTraffic, &aws), Duration::from_secs(12)).await;
        let reason = seen.result.unwrap()["reasons"][0].clone();
        (aws.answers(), reason.as_str().unwrap().to_owned())
    };
    // CodeDeploy records it as it was given: with quotation marks, without, or not at all.
    for e_tag in [E_TAG, "\"5d41402abc4b2a76b9719d911017c592\"", ""] {
        let (answers, reason) = run(e_tag).await;
        assert_eq!(answers, ["Succeeded"], "{e_tag}: {reason}");
    }
    let (answers, reason) = run("7d793037a0760186574b0282f2f435e7").await;
    assert_eq!(answers, ["Failed"]);
    insta::assert_snapshot!(reason, @"GetObject s3://appspecs/shop.yaml (the AppSpec) failed: the object was replaced since the deployment was created; create the deployment again, and turn on versioning for the bucket, so that every deployment keeps its AppSpec");
}
