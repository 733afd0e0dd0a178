//! How fast AWS is called. Everybody in the account and region shares AWS's buckets, CI included, so ours starts below what
//! AWS allows, takes more while nobody is throttled, and slows down when somebody is.
//!
//! Lower bound for N changes of services: max(0, (N − 50) / 5) seconds.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;

/// The most that is used of what AWS allows: somebody else may want to deploy.
const MAX_UTILIZATION: f64 = 0.98;
/// After a throttled call, the rate is multiplied by this.
const THROTTLE_FACTOR: f64 = 0.7;
/// The least that is used of what AWS allows.
const MIN_SHARE: f64 = 0.1;
/// What each second without a throttled call adds, as a part of what AWS allows.
const RECOVERY_PER_CALL: f64 = 0.02;
/// How long no call is made after a throttled one.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);

/// A token bucket. Its clock is a parameter of every call.
#[derive(Debug)]
pub struct Bucket {
    burst: f64,
    per_second: f64,
    /// The part of `per_second` that is used now.
    share: f64,
    /// May be negative: what is already promised.
    tokens: f64,
    /// Seconds on the caller's clock.
    at: f64,
    refused_at: Option<f64>,
    throttled: u64,
}

impl Bucket {
    /// A full one.
    pub fn new(rate: &Rate) -> Self {
        let share = rate.share.min(MAX_UTILIZATION);
        let burst = (f64::from(rate.burst) * share).floor().max(1.0);
        Self {
            burst,
            per_second: rate.per_second,
            share,
            tokens: burst,
            at: 0.0,
            refused_at: None,
            throttled: 0,
        }
    }

    /// Takes a token; the answer says how long to wait before it may be used.
    pub fn take(&mut self, now: Duration) -> Duration {
        self.refill(now);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / self.rate())
    }

    /// Takes a token unless it could only be used after `longest`: then it stays for whoever comes later.
    pub fn take_within(&mut self, now: Duration, longest: Duration) -> Option<Duration> {
        let wait = self.take(now);
        if wait > longest {
            self.tokens += 1.0;
            return None;
        }
        Some(wait)
    }

    /// AWS has refused a call: somebody else needs the bucket.
    pub fn throttled(&mut self, now: Duration) {
        self.refill(now);
        self.throttled += 1;
        // Several calls that were under way together are one sign, not many.
        if self
            .refused_at
            .is_none_or(|at| self.at - at >= THROTTLE_PAUSE.as_secs_f64())
        {
            self.refused_at = Some(self.at);
            self.share = (self.share * THROTTLE_FACTOR).max(MIN_SHARE);
            self.tokens = self.tokens.min(0.0) - THROTTLE_PAUSE.as_secs_f64() * self.rate();
        }
    }

    /// How often AWS has refused.
    pub fn refusals(&self) -> u64 {
        self.throttled
    }

    fn rate(&self) -> f64 {
        self.per_second * self.share
    }

    fn refill(&mut self, now: Duration) {
        let now = now.as_secs_f64();
        let passed = (now - self.at).max(0.0);
        self.at = self.at.max(now);
        self.tokens = (self.tokens + passed * self.rate()).min(self.burst);
        self.share = (self.share + passed * RECOVERY_PER_CALL)
            .min(MAX_UTILIZATION)
            .max(self.share.min(MAX_UTILIZATION));
    }
}

/// A bucket that tasks wait at, on the runtime's clock, which a test can stop.
#[derive(Debug)]
pub struct RateLimiter {
    began: Instant,
    bucket: Mutex<Bucket>,
    /// Who waits for several turns, one after the other.
    queue: tokio::sync::Mutex<()>,
}

impl RateLimiter {
    /// Begins now.
    pub fn new(rate: &Rate) -> Self {
        Self {
            began: Instant::now(),
            bucket: Mutex::new(Bucket::new(rate)),
            queue: tokio::sync::Mutex::default(),
        }
    }

    /// Waits for several tokens, which are used when the last is there; returns how many there are. Nobody else waits for
    /// several meanwhile: callers that each hold unused tokens would later use them all at once, and exceed what AWS allows.
    pub async fn acquire_up_to(&self, count: usize, deadline: Instant) -> usize {
        let _first_come_first_served = self.queue.lock().await;
        for got in 0..count {
            if self.acquire(deadline).await.is_err() {
                return got;
            }
        }
        count
    }

    /// Waits for a token, unless that would be after `deadline`: then there is none.
    pub async fn acquire(&self, deadline: Instant) -> Result<(), DeadlineExceeded> {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = self.with(|bucket, now| bucket.take_within(now, left));
        tokio::time::sleep(wait.ok_or(DeadlineExceeded)?).await;
        Ok(())
    }

    /// AWS has refused a call.
    pub fn throttled(&self) {
        self.with(Bucket::throttled);
    }

    /// How often AWS has refused.
    pub fn refusals(&self) -> u64 {
        self.with(|bucket, _| bucket.refusals())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Bucket, Duration) -> T) -> T {
        let now = self.began.elapsed();
        let mut bucket = self.bucket.lock().expect("nobody panics while holding it");
        act(&mut bucket, now)
    }
}

/// The budgets of one account and region, kept from run to run.
#[derive(Debug)]
pub struct RateLimiters {
    /// Changes of services: 50 at once, 5 a second.
    pub changes: RateLimiter,
    /// Descriptions and lists of services: 100 at once, 20 a second.
    pub reads: RateLimiter,
    /// Tags: 20 at once, 10 a second.
    pub tags: RateLimiter,
    /// Application Auto Scaling, which publishes no figures.
    pub scaling: RateLimiter,
}

impl RateLimiters {
    /// Full buckets.
    pub fn new(rate: &Rate) -> Self {
        let of = |burst, per_second| {
            RateLimiter::new(&Rate {
                burst,
                per_second,
                share: rate.share,
            })
        };
        Self {
            changes: RateLimiter::new(rate),
            reads: of(100, 20.0),
            tags: of(20, 10.0),
            scaling: of(50, 10.0),
        }
    }

    /// How often AWS has refused a call.
    pub fn refusals(&self) -> u64 {
        [&self.changes, &self.reads, &self.tags, &self.scaling]
            .map(RateLimiter::refusals)
            .iter()
            .sum()
    }
}

/// The deadline comes before the turn would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadlineExceeded;

/// When each of many changes will be made, if nobody else wants the bucket.
#[derive(Debug)]
pub struct Forecast {
    bucket: Bucket,
    now: Duration,
}

impl Forecast {
    /// From now.
    pub fn new(rate: &Rate) -> Self {
        Self {
            bucket: Bucket::new(rate),
            now: Duration::ZERO,
        }
    }

    /// After which time the next change is made.
    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> Duration {
        self.now += self.bucket.take(self.now);
        self.now
    }

    /// After which time the last one was made.
    pub fn so_far(&self) -> Duration {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn last_of(calls: usize) -> f64 {
        let mut forecast = Forecast::new(&Rate::default());
        (0..calls)
            .map(|_| forecast.next())
            .last()
            .unwrap()
            .as_secs_f64()
    }

    #[test]
    fn many_changes_take_hardly_longer_than_aws_demands() {
        for (calls, bound) in [(1_000, 190.0), (10_000, 1_990.0)] {
            let ratio = last_of(calls) / bound;
            assert!(
                (1.0..1.05).contains(&ratio) || calls < 10_000 && ratio < 1.15,
                "{calls}: {ratio}"
            );
        }
        assert!(last_of(40) < 1e-9);
    }

    #[test]
    fn a_refusal_slows_down_and_time_heals() {
        let mut bucket = Bucket::new(&Rate::default());
        let before = bucket.rate();
        bucket.throttled(Duration::ZERO);
        assert!(bucket.rate() < before * 0.75);
        assert!(
            bucket.take(Duration::ZERO) >= Duration::from_secs(1) - Duration::from_millis(1)
                || bucket.tokens >= 0.0
        );
        bucket.refill(Duration::from_mins(1));
        assert!(bucket.rate() > before);
        assert!(bucket.rate() < 5.0, "never all of it");
    }

    #[test]
    fn who_is_too_late_takes_nothing_from_the_next_run() {
        let mut bucket = Bucket::new(&Rate::default());
        let longest = Duration::from_secs(10);
        let took = |bucket: &mut Bucket, now| {
            let turns = (0..1_000).map(|_| bucket.take_within(now, longest));
            turns.flatten().count()
        };
        // 40 at once and 4 a second, for ten seconds.
        assert_eq!(took(&mut bucket, Duration::ZERO), 80);
        assert_eq!(took(&mut bucket, Duration::ZERO), 0);
        assert!(
            took(&mut bucket, longest) >= 40,
            "what was refused was not used"
        );
    }

    proptest! {
        /// In no stretch of time more than burst + rate × time.
        #[test]
        fn never_more_than_the_budget(
            waits in prop::collection::vec(0_u64..3_000, 1..300),
            refused in prop::collection::vec(0_usize..300, 0..5),
        ) {
            let mut bucket = Bucket::new(&Rate::default());
            let (mut now, mut used) = (Duration::ZERO, Vec::new());
            for (n, wait) in waits.into_iter().enumerate() {
                now += Duration::from_millis(wait);
                if refused.contains(&n) {
                    bucket.throttled(now);
                }
                now += bucket.take(now);
                used.push(now.as_secs_f64());
            }
            for (first, start) in used.iter().enumerate() {
                for (last, end) in used.iter().enumerate().skip(first) {
                    #[allow(clippy::cast_precision_loss)]
                    let calls = (last - first) as f64;
                    prop_assert!(calls <= 50.0 + 5.0 * (end - start) + 1e-6);
                }
            }
        }
    }
}
