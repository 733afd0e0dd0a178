//! Many invocations under random faults, from a seed.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use gate::Stage;

use super::aws::{Changes, FAULTS, FakeAws, Plan};
use super::service::{ATTACKS, Mood, Service};
use super::{SUITE, function, invoke};

/// As [`SUITE`], with an expectation that every hostile answer misses.
const STRICT: &str = r"
version: 1
name: shop
defaults: { http: { timeout: 1s, retries: 1, retry_every: 50ms } }
checks:
  - name: a reader buys a book
    http: POST /checkout
    expect: [ { status: 201 }, { json: { path: $.ok, equals: true } }, { header: { name: x-1, exists: false } } ]
";

const LEFT: Duration = Duration::from_secs(9);
/// How many invocations run side by side.
const ABREAST: usize = 30;
/// One call in so many meets a fault.
const ODDS: u64 = 6;
/// How often Lambda repeats an invocation that failed; the template says so.
const LAMBDA_RETRIES: usize = 2;

/// What a storm has shown.
#[derive(Debug, Default)]
pub struct Tally {
    /// Events that were answered exactly once, each invocation within its time.
    pub answered: usize,
    /// Invocations that Lambda had to repeat.
    pub retries: usize,
    pub passes: usize,
    /// `Succeeded` for a release that was broken.
    pub false_passes: usize,
    /// Faults that were met.
    pub faults: usize,
    /// The slowest invocation.
    pub slowest: Duration,
}

/// Runs `runs` invocations; every second one meets a service that is broken or hostile.
pub async fn run(runs: u64, seed: u64) -> Tally {
    let results = stream::iter((0..runs).map(|index| one(index, seed)))
        .buffer_unordered(ABREAST)
        .collect::<Vec<_>>()
        .await;
    results
        .into_iter()
        .fold(Tally::default(), |sum, one| Tally {
            answered: sum.answered + one.answered,
            retries: sum.retries + one.retries,
            passes: sum.passes + one.passes,
            false_passes: sum.false_passes + one.false_passes,
            faults: sum.faults + one.faults,
            slowest: sum.slowest.max(one.slowest),
        })
}

async fn one(index: u64, seed: u64) -> Tally {
    let broken = index % 2 == 1;
    let turn = usize::try_from(index / 2).unwrap();
    let mood = match (broken, turn % 2) {
        (false, _) => Mood::Well,
        (true, 0) => Mood::Broken,
        (true, _) => Mood::Hostile(ATTACKS[turn / 2 % ATTACKS.len()]),
    };
    let suite = if turn.is_multiple_of(2) {
        SUITE
    } else {
        STRICT
    };
    let service = Service::start(mood).await;
    let met = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = met.clone();
    let plan: Plan = Arc::new(move |operation, n| {
        let roll = mix(seed ^ (index << 20) ^ hash(operation) ^ (n as u64));
        if !roll.is_multiple_of(ODDS) {
            return None;
        }
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Some(FAULTS[usize::try_from((roll >> 32) % FAULTS.len() as u64).unwrap()])
    });
    let aws = FakeAws::with(service.port, suite, Changes::default(), plan).await;
    let function = function(Stage::PreTraffic, &aws);
    let mut slowest = Duration::ZERO;
    let mut retries = 0;
    // As Lambda does with an asynchronous invocation that ends in an error.
    for attempt in 0..=LAMBDA_RETRIES {
        let ended = invoke(&function, LEFT).await;
        slowest = slowest.max(ended.took);
        retries = attempt;
        if ended.result.is_ok() {
            break;
        }
    }
    let answers = aws.answers();
    let passed = answers == ["Succeeded"];
    Tally {
        answered: usize::from(slowest < LEFT && answers.len() == 1),
        retries,
        passes: usize::from(passed),
        false_passes: usize::from(passed && broken),
        faults: met.load(std::sync::atomic::Ordering::Relaxed),
        slowest,
    }
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// `SplitMix64`: every bit of the result depends on every bit of the input.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
