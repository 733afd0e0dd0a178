//! Checks that ask the cloud, with a cloud of the test's own.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;
use crate::cloud::{Alarm, AlarmState, CloudError, CloudProbes};

/// What the cloud says.
#[derive(Debug)]
enum Cloud {
    Alarms(Vec<Alarm>),
    Denied,
    Silent,
}

impl CloudProbes for Cloud {
    fn alarms<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Vec<Alarm>, CloudError>> {
        async move {
            match self {
                Self::Alarms(alarms) => Ok(alarms.clone()),
                Self::Denied => Err(CloudError(
                    "the alarms could not be read: AccessDenied; allow cloudwatch:DescribeAlarms"
                        .to_owned(),
                )),
                Self::Silent => std::future::pending().await,
            }
        }
        .boxed()
    }
}

fn alarms(states: &[(&str, AlarmState, &str)]) -> Cloud {
    let alarm = |(name, state, reason): &(&str, AlarmState, &str)| Alarm {
        name: (*name).to_owned(),
        state: *state,
        reason: (*reason).to_owned(),
    };
    Cloud::Alarms(states.iter().map(alarm).collect())
}

async fn measured(stage: Stage, cloud: impl Into<Option<Cloud>>, suite: &str) -> Outcome {
    let text = format!("version: 1\nname: shop\n{suite}");
    run(Run {
        suite: Suite::parse("suite.yaml", &text).unwrap_or_else(|p| panic!("{p}")),
        stage,
        target: Target::default(),
        secrets: BTreeMap::from([("hidden".to_owned(), "PLANTED-SECRET".to_owned())]),
        http: HttpOptions::default(),
        cloud: cloud
            .into()
            .map(|cloud| Arc::new(cloud) as Arc<dyn CloudProbes>),
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    })
    .await
}

const CHECK: &str =
    "checks: [{ name: quiet, alarms: [shop-5xx, shop-latency], retries: 0, timeout: 200ms }]";

async fn after(cloud: impl Into<Option<Cloud>>) -> String {
    told(&measured(Stage::PostTraffic, cloud, CHECK).await)
}

#[tokio::test]
async fn alarms_that_are_all_ok_pass() {
    let ok = |name| (name, AlarmState::Ok, "");
    let cloud = alarms(&[ok("shop-5xx"), ok("shop-latency"), ok("another")]);
    let outcome = measured(Stage::PostTraffic, cloud, CHECK).await;
    assert!(outcome.verdict.passed, "{}", told(&outcome));
    let one = &outcome.report.checks[0].rounds[0].tries[0];
    assert_eq!(
        one.request.as_deref(),
        Some("alarms \"shop-5xx\", \"shop-latency\"")
    );
    assert_eq!((one.status, one.latency_ms), (None, None));
    assert_eq!(
        one.expectations[0].expected,
        "alarm \"shop-5xx\" not in ALARM"
    );
}

#[tokio::test]
async fn what_is_not_ok_never_passes_and_says_why() {
    let with = |state| {
        let latency = ("shop-latency", AlarmState::Ok, "");
        alarms(&[
            ("shop-5xx", state, "Threshold Crossed: 1 datapoint"),
            latency,
        ])
    };
    insta::assert_snapshot!(after(with(AlarmState::Alarm)).await, @r#"
    failed
    check "quiet" failed: expected alarm "shop-5xx" not in ALARM, got ALARM: Threshold Crossed: 1 datapoint
    "#);
    insta::assert_snapshot!(after(with(AlarmState::InsufficientData)).await, @r#"
    failed
    check "quiet" has no data: expected alarm "shop-5xx" not in ALARM, got INSUFFICIENT_DATA: Threshold Crossed: 1 datapoint
    "#);
    insta::assert_snapshot!(after(alarms(&[("shop-5xx", AlarmState::Ok, "")])).await, @r#"
    failed
    check "quiet" errored: could not check alarm "shop-latency" not in ALARM: there is no alarm of this name here; check the name, the account and the region
    "#);
    insta::assert_snapshot!(after(Cloud::Denied).await, @r#"
    failed
    check "quiet" errored: the alarms could not be read: AccessDenied; allow cloudwatch:DescribeAlarms
    "#);
    // Who does not answer is the cloud, and not the release.
    insta::assert_snapshot!(after(Cloud::Silent).await, @r#"
    failed
    check "quiet" errored: no complete answer within 200ms
    "#);
    insta::assert_snapshot!(after(None).await, @r#"
    failed
    check "quiet" errored: the state of alarms can't be asked for here; this check is measured where the gate runs in AWS, or has credentials for it
    "#);
}

#[tokio::test]
async fn no_alarm_measures_the_release_before_traffic() {
    let ok = |name| (name, AlarmState::Ok, "");
    let cloud = alarms(&[ok("shop-5xx"), ok("shop-latency")]);
    let outcome = measured(Stage::PreTraffic, cloud, CHECK).await;
    insta::assert_snapshot!(told(&outcome), @r"
    failed
    nothing required measures the release: every required check asks another place, or was redirected to one; write one with a path, or with `reaches_release: true`
    ");
}

#[tokio::test]
async fn a_secret_in_a_name_or_a_reason_is_masked() {
    let suite = "secrets: { hidden: 'ssm:/x' }\nchecks: [{ name: a, alarms: ['x-{{ hidden }}'], retries: 0 }]";
    let name = "x-PLANTED-SECRET";
    for cloud in [
        alarms(&[(name, AlarmState::Alarm, "over PLANTED-SECRET")]),
        alarms(&[]),
    ] {
        let outcome = measured(Stage::PostTraffic, cloud, suite).await;
        assert!(!outcome.verdict.passed);
        let report = report::json(&outcome.report);
        assert!(!report.contains("PLANTED-SECRET"), "{report}");
    }
}

#[test]
fn a_suite_says_which_of_its_checks_need_traffic() {
    let text = "version: 1\nname: s\nchecks:\n  - { name: page, on: post-traffic, http: GET / }\n  - { name: alarms, alarms: [a] }";
    let suite = Suite::parse("s", text).unwrap();
    assert_eq!(
        suite.checks_that_need_traffic_at(Stage::PostTraffic),
        ["page"]
    );
    assert!(
        suite
            .checks_that_need_traffic_at(Stage::PreTraffic)
            .is_empty()
    );
}
