//! From the event to the first message, with each look-up and each access to the state table at 50 ms:
//! what is measured beside the sum of all calls before it, and beside the longest chain among them.
//! `cargo bench -p approval-notifier --bench latency`

#![allow(clippy::print_stdout, reason = "a bench prints")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::Stage;
use support::events::{approval, notification};
use support::server::Call;

/// What each call of AWS takes.
const CALL: Duration = Duration::from_millis(50);
/// Medians of so many events.
const ROUNDS: usize = 15;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!(
        "event to first message, each AWS call {} ms, median of {ROUNDS}",
        CALL.as_millis()
    );
    report("approval message, cold", approval(), false).await;
    report("approval message, warm", approval(), true).await;
    report("notification, cold", notification(), false).await;
}

async fn report(name: &str, event: Value, warm: bool) {
    let (mut times, mut calls, mut chain) = (Vec::new(), 0, 0);
    for _ in 0..ROUNDS {
        let measured = measure(&event, warm).await;
        times.push(measured.took);
        (calls, chain) = (measured.calls, measured.chain);
    }
    times.sort();
    let took = times[ROUNDS / 2];
    let sum = CALL * u32::try_from(calls).expect("some calls");
    println!(
        "  {name:24} measured {:4} ms   critical path {:4} ms ({chain} calls deep)   sum {:5} ms ({calls} calls)   sum / measured {:.1}",
        took.as_millis(),
        (CALL * chain).as_millis(),
        sum.as_millis(),
        sum.as_secs_f64() / took.as_secs_f64(),
    );
}

struct MetricRecord {
    took: Duration,
    calls: usize,
    chain: u32,
}

async fn measure(event: &Value, warm: bool) -> MetricRecord {
    let stage = Stage::start().await;
    if warm {
        // Connections, clients and keys are there; the case is another one.
        stage
            .expect(serde_json::json!({"reminder": {"case": "a".repeat(26), "number": 1}}))
            .await;
        stage
            .expect(support::events::sns(&["warm".to_owned()]))
            .await;
        stage.server.forget();
    }
    stage
        .server
        .slow(|call| if outside(call) { Duration::ZERO } else { CALL });
    let started = Instant::now();
    stage.expect(event.clone()).await;
    let calls = stage.server.calls();
    let first = calls
        .iter()
        .filter(|call| outside(call))
        .map(|call| call.at)
        .min();
    let first = first.expect("somebody was told");
    let before: Vec<&Call> = calls
        .iter()
        .filter(|call| !outside(call) && call.at + CALL <= first + CALL / 2)
        .collect();
    MetricRecord {
        took: first - started,
        calls: before.len(),
        chain: chain(&before),
    }
}

/// The longest chain of calls of which each began after the one before had ended.
fn chain(calls: &[&Call]) -> u32 {
    let mut starts: Vec<Instant> = calls.iter().map(|call| call.at).collect();
    starts.sort();
    let (mut length, mut free) = (0, None);
    for start in starts {
        if free.is_none_or(|free| start >= free) {
            length += 1;
            free = Some(start + CALL);
        }
    }
    length
}

/// Whether a call is one to a channel, and no call of AWS.
fn outside(call: &Call) -> bool {
    call.path.starts_with("/slack/") || call.path.starts_with("/hook/")
}
