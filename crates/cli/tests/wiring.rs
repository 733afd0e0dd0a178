//! `deploy-hooks wiring` as people call it, over a small AWS on loopback.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::{Command, Output};

use insta::assert_snapshot;
use serde_json::Value;
use test_support::gates::SUITE;
use test_support::gates::aws::{Changes, FakeAws, none};
use test_support::gates::ecs::EcsChanges;

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "{}{}(ends with {})",
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap()
    )
}

async fn wiring(aws: &FakeAws, args: &'static [&'static str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    program.arg("wiring").args(args);
    for name in [
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
    ] {
        program.env_remove(name);
    }
    program
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", aws.url());
    let running = tokio::task::spawn_blocking(move || program.output().unwrap());
    running.await.unwrap()
}

/// Nothing but reading.
fn only_reads(aws: &FakeAws) {
    let reads = ["Get", "List", "Describe", "BatchGet"];
    for call in aws.calls() {
        assert!(reads.iter().any(|read| call.starts_with(read)), "{call}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_judged_by_its_last_deployment() {
    let aws = FakeAws::start(1, SUITE).await;
    let judged = wiring(&aws, &["--cluster", "shop", "--service", "web"]).await;
    assert_snapshot!(told(&judged), @r#"
    The wiring of the deployment d-1
    rule                    outcome       why, and what to do
    task-definition-exists  fits
    task-definition-family  fits
    container               fits
    container-port          does not fit  the load balancer's ContainerPort is 8080, and the container shop has no port mapping for it (it maps no port); add the containerPort 8080 to its portMappings, or correct ContainerPort
    service-exists          fits
    deployment-controller   fits
    target-groups           unknown       DescribeTargetGroups arn:blue failed: UnknownOperationDescribeTargetGroups: injected
    target-type             unknown       DescribeTargetGroups arn:blue failed: UnknownOperationDescribeTargetGroups: injected
    load-balancer           unknown       DescribeTargetGroups arn:blue failed: UnknownOperationDescribeTargetGroups: injected
    health-check-port       unknown       DescribeTargetGroups arn:blue failed: UnknownOperationDescribeTargetGroups: injected
    production-route        unknown       DescribeTargetGroups arn:blue failed: UnknownOperationDescribeTargetGroups: injected
    test-route              unknown       DescribeTargetGroups arn:blue failed: UnknownOperationDescribeTargetGroups: injected
    rule-priority           fits
    deregistration-delay    unknown       DescribeTargetGroups arn:blue failed: UnknownOperationDescribeTargetGroups: injected
    image-tag               fits
    image-exists            not judged    images are looked up in Amazon ECR only
    rollback-trigger        fits
    alarms-exist            not judged    there is nothing of the kind
    hook-timeout-action     fits
    hook-timeout            fits
    hook-time-sum           not judged    no stack of CloudFormation manages the service
    hook-role               does not fit  the hook CodeDeployHook_post-traffic at POST_PRODUCTION_TRAFFIC_SHIFT has the roleArn arn:aws:iam::111122223333:role/ecs-hooks, of another account than the service; name a role of this account that ecs.amazonaws.com may assume and that may invoke the function
    event-rule              not judged    there is nothing of the kind
    first-deployment        not judged    the suite allows a first deployment
    version-newer           fits
    versions-agree          fits
    (ends with 1)
    "#);
    only_reads(&aws);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_group_is_judged_by_its_last_deployment() {
    let aws = FakeAws::start(1, SUITE).await;
    let args = &[
        "--application",
        "shop",
        "--deployment-group",
        "production",
        "--except",
        "image-tag",
        "--json",
    ];
    let judged = wiring(&aws, args).await;
    let found: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(found["deployment"], "d-ABCDEF123");
    let findings = found["findings"].as_array().unwrap();
    let of = |rule: &str| findings.iter().find(|one| one["rule"] == rule);
    assert_eq!(of("automatic-rollback").unwrap()["outcome"], "mismatch");
    assert!(
        of("automatic-rollback").unwrap()["remedy"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert_eq!(of("version-newer").unwrap()["outcome"], "held");
    assert!(of("image-tag").is_none());
    assert_eq!(judged.status.code(), Some(1));
    only_reads(&aws);
    // However the deployment is named.
    for name in ["d-ABCDEF123", "shop/production"] {
        let args: &'static [&'static str] = match name {
            "d-ABCDEF123" => &[
                "--deployment",
                "d-ABCDEF123",
                "--except",
                "image-tag",
                "--json",
            ],
            _ => &[
                "--deployment",
                "shop/production",
                "--except",
                "image-tag",
                "--json",
            ],
        };
        let named: Value = serde_json::from_slice(&wiring(&aws, args).await.stdout).unwrap();
        assert_eq!(named, found, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_found_is_no_pass() {
    let changes = Changes {
        ecs: EcsChanges {
            is_absent: true,
            ..EcsChanges::default()
        },
        ..Changes::default()
    };
    let aws = FakeAws::with(1, SUITE, changes, none()).await;
    let absent = wiring(&aws, &["--cluster", "shop", "--service", "web"]).await;
    assert_snapshot!(told(&absent), @"
    ListServiceDeployments shop/web returned nothing: the service was deployed by another controller, or not in the last 90 days
    (ends with 2)
    ");
    assert_snapshot!(told(&wiring(&aws, &[]).await), @r#"
    name what is deployed: --deployment, --application and --deployment-group, or --cluster and --service
    (ends with 3)
    "#);
    let both = [
        "--deployment",
        "d-1",
        "--application",
        "shop",
        "--deployment-group",
        "x",
    ];
    let both: &'static [&'static str] = both.to_vec().leak();
    assert_snapshot!(told(&wiring(&aws, both).await), @r#"
    error: the argument '--deployment <ID>' cannot be used with '--application <NAME>'

    Usage: deploy-hooks wiring --deployment <ID> --deployment-group <NAME>

    For more information, try '--help'.
    (ends with 3)
    "#);
    assert_snapshot!(told(&wiring(&aws, &["--deployment", "shop"]).await), @r#"
    error: invalid value 'shop' for '--deployment <ID>': expected the id of a deployment of CodeDeploy, d-ABCDEF123, or APPLICATION/GROUP

    For more information, try '--help'.
    (ends with 3)
    "#);
    assert_snapshot!(told(&wiring(&aws, &["--cluster", "shop"]).await), @"
    error: the following required arguments were not provided:
      --service <NAME>

    Usage: deploy-hooks wiring --cluster <NAME> --service <NAME>

    For more information, try '--help'.
    (ends with 3)
    ");
    assert_snapshot!(told(&wiring(&aws, &["--cluster", "shop", "--service", "web", "--except", "tags"]).await), @r#"
    error: invalid value 'tags' for '--except <RULE>': there is no such rule; there are "task-definition-arn", "task-definition-exists", "task-definition-family", "container", "container-port", "service-exists", "deployment-controller", "target-groups", "target-type", "load-balancer", "health-check-port", "production-route", "test-route", "rule-priority", "deregistration-delay", "image-tag", "image-exists", "automatic-rollback", "rollback-trigger", "alarms-exist", "hook-timeout-action", "hook-timeout", "hook-time-sum", "hook-role", "event-rule", "first-deployment", "function-versions", "alias", "version-newer", "versions-agree"

    For more information, try '--help'.
    (ends with 3)
    "#);
}
