//! Aurora clusters: stopped and started with all their instances.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html>

use std::collections::HashMap;

use aws_sdk_rds::error::ProvideErrorMetadata;
use aws_sdk_rds::types::DbCluster;
use common::aws::explain;
use futures::future::BoxFuture;

use super::rds::{self, Database, is_given, is_gone};
use super::{KindSpec, ReadFuture, WriteFuture};
use crate::config::{Config, Globs};
use crate::read::{ReadError, Reader, timestamp};
use crate::resource::{Kind, Resource, Status};
use crate::write::{Writer, once};

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
        Box::pin(async move {
            let (rds, name) = (writer.aws.rds(), &writer.resource.name);
            let stop = || rds.stop_db_cluster().db_cluster_identifier(name);
            let call = rds::call(writer, "rds:StopDBCluster");
            call.until_done(true, once!(aws_sdk_rds, stop())).await
        })
    }

    fn start(writer: Writer<'_>) -> WriteFuture<'_> {
        Box::pin(async move {
            let (rds, name) = (writer.aws.rds(), &writer.resource.name);
            let start = || rds.start_db_cluster().db_cluster_identifier(name);
            let call = rds::call(writer, "rds:StartDBCluster");
            call.until_done(true, once!(aws_sdk_rds, start())).await
        })
    }
}

/// The states of the instances of each cluster. What can't be read is not known, and then the state of the cluster counts.
async fn members(reader: Reader<'_>) -> HashMap<String, Vec<String>> {
    let call = reader.aws.rds().describe_db_instances();
    let instances: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    let instances = instances.unwrap_or_else(|error| {
        tracing::debug!("the members of clusters are not known: {}", explain(&error));
        Vec::new()
    });
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for instance in instances {
        let cluster = instance.db_cluster_identifier.unwrap_or_default();
        let status = instance.db_instance_status.unwrap_or_default();
        found.entry(cluster).or_default().push(status);
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
    let call = reader.aws.rds().describe_db_clusters();
    let call = call.set_db_cluster_identifier(name.map(str::to_owned));
    let found: Result<Vec<_>, _> = call.into_paginator().items().send().collect().await;
    match found {
        Ok(found) => Ok(found.iter().map(cluster).collect()),
        Err(error) if is_gone(error.code()) => Ok(Vec::new()),
        Err(error) => {
            let action = "rds:DescribeDBClusters";
            Err(reader.error("DescribeDBClusters", action, &error))
        }
    }
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
    rds::with_state(
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
