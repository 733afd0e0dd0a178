//! Every point at which a run can be frozen, while somebody asks for the opposite and another run does it:
//! whoever comes back from the cold must not go on as if nothing had happened.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use environments::overrides::Ask;
use support::ecs::Target;
use support::{Fate, Office, Svc, block_on};

const PLACE: &str = "dev/web";

fn services() -> [(&'static str, Svc); 2] {
    [
        (PLACE, Svc::new(3).scaled(2, 6, [false, true, false])),
        ("dev/db-main", Svc::new(1)),
    ]
}

type Levels = BTreeMap<String, (u32, Option<Target>)>;

fn levels(office: &Office) -> Levels {
    office.world.ecs(|ecs| {
        let all = ecs.services.iter();
        all.map(|(place, service)| (place.clone(), (service.desired, service.target)))
            .collect()
    })
}

/// One run that is frozen at this call; the answer says how many calls there were.
async fn story(morning: bool, call: usize, seconds: u64) -> usize {
    let office = Office::new();
    office.world.ecs(|ecs| {
        for (place, service) in services() {
            ecs.add(place, service);
        }
    });
    let evening = levels(&office);
    office.until("2026-11-23T22:00:00Z").await;
    let ask = if morning {
        office.run("night").await;
        office.until("2026-11-24T09:00:00Z").await;
        Ask::ForceDown
    } else {
        Ask::Snooze
    };
    office
        .world
        .fates(move |n, _| (n == call).then_some(Fate::Freeze(seconds)));
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
