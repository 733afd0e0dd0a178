//! Runs beside each other. Every point at which a run can be frozen, while somebody asks for the opposite and
//! another run does it: whoever comes back from the cold must not go on as if nothing had happened. And what
//! is asked for while a long run is under way counts for those that it has not come to yet.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use std::collections::BTreeMap;
use std::time::Duration;

use environments::apply::ApplyResult;
use environments::schedule_overrides::RequestKind;
use support::ecs::Target;
use support::{CallFault, Fixture, Svc, block_on};

const PLACE: &str = "dev/web";

fn services() -> [(&'static str, Svc); 2] {
    [
        (PLACE, Svc::new(3).scaled(2, 6, [false, true, false])),
        ("dev/db-main", Svc::new(1)),
    ]
}

type Levels = BTreeMap<String, (u32, Option<Target>)>;

fn levels(office: &Fixture) -> Levels {
    office.world.ecs(|ecs| {
        let all = ecs.services.iter();
        all.map(|(place, resource)| (place.clone(), (resource.desired, resource.target)))
            .collect()
    })
}

/// One run that is frozen at this call; the answer says how many calls there were.
async fn story(morning: bool, call: usize, seconds: u64) -> usize {
    let office = Fixture::new();
    office.world.ecs(|ecs| {
        for (place, resource) in services() {
            ecs.add(place, resource);
        }
    });
    let evening = levels(&office);
    office.until("2026-11-23T22:00:00Z").await;
    let ask = if morning {
        office.run("night").await;
        office.until("2026-11-24T09:00:00Z").await;
        RequestKind::ForceDown
    } else {
        RequestKind::Snooze
    };
    office
        .world
        .fates(move |n, _| (n == call).then_some(CallFault::Freeze(seconds)));
    let other = async {
        tokio::time::sleep(Duration::from_millis(seconds * 500)).await;
        office.ask("opposite", ask, PLACE).await;
        office.run("second").await;
    };
    tokio::join!(office.run("first"), other);
    let calls = office.world.calls().len();
    office.world.no_fates();
    for tick in 0..3 {
        tokio::time::sleep(Duration::from_mins(5)).await;
        office.run(&format!("tick {tick}")).await;
    }
    let now = levels(&office)[PLACE];
    if morning {
        assert_eq!(
            now.0, 0,
            "it was asked to be down; call {call}, {seconds} s"
        );
    } else {
        assert_eq!(
            now, evening[PLACE],
            "it was asked to be up; call {call}, {seconds} s"
        );
    }
    // The request ends; a night and a morning later all is as it was.
    for at in [
        "2026-11-24T12:00:00Z",
        "2026-11-24T12:05:00Z",
        "2026-11-24T22:00:00Z",
        "2026-11-24T22:05:00Z",
        "2026-11-25T09:00:00Z",
        "2026-11-25T09:05:00Z",
    ] {
        office.until(at).await;
        office.run(at).await;
        if at.contains("T12:05") || at.contains("T09:05") {
            assert_eq!(
                levels(&office),
                evening,
                "{at}: call {call}, {seconds} s, morning: {morning}"
            );
        }
    }
    calls
}

/// The last service of a run that takes its time.
const LAST: &str = "dev/web-99";

/// Many services; `other` happens while the run is on its way to the last.
async fn long_run(morning: bool, other: impl AsyncFnOnce(&Fixture)) -> (Fixture, ApplyResult) {
    let office = Fixture::new();
    office.world.ecs(|ecs| {
        (0..100).for_each(|n| ecs.add(&format!("dev/web-{n:02}"), Svc::new(2)));
    });
    office.until("2026-11-23T22:00:00Z").await;
    if morning {
        office.run("night").await;
        office.until("2026-11-24T09:00:00Z").await;
    }
    let other = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        other(&office).await;
    };
    let (ran, ()) = tokio::join!(office.run("long"), other);
    (office, ran.applied)
}

fn running(office: &Fixture) -> Vec<String> {
    let levels = levels(office).into_iter();
    let running = levels.filter(|(_, (count, _))| *count > 0);
    running.map(|(place, _)| place).collect()
}

#[test]
fn what_is_asked_for_during_a_run_counts_for_those_it_has_not_come_to() {
    for (morning, ask) in [(false, RequestKind::Snooze), (true, RequestKind::ForceDown)] {
        block_on(async {
            let (office, applied) = long_run(morning, async |office: &Fixture| {
                let before = running(office).contains(&LAST.to_owned());
                assert_eq!(before, !morning, "the run has not come to it");
                office.ask("opposite", ask, LAST).await;
                // It finds all as it was asked for.
                office.run("own").await;
            })
            .await;
            let running = running(&office);
            let changed = if morning {
                running.len()
            } else {
                100 - running.len()
            };
            assert_eq!(changed, 99, "{running:?}");
            assert_eq!(running.contains(&LAST.to_owned()), !morning);
            assert!(
                office.world.ecs(|ecs| {
                    let of_last = ecs.changes.iter().filter(|change| change.place == LAST);
                    of_last.count() == if morning { 2 } else { 0 }
                }),
                "it was not even touched by the morning"
            );
            assert_eq!(applied.failures().count(), 0);
        });
    }
}

#[test]
fn nothing_is_stopped_while_nobody_knows_what_was_asked_for_and_all_is_woken() {
    for morning in [false, true] {
        block_on(async {
            let (office, applied) = long_run(morning, async |office: &Fixture| {
                office.world.fates(|_, called| {
                    (called == "Query").then_some(CallFault::Fail(400, "AccessDeniedException"))
                });
            })
            .await;
            let left = if morning { 0 } else { running(&office).len() };
            assert!(running(&office).contains(&LAST.to_owned()));
            assert_eq!(applied.failures().count(), left);
            assert!(morning || (1..100).contains(&left), "{left}");
        });
    }
}

/// Two runs in one morning, each call of which may take a while; the database does not become healthy.
#[test]
fn two_runs_at_once_keep_the_order_of_the_tiers() {
    let mut points = 0;
    for (later, seconds) in [(0, 15), (2, 40)] {
        for call in 0.. {
            let calls = block_on(async {
                let office = Fixture::new();
                office.world.ecs(|ecs| {
                    for (place, resource) in services() {
                        ecs.add(place, resource);
                    }
                });
                office.until("2026-11-23T22:00:00Z").await;
                office.run("night").await;
                office.world.ecs(|ecs| ecs.get("dev/db-main").broken = true);
                office.until("2026-11-24T09:00:00Z").await;
                office
                    .world
                    .fates(move |n, _| (n == call).then_some(CallFault::Freeze(seconds)));
                let second = async {
                    tokio::time::sleep(Duration::from_secs(later)).await;
                    office.run_for("second", Duration::from_mins(2)).await
                };
                let first = office.run_for("first", Duration::from_mins(2));
                let (first, second) = tokio::join!(first, second);
                let label = format!("call {call}, {later} s later, {seconds} s");
                assert_eq!(levels(&office)["dev/db-main"].0, 1, "{label}");
                assert_eq!(levels(&office)[PLACE].0, 0, "{label}");
                for ran in [first, second] {
                    assert!(
                        ran.applied.is_to_be_continued(),
                        "{label}: {:?}",
                        ran.applied
                    );
                }
                office.world.calls().len()
            });
            points += 1;
            if call >= calls {
                break;
            }
        }
    }
    assert!(points > 70, "only {points} points");
}

#[test]
fn a_run_that_is_frozen_at_night_is_overtaken_at_every_call() {
    overtaken_at_every_call(false);
}

#[test]
fn a_run_that_is_frozen_in_the_morning_is_overtaken_at_every_call() {
    overtaken_at_every_call(true);
}

fn overtaken_at_every_call(morning: bool) {
    let mut points = 0;
    // Within the lease, a little after it, and long after it.
    for seconds in [10, 130, 400] {
        for call in 0.. {
            let calls = block_on(story(morning, call, seconds));
            points += 1;
            // The second run's calls come after those of the first.
            if call >= calls {
                break;
            }
        }
    }
    assert!(points > 70, "only {points} points");
}
