//! What a gate knows of its target: the keys that the guide lists, the version from what can know it,
//! and the address of a listener that does not say what it speaks.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::gates as support;

use std::collections::BTreeSet;
use std::time::Duration;

use gate::Stage;
use support::aws::{Changes, FakeAws, none};
use support::service::{Behaviour, Service};
use support::{SUITE, function, invoke};

const LEFT: Duration = Duration::from_secs(12);
const LAMBDA: &str = "version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n      Properties: {Name: checkout, Alias: live, CurrentVersion: '7', TargetVersion: '8'}\nHooks:\n  - BeforeAllowTraffic: CodeDeployHook_pre-traffic\n";

/// A run of the gate whose check sends the version along: its answer, its reasons and the subject of the message.
async fn run(changes: Changes) -> (Vec<String>, String, String) {
    let service = Service::start(Behaviour::Well).await;
    let suite = SUITE.replace(
        "http: POST /checkout",
        "http: \"POST /checkout?v={{ target.version }}\"",
    );
    let aws = FakeAws::with(service.port, &suite, changes, none()).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    let reasons = seen.result.unwrap()["reasons"].to_string();
    (
        aws.answers(),
        reasons,
        aws.published()[0]["Subject"].clone(),
    )
}

const DIGEST: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop@sha256:0123456789abcdef";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_of_an_image_named_by_digest_is_the_tag_beside_it() {
    let changes = Changes {
        image: Some(DIGEST),
        registry_tags: &["latest", "6063e25", "1.2.0"],
        ..Changes::default()
    };
    let (answers, reasons, subject) = run(changes).await;
    assert_eq!(answers, ["Succeeded"], "{reasons}");
    assert_eq!(subject, "Passed pre-traffic: shop 1.2.0 (d-ABCDEF123)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_container_may_say_its_version() {
    for image in [DIGEST, "shop:latest", "shop"] {
        let changes = Changes {
            image: Some(image),
            environment: &[("APP_VERSION", "1.3.0")],
            ..Changes::default()
        };
        let (answers, reasons, subject) = run(changes).await;
        assert_eq!(answers, ["Succeeded"], "{image}: {reasons}");
        assert!(subject.contains("shop 1.3.0"), "{subject}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_nothing_names_is_errored_with_the_remedy_and_never_failed() {
    for image in ["shop:latest", "shop", "ghcr.io/team/shop@sha256:01", DIGEST] {
        let changes = Changes {
            image: Some(image),
            ..Changes::default()
        };
        let (answers, reasons, subject) = run(changes).await;
        assert_eq!(answers, ["Failed"], "unknown is no pass");
        assert!(
            reasons.contains("errored: target.version is not known"),
            "{reasons}"
        );
        assert!(
            reasons.contains("set the environment variable VERSION"),
            "{reasons}"
        );
        assert!(!reasons.contains(" failed: "), "{reasons}");
        assert_eq!(
            subject,
            "STOPPED at pre-traffic (inconclusive): shop (d-ABCDEF123)"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_listener_of_tcp_speaks_what_production_speaks_and_the_reason_says_so() {
    let service = Service::start(Behaviour::Well).await;
    for (production, test, scheme) in [
        (("TCP", 443), ("TCP", service.port), "https"),
        (("TLS", 9443), ("TCP_UDP", service.port), "https"),
        (("TCP", 80), ("TCP", service.port), "http"),
    ] {
        let changes = Changes {
            listeners: Some([production, test]),
            ..Changes::default()
        };
        let aws = FakeAws::with(service.port, SUITE, changes, none()).await;
        let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
        let reasons = seen.result.unwrap()["reasons"].to_string();
        let assumed = reasons.contains(&format!("{scheme} was assumed"));
        if scheme == "http" {
            assert_eq!(aws.answers(), ["Succeeded"], "{reasons}");
            assert!(!assumed, "nobody needs it: {reasons}");
        } else {
            // The service speaks plain HTTP, so the assumption is wrong here, and is said.
            assert_eq!(aws.answers(), ["Failed"]);
            assert!(
                assumed && reasons.contains("TCP_LISTENER_SCHEME"),
                "{reasons}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_http_does_not_run_over_is_refused_by_its_protocol() {
    let changes = Changes {
        listeners: Some([("UDP", 443), ("UDP", 8443)]),
        ..Changes::default()
    };
    let aws = FakeAws::with(1, SUITE, changes, none()).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    insta::assert_snapshot!(seen.result.unwrap()["reasons"][0].as_str().unwrap(), @"the test listener arn:test of the deployment group production speaks UDP, and checks speak HTTP and HTTPS; use a listener of HTTP, HTTPS, TLS or TCP; so the pre-traffic gate can't reach the new version");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_listener_that_is_the_production_listener_is_refused_unasked() {
    let service = Service::start(Behaviour::Well).await;
    let changes = Changes {
        one_listener: true,
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, SUITE, changes.clone(), none()).await;
    let seen = invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Failed"]);
    insta::assert_snapshot!(seen.result.unwrap()["reasons"][0].as_str().unwrap(), @"the test listener arn:production of the deployment group production is its production listener, too, where the earlier release still answers; set testTrafficRoute to a listener of its own; so the pre-traffic gate can't reach the new version");
    assert_eq!(service.served(), 0, "the earlier release was not measured");
    // After traffic the production listener is the right one.
    let aws = FakeAws::with(service.port, SUITE, changes, none()).await;
    invoke(&function(Stage::PostTraffic, &aws), LEFT).await;
    assert_eq!(aws.answers(), ["Succeeded"]);
}

/// The keys that the guide lists for a platform.
fn documented(platform: &str) -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/suite.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let table = guide.split("| `target.` key |").nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells[2].split(", ").any(|one| one == platform))
        .map(|cells| cells[1].trim_matches('`').to_owned())
        .collect()
}

/// What is known whether or not a check uses it: these cost a call, which is made only for a suite that names them.
fn always_known(platform: &str) -> BTreeSet<String> {
    let mut known = documented(platform);
    for key in ["load_balancer", "old_target_group", "target_group"] {
        known.remove(key);
    }
    if platform == "ECS" {
        // Only where a task definition names its image by it.
        known.retain(|key| !key.ends_with("image_digest"));
    }
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guide_lists_the_keys_that_are_known_on_each_platform() {
    let service = Service::start(Behaviour::Well).await;
    for (platform, app_spec) in [("ECS", None), ("Lambda", Some(LAMBDA))] {
        let changes = Changes {
            app_spec,
            ..Changes::default()
        };
        let aws = FakeAws::with(service.port, SUITE, changes, none()).await;
        invoke(&function(Stage::PreTraffic, &aws), LEFT).await;
        let event = if platform == "ECS" {
            "AfterAllowTestTraffic"
        } else {
            "BeforeAllowTraffic"
        };
        let path = format!("/reports/reports/shop/d-ABCDEF123/pre-traffic-{event}.json");
        let report: serde_json::Value = serde_json::from_str(&aws.object(&path).unwrap()).unwrap();
        let known: BTreeSet<String> = report["target"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        assert_eq!(known, always_known(platform), "{platform}");
    }
    let aws = FakeAws::start(service.port, SUITE).await;
    let shift = support::ecs::event("PRODUCTION_TRAFFIC_SHIFT", Some(10));
    support::invoke_with(&function(Stage::PostTraffic, &aws), LEFT, shift).await;
    let prefix = "/reports/reports/web/d-1/post-traffic-PRODUCTION_TRAFFIC_SHIFT-10-";
    let report: serde_json::Value =
        serde_json::from_str(&aws.object_below(prefix, ".json")).unwrap();
    let known: BTreeSet<String> = report["target"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(known, always_known("ECS itself"));
    let all: BTreeSet<String> = gate::TARGET_KEYS.iter().map(ToString::to_string).collect();
    let platforms = ["ECS", "ECS itself", "Lambda"];
    let listed: BTreeSet<String> = platforms.into_iter().flat_map(documented).collect();
    assert_eq!(listed, all);
}
