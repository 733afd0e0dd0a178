//! RDS instances that belong to no cluster.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>

use aws_sdk_rds::error::ProvideErrorMetadata;
use aws_sdk_rds::types::DbInstance;
use futures::future::BoxFuture;

use super::rds::{self, Database, is_given, is_gone};
use super::{KindSpec, ReadFuture, WriteFuture};
use crate::config::{Config, Globs};
use crate::read::{ReadError, Reader, timestamp};
use crate::resource::{Kind, Resource};
use crate::write::{Writer, once};

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
        Box::pin(async move {
            let (rds, name) = (writer.aws.rds(), &writer.resource.name);
            let stop = || rds.stop_db_instance().db_instance_identifier(name);
            let call = rds::call(writer, "rds:StopDBInstance");
            call.until_done(true, once!(aws_sdk_rds, stop())).await
        })
    }

    fn start(writer: Writer<'_>) -> WriteFuture<'_> {
        Box::pin(async move {
            let (rds, name) = (writer.aws.rds(), &writer.resource.name);
            let start = || rds.start_db_instance().db_instance_identifier(name);
            let call = rds::call(writer, "rds:StartDBInstance");
            call.until_done(true, once!(aws_sdk_rds, start())).await
        })
    }
}

/// All instances that belong to no cluster, or the one of this name; none if there is none.
async fn describe(reader: Reader<'_>, name: Option<&str>) -> Result<Vec<Resource>, ReadError> {
    let call = reader.aws.rds().describe_db_instances();
    let call = call.set_db_instance_identifier(name.map(str::to_owned));
    let pages = call.into_paginator().items().send();
    let found: Result<Vec<DbInstance>, _> = pages.collect().await;
    match found {
        Ok(mut found) => {
            found.retain(|instance| !is_given(instance.db_cluster_identifier()));
            Ok(found.iter().map(instance).collect())
        }
        Err(error) if is_gone(error.code()) => Ok(Vec::new()),
        Err(error) => {
            let action = "rds:DescribeDBInstances";
            Err(reader.error("DescribeDBInstances", action, &error))
        }
    }
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
    rds::with_state(
        bare,
        instance.db_instance_status().unwrap_or_default(),
        instance.tag_list(),
    )
}

fn busy_storage(status: &str) -> Option<String> {
    rds::is_busy_storage(status).then(|| format!("RDS does not stop an instance in {status}"))
}
