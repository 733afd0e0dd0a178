//! What RDS instances and Aurora clusters have in common: they are stopped and started as a whole, and their count
//! is 1 or 0.
//!
//! AWS starts a stopped database again after seven days; the plan knows that. What RDS refuses to stop is skipped with
//! its reason, as far as a description says it; other refusals are recognised when they come.

use std::collections::BTreeSet;

use common::aws::explain;
use common::query_api::{self, List, Page, RDS, parameter};
use futures::future::BoxFuture;
use jiff::SignedDuration;
use serde::Deserialize;

use super::{
    Change, KindSpec, ListedResources, ReadFuture, ResourceKind, ResourceNames, Tag, WriteFuture,
};
use crate::backup_tag::ASLEEP_TAG;
use crate::config::{Config, Globs};
use crate::read::Reader;
use crate::resource::{Resource, Status};
use crate::write::{CallError, Writer};

/// What stands in place of a cluster before the names of databases.
const PREFIX: &str = "rds";

pub(super) const fn spec(noun: &'static str) -> KindSpec {
    KindSpec {
        noun,
        prefix: Some(PREFIX),
        parts: None,
        has_scheduled_actions: false,
        names_per_call: 1,
        // It writes down what it has before it stops, and reads it when it starts.
        transition_timeout: SignedDuration::from_mins(30),
        // AWS says seven days; a little earlier already counts.
        // <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>
        restarted_after: Some(SignedDuration::from_hours(7 * 24 - 2)),
        still_runs_remedy: "see its events in RDS",
        not_up_remedy: "see its events in RDS: why it doesn't start",
    }
}

/// Marks what is part of a blue/green deployment: RDS stops none of that.
async fn mark_blue_green(reader: Reader<'_>, databases: &mut [Resource]) {
    let parts = blue_and_green(reader).await;
    for database in databases.iter_mut().filter(|one| parts.contains(&one.arn)) {
        let why = "RDS does not stop what is part of a blue/green deployment";
        database.unstoppable.get_or_insert(why.to_owned());
    }
}

/// The ARNs of what is part of a blue/green deployment: RDS stops none of these. A role that may not read
/// them learns it when the stop is refused.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/blue-green-deployments-considerations.html>
async fn blue_and_green(reader: Reader<'_>) -> BTreeSet<String> {
    let operation = "DescribeBlueGreenDeployments";
    let deployments =
        query_api::list::<BlueGreenDeployments>(reader.aws, RDS, operation, &[]).await;
    let deployments = deployments.unwrap_or_else(|error| {
        tracing::debug!("blue/green deployments are not known: {}", explain(&error));
        Vec::new()
    });
    let is_over = |status: &str| ["SWITCHOVER_COMPLETED", "DELETING"].contains(&status);
    let lasting = deployments.into_iter();
    lasting
        .filter(|one| !one.status.as_deref().is_some_and(is_over))
        .flat_map(|one| [one.source, one.target])
        .flatten()
        .collect()
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeBlueGreenDeployments.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BlueGreenDeployments {
    blue_green_deployments: List<BlueGreenDeployment>,
    marker: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BlueGreenDeployment {
    source: Option<String>,
    target: Option<String>,
    status: Option<String>,
}

impl Page for BlueGreenDeployments {
    type Item = BlueGreenDeployment;
    const NEXT: &'static str = "Marker";

    fn into_parts(self) -> (Vec<BlueGreenDeployment>, Option<String>) {
        (self.blue_green_deployments.0, self.marker)
    }
}

/// What is RDS's own of a kind; the rest is alike for all databases.
pub(super) trait Database: Sync {
    const SPEC: &'static KindSpec;

    /// Those that the configuration names.
    fn named(config: &Config) -> &Globs;

    /// All of them, or the one of this name; none if there is none.
    fn read<'a>(reader: Reader<'a>, name: Option<&'a str>) -> ReadFuture<'a>;

    /// Completes what was listed.
    fn complete<'a>(reader: Reader<'a>, listed: &'a mut [Resource]) -> BoxFuture<'a, ()>;

    fn stop(writer: Writer<'_>) -> WriteFuture<'_>;

    fn start(writer: Writer<'_>) -> WriteFuture<'_>;
}

impl<D: Database> ResourceKind for D {
    fn spec(&self) -> &'static KindSpec {
        D::SPEC
    }

    fn list<'a>(&self, reader: Reader<'a>, config: &'a Config) -> BoxFuture<'a, ListedResources> {
        let names = D::named(config);
        Box::pin(async move {
            if names.is_empty() {
                return ListedResources::default();
            }
            let mut listed = ListedResources::matching(D::read(reader, None).await, names);
            if !listed.resources.is_empty() {
                D::complete(reader, &mut listed.resources).await;
                mark_blue_green(reader, &mut listed.resources).await;
            }
            listed
        })
    }

    fn describe<'a>(&self, reader: Reader<'a>, names: ResourceNames<'a>) -> ReadFuture<'a> {
        D::read(reader, names.names.first().map(String::as_str))
    }

    fn verify<'a>(&self, reader: Reader<'a>, names: ResourceNames<'a>) -> ReadFuture<'a> {
        let described = self.describe(reader, names);
        Box::pin(async move {
            let mut found = described.await?;
            D::complete(reader, &mut found).await;
            Ok(found)
        })
    }

    fn change<'a>(&self, writer: Writer<'a>, change: Change) -> WriteFuture<'a> {
        match change {
            Change::Count(0) | Change::BoundsAndCount(_, 0) => D::stop(writer),
            Change::Count(_) | Change::BoundsAndCount(..) => D::start(writer),
            Change::Bounds(_) => Box::pin(async { Ok(()) }),
        }
    }

    fn tag<'a>(&self, writer: Writer<'a>, value: Option<&'a str>) -> WriteFuture<'a> {
        Box::pin(tag(writer, value))
    }
}

/// Stops or starts a database. A turn for it was waited for before the database was read again.
pub(super) async fn change(
    writer: Writer<'_>,
    action: &'static str,
    identifier: &str,
) -> Result<(), CallError> {
    let name = parameter(identifier, &writer.resource.name);
    writer.call_query(RDS, (action, true), &[name]).await
}

async fn tag(writer: Writer<'_>, value: Option<&str>) -> Result<(), CallError> {
    let arn = parameter("ResourceName", &writer.resource.arn);
    let Some(value) = value else {
        let parameters = [arn, parameter("TagKeys.member.1", ASLEEP_TAG)];
        let action = "rds:RemoveTagsFromResource";
        return writer.call_query(RDS, (action, false), &parameters).await;
    };
    let parameters = [
        arn,
        parameter("Tags.Tag.1.Key", ASLEEP_TAG),
        parameter("Tags.Tag.1.Value", value),
    ];
    let action = "rds:AddTagsToResource";
    writer.call_query(RDS, (action, false), &parameters).await
}

pub(super) fn is_gone(code: Option<&str>) -> bool {
    matches!(
        code,
        Some("DBInstanceNotFound" | "DBInstanceNotFoundFault" | "DBClusterNotFoundFault")
    )
}

/// Whether there is a name: an empty one is none.
pub(super) fn is_given(name: Option<&str>) -> bool {
    name.is_some_and(|name| !name.is_empty())
}

/// Whether the storage of an instance is being changed: it serves for hours or days, and is not stopped meanwhile.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html>
pub(super) fn is_busy_storage(status: &str) -> bool {
    matches!(
        status,
        "storage-optimization"
            | "storage-config-upgrade"
            | "storage-initialization"
            | "storage-full"
    )
}

/// `available` and `stopped` are the two ends; in between nothing can be decided.
pub(super) fn with_state(bare: Resource, status: &str, tags: List<Tag>) -> Resource {
    let (desired, running, status) = match status {
        "available" => (1, 1, Status::Active),
        storage if is_busy_storage(storage) => (1, 1, Status::Active),
        "stopped" => (0, 0, Status::Active),
        "deleting" => (0, 0, Status::Draining),
        "stopping" => (0, 0, Status::Other("stopping".to_owned())),
        other => (1, 0, Status::Other(other.to_owned())),
    };
    let costs = running == 0 && status != Status::Active;
    Resource {
        cluster: PREFIX.to_owned(),
        desired,
        running,
        not_in_service: u32::from(costs),
        status,
        tags: tags.0.into_iter().map(Tag::into_pair).collect(),
        ..bare
    }
}
