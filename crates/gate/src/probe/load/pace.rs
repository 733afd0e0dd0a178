//! When the requests of a load are sent. The pace is open: each request has its instant, whatever became of those
//! before it, so that a slow target is not asked more gently.
//!
//! A request that we ourselves are late with is not sent: it would say something of us, not of the target.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

/// A request that can't be sent this soon after its instant is not sent any more.
const MAX_LATENESS: Duration = if cfg!(test) {
    // Dozens of tests share the machine.
    Duration::from_secs(2)
} else {
    Duration::from_millis(100)
};

/// So many requests in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) count: u32,
    /// A second or a minute.
    pub(crate) per: Duration,
}

impl fmt::Display for Rate {
    /// `5/s`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.per == Duration::from_secs(1) {
            "s"
        } else {
            "m"
        };
        write!(f, "{}/{unit}", self.count)
    }
}

/// Whom a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    New,
    Old,
}

/// All requests of a load with their instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Of each version.
    pub(crate) rate: Rate,
    pub(crate) length: Duration,
    /// The old version is asked as well, halfway between two requests to the new one.
    pub(crate) compared: bool,
}

impl Schedule {
    /// How many requests each version gets.
    pub(crate) fn of_each(&self) -> usize {
        let units = self.length.as_nanos() * u128::from(self.rate.count);
        usize::try_from(units.div_ceil(self.rate.per.as_nanos())).unwrap_or(usize::MAX)
    }

    /// How many requests there are.
    pub(crate) fn requests(&self) -> usize {
        self.of_each().saturating_mul(self.versions())
    }

    /// How many requests may be under way at once where each takes up to `timeout`.
    pub(crate) fn at_once(&self, timeout: Duration) -> usize {
        let units = timeout.as_nanos() * u128::from(self.rate.count);
        let of_each = usize::try_from(units.div_ceil(self.rate.per.as_nanos()));
        let of_each = of_each.unwrap_or(usize::MAX).saturating_add(1);
        of_each.saturating_mul(self.versions())
    }

    fn versions(&self) -> usize {
        1 + usize::from(self.compared)
    }

    fn version(&self, index: usize) -> Version {
        if self.compared && index % 2 == 1 {
            Version::Old
        } else {
            Version::New
        }
    }

    /// Since the beginning.
    fn instant(&self, index: usize) -> Duration {
        let steps = u128::from(self.rate.count) * self.versions() as u128;
        let nanos = index as u128 * self.rate.per.as_nanos() / steps.max(1);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// What became of a request.
pub(super) enum RequestOutcome<T> {
    /// It was sent at its instant, and this came of it.
    Done(T),
    /// We were late, and it was not sent.
    Late,
}

/// Sends each request at its instant, and hands on what comes of it, as it comes.
pub(super) async fn keep<T, F: Future<Output = T>>(
    schedule: &Schedule,
    send: impl Fn(Version) -> F,
    mut take: impl FnMut(Version, RequestOutcome<T>),
) {
    let begun = Instant::now();
    let mut under_way = FuturesUnordered::new();
    for index in 0..schedule.requests() {
        let planned = begun + schedule.instant(index);
        loop {
            tokio::select! {
                biased;
                () = sleep_until(planned) => break,
                Some((version, done)) = under_way.next(), if !under_way.is_empty() => take(version, RequestOutcome::Done(done)),
            }
        }
        let version = schedule.version(index);
        if planned.elapsed() > MAX_LATENESS {
            take(version, RequestOutcome::Late);
            // Nobody is served by a loop that never waits.
            tokio::task::yield_now().await;
            continue;
        }
        let request = send(version);
        under_way.push(async move { (version, request.await) });
    }
    while let Some((version, done)) = under_way.next().await {
        take(version, RequestOutcome::Done(done));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use proptest::prelude::*;

    use super::*;

    fn schedule(count: u32, length: Duration, compared: bool) -> Schedule {
        Schedule {
            rate: Rate {
                count,
                per: Duration::from_secs(1),
            },
            length,
            compared,
        }
    }

    /// The instants at which requests are sent, in milliseconds, and how many were under way at most.
    async fn sent_schedule(schedule: &Schedule, takes: Duration) -> (Vec<(Version, u128)>, usize) {
        let begun = Instant::now();
        let (instants, open, most) = (RefCell::default(), Cell::new(0_usize), Cell::new(0));
        let send = |version| {
            let (instants, open, most): (&RefCell<Vec<(Version, u128)>>, _, _) =
                (&instants, &open, &most);
            async move {
                instants
                    .borrow_mut()
                    .push((version, begun.elapsed().as_millis()));
                open.set(open.get() + 1);
                most.set(most.get().max(open.get()));
                tokio::time::sleep(takes).await;
                open.set(open.get() - 1);
            }
        };
        let mut done = 0;
        keep(schedule, send, |_, _| done += 1).await;
        assert_eq!(done, schedule.requests());
        (instants.take(), most.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_target_is_asked_as_often_as_a_fast_one() {
        let schedule = schedule(10, Duration::from_secs(3), false);
        let (fast, at_once) = sent_schedule(&schedule, Duration::from_millis(1)).await;
        assert_eq!(at_once, 1);
        let (slow, at_once) = sent_schedule(&schedule, Duration::from_millis(950)).await;
        assert_eq!(at_once, 10);
        assert_eq!(fast, slow);
        let planned: Vec<_> = (0..30).map(|k| (Version::New, k * 100)).collect();
        assert_eq!(slow, planned);
    }

    #[tokio::test(start_paused = true)]
    async fn two_versions_are_asked_in_turn() {
        let schedule = schedule(5, Duration::from_secs(1), true);
        let (sent, _) = sent_schedule(&schedule, Duration::from_secs(2)).await;
        let (new, old) = (Version::New, Version::Old);
        assert_eq!(sent[..4], [(new, 0), (old, 100), (new, 200), (old, 300)]);
        assert_eq!(sent.len(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn what_we_are_late_with_is_not_sent_in_a_burst() {
        let schedule = schedule(10, MAX_LATENESS + Duration::from_secs(2), false);
        let stall = MAX_LATENESS + Duration::from_millis(950);
        let (asked, late) = (Cell::new(0), Cell::new(0));
        let send = |_| {
            let first = asked.replace(asked.get() + 1) == 0;
            async move {
                if first {
                    // Nothing else gets its turn meanwhile.
                    tokio::time::advance(stall).await;
                }
            }
        };
        keep(&schedule, send, |_, sent| {
            late.set(late.get() + usize::from(matches!(sent, RequestOutcome::Late)));
        })
        .await;
        // Those of the first 950 ms but the first one.
        assert_eq!((asked.get(), late.get()), (schedule.requests() - 9, 9));
    }

    proptest! {
        #[test]
        fn instants_are_evenly_spread_over_the_length(
            count in 1_u32..=50,
            minute in any::<bool>(),
            length in 1_u64..=600_000,
            compared in any::<bool>(),
        ) {
            let per = if minute { Duration::from_mins(1) } else { Duration::from_secs(1) };
            let length = Duration::from_millis(length);
            let schedule = Schedule { rate: Rate { count, per }, length, compared };
            let all = schedule.requests();
            prop_assert!(all >= 1 && schedule.instant(0).is_zero());
            let step = per / (count * if compared { 2 } else { 1 });
            for index in 1..all {
                let before = schedule.instant(index - 1);
                let gap = schedule.instant(index).saturating_sub(before);
                prop_assert!(gap.abs_diff(step) <= Duration::from_nanos(1));
            }
            let last_new = schedule.instant((schedule.of_each() - 1) * if compared { 2 } else { 1 });
            prop_assert!(last_new < length);
            prop_assert!(length <= last_new + per / count + Duration::from_nanos(1));
        }
    }
}
