//! The wire API: which operations there are, and what they have in common.

use serde_json::{Value, json};

use super::Ecs;
use crate::error::AwsError;
use crate::wire::json::without_nulls;

/// The operations served.
pub const OPERATIONS: &[&str] = &[
    "CreateCluster",
    "CreateExpressGatewayService",
    "CreateService",
    "CreateTaskSet",
    "DeleteCluster",
    "DeleteService",
    "DeleteTaskSet",
    "DeregisterTaskDefinition",
    "DescribeClusters",
    "DescribeServices",
    "DescribeTaskDefinition",
    "DescribeTaskSets",
    "DescribeTasks",
    "ListClusters",
    "ListServices",
    "ListTagsForResource",
    "ListTaskDefinitions",
    "ListTasks",
    "RegisterTaskDefinition",
    "StopTask",
    "TagResource",
    "UntagResource",
    "UpdateService",
    "UpdateServicePrimaryTaskSet",
];

impl Ecs {
    /// Answers a call of the wire API.
    #[expect(clippy::unused_async, reason = "all services are called alike")]
    pub async fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        let answer = self.dispatch(operation, input)?;
        if !operation.starts_with("Describe") && !operation.starts_with("List") {
            self.shared.changed.notify_one();
        }
        Ok(without_nulls(answer))
    }

    fn dispatch(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        match operation {
            "CreateCluster" => self.create_cluster(input),
            "CreateExpressGatewayService" => self.create_express_service(input),
            "CreateService" => self.create_service(input),
            "CreateTaskSet" => self.create_task_set_call(input),
            "DeleteCluster" => self.delete_cluster(input),
            "DeleteService" => self.delete_service(input),
            "DeleteTaskSet" => self.delete_task_set_call(input),
            "DeregisterTaskDefinition" => self.deregister_task_definition(input),
            "DescribeClusters" => self.describe_clusters(input),
            "DescribeServices" => self.describe_services(input),
            "DescribeTaskDefinition" => self.describe_task_definition(input),
            "DescribeTaskSets" => self.describe_task_sets(input),
            "DescribeTasks" => self.describe_tasks(input),
            "ListClusters" => self.list_clusters(input),
            "ListServices" => self.list_services(input),
            "ListTagsForResource" => self.list_tags_for_resource(input),
            "ListTaskDefinitions" => self.list_task_definitions(input),
            "ListTasks" => self.list_tasks(input),
            "RegisterTaskDefinition" => self.register_task_definition(input),
            "StopTask" => self.stop_task(input),
            "TagResource" => self.tag_resource(input),
            "UntagResource" => self.untag_resource(input),
            "UpdateService" => self.update_service(input),
            "UpdateServicePrimaryTaskSet" => self.update_service_primary_task_set(input),
            other => Err(AwsError::client(
                "UnknownOperationException",
                format!(
                    "local-aws has no ECS operation {other}; it has {}.",
                    OPERATIONS.join(", ")
                ),
            )),
        }
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
