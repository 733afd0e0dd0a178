//! Throttling at the front door: ordered through the control API, refused as AWS does.

use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::control::{Refused, bad};
use super::{Gateway, identify};
use crate::error::AwsError;
use crate::throttle::BucketSpec;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ThrottleSpec {
    #[serde(default)]
    buckets: Vec<BucketSpec>,
}

impl Gateway {
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
