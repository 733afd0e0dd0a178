//! Virtual time: the real clock plus an offset that only grows.
//!
//! Waits that AWS measures in minutes or hours (a canary's interval, the hour a hook has, the minutes
//! before the old version is terminated) sleep on this clock, so that a test can let an hour pass at
//! once. Processes, health checks and network time-outs are real and must never sleep here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::sync::lock;

/// Real time given to woken sleepers, in a stepwise advance, to do their work and to sleep again.
const SETTLE: Duration = Duration::from_millis(5);
/// How long those who hold the clock can keep a stepwise advance waiting before each step, in real
/// time: something may hang just so that its time-out is seen.
const MAX_HOLD: Duration = Duration::from_secs(5);

/// A shared virtual clock; clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    // Tokio's clock is the real one, so that a paused test runtime pauses virtual time with it.
    started: Instant,
    started_at: Timestamp,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    offset: Duration,
    /// How many hold it.
    holders: usize,
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<Hold>>,
    next_sleeper: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// A clock that shows the real time.
    pub fn new() -> Self {
        let shared = Shared {
            started: Instant::now(),
            started_at: Timestamp::now(),
            state: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The virtual now.
    pub fn now(&self) -> Timestamp {
        let offset = self.state().offset;
        self.at(offset)
    }

    /// How far virtual time is ahead of real time.
    pub fn offset(&self) -> Duration {
        self.state().offset
    }

    /// Sleeps for a stretch of virtual time.
    pub async fn sleep(&self, d: Duration) {
        self.sleep_until(later(self.now(), d)).await;
    }

    /// Sleeps until virtual time has reached `t`.
    pub async fn sleep_until(&self, t: Timestamp) {
        drop(self.sleep_until_held(t).await);
    }

    /// Sleeps for a stretch of virtual time; an advance that ends the sleep is held up from then on, so
    /// that there is no moment between waking and holding the clock.
    pub(crate) async fn sleep_held(&self, d: Duration) -> Option<Hold> {
        self.sleep_until_held(later(self.now(), d)).await
    }

    async fn sleep_until_held(&self, t: Timestamp) -> Option<Hold> {
        let mut held = None;
        loop {
            let (real, woken) = {
                let mut state = self.state();
                let left = t.duration_since(self.at(state.offset));
                if left <= SignedDuration::ZERO {
                    return held;
                }
                let (wake, woken) = oneshot::channel();
                let key = (t, state.next_sleeper);
                state.next_sleeper += 1;
                state.sleepers.insert(key, wake);
                (
                    left.unsigned_abs(),
                    Registered {
                        clock: self,
                        key,
                        woken,
                    },
                )
            };
            held = woken.or_after(real).await;
        }
    }

    /// Sleeps until then; for ever without a time.
    pub(crate) async fn sleep_until_optional(&self, t: Option<Timestamp>) {
        match t {
            Some(t) => self.sleep_until(t).await,
            None => std::future::pending().await,
        }
    }

    /// Moves virtual time forward at once and wakes, in the order of their deadlines, the sleepers
    /// whose time has come. A sleeper that then sleeps again counts from the new time.
    pub fn advance(&self, d: Duration) {
        let mut due = Vec::new();
        {
            let mut state = self.state();
            state.offset = state.offset.saturating_add(d);
            let now = self.at(state.offset);
            while let Some(sleeper) = state.sleepers.first_entry() {
                if sleeper.key().0 > now {
                    break;
                }
                due.push(sleeper.remove());
            }
            state.holders += due.len();
        }
        for sleeper in due {
            // A sleeper that was dropped meanwhile needs no waking.
            let _ = sleeper.send(Hold(self.clone()));
        }
    }

    /// Moves virtual time forward from deadline to deadline, so that whoever is woken sees the time
    /// it asked for and may sleep again within the same stretch: ten steps of one minute each happen
    /// one after the other in an advance of ten minutes. Before each step it waits for those who hold
    /// the clock, but not for ever.
    pub async fn advance_in_steps(&self, d: Duration) {
        let mut left = d;
        loop {
            self.until_released().await;
            let next = {
                let state = self.state();
                let deadline = state.sleepers.keys().next().map(|key| key.0);
                deadline.map(|deadline| until(self.at(state.offset), deadline))
            };
            let Some(step) = next.filter(|step| *step <= left) else {
                break;
            };
            self.advance(step);
            left -= step;
            tokio::time::sleep(SETTLE).await;
        }
        self.advance(left);
    }

    /// Keeps stepwise advances from going on while something happens in real time that takes no virtual
    /// time, such as the call of a function.
    pub(crate) fn hold(&self) -> Hold {
        self.state().holders += 1;
        Hold(self.clone())
    }

    async fn until_released(&self) {
        let begin = Instant::now();
        while self.state().holders > 0 && begin.elapsed() < MAX_HOLD {
            tokio::time::sleep(SETTLE).await;
        }
    }

    fn at(&self, offset: Duration) -> Timestamp {
        later(
            self.shared.started_at,
            self.shared.started.elapsed().saturating_add(offset),
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

/// Held, until dropped.
#[derive(Debug)]
pub(crate) struct Hold(Clock);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.state().holders -= 1;
    }
}

/// A sleeper's entry, removed when the sleeper is dropped.
struct Registered<'a> {
    clock: &'a Clock,
    key: (Timestamp, u64),
    woken: oneshot::Receiver<Hold>,
}

impl Registered<'_> {
    async fn or_after(mut self, real: Duration) -> Option<Hold> {
        tokio::select! {
            held = &mut self.woken => held.ok(),
            () = tokio::time::sleep(real) => None,
        }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.clock.state().sleepers.remove(&self.key);
    }
}

/// The time from `now` to `t`, zero when that is past.
fn until(now: Timestamp, t: Timestamp) -> Duration {
    Duration::try_from(t.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// `t + d`, at the end of time at most.
pub(crate) fn later(t: Timestamp, d: Duration) -> Timestamp {
    t.checked_add(d).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    /// Sleepers of these lengths in seconds, who write down in which order they woke.
    fn sleepers(clock: &Clock, seconds: &[u64]) -> Arc<Mutex<Vec<u64>>> {
        let woken = Arc::new(Mutex::new(Vec::new()));
        for &n in seconds {
            let (clock, woken) = (clock.clone(), woken.clone());
            tokio::spawn(async move {
                clock.sleep(Duration::from_secs(n)).await;
                woken.lock().unwrap().push(n);
            });
        }
        woken
    }

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_hour_passes_at_once() {
        let clock = Clock::new();
        let before = clock.now();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(HOUR).await }
        });
        settle().await;
        clock.advance(HOUR);
        tokio::time::timeout(Duration::from_secs(5), sleeper)
            .await
            .unwrap()
            .unwrap();
        assert!(clock.now().duration_since(before) >= SignedDuration::from_hours(1));
        assert_eq!(clock.offset(), HOUR);
    }

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_deadlines_and_no_others() {
        let clock = Clock::new();
        let woken = sleepers(&clock, &[50, 10, 4000, 30, 20]);
        settle().await;
        clock.advance(Duration::from_mins(1));
        settle().await;
        assert_eq!(*woken.lock().unwrap(), [10, 20, 30, 50]);
    }

    #[tokio::test]
    async fn in_steps_a_sleeper_sees_its_own_deadline_and_sleeps_again() {
        let clock = Clock::new();
        let start = clock.now();
        let seen = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn({
            let (clock, seen) = (clock.clone(), seen.clone());
            async move {
                loop {
                    clock.sleep(Duration::from_mins(10)).await;
                    let minutes = clock.now().duration_since(start).as_mins();
                    seen.lock().unwrap().push(minutes);
                }
            }
        });
        settle().await;
        clock.advance_in_steps(Duration::from_secs(2000)).await;
        assert_eq!(*seen.lock().unwrap(), [10, 20, 30]);
        assert!(clock.now().duration_since(start) >= SignedDuration::from_secs(2000));
    }

    #[tokio::test(start_paused = true)]
    async fn an_advance_waits_for_whoever_holds_the_clock_but_not_for_ever() {
        let clock = Clock::new();
        let hold = clock.hold();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(hold);
        });
        clock.advance_in_steps(HOUR).await;
        assert!(clock.now().duration_since(clock.at(HOUR)).is_zero());
        let begin = Instant::now();
        let hold = clock.hold();
        clock.advance_in_steps(HOUR).await;
        assert!(begin.elapsed() >= MAX_HOLD, "{:?}", begin.elapsed());
        assert!(begin.elapsed() < MAX_HOLD * 2);
        drop(hold);
        assert_eq!(clock.state().holders, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_woken_holds_the_clock_for_as_long_as_its_work_takes() {
        let clock = Clock::new();
        let start = clock.now();
        let (sleeper, seen) = (clock.clone(), Arc::new(Mutex::new(Vec::new())));
        let times = seen.clone();
        tokio::spawn(async move {
            for _ in 0..3 {
                let held = sleeper.sleep_held(Duration::from_mins(10)).await;
                // Longer than the pause that sleepers get in any case.
                tokio::time::sleep(SETTLE * 50).await;
                times
                    .lock()
                    .unwrap()
                    .push(sleeper.now().duration_since(start).as_mins());
                drop(held);
            }
        });
        settle().await;
        clock.advance_in_steps(Duration::from_mins(31)).await;
        assert_eq!(*seen.lock().unwrap(), [10, 20, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn real_time_counts_too() {
        let clock = Clock::new();
        let before = clock.now();
        clock.sleep(Duration::from_secs(90)).await;
        assert_eq!(clock.now().duration_since(before).as_secs(), 90);
    }

    #[tokio::test]
    async fn a_dropped_sleeper_leaves_nothing_behind() {
        let clock = Clock::new();
        let sleeping = clock.sleep(HOUR);
        assert!(
            tokio::time::timeout(Duration::from_millis(1), sleeping)
                .await
                .is_err()
        );
        assert!(clock.state().sleepers.is_empty());
    }
}
