//! `check --deployment` and `--service` as people call them, against a small AWS.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::process::{Command, Output};

use insta::assert_snapshot;
use test_support::gates::SUITE;
use test_support::gates::aws::{Changes, FakeAws, none};
use test_support::gates::ecs::EcsChanges;
use test_support::gates::service::{Behaviour, Service};

const SHIFTED: &[(&str, &str)] = &[
    ("AllowTestTraffic", "Succeeded"),
    ("AllowTraffic", "Pending"),
];

/// A file of this test's own.
fn file(name: &str, suite: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("check-deployed");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.yaml"));
    std::fs::write(&path, suite).unwrap();
    path
}

async fn check(aws: &FakeAws, suite: PathBuf, args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    for name in [
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
    ] {
        program.env_remove(name);
    }
    program
        .current_dir(suite.parent().unwrap())
        .arg("check")
        .arg(suite.file_name().unwrap())
        .args(args)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", aws.url());
    tokio::task::spawn_blocking(move || program.output().unwrap())
        .await
        .unwrap()
}

/// Without times and ports.
fn told(output: &Output, service: &Service) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    let told = told.replace(&format!("127.0.0.1:{}", service.port), "HOST");
    let mut shown = String::new();
    for word in told.split_inclusive([' ', '\n', '(', ')', ',']) {
        let is_time = word.starts_with(|first: char| first.is_ascii_digit())
            && word.trim_end_matches([' ', '\n', ')', ',']).ends_with('s');
        if is_time {
            shown.push_str("TIME");
            shown.extend(word.chars().last());
        } else {
            shown.push_str(word);
        }
    }
    // Checks are shown as they end, in any order.
    let mut lines: Vec<&str> = shown.lines().collect();
    let is_row = |line: &&str| line.starts_with("  passed       ");
    let first = lines.iter().position(is_row).unwrap_or_default();
    let rows = lines[first..].iter().take_while(|line| is_row(line));
    let end = first + rows.count();
    lines[first..end].sort_unstable();
    let code = output.status.code().unwrap();
    format!("{}\n(ends with {code})", lines.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_is_measured_behind_its_test_listener() {
    let suite = format!("{SUITE}  - {{ name: no alarm is on, alarms: [shop-5xx], retries: 0 }}\n");
    for (behaviour, alarm, code) in [
        (Behaviour::Well, "OK", 0),
        (Behaviour::Broken, "OK", 1),
        (Behaviour::Well, "ALARM", 1),
    ] {
        let service = Service::start(behaviour).await;
        let changes = Changes {
            events: SHIFTED,
            alarm: Some(alarm),
            ..Changes::default()
        };
        let aws = FakeAws::with(service.port, "", changes, none()).await;
        let output = check(&aws, file("both", &suite), &["--deployment", "d-ABCDEF123"]).await;
        assert_eq!(
            output.status.code(),
            Some(code),
            "{}",
            told(&output, &service)
        );
        if let (Behaviour::Well, "OK") = (behaviour, alarm) {
            assert_snapshot!(told(&output, &service), @r#"
            shop, pre-traffic: 2 checks against http://HOST (deployment d-ABCDEF123)
              passed       a reader buys a book (TIME)
              passed       no alarm is on (TIME)
            passed after TIME
              all 2 required checks passed
            (ends with 0)
            "#);
        }
        let calls = aws.calls();
        assert!(
            !calls
                .iter()
                .any(|call| call.starts_with("Put") || call == "Publish"),
            "{calls:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_measured_is_refused_and_reported() {
    let service = Service::start(Behaviour::Well).await;
    let changes = Changes {
        events: SHIFTED,
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, "", changes, none()).await;
    let report = file("refused", SUITE).with_extension("json");
    let wanted = format!("json={}", report.display());
    let args = [
        "--deployment",
        "shop/production",
        "--stage",
        "post-traffic",
        "--report",
        &wanted,
    ];
    let output = check(&aws, file("refused", SUITE), &args).await;
    assert_snapshot!(told(&output, &service), @r#"
    refused after TIME
      the lifecycle event AllowTraffic of the deployment is Pending: customers are still served by the old version; try again once it has succeeded
    (ends with 3)
    "#);
    let report = std::fs::read_to_string(report).unwrap();
    assert!(
        report.contains("AllowTraffic") && report.contains("\"application\": \"shop\""),
        "{report}"
    );
    assert_eq!(service.served(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_of_ecs_is_measured_where_it_serves() {
    let service = Service::start(Behaviour::Well).await;
    let ecs = EcsChanges {
        status: Some("SUCCESSFUL"),
        ..EcsChanges::default()
    };
    let changes = Changes {
        ecs,
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, "", changes, none()).await;
    let args = [
        "--service",
        "shop/web",
        "--stage",
        "post-traffic",
        "--quiet",
    ];
    let output = check(&aws, file("native", SUITE), &args).await;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output, &service));
    let output = check(&aws, file("native", SUITE), &["--service", "shop/web"]).await;
    assert_snapshot!(told(&output, &service), @r#"
    refused after TIME
      the last deployment of the service has succeeded: its revision serves customers, and nothing says that the test rule leads to it; give --stage post-traffic
    (ends with 3)
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_costs_is_started_only_where_that_is_said() {
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::start(service.port, "").await;
    let suite =
        format!("{SUITE}  - {{ name: own tests, ecs_task: {{ task_definition: shop-tests }} }}\n");
    let output = check(&aws, file("task", &suite), &["--deployment", "d-ABCDEF123"]).await;
    assert_snapshot!(told(&output, &service), @r#"
    task.yaml: check "own tests" (line 9) starts an ECS task, which costs money: allow it with --run-tasks, or leave it out with --skip
    (ends with 3)
    "#);
    assert!(aws.calls().is_empty(), "{:?}", aws.calls());
    for args in [
        &["--run-tasks", "--url", "http://localhost"][..],
        &["--deployment", "d-1", "--target", "version=1"],
        &["--deployment", "d-1", "--service", "a/b"],
        &["--service", "shop"],
        &[],
    ] {
        let output = check(&aws, file("task", SUITE), args).await;
        assert_eq!(output.status.code(), Some(3), "{args:?}");
    }
}
