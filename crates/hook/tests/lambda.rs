//! Lambda functions under deployment: before traffic, a URL counts only if the suite says that it leads to the
//! version under test; after traffic it needs no such word.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::gates as support;

use std::time::Duration;

use gate::Stage;
use support::aws::{Changes, FakeAws, none};
use support::service::{Behaviour, Service};
use support::{function, invoke};

const LEFT: Duration = Duration::from_secs(12);
const APP_SPEC: &str = "version: 0.0\nResources:\n  - checkout:\n      Type: AWS::Lambda::Function\n      Properties: { Name: checkout, Alias: live, CurrentVersion: \"7\", TargetVersion: \"8\" }\nHooks:\n  - BeforeAllowTraffic: CodeDeployHook_pre-traffic\n  - AfterAllowTraffic: CodeDeployHook_post-traffic\n";

/// A gate whose one check posts to the alias by an absolute URL: the answers, the reasons, and how often it was asked.
async fn run(stage: Stage, host: &str, more: &str) -> (Vec<String>, String, usize) {
    // What answers is version 7, behind the alias.
    let service = Service::start(Behaviour::Well).await;
    let more = more.replace("PORT", &service.port.to_string());
    let suite = format!(
        "version: 1\nname: checkout\ndefaults: {{ http: {{ timeout: 1s, retries: 0 }} }}\nchecks:\n  - name: an order can be placed\n    http: {{ method: POST, url: \"http://{host}:{}/checkout\"{more} }}\n    expect: [{{ status: 201 }}]\n",
        service.port
    );
    let changes = Changes {
        app_spec: Some(APP_SPEC),
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, &suite, changes, none()).await;
    let seen = invoke(&function(stage, &aws), LEFT).await;
    let reasons = seen.result.unwrap()["reasons"].to_string();
    (aws.answers(), reasons, service.served())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_traffic_a_url_that_nothing_ties_to_the_version_is_refused_unasked() {
    for host in ["127.0.0.1", "localhost"] {
        let (answers, reasons, served) = run(Stage::PreTraffic, host, "").await;
        assert_eq!(answers, ["Failed"], "{host}");
        assert!(
            reasons.contains("reaches_release"),
            "the way is named: {reasons}"
        );
        assert_eq!(served, 0, "the order was not placed with the old version");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_traffic_another_place_alone_makes_no_pass() {
    let more = ", allow_origins: [\"http://127.0.0.1:PORT\"]";
    let (answers, reasons, _) = run(Stage::PreTraffic, "127.0.0.1", more).await;
    assert_eq!(answers, ["Failed"], "{reasons}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suites_word_for_it_counts_and_after_traffic_none_is_needed() {
    let word = ", reaches_release: true";
    let (answers, reasons, _) = run(Stage::PreTraffic, "127.0.0.1", word).await;
    assert_eq!(answers, ["Succeeded"], "{reasons}");
    let (answers, reasons, _) = run(Stage::PostTraffic, "127.0.0.1", "").await;
    assert_eq!(answers, ["Succeeded"], "{reasons}");
}
