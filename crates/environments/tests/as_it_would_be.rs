//! Given back as it would be by now, and not as somebody's tag says.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use environments::backup_tag::ASLEEP_TAG;
use environments::run_report::{RunReport, summary};
use serde_json::{Value, json};
use support::ecs::Target;
use support::{CallFault, Fixture, Ran, Svc, block_on};

const NIGHT: &str = "2026-11-23T22:00:00Z";
const MORNING: &str = "2026-11-24T09:00:00Z";
const PROTECTED: &str = "deploy-hooks:protected";

fn report_of(ran: &Ran) -> String {
    summary(&RunReport {
        plan: &ran.plan,
        applied: Some(&ran.applied),
        problems: &ran.gathered.problems,
        savings: None,
    })
}

fn action(name: &str, resource: &str, schedule: &str, (min, max): (Value, Value)) -> Value {
    json!({
        "ScheduledActionName": name, "ScheduledActionARN": "arn:aws:autoscaling:x", "ServiceNamespace": "ecs",
        "ResourceId": format!("service/{resource}"), "ScalableDimension": "ecs:service:DesiredCount",
        "Schedule": schedule, "Timezone": "Europe/Berlin", "CreationTime": 1_790_000_000.0,
        "ScalableTargetAction": {"MinCapacity": min, "MaxCapacity": max},
    })
}

fn has(office: &Fixture, place: &str) -> (u32, Option<Target>) {
    office
        .world
        .ecs(|ecs| (ecs.get(place).desired, ecs.get(place).target))
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "compared with what a service may lack"
)]
fn bounds(min: u32, max: u32) -> Option<Target> {
    Some(Target {
        min,
        max,
        suspended: [false; 3],
    })
}

#[test]
fn what_a_scheduled_action_would_have_set_is_given_and_reported() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/web", Svc::new(4).scaled(2, 10, [false; 3]));
            ecs.add("dev/api", Svc::new(4).scaled(2, 10, [false; 3]));
            ecs.add("dev/late", Svc::new(4).scaled(2, 10, [false; 3]));
            // Its own schedule was suspended by people.
            ecs.add(
                "dev/paused",
                Svc::new(4).scaled(2, 10, [false, false, true]),
            );
            let mut of_another_dimension = action(
                "other",
                "dev/late",
                "cron(0 3 * * ? *)",
                (json!(7), json!(9)),
            );
            of_another_dimension["ScalableDimension"] = json!("ecs:service:Another");
            ecs.actions = vec![
                of_another_dimension,
                action(
                    "prewarm",
                    "dev/web",
                    "cron(30 8 ? * MON-FRI *)",
                    (json!(10), json!(20)),
                ),
                action("cool", "dev/api", "cron(0 3 * * ? *)", (json!(0), json!(3))),
                action(
                    "noon",
                    "dev/late",
                    "cron(0 12 * * ? *)",
                    (json!(10), json!(20)),
                ),
                action(
                    "prewarm",
                    "dev/paused",
                    "cron(30 8 ? * MON-FRI *)",
                    (json!(10), json!(20)),
                ),
            ];
        });
        office.until(NIGHT).await;
        office.run("night").await;
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 0 services, woke 4 services.
        Note: dev/api: while it slept the scheduled action cool was due at 2026-11-24T02:00:00Z and would have set 0-3; it had 4 (2-10), and would have 3 (0-3) by now.
        Note: dev/web: while it slept the scheduled action prewarm was due at 2026-11-24T07:30:00Z and would have set 10-20; it had 4 (2-10), and would have 10 (10-20) by now.
        ");
        assert_eq!(has(&office, "dev/web"), (10, bounds(10, 20)));
        assert_eq!(has(&office, "dev/api"), (3, bounds(0, 3)));
        assert_eq!(has(&office, "dev/late"), (4, bounds(2, 10)));
        assert_eq!(has(&office, "dev/paused").0, 4);
        office.until("2026-11-24T09:05:00Z").await;
        let ran = office.run("tick").await;
        assert!(ran.applied.outcomes.is_empty(), "{:?}", ran.applied);
    });
}

/// Whatever dies in the middle, the next run gives the same.
#[test]
fn a_wake_that_is_cut_off_goes_on_to_the_same_bounds() {
    for call in 0..40 {
        for fate in [CallFault::DieBefore, CallFault::DieAfter] {
            block_on(async {
                let office = Fixture::new();
                office.world.ecs(|ecs| {
                    ecs.add("dev/web", Svc::new(4).scaled(2, 10, [false; 3]));
                    let prewarm = ("prewarm", "cron(30 8 ? * MON-FRI *)");
                    ecs.actions = vec![action(
                        prewarm.0,
                        "dev/web",
                        prewarm.1,
                        (json!(12), json!(20)),
                    )];
                });
                office.until(NIGHT).await;
                office.run("night").await;
                office.until(MORNING).await;
                let world = office.world.clone();
                world.fates(move |n, _| (n == call).then_some(fate));
                let _ = world.live(office.run("struck")).await;
                world.no_fates();
                office.until("2026-11-24T09:05:00Z").await;
                office.run("next").await;
                assert_eq!(
                    has(&office, "dev/web"),
                    (12, bounds(12, 20)),
                    "{fate:?} at {call}"
                );
                office.until("2026-11-24T09:10:00Z").await;
                assert!(office.run("rest").await.applied.outcomes.is_empty());
            });
        }
    }
}

#[test]
fn actions_that_can_not_be_read_are_not_known() {
    block_on(async {
        let office = Fixture::new();
        office
            .world
            .ecs(|ecs| ecs.add("dev/web", Svc::new(4).scaled(2, 10, [false; 3])));
        office.until(NIGHT).await;
        office.run("night").await;
        office.until(MORNING).await;
        office.world.fates(|_, name| {
            (name == "DescribeScheduledActions")
                .then_some(CallFault::Fail(400, "AccessDeniedException"))
        });
        let ran = office.run("morning").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 0 services, woke 1 service.
        Not read: DescribeScheduledActions failed: AccessDeniedException: injected; the function's role needs application-autoscaling:DescribeScheduledActions; whether scheduled actions were due while services slept is not known
        ");
        assert_eq!(has(&office, "dev/web"), (4, bounds(2, 10)));
    });
}

#[test]
fn a_tag_alone_starts_no_more_than_something_vouches_for() {
    block_on(async {
        let office = Fixture::new();
        let says = |desired, rest| format!("desired={desired}{rest} at=2026-11-23T22:00:00Z");
        office.world.ecs(|ecs| {
            // Nothing but the tag speaks of it.
            ecs.add(
                "dev/forged",
                Svc::new(0).tagged(ASLEEP_TAG, &says(5000, "")),
            );
            let target = " min=4000 max=5000 suspended=---";
            let asleep = |desired, rest| {
                Svc::new(0)
                    .scaled(0, 20, [true; 3])
                    .tagged(ASLEEP_TAG, &says(desired, rest))
            };
            ecs.add("dev/forged-bounds", asleep(4500, target));
            // Records were lost.
            ecs.add("dev/few", Svc::new(0).tagged(ASLEEP_TAG, &says(3, "")));
            ecs.add("dev/many", asleep(15, " min=2 max=20 suspended=---"));
            // It runs, and stays as it is.
            ecs.add("dev/runs", Svc::new(2).tagged(ASLEEP_TAG, &says(5000, "")));
        });
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 0 services, woke 4 services.
        Note: dev/forged: its tag deploy-hooks:asleep says 5000, and it is not known to have had so many: it has 10 now.
        Note: dev/forged-bounds: its tag deploy-hooks:asleep says 4500 (4000-5000), and it is not known to have had so many: it has 20 (20-20) now.
        ");
        assert_eq!(has(&office, "dev/forged").0, 10);
        assert_eq!(has(&office, "dev/few").0, 3);
        assert_eq!(has(&office, "dev/many"), (15, bounds(2, 20)));
        assert_eq!(has(&office, "dev/runs").0, 2);
        assert!(has(&office, "dev/forged-bounds").0 <= 20);
    });
}

#[test]
fn what_is_protected_is_left_alone_whatever_else_its_tags_say() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/bare", Svc::new(2).tagged(PROTECTED, ""));
            ecs.add(
                "dev/never",
                Svc::new(2)
                    .tagged("deploy-hooks:schedule", "never")
                    .tagged(PROTECTED, "true"),
            );
            ecs.add("dev/no", Svc::new(2).tagged(PROTECTED, "no"));
            // IAM compares to the letter.
            ecs.add("dev/word", Svc::new(2).tagged(PROTECTED, "False"));
            ecs.add("dev/blanks", Svc::new(2).tagged(PROTECTED, " false "));
            ecs.add(
                "dev/forged",
                Svc::new(0)
                    .tagged(ASLEEP_TAG, "desired=5 at=2026-11-23T22:00:00Z")
                    .tagged(PROTECTED, "yes"),
            );
            ecs.add("dev/not", Svc::new(2).tagged(PROTECTED, "false"));
        });
        office.until(NIGHT).await;
        office.run("night").await;
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        office.world.ecs(|ecs| {
            let changed: Vec<&str> = ecs
                .changes
                .iter()
                .map(|change| change.place.as_str())
                .collect();
            assert!(
                changed.iter().all(|place| *place == "dev/not"),
                "{changed:?}"
            );
            assert_eq!(ecs.get("dev/forged").desired, 0);
        });
        insta::assert_snapshot!(ran.plan.find("dev/never").unwrap().why, @"its tag deploy-hooks:protected protects it");
    });
}

#[test]
fn what_was_due_counts_where_somebody_touched_it_in_the_night_too() {
    block_on(async {
        let office = Fixture::new();
        let prewarm = |place: &str| {
            let bounds = (json!(10), json!(20));
            action("prewarm", place, "cron(30 8 ? * MON-FRI *)", bounds)
        };
        office.world.ecs(|ecs| {
            for place in ["dev/same", "dev/other", "dev/max"] {
                ecs.add(place, Svc::new(4).scaled(2, 10, [false; 3]));
                ecs.actions.push(prewarm(place));
            }
            ecs.add("dev/low", Svc::new(4).scaled(2, 10, [false; 3]));
            let bounds = (json!(0), json!(3));
            ecs.actions
                .push(action("cool", "dev/low", "cron(0 3 * * ? *)", bounds));
        });
        office.until(NIGHT).await;
        office.run("night").await;
        office.world.ecs(|ecs| {
            ecs.services.get_mut("dev/same").unwrap().desired = 4;
            ecs.services.get_mut("dev/other").unwrap().desired = 5;
            ecs.services.get_mut("dev/low").unwrap().desired = 2;
            let max = ecs.services.get_mut("dev/max").unwrap();
            max.target.as_mut().unwrap().max = 12;
        });
        office.until("2026-11-23T23:00:00Z").await;
        office.run("tick").await;
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        let report_of = report_of(&ran);
        for place in ["dev/same", "dev/other", "dev/max"] {
            let line = report_of.lines().find(|line| line.contains(place));
            assert!(
                line.is_some_and(|line| line.contains("prewarm was due")),
                "{report_of}"
            );
        }
        assert_eq!(has(&office, "dev/same"), (10, bounds(10, 20)));
        // Five do not fit into what is due, so it has the bounds that it had.
        assert_eq!(has(&office, "dev/other"), (5, bounds(2, 10)), "{report_of}");
        assert_eq!(has(&office, "dev/low"), (2, bounds(0, 3)), "{report_of}");
        assert_eq!(has(&office, "dev/max"), (10, bounds(10, 12)), "{report_of}");
    });
}

#[test]
fn what_was_due_counts_where_only_the_tag_knows_of_the_sleep() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/web", Svc::new(4).scaled(2, 10, [false; 3]));
            let bounds = (json!(10), json!(20));
            let prewarm = action("prewarm", "dev/web", "cron(30 8 ? * MON-FRI *)", bounds);
            ecs.actions = vec![prewarm];
        });
        office.until(NIGHT).await;
        office.run("night").await;
        office
            .world
            .with(|state| state.tables.lose(&support::ecs::arn("dev/web")));
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        assert!(
            report_of(&ran).contains("prewarm was due"),
            "{}",
            report_of(&ran)
        );
        assert_eq!(has(&office, "dev/web"), (10, bounds(10, 20)));
    });
}

/// Application Auto Scaling does what is due a moment later, and by then all is suspended.
#[test]
fn what_was_due_in_the_minute_of_the_sleep_counts() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            ecs.add("dev/web", Svc::new(4).scaled(2, 10, [false; 3]));
            ecs.add("dev/done", Svc::new(4).scaled(2, 10, [false; 3]));
            let at_ten = "cron(0 23 * * ? *)";
            ecs.actions = vec![
                action("evening", "dev/web", at_ten, (json!(1), json!(3))),
                // It had its effect before.
                action("evening", "dev/done", at_ten, (json!(2), json!(10))),
            ];
        });
        office.until(NIGHT).await;
        office.run("night").await;
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        insta::assert_snapshot!(report_of(&ran), @r"
        Stopped 0 services, woke 2 services.
        Note: dev/web: while it slept the scheduled action evening was due at 2026-11-23T22:00:00Z and would have set 1-3; it had 4 (2-10), and would have 3 (1-3) by now.
        ");
        assert_eq!(has(&office, "dev/web"), (3, bounds(1, 3)));
        assert_eq!(has(&office, "dev/done"), (4, bounds(2, 10)));
    });
}
