//! Changing things in AWS: how fast, how often a call is tried, and how AWS refuses one.
//!
//! A call that is throttled is made again until the time is over, and is never lost.

use std::time::Duration;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use common::aws::{Aws, explain};
use common::failure::{Cause, Failure};
use common::json_api;
use common::query_api::{self, QueryService};
use common::service::AwsService;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::rate_limiter::{DeadlineExceeded, RateLimiter, RateLimiters};
use crate::resource::Resource;

/// Tries of a call that fails for another reason than its rate.
const MAX_TRIES: u32 = 3;
/// Before the second try; twice as long before the third.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// The longest that a call waits for its turn: the lease of its resource must not run out meanwhile.
const MAX_RATE_WAIT: Duration = Duration::from_mins(1);

/// What it takes to change one resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) limiters: &'a RateLimiters,
    /// No call waits for its turn longer than this.
    pub(crate) deadline: Instant,
    pub(crate) resource: &'a Resource,
}

/// A call without the SDK's own retries: they would hide from the rate limiter that AWS throttles.
macro_rules! once {
    ($sdk:ident, $call:expr) => {
        || {
            let retry = $sdk::config::retry::RetryConfig::disabled();
            let config = $sdk::config::Config::builder().retry_config(retry);
            $call.customize().config_override(config).send()
        }
    };
}
pub(crate) use once;

impl<'a> Writer<'a> {
    /// A call that is about to be made: its IAM action, such as `ecs:UpdateService`, and on what.
    pub(crate) fn call(
        &self,
        limiter: &'a RateLimiter,
        action: &'static str,
        on: &str,
    ) -> RetriedCall<'a> {
        let name = name_of(action);
        RetriedCall {
            limiter,
            deadline: self.deadline,
            what: format!("{name} of {on}"),
            action,
        }
    }

    /// Makes the call that `action` allows, of a service that takes JSON.
    pub(crate) async fn call_json(
        &self,
        service: AwsService,
        (action, on): (&'static str, &str),
        input: &Value,
    ) -> Result<(), CallError> {
        let (service, name) = (service.without_retries(), name_of(action));
        let call = self.call(&self.limiters.scaling, action, on);
        let once = || json_api::call(self.aws, service, name, input.clone());
        call.until_done(false, once).await
    }

    /// Makes the call that `action` allows on the resource, of a service that takes a form. `has_permit`: see
    /// [`RetriedCall::until_done`].
    pub(crate) async fn call_query(
        &self,
        service: QueryService,
        (action, has_permit): (&'static str, bool),
        parameters: &[(String, String)],
    ) -> Result<(), CallError> {
        let (service, name) = (service.without_retries(), name_of(action));
        let call = self.call(&self.limiters.scaling, action, &self.resource.name);
        let once = || query_api::call(self.aws, service, name, parameters);
        call.until_done(has_permit, once).await
    }
}

/// The call that an IAM action allows.
fn name_of(action: &'static str) -> &'static str {
    action.split_once(':').map_or(action, |(_, name)| name)
}

/// How AWS refused a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The time was over before AWS would take the call.
    Late,
    /// For an unknown reason, or a fault of AWS: the same call may succeed later.
    Passing,
    /// The role may not do that.
    Denied,
    /// What it is about is gone, or on its way out.
    Gone,
    /// It is not in the right state. That may pass or be final: AWS says the same of a cluster that is being changed and of
    /// one that can never be stopped.
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

    /// Whether it is about the resource itself, and not about the moment or the role.
    pub(crate) fn is_about_the_resource(self) -> bool {
        matches!(self, Self::State | Self::Permanent)
    }
}

/// A call that failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// How AWS refused it.
    pub refusal: Refusal,
    /// The name of the call.
    pub call: &'static str,
    /// The call and on what.
    pub what: String,
    /// AWS's error in one line.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

/// A call that is made until it is done.
pub(crate) struct RetriedCall<'a> {
    limiter: &'a RateLimiter,
    deadline: Instant,
    what: String,
    action: &'static str,
}

impl RetriedCall<'_> {
    /// Makes the call until AWS takes it or refuses it for good. `has_permit` says that a turn for the first try was
    /// waited for already.
    pub(crate) async fn until_done<T, E, F>(
        self,
        has_permit: bool,
        once: impl Fn() -> F,
    ) -> Result<(), CallError>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let (mut has_permit, mut tries) = (has_permit, 0);
        let give_up_at = self.deadline.min(Instant::now() + MAX_RATE_WAIT);
        loop {
            if !has_permit {
                let turn = self.limiter.acquire(give_up_at).await;
                turn.map_err(|DeadlineExceeded| self.too_late())?;
            }
            has_permit = false;
            let Err(error) = once().await else {
                return Ok(());
            };
            if Failure::of(&error).cause == Cause::Throttled {
                self.limiter.throttled();
                continue;
            }
            tries += 1;
            if tries >= MAX_TRIES || !is_transient(&error) {
                return Err(self.failed(&error, tries));
            }
            tokio::time::sleep(RETRY_DELAY * 2_u32.pow(tries - 1)).await;
        }
    }

    fn too_late(&self) -> CallError {
        CallError {
            refusal: Refusal::Late,
            call: name_of(self.action),
            what: self.what.clone(),
            detail: "the time was over before AWS would take the call".to_owned(),
            remedy: "the next run continues from here".to_owned(),
        }
    }

    /// An earlier try may have had its effect without an answer that could be read. A state that is wrong by then may be the
    /// one that was asked for, so it is no refusal: the next run looks.
    fn failed<E>(&self, error: &SdkError<E>, tries: u32) -> CallError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let refusal = match Refusal::of(error.code()) {
            Refusal::State if tries > 1 => Refusal::Passing,
            refusal => refusal,
        };
        let remedy = match refusal {
            Refusal::Denied => format!("give the role {}", self.action),
            Refusal::Gone => "nothing, if it is being deleted".to_owned(),
            Refusal::State => "see what is under way with it; the next run tries again".to_owned(),
            Refusal::Permanent => {
                "AWS does not take this change for it: see its settings, or take its tag away"
                    .to_owned()
            }
            Refusal::Late | Refusal::Passing => {
                "nothing, if it was temporary: the next run tries again".to_owned()
            }
        };
        CallError {
            refusal,
            call: name_of(self.action),
            what: self.what.clone(),
            detail: explain(error),
            remedy,
        }
    }
}

/// Whether the same call may well succeed a moment later. An answer that can't be read counts, too: every call says what is
/// to be, and not what is to change.
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

pub(crate) fn number(count: u32) -> i32 {
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
