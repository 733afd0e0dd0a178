//! Time for tests that have deadlines, over real sockets: it passes only while the test has nothing to do.
//!
//! Tokio's paused clock skips to the next timer as soon as nothing is ready, even while an answer is on its way through
//! a socket. Here it is held, and moves by a small step at a time, each of which waits for its turn behind everything
//! that is ready. So a machine under load makes a test slower, and nothing in it late; and waiting costs a fifth.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};

/// By how much the clock moves at once.
const STEP: Duration = Duration::from_millis(5);
/// How long a step takes at least.
const TICK: Duration = Duration::from_millis(1);

/// Time passes for as long as this lives.
pub struct PacedTime {
    /// Ends the task that holds Tokio's own clock.
    _hold: Sender<()>,
    pacer: JoinHandle<()>,
}

/// Lets time pass, in a test with `#[tokio::test(start_paused = true)]`.
pub fn start() -> PacedTime {
    let (hold, held) = channel::<()>();
    // As long as a blocking task runs, Tokio does not skip to the next timer.
    spawn_blocking(move || held.recv());
    let pacer = tokio::spawn(async {
        loop {
            spawn_blocking(|| std::thread::sleep(TICK)).await.unwrap();
            tokio::time::advance(STEP).await;
        }
    });
    PacedTime { _hold: hold, pacer }
}

impl Drop for PacedTime {
    fn drop(&mut self) {
        self.pacer.abort();
    }
}
