//! What else can happen in a night, and what the morning looks like then: one story each.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

mod answers;

use environments::backup_tag::ASLEEP_TAG;
use environments::run_report::{RunReport, summary};
use environments::schedule_overrides::{KEEP_UP_TAG, RequestKind};
use support::ecs::{self, Target, arn};
use support::{CONFIG, CallFault, Fixture, Ran, Svc, block_on, config};

const NIGHT: &str = "2026-11-23T22:00:00Z";
const LATER: &str = "2026-11-24T01:00:00Z";
const MORNING: &str = "2026-11-24T09:00:00Z";
const SCHEDULE: &str = "deploy-hooks:schedule";
const SUSPENDED: [bool; 3] = [true; 3];
const NOT: [bool; 3] = [false; 3];

#[allow(clippy::unnecessary_wraps, reason = "as a service has it")]
fn target(min: u32, max: u32, suspended: [bool; 3]) -> Option<Target> {
    Some(Target {
        min,
        max,
        suspended,
    })
}

/// One service that sleeps; then somebody does something at night.
async fn asleep(evening: &Svc) -> Fixture {
    let office = Fixture::new();
    office.world.ecs(|ecs| ecs.add("dev/web", evening.clone()));
    office.until(NIGHT).await;
    office.run("night").await;
    assert_eq!(web(&office).desired, 0);
    office.until(LATER).await;
    office
}

fn web(office: &Fixture) -> Svc {
    office.world.ecs(|ecs| ecs.get("dev/web").clone())
}

fn at_night(office: &Fixture, act: impl FnOnce(&mut Svc)) {
    office.world.ecs(|ecs| act(ecs.get("dev/web")));
}

/// A tick at night, and the morning.
async fn morning(office: &Fixture) -> Ran {
    office.run("tick").await;
    office.until(MORNING).await;
    office.run("morning").await
}

fn phase(office: &Fixture) -> String {
    record(office)["phase"].as_str().unwrap().to_owned()
}

fn record(office: &Fixture) -> serde_json::Value {
    office
        .world
        .with(|state| state.tables.memories()[&arn("dev/web")].clone())
}

fn report_of(ran: &Ran) -> String {
    summary(&RunReport {
        plan: &ran.plan,
        applied: Some(&ran.applied),
        problems: &ran.gathered.problems,
        savings: None,
    })
}

#[test]
fn what_is_odd_in_the_evening_is_as_odd_in_the_morning() {
    for evening in [
        Svc::new(8).scaled(2, 6, NOT),
        Svc::new(1).scaled(2, 6, NOT),
        Svc::new(3).scaled(2, 6, SUSPENDED),
        Svc::new(3).scaled(0, 3, [true, false, true]),
        Svc::new(3).scaled(3, 3, NOT),
        Svc {
            controller: "EXTERNAL",
            ..Svc::new(2)
        },
    ] {
        block_on(async {
            let office = asleep(&evening).await;
            morning(&office).await;
            assert_eq!(web(&office), evening);
            assert_eq!(phase(&office), "up");
        });
    }
}

#[test]
fn who_is_not_selected_any_more_gets_back_what_it_had() {
    // With the tag that says what it had, and without: a service has fifty tags at most.
    for tagged in [true, false] {
        block_on(async {
            let evening = Svc::new(3).scaled(2, 6, [false, true, false]);
            let office = Fixture::new();
            office.world.ecs(|ecs| ecs.add("dev/web", evening.clone()));
            office.until(NIGHT).await;
            office.world.fates(move |_, called| {
                (!tagged && called == "TagResource")
                    .then_some(CallFault::Fail(400, "InvalidParameterException"))
            });
            let ran = office.run("night").await;
            assert_eq!(web(&office).tags.contains_key(ASLEEP_TAG), tagged);
            assert_eq!(ran.applied.warnings.len(), usize::from(!tagged));
            office.world.no_fates();
            office.until(LATER).await;
            at_night(&office, |web| drop(web.tags.remove(SCHEDULE)));
            let ran = office.run("tick").await;
            insta::allow_duplicates! {
                insta::assert_snapshot!(ran.plan.rows[0].why, @"it is no longer selected, so what it had is restored");
            }
            let expected = Svc {
                tags: [].into(),
                ..evening
            };
            assert_eq!(web(&office), expected);
            office.world.ecs(|ecs| ecs.changes.clear());
            morning(&office).await;
            assert_eq!(office.world.ecs(|ecs| ecs.changes.len()), 0, "only once");
        });
    }
}

#[test]
fn who_is_not_selected_any_more_and_was_started_keeps_that() {
    block_on(async {
        let office = asleep(&Svc::new(3).scaled(2, 6, NOT)).await;
        at_night(&office, |web| {
            web.set(2);
            web.tags.remove(SCHEDULE);
        });
        office.run("tick").await;
        assert_eq!(web(&office).desired, 2);
        assert_eq!(web(&office).target, target(2, 6, NOT));
        assert_eq!(phase(&office), "conflict");
    });
}

#[test]
fn who_must_not_be_touched_any_more_is_left_asleep_and_told() {
    for tagged in [true, false] {
        block_on(async {
            let mut office = asleep(&Svc::new(3)).await;
            if !tagged {
                at_night(&office, |web| drop(web.tags.remove(ASLEEP_TAG)));
            }
            office.config = config(&CONFIG.replace("'*/never-*'", "'*/web'"));
            office.world.ecs(|ecs| ecs.changes.clear());
            let ran = morning(&office).await;
            assert_eq!(office.world.ecs(|ecs| ecs.changes.len()), 0);
            insta::allow_duplicates! {
                insta::assert_snapshot!(report_of(&ran), @r#"
                Stopped 0 services, woke 0 services.
                Skipped: dev/web: denied by "*/web" in the configuration; it sleeps and is left asleep: select it again, or set its count by hand and remove the tag deploy-hooks:asleep.
                "#);
            }
        });
    }
}

#[test]
fn what_runs_and_must_not_be_touched_is_not_said_to_sleep() {
    block_on(async {
        let mut office = asleep(&Svc::new(3).scaled(2, 6, NOT)).await;
        at_night(&office, |web| web.set(1));
        let tag = web(&office).tags[ASLEEP_TAG].clone();
        office.world.ecs(|ecs| {
            // A tool copied all tags, and it never opted in.
            let mut copied = Svc::new(2).scaled(1, 4, NOT).tagged(ASLEEP_TAG, &tag);
            copied.tags.remove(SCHEDULE);
            ecs.add("dev/copied", copied);
        });
        office.run("tick").await;
        for tagged in [true, false] {
            if !tagged {
                at_night(&office, |web| drop(web.tags.remove(ASLEEP_TAG)));
            }
            office.config = config(&CONFIG.replace("'*/never-*'", "'*/web'"));
            let ran = office.run("denied").await;
            insta::allow_duplicates! {
                insta::assert_snapshot!(report_of(&ran), @r#"
                Stopped 0 services, woke 0 services.
                Skipped: dev/copied: not selected: no tag deploy-hooks:schedule and no rule; it runs, although its tag deploy-hooks:asleep says that it sleeps: remove the tag.
                Skipped: dev/web: denied by "*/web" in the configuration; it runs at 1 (0-6, suspended), with the bounds of its sleep, and had 3 (2-6): select it again, or restore its bounds by hand and remove the tag deploy-hooks:asleep.
                "#);
            }
            let row = ran.plan.find("dev/web").unwrap();
            assert!(row.attention && !row.stuck);
        }
    });
}

#[test]
fn a_tag_that_nobody_understands_wakes_and_can_be_corrected() {
    block_on(async {
        let evening = Svc::new(3).scaled(2, 6, NOT);
        let office = asleep(&evening).await;
        at_night(&office, |web| {
            drop(web.tags.insert(SCHEDULE.into(), "offise".into()));
        });
        let ran = office.run("tick").await;
        assert_eq!(
            (web(&office).desired, web(&office).target),
            (3, evening.target)
        );
        insta::assert_snapshot!(ran.plan.rows[0].why, @r#"its schedule can't be read, so what it had is restored; the tag deploy-hooks:schedule says "offise": column 1: unknown schedule "offise"; did you mean office?"#);
        assert!(ran.plan.rows[0].stuck);
        let ran = morning(&office).await;
        assert!(ran.applied.outcomes.is_empty());
        insta::assert_snapshot!(report_of(&ran), @r#"
        Stopped 0 services, woke 0 services.
        Skipped: dev/web: the tag deploy-hooks:schedule says "offise": column 1: unknown schedule "offise"; did you mean office?; it is left as it is until that is corrected.
        "#);
        office.until("2026-11-24T22:00:00Z").await;
        office.run("evening").await;
        assert_eq!(web(&office).desired, 3, "nobody knows when it should sleep");
        at_night(&office, |web| {
            drop(web.tags.insert(SCHEDULE.into(), "office".into()));
        });
        office.run("corrected").await;
        assert_eq!(web(&office).desired, 0);
        office.until("2026-11-25T09:00:00Z").await;
        office.run("second morning").await;
        assert_eq!(web(&office), evening);
    });
}

#[test]
fn a_schedule_that_the_configuration_has_lost_keeps_nobody_asleep() {
    for (tag, edited) in [
        ("office", CONFIG.replace("office", "hours")),
        ("default", CONFIG.replace("default_schedule: office\n", "")),
    ] {
        // With its record, and where that is lost and only the tag knows.
        for recorded in [true, false] {
            block_on(async {
                let evening = Svc::new(3).scaled(2, 6, NOT).tagged(SCHEDULE, tag);
                let mut office = asleep(&evening).await;
                office.config = config(&edited);
                if !recorded {
                    office
                        .world
                        .with(|state| state.tables.lose(&arn("dev/web")));
                }
                morning(&office).await;
                assert_eq!(web(&office), evening, "{tag}");
            });
        }
    }
}

#[test]
fn who_shall_be_down_in_so_many_words_is_not_woken_by_an_unreadable_schedule() {
    block_on(async {
        let office = asleep(&Svc::new(3)).await;
        office.ask("down", RequestKind::ForceDown, "dev/web").await;
        at_night(&office, |web| {
            drop(web.tags.insert(SCHEDULE.into(), "offise".into()));
        });
        let ran = office.run("tick").await;
        assert_eq!(web(&office).desired, 0);
        assert!(ran.plan.rows[0].stuck);
        office.until("2026-11-24T02:00:00Z").await;
        office.run("it is over").await;
        assert_eq!(web(&office).desired, 3);
    });
}

#[test]
fn an_unclear_request_keeps_nobody_asleep() {
    block_on(async {
        let evening = Svc::new(3).scaled(2, 6, NOT);
        let office = asleep(&evening).await;
        at_night(&office, |web| {
            drop(web.tags.insert(KEEP_UP_TAG.into(), "tomorrow".into()));
        });
        let ran = office.run("tick").await;
        assert_eq!(web(&office).desired, 0);
        insta::assert_snapshot!(report_of(&ran), @r#"
        Stopped 0 services, woke 0 services.
        Skipped: dev/web: the tag deploy-hooks:keep-up-until says "tomorrow", which is no instant; write it as 2026-11-21T23:30:00Z; it is left as it is until that is corrected.
        "#);
        office.until(MORNING).await;
        let ran = office.run("morning").await;
        assert_eq!(web(&office).desired, 3);
        assert_eq!(web(&office).target, evening.target);
        insta::assert_snapshot!(ran.plan.rows[0].why, @r#"by "Mon-Fri 09:00-22:00 UTC"; the tag deploy-hooks:keep-up-until says "tomorrow", which is no instant; write it as 2026-11-21T23:30:00Z"#);
        assert!(ran.plan.rows[0].attention);
    });
}

#[test]
fn a_tag_that_could_not_be_removed_is_removed_later() {
    block_on(async {
        let evening = Svc::new(3);
        let office = asleep(&evening).await;
        office.until(MORNING).await;
        office.world.fates(|_, called| {
            (called == "UntagResource").then_some(CallFault::Fail(400, "AccessDeniedException"))
        });
        let ran = office.run("morning").await;
        assert_eq!(ran.applied.warnings.len(), 1, "it is told");
        assert_eq!(web(&office).desired, 3);
        assert!(web(&office).tags.contains_key(ASLEEP_TAG));
        office.world.no_fates();
        office.until("2026-11-24T09:05:00Z").await;
        let ran = office.run("tick").await;
        assert_eq!(web(&office), evening);
        assert!(ran.applied.outcomes.is_empty());
    });
}

#[test]
fn a_schedule_that_is_changed_at_night_counts_at_once() {
    block_on(async {
        let evening = Svc::new(3).scaled(2, 6, NOT);
        let office = asleep(&evening).await;
        at_night(&office, |web| {
            drop(web.tags.insert(SCHEDULE.into(), "always".into()));
        });
        office.run("tick").await;
        assert_eq!(web(&office).desired, 3);
        assert_eq!(web(&office).target, evening.target);
    });
}

#[test]
fn bounds_that_somebody_changed_stay_and_the_count_is_given_back() {
    for (changed, expected) in [
        // The service does without auto scaling from now on.
        (None, (3, None)),
        // A stack raised the maximum; minimum and suspensions are still as we set them.
        (target(0, 10, SUSPENDED), (3, target(2, 10, NOT))),
        // Somebody wants no minimum, and scaling in at once.
        (
            target(0, 6, [false, true, true]),
            (3, target(2, 6, [false, true, true])),
        ),
    ] {
        for ticks in [true, false] {
            block_on(async {
                let office = asleep(&Svc::new(3).scaled(2, 6, NOT)).await;
                at_night(&office, |web| web.target = changed);
                let ran = if ticks {
                    morning(&office).await
                } else {
                    office.until(MORNING).await;
                    office.run("morning").await
                };
                let now = web(&office);
                assert_eq!((now.desired, now.target), expected);
                assert!(!now.tags.contains_key(ASLEEP_TAG));
                assert_eq!(phase(&office), "up");
                assert!(record(&office)["conflict"].is_object(), "it is recorded");
                assert_eq!(
                    ran.applied.warnings.len(),
                    1,
                    "and told: {}",
                    report_of(&ran)
                );
            });
        }
    }
}

#[test]
fn auto_scaling_that_is_new_stays_and_the_count_is_given_back() {
    block_on(async {
        let office = asleep(&Svc::new(3)).await;
        at_night(&office, |web| web.target = target(0, 4, NOT));
        let ran = morning(&office).await;
        let now = web(&office);
        assert_eq!((now.desired, now.target), (3, target(0, 4, NOT)));
        insta::assert_snapshot!(report_of(&ran), @"
        Stopped 0 services, woke 1 service.
        Note: dev/web: somebody changed its bounds while it slept (set to 0, found at 0 (0-4)); it has 3 (0-4) now.
        ");
    });
}

#[test]
fn a_count_outside_of_new_bounds_is_a_conflict() {
    block_on(async {
        let office = asleep(&Svc::new(3).scaled(2, 6, NOT)).await;
        at_night(&office, |web| web.target = target(0, 2, SUSPENDED));
        let ran = morning(&office).await;
        assert_eq!(web(&office).desired, 0);
        assert_eq!(phase(&office), "conflict");
        assert!(ran.plan.rows[0].attention);
    });
}

/// The run dies before and after each of its calls.
#[test]
fn nothing_is_lost_where_bounds_were_changed_and_the_run_dies() {
    let mut points = 0;
    for fate in [CallFault::DieBefore, CallFault::DieAfter, CallFault::Lose] {
        for call in 0.. {
            let calls = block_on(async {
                let office = asleep(&Svc::new(3).scaled(2, 6, NOT)).await;
                at_night(&office, |web| web.target = target(0, 10, SUSPENDED));
                office.until(MORNING).await;
                let world = office.world.clone();
                world.fates(move |n, _| (n == call).then_some(fate));
                let _ = world.live(office.run("struck")).await;
                let calls = world.calls().len();
                world.no_fates();
                for at in ["2026-11-24T09:05:00Z", "2026-11-24T09:10:00Z"] {
                    office.until(at).await;
                    office.run(at).await;
                }
                let now = web(&office);
                let report_of = format!("{fate:?} at {call}: {}", record(&office));
                assert_eq!(
                    (now.desired, now.target),
                    (3, target(2, 10, NOT)),
                    "{report_of}"
                );
                assert!(record(&office)["conflict"].is_object(), "{report_of}");
                calls
            });
            points += 1;
            if call >= calls {
                break;
            }
        }
    }
    assert!(points > 30, "only {points} points");
}

#[test]
fn a_stack_that_is_deployed_at_night_keeps_its_count_and_gets_back_the_rest() {
    for (count, stack, expected) in [
        // CloudFormation sets the count of the template, and does not touch the scalable target.
        (2, target(0, 6, SUSPENDED), (2, target(2, 6, NOT))),
        (3, target(0, 6, SUSPENDED), (3, target(2, 6, NOT))),
        // Terraform sets count and bounds, and may set the suspensions.
        (2, target(2, 6, SUSPENDED), (2, target(2, 6, NOT))),
        (3, target(2, 6, SUSPENDED), (3, target(2, 6, NOT))),
        (3, target(2, 6, NOT), (3, target(2, 6, NOT))),
        (4, target(4, 8, SUSPENDED), (4, target(4, 8, NOT))),
    ] {
        block_on(async {
            let office = asleep(&Svc::new(3).scaled(2, 6, NOT)).await;
            at_night(&office, |web| {
                web.set(count);
                web.register(stack.unwrap());
                web.task_definition.push('2');
            });
            office.run("tick").await;
            assert_eq!(web(&office).desired, count, "it is somebody's work");
            morning(&office).await;
            let now = web(&office);
            assert_eq!((now.desired, now.target), expected, "{count} {stack:?}");
            assert!(!now.tags.contains_key(ASLEEP_TAG));
            // The next night and morning are as ever.
            office.until("2026-11-24T22:00:00Z").await;
            office.run("second night").await;
            assert_eq!(web(&office).desired, 0);
            office.until("2026-11-25T09:00:00Z").await;
            office.run("second morning").await;
            let now = web(&office);
            assert_eq!((now.desired, now.target), expected, "{count} {stack:?}");
        });
    }
}

#[test]
fn what_somebody_stopped_by_day_is_not_started_in_the_next_morning() {
    block_on(async {
        let office = asleep(&Svc::new(3).scaled(2, 6, NOT)).await;
        at_night(&office, |web| web.set(1));
        morning(&office).await;
        assert_eq!(phase(&office), "conflict");
        office.until("2026-11-24T12:00:00Z").await;
        at_night(&office, |web| web.set(0));
        for at in [
            "2026-11-24T12:05:00Z",
            "2026-11-24T22:00:00Z",
            "2026-11-24T22:05:00Z",
            "2026-11-25T09:00:00Z",
            "2026-11-25T09:05:00Z",
        ] {
            office.until(at).await;
            office.run(at).await;
            assert_eq!(web(&office).desired, 0, "{at}");
        }
        // Whoever starts it has it whole again.
        at_night(&office, |web| web.set(3));
        office.until("2026-11-25T10:00:00Z").await;
        office.run("started").await;
        assert_eq!(web(&office).target, target(2, 6, NOT));
    });
}
