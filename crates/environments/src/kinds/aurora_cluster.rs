//! Aurora clusters: stopped and started with all their instances.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html>

use std::collections::HashMap;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use common::aws::explain;
use common::query_api::{self, List, Page, RDS, parameter};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Deserialize;

use super::rds::{self, Database, is_given, is_gone};
use super::rds_instance::instances;
use super::{KindSpec, ReadFuture, Tag, WriteFuture};
use crate::config::{Config, Globs};
use crate::read::{ReadError, Reader, in_milliseconds};
use crate::resource::{Kind, Resource, Status};
use crate::write::Writer;

pub(super) struct AuroraCluster;

impl Database for AuroraCluster {
    const SPEC: &'static KindSpec = &rds::spec("Aurora cluster");

    fn named(config: &Config) -> &Globs {
        &config.also.rds_clusters
    }

    fn read<'a>(reader: Reader<'a>, name: Option<&'a str>) -> ReadFuture<'a> {
        Box::pin(describe(reader, name))
    }

    fn complete<'a>(reader: Reader<'a>, listed: &'a mut [Resource]) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let members = members(reader).await;
            for cluster in listed {
                let members = members.get(&cluster.name);
                count_members(cluster, members.map_or(&[], Vec::as_slice));
            }
        })
    }

    fn stop(writer: Writer<'_>) -> WriteFuture<'_> {
        let action = "rds:StopDBCluster";
        Box::pin(rds::change(writer, action, IDENTIFIER))
    }

    fn start(writer: Writer<'_>) -> WriteFuture<'_> {
        let action = "rds:StartDBCluster";
        Box::pin(rds::change(writer, action, IDENTIFIER))
    }
}

/// The parameter that names a cluster.
const IDENTIFIER: &str = "DBClusterIdentifier";

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusters.html>
#[derive(Debug, Deserialize)]
struct DbClusters {
    #[serde(rename = "DBClusters")]
    clusters: List<DbCluster>,
    #[serde(rename = "Marker")]
    marker: Option<String>,
}

impl Page for DbClusters {
    type Item = DbCluster;
    const NEXT: &'static str = "Marker";

    fn into_parts(self) -> (Vec<DbCluster>, Option<String>) {
        (self.clusters.0, self.marker)
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DbCluster {
    #[serde(rename = "DBClusterIdentifier", default)]
    identifier: String,
    #[serde(rename = "DBClusterArn", default)]
    arn: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    engine: String,
    engine_mode: Option<String>,
    cluster_create_time: Option<Timestamp>,
    global_cluster_identifier: Option<String>,
    #[serde(default)]
    global_write_forwarding_requested: bool,
    replication_source_identifier: Option<String>,
    #[serde(default)]
    read_replica_identifiers: List<String>,
    #[serde(default)]
    tag_list: List<Tag>,
}

/// The states of the instances of each cluster. What can't be read is not known, and then the state of the cluster counts.
async fn members(reader: Reader<'_>) -> HashMap<String, Vec<String>> {
    let instances = instances(reader, None).await.unwrap_or_else(|error| {
        tracing::debug!("the members of clusters are not known: {}", explain(&error));
        Vec::new()
    });
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for instance in instances {
        let members = found.entry(instance.cluster).or_default();
        members.push(instance.status);
    }
    found
}

/// A cluster is what its instances are: one that calls itself stopped costs while one of them runs, and one that is
/// available serves nobody while none of them does.
fn count_members(cluster: &mut Resource, members: &[String]) {
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

/// All Aurora clusters, or the one of this name; none if there is none.
async fn describe(reader: Reader<'_>, name: Option<&str>) -> Result<Vec<Resource>, ReadError> {
    let parameters: Vec<_> = name
        .map(|name| parameter(IDENTIFIER, name))
        .into_iter()
        .collect();
    let operation = "DescribeDBClusters";
    match query_api::list::<DbClusters>(reader.aws, RDS, operation, &parameters).await {
        Ok(found) => Ok(found.into_iter().map(cluster).collect()),
        Err(error) if is_gone(error.code()) => Ok(Vec::new()),
        Err(error) => {
            let action = "rds:DescribeDBClusters";
            Err(reader.error("DescribeDBClusters", action, &error))
        }
    }
}

fn cluster(cluster: DbCluster) -> Resource {
    let provisioned = cluster.engine_mode.as_deref();
    let provisioned = provisioned.is_none_or(|mode| mode == "provisioned");
    let aurora = cluster.engine.starts_with("aurora");
    let unstoppable = if !provisioned {
        Some("RDS stops provisioned Aurora clusters only")
    } else if is_given(cluster.global_cluster_identifier.as_deref()) && !is_alone(&cluster) {
        Some("RDS does not stop a cluster of a global database that has others")
    } else if !is_alone(&cluster) {
        Some("RDS does not stop a cluster that is a replica or has one in another region")
    } else if !aurora {
        Some("only Aurora clusters are stopped")
    } else {
        None
    };
    let bare = Resource {
        kind: Kind::RdsCluster,
        arn: cluster.arn,
        name: cluster.identifier,
        created_at: cluster.cluster_create_time.and_then(in_milliseconds),
        unstoppable: unstoppable.map(str::to_owned),
        ..Resource::default()
    };
    rds::with_state(bare, &cluster.status, cluster.tag_list)
}

/// Whether no other cluster copies it, and it copies none.
fn is_alone(cluster: &DbCluster) -> bool {
    let copies = is_given(cluster.replication_source_identifier.as_deref())
        || cluster.global_write_forwarding_requested;
    !copies && cluster.read_replica_identifiers.0.is_empty()
}
