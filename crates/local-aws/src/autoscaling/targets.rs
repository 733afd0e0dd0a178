//! Scalable targets: registering, describing and deregistering them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::AutoScaling;
use super::model::{
    DIMENSION, MAX_PAGE_SIZE, NAMESPACE, Place, Suspended, Target, described_dimension, invalid,
    namespace, page,
};
use crate::error::AwsError;
use crate::ids;
use crate::wire::json::{epoch, read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Register {
    #[serde(flatten)]
    place: Place,
    min_capacity: Option<i64>,
    max_capacity: Option<i64>,
    #[serde(rename = "RoleARN")]
    role: Option<String>,
    suspended_state: Option<SuspendedState>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
struct SuspendedState {
    #[serde(rename = "DynamicScalingInSuspended")]
    scaling_in: Option<bool>,
    #[serde(rename = "DynamicScalingOutSuspended")]
    scaling_out: Option<bool>,
    #[serde(rename = "ScheduledScalingSuspended")]
    scheduled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Describe {
    service_namespace: Option<String>,
    #[serde(default)]
    resource_ids: Vec<String>,
    scalable_dimension: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl AutoScaling {
    /// Makes or changes a target; what is left out stays as it is. Whatever the call says, the
    /// desired count is then pulled into the bounds.
    pub(super) fn register_scalable_target(&self, input: Value) -> Result<Value, AwsError> {
        let call: Register = read(input)?;
        let (id, service) = call.place.resource()?;
        let found = self.shared.ecs.scalable(&service.cluster, &service.name);
        let found = found.ok_or_else(|| invalid(format!("ECS service doesn't exist: {id}")))?;
        if found.daemon {
            return Err(invalid(format!(
                "ECS service has the scheduling strategy DAEMON and can't be scaled: {id}"
            )));
        }
        let mut state = self.state();
        let known = state.targets.get(id);
        if known.is_some() && call.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            return Err(invalid(
                "Tags can only be given for a new scalable target. Use TagResource for one that is \
                 registered.",
            ));
        }
        let bound = |given: Option<i64>, known: Option<u32>, name: &str| match (given, known) {
            (Some(given), _) => u32::try_from(given)
                .map_err(|_| invalid(format!("{name} capacity cannot be less than 0"))),
            (None, Some(known)) => Ok(known),
            (None, None) => Err(invalid(
                "Minimum and maximum capacity must be specified for a new scalable target",
            )),
        };
        let min = bound(call.min_capacity, known.map(|target| target.min), "Minimum")?;
        let max = bound(call.max_capacity, known.map(|target| target.max), "Maximum")?;
        if max < min {
            return Err(invalid(
                "Maximum capacity cannot be less than minimum capacity",
            ));
        }
        let now = self.shared.clock.now();
        let target = state
            .targets
            .entry(id.to_owned())
            .or_insert_with(|| Target {
                service,
                arn: self.arn(
                    "application-autoscaling",
                    &format!("scalable-target/0ec5{}", ids::hex(32)),
                ),
                role: self.role(),
                min,
                max,
                suspended: Suspended::default(),
                created_at: now,
                changed_at: now,
                tags: call.tags.unwrap_or_default(),
                policies: BTreeMap::new(),
                actions: BTreeMap::new(),
            });
        (target.min, target.max, target.changed_at) = (min, max, now);
        if let Some(role) = call.role {
            target.role = role;
        }
        target.suspend(&call.suspended_state.unwrap_or_default());
        let arn = target.arn.clone();
        self.pull_into_bounds(&mut state, id);
        Ok(json!({ "ScalableTargetARN": arn }))
    }

    /// The targets of these ids, or all. An id without a target is no error; it is left out.
    pub(super) fn describe_scalable_targets(&self, input: Value) -> Result<Value, AwsError> {
        let call: Describe = read(input)?;
        namespace(call.service_namespace.as_deref())?;
        if call.resource_ids.len() > MAX_PAGE_SIZE {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'resourceIds' failed to satisfy constraint: \
                 Member must have length less than or equal to {MAX_PAGE_SIZE}"
            )));
        }
        let dimension = call.scalable_dimension.as_deref();
        described_dimension(dimension, !call.resource_ids.is_empty())?;
        let state = self.state();
        let render = |(id, target): (&String, &Target)| target.render(id);
        let all: Vec<Value> = if call.resource_ids.is_empty() {
            state.targets.iter().map(render).collect()
        } else {
            let ids: BTreeSet<&String> = call.resource_ids.iter().collect();
            let found = ids.iter().filter_map(|id| state.targets.get_key_value(*id));
            found.map(render).collect()
        };
        let (targets, next) = page(all, call.next_token.as_deref(), call.max_results)?;
        Ok(json!({ "ScalableTargets": targets, "NextToken": next }))
    }

    /// Takes a target away, with its policies and its scheduled actions.
    pub(super) fn deregister_scalable_target(&self, input: Value) -> Result<Value, AwsError> {
        let place: Place = read(input)?;
        let (id, _) = place.resource()?;
        let removed = self.state().targets.remove(id);
        removed.ok_or_else(|| place.not_found("found"))?;
        Ok(json!({}))
    }

    /// The service-linked role.
    fn role(&self) -> String {
        format!(
            "arn:aws:iam::{}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/\
             AWSServiceRoleForApplicationAutoScaling_ECSService",
            self.shared.account
        )
    }
}

impl Target {
    /// What is not mentioned stays as it is.
    fn suspend(&mut self, state: &SuspendedState) {
        let Suspended {
            scaling_in,
            scaling_out,
            scheduled,
        } = self.suspended;
        self.suspended = Suspended {
            scaling_in: state.scaling_in.unwrap_or(scaling_in),
            scaling_out: state.scaling_out.unwrap_or(scaling_out),
            scheduled: state.scheduled.unwrap_or(scheduled),
        };
    }

    fn render(&self, id: &str) -> Value {
        json!({
            "ServiceNamespace": NAMESPACE,
            "ResourceId": id,
            "ScalableDimension": DIMENSION,
            "MinCapacity": self.min,
            "MaxCapacity": self.max,
            "RoleARN": self.role,
            "CreationTime": epoch(self.created_at),
            "SuspendedState": self.suspended.render(),
            "ScalableTargetARN": self.arn,
        })
    }
}
