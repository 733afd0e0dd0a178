//! RDS instances and Aurora clusters: stopped and started as a whole. Their count is 1 or 0.
//!
//! AWS starts a stopped database again after seven days; the plan knows that. What RDS refuses to stop is
//! skipped with its reason.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>

use aws_sdk_rds::error::ProvideErrorMetadata;
use aws_sdk_rds::types::{DbCluster, DbInstance, Tag};
use common::aws::explain;

use super::RDS;
use crate::facts::{Kind, Service, Status};
use crate::look::{Eyes, LookError, failed, timestamp};

/// All instances that belong to no cluster, or the one of this name; none if there is none.
pub(crate) async fn instances(
    eyes: Eyes<'_>,
    name: Option<&str>,
) -> Result<Vec<Service>, LookError> {
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let call = eyes.aws.rds().describe_db_instances();
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
    eyes: Eyes<'_>,
    name: Option<&str>,
) -> Result<Vec<Service>, LookError> {
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let call = eyes.aws.rds().describe_db_clusters();
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

fn instance(instance: &DbInstance) -> Service {
    let replicas = !instance.read_replica_db_instance_identifiers().is_empty()
        || !instance.read_replica_db_cluster_identifiers().is_empty();
    let source = instance.read_replica_source_db_instance_identifier();
    let unstoppable = if replicas || is_given(source) {
        Some("RDS does not stop an instance that is a read replica or has one")
    } else if instance
        .engine()
        .unwrap_or_default()
        .starts_with("sqlserver")
        && instance.multi_az() == Some(true)
    {
        Some("RDS does not stop SQL Server with Multi-AZ")
    } else {
        None
    };
    let bare = Service {
        kind: Kind::RdsInstance,
        arn: instance.db_instance_arn().unwrap_or_default().to_owned(),
        name: instance
            .db_instance_identifier()
            .unwrap_or_default()
            .to_owned(),
        created_at: instance.instance_create_time().and_then(timestamp),
        unstoppable: unstoppable.map(str::to_owned),
        ..Service::default()
    };
    with_state(
        bare,
        instance.db_instance_status().unwrap_or_default(),
        instance.tag_list(),
    )
}

fn cluster(cluster: &DbCluster) -> Service {
    let provisioned = cluster
        .engine_mode()
        .is_none_or(|mode| mode == "provisioned");
    let aurora = cluster.engine().unwrap_or_default().starts_with("aurora");
    let unstoppable = if !provisioned {
        Some("RDS stops provisioned Aurora clusters only")
    } else if cluster.global_write_forwarding_requested() == Some(true)
        || is_given(cluster.replication_source_identifier())
    {
        Some("RDS does not stop a cluster that is part of a global database or a replica")
    } else if !aurora {
        Some("only Aurora clusters are stopped")
    } else {
        None
    };
    let bare = Service {
        kind: Kind::RdsCluster,
        arn: cluster.db_cluster_arn().unwrap_or_default().to_owned(),
        name: cluster
            .db_cluster_identifier()
            .unwrap_or_default()
            .to_owned(),
        created_at: cluster.cluster_create_time().and_then(timestamp),
        unstoppable: unstoppable.map(str::to_owned),
        ..Service::default()
    };
    with_state(
        bare,
        cluster.status().unwrap_or_default(),
        cluster.tag_list(),
    )
}

/// `available` and `stopped` are the two ends; in between nothing can be decided.
fn with_state(bare: Service, status: &str, tags: &[Tag]) -> Service {
    let (desired, running, status) = match status {
        "available" => (1, 1, Status::Active),
        "stopped" => (0, 0, Status::Active),
        "deleting" => (0, 0, Status::Draining),
        "stopping" => (0, 0, Status::Other("stopping".to_owned())),
        other => (1, 0, Status::Other(other.to_owned())),
    };
    let tags = tags
        .iter()
        .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default())));
    Service {
        cluster: RDS.to_owned(),
        desired,
        running,
        status,
        tags: tags.collect(),
        ..bare
    }
}
