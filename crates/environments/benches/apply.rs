//! Measures, in virtual time, how long it takes to stop and to wake many services against the throttle
//! bucket of AWS, next to the bound max(0, (N − 50) / 5) seconds; alone, and while somebody else's CI takes
//! from the same bucket. The real SDK clients speak to a small AWS in the same process. Counts the calls
//! that were refused, and those that were lost. Fails where a call is lost, or where many services take longer
//! than the bound allows.
//!
//! `cargo bench -p environments --bench apply`

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "the small AWS is shared with the tests")]

use test_support::environments as support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use environments::apply::End;
use support::{Fixture, Svc, World, block_on};

/// How much longer than the bound it may take.
const ALLOWED: f64 = 1.05;
/// From so many services on. Of fewer, what is left to others of the first fifty counts too much: we never
/// take all of a bucket that is everybody's.
const MANY: usize = 1_000;

fn main() -> ExitCode {
    let mut worst: f64 = 0.0;
    println!(
        "virtual time of applying N changes, and the bound of AWS's own bucket (50 at once, 5 a second)"
    );
    for (services, others) in [(50, 0.0), (1_000, 0.0), (10_000, 0.0), (1_000, 0.5)] {
        let ratio = block_on(measure(services, others));
        if services >= MANY {
            worst = worst.max(ratio);
        }
    }
    println!("worst from {MANY} services on: {worst:.3} × the bound, {ALLOWED} allowed");
    ExitCode::from(u8::from(worst > ALLOWED))
}

/// The longer of down and up, in parts of the bound.
async fn measure(services: usize, others: f64) -> f64 {
    let mut worst: f64 = 0.0;
    let office = Fixture::new();
    office.world.ecs(|ecs| {
        for n in 0..services {
            let resource = Svc::new(3);
            let resource = if n % 4 == 0 {
                resource.scaled(2, 6, [false; 3])
            } else {
                resource
            };
            ecs.add(&format!("dev-{}/web-{n}", n % 10), resource);
        }
    });
    let evening = office.world.ecs(|ecs| ecs.services.clone());
    for (label, at) in [
        ("down", "2026-11-23T22:00:00Z"),
        ("up", "2026-11-24T09:00:00Z"),
    ] {
        office.until(at).await;
        office.world.ecs(|ecs| {
            ecs.bucket = Some((50.0, at.parse().unwrap()));
            ecs.throttled = 0;
        });
        let ci = tokio::spawn(ci(office.world.clone(), others));
        let (wall, began) = (Instant::now(), tokio::time::Instant::now());
        let ran = office.run_for(label, Duration::from_hours(4)).await;
        // Reading what is takes its own time, by its own bucket.
        let reading = ran.read_in.as_secs_f64();
        let applying = began.elapsed().as_secs_f64() - reading;
        ci.abort();
        let done = ran.applied.outcomes.iter();
        let lost = services - done.filter(|one| one.end == End::Done).count();
        let bound = (f64::from(u32::try_from(services).unwrap()) - 50.0).max(0.0) / (5.0 - others);
        let ratio = if bound > 0.0 {
            worst = worst.max(applying / bound);
            format!("{:.3} × the bound", applying / bound)
        } else {
            "no bound".into()
        };
        println!(
            "{services:>6} {label:<4} CI {others}/s  {applying:>7.1} s, bound {bound:>6.1} s, {ratio}; refused {} times, lost {lost}; read in {reading:.0} s; {:.1} s of real time",
            office.world.ecs(|ecs| ecs.throttled),
            wall.elapsed().as_secs_f64(),
        );
        assert_eq!(lost, 0, "a call was lost");
    }
    let morning = office.world.ecs(|ecs| ecs.services.clone());
    assert!(morning == evening, "everything is as it was");
    worst
}

/// Somebody else's deployments.
async fn ci(world: World, a_second: f64) {
    if a_second > 0.0 {
        loop {
            tokio::time::sleep(Duration::from_secs_f64(1.0 / a_second)).await;
            let now = world.now();
            world.ecs(|ecs| ecs.take_token(now));
        }
    }
}
