//! RDS instances and Aurora clusters: stopped and started as a whole. Their count is 1 or 0.
//!
//! AWS starts a stopped database again after seven days; the plan knows that. What RDS refuses to stop is
//! skipped with its reason, as far as a description tells it; other refusals are recognised when they come.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>
//! <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html>

use std::collections::{BTreeSet, HashMap};

use aws_sdk_rds::error::ProvideErrorMetadata;
use aws_sdk_rds::types::{DbCluster, DbInstance, Tag};
use common::aws::explain;

use super::RDS;
use crate::read::{ReadError, Reader, failed, timestamp};
use crate::resource::{Kind, Resource, Status};

/// The states of the instances of each cluster. What can't be read is not known, and then the state of the cluster counts.
pub(crate) async fn members(reader: Reader<'_>) -> HashMap<String, Vec<String>> {
    let (mut found, mut marker) = (HashMap::<String, Vec<String>>::new(), None);
    loop {
        let call = reader.aws.rds().describe_db_instances();
        let answer = match call.set_marker(marker).send().await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!("the members of clusters are not known: {}", explain(&error));
                return found;
            }
        };
        for instance in answer.db_instances() {
            let cluster = instance.db_cluster_identifier().unwrap_or_default();
            let status = instance.db_instance_status().unwrap_or_default();
            let of = found.entry(cluster.to_owned()).or_default();
            of.push(status.to_owned());
        }
        marker = answer.marker;
        if marker.is_none() {
            return found;
        }
    }
}

/// A cluster is what its instances are: one that calls itself stopped costs while one of them runs, and one that is
/// available serves nobody while none of them does.
pub(crate) fn count_members(cluster: &mut Resource, members: &[String]) {
    let is_down = |status: &&String| {
        let down = [
            "starting", "stopped", "stopping", "creating", "failed", "deleting",
        ];
        // `incompatible-…`, `inaccessible-…`, `insufficient-…`
        down.contains(&status.as_str()) || status.starts_with("in")
    };
    let stays = |status: &&String| !["stopped", "deleting"].contains(&status.as_str());
    if cluster.status != Status::Active || members.is_empty() {
        return;
    }
    if cluster.desired == 0 {
        let stay = members.iter().filter(stays).count();
        cluster.not_in_service = u32::try_from(stay).unwrap_or(u32::MAX);
    } else if members.iter().all(|status| is_down(&status)) {
        (cluster.running, cluster.not_in_service) = (0, 1);
    }
}

/// The ARNs of what is part of a blue/green deployment: RDS stops none of these. Who may not read that gets to know
/// it when the stop is refused.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/blue-green-deployments-considerations.html>
pub(crate) async fn blue_and_green(reader: Reader<'_>) -> BTreeSet<String> {
    let (mut found, mut marker) = (BTreeSet::new(), None);
    loop {
        let call = reader.aws.rds().describe_blue_green_deployments();
        let answer = match call.set_marker(marker).send().await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!("blue/green deployments are not known: {}", explain(&error));
                return found;
            }
        };
        for deployment in answer.blue_green_deployments() {
            let ended = ["SWITCHOVER_COMPLETED", "DELETING"];
            if !deployment
                .status()
                .is_some_and(|status| ended.contains(&status))
            {
                let parts = [deployment.source(), deployment.target()];
                found.extend(parts.into_iter().flatten().map(str::to_owned));
            }
        }
        marker = answer.marker;
        if marker.is_none() {
            return found;
        }
    }
}

/// All instances that belong to no cluster, or the one of this name; none if there is none.
pub(crate) async fn instances(
    reader: Reader<'_>,
    name: Option<&str>,
) -> Result<Vec<Resource>, ReadError> {
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let call = reader.aws.rds().describe_db_instances();
        let call = call.set_db_instance_identifier(name.map(str::to_owned));
        let answer = match call.set_marker(marker).send().await {
            Ok(answer) => answer,
            Err(error) if gone(error.code()) => return Ok(found),
            Err(error) => {
                return Err(failed(
                    "DescribeDBInstances",
                    "rds:DescribeDBInstances",
                    explain(&error),
                ));
            }
        };
        let own = |instance: &&DbInstance| !is_given(instance.db_cluster_identifier());
        found.extend(answer.db_instances().iter().filter(own).map(instance));
        marker = answer.marker;
        if marker.is_none() {
            return Ok(found);
        }
    }
}

/// All Aurora clusters, or the one of this name; none if there is none.
pub(crate) async fn clusters(
    reader: Reader<'_>,
    name: Option<&str>,
) -> Result<Vec<Resource>, ReadError> {
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let call = reader.aws.rds().describe_db_clusters();
        let call = call.set_db_cluster_identifier(name.map(str::to_owned));
        let answer = match call.set_marker(marker).send().await {
            Ok(answer) => answer,
            Err(error) if gone(error.code()) => return Ok(found),
            Err(error) => {
                return Err(failed(
                    "DescribeDBClusters",
                    "rds:DescribeDBClusters",
                    explain(&error),
                ));
            }
        };
        found.extend(answer.db_clusters().iter().map(cluster));
        marker = answer.marker;
        if marker.is_none() {
            return Ok(found);
        }
    }
}

fn gone(code: Option<&str>) -> bool {
    matches!(
        code,
        Some("DBInstanceNotFound" | "DBInstanceNotFoundFault" | "DBClusterNotFoundFault")
    )
}

/// Whether there is a name: an empty one is none.
fn is_given(name: Option<&str>) -> bool {
    name.is_some_and(|name| !name.is_empty())
}

fn instance(instance: &DbInstance) -> Resource {
    let replicas = !instance.read_replica_db_instance_identifiers().is_empty()
        || !instance.read_replica_db_cluster_identifiers().is_empty();
    let is_replica = is_given(instance.read_replica_source_db_instance_identifier())
        || is_given(instance.read_replica_source_db_cluster_identifier());
    let engine = instance.engine().unwrap_or_default();
    // Mirroring has a second zone, and does not call itself Multi-AZ everywhere.
    let is_mirrored =
        instance.multi_az() == Some(true) || is_given(instance.secondary_availability_zone());
    let status = instance.db_instance_status().unwrap_or_default();
    let unstoppable = if replicas || is_replica {
        Some("RDS does not stop an instance that is a read replica or has one".to_owned())
    } else if engine.starts_with("sqlserver") && is_mirrored {
        Some("RDS does not stop SQL Server with Multi-AZ".to_owned())
    } else {
        busy_storage(status)
    };
    let bare = Resource {
        kind: Kind::RdsInstance,
        arn: instance.db_instance_arn().unwrap_or_default().to_owned(),
        name: instance
            .db_instance_identifier()
            .unwrap_or_default()
            .to_owned(),
        created_at: instance.instance_create_time().and_then(timestamp),
        unstoppable,
        ..Resource::default()
    };
    with_state(
        bare,
        instance.db_instance_status().unwrap_or_default(),
        instance.tag_list(),
    )
}

fn cluster(cluster: &DbCluster) -> Resource {
    let provisioned = cluster
        .engine_mode()
        .is_none_or(|mode| mode == "provisioned");
    let aurora = cluster.engine().unwrap_or_default().starts_with("aurora");
    let unstoppable = if !provisioned {
        Some("RDS stops provisioned Aurora clusters only")
    } else if is_given(cluster.global_cluster_identifier()) && !is_alone(cluster) {
        Some("RDS does not stop a cluster of a global database that has others")
    } else if !is_alone(cluster) {
        Some("RDS does not stop a cluster that is a replica or has one in another region")
    } else if !aurora {
        Some("only Aurora clusters are stopped")
    } else {
        None
    };
    let bare = Resource {
        kind: Kind::RdsCluster,
        arn: cluster.db_cluster_arn().unwrap_or_default().to_owned(),
        name: cluster
            .db_cluster_identifier()
            .unwrap_or_default()
            .to_owned(),
        created_at: cluster.cluster_create_time().and_then(timestamp),
        unstoppable: unstoppable.map(str::to_owned),
        ..Resource::default()
    };
    with_state(
        bare,
        cluster.status().unwrap_or_default(),
        cluster.tag_list(),
    )
}

/// Whether no other cluster copies it, and it copies none.
fn is_alone(cluster: &DbCluster) -> bool {
    let copies = is_given(cluster.replication_source_identifier())
        || cluster.global_write_forwarding_requested() == Some(true);
    !copies && cluster.read_replica_identifiers().is_empty()
}

/// An instance whose storage is being changed serves for hours or days, and is not stopped meanwhile.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html>
fn busy_storage(status: &str) -> Option<String> {
    is_busy_storage(status).then(|| format!("RDS does not stop an instance in {status}"))
}

fn is_busy_storage(status: &str) -> bool {
    matches!(
        status,
        "storage-optimization"
            | "storage-config-upgrade"
            | "storage-initialization"
            | "storage-full"
    )
}

/// `available` and `stopped` are the two ends; in between nothing can be decided.
fn with_state(bare: Resource, status: &str, tags: &[Tag]) -> Resource {
    let (desired, running, status) = match status {
        "available" => (1, 1, Status::Active),
        storage if is_busy_storage(storage) => (1, 1, Status::Active),
        "stopped" => (0, 0, Status::Active),
        "deleting" => (0, 0, Status::Draining),
        "stopping" => (0, 0, Status::Other("stopping".to_owned())),
        other => (1, 0, Status::Other(other.to_owned())),
    };
    let costs = running == 0 && status != Status::Active;
    let tags = tags
        .iter()
        .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())));
    Resource {
        cluster: RDS.to_owned(),
        desired,
        running,
        not_in_service: u32::from(costs),
        status,
        tags: tags.collect(),
        ..bare
    }
}
