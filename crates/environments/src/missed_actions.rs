//! What a schedule of Application Auto Scaling would have done while a service slept.
//!
//! Scheduled actions are suspended during a sleep, and AWS does not make up for those that were due then. A service restored
//! "as it was" at nine would lack what an action at half past eight sets on every other morning. So it is restored as it
//! would be: with what it had, and then the bounds that the missed actions would have set.
//! <https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-suspend-resume-scaling.html>

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schedule::aws_expression::{self, Expression, ExpressionError};
use serde::Serialize;

use crate::resource::{Capacity, Scaling, ScheduledAction};

/// How many days back the last time of an action is searched, the most likely first. An action on leap days is not found
/// every year.
const LOOKBACK_DAYS: [i64; 4] = [1, 8, 62, 366];

/// An action that was due while its service slept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct MissedAction {
    /// Its name.
    pub name: String,
    /// When it was due last.
    pub at: Timestamp,
    /// The minimum that it would have set.
    pub min: Option<u32>,
    /// The maximum that it would have set.
    pub max: Option<u32>,
}

/// What people should know of a service that woke as something else than what it was. Its sentence has no full stop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Note {
    /// Whether an action was due is not known.
    Unknown {
        /// Its name.
        action: String,
        /// Why.
        why: String,
    },
    /// Actions were due.
    Missed {
        /// Which; empty where only an earlier run has seen them.
        actions: Vec<MissedAction>,
        /// What it had.
        was: Capacity,
        /// What it would have by now.
        given: Capacity,
    },
}

/// The last time of each action that was due in `(from, until]`, in the order of time; and what can't be known.
pub fn missed(
    actions: &[ScheduledAction],
    from: Timestamp,
    until: Timestamp,
) -> (Vec<MissedAction>, Vec<Note>) {
    let (mut missed, mut unknown) = (Vec::new(), Vec::new());
    for action in actions {
        match action.last_due(from, until) {
            Ok(Some(at)) => missed.push(MissedAction {
                name: action.name.clone(),
                at,
                min: action.min,
                max: action.max,
            }),
            Ok(None) => {}
            Err(error) => unknown.push(Note::Unknown {
                action: action.name.clone(),
                why: error.to_string(),
            }),
        }
    }
    missed.sort_by_key(|one| one.at);
    (missed, unknown)
}

/// What a service would have if it had not slept: the bounds of what was missed, one after the other, and its count
/// pulled into them.
pub fn would_be(was: Capacity, missed: &[MissedAction]) -> Capacity {
    let mut level = was;
    for one in missed {
        let Some(scaling) = level.scaling else {
            break;
        };
        let (min, max) = match (one.min, one.max) {
            (Some(min), max) => (min, max.unwrap_or(scaling.max).max(min)),
            (None, Some(max)) => (scaling.min.min(max), max),
            (None, None) => (scaling.min, scaling.max),
        };
        let bounds = Scaling {
            min,
            max,
            ..scaling
        };
        level.scaling = Some(bounds);
        level.desired = bounds.clamp(level.desired);
    }
    level
}

impl ScheduledAction {
    fn last_due(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Timestamp>, ExpressionError> {
        let second = SignedDuration::from_secs(1);
        // Its beginning counts, and so does its end.
        let begins = self.begins.and_then(|at| at.checked_sub(second).ok());
        let from = [begins, self.made]
            .into_iter()
            .flatten()
            .fold(from, Timestamp::max);
        let until = self.ends.map_or(until, |ends| ends.min(until));
        let within = |at: &Timestamp| *at > from && *at <= until;
        let zone = || aws_expression::zone(self.zone.as_deref());
        let rate = match Expression::read(&self.schedule)? {
            Expression::Once(local) => {
                let at = local.to_zoned(zone()?);
                let at = at.map_err(|source| ExpressionError::Time {
                    expression: self.schedule.clone(),
                    source,
                })?;
                return Ok(Some(at.timestamp()).filter(within));
            }
            Expression::Cron(cron) => {
                let zone = zone()?;
                return Ok(LOOKBACK_DAYS.into_iter().find_map(|days| {
                    let back = until.checked_sub(SignedDuration::from_hours(24 * days));
                    let from = back.map_or(from, |back| back.max(from));
                    cron.within(&zone, from, until).last()
                }));
            }
            Expression::Rate(rate) => rate,
        };
        let anchor = self.begins.or(self.made).unwrap_or(from);
        let passed = until.duration_since(anchor).as_secs();
        let step = i64::try_from(rate.as_secs()).unwrap_or(i64::MAX).max(1);
        let last = SignedDuration::from_secs(passed.div_euclid(step).saturating_mul(step));
        Ok(anchor.checked_add(last).ok().filter(within))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { action, why } => write!(
                f,
                "whether its scheduled action {action} was due meanwhile is not known: {why}"
            ),
            Self::Missed {
                actions,
                was,
                given,
            } => {
                let due: Vec<String> = actions.iter().map(ToString::to_string).collect();
                let due = match due.as_slice() {
                    [] => "scheduled actions were due".to_owned(),
                    due => due.join("; "),
                };
                write!(
                    f,
                    "while it slept {due}; it had {was}, and would have {given} by now"
                )
            }
        }
    }
}

/// `the scheduled action prewarm was due at 2026-11-24T07:30:00Z and would have set 10-20`
impl fmt::Display for MissedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, at) = (&self.name, self.at);
        write!(
            f,
            "the scheduled action {name} was due at {at} and would have set "
        )?;
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "{min}-{max}"),
            (Some(min), None) => write!(f, "a minimum of {min}"),
            (None, Some(max)) => write!(f, "a maximum of {max}"),
            (None, None) => f.write_str("nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ScalingSuspension;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn action(name: &str, schedule: &str, min: Option<u32>, max: Option<u32>) -> ScheduledAction {
        ScheduledAction {
            name: name.into(),
            schedule: schedule.into(),
            min,
            max,
            ..ScheduledAction::default()
        }
    }

    fn level(desired: u32, min: u32, max: u32) -> Capacity {
        let suspended = ScalingSuspension::default();
        let scaling = Some(Scaling {
            min,
            max,
            suspended,
        });
        Capacity { desired, scaling }
    }

    fn night(actions: &[ScheduledAction]) -> (Vec<MissedAction>, Vec<Note>) {
        missed(
            actions,
            at("2026-11-23T21:00:00Z"),
            at("2026-11-24T08:00:00Z"),
        )
    }

    #[test]
    fn the_newest_bounds_of_a_night_are_what_it_would_have() {
        let prewarm = ScheduledAction {
            zone: Some("Europe/Berlin".into()),
            ..action("prewarm", "cron(30 8 ? * MON-FRI *)", Some(10), Some(20))
        };
        let (one, unknown) = night(std::slice::from_ref(&prewarm));
        assert_eq!(unknown, []);
        insta::assert_snapshot!(one[0], @"the scheduled action prewarm was due at 2026-11-24T07:30:00Z and would have set 10-20");
        assert_eq!(would_be(level(4, 2, 10), &one), level(10, 10, 20));
        // In the order in which they were due, whatever the order of the list.
        let low = action("low", "cron(0 23 * * ? *)", Some(0), Some(1));
        let (both, _) = night(&[prewarm, low]);
        assert_eq!(would_be(level(4, 2, 10), &both), level(10, 10, 20));
        let high = action("high", "cron(0 22 * * ? *)", Some(8), None);
        let lower = action("lower", "at(2026-11-24T05:00:00)", None, Some(5));
        let (both, _) = night(&[lower, high]);
        assert_eq!(would_be(level(4, 2, 10), &both), level(5, 5, 5));
    }

    #[test]
    fn only_what_was_due_meanwhile_is_missed() {
        for (schedule, due) in [
            ("at(2026-11-23T21:00:00)", None),
            ("at(2026-11-23T21:00:01)", Some("2026-11-23T21:00:01Z")),
            ("at(2026-11-24T08:00:00)", Some("2026-11-24T08:00:00Z")),
            ("at(2026-11-24T08:00:01)", None),
            ("cron(0 12 * * ? *)", None),
            ("cron(0/30 * * * ? *)", Some("2026-11-24T08:00:00Z")),
            ("cron(0 3 ? * SUN *)", None),
        ] {
            let (missed, _) = night(&[action("one", schedule, Some(1), None)]);
            assert_eq!(missed.first().map(|one| one.at), due.map(at), "{schedule}");
        }
        let rate = ScheduledAction {
            made: Some(at("2026-11-20T00:10:00Z")),
            ..action("rate", "rate(6 hours)", Some(1), None)
        };
        assert_eq!(night(&[rate]).0[0].at, at("2026-11-24T06:10:00Z"));
        let ended = ScheduledAction {
            ends: Some(at("2026-11-01T00:00:00Z")),
            ..action("ended", "cron(0 3 * * ? *)", Some(1), None)
        };
        let later = ScheduledAction {
            begins: Some(at("2026-12-01T00:00:00Z")),
            ..ended.clone()
        };
        assert!(night(&[ended, later]).0.is_empty());
        // A whole summer, of which the last time counts.
        let daily = action("daily", "cron(0 3 * * ? *)", Some(1), None);
        let monthly = action("monthly", "cron(0 3 1 * ? *)", Some(2), None);
        let (both, _) = missed(
            &[daily, monthly],
            at("2026-01-01T00:00:00Z"),
            at("2026-11-24T08:00:00Z"),
        );
        let due: Vec<String> = both.iter().map(|one| one.at.to_string()).collect();
        assert_eq!(due, ["2026-11-01T03:00:00Z", "2026-11-24T03:00:00Z"]);
    }

    #[test]
    fn what_can_not_be_read_is_not_known() {
        let moon = ScheduledAction {
            zone: Some("Moon/Base".into()),
            ..action("moon", "cron(0 3 * * ? *)", Some(1), None)
        };
        let (missed, unknown) = night(&[action("odd", "sometimes", None, None), moon]);
        assert!(missed.is_empty());
        let unknown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(unknown.join("\n"), @r#"
        whether its scheduled action odd was due meanwhile is not known: "sometimes" is not at(…), cron(…) or rate(N minutes), (N hours) or (N days)
        whether its scheduled action moon was due meanwhile is not known: there is no time zone "Moon/Base"
        "#);
    }
}
