//! All facts for a plan: the services of the clusters, their scalable targets, what tasks take, the
//! records and the requests. Pages are followed, few calls run at once, and what can't be read in one
//! cluster is told and does not stop the others.

use aws_sdk_ecs::types::SchedulingStrategy;
use common::aws::explain;
use futures::{StreamExt, stream};
use std::collections::{BTreeSet, HashMap};

use crate::backup_tag;
use crate::config::Config;
use crate::kinds;
use crate::overrides::Request;
use crate::plan::Facts;
use crate::read::{MAX_SERVICES_PER_CALL, ReadError, Reader, failed, resource_id};
use crate::record_store::RecordStore;
use crate::resource::{Kind, Resource, Suspended};
use crate::sleep_record::SleepRecord;

/// `ListServices` returns 10 unless asked for more, and no more than this.
const MAX_LIST_RESULTS: i32 = 100;
/// Calls at once.
const CONCURRENT_CALLS: usize = 8;
/// New task definitions a run: they are only for the savings, and are kept.
const MAX_TASK_DEFINITIONS_PER_RUN: usize = 200;

/// What was found, and what could not be read.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What is.
    pub resources: Vec<Resource>,
    /// What is remembered.
    pub records: HashMap<String, SleepRecord>,
    /// What people asked for.
    pub requests: Vec<Request>,
    /// `cluster/name` of DAEMON services, which ECS refuses to scale and which are not looked at.
    pub daemons: Vec<String>,
    /// What could not be read, in sentences. Services whose record could not be read are left out.
    pub problems: Vec<String>,
}

impl Gathered {
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
pub async fn gather(reader: Reader<'_>, store: RecordStore<'_>, config: &Config) -> Gathered {
    let mut gathered = Gathered::default();
    match clusters(reader, config).await {
        Ok(clusters) => {
            let read = stream::iter(clusters)
                .map(|(cluster, is_ours)| async move {
                    let found = if is_ours {
                        in_cluster(reader, &cluster).await
                    } else {
                        asleep_in_unlisted(reader, &cluster).await
                    };
                    (found, cluster)
                })
                .buffer_unordered(CONCURRENT_CALLS);
            let read: Vec<_> = read.collect().await;
            for (found, cluster) in read {
                gathered.take(found, &cluster);
            }
        }
        Err(error) => gathered.problems.push(error.to_string()),
    }
    gathered.bounds(reader).await;
    let (others, problems) = kinds::gather(reader, config).await;
    gathered.resources.extend(others);
    gathered
        .problems
        .extend(problems.iter().map(ToString::to_string));
    gathered.read_records(store, config).await;
    gathered.actions(reader).await;
    gathered.sizes(reader).await;
    gathered.resources.sort_by(|a, b| a.arn.cmp(&b.arn));
    gathered
}

/// What one cluster holds.
#[derive(Default)]
struct Found {
    services: Vec<Resource>,
    daemons: Vec<String>,
    problems: Vec<ReadError>,
}

/// All clusters, and whether the configuration speaks of them.
async fn clusters(reader: Reader<'_>, config: &Config) -> Result<Vec<(String, bool)>, ReadError> {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        reader.acquire().await;
        let call = reader
            .aws
            .ecs()
            .list_clusters()
            .max_results(MAX_LIST_RESULTS);
        let answer = call.set_next_token(token).send().await;
        let answer =
            answer.map_err(|error| failed("ListClusters", "ecs:ListClusters", explain(&error)))?;
        for arn in answer.cluster_arns() {
            let name = arn.rsplit('/').next().unwrap_or_default();
            let is_ours = config.clusters.is_empty() || config.clusters.find_name(name).is_some();
            names.push((name.to_owned(), is_ours));
        }
        token = answer.next_token;
        if token.is_none() {
            return Ok(names);
        }
    }
}

async fn in_cluster(reader: Reader<'_>, cluster: &str) -> Found {
    let mut found = Found::default();
    match names(reader, cluster, SchedulingStrategy::Daemon).await {
        Ok(names) => {
            found.daemons = names
                .into_iter()
                .map(|name| format!("{cluster}/{name}"))
                .collect();
        }
        Err(error) => found.problems.push(error),
    }
    replicas(reader, cluster, &mut found).await;
    found
}

/// Who was put to sleep in a cluster that the configuration leaves out by now: nobody else would ever
/// tell of them. What can't be read there is none of our business.
async fn asleep_in_unlisted(reader: Reader<'_>, cluster: &str) -> Found {
    let mut found = Found::default();
    replicas(reader, cluster, &mut found).await;
    found
        .services
        .retain(|resource| resource.tags.contains_key(backup_tag::ASLEEP_TAG));
    found.problems.clear();
    found
}

async fn replicas(reader: Reader<'_>, cluster: &str, found: &mut Found) {
    let names = match names(reader, cluster, SchedulingStrategy::Replica).await {
        Ok(names) => names,
        Err(error) => return found.problems.push(error),
    };
    let chunks: Vec<Vec<String>> = names
        .chunks(MAX_SERVICES_PER_CALL)
        .map(<[_]>::to_vec)
        .collect();
    let read = stream::iter(chunks)
        .map(|names| async move { reader.bare_services(cluster, &names).await })
        .buffer_unordered(CONCURRENT_CALLS);
    let read: Vec<_> = read.collect().await;
    for services in read {
        match services {
            Ok(described) => {
                found.services.extend(described.services);
                found.problems.extend(described.failures);
            }
            Err(error) => found.problems.push(error),
        }
    }
}

async fn names(
    reader: Reader<'_>,
    cluster: &str,
    strategy: SchedulingStrategy,
) -> Result<Vec<String>, ReadError> {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        reader.acquire().await;
        let call = reader
            .aws
            .ecs()
            .list_services()
            .cluster(cluster)
            .scheduling_strategy(strategy.clone())
            .max_results(MAX_LIST_RESULTS)
            .set_next_token(token);
        let answer = call.send().await.map_err(|error| {
            failed(
                &format!("ListServices in {cluster}"),
                "ecs:ListServices",
                explain(&error),
            )
        })?;
        let arns = answer.service_arns.unwrap_or_default();
        names.extend(
            arns.iter()
                .filter_map(|arn| arn.rsplit('/').next())
                .map(str::to_owned),
        );
        token = answer.next_token;
        if token.is_none() {
            return Ok(names);
        }
    }
}

impl Gathered {
    fn take(&mut self, found: Found, cluster: &str) {
        self.resources.extend(found.services);
        self.daemons.extend(found.daemons);
        let told = found.problems.iter();
        self.problems
            .extend(told.map(|error| format!("cluster {cluster}: {error}")));
    }

    /// A service whose bounds are unknown must not be touched: it is left out.
    async fn bounds(&mut self, reader: Reader<'_>) {
        // Only services of ECS are here yet.
        let ids: Vec<String> = self.resources.iter().map(resource_id).collect();
        let chunks: Vec<Vec<String>> = ids
            .chunks(crate::read::MAX_TARGETS_PER_CALL)
            .map(<[_]>::to_vec)
            .collect();
        let read = stream::iter(chunks)
            .map(|ids| async move { (reader.targets(ids.clone()).await, ids) })
            .buffer_unordered(CONCURRENT_CALLS);
        let read: Vec<_> = read.collect().await;
        let (mut targets, mut unknown) = (HashMap::new(), BTreeSet::new());
        for (found, ids) in read {
            match found {
                Ok(found) => targets.extend(found),
                Err(error) => {
                    self.problems
                        .push(format!("{} services are left out: {error}", ids.len()));
                    unknown.extend(ids);
                }
            }
        }
        self.resources
            .retain(|resource| !unknown.contains(&resource_id(resource)));
        for resource in &mut self.resources {
            resource.scaling = targets.remove(&resource_id(resource));
        }
    }

    async fn read_records(&mut self, store: RecordStore<'_>, config: &Config) {
        match store.requests().await {
            Ok((requests, unreadable)) => {
                self.requests = requests;
                self.problems.extend(unreadable.iter().map(|error| {
                    format!(
                        "{error}; somebody may have asked for more time in it, so nothing is put to sleep \
                         until that item is deleted"
                    )
                }));
            }
            Err(error) => {
                // Somebody may have asked for more time: nothing is stopped without knowing that.
                self.problems.push(error.to_string());
                self.resources.clear();
                return;
            }
        }
        // Who is not selected any more may still be asleep by us, with or without the tag that says so.
        let perhaps_asleep = |resource: &Resource| {
            resource.desired == 0
                || resource
                    .scaling
                    .is_some_and(|scaling| scaling.suspended == Suspended::ALL)
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
            self.problems.push(format!("{arn} is left out: {error}"));
            self.resources.retain(|resource| resource.arn != arn);
        }
    }

    /// Read only where one may have been due while its service slept.
    async fn actions(&mut self, reader: Reader<'_>) {
        let records = &self.records;
        let may_miss = |resource: &Resource| {
            let record = records
                .get(&resource.arn)
                .filter(|record| record.is_asleep());
            let was = record.and_then(|record| record.was.as_ref()?.level.scaling);
            resource.kind == Kind::EcsService && was.is_some_and(|was| !was.suspended.scheduled)
        };
        if !self.resources.iter().any(may_miss) {
            return;
        }
        match reader.actions().await {
            Ok(mut actions) => {
                for resource in self
                    .resources
                    .iter_mut()
                    .filter(|resource| may_miss(resource))
                {
                    let of = actions.remove(&resource_id(resource));
                    resource.actions = of.unwrap_or_default();
                }
            }
            Err(error) => self.problems.push(format!(
                "{error}; whether scheduled actions were due while services slept is not known"
            )),
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
            .map(|definition| async move { (reader.size(&definition).await, definition) })
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
