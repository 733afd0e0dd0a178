//! What checks ask of AWS: the other side of [`gate::cloud`].
//!
//! Each room makes the calls for one question and hands back what was seen; the gate judges it. A call that fails is an
//! error with the remedy that fits, and never an answer.

mod alarms;
mod caller_release;
mod converse;
pub(crate) mod ecs_task;
mod function_version;
mod invoke;
mod logs;
mod metric;
pub(crate) mod sign;
mod target_groups;
mod targets;
mod task_results;
mod wiring;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use aws_sdk_codedeploy::error::{ProvideErrorMetadata, SdkError};
use common::aws::Aws;
use common::failure::{Cause, Failure, Hints};
use common::json_api::{self, CLOUDWATCH};
use futures::FutureExt;
use futures::future::BoxFuture;
use gate::cloud::{
    Alarm, CloudError, CloudProbes, Invocation, LogEvents, LogQuery, MetricQuery, MetricValues,
    ModelQuery, SigningRequest, TargetGroup, TaskQuery, TaskRun,
};
use serde_json::Value;

use crate::facts::KnownFacts;
use crate::gate_function::GateFunction;

pub(crate) use self::caller_release::{
    CodeDeployRelease, DescribedRelease, EcsRelease, NamedGroups,
};

/// Facts that cost a call of their own, and are looked up where a suite uses one.
pub(crate) const COSTLY_FACTS: &[&str] = &["load_balancer", "old_target_group", "target_group"];

/// AWS, asked about one release.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) function: Arc<GateFunction>,
    pub(crate) release: DescribedRelease,
    /// What the gate knows of the target.
    pub(crate) known: KnownFacts,
}

impl Cloud {
    fn aws(&self) -> &Aws {
        &self.function.aws
    }

    fn fact(&self, key: &str) -> Option<&str> {
        self.known.facts.get(key).map(String::as_str)
    }

    /// A fact, or the reason why it is not known.
    fn needed(&self, key: &str) -> Result<&str, CloudError> {
        self.fact(key).ok_or_else(|| {
            let why = self.known.unknown.get(key);
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            CloudError(format!("target.{key} is not known{why}"))
        })
    }

    /// [`COSTLY_FACTS`], each known or with the reason why not.
    pub(crate) async fn costly_facts(&self) -> KnownFacts {
        if self.fact("platform") == Some("Lambda") {
            // Why a function has none is said already.
            return KnownFacts::default();
        }
        target_groups::facts(self).await
    }
}

impl CloudProbes for Cloud {
    fn alarms<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Result<Vec<Alarm>, CloudError>> {
        alarms::states(self.aws(), names).boxed()
    }

    fn targets(&self) -> BoxFuture<'_, Result<TargetGroup, CloudError>> {
        targets::of_release(self).boxed()
    }

    fn invoke(&self, payload: String) -> BoxFuture<'_, Result<Invocation, CloudError>> {
        invoke::version(self, payload).boxed()
    }

    fn metric<'a>(
        &'a self,
        query: &'a MetricQuery,
    ) -> BoxFuture<'a, Result<MetricValues, CloudError>> {
        metric::values(self, query).boxed()
    }

    fn log_events<'a>(
        &'a self,
        query: &'a LogQuery,
    ) -> BoxFuture<'a, Result<LogEvents, CloudError>> {
        logs::events(self, query).boxed()
    }

    fn sign<'a>(
        &'a self,
        request: &'a SigningRequest,
    ) -> BoxFuture<'a, Result<Vec<(String, String)>, CloudError>> {
        sign::headers(self.aws(), request).boxed()
    }

    fn run_task<'a>(&'a self, query: &'a TaskQuery) -> BoxFuture<'a, Result<TaskRun, CloudError>> {
        ecs_task::run(self, query).boxed()
    }

    fn converse<'a>(
        &'a self,
        query: &'a ModelQuery,
    ) -> BoxFuture<'a, Result<serde_json::Value, CloudError>> {
        converse::answer(self.aws(), query).boxed()
    }

    fn wiring(&self) -> BoxFuture<'_, Result<::wiring::Facts, CloudError>> {
        wiring::facts(self).boxed()
    }
}

/// A cloud of models alone, for runs beside a cloud: an agent on a laptop.
pub struct ModelsOnly(pub Aws);

impl std::fmt::Debug for ModelsOnly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ModelsOnly")
    }
}

impl CloudProbes for ModelsOnly {
    fn alarms<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Vec<Alarm>, CloudError>> {
        async { Err(CloudError("alarms can't be asked for here".to_owned())) }.boxed()
    }

    fn converse<'a>(
        &'a self,
        query: &'a ModelQuery,
    ) -> BoxFuture<'a, Result<serde_json::Value, CloudError>> {
        converse::answer(&self.0, query).boxed()
    }
}

/// For `map_err`: the call that failed, with the remedy that fits why it failed.
pub(crate) fn failed<'a, E>(
    aws: &'a Aws,
    call: impl Into<String> + 'a,
    permission: &'a str,
    absent: &'a str,
) -> impl FnOnce(SdkError<E>) -> CloudError + 'a
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    move |error| {
        let why = Failure::of(&error).sentence(aws.identity(), Hints { permission, absent });
        CloudError(format!("{} failed: {why}", call.into()))
    }
}

/// A page of an answer of CloudWatch. `token` says which, and then which is the next: null after the last one.
async fn cloudwatch_page(
    aws: &Aws,
    operation: &'static str,
    absent: &str,
    mut input: Value,
    token: &mut Value,
) -> Result<Value, CloudError> {
    if !token.is_null() {
        input["NextToken"] = token.take();
    }
    let permission = format!("cloudwatch:{operation}");
    let answer = json_api::call(aws, CLOUDWATCH, operation, input).await;
    let answer = answer.map_err(failed(aws, operation, &permission, absent))?;
    *token = answer.get("NextToken").cloned().unwrap_or_default();
    Ok(answer)
}

/// A fact of something that may not exist, which is no failure. `permission` is what the call needs.
async fn existing<T, E>(
    aws: &Aws,
    call: String,
    permission: &str,
    sent: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<Option<T>, String>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match sent.await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if Failure::of(&error).cause == Cause::Absent => Ok(None),
        Err(error) => Err(failed(aws, call, permission, "it does not exist")(error).0),
    }
}
