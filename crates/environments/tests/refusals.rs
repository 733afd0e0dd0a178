//! A refusal for good is no passing trouble: it is known beforehand, or recognised when it comes again.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use environments::apply::End;
use environments::backup_tag::ASLEEP_TAG;
use environments::plan::PlanRow;
use environments::run_report::{RunReport, summary};
use serde_json::Value;
use support::ecs::{Target, arn};
use support::others::Other;
use support::{CONFIG, CallFault, Fixture, Ran, Svc, block_on};

const NIGHT: &str = "2026-11-23T22:00:00Z";
const MORNING: &str = "2026-11-24T09:00:00Z";

const GLOBAL: &str = "<Engine>aurora-postgresql</Engine><EngineMode>provisioned</EngineMode>\
    <GlobalClusterIdentifier>dev-world</GlobalClusterIdentifier><ReadReplicaIdentifiers><ReadReplicaIdentifier>\
    arn:aws:rds:us-east-1:111122223333:cluster:dev-ledger-us</ReadReplicaIdentifier></ReadReplicaIdentifiers>\
    <GlobalWriteForwardingRequested>false</GlobalWriteForwardingRequested>";

fn office(databases: &[(&str, &'static str, &'static str, &str)]) -> Fixture {
    let office = Fixture::with(&format!(
        "{CONFIG}also: {{ rds_instances: 'dev-*', rds_clusters: 'dev-*' }}\n"
    ));
    office.world.with(|state| {
        for (name, kind, more, status) in databases {
            let database = Other {
                more,
                ..Other::new(kind, status)
            };
            state.others.all.insert((*name).into(), database);
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

fn stops(office: &Fixture) -> usize {
    let calls = office.world.calls();
    calls.iter().filter(|call| call.starts_with("Stop")).count()
}

#[test]
fn what_rds_never_stops_is_skipped_with_the_reason() {
    block_on(async {
        let office = office(&[
            ("dev-ledger", "cluster", GLOBAL, "available"),
            (
                "dev-copied",
                "cluster",
                "<ReadReplicaIdentifiers><ReadReplicaIdentifier>x</ReadReplicaIdentifier></ReadReplicaIdentifiers>",
                "available",
            ),
            (
                "dev-copy",
                "cluster",
                "<ReplicationSourceIdentifier>x</ReplicationSourceIdentifier>",
                "available",
            ),
            (
                "dev-mirrored",
                "instance",
                "<Engine>sqlserver-se</Engine><SecondaryAvailabilityZone>eu-central-1b</SecondaryAvailabilityZone>",
                "available",
            ),
            ("dev-optimizing", "instance", "", "storage-optimization"),
            ("dev-blue", "instance", "", "available"),
            ("dev-switched", "instance", "", "available"),
            // The only cluster of its global database.
            (
                "dev-alone",
                "cluster",
                "<GlobalClusterIdentifier>dev-one</GlobalClusterIdentifier>",
                "available",
            ),
        ]);
        office.world.with(|state| {
            let arn = |name: &str| format!("arn:aws:rds:eu-central-1:111122223333:db:{name}");
            state.others.blue_green = vec![
                (arn("dev-blue"), "AVAILABLE"),
                (arn("dev-switched"), "SWITCHOVER_COMPLETED"),
            ];
        });
        office.until(NIGHT).await;
        let ran = office.run("night").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 2 services, woke 0 services.
        Skipped: rds/dev-blue: RDS does not stop what is part of a blue/green deployment.
        Skipped: rds/dev-copied: RDS does not stop a cluster that is a replica or has one in another region.
        Skipped: rds/dev-copy: RDS does not stop a cluster that is a replica or has one in another region.
        Skipped: rds/dev-ledger: RDS does not stop a cluster of a global database that has others.
        Skipped: rds/dev-mirrored: RDS does not stop SQL Server with Multi-AZ.
        Skipped: rds/dev-optimizing: RDS does not stop an instance in storage-optimization.
        ");
        office.world.with(|state| {
            state.others.changes.sort();
            assert_eq!(
                state.others.changes,
                ["StopDBCluster dev-alone", "StopDBInstance dev-switched"]
            );
        });
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        assert!(
            report_of(&ran).starts_with("Stopped 0 services, woke 2 services."),
            "{}",
            report_of(&ran)
        );
    });
}

/// Nothing of a description says why, and RDS refuses at each try.
fn refuse(office: &Fixture, operation: &'static str, code: &'static str) {
    office
        .world
        .fates(move |_, name| (name == operation).then_some(CallFault::Fail(400, code)));
}

fn row<'r>(ran: &'r Ran, name: &str) -> &'r PlanRow {
    ran.plan.find(name).unwrap()
}

#[test]
fn a_refusal_that_repeats_is_reported_once_and_everything_is_taken_back() {
    block_on(async {
        let office = office(&[("dev-users", "cluster", "", "available")]);
        let tagged = || {
            office
                .world
                .with(|state| state.others.all["dev-users"].tags.contains_key(ASLEEP_TAG))
        };
        refuse(&office, "StopDBCluster", "InvalidDBClusterStateFault");
        office.until(NIGHT).await;
        let ran = office.run("first").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 0 services, woke 0 services.
        Refused: rds/dev-users: StopDBCluster of dev-users: InvalidDBClusterStateFault: injected; the next run tries once more.
        ");
        assert!(!tagged(), "it does not sleep");
        office.until("2026-11-23T22:05:00Z").await;
        let ran = office.run("second").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 0 services, woke 0 services.
        Refused: rds/dev-users: StopDBCluster of dev-users: InvalidDBClusterStateFault: injected; it keeps running, and is tried again after the next edge.
        ");
        assert!(!tagged());
        let tries = stops(&office);
        for (tick, at) in [
            ("tick 1", "2026-11-23T22:10:00Z"),
            ("tick 2", "2026-11-24T03:00:00Z"),
        ] {
            office.until(at).await;
            let ran = office.run(tick).await;
            assert!(ran.applied.outcomes.is_empty(), "{:?}", ran.applied);
            assert_eq!(
                row(&ran, "dev-users").condition.as_ref().unwrap().word(),
                "refused"
            );
            assert_eq!(ran.plan.totals.asleep, 0);
            insta::allow_duplicates! {
                insta::assert_snapshot!(report_of(&ran), @r"
                Stopped 0 services, woke 0 services.
                Refused: rds/dev-users: AWS does not stop it: InvalidDBClusterStateFault: injected. What to do: see what AWS says of it, or take its tag away; it is tried again after the next edge.
                ");
            }
        }
        assert_eq!(stops(&office), tries, "it is not asked again in this night");
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        assert!(
            report_of(&ran).starts_with("Stopped 0 services, woke 0 services."),
            "{}",
            report_of(&ran)
        );
        assert!(row(&ran, "dev-users").condition.is_none());
        // By the next evening it may be another cluster, and has as many tries.
        office.until("2026-11-24T22:00:00Z").await;
        let ran = office.run("next night").await;
        assert!(
            report_of(&ran).ends_with("the next run tries once more.\n"),
            "{}",
            report_of(&ran)
        );
        office.world.no_fates();
        office.until("2026-11-24T22:05:00Z").await;
        office.run("second try of the next night").await;
        let state = office
            .world
            .with(|state| state.others.all["dev-users"].state.clone());
        assert_eq!(state, "stopped");
    });
}

#[test]
fn a_state_that_passes_is_tried_once_more_at_once() {
    block_on(async {
        let office = office(&[("dev-orders", "instance", "", "available")]);
        refuse(&office, "StopDBInstance", "InvalidDBInstanceState");
        office.until(NIGHT).await;
        office.run("first").await;
        office.world.no_fates();
        office.until("2026-11-23T22:05:00Z").await;
        office.run("second").await;
        let state = |office: &Fixture| {
            office
                .world
                .with(|state| state.others.all["dev-orders"].state.clone())
        };
        assert_eq!(state(&office), "stopped");
        office.until(MORNING).await;
        office.run("morning").await;
        assert_eq!(state(&office), "available");
    });
}

/// The stop came through, its answer did not, and the second try finds the database on its way.
#[test]
fn a_stop_whose_answer_is_lost_is_no_refusal() {
    block_on(async {
        let office = office(&[("dev-orders", "instance", "", "available")]);
        let tries = std::sync::atomic::AtomicUsize::new(0);
        office.world.fates(move |_, name| {
            if name != "StopDBInstance" {
                return None;
            }
            match tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => Some(CallFault::Lose),
                _ => Some(CallFault::Fail(400, "InvalidDBInstanceState")),
            }
        });
        office.until(NIGHT).await;
        let ran = office.run("night").await;
        assert!(
            matches!(ran.applied.outcomes[0].end, End::Failed { .. }),
            "{:?}",
            ran.applied
        );
        office.world.no_fates();
        office.until("2026-11-23T22:05:00Z").await;
        office.run("tick").await;
        let state = |office: &Fixture| {
            office
                .world
                .with(|state| state.others.all["dev-orders"].state.clone())
        };
        assert_eq!(state(&office), "stopped");
        office.until(MORNING).await;
        office.run("morning").await;
        assert_eq!(state(&office), "available");
    });
}

fn record(office: &Fixture, place: &str) -> Value {
    office
        .world
        .with(|state| state.tables.memories()[&arn(place)].clone())
}

#[test]
fn a_service_that_ecs_does_not_scale_keeps_its_bounds_and_is_tried_once_a_night() {
    block_on(async {
        let office = Fixture::new();
        office
            .world
            .ecs(|ecs| ecs.add("dev/web", Svc::new(3).scaled(2, 6, [false, true, false])));
        let evening = office.world.ecs(|ecs| ecs.services.clone());
        refuse(&office, "UpdateService", "InvalidParameterException");
        office.until(NIGHT).await;
        let ran = office.run("night").await;
        assert!(
            matches!(
                ran.applied.outcomes[0].end,
                End::Refused { again: false, .. }
            ),
            "{:?}",
            ran.applied
        );
        let web = office.world.ecs(|ecs| ecs.get("dev/web").clone());
        assert_eq!(
            web.target,
            Some(Target {
                min: 2,
                max: 6,
                suspended: [false, true, false]
            })
        );
        assert_eq!(office.world.ecs(|ecs| ecs.services.clone()), evening);
        assert_eq!(record(&office, "dev/web")["phase"], "left");
        office.until("2026-11-23T22:05:00Z").await;
        assert!(office.run("tick").await.applied.outcomes.is_empty());
    });
}

#[test]
fn what_is_denied_or_passes_is_no_refusal_of_the_thing() {
    for code in ["AccessDeniedException", "ServerException"] {
        block_on(async {
            let office = Fixture::new();
            office.world.ecs(|ecs| ecs.add("dev/web", Svc::new(3)));
            refuse(&office, "UpdateService", code);
            office.until(NIGHT).await;
            let ran = office.run("night").await;
            assert!(
                matches!(ran.applied.outcomes[0].end, End::Failed { .. }),
                "{:?}",
                ran.applied
            );
            assert_eq!(record(&office, "dev/web")["phase"], "going-down");
            // What never slept has not woken in the morning.
            office.world.no_fates();
            office.until(MORNING).await;
            let ran = office.run("morning").await;
            assert!(
                report_of(&ran).starts_with("Stopped 0 services, woke 0 services."),
                "{}",
                report_of(&ran)
            );
            let web = office.world.ecs(|ecs| ecs.get("dev/web").clone());
            assert_eq!((web.desired, web.tags.contains_key(ASLEEP_TAG)), (3, false));
        });
    }
}
