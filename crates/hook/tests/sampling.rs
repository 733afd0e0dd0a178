//! A partial step of a canary by ECS's contract: the production rule serves both revisions by their weights, and only the
//! new one's answers count.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::time::Duration;

use gate::Stage;
use serde_json::Value;
use support::aws::{Changes, FakeAws, none};
use support::ecs::{EcsChanges, event};
use support::service::{Behaviour, Service, TwoRevisions};
use support::{function, invoke_with};

const LEFT: Duration = Duration::from_secs(40);

/// The ways in which an answer says whose it is: a header, a field, a cookie.
const MARKS: [&str; 3] = [
    "{ header: { name: x-version, equals: '{{ target.version }}' } }",
    "{ json: { path: $.version, equals: '{{ target.version }}' } }",
    "{ header: { name: set-cookie, contains: 'revision={{ target.version }};' } }",
];

fn suite(mark: &str, method: &str) -> String {
    format!(
        "version: 1\nname: shop\nrevision: {mark}\ndefaults: {{ http: {{ timeout: 1s, retries: 0 }} }}\nchecks:\n  \
         - name: a reader looks at the checkout\n    http: {method} /checkout\n    expect: [ {{ status: 201 }} ]\n"
    )
}

/// What a gate has made of a step.
struct Step {
    status: String,
    report: Value,
    reasons: String,
    served: usize,
}

impl Step {
    fn conclusion(&self) -> &str {
        self.report["verdict"]["conclusion"].as_str().unwrap()
    }
}

async fn step(two: TwoRevisions, suite: &str, (percent, changes): (u32, EcsChanges)) -> Step {
    let service = Service::start(Behaviour::Two(two)).await;
    let changes = Changes {
        ecs: changes,
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, suite, changes, none()).await;
    let shift = event("PRODUCTION_TRAFFIC_SHIFT", Some(percent));
    let seen = invoke_with(&function(Stage::PostTraffic, &aws), LEFT, shift).await;
    let stored = aws.object_below("/reports/reports/web/d-1/post-traffic-", ".json");
    let report: Value = serde_json::from_str(&stored).unwrap();
    Step {
        status: seen.result.unwrap()["hookStatus"]
            .as_str()
            .unwrap()
            .to_owned(),
        reasons: report["verdict"]["reasons"].to_string(),
        report,
        served: service.served(),
    }
}

/// The service has no test rule, so the production rule is sampled.
fn without_test_rule() -> EcsChanges {
    EcsChanges {
        no_test_rule: true,
        ..EcsChanges::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_new_revisions_answers_decide_whatever_the_old_one_says() {
    let _time = paced_time::start();
    for mark in MARKS {
        for percent in [10, 25, 50] {
            let weights = TwoRevisions {
                new_percent: usize::try_from(percent).unwrap(),
                ..TwoRevisions::default()
            };
            let good = TwoRevisions {
                old_is_broken: true,
                ..weights
            };
            let good = step(good, &suite(mark, "GET"), (percent, without_test_rule())).await;
            assert_eq!(
                good.status, "SUCCEEDED",
                "{mark} {percent}: {}",
                good.reasons
            );
            assert_eq!(good.report["target"]["route"], "production");
            assert_eq!(
                good.report["target"]["traffic_percent"],
                percent.to_string()
            );
            assert!(good.served > 1, "the old one has answered first");
            let bad = TwoRevisions {
                new_is_broken: true,
                ..weights
            };
            let bad = step(bad, &suite(mark, "GET"), (percent, without_test_rule())).await;
            assert_eq!(
                (bad.status.as_str(), bad.conclusion()),
                ("FAILED", "failed")
            );
            assert!(
                bad.reasons.contains("expected status 201, got 503"),
                "{mark} {percent}: {}",
                bad.reasons
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_revision_that_does_not_answer_by_its_weight_is_no_pass() {
    let _time = paced_time::start();
    for mark in MARKS {
        let silent = step(
            TwoRevisions::default(),
            &suite(mark, "GET"),
            (10, without_test_rule()),
        )
        .await;
        assert_eq!(
            (silent.status.as_str(), silent.conclusion()),
            ("FAILED", "inconclusive")
        );
        assert_eq!(silent.served, 66, "as often as 10 % make likely");
        assert!(
            silent.reasons.contains("which has 10 % of the traffic"),
            "{}",
            silent.reasons
        );
    }
}

#[tokio::test(start_paused = true)]
async fn bad_answers_that_say_nothing_of_themselves_make_no_pass() {
    let _time = paced_time::start();
    // All of the new one's answers are error pages of the load balancer's; so are those of the old one, the other time.
    for new_is_broken in [true, false] {
        let two = TwoRevisions {
            new_percent: 25,
            new_is_broken,
            old_is_broken: !new_is_broken,
            broken_is_unmarked: true,
        };
        let step = step(two, &suite(MARKS[0], "GET"), (25, without_test_rule())).await;
        assert_eq!(
            (step.status.as_str(), step.conclusion()),
            ("FAILED", "inconclusive"),
            "{}",
            step.reasons
        );
        assert!(
            step.reasons.contains("not say which revision gave them"),
            "{}",
            step.reasons
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_change_something_is_asked_once_and_by_chance_of_the_old_one() {
    let _time = paced_time::start();
    let two = TwoRevisions {
        new_percent: 10,
        ..TwoRevisions::default()
    };
    let post = step(two, &suite(MARKS[0], "POST"), (10, without_test_rule())).await;
    assert_eq!(
        (post.status.as_str(), post.conclusion()),
        ("FAILED", "inconclusive")
    );
    assert_eq!(post.served, 1);
}

#[tokio::test(start_paused = true)]
async fn the_test_rule_is_asked_where_it_leads_to_the_new_one_alone_and_nothing_is_sampled_at_the_end()
 {
    let _time = paced_time::start();
    let two = TwoRevisions {
        new_percent: 10,
        old_is_broken: true,
        ..TwoRevisions::default()
    };
    let by_test_rule = step(two, &suite(MARKS[0], "GET"), (10, EcsChanges::default())).await;
    assert_eq!(by_test_rule.status, "SUCCEEDED", "{}", by_test_rule.reasons);
    assert_eq!(by_test_rule.report["target"]["route"], "test");
    assert_eq!(by_test_rule.served, 1);
    // All traffic is the new one's, as ECS says, and what answers counts: here the old one still does.
    let whole = step(two, &suite(MARKS[0], "GET"), (100, without_test_rule())).await;
    assert_eq!(
        (whole.status.as_str(), whole.conclusion()),
        ("FAILED", "failed")
    );
    assert_eq!(whole.served, 1);
}
