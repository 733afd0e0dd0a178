//! The record of one resource: what it had before we changed it, what we set, and how far we are.
//!
//! The one rule: what was saved is never overwritten while the record says going down or down. A second "down" finds a count
//! of zero, and saving that would lose the real one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::backup_tag::{ASLEEP_TAG, BackupTag, MAX_CLOCK_SKEW};
use crate::resource::{Capacity, Resource, Scaling, TaskSize};
use crate::write::Refusal;

/// The most tasks that are started because a backup tag says so, where no record and no scalable target shows that there
/// were more.
pub const MAX_RECOVERED_TASKS: u32 = 10;
/// How long nobody else touches a resource that a run has begun with.
pub const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// One record: pk `service#ARN`, sk `sleep`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SleepRecord {
    /// The ARN of its resource.
    pub arn: String,
    /// When that resource was created. A later one of the same name is another resource.
    #[serde(default)]
    pub born: Option<Timestamp>,
    /// How far we are.
    pub phase: Phase,
    /// What it had before; none where nothing was taken.
    #[serde(default)]
    pub was: Option<SavedState>,
    /// What we set and have not given back yet.
    #[serde(default)]
    pub set: Option<Capacity>,
    /// When the phase began.
    pub since: Timestamp,
    /// Why, in words.
    pub why: String,
    /// The rule of the schedule that held then.
    #[serde(default)]
    pub rule: String,
    /// What somebody else changed, that we therefore left alone.
    #[serde(default)]
    pub conflict: Option<Conflict>,
    /// Since when it slept, once it is woken; none where it was awake anyway: somebody had started it, or it never slept. It is
    /// the moment of the wake where it is not known since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slept_since: Option<Timestamp>,
    /// Until when it was seen to run although it was stopped: that was no sleep, and is no saving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran_on: Option<Timestamp>,
    /// Since when it is known that not all of it came up after it was woken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_since: Option<Timestamp>,
    /// What is restored, where that is not what it had: scheduled actions were due while it slept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub giving: Option<Capacity>,
    /// What AWS said when it refused to stop it: then the phase is [`Phase::Left`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<RefusedStop>,
    /// Who is changing the service just now.
    #[serde(default)]
    pub holder: Option<Holder>,
}

/// How far a service is on its way to sleep or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Saved; some of the changes may have been made.
    GoingDown,
    /// It sleeps.
    Down,
    /// Some of the changes may have been undone.
    GoingUp,
    /// Everything was restored; kept as history until the next sleep.
    Up,
    /// It is left to people until the next edge: somebody started it, or it was at zero anyway.
    Left,
    /// Somebody changed it while it slept; left alone since it should have been woken.
    Conflict,
}

/// What a service had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedState {
    /// Count, bounds, suspensions.
    pub level: Capacity,
    /// Its task definition then; unknown if recovered from the tag. Never restored: a redeploy counts.
    #[serde(default)]
    pub task_definition: Option<String>,
    /// What a task took.
    #[serde(default)]
    pub size: Option<TaskSize>,
    /// When that was.
    pub at: Timestamp,
}

/// What was found where something else was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What we had set.
    pub expected: Option<Capacity>,
    /// What was there.
    pub found: Capacity,
    /// When it was found.
    pub at: Timestamp,
}

/// A stop that AWS refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedStop {
    /// The call and on what.
    pub what: String,
    /// AWS's error in one line.
    pub detail: String,
    /// How it was refused.
    pub refusal: Refusal,
    /// How often in a row, since the last edge.
    pub tries: u32,
}

impl RefusedStop {
    /// Whether another try is useless before something has changed: a wrong state may pass once.
    pub fn is_final(&self) -> bool {
        self.refusal == Refusal::Permanent || self.tries > 1
    }
}

/// Who is changing the service, so that two runs don't do so at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run's id.
    pub run: String,
    /// Nobody else may act before.
    pub until: Timestamp,
}

impl Phase {
    /// Whether the saved level must not be overwritten.
    pub fn guards(self) -> bool {
        matches!(self, Self::GoingDown | Self::Down)
    }
}

impl SavedState {
    /// What a service has now.
    pub fn of(resource: &Resource, level: Capacity, at: Timestamp) -> Self {
        let task_definition = Some(&resource.task_definition).filter(|text| !text.is_empty());
        Self {
            level,
            task_definition: task_definition.cloned(),
            size: resource.size,
            at,
        }
    }
}

impl SleepRecord {
    /// A record of a service of which nothing was taken.
    pub fn new(resource: &Resource, since: Timestamp) -> Self {
        Self {
            arn: resource.arn.clone(),
            born: resource.created_at,
            phase: Phase::Left,
            was: None,
            set: None,
            since,
            why: String::new(),
            rule: String::new(),
            conflict: None,
            slept_since: None,
            ran_on: None,
            short_since: None,
            giving: None,
            refused: None,
            holder: None,
        }
    }

    /// Whether it is about this very service, and not about a former one of the same name.
    pub fn is_about(&self, resource: &Resource) -> bool {
        match (self.born, resource.created_at) {
            (Some(born), Some(created)) => born == created,
            _ => true,
        }
    }

    /// Whether this record, which says that nothing of ours is left, is from before the sleep that a tag
    /// speaks of: then it was put back from a backup.
    pub fn is_older_than(&self, backup: &BackupTag) -> bool {
        self.set.is_none() && self.since < backup.at
    }

    /// Whether it says that a service has not all of what it had.
    pub fn is_asleep(&self) -> bool {
        self.set.is_some() && (self.phase.guards() || self.phase == Phase::GoingUp)
    }

    /// Whether it has exactly what we set for its sleep.
    pub fn stands_as_set(&self, found: Capacity) -> bool {
        self.set == Some(found)
    }

    /// What the backup tag says of a sleeping service whose record is gone, or is from before that sleep. Whoever may only tag
    /// a service must not get more of it than it ever had.
    pub fn recovered(resource: &Resource, earlier: Option<&Self>, backup: &BackupTag) -> Self {
        let level = vouched_for(resource, earlier, backup.level);
        Self {
            phase: Phase::Down,
            was: Some(SavedState {
                level,
                task_definition: None,
                size: resource.size,
                at: backup.at,
            }),
            set: Some(resource.asleep(level)),
            why: format!("recovered from the tag {ASLEEP_TAG}"),
            ..Self::new(resource, backup.at)
        }
    }

    /// Whether its phase begins in the future: it was written by a clock that was wrong.
    pub(crate) fn is_from_the_future(&self, now: Timestamp) -> bool {
        self.since.duration_since(now) > MAX_CLOCK_SKEW
    }

    /// Whether another run holds it. Nobody holds a resource for longer than a lease: a longer one was written by a wrong
    /// clock, and would block the resource for as long.
    pub fn held_by_other(&self, run: &str, now: Timestamp) -> Option<&Holder> {
        let holder = self.holder.as_ref()?;
        let left = holder.until.duration_since(now);
        let holds = left > SignedDuration::ZERO && left <= LEASE + MAX_CLOCK_SKEW;
        (holder.run != run && holds).then_some(holder)
    }

    /// What the resource should have once everything that is still as we set it is restored. A field that somebody else has
    /// changed since is left as it is.
    pub fn original(&self, found: Capacity) -> Capacity {
        let (Some(was), Some(set)) = (&self.was, self.set) else {
            return found;
        };
        let was = self.giving.unwrap_or(was.level);
        let on_our_way = matches!(self.phase, Phase::GoingUp | Phase::GoingDown)
            && self.between().contains(&found.desired);
        let desired = if found.desired == set.desired || on_our_way {
            was.desired
        } else {
            found.desired
        };
        let scaling = match (was.scaling, set.scaling, found.scaling) {
            (Some(was), Some(set), Some(found)) => {
                let max = pick(found.max, set.max, was.max);
                Some(Scaling {
                    // Somebody may have lowered the maximum below what the minimum was.
                    min: pick(found.min, set.min, was.min).min(max.max(found.min)),
                    max,
                    suspended: pick(found.suspended, set.suspended, was.suspended),
                })
            }
            (_, _, found) => found,
        };
        Capacity { desired, scaling }
    }

    /// The counts that our own calls can have led to while we are on the way: saved, zero, and what
    /// Application Auto Scaling makes of either when the bounds are set.
    pub(crate) fn between(&self) -> Vec<u32> {
        let (Some(was), Some(set)) = (&self.was, self.set) else {
            return Vec::new();
        };
        let given = self.giving.unwrap_or(was.level);
        let mut counts = vec![was.level.desired, given.desired, set.desired];
        for scaling in [was.level.scaling, given.scaling, set.scaling]
            .into_iter()
            .flatten()
        {
            counts.push(scaling.clamp(set.desired));
            counts.push(scaling.clamp(was.level.desired));
            counts.push(scaling.clamp(given.desired));
        }
        counts
    }
}

/// What a tag says, within the maximum of what scales it and what is known of an earlier sleep; of a service of which
/// nothing is known, within [`MAX_RECOVERED_TASKS`].
pub(crate) fn vouched_for(
    resource: &Resource,
    earlier: Option<&SleepRecord>,
    tag: Capacity,
) -> Capacity {
    let had = earlier.and_then(|earlier| earlier.was.as_ref());
    let levels = [Some(resource.level()), had.map(|had| had.level)];
    let known = levels.into_iter().flatten().flat_map(|level| {
        let max = level.scaling.map_or(0, |scaling| scaling.max);
        [level.desired, max]
    });
    let most = known.fold(MAX_RECOVERED_TASKS, u32::max);
    let scaling = tag.scaling.map(|scaling| Scaling {
        min: scaling.min.min(most),
        max: scaling.max.min(most),
        ..scaling
    });
    Capacity {
        desired: tag.desired.min(most),
        scaling,
    }
}

fn pick<T: Copy + PartialEq>(found: T, set: T, was: T) -> T {
    if found == set { was } else { found }
}
