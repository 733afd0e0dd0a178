//! What a test makes of the world through the control API: how fast tasks are, alarms, throttling.

use std::time::Duration;

use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::control::{Refused, bad};
use super::{Gateway, identify};
use crate::autoscaling::Alarm;
use crate::ecs::Lag;
use crate::error::AwsError;
use crate::throttle::BucketSpec;

/// How long tasks without processes take, in virtual time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LagSpec {
    cluster: Option<String>,
    service: Option<String>,
    #[serde(default)]
    start_seconds: f64,
    #[serde(default)]
    stop_seconds: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThrottleSpec {
    #[serde(default)]
    buckets: Vec<BucketSpec>,
}

impl Gateway {
    pub(super) fn set_lag(&self, spec: LagSpec) -> Result<Value, Refused> {
        let seconds = |name: &str, seconds: f64| {
            Duration::try_from_secs_f64(seconds)
                .map_err(|error| bad(format!("{name} {seconds}: {error}")))
        };
        let lag = Lag {
            start: seconds("start_seconds", spec.start_seconds)?,
            stop: seconds("stop_seconds", spec.stop_seconds)?,
        };
        let service = match (spec.cluster, spec.service) {
            (Some(cluster), Some(service)) => Some((cluster, service)),
            (None, None) => None,
            _ => {
                return Err(bad(
                    "give `cluster` and `service`, or neither for all services".to_owned(),
                ));
            }
        };
        self.world.ecs.set_lag(service, lag);
        Ok(json!({}))
    }

    pub(super) fn alarm(&self, alarm: &Alarm) -> Result<Value, Refused> {
        let reaction = self.world.autoscaling.alarm(alarm).ok_or_else(|| {
            let message = format!("there is no scalable target {}", alarm.resource_id);
            (StatusCode::NOT_FOUND, message)
        })?;
        Ok(json!({ "desired": reaction.desired, "reason": reaction.reason }))
    }

    pub(super) fn throttle(&self, spec: ThrottleSpec) -> Result<Value, Refused> {
        self.throttles.switch_on(spec.buckets).map_err(bad)?;
        Ok(json!({ "buckets": self.throttles.seen() }))
    }

    /// Refuses a call whose bucket is empty: that of the caller's account and region.
    pub(super) fn throttled(
        &self,
        parts: &Parts,
        service: &str,
        operation: &str,
    ) -> Result<(), AwsError> {
        let account = identify::account(parts, &self.world.account);
        let region = identify::region(parts).unwrap_or_else(|| self.world.region.clone());
        let place = format!("{account} {region}");
        self.throttles.take(&place, service, operation)
    }
}
