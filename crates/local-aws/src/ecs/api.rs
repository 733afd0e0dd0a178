//! The wire API: which operations there are, and what they have in common.

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::Ecs;
use crate::error::AwsError;
use crate::service::{Call, Operations, Service};
use crate::wire::json::without_nulls;

type Operation = fn(&Ecs, Value) -> Result<Value, AwsError>;

/// Every operation that is served.
const OPERATIONS: Operations<Operation> = Operations {
    unknown: "UnknownOperationException",
    table: &[
        (
            "ContinueServiceDeployment",
            Ecs::continue_service_deployment,
        ),
        ("CreateCluster", Ecs::create_cluster),
        ("CreateExpressGatewayService", Ecs::create_express_service),
        ("CreateService", Ecs::create_service),
        ("CreateTaskSet", Ecs::create_task_set_call),
        ("DeleteCluster", Ecs::delete_cluster),
        ("DeleteService", Ecs::delete_service),
        ("DeleteTaskSet", Ecs::delete_task_set_call),
        ("DeregisterTaskDefinition", Ecs::deregister_task_definition),
        ("DescribeClusters", Ecs::describe_clusters),
        (
            "DescribeServiceDeployments",
            Ecs::describe_service_deployments,
        ),
        ("DescribeServiceRevisions", Ecs::describe_service_revisions),
        ("DescribeServices", Ecs::describe_services),
        ("DescribeTaskDefinition", Ecs::describe_task_definition),
        ("DescribeTaskSets", Ecs::describe_task_sets),
        ("DescribeTasks", Ecs::describe_tasks),
        ("ListClusters", Ecs::list_clusters),
        ("ListServiceDeployments", Ecs::list_service_deployments),
        ("ListServices", Ecs::list_services),
        ("ListTagsForResource", Ecs::list_tags_for_resource),
        ("ListTaskDefinitions", Ecs::list_task_definitions),
        ("ListTasks", Ecs::list_tasks),
        ("RegisterTaskDefinition", Ecs::register_task_definition),
        ("RunTask", Ecs::run_task),
        ("StopServiceDeployment", Ecs::stop_service_deployment),
        ("StopTask", Ecs::stop_task),
        ("TagResource", Ecs::tag_resource),
        ("UntagResource", Ecs::untag_resource),
        ("UpdateService", Ecs::update_service),
        (
            "UpdateServicePrimaryTaskSet",
            Ecs::update_service_primary_task_set,
        ),
    ],
};

impl Service for Ecs {
    fn signing_name(&self) -> &'static str {
        "ecs"
    }

    fn answer(&self, call: &Call<'_>) -> Result<Response<Bytes>, AwsError> {
        call.json(|input| self.call(call.operation, input))
    }
}

impl Ecs {
    /// Performs an operation of the wire API.
    pub fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        let output = OPERATIONS.find(operation)?(self, input)?;
        if !operation.starts_with("Describe") && !operation.starts_with("List") {
            self.shared.changed.notify_one();
        }
        Ok(without_nulls(output))
    }
}

/// A complaint about a parameter.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("InvalidParameterException", message)
}

/// An entry of `failures[]`.
pub(super) fn missing(arn: &str) -> Value {
    json!({ "arn": arn, "reason": "MISSING" })
}

/// One page of a list of ARNs; the token is the place where the next page starts.
pub(super) fn page(
    field: &str,
    arns: &[impl serde::Serialize],
    token: Option<&str>,
    size: Option<usize>,
    default: usize,
) -> Result<Value, AwsError> {
    let start = match token {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .ok()
            .filter(|start| *start <= arns.len())
            .ok_or_else(|| invalid("Invalid token in request"))?,
    };
    let size = size.unwrap_or(default);
    if !(1..=100).contains(&size) {
        return Err(invalid("maxResults must be between 1 and 100"));
    }
    let end = (start + size).min(arns.len());
    let next = (end < arns.len()).then(|| end.to_string());
    Ok(json!({ field: arns[start..end], "nextToken": next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_to_the_end() {
        let arns: Vec<String> = (0..5).map(|n| n.to_string()).collect();
        let page = |token: Option<&str>| page("arns", &arns, token, Some(2), 10).unwrap();
        let first = page(None);
        assert_eq!(first, json!({ "arns": ["0", "1"], "nextToken": "2" }));
        assert_eq!(page(Some("4")), json!({ "arns": ["4"], "nextToken": null }));
    }

    #[test]
    fn a_strange_token_or_size_is_refused() {
        let arns = ["a".to_owned()];
        assert!(page("arns", &arns, Some("x"), None, 10).is_err());
        assert!(page("arns", &arns, Some("2"), None, 10).is_err());
        assert!(page("arns", &arns, None, Some(0), 10).is_err());
    }
}
