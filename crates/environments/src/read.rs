//! Reading from AWS: the clients, how fast they may be used, and why a call failed.
//!
//! A part that can't be read is an error and never an absence: a scalable target that was overlooked would start a
//! stopped service again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::DateTime;
use common::aws::Aws;
use common::failure::{Cause, Failure, Hints};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::rate_limiter::RateLimiter;
use crate::resource::TaskSize;

/// Far longer than any queue of reads.
const READ_TURN_TIMEOUT: Duration = Duration::from_hours(1);

/// Something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The name of the call.
    pub call: String,
    /// The call and on what.
    pub what: String,
    /// Why it failed.
    pub cause: Cause,
    /// AWS's error in one line.
    pub detail: String,
    /// What to do; empty where AWS's own words are all there is.
    pub remedy: String,
}

/// What it takes to read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The clients.
    pub aws: &'a Aws,
    /// How fast ECS may be read.
    pub limiter: &'a RateLimiter,
    /// Kept from run to run.
    pub sizes: &'a TaskSizes,
}

/// What the tasks of task definitions take. A revision never changes, so it is read once.
#[derive(Debug, Default)]
pub struct TaskSizes(Mutex<HashMap<String, Option<TaskSize>>>);

impl TaskSizes {
    #[allow(clippy::option_option, reason = "not asked yet, or asked in vain")]
    pub(crate) fn known(&self, arn: &str) -> Option<Option<TaskSize>> {
        let sizes = self.0.lock().expect("nobody panics while holding it");
        sizes.get(arn).copied()
    }

    pub(crate) fn keep(&self, arn: &str, size: Option<TaskSize>) {
        let mut sizes = self.0.lock().expect("nobody panics while holding it");
        sizes.insert(arn.to_owned(), size);
    }
}

impl Reader<'_> {
    /// Waits until ECS may be read again.
    pub(crate) async fn acquire(&self) {
        // Going on without a turn after an hour is better than never reading.
        let _ = self
            .limiter
            .acquire(Instant::now() + READ_TURN_TIMEOUT)
            .await;
    }

    /// Why a call failed. `what` is the call and on what, `permission` the IAM action that it needs.
    pub(crate) fn error<E>(
        &self,
        what: impl Into<String>,
        permission: &str,
        error: &SdkError<E>,
    ) -> ReadError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let failure = Failure::of(error);
        let hints = Hints {
            permission,
            absent: "nothing, if it was deleted a moment ago",
        };
        let call = permission
            .split_once(':')
            .map_or(permission, |(_, name)| name);
        ReadError {
            call: call.to_owned(),
            what: what.into(),
            cause: failure.cause,
            remedy: failure.remedy(self.aws.identity(), hints),
            detail: failure.detail,
        }
    }
}

/// As exact as other services say a time, so that what was written down of one is equal to it.
pub(crate) fn in_milliseconds(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.as_millisecond()).ok()
}

pub(crate) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}
