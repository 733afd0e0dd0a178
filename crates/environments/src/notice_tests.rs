//! What people read of a plan: explanations, a dry run, savings.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::{Config, Files};
use crate::decide::PlanContext;
use crate::explain::explain;
use crate::plan::{Facts, Plan, plan};
use crate::problem::{Problem, ProblemKind};
use crate::resource::{Resource, Scaling, ScalingSuspension, TaskSize};
use crate::run_report::{RunReport, summary};
use crate::savings::{CountedSleeps, savings};
use crate::sleep_record::{Phase, SavedState, SleepRecord};

const CONFIG: &str = "version: 1
accounts: ['111122223333']
zone: UTC
schedules: { office: Mon-Fri 09:00-22:00 }
tiers: [{ name: data, match: 'db' }]
";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn resource(name: &str, desired: u32) -> Resource {
    Resource {
        arn: format!("arn:aws:ecs:eu-central-1:111122223333:service/dev/{name}"),
        cluster: "dev".into(),
        name: name.into(),
        desired,
        running: desired,
        tags: [("deploy-hooks:schedule".into(), "office".into())].into(),
        scaling: Some(Scaling {
            min: 1,
            max: 4,
            suspended: ScalingSuspension::default(),
        }),
        size: Some(TaskSize {
            cpu_units: 2_048,
            memory_mib: 4_096,
        }),
        ..Resource::default()
    }
}

/// Asleep since ten in the evening.
fn asleep(name: &str) -> (Resource, SleepRecord) {
    let mut resource = resource(name, 2);
    let was = resource.level();
    let set = resource.asleep(was);
    let since = at("2026-11-23T22:00:00Z");
    let record = SleepRecord {
        phase: Phase::Down,
        was: Some(SavedState::of(&resource, was, since)),
        set: Some(set),
        why: "outside all windows".into(),
        ..SleepRecord::new(&resource, since)
    };
    (resource.desired, resource.running, resource.scaling) = (0, 0, set.scaling);
    (resource, record)
}

fn planned(
    resources: Vec<Resource>,
    records: &[SleepRecord],
    now: &str,
) -> (Plan, HashMap<String, SleepRecord>) {
    let config = Config::parse("test", CONFIG, &Files::new()).unwrap();
    let records: HashMap<_, _> = records
        .iter()
        .map(|one| (one.arn.clone(), one.clone()))
        .collect();
    let facts = Facts {
        resources,
        records: records.clone(),
        requests: &[],
    };
    let ctx = PlanContext {
        now: at(now),
        run: "test",
        defer_deadline: SignedDuration::from_hours(1),
    };
    (plan(facts, &config, &ctx), records)
}

#[test]
fn a_service_is_explained_by_day_and_by_night() {
    let (day, _) = planned(vec![resource("web", 2)], &[], "2026-11-23T12:00:00Z");
    insta::assert_snapshot!(explain(&day.rows[0], None, &TimeZone::UTC), @r#"
    dev/web
      It is an ECS service at 2 (1-4), 2 running.
      It should be on: by "Mon-Fri 09:00-22:00 UTC" (tag deploy-hooks:schedule: office).
      That changes at Mon 2026-11-23 22:00.
      Now: nothing, because it runs.
    "#);
    let (db, record) = asleep("db");
    let (night, _) = planned(
        vec![db],
        std::slice::from_ref(&record),
        "2026-11-24T02:00:00Z",
    );
    insta::assert_snapshot!(explain(night.find("db").unwrap(), Some(&record), &TimeZone::UTC), @r"
    dev/db
      It is an ECS service at 0 (0-4, suspended), 0 running.
      It should be off: outside all windows (tag deploy-hooks:schedule: office).
      That changes at Tue 2026-11-24 09:00.
      Remembered: asleep since Mon 2026-11-23 22:00 (outside all windows); before it slept it had 2 (1-4).
      Now: nothing, because it sleeps.
      It belongs to the tier data.
    ");
    let mut other = resource("shop-prod", 1);
    other.size = None;
    let (plan, _) = planned(vec![other], &[], "2026-11-24T02:00:00Z");
    insta::assert_snapshot!(explain(&plan.rows[0], None, &TimeZone::UTC), @r#"
    dev/shop-prod
      It is an ECS service at 1 (1-4), 1 running.
      It is left alone.
      Now: skip, because dev/shop-prod looks like production ("prod"); if it isn't, name it under not_production.
    "#);
}

#[test]
fn a_dry_run_says_what_would_be_done() {
    let (night, _) = planned(
        vec![resource("web", 2), resource("db", 1)],
        &[],
        "2026-11-23T22:05:00Z",
    );
    let problem = Problem {
        key: String::new(),
        kind: ProblemKind::Unread,
        resource: Some("cluster x".to_owned()),
        detail: "ListServices failed".to_owned(),
        remedy: String::new(),
        cause: None,
    };
    let report = RunReport {
        plan: &night,
        applied: None,
        problems: &[problem],
        savings: None,
    };
    insta::assert_snapshot!(summary(&report), @r"
    Dry run: would stop 2 services and wake 0 services; nothing was changed.
    Not read: cluster x: ListServices failed
    ");
    let order: Vec<_> = night
        .work()
        .map(|row| (row.order.unwrap(), &*row.resource.name))
        .collect();
    assert_eq!(order, [(1, "web"), (2, "db")], "down in reverse");
}

#[test]
fn who_sleeps_soon_is_known_before() {
    let (evening, _) = planned(
        vec![resource("web", 2), resource("off", 0)],
        &[],
        "2026-11-23T21:50:00Z",
    );
    let soon = |minutes| {
        evening
            .about_to_sleep(SignedDuration::from_mins(minutes))
            .len()
    };
    assert_eq!((soon(15), soon(10), soon(9)), (1, 1, 0));
}

#[test]
fn each_sleep_is_counted_once() {
    let (one, record) = asleep("web");
    let (mut two, mut other) = asleep("unknown");
    two.size = None;
    other.was.as_mut().unwrap().size = None;
    let config = Config::parse("test", CONFIG, &Files::new()).unwrap();
    let (morning, records) = planned(vec![one, two], &[record, other], "2026-11-24T09:00:00Z");
    let ended = savings(&morning, &records, &config.prices, CountedSleeps::Ending);
    // Two tasks of two vCPUs and 4 GB, eleven hours.
    assert!((ended.vcpu_hours - 44.0).abs() < 1e-9 && (ended.gb_hours - 88.0).abs() < 1e-9);
    insta::assert_snapshot!(ended, @"about 2.17 USD (44.0 vCPU-hours, 88.0 GB-hours) of 2 services; 1 of unknown size not counted");
    let lasting = savings(&morning, &records, &config.prices, CountedSleeps::Lasting);
    assert_eq!(lasting.resources, 0);
}

#[test]
fn a_plan_is_data() {
    let (night, _) = planned(vec![resource("web", 2)], &[], "2026-11-23T22:05:00Z");
    let json = serde_json::to_value(&night).unwrap();
    let row = &json["rows"][0];
    insta::assert_snapshot!(format!("{} {} {} {}", row["do"], row["desired_state"], row["was"]["desired"], row["about_when"]), @r#""sleep" "off" 2 "2026-11-23T22:05:00Z""#);
}
