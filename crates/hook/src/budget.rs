//! How the time of one invocation is divided: work first, but never at the cost of answering.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Kept back for answering, storing the report and telling people, where the function's time
/// allows it: several tries of the answer call with back-off fit in.
pub(crate) const ANSWER_RESERVE: Duration = Duration::from_secs(15);
/// Of the reserve, what is for the answer alone; the rest is for the report and the notification.
pub(crate) const ANSWER_SHARE: f64 = 0.7;
/// Kept back at the very end, so that the runtime can return before Lambda kills the function.
pub(crate) const SHUTDOWN_RESERVE: Duration = Duration::from_millis(500);

/// The least that the gate ends before the guard.
const MIN_GATE_MARGIN: Duration = Duration::from_millis(400);
/// The most.
const MAX_GATE_MARGIN: Duration = Duration::from_secs(5);
/// The answer is tried for so long even when no time is left.
const MIN_ANSWER_TIME: Duration = Duration::from_secs(2);
/// Less than this is no time for a try.
const MIN_TRY: Duration = Duration::from_millis(250);
/// A deadline so long ago is none.
const MAX_DEADLINE_AGE: Duration = Duration::from_hours(24);
/// What is assumed then.
const DEFAULT_TIME_LEFT: Duration = Duration::from_mins(5);

/// The part of the working time that one best-effort look-up may take.
const LOOKUP_SHARE: u32 = 6;

/// Looking up the target, loading the suite and reading its secrets usually take less than this.
const SETUP_TIME: Duration = Duration::from_secs(10);
/// The last round begins at the end of the window.
const LAST_ROUND_TIME: Duration = Duration::from_secs(1);

/// The longest bake window that a function with this time-out has time for.
pub(crate) fn max_bake_window(time_out: Duration) -> Duration {
    let work = time_out.saturating_sub(reserve(time_out));
    let around = margin(work) + SETUP_TIME.min(time_out / 10) + LAST_ROUND_TIME;
    Duration::from_secs(work.saturating_sub(around).as_secs())
}

fn reserve(left: Duration) -> Duration {
    ANSWER_RESERVE.min(left / 3)
}

fn margin(work: Duration) -> Duration {
    (work / 30).clamp(MIN_GATE_MARGIN, MAX_GATE_MARGIN)
}

/// The instants by which things must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_field_names,
    reason = "each is the end of something else"
)]
pub(crate) struct Budget {
    /// Looking up, loading and probing end here, finished or not.
    pub work_until: Instant,
    /// The answer must have been given by then; see [`Budget::last_chance`].
    pub answer_until: Instant,
    /// Report and notification end here, finished or not.
    pub publish_until: Instant,
    /// How long there was to work at the beginning.
    pub work_time: Duration,
}

impl Budget {
    /// Divides what is left between `now` and the function's `deadline`. With less than three
    /// reserves left, the reserve is a third of the time.
    pub(crate) fn divide(now: Instant, left: Duration) -> Self {
        let reserve = reserve(left);
        let publish_until = now + left.saturating_sub(SHUTDOWN_RESERVE.min(left / 10));
        let work_until = now + left.saturating_sub(reserve);
        let answer_until = (work_until + reserve.mul_f64(ANSWER_SHARE)).min(publish_until);
        Self {
            work_until,
            answer_until,
            publish_until,
            work_time: work_until.saturating_duration_since(now),
        }
    }

    /// How long one look-up may take that the gate can do without: several in a row must leave most
    /// of the time for measuring.
    pub(crate) fn lookup_timeout(&self) -> Duration {
        self.work_until.saturating_duration_since(Instant::now()) / LOOKUP_SHARE
    }

    /// How long the gate ends before the guard, so that it can say itself what it had no time for:
    /// building a long report takes seconds on a slice of a core.
    pub(crate) fn gate_margin(&self) -> Duration {
        margin(self.work_until.saturating_duration_since(Instant::now()))
    }

    /// Until when something may take that ends in an answer where it fails: handing the run on, asking people. A third of
    /// what is left stays for that answer, so that it can be repeated.
    pub(crate) fn before_answer(&self) -> Instant {
        let now = Instant::now();
        now + self.answer_until.saturating_duration_since(now) * 2 / 3
    }

    /// Until when the answer is tried, however late it is. Where hardly any time is left for that, it gets some: Lambda
    /// may end the function before, but not trying is certain to leave CodeDeploy without an answer.
    pub(crate) fn last_chance(&self) -> Instant {
        let now = Instant::now();
        if self.answer_until > now + MIN_TRY {
            return self.answer_until;
        }
        now + MIN_ANSWER_TIME
    }

    /// [`Budget::divide`], from the wall-clock deadline that Lambda gives. A deadline in the past leaves no
    /// time to work; the answer is tried all the same.
    pub(crate) fn until(deadline: SystemTime) -> Self {
        let now = SystemTime::now();
        let left = match deadline.duration_since(now) {
            Ok(left) => left,
            // Some local emulators count from 1970, which says nothing.
            Err(past) if past.duration() > MAX_DEADLINE_AGE => DEFAULT_TIME_LEFT,
            Err(_) => Duration::ZERO,
        };
        Self::divide(Instant::now(), left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn work_ends_before_the_answer_and_the_answer_before_the_end(ms in 0_u64..900_000) {
            let now = Instant::now();
            let left = Duration::from_millis(ms);
            let budget = Budget::divide(now, left);
            prop_assert!(now <= budget.work_until);
            prop_assert!(budget.work_until <= budget.answer_until);
            prop_assert!(budget.answer_until <= budget.publish_until);
            prop_assert!(budget.publish_until <= now + left);
        }
    }

    #[test]
    fn a_deadline_that_tells_nothing_is_not_taken_for_one() {
        let from_1970 = SystemTime::UNIX_EPOCH + Duration::from_mins(10);
        let budget = Budget::until(from_1970);
        assert!(budget.work_until > Instant::now() + Duration::from_mins(4));
    }

    #[test]
    fn with_no_time_left_the_answer_is_still_tried() {
        let budget = Budget::until(SystemTime::now());
        assert!(budget.last_chance() > Instant::now() + Duration::from_secs(1));
    }

    #[test]
    fn the_longest_bake_leaves_time_for_what_is_around_it() {
        let longest = |seconds| max_bake_window(Duration::from_secs(seconds));
        assert_eq!(longest(900), Duration::from_secs(869));
        assert_eq!(longest(120), Duration::from_secs(90));
        assert_eq!(longest(3), Duration::ZERO);
        assert_eq!(longest(0), Duration::ZERO);
    }

    #[test]
    fn a_long_function_keeps_the_whole_reserve_and_a_short_one_a_third() {
        let now = Instant::now();
        let long = Budget::divide(now, Duration::from_mins(5));
        assert_eq!(long.work_until - now, Duration::from_secs(285));
        let short = Budget::divide(now, Duration::from_secs(9));
        assert_eq!(short.work_until - now, Duration::from_secs(6));
        assert!(short.answer_until - short.work_until > Duration::from_secs(2));
    }
}
