//! The calls that change something. Each is absolute, so that making it twice is making it once; a call
//! that is refused for its rate is made again until the time is over, and no such call is ever lost.

use std::time::Duration;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace, SuspendedState};
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::types::Tag;
use common::aws::explain;
use common::state::StateError;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{ApplyContext, End, others};
use crate::backup_tag::ASLEEP_TAG;
use crate::rate_limiter::{DeadlineExceeded, RateLimiter};
use crate::read::resource_id;
use crate::resource::{Kind, Resource, Scaling};

/// Tries of a call that fails for another reason than its rate.
const MAX_TRIES: u32 = 3;
/// Between those.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// Codes by which AWS says that it was too much, besides the HTTP status 429.
const THROTTLING_CODES: [&str; 5] = [
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
];

/// So long at most a call waits for its turn: what its service's run holds must not run out meanwhile.
const MAX_RATE_WAIT: Duration = Duration::from_mins(1);

/// How AWS refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The time was over before AWS would take the call.
    Late,
    /// Nobody knows why, or AWS has trouble: the same call may succeed later.
    Passing,
    /// The role may not do that.
    Denied,
    /// What it is about is gone, or on its way out.
    Gone,
    /// It is not in the state for it. That may pass, or be for good: AWS says the same of a cluster that is being
    /// changed and of one that can never be stopped.
    State,
    /// Never, as it is.
    Permanent,
}

impl Refusal {
    /// What AWS means by the code of an error.
    fn of(code: Option<&str>) -> Self {
        let code = code.unwrap_or_default();
        // RDS writes some of its codes with, some without this.
        match code.strip_suffix("Fault").unwrap_or(code) {
            "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "AuthFailure" => {
                Self::Denied
            }
            "ServiceNotActiveException"
            | "ServiceNotFoundException"
            | "ClusterNotFoundException"
            | "DBInstanceNotFound"
            | "DBClusterNotFound"
            | "ObjectNotFoundException" => Self::Gone,
            "InvalidDBInstanceState"
            | "InvalidDBClusterState"
            | "InvalidGlobalClusterState"
            | "ResourceContention"
            | "ScalingActivityInProgress"
            | "ResourceInUse" => Self::State,
            "InvalidParameterException"
            | "InvalidParameterValue"
            | "InvalidParameterCombination"
            | "ClientException"
            | "ValidationException"
            | "ValidationError"
            | "UnsupportedFeatureException"
            | "UnsupportedOperation"
            | "InvalidRequestException"
            | "KMSKeyNotAccessible" => Self::Permanent,
            _ => Self::Passing,
        }
    }

    /// Whether it says something about the thing itself, and not about the moment or the role.
    pub(super) fn is_about_the_resource(self) -> bool {
        matches!(self, Self::State | Self::Permanent)
    }
}

/// A call that failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// How AWS refused it.
    pub refusal: Refusal,
    /// The call and on what.
    pub what: String,
    /// AWS's error in one line.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

impl From<CallError> for End {
    fn from(error: CallError) -> Self {
        if error.refusal == Refusal::Late {
            return Self::Continue;
        }
        Self::Failed {
            what: error.what,
            detail: error.detail,
            remedy: error.remedy,
        }
    }
}

/// A failure of the state table, which tells its own remedy.
pub(super) fn state(error: &StateError) -> End {
    End::Failed {
        what: "the state table".to_owned(),
        detail: error.to_string(),
        remedy: "nothing was done with this service".to_owned(),
    }
}

/// Sets the count, and nothing else: other fields are refused under some deployment controllers.
pub(super) async fn set_count(
    context: &ApplyContext<'_>,
    resource: &Resource,
    desired: u32,
) -> Result<(), CallError> {
    if resource.kind != Kind::EcsService {
        return others::set_count(context, resource, desired).await;
    }
    let (limiter, permission) = (&context.limiters.changes, "ecs:UpdateService");
    let once = || {
        context
            .aws
            .ecs()
            .update_service()
            .cluster(&resource.cluster)
            .service(&resource.name)
            .desired_count(number(desired))
            .customize()
            .config_override(once_ecs())
            .send()
    };
    // The first turn was waited for before the service was looked at.
    let told = format!("UpdateService of {} to {desired}", resource.place());
    RetriedCall {
        context,
        limiter,
        told,
        permission,
    }
    .until_done(true, once)
    .await
}

/// Sets bounds and suspensions, all of them: what is left out would be taken from what is there.
pub(super) async fn set_scaling(
    context: &ApplyContext<'_>,
    resource: &Resource,
    scaling: Scaling,
) -> Result<(), CallError> {
    if resource.kind == Kind::AutoScalingGroup {
        return others::set_group(context, resource, scaling, None).await;
    }
    let (limiter, permission) = (
        &context.limiters.scaling,
        "application-autoscaling:RegisterScalableTarget",
    );
    let suspended = SuspendedState::builder()
        .dynamic_scaling_in_suspended(scaling.suspended.dynamic_in)
        .dynamic_scaling_out_suspended(scaling.suspended.dynamic_out)
        .scheduled_scaling_suspended(scaling.suspended.scheduled)
        .build();
    let once = || {
        let retry = aws_sdk_applicationautoscaling::config::Config::builder()
            .retry_config(RetryConfig::disabled());
        context
            .aws
            .applicationautoscaling()
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_id(resource_id(resource))
            .min_capacity(number(scaling.min))
            .max_capacity(number(scaling.max))
            .suspended_state(suspended.clone())
            .customize()
            .config_override(retry)
            .send()
    };
    let told = format!("RegisterScalableTarget of {}", resource.place());
    RetriedCall {
        context,
        limiter,
        told,
        permission,
    }
    .until_done(false, once)
    .await
}

/// Sets count and bounds of an Auto Scaling group at once.
pub(super) async fn set_all(
    context: &ApplyContext<'_>,
    resource: &Resource,
    (scaling, desired): (Scaling, u32),
) -> Result<(), CallError> {
    others::set_group(context, resource, scaling, Some(desired)).await
}

/// Mirrors the record in a tag.
pub(super) async fn set_tag(
    context: &ApplyContext<'_>,
    resource: &Resource,
    value: &str,
) -> Result<(), CallError> {
    if resource.kind != Kind::EcsService {
        return others::set_tag(context, resource, value).await;
    }
    let tag = Tag::builder().key(ASLEEP_TAG).value(value).build();
    let once = || {
        context
            .aws
            .ecs()
            .tag_resource()
            .resource_arn(&resource.arn)
            .tags(tag.clone())
            .customize()
            .config_override(once_ecs())
            .send()
    };
    let (limiter, permission) = (&context.limiters.tags, "ecs:TagResource");
    let told = format!("TagResource of {}", resource.place());
    RetriedCall {
        context,
        limiter,
        told,
        permission,
    }
    .until_done(false, once)
    .await
}

/// Removes the mirror.
pub(super) async fn remove_tag(
    context: &ApplyContext<'_>,
    resource: &Resource,
) -> Result<(), CallError> {
    if resource.kind != Kind::EcsService {
        return others::remove_tag(context, resource).await;
    }
    let once = || {
        context
            .aws
            .ecs()
            .untag_resource()
            .resource_arn(&resource.arn)
            .tag_keys(ASLEEP_TAG)
            .customize()
            .config_override(once_ecs())
            .send()
    };
    let (limiter, permission) = (&context.limiters.tags, "ecs:UntagResource");
    let told = format!("UntagResource of {}", resource.place());
    RetriedCall {
        context,
        limiter,
        told,
        permission,
    }
    .until_done(false, once)
    .await
}

/// The SDK must not try again by itself: it would hide from the bucket that it was too much.
fn once_ecs() -> aws_sdk_ecs::config::Builder {
    aws_sdk_ecs::config::Config::builder().retry_config(RetryConfig::disabled())
}

/// A call that is made until it is done.
pub(super) struct RetriedCall<'a> {
    pub(super) context: &'a ApplyContext<'a>,
    pub(super) limiter: &'a RateLimiter,
    pub(super) told: String,
    pub(super) permission: &'static str,
}

impl RetriedCall<'_> {
    pub(super) async fn until_done<T, E, F>(
        self,
        has_permit: bool,
        once: impl Fn() -> F,
    ) -> Result<(), CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (mut has_permit, mut tries) = (has_permit, 0);
        let give_up_at = self.context.deadline.min(Instant::now() + MAX_RATE_WAIT);
        loop {
            if !has_permit {
                let turn = self.limiter.acquire(give_up_at).await;
                turn.map_err(|DeadlineExceeded| self.too_late())?;
            }
            has_permit = false;
            let Err(error) = once().await else {
                return Ok(());
            };
            if is_throttled(&error) {
                self.limiter.throttled();
                continue;
            }
            tries += 1;
            if tries >= MAX_TRIES || !is_transient(&error) {
                return Err(self.failed(&error));
            }
            tokio::time::sleep(RETRY_DELAY * 2_u32.pow(tries - 1)).await;
        }
    }

    fn too_late(&self) -> CallError {
        CallError {
            refusal: Refusal::Late,
            what: self.told.clone(),
            detail: "the time was over before AWS would take the call".to_owned(),
            remedy: "the next run goes on from here".to_owned(),
        }
    }

    fn failed<E>(&self, error: &SdkError<E>) -> CallError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let refusal = Refusal::of(error.code());
        let remedy = match refusal {
            Refusal::Denied => format!("give the role {}", self.permission),
            Refusal::Gone => "nothing, if it is being deleted".to_owned(),
            Refusal::State => "see what is under way with it; the next run tries again".to_owned(),
            Refusal::Permanent => {
                "AWS does not take this change for it: see its settings, or take its tag away"
                    .to_owned()
            }
            Refusal::Late | Refusal::Passing => {
                "nothing, if it was a passing trouble: the next run tries again".to_owned()
            }
        };
        CallError {
            refusal,
            what: self.told.clone(),
            detail: explain(error),
            remedy,
        }
    }
}

fn is_throttled<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    status == Some(429)
        || error
            .code()
            .is_some_and(|code| THROTTLING_CODES.contains(&code))
}

/// Whether the same call may well succeed a moment later.
fn is_transient<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ServiceError(context) => {
            context.raw().status().as_u16() >= 500
                || error.code() == Some("ConcurrentUpdateException")
        }
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    }
}

pub(super) fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_whether_it_may_pass() {
        for (code, refusal) in [
            ("AccessDeniedException", Refusal::Denied),
            ("InvalidDBClusterStateFault", Refusal::State),
            ("InvalidDBInstanceState", Refusal::State),
            ("InvalidDBInstanceStateFault", Refusal::State),
            ("ScalingActivityInProgressFault", Refusal::State),
            ("ClientException", Refusal::Permanent),
            ("InvalidParameterException", Refusal::Permanent),
            ("ValidationError", Refusal::Permanent),
            ("DBClusterNotFoundFault", Refusal::Gone),
            ("ServiceNotActiveException", Refusal::Gone),
            ("ServerException", Refusal::Passing),
            ("InternalFailure", Refusal::Passing),
            ("SomethingNew", Refusal::Passing),
        ] {
            assert_eq!(Refusal::of(Some(code)), refusal, "{code}");
        }
        assert_eq!(Refusal::of(None), Refusal::Passing);
    }
}
