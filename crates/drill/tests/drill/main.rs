//! Every function under random faults: calls of AWS that fail, are throttled, slow, lost, cut or hang; services that are
//! broken, hang, lie, flap or flood; events and suites that are malformed; panics; little time; duplicates.
//!
//! What must hold, whatever happens: each invocation ends within its time, each call is answered once or said to be unheard,
//! and nothing passes that must not. One seed makes one drill: `make drill DRILL_SEED=… DRILL_COUNT=…`. Time is the
//! runtime's own, so that a wait costs little or nothing.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "it prints, and is a crate of its own that ends where it is surprised"
)]

mod decision;
mod deploy_action;
mod events;
mod gates;
mod notifier;
mod scheduler;
mod story;

#[path = "../../../approval-decision/tests/fixture/mod.rs"]
mod decision_fixture;
#[path = "../../../env-scheduler/tests/scheduler/fixture.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod fixture;
#[path = "../../../approval-notifier/tests/support/mod.rs"]
mod notifier_support;

use std::panic;
use std::process::ExitCode;
use std::time::Instant;

use drill::{Row, table};
use test_support::environments as support;
use test_support::sdk::INJECTED_PANIC;

/// Invocations of each function where nothing says how many: few, as it runs with all tests.
const USUAL_COUNT: usize = 40;
const USUAL_SEED: u64 = 2026;

fn main() -> ExitCode {
    let number = |name: &str| common::settings::environment(name);
    let read = |name: &str, usual: u64| {
        number(name).map_or(usual, |text| {
            text.parse()
                .unwrap_or_else(|_| panic!("{name} is {text}; expected a number"))
        })
    };
    let count = usize::try_from(read("DRILL_COUNT", USUAL_COUNT as u64)).unwrap();
    let seed = read("DRILL_SEED", USUAL_SEED);
    quiet_about_injected_panics();
    let began = Instant::now();
    println!(
        "{count} invocations of each function by each caller, under random faults; again: make drill DRILL_SEED={seed} DRILL_COUNT={count}"
    );
    let rows = drills(count, seed);
    print!("{}", table(&rows));
    println!(
        "seed {seed}, {count} each, {:.0} s",
        began.elapsed().as_secs_f64()
    );
    if rows.iter().all(|row| row.holds(count)) {
        ExitCode::SUCCESS
    } else {
        println!("the drill does not hold");
        ExitCode::FAILURE
    }
}

/// All of them, two at a time.
fn drills(count: usize, seed: u64) -> Vec<Row> {
    type Drill = fn(usize, u64) -> Vec<Row>;
    const HALVES: [&[Drill]; 2] = [
        &[
            gates::codedeploy,
            gates::ecs,
            gates::codepipeline,
            notifier::drill,
        ],
        &[
            gates::bake,
            deploy_action::drill,
            decision::drill,
            scheduler::drill,
            events::drill,
        ],
    ];
    std::thread::scope(|scope| {
        let half = |drills: &'static [Drill]| {
            scope.spawn(move || {
                let rows = drills.iter().flat_map(|drill| drill(count, seed));
                rows.collect::<Vec<Row>>()
            })
        };
        let halves = HALVES.map(half);
        let rows = halves
            .into_iter()
            .map(|it| it.join().expect("a drill says what is wrong"));
        rows.flatten().collect()
    })
}

/// What a drill injects itself is no news; every other panic is.
fn quiet_about_injected_panics() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let injected = info
            .payload_as_str()
            .is_some_and(|text| text.contains(INJECTED_PANIC));
        if !injected {
            usual(info);
        }
    }));
}
