//! All facts for a plan: the services of the clusters, their scalable targets, what tasks take, the
//! records and the requests. Pages are followed, few calls run at once, and what can't be read in one
//! cluster is told and does not stop the others.

use aws_sdk_ecs::types::SchedulingStrategy;
use common::aws::explain;
use futures::{StreamExt, stream};
use std::collections::{BTreeSet, HashMap};

use crate::config::Config;
use crate::facts::{Kind, Service, Suspended};
use crate::kinds;
use crate::look::{Eyes, LookError, SERVICES_A_CALL, failed, resource_id};
use crate::memory::Memory;
use crate::mirror;
use crate::overrides::Request;
use crate::plan::Facts;
use crate::records::Records;

/// `ListServices` returns 10 unless asked for more, and no more than this.
const LISTED_A_CALL: i32 = 100;
/// Calls at once.
const AT_ONCE: usize = 8;
/// New task definitions a run: they are only for the savings, and are kept.
const SIZES_A_RUN: usize = 200;

/// What was found, and what could not be read.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What is.
    pub services: Vec<Service>,
    /// What is remembered.
    pub memories: HashMap<String, Memory>,
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
            services: self.services.clone(),
            memories: self.memories.clone(),
            requests: &self.requests,
        }
    }
}

/// Reads everything.
pub async fn gather(eyes: Eyes<'_>, records: Records<'_>, config: &Config) -> Gathered {
    let mut gathered = Gathered::default();
    match clusters(eyes, config).await {
        Ok(clusters) => {
            let read = stream::iter(clusters)
                .map(|(cluster, is_ours)| async move {
                    let found = if is_ours {
                        in_cluster(eyes, &cluster).await
                    } else {
                        asleep_in(eyes, &cluster).await
                    };
                    (found, cluster)
                })
                .buffer_unordered(AT_ONCE);
            let read: Vec<_> = read.collect().await;
            for (found, cluster) in read {
                gathered.take(found, &cluster);
            }
        }
        Err(error) => gathered.problems.push(error.to_string()),
    }
    gathered.bounds(eyes).await;
    let (others, problems) = kinds::gather(eyes, config).await;
    gathered.services.extend(others);
    gathered
        .problems
        .extend(problems.iter().map(ToString::to_string));
    gathered.records(records, config).await;
    gathered.actions(eyes).await;
    gathered.sizes(eyes).await;
    gathered.services.sort_by(|a, b| a.arn.cmp(&b.arn));
    gathered
}

/// What one cluster holds.
#[derive(Default)]
struct Found {
    services: Vec<Service>,
    daemons: Vec<String>,
    problems: Vec<LookError>,
}

/// All clusters, and whether the configuration speaks of them.
async fn clusters(eyes: Eyes<'_>, config: &Config) -> Result<Vec<(String, bool)>, LookError> {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        eyes.turn().await;
        let call = eyes.aws.ecs().list_clusters().max_results(LISTED_A_CALL);
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

async fn in_cluster(eyes: Eyes<'_>, cluster: &str) -> Found {
    let mut found = Found::default();
    match names(eyes, cluster, SchedulingStrategy::Daemon).await {
        Ok(names) => {
            found.daemons = names
                .into_iter()
                .map(|name| format!("{cluster}/{name}"))
                .collect();
        }
        Err(error) => found.problems.push(error),
    }
    replicas(eyes, cluster, &mut found).await;
    found
}

/// Who was put to sleep in a cluster that the configuration leaves out by now: nobody else would ever
/// tell of them. What can't be read there is none of our business.
async fn asleep_in(eyes: Eyes<'_>, cluster: &str) -> Found {
    let mut found = Found::default();
    replicas(eyes, cluster, &mut found).await;
    found
        .services
        .retain(|service| service.tags.contains_key(mirror::TAG));
    found.problems.clear();
    found
}

async fn replicas(eyes: Eyes<'_>, cluster: &str, found: &mut Found) {
    let names = match names(eyes, cluster, SchedulingStrategy::Replica).await {
        Ok(names) => names,
        Err(error) => return found.problems.push(error),
    };
    let chunks: Vec<Vec<String>> = names.chunks(SERVICES_A_CALL).map(<[_]>::to_vec).collect();
    let read = stream::iter(chunks)
        .map(|names| async move { eyes.bare_services(cluster, &names).await })
        .buffer_unordered(AT_ONCE);
    let read: Vec<_> = read.collect().await;
    for services in read {
        match services {
            Ok(looked) => {
                found.services.extend(looked.services);
                found.problems.extend(looked.odd);
            }
            Err(error) => found.problems.push(error),
        }
    }
}

async fn names(
    eyes: Eyes<'_>,
    cluster: &str,
    strategy: SchedulingStrategy,
) -> Result<Vec<String>, LookError> {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        eyes.turn().await;
        let call = eyes
            .aws
            .ecs()
            .list_services()
            .cluster(cluster)
            .scheduling_strategy(strategy.clone())
            .max_results(LISTED_A_CALL)
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
        self.services.extend(found.services);
        self.daemons.extend(found.daemons);
        let told = found.problems.iter();
        self.problems
            .extend(told.map(|error| format!("cluster {cluster}: {error}")));
    }

    /// A service whose bounds are unknown must not be touched: it is left out.
    async fn bounds(&mut self, eyes: Eyes<'_>) {
        // Only services of ECS are here yet.
        let ids: Vec<String> = self.services.iter().map(resource_id).collect();
        let chunks: Vec<Vec<String>> = ids
            .chunks(crate::look::TARGETS_A_CALL)
            .map(<[_]>::to_vec)
            .collect();
        let read = stream::iter(chunks)
            .map(|ids| async move { (eyes.targets(ids.clone()).await, ids) })
            .buffer_unordered(AT_ONCE);
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
        self.services
            .retain(|service| !unknown.contains(&resource_id(service)));
        for service in &mut self.services {
            service.scaling = targets.remove(&resource_id(service));
        }
    }

    async fn records(&mut self, records: Records<'_>, config: &Config) {
        match records.requests().await {
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
                self.services.clear();
                return;
            }
        }
        // Who is not selected any more may still be asleep by us, with or without the tag that says so.
        let perhaps_asleep = |service: &Service| {
            service.desired == 0
                || service
                    .scaling
                    .is_some_and(|scaling| scaling.suspended == Suspended::ALL)
        };
        let opted = |service: &&Service| {
            perhaps_asleep(service)
                || service.tags.contains_key(&config.tag)
                || service.tags.contains_key(mirror::TAG)
                || config.imported(&service.tags).is_some()
                || config.services.iter().any(|rule| {
                    rule.matching
                        .find(&service.cluster, &service.name)
                        .is_some()
                })
        };
        let arns: Vec<String> = self
            .services
            .iter()
            .filter(opted)
            .map(|service| service.arn.clone())
            .collect();
        let (memories, failed) = records.memories(arns).await;
        self.memories = memories;
        for (arn, error) in failed {
            self.problems.push(format!("{arn} is left out: {error}"));
            self.services.retain(|service| service.arn != arn);
        }
    }

    /// Read only where one may have been due while its service slept.
    async fn actions(&mut self, eyes: Eyes<'_>) {
        let memories = &self.memories;
        let may_miss = |service: &Service| {
            let memory = memories
                .get(&service.arn)
                .filter(|memory| memory.is_asleep());
            let was = memory.and_then(|memory| memory.was.as_ref()?.level.scaling);
            service.kind == Kind::EcsService && was.is_some_and(|was| !was.suspended.scheduled)
        };
        if !self.services.iter().any(may_miss) {
            return;
        }
        match eyes.actions().await {
            Ok(mut actions) => {
                for service in self.services.iter_mut().filter(|service| may_miss(service)) {
                    let of = actions.remove(&resource_id(service));
                    service.actions = of.unwrap_or_default();
                }
            }
            Err(error) => self.problems.push(format!(
                "{error}; whether scheduled actions were due while services slept is not known"
            )),
        }
    }

    async fn sizes(&mut self, eyes: Eyes<'_>) {
        let opted: BTreeSet<String> = self
            .services
            .iter()
            .filter(|service| service.size.is_none() && service.desired > 0)
            .map(|service| service.task_definition.clone())
            .filter(|definition| !definition.is_empty())
            .collect();
        let read = stream::iter(opted.into_iter().take(SIZES_A_RUN))
            .map(|definition| async move { (eyes.size(&definition).await, definition) })
            .buffer_unordered(AT_ONCE);
        let sizes: HashMap<String, _> = read
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .map(|(size, definition)| (definition, size))
            .collect();
        for service in &mut self.services {
            if service.size.is_none() {
                service.size = sizes.get(&service.task_definition).copied().flatten();
            }
        }
    }
}
