//! Checks that ask the cloud, with a cloud of the test's own.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;
use crate::cloud::{
    Alarm, AlarmState, CloudError, CloudProbes, Invocation, LogEvents, LogQuery, MetricQuery,
    MetricValues, TargetGroup, TargetHealth,
};

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
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    })
    .await
}

const CHECK: &str =
    "checks: [{ name: quiet, alarms: [shop-5xx, shop-latency], retries: 0, timeout: 200ms }]";

async fn after(cloud: impl Into<Option<Cloud>>) -> String {
    summary(&measured(Stage::PostTraffic, cloud, CHECK).await)
}

#[tokio::test]
async fn alarms_that_are_all_ok_pass() {
    let ok = |name| (name, AlarmState::Ok, "");
    let cloud = alarms(&[ok("shop-5xx"), ok("shop-latency"), ok("another")]);
    let outcome = measured(Stage::PostTraffic, cloud, CHECK).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
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
    check "quiet" errored: the state of alarms can't be asked for here: a gate in AWS asks for it; on a laptop and in CI leave the check out (--skip)
    "#);
}

#[tokio::test]
async fn no_alarm_measures_the_release_before_traffic() {
    let ok = |name| (name, AlarmState::Ok, "");
    let cloud = alarms(&[ok("shop-5xx"), ok("shop-latency")]);
    let outcome = measured(Stage::PreTraffic, cloud, CHECK).await;
    insta::assert_snapshot!(summary(&outcome), @r"
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

/// A cloud with one answer of each kind.
#[derive(Debug)]
struct Release {
    healthy: usize,
    function: Result<&'static str, &'static str>,
    values: Vec<f64>,
    lines: u64,
    alarm_exists: bool,
}

impl Default for Release {
    fn default() -> Self {
        Self {
            healthy: 2,
            function: Ok(r#"{"total": 12}"#),
            values: vec![0.2; 5],
            lines: 0,
            alarm_exists: true,
        }
    }
}

impl CloudProbes for Release {
    fn alarms<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Vec<Alarm>, CloudError>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn targets(&self) -> BoxFuture<'_, Result<TargetGroup, CloudError>> {
        let target = |number: usize| TargetHealth {
            id: format!("10.0.0.{number}:8080"),
            state: "healthy".to_owned(),
            reason: String::new(),
        };
        let group = TargetGroup {
            name: "green".to_owned(),
            desired: 2,
            targets: (0..self.healthy).map(target).collect(),
        };
        async move { Ok(group) }.boxed()
    }

    fn invoke(&self, payload: String) -> BoxFuture<'_, Result<Invocation, CloudError>> {
        assert_eq!(payload, r#"{"book":7,"key":"PLANTED-SECRET"}"#);
        let answer = Invocation {
            function: "checkout:8".to_owned(),
            executed_version: "8".to_owned(),
            payload: self.function.unwrap_or_else(|error| error).into(),
            error: self.function.err().map(|_| "Unhandled".to_owned()),
            log_tail: "INFO the key is PLANTED-SECRET".to_owned(),
            took: Duration::from_millis(40),
        };
        async move { Ok(answer) }.boxed()
    }

    fn metric<'a>(
        &'a self,
        query: &'a MetricQuery,
    ) -> BoxFuture<'a, Result<MetricValues, CloudError>> {
        assert_eq!(query.new[0].dimensions[0].1, "targetgroup/green/1");
        let values = MetricValues {
            new: self.values.clone(),
            ..MetricValues::default()
        };
        async move { Ok(values) }.boxed()
    }

    fn log_events<'a>(
        &'a self,
        query: &'a LogQuery,
    ) -> BoxFuture<'a, Result<LogEvents, CloudError>> {
        assert_eq!((query.enough, query.filter.as_str()), (3, "ERROR"));
        let events = LogEvents {
            place: "1 stream of /ecs/shop".to_owned(),
            streams: 1,
            count: self.lines,
            is_partial: false,
            first: vec!["ERROR with PLANTED-SECRET".to_owned()],
        };
        async move { Ok(events) }.boxed()
    }

    fn wiring(&self) -> BoxFuture<'_, Result<wiring::Facts, CloudError>> {
        let named = vec!["shop-5xx".to_owned()];
        let facts = wiring::facts::CodeDeployLambda {
            function: "checkout".to_owned(),
            alias: "live".to_owned(),
            current_version: "7".to_owned(),
            target_version: "8".to_owned(),
            target_state: Ok(Some("Active".to_owned())),
            alias_versions: Ok(Some(vec!["7".to_owned()])),
            rollback: wiring::facts::AutomaticRollback {
                group: "production".to_owned(),
                enabled: true,
                events: vec!["DEPLOYMENT_FAILURE".to_owned()],
            },
            alarms: wiring::facts::AttachedAlarms {
                existing: Ok(if self.alarm_exists {
                    named.clone()
                } else {
                    Vec::new()
                }),
                named,
            },
        };
        async move { Ok(wiring::Facts::CodeDeployLambda(Box::new(facts))) }.boxed()
    }
}

const RELEASE: &str = r#"
secrets: { hidden: "ssm:/x" }
checks:
  - { name: targets, targets: complete, retries: 0 }
  - { name: function, lambda: { payload: { book: 7, key: "{{ hidden }}" } }, expect: [{ json: { path: $.total, equals: 12 } }, { latency: "< 1s" }] }
  - name: metric
    retries: 0
    metric:
      queries: { rate: { namespace: N, metric: Rate, statistic: Average, dimensions: { TargetGroup: "{{ target.target_group }}" } } }
      fail_when: "> 1.0"
      unit: "%"
  - { name: log, retries: 0, logs: { filter: ERROR, fail_when: "> 2" } }
  - { name: wiring, retries: 0, wiring: all }
"#;

async fn of_release(release: Release) -> Outcome {
    let text = format!("version: 1\nname: shop\n{RELEASE}");
    run(Run {
        suite: Suite::parse("suite.yaml", &text).unwrap_or_else(|p| panic!("{p}")),
        stage: Stage::PostTraffic,
        target: Target {
            facts: BTreeMap::from([("target_group".to_owned(), "targetgroup/green/1".to_owned())]),
            ..Target::default()
        },
        secrets: BTreeMap::from([("hidden".to_owned(), "PLANTED-SECRET".to_owned())]),
        http: HttpOptions::default(),
        cloud: Some(Arc::new(release)),
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(20),
    })
    .await
}

#[tokio::test]
async fn a_release_that_is_in_order_passes_every_probe_of_the_cloud() {
    let outcome = of_release(Release::default()).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let asked: Vec<String> = outcome
        .report
        .checks
        .iter()
        .filter_map(|check| check.rounds[0].tries[0].request.clone())
        .collect();
    insta::assert_snapshot!(asked.join("\n"), @r"
    the targets of green
    invoke checkout:8
    metric Rate over 5m
    log lines ERROR in 5m of 1 stream of /ecs/shop
    the wiring of the deployment
    ");
}

#[tokio::test]
async fn what_is_wrong_is_said_with_its_numbers_and_no_secret() {
    let outcome = of_release(Release {
        healthy: 1,
        function: Err(r#"{"errorType":"KeyError","errorMessage":"no PLANTED-SECRET"}"#),
        values: vec![3.1; 5],
        lines: 3,
        alarm_exists: false,
    })
    .await;
    insta::assert_snapshot!(summary(&outcome), @r#"
    failed
    check "targets" failed: expected 2 healthy targets in green, got 1 healthy
    check "function" failed: the function failed (Unhandled): KeyError: no ***
    check "metric" failed: expected Rate not > 1.0, got Rate: 3.1 % in 5 samples, limit 1.0 %
    check "log" failed: expected a number of lines not > 2, got 3 lines in 1 stream of /ecs/shop
    check "wiring" failed: expected alarms-exist, got the attached alarm shop-5xx does not exist; make it, or take it from the deployment's alarms: until then the deployment can't be stopped by it
    "#);
    let report = report::json(&outcome.report);
    assert!(!report.contains("PLANTED-SECRET"), "{report}");
    assert!(report.contains("the end of its log: INFO"), "{report}");
    assert!(report.contains("a line: ERROR with"), "{report}");
}
