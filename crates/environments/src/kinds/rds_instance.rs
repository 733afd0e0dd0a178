//! RDS instances that belong to no cluster.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>

use aws_sdk_ecs::error::ProvideErrorMetadata;
use common::json_api::CallError;
use common::query_api::{self, List, Page, RDS, parameter};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Deserialize;

use super::rds::{self, Database, is_given, is_gone};
use super::{KindSpec, ReadFuture, Tag, WriteFuture};
use crate::config::{Config, Globs};
use crate::read::{ReadError, Reader, in_milliseconds};
use crate::resource::{Kind, Resource};
use crate::write::Writer;

pub(super) struct RdsInstance;

impl Database for RdsInstance {
    const SPEC: &'static KindSpec = &rds::spec("RDS instance");

    fn named(config: &Config) -> &Globs {
        &config.also.rds_instances
    }

    fn read<'a>(reader: Reader<'a>, name: Option<&'a str>) -> ReadFuture<'a> {
        Box::pin(describe(reader, name))
    }

    fn complete<'a>(_: Reader<'a>, _: &'a mut [Resource]) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn stop(writer: Writer<'_>) -> WriteFuture<'_> {
        let action = "rds:StopDBInstance";
        Box::pin(rds::change(writer, action, IDENTIFIER))
    }

    fn start(writer: Writer<'_>) -> WriteFuture<'_> {
        let action = "rds:StartDBInstance";
        Box::pin(rds::change(writer, action, IDENTIFIER))
    }
}

/// The parameter that names an instance.
const IDENTIFIER: &str = "DBInstanceIdentifier";

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>
#[derive(Debug, Deserialize)]
pub(super) struct DbInstances {
    #[serde(rename = "DBInstances")]
    instances: List<DbInstance>,
    #[serde(rename = "Marker")]
    marker: Option<String>,
}

impl Page for DbInstances {
    type Item = DbInstance;
    const NEXT: &'static str = "Marker";

    fn into_parts(self) -> (Vec<DbInstance>, Option<String>) {
        (self.instances.0, self.marker)
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DbInstance {
    #[serde(rename = "DBInstanceIdentifier", default)]
    identifier: String,
    #[serde(rename = "DBInstanceArn", default)]
    arn: String,
    #[serde(rename = "DBInstanceStatus", default)]
    pub(super) status: String,
    #[serde(rename = "DBClusterIdentifier", default)]
    pub(super) cluster: String,
    #[serde(default)]
    engine: String,
    #[serde(rename = "MultiAZ", default)]
    multi_az: bool,
    secondary_availability_zone: Option<String>,
    instance_create_time: Option<Timestamp>,
    #[serde(rename = "ReadReplicaDBInstanceIdentifiers", default)]
    replica_instances: List<String>,
    #[serde(rename = "ReadReplicaDBClusterIdentifiers", default)]
    replica_clusters: List<String>,
    #[serde(rename = "ReadReplicaSourceDBInstanceIdentifier")]
    source_instance: Option<String>,
    #[serde(rename = "ReadReplicaSourceDBClusterIdentifier")]
    source_cluster: Option<String>,
    #[serde(default)]
    tag_list: List<Tag>,
}

/// All instances, or the one of this name.
pub(super) async fn instances(
    reader: Reader<'_>,
    name: Option<&str>,
) -> Result<Vec<DbInstance>, CallError> {
    let parameters: Vec<_> = name
        .map(|name| parameter(IDENTIFIER, name))
        .into_iter()
        .collect();
    query_api::list::<DbInstances>(reader.aws, RDS, "DescribeDBInstances", &parameters).await
}

/// All instances that belong to no cluster, or the one of this name; none if there is none.
async fn describe(reader: Reader<'_>, name: Option<&str>) -> Result<Vec<Resource>, ReadError> {
    match instances(reader, name).await {
        Ok(mut found) => {
            found.retain(|instance| instance.cluster.is_empty());
            Ok(found.into_iter().map(instance).collect())
        }
        Err(error) if is_gone(error.code()) => Ok(Vec::new()),
        Err(error) => {
            let action = "rds:DescribeDBInstances";
            Err(reader.error("DescribeDBInstances", action, &error))
        }
    }
}

fn instance(instance: DbInstance) -> Resource {
    let replicas =
        !instance.replica_instances.0.is_empty() || !instance.replica_clusters.0.is_empty();
    let is_replica = is_given(instance.source_instance.as_deref())
        || is_given(instance.source_cluster.as_deref());
    // Mirroring has a second zone, and does not call itself Multi-AZ everywhere.
    let is_mirrored =
        instance.multi_az || is_given(instance.secondary_availability_zone.as_deref());
    let unstoppable = if replicas || is_replica {
        Some("RDS does not stop an instance that is a read replica or has one".to_owned())
    } else if instance.engine.starts_with("sqlserver") && is_mirrored {
        Some("RDS does not stop SQL Server with Multi-AZ".to_owned())
    } else {
        busy_storage(&instance.status)
    };
    let bare = Resource {
        kind: Kind::RdsInstance,
        arn: instance.arn,
        name: instance.identifier,
        created_at: instance.instance_create_time.and_then(in_milliseconds),
        unstoppable,
        ..Resource::default()
    };
    rds::with_state(bare, &instance.status, instance.tag_list)
}

fn busy_storage(status: &str) -> Option<String> {
    rds::is_busy_storage(status).then(|| format!("RDS does not stop an instance in {status}"))
}
