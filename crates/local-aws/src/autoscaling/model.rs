//! What is kept of scalable targets, and which place of which service a call is about.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::AwsError;

/// The only namespace.
pub(super) const NAMESPACE: &str = "ecs";
/// The only dimension.
pub(super) const DIMENSION: &str = "ecs:service:DesiredCount";

#[derive(Debug, Default)]
pub(super) struct State {
    /// By resource id.
    pub(super) targets: BTreeMap<String, Target>,
    /// Newest first.
    pub(super) activities: VecDeque<Value>,
}

#[derive(Debug)]
pub(super) struct Target {
    pub(super) service: ServiceName,
    pub(super) arn: String,
    pub(super) role: String,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) suspended: Suspended,
    pub(super) created_at: Timestamp,
    pub(super) changed_at: Timestamp,
    pub(super) tags: BTreeMap<String, String>,
    /// As descriptions show them, by name.
    pub(super) policies: BTreeMap<String, Map<String, Value>>,
    /// As descriptions show them, by name.
    pub(super) actions: BTreeMap<String, Map<String, Value>>,
}

/// What of scaling is suspended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Suspended {
    pub(super) scaling_in: bool,
    pub(super) scaling_out: bool,
    pub(super) scheduled: bool,
}

impl Suspended {
    pub(super) fn render(self) -> Value {
        json!({
            "DynamicScalingInSuspended": self.scaling_in,
            "DynamicScalingOutSuspended": self.scaling_out,
            "ScheduledScalingSuspended": self.scheduled,
        })
    }
}

/// A service by the names of its cluster and its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceName {
    pub(super) cluster: String,
    pub(super) name: String,
}

/// Which scalable target a call is about.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Place {
    pub(super) service_namespace: Option<String>,
    pub(super) resource_id: Option<String>,
    pub(super) scalable_dimension: Option<String>,
}

impl Place {
    /// The resource id and the service it names. All three parts have to be there.
    pub(super) fn resource(&self) -> Result<(&str, ServiceName), AwsError> {
        namespace(self.service_namespace.as_deref())?;
        let id = required(self.resource_id.as_deref(), "resourceId")?;
        let dimension = required(self.scalable_dimension.as_deref(), "scalableDimension")?;
        let service = service_name(id).filter(|_| dimension == DIMENSION);
        let service = service.ok_or_else(|| {
            invalid("Unsupported service namespace, resource type or scalable dimension")
        })?;
        Ok((id, service))
    }

    /// The namespace of a description, which may be of one resource or of all. A dimension is only taken together with a
    /// resource id.
    pub(super) fn of_description(&self) -> Result<(), AwsError> {
        namespace(self.service_namespace.as_deref())?;
        described_dimension(
            self.scalable_dimension.as_deref(),
            self.resource_id.is_some(),
        )
    }

    /// The target is not there.
    pub(super) fn not_found(&self, how: &str) -> AwsError {
        AwsError::client(
            "ObjectNotFoundException",
            format!(
                "No scalable target {how} for service namespace: {NAMESPACE}, resource ID: {}, \
                 scalable dimension: {DIMENSION}",
                self.resource_id.as_deref().unwrap_or_default()
            ),
        )
    }
}

/// `service/CLUSTER/SERVICE`
pub(super) fn service_name(resource_id: &str) -> Option<ServiceName> {
    let (cluster, name) = resource_id.strip_prefix("service/")?.split_once('/')?;
    if cluster.is_empty() || name.is_empty() || name.contains('/') {
        return None;
    }
    let (cluster, name) = (cluster.to_owned(), name.to_owned());
    Some(ServiceName { cluster, name })
}

/// "If you specify a scalable dimension, you must also specify a resource ID", say the descriptions of AWS.
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DescribeScheduledActions.html>
pub(super) fn described_dimension(dimension: Option<&str>, has_id: bool) -> Result<(), AwsError> {
    match dimension {
        Some(_) if !has_id => Err(invalid(
            "Resource IDs must be specified when a scalable dimension is",
        )),
        None | Some(DIMENSION) => Ok(()),
        Some(other) => Err(invalid(format!("Unsupported scalable dimension: {other}"))),
    }
}

/// Refuses every namespace but the one of ECS.
pub(super) fn namespace(given: Option<&str>) -> Result<(), AwsError> {
    match required(given, "serviceNamespace")? {
        NAMESPACE => Ok(()),
        other => Err(invalid(format!(
            "local-aws scales ECS services only (service namespace ecs), not {other}"
        ))),
    }
}

pub(super) fn required<'a>(value: Option<&'a str>, name: &str) -> Result<&'a str, AwsError> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationException", message)
}

/// One page of a list; the token is the place where the next page starts.
pub(super) fn page<T>(
    mut all: Vec<T>,
    token: Option<&str>,
    size: Option<usize>,
) -> Result<(Vec<T>, Option<String>), AwsError> {
    let start = match token {
        None => 0,
        Some(token) => token
            .parse()
            .ok()
            .filter(|start| *start <= all.len())
            .ok_or_else(|| AwsError::client("InvalidNextTokenException", "Invalid next token"))?,
    };
    let size = size.unwrap_or(MAX_PAGE_SIZE);
    if !(1..=MAX_PAGE_SIZE).contains(&size) {
        return Err(invalid(format!(
            "MaxResults must be between 1 and {MAX_PAGE_SIZE}, not {size}"
        )));
    }
    let end = (start + size).min(all.len());
    let next = (end < all.len()).then(|| end.to_string());
    all.truncate(end);
    Ok((all.split_off(start), next))
}

/// Entries of a page, and resource ids of a call, at most.
pub(super) const MAX_PAGE_SIZE: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_ids_name_a_cluster_and_a_service() {
        let name = service_name("service/dev/web").unwrap();
        assert_eq!((name.cluster.as_str(), name.name.as_str()), ("dev", "web"));
        for wrong in [
            "service/dev",
            "service//web",
            "service/a/b/c",
            "table/dev/web",
        ] {
            assert_eq!(service_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn pages_have_fifty_entries_and_follow_one_another() {
        let all: Vec<usize> = (0..120).collect();
        let (first, next) = page(all.clone(), None, None).unwrap();
        assert_eq!((first.len(), next.as_deref()), (50, Some("50")));
        let (last, next) = page(all.clone(), Some("100"), None).unwrap();
        assert_eq!((last.len(), last[0], next), (20, 100, None));
        assert!(page(all.clone(), Some("x"), None).is_err());
        assert!(page(all, None, Some(51)).is_err());
    }
}
