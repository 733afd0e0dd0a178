//! Other kinds that sleep, behind the same facts and the same plan: databases of RDS and EC2 Auto Scaling
//! groups. Their calls are few and named alike: list, look, change, tag.
//!
//! A kind that the configuration doesn't name is not even looked at.

pub(crate) mod databases;
pub(crate) mod groups;

use crate::config::Config;
use crate::facts::{Kind, Service};
use crate::look::{Eyes, LookError};

/// The place of databases, where a service has its cluster.
pub const RDS: &str = "rds";
/// The place of Auto Scaling groups.
pub const AUTO_SCALING: &str = "autoscaling";

/// What of the other kinds the configuration names, and what could not be read.
pub(crate) async fn gather(eyes: Eyes<'_>, config: &Config) -> (Vec<Service>, Vec<LookError>) {
    let also = &config.also;
    let (mut services, mut problems) = (Vec::new(), Vec::new());
    let mut take =
        |found: Result<Vec<Service>, LookError>, globs: &crate::config::Globs| match found {
            Ok(found) => services.extend(
                found
                    .into_iter()
                    .filter(|one| globs.find_name(&one.name).is_some()),
            ),
            Err(error) => problems.push(error),
        };
    if !also.rds_instances.is_empty() {
        take(databases::instances(eyes, None).await, &also.rds_instances);
    }
    if !also.rds_clusters.is_empty() {
        take(databases::clusters(eyes, None).await, &also.rds_clusters);
    }
    if !also.auto_scaling_groups.is_empty() {
        take(groups::groups(eyes, &[]).await, &also.auto_scaling_groups);
    }
    if services.iter().any(|one| one.kind == Kind::RdsCluster) {
        let members = databases::members(eyes).await;
        for cluster in services
            .iter_mut()
            .filter(|one| one.kind == Kind::RdsCluster)
        {
            let members = members.get(&cluster.name);
            databases::count_members(cluster, members.map_or(&[], Vec::as_slice));
        }
    }
    if services.iter().any(|one| one.kind.is_database()) {
        let parts = databases::blue_and_green(eyes).await;
        for service in services.iter_mut().filter(|one| parts.contains(&one.arn)) {
            let why = "RDS does not stop what is part of a blue/green deployment";
            service.unstoppable.get_or_insert(why.to_owned());
        }
    }
    (services, problems)
}

/// One of them, as it is now.
pub(crate) async fn look(
    eyes: Eyes<'_>,
    kind: Kind,
    name: &str,
) -> Result<Vec<Service>, LookError> {
    match kind {
        Kind::EcsService => Ok(Vec::new()),
        Kind::RdsInstance => databases::instances(eyes, Some(name)).await,
        Kind::RdsCluster => databases::clusters(eyes, Some(name)).await,
        Kind::AutoScalingGroup => groups::groups(eyes, &[name.to_owned()]).await,
    }
}
