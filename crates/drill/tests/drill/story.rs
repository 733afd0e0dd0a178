//! What the drills share: a runtime with a clock of its own, invocations as Lambda makes them, and dice.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use drill::Tally;
use futures::FutureExt as _;
use futures::stream::{self, StreamExt as _};
use test_support::paced_time;
use tokio::time::Instant;

/// How often Lambda repeats an asynchronous invocation that failed; the template says so.
pub const LAMBDA_RETRIES: usize = 2;

/// Runs a drill over sockets: time passes while nothing else is to be done.
pub fn paced<T>(work: impl Future<Output = T>) -> T {
    support::block_on_all(async {
        let _time = paced_time::start();
        work.await
    })
}

/// One invocation: what it returned, or how it failed; a panic fails it, as Lambda's runtime sees to.
pub async fn invoked<T, E: ToString>(
    tally: &mut Tally,
    limit: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    let began = Instant::now();
    let result = AssertUnwindSafe(work).catch_unwind().await;
    tally.invoked(began.elapsed(), limit);
    match result {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(format!("it panicked: {}", said(&*panic))),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

/// Stories side by side until there were enough invocations; each gets its number.
pub async fn stories<F: Future<Output = Tally>>(
    count: usize,
    at_a_time: usize,
    story: impl Fn(u64) -> F,
) -> Tally {
    let mut told = stream::iter(0..).map(story).buffer_unordered(at_a_time);
    let mut all = Tally::default();
    while all.invocations < count {
        let one = told.next().await.expect("stories don't end");
        all = all.and(one);
    }
    all
}

/// The dice of a story.
pub fn dice(seed: u64, index: u64) -> Dice {
    let mixed = (seed ^ 0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(index.wrapping_mul(2).wrapping_add(0x00bf_5847));
    let mut roll = Box::new(test_support::environments::dice(mixed));
    // The first rolls of near seeds are alike.
    for _ in 0..8 {
        roll(2);
    }
    Dice(roll)
}

/// Rolled by one story.
pub struct Dice(Box<dyn FnMut(u64) -> u64 + Send>);

impl Dice {
    /// Below `sides`.
    pub fn below(&mut self, sides: usize) -> usize {
        usize::try_from((self.0)(sides as u64)).unwrap()
    }

    /// Once in `odds`.
    pub fn once_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Dice of its own for something that rolls elsewhere.
    pub fn split(&mut self) -> Self {
        dice((self.0)(u64::MAX), 1)
    }
}

mod support {
    /// A runtime with sockets and a clock that stands still unless somebody waits.
    pub fn block_on_all<F: Future>(work: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(work)
    }
}
