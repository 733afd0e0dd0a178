//! Clusters: a name for a set of services.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{missing, page};
use super::lookup::last;
use super::model::{Cluster, State, TaskStatus};
use super::tags::{Tag, check as check_tags, to_map};
use super::{Ecs, ServiceStatus};
use crate::error::AwsError;
use crate::wire::json::read;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    cluster_name: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
struct Describe {
    #[serde(default)]
    clusters: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    next_token: Option<String>,
    max_results: Option<usize>,
}

#[derive(Deserialize)]
struct Delete {
    cluster: String,
}

impl Ecs {
    /// Makes a cluster, or finds the one of that name.
    pub(super) fn create_cluster(&self, input: Value) -> Result<Value, AwsError> {
        let Create { cluster_name, tags } = read(input)?;
        let name = cluster_name.unwrap_or_else(|| "default".to_owned());
        check_name(&name)?;
        check_tags(&tags)?;
        let mut state = self.state();
        if state.cluster(Some(&name)).is_err() {
            let arn = format!("{}:cluster/{name}", self.shared.arn_prefix);
            state.clusters.retain(|cluster| cluster.name != name);
            state.tags.insert(arn.clone(), to_map(tags));
            state.clusters.push(Cluster {
                name: name.clone(),
                arn,
                active: true,
            });
        }
        let cluster = state.cluster(Some(&name))?;
        Ok(json!({ "cluster": render(&state, cluster, self.shared.clock.now()) }))
    }

    pub(super) fn describe_clusters(&self, input: Value) -> Result<Value, AwsError> {
        let Describe { mut clusters } = read(input)?;
        if clusters.is_empty() {
            clusters.push("default".to_owned());
        }
        let state = self.state();
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for wanted in clusters {
            let name = last(&wanted);
            match state.clusters.iter().find(|cluster| cluster.name == name) {
                Some(cluster) => found.push(render(&state, cluster, self.shared.clock.now())),
                None => failures.push(missing(&format!(
                    "{}:cluster/{name}",
                    self.shared.arn_prefix
                ))),
            }
        }
        Ok(json!({ "clusters": found, "failures": failures }))
    }

    pub(super) fn list_clusters(&self, input: Value) -> Result<Value, AwsError> {
        let call: List = read(input)?;
        let state = self.state();
        let active = state.clusters.iter().filter(|cluster| cluster.active);
        let arns: Vec<&String> = active.map(|cluster| &cluster.arn).collect();
        page(
            "clusterArns",
            &arns,
            call.next_token.as_deref(),
            call.max_results,
            100,
        )
    }

    pub(super) fn delete_cluster(&self, input: Value) -> Result<Value, AwsError> {
        let Delete { cluster } = read(input)?;
        let mut state = self.state();
        let name = state.cluster(Some(&cluster))?.name.clone();
        let in_use = |status| status != ServiceStatus::Inactive;
        if state
            .services
            .iter()
            .any(|s| s.cluster == name && in_use(s.status))
        {
            return Err(AwsError::client(
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            ));
        }
        let running = |status| status < TaskStatus::Stopped;
        if state
            .tasks
            .iter()
            .any(|task| task.cluster == name && running(task.status))
        {
            return Err(AwsError::client(
                "ClusterContainsTasksException",
                "The Cluster cannot be deleted while Tasks are active.",
            ));
        }
        let index = state
            .clusters
            .iter()
            .position(|cluster| cluster.name == name);
        if let Some(index) = index {
            state.clusters[index].active = false;
        }
        let cluster = state.clusters.iter().find(|cluster| cluster.name == name);
        Ok(
            json!({ "cluster": cluster.map(|cluster| render(&state, cluster, self.shared.clock.now())) }),
        )
    }
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.is_empty() || name.len() > 255 || !name.bytes().all(legal) {
        return Err(super::api::invalid(
            "Invalid identifier: Identifier is for cluster name",
        ));
    }
    Ok(())
}

fn render(state: &State, cluster: &Cluster, now: Timestamp) -> Value {
    let (mut pending, mut running) = (0, 0);
    for task in state.tasks.iter().filter(|t| t.cluster == cluster.name) {
        pending += u32::from(task.status == TaskStatus::Pending);
        running += u32::from(task.status == TaskStatus::Running);
    }
    let services = state.services.iter().filter(|s| s.cluster == cluster.name);
    for set in services.flat_map(|service| &service.task_sets) {
        if let Some(simulated) = &set.simulated {
            let counts = simulated.counts(now);
            pending += counts.pending;
            running += counts.running;
        }
    }
    let active = |service: &&super::model::Service| {
        service.cluster == cluster.name && service.status == ServiceStatus::Active
    };
    json!({
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": if cluster.active { "ACTIVE" } else { "INACTIVE" },
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": running,
        "pendingTasksCount": pending,
        "activeServicesCount": state.services.iter().filter(active).count(),
        "statistics": [],
        "tags": super::tags::render(state, &cluster.arn),
        "settings": [{ "name": "containerInsights", "value": "disabled" }],
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
    })
}
