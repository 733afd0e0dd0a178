//! Many services in many clusters: as fast as AWS allows, and never faster.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use test_support::environments as support;

use std::time::Duration;

use environments::apply::End;
use support::{Fixture, Svc, block_on};

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
