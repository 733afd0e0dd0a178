//! The release of a deployment that nobody called a gate for: what a gate would measure, or why nothing can be.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::sync::Arc;
use std::time::Duration;

use gate::{Conclusion, HttpOptions, Outcome, Run, Stage, Suite};
use hook::{DeployedRelease, DeploymentQuery, deployed_release, replay};
use insta::assert_snapshot;
use support::aws::{Changes, DEPLOYMENT, FakeAws, none};
use support::ecs::EcsChanges;
use support::service::{Behaviour, Service};
use support::{SUITE, clients, function, settings};
use tokio::time::Instant;

const BOTH_SHIFTED: &[(&str, &str)] = &[
    ("AllowTestTraffic", "Succeeded"),
    ("AfterAllowTestTraffic", "InProgress"),
    ("AllowTraffic", "Succeeded"),
];

fn group() -> DeploymentQuery {
    DeploymentQuery::Group {
        application: "shop".to_owned(),
        group: "production".to_owned(),
    }
}

fn deployment() -> DeploymentQuery {
    DeploymentQuery::Deployment {
        id: DEPLOYMENT.to_owned(),
    }
}

fn service() -> DeploymentQuery {
    DeploymentQuery::Service {
        cluster: "shop".to_owned(),
        service: "web".to_owned(),
    }
}

/// The release, or the reasons why there is none.
async fn found(
    aws: &FakeAws,
    stage: Stage,
    deployed: &DeploymentQuery,
) -> Result<DeployedRelease, String> {
    let suite = Suite::parse("suite.yaml", SUITE).unwrap();
    let settings = settings(&[]).unwrap();
    let found = deployed_release(clients(aws), settings, stage, deployed, suite).await;
    found.map_err(|wrong| wrong.reasons.join("; "))
}

async fn measured(stage: Stage, release: DeployedRelease) -> Outcome {
    let run = Run {
        suite: release.suite.clone(),
        stage,
        target: release.target.clone(),
        secrets: std::collections::BTreeMap::new(),
        http: HttpOptions::default(),
        cloud: Some(release.cloud.clone()),
        browsers: None,
        memory: None,
        deadline: Instant::now() + Duration::from_secs(10),
    };
    let outcome = gate::run(run).await;
    release.explain(outcome)
}

/// Whatever a gate may write to is as it was.
fn only_reads(aws: &FakeAws) {
    let reads = ["Get", "List", "Describe", "BatchGet", "Head"];
    for call in aws.calls() {
        assert!(reads.iter().any(|read| call.starts_with(read)), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_verdict_and_the_facts_are_those_of_the_gate() {
    let _time = paced_time::start();
    for behaviour in [Behaviour::Well, Behaviour::Broken] {
        let service = Service::start(behaviour).await;
        let changes = Changes {
            events: BOTH_SHIFTED,
            ..Changes::default()
        };
        let aws = FakeAws::with(service.port, SUITE, changes, none()).await;
        let gate = Arc::into_inner(function(Stage::PreTraffic, &aws)).unwrap();
        let event = serde_json::from_str(&support::event().to_string()).unwrap();
        let gates = replay(gate, event, Duration::from_secs(12)).await.unwrap();
        for deployed in [deployment(), group()] {
            let release = found(&aws, Stage::PreTraffic, &deployed).await.unwrap();
            let own = measured(Stage::PreTraffic, release).await;
            assert_eq!(own.verdict.passed, gates.outcome.verdict.passed);
            assert_eq!(
                own.verdict.reasons.len(),
                gates.outcome.verdict.reasons.len()
            );
            let mut facts = gates.outcome.report.target.clone();
            assert_eq!(facts["version"], "1.2.0");
            // No lifecycle event calls here.
            facts.remove("lifecycle_event");
            assert_eq!(own.report.target, facts);
        }
        only_reads(&aws);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_measured_where_another_release_may_answer() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Well).await;
    let refused = async |stage, changes| {
        let aws = FakeAws::with(service.port, SUITE, changes, none()).await;
        let why = found(&aws, stage, &deployment()).await.unwrap_err();
        assert_eq!(service.served(), 0);
        only_reads(&aws);
        why
    };
    let with = |events, forwards| Changes {
        events,
        forwards: Some(forwards),
        ..Changes::default()
    };
    let early = with(
        &[("AllowTestTraffic", "Pending")],
        ["shop-blue", "shop-green"],
    );
    assert_snapshot!(refused(Stage::PreTraffic, early).await, @"the lifecycle event AllowTestTraffic of the deployment is Pending: nothing reaches the new version yet; try again once it has succeeded");
    let moving = with(
        &[("AllowTraffic", "InProgress")],
        ["shop-green", "shop-green"],
    );
    assert_snapshot!(refused(Stage::PostTraffic, moving).await, @"the lifecycle event AllowTraffic of the deployment is InProgress: customers are still served by the old version; try again once it has succeeded");
    let rolled_back = with(BOTH_SHIFTED, ["shop-blue", "shop-blue"]);
    assert_snapshot!(refused(Stage::PostTraffic, rolled_back).await, @"the production listener arn:production of the deployment group production does not lead to the release alone: it forwards to shop-blue, and the release's tasks are in shop-green; so the post-traffic gate can't reach the new version");
    let silent = with(
        &[("BeforeInstall", "Succeeded")],
        ["shop-blue", "shop-green"],
    );
    assert_snapshot!(refused(Stage::PreTraffic, silent).await, @"CodeDeploy says nothing of the lifecycle event AllowTestTraffic of the deployment, so nobody knows whose answers would be measured");
}

#[tokio::test(start_paused = true)]
async fn what_was_deployed_is_measured_by_production_traffic_after_its_end() {
    let _time = paced_time::start();
    let service = Service::start(Behaviour::Broken).await;
    let changes = Changes {
        events: BOTH_SHIFTED,
        ended: Some("Succeeded"),
        forwards: Some(["shop-green", "shop-green"]),
        rollback_of: Some("d-OTHER0001"),
        ..Changes::default()
    };
    let aws = FakeAws::with(service.port, SUITE, changes, none()).await;
    let release = found(&aws, Stage::PostTraffic, &group()).await.unwrap();
    let outcome = measured(Stage::PostTraffic, release).await;
    assert_eq!(outcome.verdict.conclusion, Conclusion::Failed);
    assert_snapshot!(outcome.verdict.reasons.join("\n"), @r#"
    check "a reader buys a book" failed: expected status 201, got 503
    the deployment rolls back d-OTHER0001: a gate would have let it pass without a measurement
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_function_is_measured_by_its_version_before_traffic_and_by_its_traffic_afterwards() {
    let _time = paced_time::start();
    let spec = "version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n      Properties: {Name: checkout, \
                Alias: live, CurrentVersion: '7', TargetVersion: '8'}\n";
    let of = async |stage, changes| {
        let changes = Changes {
            app_spec: Some(spec),
            ..changes
        };
        let aws = FakeAws::with(1, SUITE, changes, none()).await;
        let found = found(&aws, stage, &deployment()).await;
        found.map(|release| release.target.facts["target_version"].clone())
    };
    assert_eq!(
        of(Stage::PreTraffic, Changes::default()).await,
        Ok("8".to_owned())
    );
    let shifted = |ended| Changes {
        events: BOTH_SHIFTED,
        ended,
        ..Changes::default()
    };
    assert_eq!(
        of(Stage::PostTraffic, shifted(Some("Succeeded"))).await,
        Ok("8".to_owned())
    );
    assert!(of(Stage::PostTraffic, Changes::default()).await.is_err());
    assert_snapshot!(of(Stage::PostTraffic, shifted(Some("Failed"))).await.unwrap_err(), @"the deployment d-ABCDEF123 has ended (Failed), so nobody knows whether its version has traffic; deploy again");
}

#[tokio::test(start_paused = true)]
async fn a_service_of_ecs_is_measured_by_the_rule_that_its_stage_has() {
    let _time = paced_time::start();
    let answering = Service::start(Behaviour::Well).await;
    let at = async |stage, ecs| {
        let changes = Changes {
            ecs,
            ..Changes::default()
        };
        let aws = FakeAws::with(answering.port, SUITE, changes, none()).await;
        let found = found(&aws, stage, &service()).await;
        only_reads(&aws);
        found
    };
    let stage = |stage, weights| EcsChanges {
        stage: Some(stage),
        weights,
        ..EcsChanges::default()
    };
    let release = at(Stage::PreTraffic, stage("POST_TEST_TRAFFIC_SHIFT", None))
        .await
        .unwrap();
    assert_eq!(release.target.headers["x-test"], "green");
    assert_eq!(release.target.facts["version"], "1.2.0");
    assert!(measured(Stage::PreTraffic, release).await.verdict.passed);
    let over = EcsChanges {
        status: Some("SUCCESSFUL"),
        ..EcsChanges::default()
    };
    let release = at(Stage::PostTraffic, over).await.unwrap();
    assert_eq!(release.target.facts["route"], "production");
    assert!(measured(Stage::PostTraffic, release).await.verdict.passed);
    let step = stage("PRODUCTION_TRAFFIC_SHIFT", Some([10, 100]));
    let release = at(Stage::PostTraffic, step).await.unwrap();
    assert!(release.target.only_release && release.target.facts["route"] == "test");
    let unknown = at(Stage::PreTraffic, EcsChanges::default())
        .await
        .unwrap_err();
    assert!(unknown.contains("at which stage"), "{unknown}");
    let blind = at(
        Stage::PostTraffic,
        stage("PRODUCTION_TRAFFIC_SHIFT", Some([10, 0])),
    )
    .await;
    assert!(
        blind
            .unwrap_err()
            .contains("the production rule serves both revisions")
    );
    let back = EcsChanges {
        status: Some("ROLLBACK_SUCCESSFUL"),
        ..EcsChanges::default()
    };
    assert_snapshot!(at(Stage::PostTraffic, back).await.unwrap_err(), @"the last deployment of the service has ended (ROLLBACK_SUCCESSFUL), so its revision does not serve; deploy again");
}
