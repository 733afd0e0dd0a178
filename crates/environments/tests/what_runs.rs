//! "Asleep" and "awake" are what runs, not what was asked for.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use environments::backup_tag::ASLEEP_TAG;
use environments::run_report::{RunReport, summary};
use environments::savings::{CountedSleeps, Savings, savings};
use support::others::Other;
use support::{CONFIG, CallFault, Fixture, Ran, Svc, block_on};

const NIGHT: &str = "2026-11-23T22:00:00Z";
const MORNING: &str = "2026-11-24T09:00:00Z";

const PROTECTED: &str = "<NewInstancesProtectedFromScaleIn>true</NewInstancesProtectedFromScaleIn><Instances><member>\
    <InstanceId>i-0123456789abcdef0</InstanceId><LifecycleState>InService</LifecycleState><HealthStatus>Healthy</HealthStatus>\
    <ProtectedFromScaleIn>true</ProtectedFromScaleIn><AvailabilityZone>eu-central-1a</AvailabilityZone></member></Instances>";
const STANDBY: &str = "<Instances><member><InstanceId>i-1</InstanceId><LifecycleState>Standby</LifecycleState>\
    <HealthStatus>Healthy</HealthStatus><ProtectedFromScaleIn>false</ProtectedFromScaleIn></member></Instances>";
const WAITS: &str = "<Instances><member><InstanceId>i-1</InstanceId><LifecycleState>Terminating:Wait</LifecycleState>\
    <HealthStatus>Healthy</HealthStatus><ProtectedFromScaleIn>false</ProtectedFromScaleIn></member></Instances>";

fn office(groups: &[(&str, &'static str)]) -> Fixture {
    let also =
        "also: { auto_scaling_groups: 'dev-*', rds_instances: 'dev-*', rds_clusters: 'dev-*' }\n";
    let office = Fixture::with(&format!("{CONFIG}{also}"));
    office.world.ecs(|ecs| ecs.add("dev/web", Svc::new(1)));
    office.world.with(|state| {
        for (name, more) in groups {
            let group = Other {
                more,
                ..Other::new("group", "2/6/3")
            };
            state.others.all.insert((*name).into(), group);
        }
    });
    office
}

fn report_of(ran: &Ran) -> String {
    summary(&RunReport {
        plan: &ran.plan,
        applied: Some(&ran.applied),
        problems: &ran.gathered.problems,
        savings: None,
    })
}

fn suspended(process: &str) -> &'static str {
    let xml = format!(
        "<SuspendedProcesses><member><ProcessName>{process}</ProcessName>\
         <SuspensionReason>User suspended at 2026-03-01T10:00:00Z</SuspensionReason></member></SuspendedProcesses>"
    );
    Box::leak(xml.into_boxed_str())
}

fn pool(inside: &str, size: u32) -> &'static str {
    let xml = format!(
        "<WarmPoolConfiguration>{inside}<PoolState>Running</PoolState></WarmPoolConfiguration><WarmPoolSize>{size}</WarmPoolSize>"
    );
    Box::leak(xml.into_boxed_str())
}

fn changes(office: &Fixture) -> Vec<String> {
    let mut changes = office
        .world
        .with(|state| std::mem::take(&mut state.others.changes));
    changes.sort();
    changes
}

#[test]
fn a_group_that_would_not_shrink_or_not_come_back_is_skipped_with_the_reason() {
    block_on(async {
        let office = office(&[
            ("dev-protected", PROTECTED),
            ("dev-standby", STANDBY),
            ("dev-no-terminate", suspended("Terminate")),
            ("dev-no-launch", suspended("Launch")),
            (
                "dev-prepared",
                pool(
                    "<MinSize>0</MinSize><MaxGroupPreparedCapacity>4</MaxGroupPreparedCapacity>",
                    1,
                ),
            ),
            ("dev-least", pool("<MinSize>2</MinSize>", 3)),
            // These hinder nothing.
            ("dev-unhealthy", suspended("ReplaceUnhealthy")),
            (
                "dev-none-prepared",
                pool(
                    "<MinSize>0</MinSize><MaxGroupPreparedCapacity>0</MaxGroupPreparedCapacity>",
                    0,
                ),
            ),
        ]);
        office.until(NIGHT).await;
        let ran = office.run("night").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 3 services, woke 0 services.
        Skipped: autoscaling/dev-least: its warm pool would hold 2 instances while the group is at zero; give the pool a MinSize of 0 and no MaxGroupPreparedCapacity.
        Skipped: autoscaling/dev-no-launch: its process Launch is suspended, so nothing would wake it.
        Skipped: autoscaling/dev-no-terminate: its process Terminate is suspended, so its instances would run on.
        Skipped: autoscaling/dev-prepared: its warm pool would hold 4 instances while the group is at zero; give the pool a MinSize of 0 and no MaxGroupPreparedCapacity.
        Skipped: autoscaling/dev-protected: 1 instance of it protected from scale-in would run on.
        Skipped: autoscaling/dev-standby: 1 instance of it in standby would run on.
        ");
        assert_eq!(
            changes(&office),
            [
                "UpdateAutoScalingGroup dev-none-prepared 0/6/0",
                "UpdateAutoScalingGroup dev-none-prepared 0/6/3",
                "UpdateAutoScalingGroup dev-unhealthy 0/6/0",
                "UpdateAutoScalingGroup dev-unhealthy 0/6/3",
            ]
        );
        office.world.with(|state| {
            let tagged = |name: &str| state.others.all[name].tags.contains_key(ASLEEP_TAG);
            assert!(!tagged("dev-protected") && !tagged("dev-prepared"));
        });
    });
}

#[test]
fn what_hinders_the_next_sleep_hinders_no_morning() {
    block_on(async {
        let office = office(&[("dev-workers", "")]);
        office.until(NIGHT).await;
        office.run("night").await;
        office.world.with(|state| {
            state.others.all.get_mut("dev-workers").unwrap().more = suspended("Terminate");
        });
        changes(&office);
        office.until(MORNING).await;
        office.run("morning").await;
        assert_eq!(
            office
                .world
                .with(|state| state.others.all["dev-workers"].state.clone()),
            "2/6/3"
        );
    });
}

#[test]
fn a_warm_pool_does_not_fill_up_while_its_group_sleeps() {
    block_on(async {
        let office = office(&[("dev-workers", pool("<MinSize>0</MinSize>", 3))]);
        let empty = |office: &Fixture, size| {
            office.world.with(|state| {
                state.others.all.get_mut("dev-workers").unwrap().more =
                    pool("<MinSize>0</MinSize>", size);
            });
        };
        office.until(NIGHT).await;
        office.run("night").await;
        let group = office
            .world
            .with(|state| state.others.all["dev-workers"].clone());
        assert_eq!(group.state, "0/0/0");
        insta::assert_snapshot!(group.tags[ASLEEP_TAG], @"desired=3 min=2 max=6 suspended=--- at=2026-11-23T22:00:00Z");
        empty(&office, 0);
        office.until("2026-11-23T22:15:00Z").await;
        let ran = office.run("tick").await;
        assert!(ran.applied.outcomes.is_empty(), "{:?}", ran.applied);
        assert_eq!(ran.plan.totals.asleep, 2);
        changes(&office);
        office.until(MORNING).await;
        office.run("morning").await;
        let group = office
            .world
            .with(|state| state.others.all["dev-workers"].clone());
        assert_eq!(group.state, "2/6/3");
        assert!(!group.tags.contains_key(ASLEEP_TAG));
        // A count above the lowered maximum would be refused, so all is restored in one call.
        assert_eq!(
            changes(&office),
            ["UpdateAutoScalingGroup dev-workers 2/6/3"]
        );
    });
}

#[test]
fn instances_that_stay_are_reported_until_they_are_gone_and_are_no_saving() {
    block_on(async {
        let office = office(&[("dev-workers", "")]);
        let holds = |office: &Fixture, more| {
            office.world.with(|state| {
                state.others.all.get_mut("dev-workers").unwrap().more = more;
            });
        };
        office.until(NIGHT).await;
        office.run("night").await;
        holds(&office, WAITS);
        office.until("2026-11-23T22:05:00Z").await;
        let ran = office.run("at once").await;
        insta::assert_snapshot!(report_of(&ran), @"Stopped 0 services, woke 0 services.");
        for (tick, at) in [
            ("tick 1", "2026-11-23T22:10:00Z"),
            ("tick 2", "2026-11-24T01:00:00Z"),
        ] {
            office.until(at).await;
            let ran = office.run(tick).await;
            assert_eq!(ran.plan.totals.asleep, 1, "dev/web alone");
            insta::allow_duplicates! {
                insta::assert_snapshot!(report_of(&ran), @r"
                Stopped 0 services, woke 0 services.
                Not asleep: autoscaling/dev-workers: it was stopped at 2026-11-23T22:00:00Z: desired 0, but 1 instance run. What to do: see its activities: instances may be protected, in standby, held by a lifecycle hook, or in a warm pool.
                ");
            }
            let row = ran.plan.find("autoscaling/dev-workers").unwrap();
            assert!(row.attention && !row.sleeps());
            let all = savings(
                &ran.plan,
                &ran.gathered.records,
                &office.config.prices,
                CountedSleeps::Lasting,
            );
            assert_eq!(all.resources, 1, "dev/web alone: {all:?}");
        }
        holds(&office, "");
        office.until("2026-11-24T02:00:00Z").await;
        let ran = office.run("gone").await;
        assert_eq!(ran.plan.totals.asleep, 2);
        assert!(
            !report_of(&ran).contains("Not asleep"),
            "{}",
            report_of(&ran)
        );
    });
}

fn ended(office: &Fixture, ran: &Ran) -> Savings {
    savings(
        &ran.plan,
        &ran.gathered.records,
        &office.config.prices,
        CountedSleeps::Ending,
    )
}

#[test]
fn tasks_that_stay_are_reported_and_only_what_slept_is_saved() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add(
                "dev/web",
                Svc {
                    stubborn: true,
                    ..Svc::new(2)
                },
            );
            ecs.add(
                "dev/whole-night",
                Svc {
                    stubborn: true,
                    ..Svc::new(2)
                },
            );
        });
        office.until(NIGHT).await;
        office.run("night").await;
        office.until("2026-11-24T07:00:00Z").await;
        let ran = office.run("tick").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 0 services, woke 0 services.
        Not asleep: dev/web: it was stopped at 2026-11-23T22:00:00Z: desired 0, but 2 tasks run. What to do: see its events in ECS: tasks may be protected from scale-in, or a deployment may not end.
        Not asleep: dev/whole-night: it was stopped at 2026-11-23T22:00:00Z: desired 0, but 2 tasks run. What to do: see its events in ECS: tasks may be protected from scale-in, or a deployment may not end.
        ");
        office.world.ecs(|ecs| {
            let web = ecs.get("dev/web");
            (web.stubborn, web.running) = (false, 0);
        });
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        // Two tasks of half a vCPU, and two hours in place of eleven.
        let saved = ended(&office, &ran);
        assert_eq!((saved.resources, saved.vcpu_hours), (1, 2.0), "{saved:?}");
    });
}

#[test]
fn a_database_that_never_ends_to_stop_is_reported() {
    block_on(async {
        let office = office(&[]);
        office.world.with(|state| {
            let all = &mut state.others.all;
            all.insert("dev-orders".into(), Other::new("instance", "available"));
            all.insert("dev-users".into(), Other::new("cluster", "available"));
        });
        office.until(NIGHT).await;
        office.run("night").await;
        office.world.with(|state| {
            for name in ["dev-orders", "dev-users"] {
                state.others.all.get_mut(name).unwrap().state = "stopping".into();
            }
        });
        office.until("2026-11-23T22:20:00Z").await;
        assert!(!report_of(&office.run("tick").await).contains("Not asleep"));
        office.until("2026-11-23T22:30:00Z").await;
        let ran = office.run("later").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 0 services, woke 0 services.
        Not asleep: rds/dev-orders: it was stopped at 2026-11-23T22:00:00Z: it should be stopped, but it still runs. What to do: see its events in RDS.
        Not asleep: rds/dev-users: it was stopped at 2026-11-23T22:00:00Z: it should be stopped, but it still runs. What to do: see its events in RDS.
        ");
    });
}

#[test]
fn what_does_not_come_up_is_reported_until_it_does() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/web", Svc::new(3));
            ecs.add("dev/api", Svc::new(1));
        });
        office.until(NIGHT).await;
        office.run("night").await;
        office.world.ecs(|ecs| ecs.get("dev/web").broken = true);
        office.until(MORNING).await;
        office.run("morning").await;
        office.until("2026-11-24T09:05:00Z").await;
        assert!(!report_of(&office.run("at once").await).contains("Not awake"));
        for (tick, at) in [
            ("tick 1", "2026-11-24T09:10:00Z"),
            ("tick 2", "2026-11-24T15:00:00Z"),
        ] {
            office.until(at).await;
            let ran = office.run(tick).await;
            insta::allow_duplicates! {
                insta::assert_snapshot!(report_of(&ran), @r"
                Stopped 0 services, woke 0 services.
                Not awake: dev/web: it was woken at 2026-11-24T09:00:00Z: desired 3, but 0 tasks run. What to do: see its events in ECS: why its tasks don't start, or stop again.
                ");
            }
        }
        office.world.ecs(|ecs| ecs.get("dev/web").running = 3);
        office.until("2026-11-24T15:05:00Z").await;
        assert!(!report_of(&office.run("up").await).contains("Not awake"));
        // What falls later was up before: no matter of schedules.
        office.world.ecs(|ecs| ecs.get("dev/web").running = 1);
        office.until("2026-11-24T16:00:00Z").await;
        assert!(!report_of(&office.run("fell").await).contains("Not awake"));
    });
}

const LIGHT: &str = "<Instances><member><InstanceId>i-1</InstanceId><LifecycleState>InService</LifecycleState></member></Instances>";
const WEIGHTED: &str = "<Instances><member><InstanceId>i-1</InstanceId><LifecycleState>InService</LifecycleState>\
    <WeightedCapacity>2</WeightedCapacity></member><member><InstanceId>i-2</InstanceId><LifecycleState>InService\
    </LifecycleState><WeightedCapacity>1</WeightedCapacity></member></Instances>";
const SHORT: &str = "<Instances><member><InstanceId>i-1</InstanceId><LifecycleState>InService</LifecycleState>\
    <WeightedCapacity>2</WeightedCapacity></member><member><InstanceId>i-2</InstanceId><LifecycleState>Pending\
    </LifecycleState><WeightedCapacity>1</WeightedCapacity></member></Instances>";
const VCPUS: &str = "<DesiredCapacityType>vcpu</DesiredCapacityType><Instances><member><InstanceId>i-1</InstanceId>\
    <LifecycleState>InService</LifecycleState></member></Instances>";

#[test]
fn a_group_is_awake_when_its_units_are_in_service() {
    block_on(async {
        let groups = [
            ("dev-weighted", WEIGHTED),
            ("dev-short", SHORT),
            ("dev-vcpus", VCPUS),
            ("dev-light", LIGHT),
        ];
        let office = office(&groups.map(|(name, _)| (name, "")));
        office.until(NIGHT).await;
        office.run("night").await;
        office.until(MORNING).await;
        office.run("morning").await;
        office.world.with(|state| {
            for (name, more) in groups {
                state.others.all.get_mut(name).unwrap().more = more;
            }
        });
        office.until("2026-11-24T09:10:00Z").await;
        let ran = office.run("tick").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 0 services, woke 0 services.
        Not awake: autoscaling/dev-light: it was woken at 2026-11-24T09:00:00Z: desired 3, but 1 instance run. What to do: see its activities: AWS may lack capacity, or the health check fails.
        Not awake: autoscaling/dev-short: it was woken at 2026-11-24T09:00:00Z: desired 3, but 2 units run. What to do: see its activities: AWS may lack capacity, or the health check fails.
        ");
    });
}

#[test]
fn a_sleep_whose_wake_takes_two_runs_is_saved_once() {
    block_on(async {
        let office = Fixture::new();
        office
            .world
            .ecs(|ecs| ecs.add("dev/web", Svc::new(2).scaled(1, 4, [false; 3])));
        office.until(NIGHT).await;
        office.run("night").await;
        office.until(MORNING).await;
        office.world.fates(|_, name| {
            (name == "RegisterScalableTarget")
                .then_some(CallFault::Fail(400, "AccessDeniedException"))
        });
        let ran = office.run("morning").await;
        assert_eq!(ran.applied.failures().count(), 1);
        office.world.no_fates();
        office.until("2026-11-24T10:00:00Z").await;
        let ran = office.run("second run").await;
        // Two tasks of half a vCPU.
        let saved = ended(&office, &ran);
        assert_eq!((saved.resources, saved.vcpu_hours), (1, 12.0), "{saved:?}");
        office.until("2026-11-24T10:05:00Z").await;
        let ran = office.run("tick").await;
        assert_eq!(ended(&office, &ran).resources, 0);
    });
}
