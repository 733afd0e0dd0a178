//! Scaling policies and scheduled actions: kept and shown. A policy lets alarms go off; scheduled
//! actions are never done.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::AutoScaling;
use super::model::{DIMENSION, NAMESPACE, Place, Target, invalid, page, required};
use crate::error::AwsError;
use crate::ids;
use crate::wire::json::{epoch, read};

type Entries = BTreeMap<String, Map<String, Value>>;
/// Entries, and where the next page starts.
type Page = (Vec<Map<String, Value>>, Option<String>);

/// Policies or scheduled actions.
struct Kind {
    name: &'static str,
    arn: &'static str,
    path: &'static str,
    given: &'static [&'static str],
    of: fn(&mut Target) -> &mut Entries,
}

const POLICY: Kind = Kind {
    name: "PolicyName",
    arn: "PolicyARN",
    path: "scalingPolicy",
    given: &[
        "PolicyType",
        "PredictiveScalingPolicyConfiguration",
        "StepScalingPolicyConfiguration",
        "TargetTrackingScalingPolicyConfiguration",
    ],
    of: |target| &mut target.policies,
};

const ACTION: Kind = Kind {
    name: "ScheduledActionName",
    arn: "ScheduledActionARN",
    path: "scheduledAction",
    given: &[
        "EndTime",
        "ScalableTargetAction",
        "Schedule",
        "StartTime",
        "Timezone",
    ],
    of: |target| &mut target.actions,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Describe {
    #[serde(flatten)]
    place: Place,
    #[serde(default, alias = "ScheduledActionNames")]
    policy_names: Vec<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl AutoScaling {
    pub(super) fn put_scaling_policy(&self, mut input: Value) -> Result<Value, AwsError> {
        if input["PolicyType"].is_null() {
            input["PolicyType"] = json!("StepScaling");
        }
        let arn = self.put(&POLICY, &input)?;
        Ok(json!({ "PolicyARN": arn, "Alarms": [] }))
    }

    pub(super) fn describe_scaling_policies(&self, input: Value) -> Result<Value, AwsError> {
        let (policies, next) = self.describe(&POLICY, input)?;
        Ok(json!({ "ScalingPolicies": policies, "NextToken": next }))
    }

    pub(super) fn delete_scaling_policy(&self, input: &Value) -> Result<Value, AwsError> {
        self.delete(&POLICY, input)
    }

    pub(super) fn put_scheduled_action(&self, input: &Value) -> Result<Value, AwsError> {
        if let Some(action) = input.get("ScalableTargetAction")
            && action["MinCapacity"].is_null()
            && action["MaxCapacity"].is_null()
        {
            return Err(invalid(
                "At least one of minimum capacity and maximum capacity should be provided",
            ));
        }
        self.put(&ACTION, input)?;
        Ok(json!({}))
    }

    pub(super) fn describe_scheduled_actions(&self, input: Value) -> Result<Value, AwsError> {
        let (actions, next) = self.describe(&ACTION, input)?;
        Ok(json!({ "ScheduledActions": actions, "NextToken": next }))
    }

    pub(super) fn delete_scheduled_action(&self, input: &Value) -> Result<Value, AwsError> {
        self.delete(&ACTION, input)
    }

    /// Makes or changes an entry; what is left out stays as it is. Gives its ARN.
    fn put(&self, kind: &Kind, input: &Value) -> Result<Value, AwsError> {
        let place: Place = read(input.clone())?;
        let (id, _) = place.resource()?;
        let name = required(input[kind.name].as_str(), kind.name)?;
        let mut state = self.state();
        let target = state.targets.get_mut(id);
        let target = target.ok_or_else(|| place.not_found("registered"))?;
        let now = self.shared.clock.now();
        target.changed_at = now;
        let entry = (kind.of)(target).entry(name.to_owned()).or_insert_with(|| {
            let path = format!(
                "{}:{}:resource/{NAMESPACE}/{id}:{}/{name}",
                kind.path,
                ids::uuid(),
                kind.name.trim_end_matches("Name")
            );
            let fixed = json!({
                kind.name: name,
                kind.arn: self.arn("autoscaling", &path),
                "ServiceNamespace": NAMESPACE,
                "ResourceId": id,
                "ScalableDimension": DIMENSION,
                "CreationTime": epoch(now),
            });
            fixed.as_object().cloned().unwrap_or_default()
        });
        for field in kind.given {
            if let Some(value) = input.get(*field).filter(|value| !value.is_null()) {
                entry.insert((*field).to_owned(), value.clone());
            }
        }
        Ok(entry[kind.arn].clone())
    }

    fn describe(&self, kind: &Kind, input: Value) -> Result<Page, AwsError> {
        let call: Describe = read(input)?;
        call.place.of_description()?;
        let mut state = self.state();
        let of_resource = |id: &str| call.place.resource_id.as_ref().is_none_or(|it| it == id);
        let mut all = Vec::new();
        for (_, target) in state.targets.iter_mut().filter(|(id, _)| of_resource(id)) {
            let entries = (kind.of)(target).iter();
            let named = entries.filter(|(name, _)| {
                call.policy_names.is_empty() || call.policy_names.contains(name)
            });
            all.extend(named.map(|(_, entry)| entry.clone()));
        }
        page(all, call.next_token.as_deref(), call.max_results)
    }

    fn delete(&self, kind: &Kind, input: &Value) -> Result<Value, AwsError> {
        let place: Place = read(input.clone())?;
        let (id, _) = place.resource()?;
        let name = required(input[kind.name].as_str(), kind.name)?;
        let mut state = self.state();
        let target = state.targets.get_mut(id);
        let target = target.ok_or_else(|| place.not_found("found"))?;
        let removed = (kind.of)(target).remove(name);
        removed.map(|_| json!({})).ok_or_else(|| {
            let what = match kind.name {
                "PolicyName" => "scaling policy",
                _ => "scheduled action",
            };
            AwsError::client(
                "ObjectNotFoundException",
                format!(
                    "No {what} found for service namespace: {NAMESPACE}, resource ID: {id}, \
                     scalable dimension: {DIMENSION}: {name}"
                ),
            )
        })
    }
}
