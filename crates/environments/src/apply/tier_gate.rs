//! The gate between tiers on the way up: a front end is useless before its database is there. The wait is limited, because
//! an environment that stays down for one broken service is useless, too.
//!
//! What sleeps and can't be woken yet stands before the tiers above it, too: a database that is still stopping, one that
//! another run stops just now, one of which AWS has refused the start. Once a new plan would wake it, the rest is left to
//! the next run, which makes that plan.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{ApplyContext, End, Outcome, Place, Warning, place};
use crate::decide::{SETTLE_TIME, Step};
use crate::kinds::ResourceNames;
use crate::plan::{Plan, PlanRow};
use crate::resource::{Kind, Resource, Status};
use crate::sleep_record::Phase;

/// How often the health of lower tiers is read.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

pub(super) type Name = (Kind, String);

/// What is waited for.
#[derive(Clone, Copy)]
pub(super) struct TierWait {
    since: Timestamp,
    /// The count that it was given.
    count: u32,
    /// From when on a new plan may wake it, where it sleeps and this run does not.
    plan_again_at: Option<Timestamp>,
}

/// A service that wakes, and what of it is waited for.
pub(super) type AwaitedResource = (Name, TierWait);

/// What is waited for of a service that was to be woken: it wakes now, by this run or by another that was faster, or it
/// still sleeps. The row is what was known of it before.
pub(super) fn awaited(outcome: &Outcome, row: &PlanRow) -> Option<AwaitedResource> {
    let wait = match (&outcome.end, &outcome.step) {
        (End::Done | End::Busy, Step::Wake { was } | Step::FinishWake { was }) => {
            TierWait::from_now(was.desired)
        }
        (End::Busy | End::Nothing, Step::Busy { .. } | Step::Nothing)
            if matches!(row.phase, Some(Phase::GoingUp | Phase::Up)) =>
        {
            TierWait::from_now(1)
        }
        (End::Busy | End::Nothing, Step::Busy { .. } | Step::Nothing) => TierWait::asleep(row)?,
        // The next run goes on with it.
        (End::Continue, step) if step.is_up() => TierWait {
            plan_again_at: Some(Timestamp::MIN),
            ..TierWait::asleep(row)?
        },
        // The next tick tries again. A new run at once would fail at once.
        (End::Failed { .. }, step) if step.is_up() => TierWait {
            plan_again_at: Some(Timestamp::MAX),
            ..TierWait::asleep(row)?
        },
        _ => return None,
    };
    let (_, name) = outcome.place.split_once('/')?;
    Some(((outcome.kind, name.to_owned()), wait))
}

/// What stands before the tiers of each cluster, and of the other kinds.
pub(super) struct Gates<'r>(BTreeMap<Place<'r>, WakingTiers>);

/// What one cluster waits for: its own lower tiers, and those of the databases and groups, which belong to
/// all clusters. They in turn wait for the lower tiers of every cluster.
pub(super) struct Gate {
    own: WakingTiers,
    beside: Vec<WakingTiers>,
}

impl<'r> Gates<'r> {
    pub(super) fn new(context: &ApplyContext<'_>, plan: &'r Plan) -> Self {
        let places: BTreeSet<Place<'r>> = plan.rows.iter().map(place).collect();
        let waking = |place| (place, still_waking(context, plan, place));
        Self(places.into_iter().map(waking).collect())
    }

    pub(super) fn of(&self, place: Place<'_>) -> Gate {
        let others = self.0.iter().filter(|(other, _)| **other != place);
        let beside = others.filter(|((is_ecs, _), _)| !(place.0 && *is_ecs));
        let own = self.0.get(&place).cloned();
        Gate {
            own: own.unwrap_or_else(|| WakingTiers::nobody(place.1)),
            beside: beside.map(|(_, waking)| waking.clone()).collect(),
        }
    }

    pub(super) fn passed(&mut self, place: Place<'r>, gate: Gate) {
        self.0.insert(place, gate.own);
    }
}

impl Gate {
    /// These were woken just now.
    pub(super) fn begun(&mut self, tier: usize, waking: Vec<AwaitedResource>) {
        for (name, wait) in waking {
            self.own.add(tier, name, wait);
        }
    }

    /// Waits until everything below `tier` is healthy or has had its time. False: the run's time is
    /// over before, or it takes a new plan to wake something below.
    pub(super) async fn below_is_healthy(
        &mut self,
        context: &ApplyContext<'_>,
        tier: usize,
        warnings: &mut Vec<Warning>,
    ) -> bool {
        for waking in std::iter::once(&mut self.own).chain(&mut self.beside) {
            if !waking.below_is_healthy(context, tier, warnings).await {
                return false;
            }
        }
        true
    }
}

/// The services of one cluster that wake, by tier, and since when.
#[derive(Clone)]
struct WakingTiers {
    cluster: String,
    tiers: BTreeMap<usize, BTreeMap<Name, TierWait>>,
}

/// Those that another run wakes just now, or has woken a short time ago: whoever comes later stands at the
/// same gate. And those that sleep and that nobody can wake yet.
fn still_waking(context: &ApplyContext<'_>, plan: &Plan, here: Place<'_>) -> WakingTiers {
    let mut waking = WakingTiers::nobody(here.1);
    for row in plan.rows.iter().filter(|row| place(row) == here) {
        let wait = match (row.phase, row.since, &row.step) {
            (Some(Phase::GoingUp), _, Step::Busy { .. }) => TierWait::from_now(1),
            (Some(Phase::Up), Some(since), _)
                if plan.at.duration_since(since) < context.config.healthy_within =>
            {
                TierWait {
                    since,
                    ..TierWait::from_now(1)
                }
            }
            (_, _, Step::Busy { .. } | Step::Nothing) => match TierWait::asleep(row) {
                Some(wait)
                    if plan.at.duration_since(wait.since) < context.config.healthy_within =>
                {
                    wait
                }
                _ => continue,
            },
            _ => continue,
        };
        if !wait.is_over(&row.resource, plan.at) {
            let name = (row.resource.kind, row.resource.name.clone());
            waking.add(row.tier_number, name, wait);
        }
    }
    waking
}

impl TierWait {
    /// Counted from the instant at which the gate first looks.
    fn from_now(count: u32) -> Self {
        Self {
            since: Timestamp::MAX,
            count,
            plan_again_at: None,
        }
    }

    /// For what sleeps by us and should be awake. A moment after its record was written, or while another run holds it, a
    /// new plan would say the same.
    fn asleep(row: &PlanRow) -> Option<Self> {
        let since = row.awaited_since?;
        let settled = since.checked_add(SETTLE_TIME).unwrap_or(since);
        let plan_again_at = match row.step {
            Step::Busy { until } => until.max(settled),
            _ => settled,
        };
        Some(Self {
            since,
            count: 1,
            plan_again_at: Some(plan_again_at),
        })
    }

    /// Whether a new plan would wake it.
    fn takes_a_plan(self, resource: &Resource, now: Timestamp) -> bool {
        let sleeps = resource.desired == 0 && resource.status == Status::Active;
        sleeps && self.plan_again_at.is_some_and(|at| now >= at)
    }

    /// Whether it is healthy. A moment after it was woken it may still look as it did while it slept, and
    /// nothing is as healthy as nothing that is wanted.
    fn is_over(self, resource: &Resource, now: Timestamp) -> bool {
        let is_old = resource.desired < self.count
            && (resource.kind.restarted_after().is_some()
                || self.plan_again_at.is_some()
                || now.duration_since(self.since) < SETTLE_TIME);
        resource.is_healthy() && !is_old
    }
}

impl WakingTiers {
    fn nobody(cluster: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            tiers: BTreeMap::new(),
        }
    }

    fn add(&mut self, tier: usize, name: Name, wait: TierWait) {
        self.tiers.entry(tier).or_default().insert(name, wait);
    }

    async fn below_is_healthy(
        &mut self,
        context: &ApplyContext<'_>,
        tier: usize,
        warnings: &mut Vec<Warning>,
    ) -> bool {
        let now = (context.clock)();
        let mut waits: BTreeMap<Name, TierWait> = BTreeMap::new();
        for names in self.tiers.range(..tier).map(|(_, names)| names) {
            waits.extend(names.iter().map(|(name, wait)| {
                let since = wait.since.min(now);
                (name.clone(), TierWait { since, ..*wait })
            }));
        }
        while !waits.is_empty() {
            if Instant::now() >= context.deadline {
                return false;
            }
            if self.verify(context, &mut waits).await {
                return false;
            }
            let now = (context.clock)();
            waits.retain(|(_, name), wait| {
                let in_time = now.duration_since(wait.since) < context.config.healthy_within;
                if !in_time {
                    let place = format!("{}/{name}", self.cluster);
                    warnings.push(Warning::Unhealthy { place });
                }
                in_time
            });
            if !waits.is_empty() {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        }
        self.tiers.retain(|below, _| *below >= tier);
        true
    }

    /// Whether it takes a new plan to go on.
    async fn verify(
        &self,
        context: &ApplyContext<'_>,
        waits: &mut BTreeMap<Name, TierWait>,
    ) -> bool {
        let mut takes_a_plan = false;
        let mut names: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
        for (kind, name) in waits.keys() {
            names.entry(*kind).or_default().push(name.clone());
        }
        for (kind, names) in names {
            for names in names.chunks(kind.spec().names_per_call) {
                let cluster = &self.cluster;
                let of = ResourceNames { cluster, names };
                let found = kind.implementation().verify(context.reader(), of).await;
                // What can't be read is not healthy; the time limit bounds how often it is tried.
                if let Ok(found) = found {
                    let now = (context.clock)();
                    takes_a_plan |= settle(waits, (kind, names), (&found, now));
                }
            }
        }
        takes_a_plan
    }
}

/// Who is healthy, or gone, is not waited for any more. Says whether one sleeps that a new plan would wake.
fn settle(
    waits: &mut BTreeMap<Name, TierWait>,
    (kind, names): (Kind, &[String]),
    (found, now): (&[Resource], Timestamp),
) -> bool {
    let mut takes_a_plan = false;
    for name in names {
        let resource = found.iter().find(|resource| resource.name == *name);
        let name = (kind, name.clone());
        let (Some(wait), Some(resource)) = (waits.get_mut(&name), resource) else {
            waits.remove(&name);
            continue;
        };
        takes_a_plan |= wait.takes_a_plan(resource, now);
        if wait.plan_again_at.is_some() && resource.desired > 0 {
            // Another run wakes it, and it has as long as if this one did.
            (wait.since, wait.plan_again_at) = (now, None);
        }
        if wait.is_over(resource, now) {
            waits.remove(&name);
        }
    }
    takes_a_plan
}
