//! Databases and Auto Scaling groups behind the same plan.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use environments::backup_tag::ASLEEP_TAG;
use std::time::Duration;

use environments::decide::Step;
use environments::schedule_overrides::RequestKind;
use support::others::Other;
use support::{CONFIG, CallFault, Fixture, Svc, block_on};

const NIGHT: &str = "2026-11-23T22:00:00Z";
const MORNING: &str = "2026-11-24T09:00:00Z";

fn office() -> Fixture {
    let also =
        "also: { rds_instances: 'dev-*', rds_clusters: 'dev-*', auto_scaling_groups: 'dev-*' }\n";
    let office = Fixture::with(&format!("{CONFIG}{also}"));
    office.world.with(|state| {
        let all = &mut state.others.all;
        all.insert("dev-orders".into(), Other::new("instance", "available"));
        all.insert("dev-stopped".into(), Other::new("instance", "stopped"));
        all.insert("dev-changing".into(), Other::new("instance", "modifying"));
        let more =
            "<ReadReplicaSourceDBInstanceIdentifier>x</ReadReplicaSourceDBInstanceIdentifier>";
        all.insert(
            "dev-replica".into(),
            Other {
                more,
                ..Other::new("instance", "available")
            },
        );
        let more = "<DBClusterIdentifier>dev-users</DBClusterIdentifier>";
        all.insert(
            "dev-member".into(),
            Other {
                more,
                ..Other::new("instance", "available")
            },
        );
        all.insert("other".into(), Other::new("instance", "available"));
        all.insert("dev-users".into(), Other::new("cluster", "available"));
        let more = "<EngineMode>serverless</EngineMode>";
        all.insert(
            "dev-old".into(),
            Other {
                more,
                ..Other::new("cluster", "available")
            },
        );
        all.insert("dev-workers".into(), Other::new("group", "2/6/3"));
        all.insert("dev-idle".into(), Other::new("group", "0/4/0"));
    });
    office.world.ecs(|ecs| ecs.add("dev/web", Svc::new(1)));
    office
}

#[test]
fn after_the_morning_they_are_as_in_the_evening() {
    block_on(async {
        let office = office();
        let evening = office.world.with(|state| state.others.all.clone());
        office.until(NIGHT).await;
        let ran = office.run("night").await;
        assert_eq!(ran.applied.failures().count(), 0, "{:?}", ran.applied);
        assert_eq!(ran.gathered.problems, []);
        let mut changes = office
            .world
            .with(|state| std::mem::take(&mut state.others.changes));
        changes.sort();
        insta::assert_snapshot!(changes.join("\n"), @r"
        StopDBCluster dev-users
        StopDBInstance dev-orders
        UpdateAutoScalingGroup dev-workers 0/6/0
        UpdateAutoScalingGroup dev-workers 0/6/3
        ");
        office.world.with(|state| {
            insta::assert_snapshot!(state.others.all["dev-workers"].tags[ASLEEP_TAG], @"desired=3 min=2 max=6 suspended=--- at=2026-11-23T22:00:00Z");
            insta::assert_snapshot!(state.others.all["dev-users"].tags[ASLEEP_TAG], @"desired=1 at=2026-11-23T22:00:00Z");
        });
        let summaries: Vec<String> = ran
            .plan
            .rows
            .iter()
            .filter(|row| row.attention)
            .map(|row| format!("{}: {}", row.resource.name, row.why))
            .collect();
        insta::assert_snapshot!(summaries.join("\n"), @r"
        dev-old: RDS stops provisioned Aurora clusters only
        dev-replica: RDS does not stop an instance that is a read replica or has one
        ");
        office.until(MORNING).await;
        office.run("morning").await;
        let mut changes = office
            .world
            .with(|state| std::mem::take(&mut state.others.changes));
        changes.sort();
        insta::assert_snapshot!(changes.join("\n"), @r"
        StartDBCluster dev-users
        StartDBInstance dev-orders
        UpdateAutoScalingGroup dev-workers 0/6/3
        UpdateAutoScalingGroup dev-workers 2/6/3
        ");
        assert_eq!(office.world.with(|state| state.others.all.clone()), evening);
    });
}

#[test]
fn a_database_that_aws_has_started_after_seven_days_is_stopped_again() {
    block_on(async {
        let office = office();
        office.until("2026-11-23T22:00:00Z").await;
        office.world.with(|state| {
            // From here on it must never run.
            let tags = &mut state.others.all.get_mut("dev-orders").unwrap().tags;
            tags.insert("deploy-hooks:schedule".into(), "never".into());
        });
        office.run("night").await;
        let state = |office: &Fixture| {
            office
                .world
                .with(|state| state.others.all["dev-orders"].state.clone())
        };
        assert_eq!(state(&office), "stopped");
        let start = |office: &Fixture| {
            office.world.with(|state| {
                state.others.all.get_mut("dev-orders").unwrap().state = "available".into();
            });
        };
        office.until("2026-11-30T22:00:00Z").await;
        start(&office);
        let ran = office.run("a week later").await;
        assert_eq!(state(&office), "stopped");
        insta::assert_snapshot!(ran.plan.find("dev-orders").unwrap().why, @"AWS has started it again after seven days");
        // A start by somebody is no such start.
        office.until("2026-12-02T22:00:00Z").await;
        start(&office);
        let ran = office.run("two days later").await;
        assert_eq!(state(&office), "available");
        assert!(matches!(
            ran.plan.find("dev-orders").unwrap().step,
            Step::Leave { .. }
        ));
    });
}

#[test]
fn a_kind_that_is_not_named_is_not_even_looked_at() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| ecs.add("dev/web", Svc::new(1)));
        office.until(NIGHT).await;
        office.run("night").await;
        let calls = office.world.calls();
        assert!(
            !calls
                .iter()
                .any(|call| call.contains("DB") || call.contains("Group")),
            "{calls:?}"
        );
    });
}

#[test]
fn without_tiers_a_database_is_stopped_last_and_started_first() {
    block_on(async {
        let text = CONFIG.replace("tiers:\n  - { name: back, match: '*/db-*' }\n", "");
        let office = Fixture::with(&format!("{text}also: {{ rds_instances: 'dev-*' }}\n"));
        office.world.with(|state| {
            let one = Other::new("instance", "available");
            state.others.all.insert("dev-orders".into(), one);
        });
        office.world.ecs(|ecs| ecs.add("dev/web", Svc::new(1)));
        let changes = |office: &Fixture| {
            let calls = office.world.calls().into_iter();
            let changes =
                calls.filter(|call| call.contains("DBInstance") || call == "UpdateService");
            let changes = changes.filter(|call| !call.starts_with("Describe"));
            changes.collect::<Vec<_>>().join(" ")
        };
        office.until(NIGHT).await;
        office.run("night").await;
        assert_eq!(changes(&office), "UpdateService StopDBInstance");
        office.until(MORNING).await;
        office.world.no_fates();
        office.run("morning").await;
        assert_eq!(changes(&office), "StartDBInstance UpdateService");
    });
}

#[test]
fn a_database_sleeps_after_the_services_of_all_clusters_and_wakes_before_them() {
    block_on(async {
        let tiers = "tiers:\n  - { name: data, match: 'rds/*' }\n";
        let text = CONFIG.replace("tiers:\n", tiers) + "also: { rds_instances: 'dev-*' }\n";
        let office = Fixture::with(&text);
        office.world.with(|state| {
            let all = &mut state.others.all;
            all.insert("dev-orders".into(), Other::new("instance", "available"));
            state.others.slow = true;
        });
        office.world.ecs(|ecs| {
            ecs.add("dev/web", Svc::new(1));
            ecs.add("test/web", Svc::new(1));
        });
        let changes = |office: &Fixture| {
            let calls = office.world.calls();
            let changes = |call: &String| call.contains("DBInstance") || call == "UpdateService";
            let changes = calls
                .into_iter()
                .filter(changes)
                .filter(|call| !call.starts_with("Describe"));
            changes.collect::<Vec<_>>()
        };
        office.until(NIGHT).await;
        office.run("night").await;
        let update = "UpdateService";
        assert_eq!(changes(&office), [update, update, "StopDBInstance"]);

        office.until(MORNING).await;
        office.world.no_fates();
        // The first run has no time to wait: the second one stands at the same gate.
        let ran = office
            .run_for("short", std::time::Duration::from_mins(1))
            .await;
        assert!(ran.applied.is_to_be_continued());
        assert_eq!(changes(&office), ["StartDBInstance"]);
        let world = office.world.clone();
        let ready = async move {
            tokio::time::sleep(std::time::Duration::from_mins(4)).await;
            let available = |state: &mut support::world::State| {
                state.others.all.get_mut("dev-orders").unwrap().state = "available".into();
            };
            world.with(available);
        };
        tokio::join!(office.run("long"), ready);
        assert_eq!(changes(&office), ["StartDBInstance", update, update]);
        let took = office.world.now().duration_since(MORNING.parse().unwrap());
        assert!((300..320).contains(&took.as_secs()), "{took:?}");
    });
}

#[test]
fn an_aurora_cluster_is_waited_for_until_its_instances_serve() {
    block_on(async {
        let tiers = "tiers:\n  - { name: data, match: 'rds/*' }\n";
        let text = CONFIG.replace("tiers:\n", tiers) + "also: { rds_clusters: 'dev-*' }\n";
        let office = Fixture::with(&text);
        let state_of = |name: &str, state: &str| {
            office.world.with(|world| {
                world.others.all.get_mut(name).unwrap().state = state.into();
            });
        };
        office.world.with(|state| {
            let all = &mut state.others.all;
            all.insert("dev-shop".into(), Other::new("cluster", "available"));
            let member = Other {
                tags: [].into(),
                more: "<DBClusterIdentifier>dev-shop</DBClusterIdentifier>",
                ..Other::new("instance", "available")
            };
            all.insert("node-1".into(), member);
            state.others.slow = true;
        });
        office.world.ecs(|ecs| ecs.add("dev/web", Svc::new(1)));
        office.until(NIGHT).await;
        office.run("night").await;
        office.until(MORNING).await;
        office.world.no_fates();
        let short = std::time::Duration::from_mins(1);
        for instance in ["stopped", "starting"] {
            office.run_for("short", short).await;
            assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 0);
            // It says of itself that it is there, before any of its instances is.
            state_of("dev-shop", "available");
            state_of("node-1", instance);
        }
        office.run_for("short", short).await;
        assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 0);
        state_of("node-1", "available");
        office.run_for("long", short).await;
        assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 1);
    });
}

/// The database comes first, and 22:05 somebody wants everything awake.
async fn woken_in_the_evening(state: &str) -> Fixture {
    let tiers = "tiers:\n  - { name: data, match: 'rds/*' }\n";
    let text = CONFIG.replace("tiers:\n", tiers) + "also: { rds_instances: 'dev-*' }\n";
    let office = Fixture::with(&text);
    office.world.with(|world| {
        let all = &mut world.others.all;
        all.insert("dev-orders".into(), Other::new("instance", "available"));
        world.others.slow = true;
    });
    office.world.ecs(|ecs| ecs.add("dev/web", Svc::new(2)));
    office.until(NIGHT).await;
    office.run("night").await;
    set(&office, state);
    office.until("2026-11-23T22:05:00Z").await;
    office.ask("wake", RequestKind::Snooze, "*").await;
    office
}

fn set(office: &Fixture, state: &str) {
    office.world.with(|world| {
        world.others.all.get_mut("dev-orders").unwrap().state = state.into();
    });
}

fn runs(office: &Fixture) -> u32 {
    office.world.ecs(|ecs| ecs.get("dev/web").desired)
}

#[test]
fn nothing_wakes_before_a_database_that_is_still_stopping() {
    block_on(async {
        let office = woken_in_the_evening("stopping").await;
        let stopped = async {
            tokio::time::sleep(Duration::from_mins(3)).await;
            assert_eq!(runs(&office), 0);
            set(&office, "stopped");
        };
        let (ran, ()) = tokio::join!(office.run("wake"), stopped);
        assert!(
            ran.applied.is_to_be_continued(),
            "a new plan wakes the database: {:?}",
            ran.applied
        );
        assert_eq!(runs(&office), 0);
        let took = office
            .world
            .now()
            .duration_since("2026-11-23T22:08:00Z".parse().unwrap());
        assert!(took.as_secs() < 15, "{took:?}");
        let available = async {
            tokio::time::sleep(Duration::from_mins(5)).await;
            assert_eq!(runs(&office), 0, "it is starting");
            set(&office, "available");
        };
        let (ran, ()) = tokio::join!(office.run("continued"), available);
        assert_eq!(ran.applied.warnings, []);
        assert_eq!(runs(&office), 2);
    });
}

#[test]
fn a_database_that_can_not_be_woken_holds_what_depends_on_it_for_a_limited_time() {
    for state in ["stopping", "stopped"] {
        block_on(async {
            let office = woken_in_the_evening(state).await;
            office.world.fates(|_, name| {
                (name == "StartDBInstance").then_some(CallFault::Fail(400, "KMSKeyNotAccessible"))
            });
            let short = Duration::from_mins(4);
            let ran = office.run_for("wake", short).await;
            assert!(ran.applied.is_to_be_continued());
            assert_eq!(runs(&office), 0, "{state}");
            // However many runs there are, it is healthy_within from the wish on.
            let ran = office.run_for("continued", 2 * short).await;
            assert_eq!(runs(&office), 2, "{state}");
            insta::allow_duplicates! {
                insta::assert_snapshot!(ran.applied.warnings[0], @"rds/dev-orders was not healthy in time; what depends on it was woken anyway");
            }
            let took = office
                .world
                .now()
                .duration_since("2026-11-23T22:15:00Z".parse().unwrap());
            assert!((0..15).contains(&took.as_secs()), "{took:?}");
        });
    }
}

#[test]
fn another_run_that_wakes_the_database_meanwhile_is_waited_for() {
    block_on(async {
        let office = woken_in_the_evening("stopping").await;
        let other = async {
            tokio::time::sleep(Duration::from_secs(95)).await;
            set(&office, "starting");
            tokio::time::sleep(Duration::from_mins(9)).await;
            assert_eq!(
                runs(&office),
                0,
                "it has as long as if this run had woken it"
            );
            set(&office, "available");
        };
        let (ran, ()) = tokio::join!(office.run_for("wake", Duration::from_mins(14)), other);
        assert_eq!(ran.applied.warnings, []);
        assert_eq!(runs(&office), 2);
    });
}
