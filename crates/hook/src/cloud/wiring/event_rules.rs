//! Rules of EventBridge whose pattern names a service.

use common::json_api::{self, EVENTS};
use serde_json::{Value, json};
use wiring::Fact;
use wiring::facts::EventRule;

use super::service::STACK_TAG;
use crate::cloud::{Cloud, failed};

/// Pages of a hundred rules each.
const MAX_PAGES: usize = 5;

/// The rules of the default bus whose pattern names `service`, an ARN.
pub(super) async fn that_name(cloud: &Cloud, service: &str) -> Fact<Vec<EventRule>> {
    let mut rules = Vec::new();
    let mut input = json!({ "Limit": 100 });
    for _ in 0..MAX_PAGES {
        let answer = call(cloud, "ListRules", "events:ListRules", input.clone()).await?;
        let listed = answer.get("Rules").and_then(Value::as_array);
        for rule in listed.into_iter().flatten() {
            let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
            if text("EventPattern").contains(service) {
                rules.push(EventRule {
                    name: text("Name").to_owned(),
                    stack: stack(cloud, text("Arn")).await?,
                });
            }
        }
        let token = answer.get("NextToken").cloned().unwrap_or_default();
        if token.is_null() {
            return Ok(rules);
        }
        input["NextToken"] = token;
    }
    Err(format!(
        "ListRules has more than {MAX_PAGES} pages, so it is not known whether a rule names the service; except event-rule"
    ))
}

async fn stack(cloud: &Cloud, arn: &str) -> Fact<Option<String>> {
    let input = json!({ "ResourceARN": arn });
    let permission = "events:ListTagsForResource";
    let answer = call(cloud, "ListTagsForResource", permission, input).await?;
    let tags = answer.get("Tags").and_then(Value::as_array);
    let tag = tags
        .into_iter()
        .flatten()
        .find(|tag| tag.get("Key").and_then(Value::as_str) == Some(STACK_TAG));
    let value = tag.and_then(|tag| tag.get("Value")?.as_str());
    Ok(value.map(str::to_owned))
}

async fn call(
    cloud: &Cloud,
    operation: &'static str,
    permission: &str,
    input: Value,
) -> Fact<Value> {
    let answer = json_api::call(cloud.aws(), EVENTS, operation, input).await;
    answer.map_err(|error| failed(cloud.aws(), operation, permission, "the rule is gone")(error).0)
}
