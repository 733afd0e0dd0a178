//! Scaling activities: changes of a desired count by Application Auto Scaling, and their record.

use serde::Deserialize;
use serde_json::{Value, json};

use super::AutoScaling;
use super::model::{DIMENSION, NAMESPACE, Place, State, page};
use crate::error::AwsError;
use crate::ids;
use crate::timeline::TimelineEvent;
use crate::wire::json::{epoch, read};

/// Activities kept; the oldest go first.
const MAX_ACTIVITIES: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Describe {
    #[serde(flatten)]
    place: Place,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl AutoScaling {
    /// Newest first.
    pub(super) fn describe_scaling_activities(&self, input: Value) -> Result<Value, AwsError> {
        let call: Describe = read(input)?;
        call.place.of_description()?;
        let state = self.state();
        let wanted = |activity: &&Value| {
            let id = call.place.resource_id.as_deref();
            id.is_none_or(|id| activity["ResourceId"] == id)
        };
        let all = state.activities.iter().filter(wanted).cloned().collect();
        let (activities, next) = page(all, call.next_token.as_deref(), call.max_results)?;
        Ok(json!({ "ScalingActivities": activities, "NextToken": next }))
    }

    /// Pulls the desired count of a target's service to the nearest bound, if it is outside and the
    /// service is active.
    pub(super) fn pull_into_bounds(&self, state: &mut State, id: &str) {
        let Some(target) = state.targets.get(id) else {
            return;
        };
        let service = &target.service;
        let Some(found) = self.shared.ecs.scalable(&service.cluster, &service.name) else {
            return;
        };
        let (bound, cause) = if found.desired < target.min {
            (target.min, "minimum")
        } else if found.desired > target.max {
            (target.max, "maximum")
        } else {
            return;
        };
        if found.active {
            let cause = format!("{cause} capacity was set to {bound}");
            self.scale(state, id, bound, &cause);
        }
    }

    /// Sets the desired count of a target's service.
    pub(super) fn scale(&self, state: &mut State, id: &str, desired: u32, cause: &str) {
        let Some(target) = state.targets.get(id) else {
            return;
        };
        let service = &target.service;
        self.shared
            .ecs
            .scale(&service.cluster, &service.name, desired);
        let now = self.shared.clock.now();
        state.activities.push_front(json!({
            "ActivityId": ids::uuid(),
            "ServiceNamespace": NAMESPACE,
            "ResourceId": id,
            "ScalableDimension": DIMENSION,
            "Description": format!("Setting desired count to {desired}."),
            "Cause": cause,
            "StartTime": epoch(now),
            "EndTime": epoch(now),
            "StatusCode": "Successful",
            "StatusMessage": format!(
                "Successfully set desired count to {desired}. Change successfully fulfilled by ecs."
            ),
        }));
        state.activities.truncate(MAX_ACTIVITIES);
        self.shared.timeline.record(TimelineEvent {
            kind: "scaling".to_owned(),
            deployment_id: None,
            message: format!("Application Auto Scaling sets {id} to {desired}: {cause}."),
            detail: json!({ "resource_id": id, "desired_count": desired, "cause": cause }),
        });
    }
}
