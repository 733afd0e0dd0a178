//! Nights and mornings, one story each: what is stopped, what is restored, what is left alone.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use environments::apply::End;
use environments::backup_tag::ASLEEP_TAG;
use environments::decide::Step;
use environments::run_report::{RunReport, summary};
use environments::schedule_overrides::{KEEP_UP_TAG, OverrideRequest, RequestKind};
use support::ecs::{Target, arn};
use support::{CallFault, Fixture, Svc, block_on};

const NIGHT: &str = "2026-11-23T22:00:00Z";
const LATER: &str = "2026-11-24T01:00:00Z";
const MORNING: &str = "2026-11-24T09:00:00Z";

fn steps(office: &Fixture, ran: &support::Ran) -> Vec<String> {
    let _ = office;
    let outcomes = ran.applied.outcomes.iter();
    outcomes
        .map(|one| format!("{} {} {:?}", one.place, one.step.word(), one.end))
        .collect()
}

#[test]
fn after_the_morning_everything_is_as_in_the_evening() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/web", Svc::new(3).scaled(2, 6, [false, true, false]));
            ecs.add("dev/db-main", Svc::new(1));
            ecs.add("dev/idle", Svc::new(0).scaled(0, 4, [false; 3]));
            ecs.add(
                "dev/blue",
                Svc {
                    controller: "CODE_DEPLOY",
                    ..Svc::new(2)
                },
            );
            ecs.add("dev/plain", Svc::plain(2));
            ecs.add("dev/never-touched", Svc::new(2));
            ecs.add("dev/shop-prod", Svc::new(2));
            ecs.add(
                "dev/agent",
                Svc {
                    daemon: true,
                    ..Svc::new(1)
                },
            );
            ecs.add(
                "dev/express",
                Svc {
                    express: true,
                    ..Svc::new(1)
                },
            );
            ecs.add(
                "dev/leaving",
                Svc {
                    status: "DRAINING",
                    ..Svc::new(1)
                },
            );
        });
        let evening = office.world.ecs(|ecs| ecs.services.clone());
        let ran = office.run("before").await;
        assert!(ran.applied.outcomes.is_empty(), "{:?}", ran.applied);

        office.until(NIGHT).await;
        let ran = office.run("night").await;
        insta::assert_snapshot!(steps(&office, &ran).join("\n"), @r"
        dev/blue sleep Done
        dev/web sleep Done
        dev/db-main sleep Done
        dev/idle leave Done
        ");
        let asleep = office.world.ecs(|ecs| ecs.get("dev/web").clone());
        assert_eq!(asleep.desired, 0);
        assert_eq!(
            asleep.target,
            Some(Target {
                min: 0,
                max: 6,
                suspended: [true; 3]
            })
        );
        insta::assert_snapshot!(asleep.tags[ASLEEP_TAG], @"desired=3 min=2 max=6 suspended=-o- at=2026-11-23T22:00:00Z");
        assert_eq!(ran.gathered.daemons, ["dev/agent"]);

        office.until(LATER).await;
        let ran = office.run("tick").await;
        assert!(ran.applied.outcomes.is_empty(), "{:?}", ran.applied);

        office.until(MORNING).await;
        let ran = office.run("morning").await;
        insta::assert_snapshot!(steps(&office, &ran).join("\n"), @r"
        dev/db-main wake Done
        dev/blue wake Done
        dev/web wake Done
        ");
        assert_eq!(office.world.ecs(|ecs| ecs.services.clone()), evening);
        office.world.ecs(|ecs| {
            for change in &ecs.changes {
                let known = ["dev/web", "dev/db-main", "dev/blue"];
                assert!(known.contains(&change.place.as_str()), "{change:?}");
            }
        });
        let savings = environments::savings::savings(
            &ran.plan,
            &ran.gathered.records,
            &office.config.prices,
            environments::savings::CountedSleeps::Ending,
        );
        let report = RunReport {
            plan: &ran.plan,
            applied: Some(&ran.applied),
            problems: &ran.gathered.problems,
            savings: Some(&savings),
        };
        insta::assert_snapshot!(summary(&report), @r#"
        Stopped 0 services, woke 3 services.
        Skipped: dev/express: an Express service is managed by ECS itself.
        Skipped: dev/leaving: it is being deleted (DRAINING).
        Skipped: dev/never-touched: denied by "*/never-*" in the configuration.
        Skipped: dev/shop-prod: dev/shop-prod looks like production ("prod"); if it isn't, name it under not_production.
        Saved by the sleep that ended: about 1.63 USD (33.0 vCPU-hours, 66.0 GB-hours) of 3 services.
        "#);
    });
}

#[test]
fn a_manual_start_sticks_until_the_next_edge_and_is_left_alone() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/web", Svc::new(3).scaled(1, 6, [false; 3]));
            ecs.add("dev/api", Svc::new(3).scaled(2, 6, [false; 3]));
        });
        office.until(NIGHT).await;
        office.run("night").await;
        office.until(LATER).await;
        office.world.ecs(|ecs| {
            ecs.get("dev/web").set(2);
            ecs.get("dev/api").set(1);
        });
        let ran = office.run("tick").await;
        insta::assert_snapshot!(steps(&office, &ran).join("\n"), @r"
        dev/api leave Done
        dev/web leave Done
        ");
        office.until("2026-11-24T02:00:00Z").await;
        assert!(office.run("tick 2").await.applied.outcomes.is_empty());
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        let report = RunReport {
            plan: &ran.plan,
            applied: Some(&ran.applied),
            problems: &[],
            savings: None,
        };
        insta::assert_snapshot!(summary(&report), @r"
        Stopped 0 services, woke 0 services.
        Conflict: dev/api: somebody changed it while it slept: set to 0 (0-6, suspended), found at 1 (0-6, suspended); left alone; its bounds 2-6 are restored when its count lies within them.
        Conflict: dev/web: somebody changed it while it slept: set to 0 (0-6, suspended), found at 2 (0-6, suspended); left alone; its bounds 1-6 and suspensions are restored.
        ");
        office.world.ecs(|ecs| {
            let web = ecs.get("dev/web");
            assert_eq!(web.desired, 2, "the person's count is newer");
            assert_eq!(
                web.target,
                Some(Target {
                    min: 1,
                    max: 6,
                    suspended: [false; 3]
                })
            );
            assert!(!web.tags.contains_key(ASLEEP_TAG));
            let api = ecs.get("dev/api");
            assert_eq!(api.desired, 1, "giving back the bounds would have moved it");
            assert_eq!(
                api.target,
                Some(Target {
                    min: 0,
                    max: 6,
                    suspended: [true; 3]
                })
            );
        });
        // The next night begins with what people wanted, and the bounds were not lost.
        office.until("2026-11-24T22:00:00Z").await;
        office.run("second night").await;
        assert_eq!(office.world.ecs(|ecs| ecs.get("dev/api").desired), 0);
        office.until("2026-11-25T09:00:00Z").await;
        office.run("second morning").await;
        office.world.ecs(|ecs| {
            let api = ecs.get("dev/api");
            assert_eq!(
                api.target,
                Some(Target {
                    min: 2,
                    max: 6,
                    suspended: [false; 3]
                })
            );
            assert_eq!(api.desired, 1);
            assert_eq!(ecs.get("dev/web").desired, 2);
        });
    });
}

#[test]
fn what_somebody_asks_for_at_night_does_not_replace_what_the_evening_had() {
    let scaled = Svc::new(3).scaled(2, 6, [false, true, false]);
    for (evening, ticks, back_to_zero) in [
        (Svc::new(3), true, false),
        (Svc::new(3), false, false),
        (Svc::new(3), true, true),
        (scaled.clone(), true, false),
        (scaled.clone(), false, false),
        (scaled, true, true),
    ] {
        block_on(async {
            let office = Fixture::new();
            office.world.ecs(|ecs| ecs.add("dev/web", evening.clone()));
            office.until(NIGHT).await;
            office.run("night").await;
            office.until("2026-11-23T23:00:00Z").await;
            // Somebody starts it by hand; somebody else wakes everything for an hour.
            office.world.ecs(|ecs| ecs.get("dev/web").set(1));
            if ticks {
                office.run("tick").await;
            }
            office.until("2026-11-23T23:30:00Z").await;
            office.ask("wake", RequestKind::Snooze, "dev/*").await;
            for at in ["2026-11-23T23:30:00Z", "2026-11-23T23:40:00Z"] {
                office.until(at).await;
                office.run(at).await;
                assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 1);
            }
            if back_to_zero {
                office.world.ecs(|ecs| ecs.get("dev/web").set(0));
            }
            for at in ["2026-11-24T00:30:00Z", "2026-11-24T00:35:00Z"] {
                office.until(at).await;
                office.run(at).await;
                assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 0);
            }
            office.until(MORNING).await;
            office.run("morning").await;
            let web = office.world.ecs(|ecs| ecs.get("dev/web").clone());
            assert_eq!((web.desired, web.target), (3, evening.target));
            assert_eq!(web.tags, evening.tags);
        });
    }
}

#[test]
fn bounds_of_the_night_stay_where_the_evening_s_count_is_kept() {
    for (max, expected) in [(4, 3), (2, 1)] {
        block_on(async {
            let office = Fixture::new();
            let evening = Svc::new(3).scaled(1, 6, [false; 3]);
            office.world.ecs(|ecs| ecs.add("dev/web", evening));
            office.until(NIGHT).await;
            office.run("night").await;
            office.until("2026-11-23T23:00:00Z").await;
            let bounds = |min, suspended| Target {
                min,
                max,
                suspended,
            };
            office.world.ecs(|ecs| {
                ecs.get("dev/web").set(1);
                ecs.get("dev/web").register(bounds(0, [true; 3]));
            });
            office.ask("wake", RequestKind::Snooze, "dev/web").await;
            office.run("wake").await;
            office.until("2026-11-24T00:00:00Z").await;
            office.run("it is over").await;
            assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 0);
            office.until(MORNING).await;
            office.run("morning").await;
            let web = office.world.ecs(|ecs| ecs.get("dev/web").clone());
            let target = Some(bounds(1, [false; 3]));
            assert_eq!((web.desired, web.target), (expected, target));
        });
    }
}

#[test]
fn who_stood_at_zero_is_not_started_and_may_be_started_at_night() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| ecs.add("dev/idle", Svc::new(0)));
        office.until(NIGHT).await;
        office.run("night").await;
        office.until(LATER).await;
        office.world.ecs(|ecs| ecs.get("dev/idle").set(1));
        office.run("tick").await;
        assert_eq!(office.world.ecs(|ecs| ecs.get("dev/idle").desired), 1);
        office.until(MORNING).await;
        office.run("morning").await;
        office.until("2026-11-24T22:00:00Z").await;
        office.run("second night").await;
        assert_eq!(office.world.ecs(|ecs| ecs.get("dev/idle").desired), 0);
    });
}

#[test]
fn a_deployment_defers_the_sleep_with_a_deadline() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add(
                "dev/web",
                Svc {
                    deploying: Some(1_795_470_000.0),
                    ..Svc::new(2)
                },
            );
        });
        office.until(NIGHT).await;
        let ran = office.run("night").await;
        assert!(
            matches!(ran.plan.rows[0].step, Step::Defer { .. }),
            "{:?}",
            ran.plan.rows[0]
        );
        office.until("2026-11-23T23:00:00Z").await;
        office.run("an hour later").await;
        assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").desired), 0);
    });
}

#[test]
fn overrides_hold_until_they_end() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add(
                "dev/kept",
                Svc::new(2).tagged(KEEP_UP_TAG, "2026-11-23T23:30:00Z"),
            );
            ecs.add("dev/snoozed", Svc::new(2));
            ecs.add("dev/unclear", Svc::new(2).tagged(KEEP_UP_TAG, "tomorrow"));
        });
        let request = OverrideRequest {
            id: "1".into(),
            ask: RequestKind::Snooze,
            services: "dev/snoozed".into(),
            until: "2026-11-24T01:00:00Z".parse().unwrap(),
            by: "lead".into(),
            at: office.world.now(),
            place: None,
        };
        office.store().request(&request).await.unwrap();
        let on = || {
            office.world.ecs(|ecs| {
                let running = ecs
                    .services
                    .iter()
                    .filter(|(_, resource)| resource.desired > 0);
                running
                    .map(|(place, _)| place.clone())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
        };
        office.until(NIGHT).await;
        let ran = office.run("night").await;
        assert_eq!(on(), "dev/kept dev/snoozed dev/unclear");
        insta::assert_snapshot!(ran.plan.find("unclear").unwrap().why, @r#"the tag deploy-hooks:keep-up-until says "tomorrow", which is no instant; write it as 2026-11-21T23:30:00Z; it is left as it is until that is corrected"#);
        office.until("2026-11-23T23:30:00Z").await;
        office.run("tick").await;
        assert_eq!(on(), "dev/snoozed dev/unclear");
        office.until(LATER).await;
        office.run("tick").await;
        assert_eq!(on(), "dev/unclear");
        // Wake on demand is the same request, made at night.
        let wake = OverrideRequest {
            id: "2".into(),
            services: "dev/kept".into(),
            until: "2026-11-24T03:00:00Z".parse().unwrap(),
            ..request
        };
        office.store().request(&wake).await.unwrap();
        office.until("2026-11-24T01:05:00Z").await;
        office.run("wake").await;
        assert_eq!(on(), "dev/kept dev/unclear");
        office.until("2026-11-24T03:00:00Z").await;
        office.run("again").await;
        assert_eq!(on(), "dev/unclear");
    });
}

#[test]
fn a_lost_record_is_recovered_from_the_tag() {
    block_on(async {
        let office = Fixture::new();
        let evening = Svc::new(3).scaled(2, 6, [true, false, false]);
        office.world.ecs(|ecs| ecs.add("dev/web", evening.clone()));
        office.until(NIGHT).await;
        office.run("night").await;
        office
            .world
            .with(|state| state.tables.lose(&arn("dev/web")));
        office.until(LATER).await;
        office.run("tick").await;
        office.until(MORNING).await;
        office.run("morning").await;
        assert_eq!(office.world.ecs(|ecs| ecs.get("dev/web").clone()), evening);
    });
}

#[test]
fn a_service_that_was_made_anew_is_another_one() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| ecs.add("dev/web", Svc::new(3)));
        office.until(NIGHT).await;
        office.run("night").await;
        office.world.ecs(|ecs| {
            ecs.add(
                "dev/web",
                Svc {
                    created_at: 1_795_475_000.0,
                    ..Svc::new(0)
                },
            );
        });
        office.until(MORNING).await;
        office.run("morning").await;
        assert_eq!(
            office.world.ecs(|ecs| ecs.get("dev/web").desired),
            0,
            "it was never running"
        );
    });
}

#[test]
fn the_tiers_wake_one_after_the_other_and_are_healthy_in_between() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/db-main", Svc::new(1));
            ecs.add("dev/web", Svc::new(2));
        });
        office.until(NIGHT).await;
        office.run("night").await;
        let order = |office: &Fixture| {
            office.world.ecs(|ecs| {
                let counts = ecs.changes.iter().filter(|change| change.desired.is_some());
                counts
                    .map(|change| change.place.clone())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(
            order(&office),
            ["dev/web", "dev/db-main"],
            "down in reverse"
        );
        office.world.ecs(|ecs| {
            ecs.changes.clear();
            ecs.get("dev/db-main").broken = true;
        });
        office.until(MORNING).await;
        // Two minutes are not enough for the gate: the rest is for the next run, which waits, too.
        let ran = office
            .run_for("short", std::time::Duration::from_mins(2))
            .await;
        assert!(ran.applied.is_to_be_continued(), "{:?}", ran.applied);
        assert_eq!(order(&office), ["dev/db-main"]);
        let ran = office
            .run_for("long", std::time::Duration::from_mins(15))
            .await;
        assert_eq!(order(&office), ["dev/db-main", "dev/web"]);
        insta::assert_snapshot!(ran.applied.warnings[0].to_string(), @"dev/db-main was not healthy in time; what depends on it was woken anyway");
        assert_eq!(
            office.world.now().to_string(),
            "2026-11-24T09:10:00Z",
            "ten minutes, and no more"
        );
    });
}

#[test]
fn one_failure_never_stops_the_others() {
    block_on(async {
        let office = Fixture::new();
        office
            .world
            .ecs(|ecs| (0..8).for_each(|n| ecs.add(&format!("dev/web-{n}"), Svc::new(1))));
        office.until(NIGHT).await;
        let mut updates = 0;
        office.world.fates(move |_, operation| {
            updates += usize::from(operation == "UpdateService");
            let denied = operation == "UpdateService" && [2, 5].contains(&updates);
            denied.then_some(CallFault::Fail(400, "AccessDeniedException"))
        });
        let ran = office.run("night").await;
        let down = office
            .world
            .ecs(|ecs| ecs.services.values().filter(|one| one.desired == 0).count());
        assert_eq!(down, 6);
        let report = RunReport {
            plan: &ran.plan,
            applied: Some(&ran.applied),
            problems: &[],
            savings: None,
        };
        insta::assert_snapshot!(summary(&report), @r"
        Stopped 6 services, woke 0 services.
        Failed for 2 services (dev/web-1, dev/web-4): UpdateService: AccessDeniedException: injected. What to do: give the role ecs:UpdateService.
        ");
        office.world.no_fates();
        office.until("2026-11-23T22:05:00Z").await;
        office.run("tick").await;
        let down = office
            .world
            .ecs(|ecs| ecs.services.values().filter(|one| one.desired == 0).count());
        assert_eq!(down, 8);
    });
}

#[test]
fn what_can_not_be_read_is_never_taken_for_absent() {
    block_on(async {
        let office = Fixture::new();
        office
            .world
            .ecs(|ecs| ecs.add("dev/web", Svc::new(3).scaled(2, 6, [false; 3])));
        office.until(NIGHT).await;
        for operation in [
            "DescribeScalableTargets",
            "GetItem",
            "Query",
            "DescribeServices",
            "ListServices",
        ] {
            office.world.fates(move |_, called| {
                (called == operation).then_some(CallFault::Fail(400, "AccessDeniedException"))
            });
            let ran = office.run(operation).await;
            assert!(!ran.gathered.problems.is_empty(), "{operation}");
            assert_eq!(office.world.ecs(|ecs| ecs.changes.len()), 0, "{operation}");
        }
    });
}

#[test]
fn the_time_limit_leaves_the_rest_to_be_continued() {
    block_on(async {
        let office = Fixture::new();
        office
            .world
            .ecs(|ecs| (0..120).for_each(|n| ecs.add(&format!("dev/web-{n}"), Svc::new(1))));
        office.until(NIGHT).await;
        let ran = office
            .run_for("first", std::time::Duration::from_secs(5))
            .await;
        let left = ran
            .applied
            .outcomes
            .iter()
            .filter(|one| one.end == End::Continue)
            .count();
        assert!((40..80).contains(&left), "{left}");
        let ran = office.run("second").await;
        assert!(!ran.applied.is_to_be_continued());
        assert!(
            office
                .world
                .ecs(|ecs| ecs.services.values().all(|one| one.desired == 0))
        );
    });
}
