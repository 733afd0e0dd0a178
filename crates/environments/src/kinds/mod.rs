//! Other kinds that sleep, behind the same facts and the same plan: databases of RDS and EC2 Auto Scaling
//! groups. Their calls are few and named alike: list, look, change, tag.
//!
//! A kind that the configuration doesn't name is not even looked at.

pub(crate) mod databases;
pub(crate) mod groups;

use crate::config::Config;
use crate::read::{ReadError, Reader};
use crate::resource::{Kind, Resource};

/// The place of databases, where a service has its cluster.
pub const RDS: &str = "rds";
/// The place of Auto Scaling groups.
pub const AUTO_SCALING: &str = "autoscaling";

/// What of the other kinds the configuration names, and what could not be read.
pub(crate) async fn gather(reader: Reader<'_>, config: &Config) -> (Vec<Resource>, Vec<ReadError>) {
    let also = &config.also;
    let (mut services, mut problems) = (Vec::new(), Vec::new());
    let mut take =
        |found: Result<Vec<Resource>, ReadError>, globs: &crate::config::Globs| match found {
            Ok(found) => services.extend(
                found
                    .into_iter()
                    .filter(|one| globs.find_name(&one.name).is_some()),
            ),
            Err(error) => problems.push(error),
        };
    if !also.rds_instances.is_empty() {
        take(
            databases::instances(reader, None).await,
            &also.rds_instances,
        );
    }
    if !also.rds_clusters.is_empty() {
        take(databases::clusters(reader, None).await, &also.rds_clusters);
    }
    if !also.auto_scaling_groups.is_empty() {
        take(groups::groups(reader, &[]).await, &also.auto_scaling_groups);
    }
    if services.iter().any(|one| one.kind == Kind::RdsCluster) {
        let members = databases::members(reader).await;
        for cluster in services
            .iter_mut()
            .filter(|one| one.kind == Kind::RdsCluster)
        {
            let members = members.get(&cluster.name);
            databases::count_members(cluster, members.map_or(&[], Vec::as_slice));
        }
    }
    if services.iter().any(|one| one.kind.is_database()) {
        let parts = databases::blue_and_green(reader).await;
        for resource in services.iter_mut().filter(|one| parts.contains(&one.arn)) {
            let why = "RDS does not stop what is part of a blue/green deployment";
            resource.unstoppable.get_or_insert(why.to_owned());
        }
    }
    (services, problems)
}

/// One of them, as it is now.
pub(crate) async fn look(
    reader: Reader<'_>,
    kind: Kind,
    name: &str,
) -> Result<Vec<Resource>, ReadError> {
    match kind {
        Kind::EcsService => Ok(Vec::new()),
        Kind::RdsInstance => databases::instances(reader, Some(name)).await,
        Kind::RdsCluster => databases::clusters(reader, Some(name)).await,
        Kind::AutoScalingGroup => groups::groups(reader, &[name.to_owned()]).await,
    }
}
