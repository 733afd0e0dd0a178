//! The deadline guard: runs the work beside itself and comes back in time, whatever the work does.
//!
//! The work is a task of its own, so a panic in it ends that task and not the function; work that
//! blocks a thread is left behind. The guard never decides anything: it says how the work ended.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use common::metrics::Reason;
use common::telemetry::ReleaseIds;

use crate::facts::Facts;

/// What the work is doing and has learned, for the one who has to explain where it was cut off.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    step: &'static str,
    facts: Facts,
    dry_run: bool,
    cut: Option<Reason>,
}

impl Progress {
    /// Says what comes next, as the end of "it was still …".
    pub(crate) fn begin(&self, step: &'static str) {
        self.lock().step = step;
    }

    /// Remembers what is known of the target.
    pub(crate) fn add_facts(&self, facts: &Facts) {
        let fact = |key: &str| facts.get(key).map(String::as_str);
        let ids = ReleaseIds {
            deployment_id: fact("deployment_id"),
            pipeline_execution_id: fact("pipeline_execution_id"),
            commit: fact("commit"),
        };
        ids.note();
        self.lock().facts.extend(facts.clone());
    }

    /// Notes that the work did not come to its own end.
    pub(crate) fn set_cut(&self, cut: Reason) {
        self.lock().cut = Some(cut);
    }

    /// Why the work did not come to its own end, if it did not.
    pub(crate) fn cut(&self) -> Option<Reason> {
        self.lock().cut
    }

    /// Notes that the suite was loaded and only reports.
    pub(crate) fn set_dry_run(&self, dry_run: bool) {
        self.lock().dry_run = dry_run;
    }

    /// Whether the suite is known to only report.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.lock().dry_run
    }

    /// What was going on last.
    pub(crate) fn step(&self) -> &'static str {
        self.lock().step
    }

    /// What is known of the target so far.
    pub(crate) fn facts(&self) -> Facts {
        self.lock().facts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic between two assignments leaves nothing half-done here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work did not come to its own end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The time was over.
    Deadline,
    /// It panicked, with this message.
    Panic(String),
}

/// Runs `work` until `deadline` at the latest. Never panics itself.
pub(crate) async fn run<T: Send + 'static>(
    deadline: Instant,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Interruption> {
    let mut task = tokio::spawn(work);
    // Biased towards the work: finished at the deadline is finished.
    tokio::select! {
        biased;
        ended = &mut task => ended.map_err(|error| match error.try_into_panic() {
            Ok(payload) => Interruption::Panic(message(payload.as_ref())),
            Err(_) => Interruption::Panic("the task was cancelled".to_owned()),
        }),
        () = tokio::time::sleep_until(deadline) => {
            task.abort();
            Err(Interruption::Deadline)
        }
    }
}

/// What a panic said.
fn message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    #[tokio::test]
    async fn work_that_ends_in_time_gives_its_result() {
        assert_eq!(run(soon(), async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_waits_for_ever_is_cut() {
        let cut = run(soon(), std::future::pending::<()>()).await;
        assert_eq!(cut, Err(Interruption::Deadline));
    }

    #[tokio::test]
    async fn a_panic_is_caught_with_its_message() {
        let cut = run(soon(), async {
            let empty: Vec<u8> = Vec::new();
            assert!(!empty.is_empty(), "nothing came for {}", "checkout");
        });
        assert_eq!(
            cut.await,
            Err(Interruption::Panic("nothing came for checkout".into()))
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn work_that_blocks_its_thread_is_left_behind() {
        let started = Instant::now();
        let cut = run(soon(), async {
            std::thread::sleep(Duration::from_secs(3));
        })
        .await;
        assert_eq!(cut, Err(Interruption::Deadline));
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}
