//! Reads all facts for a plan: resources of every kind, their records, what people asked for, missed scheduled actions and
//! task sizes. What can't be read in one cluster is reported and does not stop the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt, stream};
use jiff::Timestamp;

use crate::backup_tag;
use crate::config::Config;
use crate::decide::effective_record;
use crate::kinds::{ResourceNames, ecs_service, scalable_target};
use crate::plan::Facts;
use crate::problem::{Problem, ProblemKind};
use crate::read::Reader;
use crate::record_store::RecordStore;
use crate::resource::{Kind, Resource, ScalingSuspension};
use crate::schedule_overrides::OverrideRequest;
use crate::sleep_record::SleepRecord;

/// Calls at once.
const CONCURRENT_CALLS: usize = 8;
/// New task definitions that one run reads: they only matter for the savings, and are cached.
const MAX_TASK_DEFINITIONS_PER_RUN: usize = 200;

/// What was found, and what could not be read.
#[derive(Debug, Default)]
pub struct GatheredFacts {
    /// As they are.
    pub resources: Vec<Resource>,
    /// Sleep records, by ARN.
    pub records: HashMap<String, SleepRecord>,
    /// What people asked for.
    pub requests: Vec<OverrideRequest>,
    /// `cluster/name` of DAEMON services, which ECS refuses to scale and which are not read.
    pub daemons: Vec<String>,
    /// What could not be read. Services whose record could not be read are left out.
    pub problems: Vec<Problem>,
}

impl GatheredFacts {
    /// What a plan is made of.
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            resources: self.resources.clone(),
            records: self.records.clone(),
            requests: &self.requests,
        }
    }
}

/// Reads everything.
pub async fn gather(reader: Reader<'_>, store: RecordStore<'_>, config: &Config) -> GatheredFacts {
    let mut gathered = GatheredFacts::default();
    for kind in Kind::ALL {
        let listed = kind.implementation().list(reader, config).await;
        gathered.resources.extend(listed.resources);
        gathered.daemons.extend(listed.daemons);
        gathered.problems.extend(listed.problems);
    }
    gathered.read_records(store, config).await;
    gathered.actions(reader).await;
    gathered.sizes(reader).await;
    gathered.resources.sort_by(|a, b| a.arn.cmp(&b.arn));
    gathered
}

/// Reads a few services, by their `cluster/name`. What their tasks take is not read.
pub async fn gather_named(
    reader: Reader<'_>,
    store: RecordStore<'_>,
    config: &Config,
    places: &[String],
) -> GatheredFacts {
    let mut gathered = GatheredFacts::default();
    let mut clusters: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (cluster, name) in places.iter().filter_map(|place| place.split_once('/')) {
        clusters.entry(cluster).or_default().push(name.to_owned());
    }
    for (cluster, names) in clusters {
        for kind in Kind::of_prefix(cluster) {
            for names in names.chunks(kind.spec().names_per_call) {
                let names = ResourceNames { cluster, names };
                match kind.implementation().describe(reader, names).await {
                    Ok(found) => gathered.resources.extend(found),
                    Err(error) => {
                        let problem = Problem::unread(Some(cluster), &error);
                        gathered.problems.push(problem);
                    }
                }
            }
        }
    }
    gathered.read_records(store, config).await;
    gathered.actions(reader).await;
    gathered
}

impl GatheredFacts {
    async fn read_records(&mut self, store: RecordStore<'_>, config: &Config) {
        match store.requests().await {
            Ok((requests, unreadable)) => {
                self.requests = requests;
                let unclear = unreadable
                    .iter()
                    .map(|error| Problem::of_state(ProblemKind::RequestUnclear, None, error));
                self.problems.extend(unclear);
            }
            Err(error) => {
                // Somebody may have asked for more time: nothing is stopped without knowing that.
                let problem = Problem::of_state(ProblemKind::RequestsUnread, None, &error);
                self.problems.push(problem);
                self.resources.clear();
                return;
            }
        }
        // Who is not selected any more may still be asleep by us, with or without the tag that says so.
        let perhaps_asleep = |resource: &Resource| {
            resource.desired == 0
                || resource
                    .scaling
                    .is_some_and(|scaling| scaling.suspended == ScalingSuspension::ALL)
        };
        let opted = |resource: &&Resource| {
            perhaps_asleep(resource)
                || resource.tags.contains_key(&config.tag)
                || resource.tags.contains_key(backup_tag::ASLEEP_TAG)
                || config.imported(&resource.tags).is_some()
                || config.services.iter().any(|rule| {
                    rule.matching
                        .find(&resource.cluster, &resource.name)
                        .is_some()
                })
        };
        let arns: Vec<String> = self
            .resources
            .iter()
            .filter(opted)
            .map(|resource| resource.arn.clone())
            .collect();
        let (records, failed) = store.records(arns).await;
        self.records = records;
        for (arn, error) in failed {
            self.resources.retain(|resource| resource.arn != arn);
            let kind = ProblemKind::RecordUnread;
            let problem = Problem::of_state(kind, Some(arn), &error);
            self.problems.push(problem);
        }
    }

    /// Read only where one may have been due while its service slept.
    async fn actions(&mut self, reader: Reader<'_>) {
        let records = &self.records;
        let may_miss = |resource: &Resource| {
            // Also where somebody changed it in the night: its schedule is still suspended. Whether a tag is from the
            // future is seen when the plan is made.
            let record = effective_record(resource, records.get(&resource.arn), Timestamp::MAX);
            let record = record.filter(|record| record.set.is_some());
            let was = record.and_then(|record| record.was?.level.scaling);
            resource.kind.spec().has_scheduled_actions
                && was.is_some_and(|was| !was.suspended.scheduled)
        };
        if !self.resources.iter().any(may_miss) {
            return;
        }
        match scalable_target::actions(reader).await {
            Ok(mut actions) => {
                for resource in self
                    .resources
                    .iter_mut()
                    .filter(|resource| may_miss(resource))
                {
                    let of = actions.remove(&scalable_target::resource_id(resource));
                    resource.actions = of.unwrap_or_default();
                }
            }
            Err(error) => {
                let kind = ProblemKind::ActionsUnread;
                self.problems.push(Problem::of_call(kind, None, &error));
            }
        }
    }

    async fn sizes(&mut self, reader: Reader<'_>) {
        let opted: BTreeSet<String> = self
            .resources
            .iter()
            .filter(|resource| resource.size.is_none() && resource.desired > 0)
            .map(|resource| resource.task_definition.clone())
            .filter(|definition| !definition.is_empty())
            .collect();
        let read = stream::iter(opted.into_iter().take(MAX_TASK_DEFINITIONS_PER_RUN))
            .map(|definition| async move {
                (
                    ecs_service::task_size(reader, &definition).await,
                    definition,
                )
            })
            .buffer_unordered(CONCURRENT_CALLS);
        let sizes: HashMap<String, _> = read
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .map(|(size, definition)| (definition, size))
            .collect();
        for resource in &mut self.resources {
            if resource.size.is_none() {
                resource.size = sizes.get(&resource.task_definition).copied().flatten();
            }
        }
    }
}
