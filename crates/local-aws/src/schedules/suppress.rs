//! Keeps the emulator from firing recurring schedules.
//!
//! It would fire them in real time, in UTC and with the context attributes as they are written. So each
//! of them is given a state that the emulator does not know. Those made through the front door get it on
//! their way in, those of stacks soon after; on its way out it is `ENABLED` again, so that no client
//! ever sees it. The emulator's CloudFormation also forgets some properties of schedules, the time zone
//! among them: they are taken from the template here.

use std::collections::HashSet;

use http::Method;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::expression::Expression;
use crate::error::AwsError;
use crate::upstream::{Upstream, element, elements, unescaped};

/// The state of recurring schedules that are enabled, as the emulator has it.
pub(super) const SUPPRESSED: &str = "ENABLED, and local-aws keeps its time";

/// What the emulator's CloudFormation does not hand on.
const FORGOTTEN: [&str; 4] = [
    "ScheduleExpressionTimezone",
    "StartDate",
    "EndDate",
    "ActionAfterCompletion",
];

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Suppressor {
    /// One-time schedules, which are the emulator's in real time: never looked at again.
    one_time: HashSet<String>,
}

impl Suppressor {
    /// Takes over the recurring schedules that the emulator would fire.
    pub(super) async fn sweep(&mut self, upstream: &Upstream) -> Result<(), AwsError> {
        let mut taken = Vec::new();
        for (name, group) in list(upstream, "ENABLED").await? {
            let path = path(&name, &group);
            if self.one_time.contains(&path) {
                continue;
            }
            let schedule = get(upstream, &path).await?;
            if is_recurring(&schedule) {
                taken.push((name, path, schedule));
            } else {
                self.one_time.insert(path);
            }
        }
        if taken.is_empty() {
            return Ok(());
        }
        // Without CloudFormation nothing is forgotten.
        let stacks = of_stacks(upstream).await.unwrap_or_default();
        for (name, path, mut schedule) in taken {
            let forgotten = stacks.iter().find(|(of, _)| *of == name);
            for (property, value) in forgotten.into_iter().flat_map(|(_, values)| values) {
                schedule[property] = value.clone();
            }
            schedule["State"] = Value::from(SUPPRESSED);
            upstream
                .rest("scheduler", Method::PUT, &path, Some(&schedule))
                .await?;
        }
        Ok(())
    }
}

/// Whether a schedule fires more than once. One with a wrong expression counts as recurring: the emulator
/// could not fire it either.
fn is_recurring(schedule: &Value) -> bool {
    !matches!(Expression::read(schedule), Ok(Expression::Once(_)))
}

/// Names and groups of the schedules in that state.
async fn list(upstream: &Upstream, state: &str) -> Result<Vec<(String, String)>, AwsError> {
    let listed = upstream
        .rest(
            "scheduler",
            Method::GET,
            "/schedules?MaxResults=100000",
            None,
        )
        .await?;
    let summaries = listed["Schedules"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(summaries
        .filter(|summary| summary["State"] == state)
        .map(|summary| (text(&summary["Name"]), text(&summary["GroupName"])))
        .collect())
}

/// The schedules that may fire, as the emulator keeps them: one-time and recurring ones.
pub(super) async fn enabled(upstream: &Upstream) -> Result<Vec<Value>, AwsError> {
    let mut schedules = Vec::new();
    for state in ["ENABLED", SUPPRESSED] {
        for (name, group) in list(upstream, state).await? {
            schedules.push(get(upstream, &path(&name, &group)).await?);
        }
    }
    Ok(schedules)
}

pub(super) async fn get(upstream: &Upstream, path: &str) -> Result<Value, AwsError> {
    upstream.rest("scheduler", Method::GET, path, None).await
}

pub(super) fn path(name: &str, group: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("/schedules/{}?groupName={}", encoded(name), encoded(group))
}

/// What the templates of all stacks say about their schedules, of that which is forgotten: by name.
async fn of_stacks(upstream: &Upstream) -> Result<Vec<(String, Map<String, Value>)>, AwsError> {
    let mut found = Vec::new();
    let all = upstream
        .query("cloudformation", "DescribeStacks", &[])
        .await?;
    for stack in elements(&all, "StackName") {
        let named = [("StackName", stack)];
        let ask = |action| upstream.query("cloudformation", action, &named);
        let resources = ask("DescribeStackResources").await?;
        let schedules = schedules_in(&resources);
        if schedules.is_empty() {
            continue;
        }
        let answer = ask("GetTemplate").await?;
        let body = unescaped(element(&answer, "TemplateBody").unwrap_or_default());
        let template: Value = serde_json::from_str(&body).unwrap_or_default();
        let described = ask("DescribeStacks").await?;
        let parameters = parameters(&described);
        for (logical, name) in schedules {
            let properties = &template["Resources"][logical]["Properties"];
            found.push((name.to_owned(), forgotten(properties, &parameters)));
        }
    }
    Ok(found)
}

/// Logical and physical ids of the schedules among the resources of a stack.
fn schedules_in(resources: &str) -> Vec<(&str, &str)> {
    elements(resources, "member")
        .into_iter()
        .filter(|member| element(member, "ResourceType") == Some("AWS::Scheduler::Schedule"))
        .filter_map(|member| {
            let logical = element(member, "LogicalResourceId")?;
            Some((logical, element(member, "PhysicalResourceId")?))
        })
        .collect()
}

fn parameters(stack: &str) -> Vec<(&str, String)> {
    let values = elements(stack, "ParameterValue").into_iter().map(unescaped);
    elements(stack, "ParameterKey")
        .into_iter()
        .zip(values)
        .collect()
}

/// The forgotten properties that are plain values or parameters. Others stay forgotten.
fn forgotten(properties: &Value, parameters: &[(&str, String)]) -> Map<String, Value> {
    let resolved = |value: &Value| match value {
        Value::String(text) => Some(Value::from(text.as_str())),
        Value::Object(function) => {
            let name = function.get("Ref")?.as_str()?;
            let parameter = parameters.iter().find(|(key, _)| *key == name)?;
            Some(Value::from(parameter.1.as_str()))
        }
        _ => None,
    };
    FORGOTTEN
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), resolved(&properties[*name])?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cloudformation_forgets_is_read_from_the_template() {
        let resources = "<R><member><LogicalResourceId>Function</LogicalResourceId>\
            <PhysicalResourceId>f</PhysicalResourceId><ResourceType>AWS::Lambda::Function</ResourceType></member>\
            <member><LogicalResourceId>Down</LogicalResourceId><PhysicalResourceId>stack-Down-1</PhysicalResourceId>\
            <ResourceType>AWS::Scheduler::Schedule</ResourceType></member></R>";
        assert_eq!(schedules_in(resources), [("Down", "stack-Down-1")]);
        let stack = "<Parameters><member><ParameterKey>Mode</ParameterKey><ParameterValue>on</ParameterValue></member>\
            <member><ParameterKey>Zone</ParameterKey><ParameterValue>Europe/Berlin</ParameterValue></member></Parameters>";
        let properties = json!({
            "ScheduleExpression": "rate(1 hour)",
            "ScheduleExpressionTimezone": { "Ref": "Zone" },
            "StartDate": "2026-11-21T00:00:00Z",
            "EndDate": { "Fn::If": ["Never", "", { "Ref": "AWS::NoValue" }] },
        });
        assert_eq!(
            Value::from(forgotten(&properties, &parameters(stack))),
            json!({
                "ScheduleExpressionTimezone": "Europe/Berlin",
                "StartDate": "2026-11-21T00:00:00Z",
            })
        );
    }

    #[test]
    fn names_are_safe_in_paths() {
        assert_eq!(path("a b", "g&h"), "/schedules/a+b?groupName=g%26h");
    }
}
