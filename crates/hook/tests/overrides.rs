//! `overridable: true`: a named person lets checks not pass, for one gate, one release and one deployment.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::{gates as support, paced_time};

use std::sync::Arc;
use std::time::Duration;

use common::state::Table;
use gate::Stage;
use gate_question::overrides::{self, Override, OverrideScope, OverrideUse};
use hook::GateFunction;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use support::aws::{Changes, FakeAws, Fault, Plan, none};
use support::service::{Behaviour, Service};
use support::{SUITE, clients, invoke, settings};

const LEFT: Duration = Duration::from_secs(12);
const REPORT: &str = "/reports/reports/shop/d-ABCDEF123/pre-traffic-AfterAllowTestTraffic.json";
const FAILING: &str = "the old price is shown";
const BY: &str = "arn:aws:sts::111122223333:assumed-role/Lead/ada";

/// One check passes, and one fails.
fn suite() -> String {
    format!("overridable: true\n{SUITE}{}", failing(FAILING))
}

fn failing(name: &str) -> String {
    format!("  - {{ name: {name}, http: POST /checkout, expect: [ {{ status: 418 }} ] }}\n")
}

struct Fixture {
    _service: Service,
    aws: FakeAws,
    gate: Arc<GateFunction>,
}

impl Fixture {
    async fn open(suite: &str, plan: Plan) -> Self {
        let service = Service::start(Behaviour::Well).await;
        let aws = FakeAws::with(service.port, suite, Changes::default(), plan).await;
        let gate = Arc::new(GateFunction {
            stage: Stage::PreTraffic,
            settings: settings(&[("STATE_TABLE", "state")]),
            aws: clients(&aws),
        });
        Self {
            _service: service,
            aws,
            gate,
        }
    }

    /// What CodeDeploy hears of a run.
    async fn run(&self) -> String {
        self.aws.ask_anew();
        invoke(&self.gate, LEFT).await.result.unwrap();
        self.aws.answers().pop().unwrap()
    }

    fn report(&self) -> Value {
        serde_json::from_str(&self.aws.object(REPORT).unwrap()).unwrap()
    }

    fn subject(&self) -> String {
        self.aws.published().pop().unwrap()["Subject"].clone()
    }

    fn message(&self) -> String {
        self.aws.published().pop().unwrap()["Message"].clone()
    }

    /// As `deploy-hooks gates override` does, for what the last report says.
    fn override_of(&self, checks: &[&str]) -> Override {
        let target = serde_json::from_value(self.report()["target"].clone()).unwrap();
        let at = Timestamp::now();
        Override {
            scope: OverrideScope::of("pre-traffic", &target).unwrap(),
            checks: checks.iter().map(|check| (*check).to_owned()).collect(),
            by: BY.to_owned(),
            reason: "the price list is late".to_owned(),
            at,
            expires: at + SignedDuration::from_hours(1),
            report: String::new(),
        }
    }

    async fn record(&self, recorded: &Override) {
        let aws = clients(&self.aws);
        let table = Table {
            aws: &aws,
            name: "state",
        };
        overrides::record(table, recorded).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_goes_on_once_and_everybody_reads_who_let_it() {
    let _time = paced_time::start();
    let fixture = Fixture::open(&suite(), none()).await;
    assert_eq!(fixture.run().await, "Failed");
    assert!(
        fixture
            .message()
            .contains("deploy-hooks gates override s3://"),
        "{}",
        fixture.message()
    );
    let report = fixture.report();
    assert_eq!(report["overridable"], true);
    let blocks: Vec<bool> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["blocks"].as_bool().unwrap())
        .collect();
    assert_eq!(blocks, [false, true]);

    fixture.record(&fixture.override_of(&[FAILING])).await;
    assert_eq!(fixture.run().await, "Succeeded");
    assert_eq!(
        fixture.subject(),
        "Passed pre-traffic (failed, OVERRIDDEN): shop 1.2.0 (d-ABCDEF123)"
    );
    for part in [
        "overridden by arn:aws:sts::111122223333:assumed-role/Lead/ada",
        "the price list is late",
        "goes on at the pre-traffic gate although checks did not pass",
        "got 201",
    ] {
        assert!(
            fixture.message().contains(part),
            "{part}: {}",
            fixture.message()
        );
    }
    let events = fixture.aws.events();
    let event: Value =
        serde_json::from_str(events.last().unwrap()["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(event["overridden_by"], BY);
    assert_eq!(event["verdict"], "failed", "the evidence is what it was");
    assert_eq!(event["passed"], true);
    assert_eq!(fixture.report()["verdict"]["conclusion"], "failed");
    let page = fixture
        .aws
        .object(&REPORT.replace(".json", ".html"))
        .unwrap();
    assert!(page.contains("somebody has overridden them"));
    let used = fixture.aws.items("gate-override-use#");
    assert_eq!(used.len(), 1);
    assert_eq!(used[0]["deployment"], "CodeDeploy/d-ABCDEF123");
    assert_eq!(fixture.run().await, "Succeeded", "the same deployment");
    assert_eq!(fixture.aws.items("gate-override-use#"), used);
}

#[tokio::test(start_paused = true)]
async fn another_deployment_does_not_use_it_again() {
    let _time = paced_time::start();
    let fixture = Fixture::open(&suite(), none()).await;
    fixture.run().await;
    let recorded = fixture.override_of(&[FAILING]);
    fixture.record(&recorded).await;
    let by = OverrideUse {
        deployment: "CodeDeploy/d-OTHER".to_owned(),
        at: Timestamp::now(),
    };
    fixture.aws.put_item(
        &format!("gate-override-use#{}", recorded.id()),
        "use",
        &json!(by),
    );
    assert_eq!(fixture.run().await, "Failed");
    assert!(!fixture.message().contains("overridden by"));
}

#[tokio::test(start_paused = true)]
async fn it_counts_for_nothing_that_was_not_shown() {
    let _time = paced_time::start();
    let worse = format!("{}{}", suite(), failing("the basket is empty"));
    let fixture = Fixture::open(&worse, none()).await;
    fixture.run().await;
    fixture.record(&fixture.override_of(&[FAILING])).await;
    let other_release = {
        let mut other = fixture.override_of(&[FAILING, "the basket is empty"]);
        other.scope.release.push('0');
        other
    };
    fixture.record(&other_release).await;
    assert_eq!(fixture.run().await, "Failed");
    assert!(fixture.message().contains("the basket is empty"));
    assert!(fixture.aws.items("gate-override-use#").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_suite_that_does_not_allow_it_is_not_overridden() {
    let _time = paced_time::start();
    let fixture = Fixture::open(&format!("{SUITE}{}", failing(FAILING)), none()).await;
    assert_eq!(fixture.run().await, "Failed");
    assert_eq!(fixture.report()["overridable"], false);
    assert!(!fixture.message().contains("gates override"));
    fixture.record(&fixture.override_of(&[FAILING])).await;
    assert_eq!(fixture.run().await, "Failed");
}

#[tokio::test(start_paused = true)]
async fn something_required_must_pass_beside_it() {
    let _time = paced_time::start();
    let suite = format!(
        "overridable: true\n{}{}",
        SUITE.split("  - name").next().unwrap(),
        failing(FAILING)
    );
    let fixture = Fixture::open(&suite, none()).await;
    fixture.run().await;
    fixture.record(&fixture.override_of(&[FAILING])).await;
    assert_eq!(fixture.run().await, "Failed");
}

#[tokio::test(start_paused = true)]
async fn it_is_not_used_where_all_checks_pass() {
    let _time = paced_time::start();
    let fixture = Fixture::open(&format!("overridable: true\n{SUITE}"), none()).await;
    assert_eq!(fixture.run().await, "Succeeded");
    fixture
        .record(&fixture.override_of(&["a reader buys a book"]))
        .await;
    // It is the only required check: that it passes is enough, and nothing is overridden.
    assert_eq!(fixture.run().await, "Succeeded");
    assert_eq!(
        fixture.subject(),
        "Passed pre-traffic: shop 1.2.0 (d-ABCDEF123)"
    );
    assert!(fixture.aws.items("gate-override-use#").is_empty());
}

#[tokio::test(start_paused = true)]
async fn whatever_can_not_be_read_or_written_down_is_no_override() {
    for (operation, nth, fault) in [
        ("Query", 0, Fault::Refuse("AccessDeniedException")),
        ("Query", 0, Fault::Hang),
        ("GetItem", 0, Fault::Refuse("AccessDeniedException")),
        // The first one records the override.
        (
            "ExecuteStatement",
            1,
            Fault::Refuse("AccessDeniedException"),
        ),
        ("ExecuteStatement", 1, Fault::Hang),
        // Before it: whether it was used.
        ("GetItem", 1, Fault::Refuse("AccessDeniedException")),
    ] {
        let _time = paced_time::start();
        // The first run looks as well.
        let looks = usize::from(operation == "Query");
        let plan: Plan = Arc::new(move |called, count| {
            (called == operation && count >= nth + looks).then_some(fault)
        });
        let fixture = Fixture::open(&suite(), plan).await;
        fixture.run().await;
        fixture.record(&fixture.override_of(&[FAILING])).await;
        assert_eq!(fixture.run().await, "Failed", "{operation} {fault:?}");
    }
}
