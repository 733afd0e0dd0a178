//! A listener of CodeDeploy may lead to the release by a rule: a gate sends what the rule demands, and nothing that would be
//! led elsewhere.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::sync::Arc;
use std::time::Duration;

use gate::Stage;
use insta::assert_snapshot;
use serde_json::Value;
use support::aws::{Changes, FakeAws, Fault, Plan, none};
use support::balancing::RuleOf;
use support::service::{Behaviour, Service};
use support::{SUITE, clients, function, invoke, settings};

const LEFT: Duration = Duration::from_secs(12);
const REDIRECTS: &str = "";

/// The test listener has these rules, and its default action leads to `default`.
fn test_listener(default: &'static str, rules: &'static [RuleOf]) -> Changes {
    Changes {
        forwards: Some(["shop-green", default]),
        rules: [&[], rules],
        ..Changes::default()
    }
}

/// What came of a run.
struct Seen {
    answers: Vec<String>,
    reasons: String,
    report: Value,
    served: usize,
    with_header: Vec<bool>,
}

async fn run(stage: Stage, changes: Changes, plan: Plan) -> Seen {
    let service = Service::start(Behaviour::Well).await;
    let aws = FakeAws::with(service.port, SUITE, changes, plan).await;
    let value = invoke(&function(stage, &aws), LEFT).await.result.unwrap();
    let reasons = value["reasons"].as_array().unwrap().iter();
    let reasons: Vec<&str> = reasons.map(|reason| reason.as_str().unwrap()).collect();
    let report = aws.object_below("/reports/", ".json");
    Seen {
        answers: aws.answers(),
        reasons: reasons
            .join("\n")
            .replace(&service.port.to_string(), "PORT"),
        report: serde_json::from_str(&report).unwrap(),
        served: service.served(),
        with_header: service.header("x-test"),
    }
}

async fn before_traffic(changes: Changes) -> Seen {
    run(Stage::PreTraffic, changes, none()).await
}

const BY_HEADER: &[RuleOf] = &[RuleOf {
    priority: 7,
    conditions: &[
        ("host-header", "shop.example.com"),
        ("path-pattern", "/check*"),
        ("http-header", "x-test: green"),
    ],
    forwards: "shop-green",
}];

const LEGACY: RuleOf = RuleOf {
    priority: 3,
    conditions: &[("path-pattern", "/checkout")],
    forwards: "legacy",
};

#[tokio::test(start_paused = true)]
async fn what_the_rule_of_the_test_listener_demands_is_sent_and_the_report_names_it() {
    let _time = paced_time::start();
    for default in [REDIRECTS, "shop-blue", "another-service"] {
        let seen = before_traffic(test_listener(default, BY_HEADER)).await;
        assert_eq!(seen.answers, ["Succeeded"], "{default}: {}", seen.reasons);
        assert_eq!(seen.with_header, [true]);
        let facts = &seen.report["target"];
        assert_eq!(facts["listener_rule"], "arn:test/rule/7");
        assert_eq!(facts["host"], "shop.example.com");
    }
    let seen = before_traffic(Changes::default()).await;
    assert_eq!(seen.with_header, [false]);
    let facts = &seen.report["target"];
    assert_eq!(facts["listener_rule"], "arn:test/rule/default");
    assert_eq!(facts["host"], "127.0.0.1");
}

#[tokio::test(start_paused = true)]
async fn where_codedeploy_does_not_name_the_new_tasks_the_rule_of_the_pair_is_used() {
    let _time = paced_time::start();
    let silent: Plan = Arc::new(|operation, _| {
        let lists = operation == "ListDeploymentTargets";
        lists.then_some(Fault::Refuse("InvalidDeploymentIdException"))
    });
    let changes = test_listener(REDIRECTS, BY_HEADER);
    let seen = run(Stage::PreTraffic, changes, silent).await;
    assert_eq!(seen.answers, ["Succeeded"], "{}", seen.reasons);
    assert_eq!(seen.with_header, [true]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_listener_leads_elsewhere_is_not_sent() {
    let _time = paced_time::start();
    let of_api: &[RuleOf] = &[RuleOf {
        priority: 2,
        conditions: &[("path-pattern", "/api/*")],
        forwards: "shop-green",
    }];
    let seen = before_traffic(test_listener(REDIRECTS, of_api)).await;
    assert_eq!((seen.answers[0].as_str(), seen.served), ("Failed", 0));
    assert_snapshot!(seen.reasons, @r#"check "a reader buys a book" (line 7) asks for http://127.0.0.1:PORT/checkout, and the listener rule of the release takes the path /api/*, so something else would answer"#);
    let seen = before_traffic(test_listener("shop-green", &[LEGACY])).await;
    assert_eq!((seen.answers[0].as_str(), seen.served), ("Failed", 0));
    assert_snapshot!(seen.reasons, @r#"check "a reader buys a book" errored: POST http://127.0.0.1:PORT/checkout does not reach the release, as its listener rule comes after the rule of priority 3, which may take this request first; give the release's rule a lower number"#);
    // Another rule of the release takes it first.
    let ours: &[RuleOf] = &[
        RuleOf {
            priority: 1,
            conditions: &[("path-pattern", "/checkout")],
            forwards: "shop-green",
        },
        LEGACY,
    ];
    let seen = before_traffic(test_listener("shop-green", ours)).await;
    assert_eq!(seen.answers, ["Succeeded"], "{}", seen.reasons);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_does_not_lead_to_the_release_is_not_measured() {
    let _time = paced_time::start();
    let blue = before_traffic(test_listener("shop-blue", &[])).await;
    assert_eq!((blue.answers[0].as_str(), blue.served), ("Failed", 0));
    assert_snapshot!(blue.reasons, @"the test listener arn:test of the deployment group production does not lead to the release alone: it forwards to shop-blue, and the release's tasks are in shop-green; so the pre-traffic gate can't reach the new version");
    let by_address: &[RuleOf] = &[RuleOf {
        priority: 4,
        conditions: &[("source-ip", "10.0.0.0/8")],
        forwards: "shop-green",
    }];
    let seen = before_traffic(test_listener(REDIRECTS, by_address)).await;
    assert_eq!((seen.answers[0].as_str(), seen.served), ("Failed", 0));
    assert_snapshot!(seen.reasons, @r#"the test listener arn:test of the deployment group production leads to the release by the rule arn:test/rule/4, which has a condition on "source-ip", which a gate can't promise to meet: another rule may answer it; give the service a rule with conditions on host-header, path-pattern or http-header; so the pre-traffic gate can't reach the new version"#);
}

#[tokio::test(start_paused = true)]
async fn after_traffic_the_rule_of_the_production_listener_is_used() {
    let _time = paced_time::start();
    let changes = |default| Changes {
        forwards: Some([default, "shop-blue"]),
        rules: [BY_HEADER, &[]],
        ..Changes::default()
    };
    let seen = run(Stage::PostTraffic, changes(REDIRECTS), none()).await;
    assert_eq!(seen.answers, ["Succeeded"], "{}", seen.reasons);
    assert_eq!(seen.with_header, [true]);
    assert_eq!(
        seen.report["target"]["listener_rule"],
        "arn:production/rule/7"
    );
}

#[tokio::test(start_paused = true)]
async fn a_production_rule_that_nobody_can_meet_stops_the_release_before_traffic() {
    let _time = paced_time::start();
    let by_method: &[RuleOf] = &[RuleOf {
        priority: 5,
        conditions: &[("http-request-method", "GET")],
        forwards: "shop-blue",
    }];
    let changes = || Changes {
        forwards: Some([REDIRECTS, "shop-green"]),
        rules: [by_method, &[]],
        ..Changes::default()
    };
    let service = Service::start(Behaviour::Well).await;
    let of = async |plan: Plan| {
        let aws = FakeAws::with(service.port, SUITE, changes(), plan).await;
        let gate = Arc::new(hook::GateFunction {
            stage: Stage::PreTraffic,
            settings: settings(&[("POST_TRAFFIC_FUNCTION", "CodeDeployHook_post-traffic")]),
            aws: clients(&aws),
        });
        let value = invoke(&gate, LEFT).await.result.unwrap();
        (aws.answers(), value["reasons"][0].to_string())
    };
    let (answers, reason) = of(none()).await;
    assert_eq!(answers, ["Failed"]);
    assert_snapshot!(reason, @r#""the post-traffic gate (CodeDeployHook_post-traffic) would fail once customers are served: the production listener arn:production of the deployment group production leads to the release by the rule arn:production/rule/5, which has a condition on \"http-request-method\", which a gate can't promise to meet: another rule may answer it; give the service a rule with conditions on host-header, path-pattern or http-header""#);
}
