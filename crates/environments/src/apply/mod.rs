//! Carries out a plan: the step of each resource as ordered calls, recorded before they are made.
//!
//! Each resource is read and decided on again just before its step: a plan may be half an hour old by then, and people may
//! have asked for something since. The order within one resource is fixed: record, tag, bounds, count, record on the way
//! down; record, count, bounds, tag, record on the way up, so that the count is never outside of bounds that could move it. A
//! crash anywhere in between leaves a record from which the next run continues. One failure never stops the others.

mod reread;
mod steps;
mod tier_gate;
mod warning;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use common::aws::Aws;
use common::state::{Item, StateError};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::condition::Condition;
use crate::config::Config;
use crate::decide::{PlanContext, Step};
use crate::kinds::ecs_service::MAX_SERVICES_PER_CALL;
use crate::plan::{Plan, PlanRow};
use crate::rate_limiter::RateLimiters;
use crate::read::{Reader, TaskSizes};
use crate::record_store::{RecordStore, Written};
use crate::resource::{Kind, Resource};
use crate::schedule_overrides::OverrideRequest;
use crate::sleep_record::{Holder, LEASE, Phase, SleepRecord};
use crate::write::{CallError, Refusal, Writer};

pub use warning::Warning;

/// Services whose turns are waited for together and that are then read in one call: few, so that what was read is about a
/// second old when it is acted on.
const BATCH_SIZE: usize = 5;
const _: () = assert!(BATCH_SIZE <= MAX_SERVICES_PER_CALL);
/// Batches in progress at once, in one cluster.
const CONCURRENT_BATCHES: usize = 4;
/// Clusters in progress at once.
const CONCURRENT_CLUSTERS: usize = 8;

/// What a run works with.
pub struct ApplyContext<'a> {
    /// The clients of the account and region.
    pub aws: &'a Aws,
    /// The records, perhaps in another account.
    pub store: RecordStore<'a>,
    /// The configuration.
    pub config: &'a Config,
    /// The budgets.
    pub limiters: &'a RateLimiters,
    /// What tasks take.
    pub sizes: &'a TaskSizes,
    /// What people asked for, as it was when the plan was made. It is read again before each step; this
    /// is what is known where that fails, and then nothing is stopped.
    pub requests: &'a [OverrideRequest],
    /// The clock.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// This run's id, which no other run has.
    pub run: &'a str,
    /// No service is begun after this.
    pub deadline: Instant,
    /// What is still under way then is left to the next run, as if this one had died there: AWS may be slow. Leave time to tell
    /// people before the function is killed.
    pub cut: Instant,
}

impl std::fmt::Debug for ApplyContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApplyContext")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// What came of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ApplyResult {
    /// One for each service with a step, in the order of the plan.
    pub outcomes: Vec<Outcome>,
    /// How often AWS refused a call for its rate; each such call was made again.
    pub refusals: u64,
    /// What did not stop the run.
    pub warnings: Vec<Warning>,
}

/// What came of one service's step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Its ARN.
    pub arn: String,
    /// What it is.
    pub kind: Kind,
    /// `cluster/name`.
    pub place: String,
    /// The step as it was decided last.
    pub step: Step,
    /// Why.
    pub why: String,
    /// How it went.
    #[serde(flatten)]
    pub end: End,
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum End {
    /// As planned.
    Done,
    /// Nothing was left to do, or not any more.
    Nothing,
    /// Another run holds it.
    Busy,
    /// Not begun, or not over in time. The next run continues.
    Continue,
    /// AWS does not stop it. What was changed for that was undone.
    Refused {
        /// The call and on what.
        what: String,
        /// AWS's error in one line.
        detail: String,
        /// Whether the next run tries once more; otherwise the first one after the next edge does.
        again: bool,
    },
    /// It failed; the next run tries again.
    Failed {
        /// The name of the call alone, which is the same in each run.
        #[serde(skip)]
        call: String,
        /// The call and on what.
        what: String,
        /// AWS's error in one line.
        detail: String,
        /// What to do.
        remedy: String,
    },
}

impl ApplyResult {
    /// Whether another run is needed at once.
    pub fn is_to_be_continued(&self) -> bool {
        self.outcomes
            .iter()
            .any(|outcome| outcome.end == End::Continue)
    }

    /// The failures.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        let failed = |outcome: &&Outcome| matches!(outcome.end, End::Failed { .. });
        self.outcomes.iter().filter(failed)
    }
}

impl From<CallError> for End {
    fn from(error: CallError) -> Self {
        if error.refusal == Refusal::Late {
            return Self::Continue;
        }
        Self::Failed {
            call: error.call.to_owned(),
            what: error.what,
            detail: error.detail,
            remedy: error.remedy,
        }
    }
}

impl From<&StateError> for End {
    fn from(error: &StateError) -> Self {
        Self::Failed {
            call: "state table".to_owned(),
            what: "the state table".to_owned(),
            detail: error.to_string(),
            remedy: "nothing was done with this service".to_owned(),
        }
    }
}

/// Called with the outcome of each resource as soon as it is known.
pub type Watch<'a> = &'a (dyn Fn(&Outcome) + Sync);

/// Does what the plan says, as far as the time reaches.
pub async fn apply(context: &ApplyContext<'_>, plan: &Plan) -> ApplyResult {
    apply_watched(context, plan, &|_| ()).await
}

/// [`apply`], reporting each outcome as it comes.
pub async fn apply_watched(
    context: &ApplyContext<'_>,
    plan: &Plan,
    watch: Watch<'_>,
) -> ApplyResult {
    let before = context.limiters.refusals();
    let mut gates = tier_gate::Gates::new(context, plan);
    let mut applied = ApplyResult::default();
    for band in bands(plan) {
        let mut clusters: BTreeMap<Place<'_>, Vec<&PlanRow>> = BTreeMap::new();
        for row in band {
            clusters.entry(place(row)).or_default().push(row);
        }
        let done = stream::iter(clusters)
            .map(|(place, work)| (place, work, gates.of(place)))
            .map(|(place, work, mut gate)| async move {
                let applied = apply_to_cluster(context, work, &mut gate, watch).await;
                (place, applied, gate)
            })
            .buffer_unordered(CONCURRENT_CLUSTERS);
        for (place, one, gate) in done.collect::<Vec<_>>().await {
            gates.passed(place, gate);
            applied.outcomes.extend(one.outcomes);
            applied.warnings.extend(one.warnings);
        }
    }
    let notes = async {
        forget_tags(context, plan).await;
        note_conditions(context, plan).await;
    };
    if timeout_at(context.cut, notes).await.is_err() {
        tracing::warn!("the time was over before all was noted; the next run does the rest");
    }
    // Each cluster has waited for the same databases.
    let mut seen = HashSet::new();
    let warnings = &mut applied.warnings;
    warnings.retain(|warning| seen.insert(warning.clone()));
    let places: BTreeMap<&str, usize> = plan
        .work()
        .enumerate()
        .map(|(index, row)| (row.resource.arn.as_str(), index))
        .collect();
    applied
        .outcomes
        .sort_by_key(|outcome| places.get(outcome.arn.as_str()).copied());
    applied.refusals = context.limiters.refusals() - before;
    applied
}

/// Removes backup tags whose removal failed when their services woke: people would believe them. Another failure is only
/// logged.
async fn forget_tags(context: &ApplyContext<'_>, plan: &Plan) {
    for row in plan
        .rows
        .iter()
        .filter(|row| row.has_forgotten_tag(plan.at))
    {
        if Instant::now() < context.deadline
            && let Some(held) = hold_awake(context, row).await
        {
            if let Err(error) = context.tag(&row.resource, None).await {
                tracing::warn!(resource = %row.resource.arn, error = %error.detail, "the tag stays");
            }
            let free = SleepRecord {
                holder: None,
                ..held.value.clone()
            };
            // Where that fails, the lease ends by itself.
            let _ = context.store.write(&row.resource, Some(&held), free).await;
        }
    }
}

/// Records what still runs although it was stopped, and what has not come up since it was woken, or has by now. Later runs
/// report by it, so a failure is only logged.
async fn note_conditions(context: &ApplyContext<'_>, plan: &Plan) {
    for row in &plan.rows {
        let is_short = matches!(row.condition, Some(Condition::NotUp { .. }));
        let costs = row.condition.as_ref().is_some_and(Condition::costs);
        let is_news = costs || (is_short != row.noted_short && row.phase == Some(Phase::Up));
        if !is_news || Instant::now() >= context.deadline {
            continue;
        }
        let Ok(Some(item)) = context.store.record(&row.resource.arn).await else {
            continue;
        };
        let record = &item.value;
        let is_same = Some(record.phase) == row.phase && Some(record.since) == row.since;
        if !is_same || record.held_by_other(context.run, plan.at).is_some() {
            continue;
        }
        let noted = SleepRecord {
            ran_on: if costs { Some(plan.at) } else { record.ran_on },
            short_since: is_short.then(|| record.short_since.unwrap_or(plan.at)),
            ..record.clone()
        };
        if let Err(error) = context.store.write(&row.resource, Some(&item), noted).await {
            tracing::warn!(resource = %row.resource.arn, "what runs could not be noted: {error}");
        }
    }
}

/// Holds a service that is still awake since the plan: another run may have put it to sleep, and then its
/// tag is a new one.
async fn hold_awake(context: &ApplyContext<'_>, row: &PlanRow) -> Option<Item<SleepRecord>> {
    let now = (context.clock)();
    let item = context.store.record(&row.resource.arn).await.ok()??;
    let record = &item.value;
    if record.phase != Phase::Up
        || Some(record.since) != row.since
        || record.held_by_other(context.run, now).is_some()
    {
        return None;
    }
    let held = SleepRecord {
        holder: Some(Holder {
            run: context.run.to_owned(),
            until: now.checked_add(LEASE).unwrap_or(now),
        }),
        ..record.clone()
    };
    match context.store.write(&row.resource, Some(&item), held).await {
        Ok(Written::Yes(item)) => Some(item),
        _ => None,
    }
}

/// Whether it is a cluster of ECS, and its name; a cluster may be called like the place of other kinds.
type Place<'r> = (bool, &'r str);

fn place(row: &PlanRow) -> Place<'_> {
    (row.resource.kind.has_cluster(), &row.resource.cluster)
}

/// What wakes, tier by tier; then what sleeps, in reverse; then what is only recorded.
fn rank(row: &PlanRow) -> (u8, usize) {
    if row.step.is_up() {
        (0, row.tier_number)
    } else if row.step.is_down() {
        (1, usize::MAX - row.tier_number)
    } else {
        (2, 0)
    }
}

/// Clusters know nothing of each other and are worked on side by side. Databases and groups belong to all
/// of them: each of their tiers stands between what comes before it in any cluster and what comes after.
fn bands(plan: &Plan) -> impl Iterator<Item = Vec<&PlanRow>> {
    let is_other = |row: &&PlanRow| !place(row).0 && rank(row).0 < 2;
    let others: BTreeSet<(u8, usize)> = plan.work().filter(is_other).map(rank).collect();
    let mut bands: BTreeMap<usize, Vec<&PlanRow>> = BTreeMap::new();
    for row in plan.work() {
        let before = others.range(..rank(row)).count();
        let band = match is_other(&row) {
            true => 2 * before + 1,
            // In the same tier a database wakes first and sleeps last.
            false if row.step.is_up() => 2 * others.range(..=rank(row)).count(),
            false => 2 * before,
        };
        bands.entry(band).or_default().push(row);
    }
    bands.into_values()
}

/// The rows of one cluster: what wakes, tier by tier, each after the one before is healthy; then what sleeps, in reverse;
/// then what is only recorded.
async fn apply_to_cluster(
    context: &ApplyContext<'_>,
    work: Vec<&PlanRow>,
    gate: &mut tier_gate::Gate,
    watch: Watch<'_>,
) -> ApplyResult {
    let mut applied = ApplyResult::default();
    let mut tiers: BTreeMap<(u8, usize), Vec<&PlanRow>> = BTreeMap::new();
    for row in work {
        tiers.entry(rank(row)).or_default().push(row);
    }
    for ((direction, tier), rows) in tiers {
        let may_begin = direction != 0 || {
            let below = gate.below_is_healthy(context, tier, &mut applied.warnings);
            timeout_at(context.cut, below).await.unwrap_or(false)
        };
        if !may_begin {
            let left = rows.iter().map(|row| outcome(row, End::Continue));
            applied.outcomes.extend(left);
            continue;
        }
        let groups: Vec<Vec<&PlanRow>> = rows.chunks(BATCH_SIZE).map(<[_]>::to_vec).collect();
        let done = stream::iter(groups)
            .map(|group| batch(context, group, watch))
            .buffer_unordered(CONCURRENT_BATCHES);
        for (one, waking) in done.collect::<Vec<_>>().await {
            if direction == 0 {
                gate.begun(tier, waking);
            }
            applied.outcomes.extend(one.outcomes);
            applied.warnings.extend(one.warnings);
        }
    }
    applied
}

/// Waits for the turns of a few resources, reads them again, and does their steps. Also returns which of them wake now, by
/// this run or by another.
async fn batch(
    context: &ApplyContext<'_>,
    rows: Vec<&PlanRow>,
    watch: Watch<'_>,
) -> (ApplyResult, Vec<tier_gate::AwaitedResource>) {
    let (mut applied, mut waking) = (ApplyResult::default(), Vec::new());
    let changes = |row: &PlanRow| row.step.is_up() || row.step.is_down();
    let changing = rows.iter().filter(|row| changes(row)).count();
    let mut turns = context
        .limiters
        .changes
        .acquire_up_to(changing, context.deadline)
        .await;
    let mut ready = Vec::new();
    for row in rows {
        let in_time = if changes(row) {
            turns > 0
        } else {
            Instant::now() < context.deadline
        };
        if in_time {
            turns -= usize::from(changes(row));
            ready.push(row);
        } else {
            applied.outcomes.push(outcome(row, End::Continue));
        }
    }
    let Ok(seen) = timeout_at(context.cut, reread::reread(context, &ready)).await else {
        let left = ready.into_iter().map(|row| outcome(row, End::Continue));
        applied.outcomes.extend(left);
        return (applied, waking);
    };
    let done = futures::future::join_all(seen.into_iter().map(|(row, seen)| async move {
        match seen {
            Ok(Some(seen)) => {
                let found = seen.row.clone();
                match timeout_at(context.cut, steps::act(context, seen)).await {
                    Ok((outcome, warnings)) => {
                        let awaited = tier_gate::awaited(&outcome, &found);
                        (outcome, warnings, awaited)
                    }
                    // Its record says how far it came; the lease ends by itself.
                    Err(_) => (outcome(row, End::Continue), Vec::new(), None),
                }
            }
            Ok(None) => (outcome(row, End::Nothing), Vec::new(), None),
            Err(end) => {
                let outcome = outcome(row, end);
                let awaited = tier_gate::awaited(&outcome, row);
                (outcome, Vec::new(), awaited)
            }
        }
    }));
    for (outcome, warnings, awaited) in done.await {
        watch(&outcome);
        applied.outcomes.push(outcome);
        applied.warnings.extend(warnings);
        waking.extend(awaited);
    }
    (applied, waking)
}

impl ApplyContext<'_> {
    fn writer<'a>(&'a self, resource: &'a Resource) -> Writer<'a> {
        Writer {
            aws: self.aws,
            limiters: self.limiters,
            deadline: self.deadline,
            resource,
        }
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            aws: self.aws,
            limiter: &self.limiters.reads,
            sizes: self.sizes,
        }
    }

    /// Backs up a record in the tag of its resource, or removes the tag.
    async fn tag(&self, resource: &Resource, value: Option<&str>) -> Result<(), CallError> {
        let kind = resource.kind.implementation();
        kind.tag(self.writer(resource), value).await
    }

    fn plan_context(&self) -> PlanContext<'_> {
        PlanContext {
            now: (self.clock)(),
            run: self.run,
            defer_deadline: self.config.defer_deadline,
        }
    }
}

fn outcome(row: &PlanRow, end: End) -> Outcome {
    Outcome {
        arn: row.resource.arn.clone(),
        kind: row.resource.kind,
        place: row.resource.place(),
        step: row.step.clone(),
        why: row.why.clone(),
        end,
    }
}
