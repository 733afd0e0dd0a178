//! Nights and mornings through the function's door.

use std::time::Duration;

use serde_json::json;

use crate::fixture::{Fixture, MORNING, NIGHT};
use crate::support::{CallFault, Svc, block_on, dice};

fn street(fixture: &Fixture) {
    fixture.add("dev/web", Svc::new(3).scaled(2, 6, [false, true, false]));
    fixture.add("dev/api", Svc::new(2));
    fixture.add("test/web", Svc::new(1));
    fixture.add("test/plain", Svc::plain(4));
    fixture.add("prod/web", Svc::new(5));
}

#[test]
fn after_the_morning_everything_is_as_in_the_evening() {
    block_on(async {
        let fixture = Fixture::new();
        street(&fixture);
        let evening = fixture.all();
        fixture.until(NIGHT).await;
        let answer = fixture.night().await;
        insta::assert_json_snapshot!(answer, @r#"
        {
          "action": "down",
          "at": "2026-11-23T22:00:00Z",
          "dry_run": false,
          "account": "111122223333",
          "region": "eu-central-1",
          "totals": {
            "services": 5,
            "selected": 3,
            "asleep": 0,
            "sleep": 3,
            "wake": 0,
            "defer": 0,
            "conflict": 0,
            "leave": 0,
            "busy": 0,
            "skip": 2,
            "attention": 1
          },
          "done": {
            "stopped": 3,
            "woken": 0,
            "failed": 0,
            "conflicts": 0,
            "deferred": 0,
            "continue": 0,
            "unread": 0,
            "stuck": 0,
            "unmet": 0
          },
          "summary": "Stopped 3 services, woke 0 services.\nSkipped: prod/web: prod/web looks like production (\"prod\"); if it isn't, name it under not_production.\n",
          "problems": [
            "prod/web is skipped: prod/web looks like production (\"prod\"); if it isn't, name it under not_production"
          ],
          "continued": false
        }
        "#);
        for (place, service) in fixture.all() {
            let stays = place == "prod/web" || place == "test/plain";
            assert_eq!(service.desired > 0, stays, "{place}");
        }
        fixture.until("2026-11-24T02:00:00Z").await;
        let tick = fixture.invoke(json!({"action": "tick"})).await.unwrap();
        assert_eq!(
            (&tick["done"]["stopped"], &tick["done"]["woken"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(tick["totals"]["asleep"], 3);
        fixture.until(MORNING).await;
        let answer = fixture.morning().await;
        insta::assert_snapshot!(answer["summary"].as_str().unwrap(), @r#"
        Stopped 0 services, woke 3 services.
        Skipped: prod/web: prod/web looks like production ("prod"); if it isn't, name it under not_production.
        Saved by the sleep that ended: about 1.63 USD (33.0 vCPU-hours, 66.0 GB-hours) of 3 services.
        "#);
        assert_eq!(fixture.all(), evening);
    });
}

#[test]
fn what_was_saved_is_measured_once() {
    block_on(async {
        let fixture = Fixture::new();
        street(&fixture);
        fixture.until(NIGHT).await;
        fixture.night().await;
        fixture.until(MORNING).await;
        fixture.morning().await;
        fixture.morning().await;
        let metrics = fixture.metrics();
        let read = |name: &str| -> Vec<f64> {
            let lines = metrics.iter();
            lines.filter_map(|line| line[name].as_f64()).collect()
        };
        assert_eq!(read("Asleep"), [3.0, 0.0, 0.0]);
        assert_eq!(read("Stopped"), [3.0, 0.0, 0.0]);
        assert_eq!(read("Woken"), [0.0, 3.0, 0.0]);
        assert_eq!(read("Failed"), [0.0; 3]);
        // Six tasks of half a vCPU and 1 GB, for eleven hours.
        let near = |found: Vec<f64>, right: [f64; 3]| {
            let mut all = found.iter().zip(right);
            assert!(all.all(|(a, b)| (a - b).abs() < 0.1), "{found:?}");
        };
        near(read("SavedVcpuHours"), [0.0, 33.0, 0.0]);
        near(read("SavedGbHours"), [0.0, 66.0, 0.0]);
        near(read("SavedMoney"), [0.0, 1.63, 0.0]);
    });
}

/// Whoever was started by hand in the night did not count as asleep, and is not taken away from those that do.
#[test]
fn what_sleeps_is_counted_once_whoever_wakes() {
    block_on(async {
        let fixture = Fixture::new();
        let kept_down = "deploy-hooks:force-down-until";
        fixture.add("dev/by-hand", Svc::new(2));
        fixture.add(
            "dev/down",
            Svc::new(2).tagged(kept_down, "2026-11-24T12:00:00Z"),
        );
        fixture.until(NIGHT).await;
        fixture.night().await;
        let set = |count: u32| fixture.world.ecs(|ecs| ecs.get("dev/by-hand").set(count));
        set(1);
        fixture.until("2026-11-24T00:00:00Z").await;
        fixture.night().await;
        set(0);
        fixture.until(MORNING).await;
        fixture.morning().await;
        assert_eq!(fixture.desired("dev/by-hand"), 2);
        let metrics = fixture.metrics();
        let asleep = metrics.iter().filter_map(|line| line["Asleep"].as_f64());
        assert_eq!(asleep.collect::<Vec<_>>(), [2.0, 1.0, 1.0]);
    });
}

#[test]
fn a_dry_run_changes_nothing() {
    block_on(async {
        let dry = Fixture::with(&[("ENVIRONMENTS_DRY_RUN", "")]);
        let wet = Fixture::new();
        for (fixture, event) in [
            (&dry, json!({"action": "down", "at": NIGHT})),
            // The event can't lift the setting.
            (
                &dry,
                json!({"action": "down", "at": NIGHT, "dry_run": false}),
            ),
            (
                &wet,
                json!({"action": "down", "at": NIGHT, "dry_run": true}),
            ),
        ] {
            street(fixture);
            let before = fixture.all();
            let answer = fixture.invoke(event).await.unwrap();
            assert_eq!(answer["dry_run"], true);
            assert_eq!(answer["totals"]["sleep"], 3, "it is planned all the same");
            assert_eq!(answer["done"]["stopped"], 0);
            assert_eq!(answer["continued"], false);
            assert_eq!(fixture.changing_calls(), [""; 0]);
            assert_eq!(fixture.all(), before);
            assert!(fixture.metrics().is_empty(), "nothing was done");
            insta::allow_duplicates! {
                insta::assert_snapshot!(answer["summary"].as_str().unwrap().lines().next().unwrap(), @"Dry run: would stop 3 services and wake 0 services; nothing was changed.");
            }
        }
        // Only to see that the same event does change something.
        wet.night().await;
        assert!(!wet.changing_calls().is_empty());
    });
}

#[test]
fn a_late_event_finds_the_day_as_it_is() {
    block_on(async {
        let fixture = Fixture::new();
        street(&fixture);
        fixture.until(NIGHT).await;
        fixture.night().await;
        fixture.until("2026-11-24T09:31:00Z").await;
        // The evening's event is delivered again, and so is the morning's at last.
        let late = fixture.night().await;
        assert_eq!(late["at"], "2026-11-24T09:31:00Z");
        assert_eq!(
            late["done"]["woken"], 3,
            "it is day, whatever the event is called"
        );
        let morning = fixture.morning().await;
        assert_eq!(morning["done"]["woken"], 0);
        assert_eq!(fixture.desired("dev/web"), 3);
    });
}

#[test]
fn a_clock_that_is_ahead_is_believed_in_a_local_aws_and_runs_on() {
    block_on(async {
        let fixture = Fixture::new();
        street(&fixture);
        // It is 20:00.
        let answer = fixture.night().await;
        assert_eq!(answer["at"], NIGHT);
        assert_eq!(fixture.desired("dev/web"), 0);
        let memories = fixture.world.with(|state| state.tables.memories());
        for (arn, memory) in memories {
            assert!(
                memory["since"]
                    .as_str()
                    .unwrap()
                    .starts_with("2026-11-23T22:00:0"),
                "{arn}"
            );
        }
        let answer = fixture.morning().await;
        assert_eq!(answer["done"]["woken"], 3);
        assert_eq!(fixture.desired("dev/web"), 3);
    });
}

#[test]
fn the_same_event_twice_is_the_event_once() {
    block_on(async {
        let fixture = Fixture::new();
        street(&fixture);
        let evening = fixture.all();
        fixture.until(NIGHT).await;
        fixture.night().await;
        let slept = fixture.world.ecs(|ecs| ecs.changes.len());
        let again = fixture.night().await;
        assert_eq!(again["done"]["stopped"], 0);
        assert_eq!(fixture.world.ecs(|ecs| ecs.changes.len()), slept);
        fixture.until(MORNING).await;
        fixture.morning().await;
        fixture.morning().await;
        assert_eq!(fixture.all(), evening);
    });
}

/// Runs that come at once, each call of them in another order every time.
#[test]
fn runs_at_once_are_harmless() {
    for seed in 1..16 {
        block_on(async {
            let fixture = Fixture::new();
            street(&fixture);
            (0..12).for_each(|n| fixture.add(&format!("dev/more-{n}"), Svc::new(n % 4)));
            let evening = fixture.all();
            let mut die = dice(seed);
            fixture
                .world
                .patience(move || usize::try_from(die(6)).unwrap());
            fixture.until(NIGHT).await;
            let (one, two, three) = tokio::join!(fixture.night(), fixture.night(), fixture.night());
            let stopped = [&one, &two, &three].map(|run| run["done"]["stopped"].as_u64().unwrap());
            assert_eq!(
                stopped.iter().sum::<u64>(),
                12,
                "{seed}: each once: {stopped:?}"
            );
            assert_eq!(
                [&one, &two, &three].map(|run| run["done"]["failed"].as_u64().unwrap()),
                [0; 3]
            );
            fixture.until(MORNING).await;
            let (one, two) = tokio::join!(fixture.morning(), fixture.morning());
            let woken = [&one, &two].map(|run| run["done"]["woken"].as_u64().unwrap());
            assert_eq!(
                woken.iter().sum::<u64>(),
                12,
                "{seed}: each once: {woken:?}"
            );
            let mut morning = fixture.all();
            for (place, service) in &mut morning {
                service.counts.clone_from(&evening[place].counts);
            }
            assert_eq!(morning, evening, "{seed}");
            // What slept is a line of its own, with other dimensions.
            let saved: Vec<f64> = fixture
                .metrics()
                .iter()
                .filter_map(|line| line["SavedVcpuHours"].as_f64())
                .collect();
            assert_eq!(saved.len(), 5, "{seed}: one line for each run");
            let saved: f64 = saved.iter().sum();
            // (6 + 3 × (1 + 2 + 3)) tasks of half a vCPU for eleven hours.
            assert!((saved - 132.0).abs() < 1.0, "{seed}: {saved}");
        });
    }
}

#[test]
fn only_what_is_asked_for() {
    block_on(async {
        let fixture = Fixture::new();
        street(&fixture);
        fixture.until(NIGHT).await;
        let event = json!({"action": "tick", "only": "dev/*", "cause": "by hand"});
        let answer = fixture.invoke(event).await.unwrap();
        assert_eq!(answer["totals"]["services"], 2);
        assert_eq!(fixture.desired("dev/web") + fixture.desired("dev/api"), 0);
        assert_eq!(fixture.desired("test/web"), 1);
    });
}

#[test]
fn a_warm_function_remembers_what_it_has_used_of_the_budget() {
    block_on(async {
        let fixture = Fixture::new();
        (0..40).for_each(|n| fixture.add(&format!("dev/web-{n}"), Svc::new(1)));
        fixture.until(NIGHT).await;
        let began = tokio::time::Instant::now();
        fixture.night().await;
        assert!(began.elapsed() < Duration::from_secs(5), "one burst");
        (0..40).for_each(|n| fixture.add(&format!("dev/late-{n}"), Svc::new(1)));
        let began = tokio::time::Instant::now();
        fixture.night().await;
        assert!(
            began.elapsed() > Duration::from_secs(5),
            "the bucket was empty"
        );
        assert!(fixture.all().values().all(|service| service.desired == 0));
    });
}

/// The function dies at one of its calls, before or after that takes effect; Lambda tries the event again.
#[test]
fn a_crash_at_any_call_loses_nothing() {
    let die_at = |at: usize, fate: CallFault| {
        block_on(async {
            let fixture = Fixture::new();
            street(&fixture);
            let evening = fixture.all();
            fixture.until(NIGHT).await;
            fixture.world.fates(move |n, _| (n == at).then_some(fate));
            let night = fixture.invoke(json!({"action": "down", "at": NIGHT}));
            let survived = fixture.world.live(night).await.is_some();
            fixture.world.no_fates();
            // By then nobody holds a service any more.
            fixture.until("2026-11-23T22:05:00Z").await;
            fixture.night().await;
            assert_eq!(
                fixture.desired("dev/web") + fixture.desired("dev/api"),
                0,
                "{at}"
            );
            fixture.until(MORNING).await;
            fixture.world.fates(move |n, _| (n == at).then_some(fate));
            let morning = fixture.invoke(json!({"action": "up", "at": MORNING}));
            let died = fixture.world.live(morning).await.is_none();
            fixture.world.no_fates();
            fixture.until("2026-11-24T09:05:00Z").await;
            fixture.morning().await;
            let mut morning = fixture.all();
            for (place, service) in &mut morning {
                service.counts.clone_from(&evening[place].counts);
            }
            assert_eq!(morning, evening, "dead at call {at}, {fate:?}");
            !survived || died
        })
    };
    let mut at = 0;
    while die_at(at, CallFault::DieAfter) {
        die_at(at + 1, CallFault::DieBefore);
        at += 3;
    }
    assert!(at > 30, "a night has more calls than {at}");
}
