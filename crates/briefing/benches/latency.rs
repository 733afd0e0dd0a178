//! How long a briefing takes where each look-up takes 50 ms: whether look-ups run side by side.
//!
//! A realistic execution: two sources, two change sets of 250 changes with nested sets, two staging
//! deployments with their gates' reports, and a previous version. Prints the time that was measured beside
//! the sum of all calls and beside the longest chain of calls that must wait for each other.

#![allow(clippy::print_stdout, reason = "a bench prints what it has measured")]

#[path = "../tests/aws/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use briefing::{BRIEFING_TIMEOUT, Lookups, brief};
use support::shop::{self, EXECUTION};
use support::{Fake, Resource, Set, World};

/// Each look-up.
const LATENCY: Duration = Duration::from_millis(50);
const RUNS: usize = 20;
/// Changes on a page of a change set.
const PAGE: usize = 100;
/// The calls that wait for each other: the execution's actions name a change set, whose first page names
/// the second, which names a nested set.
const DEPTH: u32 = 4;
const STACK: &str = "AWS::CloudFormation::Stack";

/// 120 changes of its own and two nested sets with 64 each, two of the own being the nested stacks.
fn change_set(world: &mut World, stack: &str) {
    let changes = |count: usize, prefix: &str| -> Vec<Resource> {
        (0..count)
            .map(|n| {
                Resource::new("Modify", &format!("{prefix}{n}"), "AWS::ECS::Service").with(
                    "TaskDefinition",
                    "Never",
                    ["shop:41", "shop:42"],
                )
            })
            .collect()
    };
    let mut own = changes(120, "Service");
    for (place, name) in [(10, "one"), (119, "two")] {
        let arn = format!("{}/{name}", shop::arn(stack));
        let resources = changes(64, name);
        let id = arn.clone();
        world.sets.insert(arn.clone(), Set { id, resources });
        own.insert(place, Resource::new("Modify", name, STACK).nesting(&arn));
    }
    shop::insert(world, stack, own);
}

fn world() -> World {
    let mut world = shop::world();
    for stack in ["shop", "network"] {
        change_set(&mut world, stack);
    }
    let second = shop::deploy_action(31, "Staging", "Deploy jobs", "d-STAGING2");
    let actions = world.actions.get_mut(EXECUTION).expect("it is there");
    actions.insert(3, second);
    shop::report(&mut world, "d-STAGING2", "pre-traffic", true);
    shop::report(&mut world, "d-STAGING2", "post-traffic", true);
    world.page = PAGE;
    world.latency = LATENCY;
    world
}

#[tokio::main]
async fn main() {
    let mut times = Vec::new();
    let mut calls = 0;
    for _ in 0..RUNS {
        let fake = Fake::start(world()).await;
        let lookups = Lookups {
            aws: &fake.aws,
            report_bucket: Some(shop::BUCKET),
            report_prefix: "gates",
            version_variables: &[],
            budget: BRIEFING_TIMEOUT,
        };
        let started = Instant::now();
        let (briefing, _) = brief(&lookups, &shop::action(), Some(EXECUTION)).await;
        times.push(started.elapsed());
        calls = fake.calls().len();
        assert!(briefing.gaps.is_empty(), "{:?}", briefing.gaps);
        assert!(briefing.change_sets.iter().all(|set| set.total == 250));
        assert_eq!((briefing.gates.len(), briefing.revisions.len()), (4, 2));
        assert!(
            briefing
                .version
                .is_some_and(|version| version.from.is_some())
        );
    }
    times.sort_unstable();
    let median = times[RUNS / 2];
    assert!(
        times[0] >= LATENCY * DEPTH,
        "faster than the calls that wait for each other: {:?}",
        times[0]
    );
    let sum = LATENCY * u32::try_from(calls).expect("few calls");
    println!("briefing, each look-up {LATENCY:?}, {RUNS} runs, a new client each");
    println!(
        "  measured       {median:.1?} (median; {:.1?} to {:.1?})",
        times[0],
        times[RUNS - 1]
    );
    println!("  calls          {calls}");
    println!("  their sum      {sum:?}");
    println!(
        "  ratio          {:.1} times faster than one after the other",
        sum.as_secs_f64() / median.as_secs_f64()
    );
    println!(
        "  critical path  {:?} ({DEPTH} calls that wait for each other)",
        LATENCY * DEPTH
    );
}
