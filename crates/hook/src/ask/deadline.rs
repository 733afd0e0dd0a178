//! Until when people may answer: pure. The caller's contract says, less what the end of the wait needs.

use std::time::Duration;

use gate_question::ANSWER_GRACE;
use jiff::{SignedDuration, Timestamp};
use strict_yaml::words;

/// After the last look for an answer: the caller may call back a minute late, and is to be answered.
const ANSWER_RESERVE: SignedDuration = SignedDuration::from_secs(150);
/// Less is no time to decide in.
const MIN_TIME: SignedDuration = SignedDuration::from_mins(2);

/// How long a caller waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallerDeadline {
    /// Since the run began, or since it waits where it says so.
    pub(crate) limit: Duration,
    /// Since when it waits.
    pub(crate) since: Option<Timestamp>,
    /// From now on, where invocations are counted.
    pub(crate) invocations: Option<Duration>,
}

/// Until when answers are taken, or why there is no time for any.
pub(super) fn expires(
    started: Timestamp,
    now: Timestamp,
    caller_deadline: CallerDeadline,
) -> Result<Timestamp, String> {
    let after = |from: Timestamp, time: Duration| {
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        from.saturating_add(time).unwrap_or(Timestamp::MAX)
    };
    // The run may be the second one, after an invocation that died.
    let since = caller_deadline
        .since
        .map_or(started, |since| since.min(started));
    let end = after(since, caller_deadline.limit);
    let end = caller_deadline
        .invocations
        .map_or(end, |left| end.min(after(now, left)));
    let expires = end
        .saturating_sub(ANSWER_GRACE + ANSWER_RESERVE)
        .unwrap_or(Timestamp::MIN);
    let left = expires.duration_since(now);
    if left >= MIN_TIME {
        return Ok(expires);
    }
    let left = Duration::try_from(left).unwrap_or_default();
    Err(format!(
        "the evidence is not enough, and there is no time to ask people: the caller waits for {} more, of which {} are \
         needed to answer it",
        words::duration(
            left + Duration::try_from(ANSWER_GRACE + ANSWER_RESERVE).unwrap_or_default()
        ),
        words::duration(Duration::try_from(ANSWER_GRACE + ANSWER_RESERVE).unwrap_or_default()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-05-04T{time}Z").parse().unwrap()
    }

    fn until(now: &str, invocations: Option<u64>) -> Result<String, String> {
        let caller_deadline = CallerDeadline {
            limit: Duration::from_mins(58),
            since: None,
            invocations: invocations.map(Duration::from_mins),
        };
        expires(at("10:00:00"), at(now), caller_deadline).map(|at| at.to_string())
    }

    #[test]
    fn the_deadline_leaves_time_to_answer_the_caller() {
        assert_eq!(until("10:01:00", None).unwrap(), "2026-05-04T10:54:00Z");
        assert_eq!(until("10:50:00", None).unwrap(), "2026-05-04T10:54:00Z");
    }

    #[test]
    fn a_run_after_one_that_died_has_what_is_left_of_the_callers_wait() {
        let caller_deadline = CallerDeadline {
            limit: Duration::from_mins(58),
            since: Some(at("09:40:00")),
            invocations: None,
        };
        let expires = expires(at("10:00:00"), at("10:01:00"), caller_deadline).unwrap();
        assert_eq!(expires.to_string(), "2026-05-04T10:34:00Z");
        // A clock that is ahead gives no time.
        let caller_deadline = CallerDeadline {
            since: Some(at("10:05:00")),
            ..caller_deadline
        };
        let expires = super::expires(at("10:00:00"), at("10:01:00"), caller_deadline).unwrap();
        assert_eq!(expires.to_string(), "2026-05-04T10:54:00Z");
    }

    #[test]
    fn where_invocations_are_counted_they_must_last() {
        assert_eq!(until("10:01:00", Some(20)).unwrap(), "2026-05-04T10:17:00Z");
        assert_eq!(until("10:01:00", Some(90)).unwrap(), "2026-05-04T10:54:00Z");
    }

    #[test]
    fn too_little_time_is_none() {
        insta::assert_snapshot!(until("10:53:00", None).unwrap_err(), @"the evidence is not enough, and there is no time to ask people: the caller waits for 5m more, of which 4m are needed to answer it");
        assert!(until("10:01:00", Some(5)).is_err());
        assert!(until("11:30:00", None).is_err());
    }
}
