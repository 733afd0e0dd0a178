//! Resources that are still not in the state that was asked for some minutes ago. They are reported until they are.
//!
//! A count is only a request. "Asleep" and "awake" are about what runs: protected tasks keep running at a count of zero, and
//! a count of three may never be reached. The first saves nothing, and the second has not woken.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use strict_yaml::words;

use crate::resource::{CapacityUnit, Kind, Resource};
use crate::sleep_record::{Phase, SleepRecord};

/// A shortage that begins later than this after a wake-up has another cause than the schedule. One that was noticed
/// before stays reported.
const NOTICE_WINDOW: SignedDuration = SignedDuration::from_hours(3);

/// A state that lasts and should not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Condition {
    /// It was stopped, and still runs.
    StillRuns {
        /// What it is.
        kind: Kind,
        /// How many exist.
        running: u32,
        /// When it was stopped.
        since: Timestamp,
    },
    /// It was woken, and not all of it came up.
    NotUp {
        /// What it is.
        kind: Kind,
        /// How many should run.
        wanted: u32,
        /// How many do.
        running: u32,
        /// Whether both are in units of a weighted capacity.
        #[serde(skip)]
        in_units: bool,
        /// When it was woken.
        since: Timestamp,
    },
    /// AWS does not stop it.
    Refused {
        /// AWS's error in one line.
        detail: String,
    },
    /// A deployment does not end, and no longer puts off its sleep.
    Deploys {
        /// Since when it is in progress.
        since: Timestamp,
    },
}

impl Condition {
    /// The condition of a resource by its record, once it has had the time to change.
    pub fn of(resource: &Resource, record: Option<&SleepRecord>, now: Timestamp) -> Option<Self> {
        let record = record.filter(|record| record.is_about(resource))?;
        let (kind, since) = (resource.kind, record.since);
        let passed = now.duration_since(since);
        if passed < kind.spec().transition_timeout {
            return None;
        }
        let was = record.giving.or(record.was.as_ref().map(|was| was.level));
        let was = was?.desired;
        let running = resource.present();
        match record.phase {
            Phase::Down if record.set.is_some() && resource.desired == 0 && running > 0 => {
                Some(Self::StillRuns {
                    kind,
                    running,
                    since,
                })
            }
            Phase::Up if record.short_since.is_some() || passed < NOTICE_WINDOW => {
                // Who has changed the count since has other wishes, and a new deployment other reasons.
                let wanted = resource.desired.min(was);
                let is_new = resource.deploying_since.is_some_and(|began| began > since);
                let running = resource.running;
                (running < wanted && !is_new).then_some(Self::NotUp {
                    kind,
                    wanted,
                    running,
                    in_units: resource.capacity_unit == CapacityUnit::Weight,
                    since,
                })
            }
            _ => None,
        }
    }

    /// A word or two for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::StillRuns { .. } => "still runs",
            Self::NotUp { .. } => "not up",
            Self::Refused { .. } => "refused",
            Self::Deploys { .. } => "deploys",
        }
    }

    /// Whether it was put to sleep and still costs.
    pub fn costs(&self) -> bool {
        matches!(self, Self::StillRuns { .. })
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::StillRuns { kind, .. } => kind.spec().still_runs_remedy,
            Self::NotUp { kind, .. } => kind.spec().not_up_remedy,
            Self::Refused { .. } => {
                "see what AWS says of it, or take its tag away; it is tried again after the next edge"
            }
            Self::Deploys { .. } => "end the deployment, or see why it does not end",
        }
    }
}

/// `it was stopped at 2026-11-23T22:00:00Z: desired 0, but 2 instances run`: goes on after a name.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = |at: &Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(*at);
        match self {
            Self::StillRuns { since, .. } => write!(f, "it was stopped at {}: ", second(since))?,
            Self::NotUp { since, .. } => write!(f, "it was woken at {}: ", second(since))?,
            Self::Refused { .. } | Self::Deploys { .. } => {}
        }
        match self {
            Self::Refused { detail } => write!(f, "AWS does not stop it: {detail}"),
            Self::Deploys { since } => write!(
                f,
                "a deployment has been in progress since {}, and no longer puts off the sleep",
                second(since)
            ),
            Self::StillRuns { kind, running, .. } => match kind.spec().parts {
                Some(noun) => write!(f, "desired 0, but {} run", counted(*running, noun)),
                None => f.write_str("it should be stopped, but it still runs"),
            },
            Self::NotUp {
                kind,
                wanted,
                running,
                in_units,
                ..
            } => match kind
                .spec()
                .parts
                .map(|noun| if *in_units { "unit" } else { noun })
            {
                Some(noun) => write!(f, "desired {wanted}, but {} run", counted(*running, noun)),
                None => f.write_str("it should run, but it is not available yet"),
            },
        }
    }
}

fn counted(number: u32, noun: &str) -> String {
    words::count(number.try_into().unwrap_or(usize::MAX), noun)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Capacity;
    use crate::sleep_record::SavedState;

    const NIGHT: &str = "2026-11-23T22:00:00Z";

    fn resource(kind: Kind, desired: u32, running: u32) -> Resource {
        Resource {
            kind,
            arn: "arn".into(),
            desired,
            running,
            ..Resource::default()
        }
    }

    fn record(kind: Kind, phase: Phase) -> SleepRecord {
        let was = Capacity {
            desired: 3,
            scaling: None,
        };
        let since = NIGHT.parse().unwrap();
        let slept = resource(kind, 3, 3);
        SleepRecord {
            phase,
            set: (phase == Phase::Down).then(|| slept.asleep(was)),
            was: Some(SavedState::of(&slept, was, since)),
            ..SleepRecord::new(&slept, since)
        }
    }

    fn sentence_of(resource: &Resource, record: &SleepRecord, minutes: i64) -> Option<String> {
        let now = record.since + SignedDuration::from_mins(minutes);
        Condition::of(resource, Some(record), now).map(|it| it.to_string())
    }

    #[test]
    fn what_runs_on_is_told_after_some_minutes_and_as_long_as_it_does() {
        let down = record(Kind::EcsService, Phase::Down);
        let runs = resource(Kind::EcsService, 0, 2);
        assert_eq!(sentence_of(&runs, &down, 9), None);
        let sentence = "it was stopped at 2026-11-23T22:00:00Z: desired 0, but 2 tasks run";
        for minutes in [10, 60, 11 * 60] {
            assert_eq!(
                sentence_of(&runs, &down, minutes).as_deref(),
                Some(sentence)
            );
        }
        assert_eq!(
            sentence_of(&resource(Kind::EcsService, 0, 0), &down, 60),
            None
        );
        // Somebody started it: that is another matter.
        assert_eq!(
            sentence_of(&resource(Kind::EcsService, 2, 2), &down, 60),
            None
        );
        let waits = Resource {
            not_in_service: 1,
            ..resource(Kind::AutoScalingGroup, 0, 0)
        };
        let down = record(Kind::AutoScalingGroup, Phase::Down);
        insta::assert_snapshot!(sentence_of(&waits, &down, 10).unwrap(), @"it was stopped at 2026-11-23T22:00:00Z: desired 0, but 1 instance run");
        let down = record(Kind::RdsCluster, Phase::Down);
        let stopping = Resource {
            not_in_service: 1,
            ..resource(Kind::RdsCluster, 0, 0)
        };
        assert_eq!(sentence_of(&stopping, &down, 29), None);
        insta::assert_snapshot!(sentence_of(&stopping, &down, 30).unwrap(), @"it was stopped at 2026-11-23T22:00:00Z: it should be stopped, but it still runs");
    }

    #[test]
    fn what_does_not_come_up_is_told_and_a_later_fall_is_not_ours() {
        let up = record(Kind::EcsService, Phase::Up);
        let short = resource(Kind::EcsService, 3, 1);
        assert_eq!(sentence_of(&short, &up, 9), None);
        insta::assert_snapshot!(sentence_of(&short, &up, 10).unwrap(), @"it was woken at 2026-11-23T22:00:00Z: desired 3, but 1 task run");
        assert_eq!(sentence_of(&short, &up, 180), None, "it was up in between");
        let noted = SleepRecord {
            short_since: Some(up.since),
            ..up.clone()
        };
        assert!(
            sentence_of(&short, &noted, 180).is_some(),
            "it never came up"
        );
        // Somebody wants more than it had: that is theirs.
        assert_eq!(
            sentence_of(&resource(Kind::EcsService, 9, 3), &up, 20),
            None
        );
        assert_eq!(
            sentence_of(&resource(Kind::EcsService, 1, 1), &up, 20),
            None
        );
        let deployed = Resource {
            deploying_since: Some(up.since + SignedDuration::from_mins(5)),
            ..short
        };
        assert_eq!(sentence_of(&deployed, &up, 20), None);
        let starting = resource(Kind::RdsInstance, 1, 0);
        let up = record(Kind::RdsInstance, Phase::Up);
        insta::assert_snapshot!(sentence_of(&starting, &up, 31).unwrap(), @"it was woken at 2026-11-23T22:00:00Z: it should run, but it is not available yet");
    }

    #[test]
    fn a_service_of_the_same_name_is_another_one() {
        let later = Resource {
            created_at: Some("2026-11-24T00:00:00Z".parse().unwrap()),
            ..resource(Kind::EcsService, 0, 2)
        };
        let down = SleepRecord {
            born: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            ..record(Kind::EcsService, Phase::Down)
        };
        assert_eq!(sentence_of(&later, &down, 60), None);
    }
}
