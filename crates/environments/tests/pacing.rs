//! Many services in many clusters: as fast as AWS allows, and never faster.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use std::time::Duration;

use environments::apply::End;
use support::{CallFault, Fixture, OVERTIME, Svc, block_on};

const SERVICES: usize = 300;

#[test]
fn many_clusters_together_never_ask_too_much() {
    block_on(async {
        let office = Fixture::new();
        office.world.ecs(|ecs| {
            for n in 0..SERVICES {
                ecs.add(&format!("dev-{}/web-{n}", n % 12), Svc::new(3));
            }
        });
        let evening = office.world.ecs(|ecs| ecs.services.clone());
        for at in ["2026-11-23T22:00:00Z", "2026-11-24T09:00:00Z"] {
            office.until(at).await;
            office.world.ecs(|ecs| {
                ecs.bucket = Some((50.0, at.parse().unwrap()));
            });
            let began = tokio::time::Instant::now();
            let ran = office.run_for(at, Duration::from_hours(1)).await;
            let took = began.elapsed().saturating_sub(ran.read_in).as_secs();
            let done = ran.applied.outcomes.iter();
            assert_eq!(done.filter(|one| one.end == End::Done).count(), SERVICES);
            assert_eq!(office.world.ecs(|ecs| ecs.throttled), 0, "AWS refused");
            // 50 s is what AWS demands; a fifth of the first fifty is left to others.
            assert!((50..58).contains(&took), "{took} s");
        }
        assert!(office.world.ecs(|ecs| ecs.services == evening));
    });
}

#[test]
fn what_a_slow_aws_has_not_done_in_time_is_left_to_the_next_run() {
    for seconds in [1, 3, 9, 14, 25] {
        block_on(async {
            let office = Fixture::new();
            office.world.ecs(|ecs| {
                for n in 0..12 {
                    ecs.add(&format!("dev/web-{n}"), Svc::new(3));
                }
                ecs.add("dev/db-1", Svc::new(1));
            });
            let evening = office.world.ecs(|ecs| ecs.services.clone());
            for (at, evenings) in [("2026-11-23T22:00:00Z", 0), ("2026-11-24T09:00:00Z", 13)] {
                office.until(at).await;
                office
                    .world
                    .fates(move |_, _| Some(CallFault::Freeze(seconds)));
                let began = tokio::time::Instant::now();
                let time = Duration::from_secs(4);
                let ran = office.run_for("slow", time).await;
                let took = began.elapsed().saturating_sub(ran.read_in);
                assert!(took <= time + OVERTIME, "{seconds}: {took:?}");
                assert_eq!(ran.applied.outcomes.len(), 13, "each is reported");
                // Once AWS is well, the next runs do the rest.
                office.world.no_fates();
                tokio::time::sleep(Duration::from_mins(5)).await;
                office.run(&format!("{at}, next")).await;
                tokio::time::sleep(Duration::from_mins(5)).await;
                office.run(&format!("{at}, last")).await;
                let awake = office
                    .world
                    .ecs(|ecs| ecs.services.values().filter(|one| one.desired > 0).count());
                assert_eq!(awake, evenings, "{seconds}");
            }
            assert!(office.world.ecs(|ecs| ecs.services == evening));
        });
    }
}
