//! The kinds of resources that can sleep: one file and one [`ResourceKind`] for each.
//!
//! Everything else treats all resources alike. Whatever differs between kinds is asked of the trait, and
//! [`Kind::implementation`] is the only place that matches on a [`Kind`]. A new kind is a new file here, a variant
//! there, and a key under `also` in the configuration. A kind that the configuration doesn't name is never called.

mod aurora_cluster;
mod auto_scaling_group;
pub(crate) mod ecs_service;
mod rds;
mod rds_instance;
pub(crate) mod scalable_target;

use std::fmt;

use futures::future::BoxFuture;
use jiff::SignedDuration;
use serde::Deserialize;

use crate::config::{Config, Globs};
use crate::problem::Problem;
use crate::read::{ReadError, Reader};
use crate::resource::{Capacity, Kind, Resource, Scaling, ScalingSuspension};
use crate::write::{CallError, Writer};

/// What one kind of resource can do.
pub(crate) trait ResourceKind: Sync {
    /// What is fixed for the kind.
    fn spec(&self) -> &'static KindSpec;

    /// Every resource of this kind that the configuration may mean.
    fn list<'a>(&self, reader: Reader<'a>, config: &'a Config) -> BoxFuture<'a, ListedResources>;

    /// These resources as they are now; those that are gone are left out.
    fn describe<'a>(&self, reader: Reader<'a>, names: ResourceNames<'a>) -> ReadFuture<'a>;

    /// As [`describe`](Self::describe), with no more than [`Resource::is_healthy`] needs. One that can't be read is
    /// an error.
    fn verify<'a>(&self, reader: Reader<'a>, names: ResourceNames<'a>) -> ReadFuture<'a> {
        self.describe(reader, names)
    }

    /// What it has while it sleeps, where it has `was` while awake: nothing runs, and nothing may start it.
    fn asleep(&self, _resource: &Resource, was: Capacity) -> Capacity {
        Capacity {
            desired: 0,
            scaling: was.scaling.map(|scaling| Scaling {
                min: 0,
                // With bounds that move no count, nothing that Application Auto Scaling does late undoes the zero.
                max: scaling.max.max(was.desired),
                suspended: ScalingSuspension::ALL,
            }),
        }
    }

    /// The changes that put it to sleep, in order: bounds, then count.
    fn sleep(&self, found: Capacity, asleep: Capacity) -> Vec<Change> {
        let bounds = asleep.scaling.filter(|_| found.scaling != asleep.scaling);
        let count = Some(asleep.desired).filter(|desired| found.desired != *desired);
        let bounds = bounds.map(Change::Bounds).into_iter();
        bounds.chain(count.map(Change::Count)).collect()
    }

    /// The changes that wake it, in order.
    fn wake(&self, found: Capacity, was: Capacity) -> Vec<Change> {
        wake(found, was)
    }

    /// Makes one change. Absolute, so that making it twice is making it once.
    fn change<'a>(&self, writer: Writer<'a>, change: Change) -> WriteFuture<'a>;

    /// Sets the tag that backs up its sleep record to `value`, or removes it.
    fn tag<'a>(&self, writer: Writer<'a>, value: Option<&'a str>) -> WriteFuture<'a>;
}

/// Resources that are being read.
pub(crate) type ReadFuture<'a> = BoxFuture<'a, Result<Vec<Resource>, ReadError>>;
/// A change that is being made.
pub(crate) type WriteFuture<'a> = BoxFuture<'a, Result<(), CallError>>;

/// Resources of one kind by name, at most [`KindSpec::names_per_call`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResourceNames<'a> {
    /// The ECS cluster, for kinds that belong to one.
    pub(crate) cluster: &'a str,
    pub(crate) names: &'a [String],
}

/// The count, then the bounds.
///
/// The count comes first, while the bounds of the sleep leave it alone: Application Auto Scaling pulls what lies outside
/// of new bounds into them when it gets to it, and so it must not find a zero.
fn wake(found: Capacity, was: Capacity) -> Vec<Change> {
    let (mut changes, mut desired) = (Vec::new(), found.desired);
    if desired != was.desired {
        changes.push(Change::Count(was.desired));
        desired = was.desired;
    }
    if let Some(bounds) = was.scaling.filter(|_| found.scaling != was.scaling) {
        changes.push(Change::Bounds(bounds));
        desired = bounds.clamp(desired);
    }
    // It had a count that its own bounds do not allow, and they have moved it.
    if desired != was.desired {
        changes.push(Change::Count(was.desired));
    }
    changes
}

/// One change of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The count, and nothing else.
    Count(u32),
    /// Bounds and suspensions, all of them.
    Bounds(Scaling),
    /// Both at once, where one without the other would be refused.
    BoundsAndCount(Scaling, u32),
}

/// What is fixed for a kind.
#[derive(Debug)]
pub(crate) struct KindSpec {
    /// What people call one.
    noun: &'static str,
    /// What stands before the slash in `cluster/name`; none for the name of its ECS cluster.
    prefix: Option<&'static str>,
    /// What it consists of; none for a database, which is one thing.
    pub(crate) parts: Option<&'static str>,
    /// Whether Application Auto Scaling may have scheduled actions for it.
    pub(crate) has_scheduled_actions: bool,
    /// How many one call describes.
    pub(crate) names_per_call: usize,
    /// How long it may take to stop or to start before that is reported.
    pub(crate) transition_timeout: SignedDuration,
    /// After what time AWS starts it again by itself; none if it never does.
    pub(crate) restarted_after: Option<SignedDuration>,
    /// What to do where it was stopped and still runs.
    pub(crate) still_runs_remedy: &'static str,
    /// What to do where it was woken and is not up.
    pub(crate) not_up_remedy: &'static str,
}

/// What was listed of one kind, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct ListedResources {
    pub(crate) resources: Vec<Resource>,
    /// `cluster/name` of services that have no count.
    pub(crate) daemons: Vec<String>,
    pub(crate) problems: Vec<Problem>,
}

impl ListedResources {
    /// Those whose names match, or why there are none.
    fn matching(found: Result<Vec<Resource>, ReadError>, names: &Globs) -> Self {
        let mut listed = Self::default();
        match found {
            Ok(mut found) => {
                found.retain(|one| names.find_name(&one.name).is_some());
                listed.resources = found;
            }
            Err(error) => listed.problems.push(Problem::unread(None, &error)),
        }
        listed
    }
}

/// A tag, as services of the query protocol describe one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Tag {
    key: String,
    value: String,
}

impl Tag {
    fn into_pair(self) -> (String, String) {
        (self.key, self.value)
    }
}

impl Kind {
    /// In the order in which they are read.
    pub(crate) const ALL: [Self; 4] = [
        Self::EcsService,
        Self::RdsInstance,
        Self::RdsCluster,
        Self::AutoScalingGroup,
    ];

    /// What it can do.
    pub(crate) fn implementation(self) -> &'static dyn ResourceKind {
        match self {
            Self::EcsService => &ecs_service::EcsService,
            Self::RdsInstance => &rds_instance::RdsInstance,
            Self::RdsCluster => &aurora_cluster::AuroraCluster,
            Self::AutoScalingGroup => &auto_scaling_group::AutoScalingGroup,
        }
    }

    /// Those whose `cluster/name` begins like this: an ECS cluster has any name but those of the other kinds.
    pub(crate) fn of_prefix(cluster: &str) -> Vec<Self> {
        let prefix = |kind: &Self| kind.spec().prefix;
        let others = Self::ALL.into_iter();
        let others: Vec<Self> = others
            .filter(|kind| prefix(kind) == Some(cluster))
            .collect();
        if others.is_empty() {
            return vec![Self::EcsService];
        }
        others
    }

    /// What is fixed for it.
    pub(crate) fn spec(self) -> &'static KindSpec {
        self.implementation().spec()
    }

    /// Whether it belongs to an ECS cluster.
    pub(crate) fn has_cluster(self) -> bool {
        self.spec().prefix.is_none()
    }

    /// After what time AWS starts it again by itself, if it does.
    pub fn restarted_after(self) -> Option<SignedDuration> {
        self.spec().restarted_after
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec().noun)
    }
}

impl Resource {
    /// What it has while it sleeps, where it has this while it is awake.
    pub fn asleep(&self, was: Capacity) -> Capacity {
        self.kind.implementation().asleep(self, was)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(desired: u32, min: u32, max: u32) -> Capacity {
        let suspended = ScalingSuspension::default();
        Capacity {
            desired,
            scaling: Some(Scaling {
                min,
                max,
                suspended,
            }),
        }
    }

    fn of(kind: Kind, pool_fills_up: bool) -> Resource {
        Resource {
            kind,
            pool_fills_up,
            ..Resource::default()
        }
    }

    #[test]
    fn levels_read_as_people_write_them() {
        let awake = level(3, 2, 6);
        let asleep = of(Kind::EcsService, false).asleep(awake);
        let levels = [awake, asleep, Capacity::default()].map(|level| level.to_string());
        assert_eq!(levels, ["3 (2-6)", "0 (0-6, suspended)", "0"]);
        let group = of(Kind::AutoScalingGroup, false).asleep(awake);
        assert_eq!(group.to_string(), "0 (0-6)");
        let pool = of(Kind::AutoScalingGroup, true).asleep(awake);
        assert_eq!(pool.to_string(), "0 (0-0)");
    }

    #[test]
    fn a_count_never_meets_bounds_that_would_move_it() {
        let service = Kind::EcsService.implementation();
        let awake = level(3, 2, 6);
        let asleep = of(Kind::EcsService, false).asleep(awake);
        let (bounds, slept) = (awake.scaling.unwrap(), asleep.scaling.unwrap());
        assert_eq!(
            service.sleep(awake, asleep),
            [Change::Bounds(slept), Change::Count(0)]
        );
        assert_eq!(service.sleep(asleep, asleep), []);
        assert_eq!(
            service.wake(asleep, awake),
            [Change::Count(3), Change::Bounds(bounds)]
        );
        let outside = Capacity {
            desired: 9,
            ..awake
        };
        assert_eq!(
            service.wake(asleep, outside),
            [Change::Count(9), Change::Bounds(bounds), Change::Count(9)]
        );
        let group = Kind::AutoScalingGroup.implementation();
        let pool = of(Kind::AutoScalingGroup, true).asleep(awake);
        assert_eq!(group.wake(pool, awake), [Change::BoundsAndCount(bounds, 3)]);
    }
}
