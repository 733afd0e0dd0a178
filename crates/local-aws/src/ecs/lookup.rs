//! Finding things by the names and ARNs that callers use for them, with the errors of AWS.

use super::model::{Cluster, Service, ServiceStatus, State, TaskDefinition, TaskSet};
use crate::error::AwsError;

/// The cluster of a call that names none.
const DEFAULT_CLUSTER: &str = "default";

impl State {
    /// An active cluster, by name or ARN.
    pub(crate) fn cluster(&self, cluster: Option<&str>) -> Result<&Cluster, AwsError> {
        let name = last(cluster.unwrap_or(DEFAULT_CLUSTER));
        self.clusters
            .iter()
            .find(|cluster| cluster.name == name && cluster.active)
            .ok_or_else(|| AwsError::client("ClusterNotFoundException", "Cluster not found."))
    }

    /// Where a service in any state is, by name or ARN.
    pub(crate) fn any_index(
        &self,
        cluster: Option<&str>,
        service: &str,
    ) -> Result<usize, AwsError> {
        let cluster = &self.cluster(cluster)?.name;
        let name = last(service);
        // Of one deleted and one made again, the newer counts.
        self.place(cluster, name)
            .ok_or_else(|| AwsError::client("ServiceNotFoundException", "Service not found."))
    }

    /// Where the newest service of that name in that cluster is, whatever its state.
    pub(crate) fn place(&self, cluster: &str, name: &str) -> Option<usize> {
        let key = (cluster.to_owned(), name.to_owned());
        self.places.get(&key).copied()
    }

    /// Where an active service is, by name or ARN.
    pub(crate) fn active_index(
        &self,
        cluster: Option<&str>,
        service: &str,
    ) -> Result<usize, AwsError> {
        let index = self.any_index(cluster, service)?;
        if self.services[index].status != ServiceStatus::Active {
            return Err(AwsError::client(
                "ServiceNotActiveException",
                "Service was not ACTIVE.",
            ));
        }
        Ok(index)
    }

    /// A task definition, by `family` (the newest active one), `family:revision` or ARN.
    pub(crate) fn task_definition(&self, wanted: &str) -> Option<&TaskDefinition> {
        let name = last(wanted);
        let Some((family, revision)) = name.rsplit_once(':') else {
            let of_family = |td: &&TaskDefinition| td.family == name && td.active;
            return self
                .task_definitions
                .iter()
                .filter(of_family)
                .max_by_key(|td| td.revision);
        };
        let revision: u32 = revision.parse().ok()?;
        let found = self
            .task_definitions
            .iter()
            .find(|td| td.family == family && td.revision == revision);
        // A full ARN of another account or region is not one of ours.
        found.filter(|td| !wanted.starts_with("arn:") || td.arn == wanted)
    }

    /// A task definition that a service may start.
    pub(crate) fn startable(&self, wanted: &str) -> Result<&TaskDefinition, AwsError> {
        match self.task_definition(wanted) {
            Some(definition) if definition.active => Ok(definition),
            Some(_) => Err(AwsError::client(
                "ClientException",
                "TaskDefinition is inactive",
            )),
            None => Err(AwsError::client(
                "ClientException",
                "TaskDefinition not found.",
            )),
        }
    }
}

impl Service {
    /// A task set, by id or ARN.
    pub(crate) fn task_set(&mut self, id: &str) -> Result<&mut TaskSet, AwsError> {
        self.task_sets
            .iter_mut()
            .find(|set| set.id == id || set.arn == id)
            .ok_or_else(|| {
                AwsError::client(
                    "TaskSetNotFoundException",
                    format!("The specified task set could not be found: {id}."),
                )
            })
    }
}

/// The name at the end of an ARN, or the name itself.
pub(crate) fn last(name_or_arn: &str) -> &str {
    if name_or_arn.starts_with("arn:") {
        name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
    } else {
        name_or_arn
    }
}
