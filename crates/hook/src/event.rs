//! Any event into the call that it is, by its shape.
//!
//! Read tolerantly: unknown fields are ignored, as AWS adds some. Read in passing, without a tree of it in memory: an
//! event of 6 MB is what Lambda lets through, and as a tree that is a hundred times as much. Only the fields below are
//! kept; what else an event carries (credentials, among other things) is never kept, logged or repeated.

mod fields;

use std::fmt;

use self::fields::{Field, Fields};

/// A call that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A lifecycle hook of `CodeDeploy`, for the ECS and Lambda compute platforms alike.
    CodeDeploy(CodeDeployEvent),
    /// A deployment lifecycle hook of ECS's own deployments.
    Ecs(Box<EcsEvent>),
    /// A job of `CodePipeline`'s Lambda action, or of a `LambdaInvoke` rule.
    CodePipeline(Box<Job>),
}

/// `CodeDeploy` names neither its lifecycle event nor its target; `crate::codedeploy` finds those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeDeployEvent {
    /// `d-` and nine characters.
    pub deployment_id: String,
    /// An opaque string of some hundred characters; valid for this one lifecycle event.
    pub execution_id: String,
    /// What an earlier invocation of ours handed on; `CodeDeploy` itself sends none.
    pub run: Option<String>,
}

/// What ECS sends at each stage of a deployment that has a hook.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcsEvent {
    /// A UUID.
    pub execution_id: String,
    /// `POST_TEST_TRAFFIC_SHIFT`, for example; a text, as AWS adds stages.
    pub lifecycle_stage: String,
    /// The ARN of the service deployment.
    pub deployment_arn: String,
    /// The ARN of the revision that is deployed.
    pub target_revision_arn: String,
    /// Percent of test traffic, by the ARNs of revisions. Empty where ECS does not say.
    pub test_weights: Vec<(String, u32)>,
    /// Percent of production traffic.
    pub production_weights: Vec<(String, u32)>,
    /// The suite's place, from the hook's own `hookDetails`: one function serves many services.
    pub suite: Option<String>,
    /// What else the hook's `hookDetails` say, by their keys.
    pub details: Vec<(String, DetailValue)>,
    /// What an earlier call of ours handed on, in `hookDetails`.
    pub run: Option<String>,
}

/// A value in `hookDetails`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetailValue {
    /// A text.
    Text(String),
    /// True or false.
    Flag(bool),
    /// A number, a list, an object, or a text that is too long to be kept.
    Other,
}

impl fmt::Display for DetailValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Other => f.write_str("another kind of value"),
        }
    }
}

/// What `CodePipeline` sends. The credentials that it carries are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// A UUID.
    pub id: String,
    /// What the action's configuration gives the function, unparsed.
    pub user_parameters: Option<String>,
    /// What an earlier call of ours handed on.
    pub run: Option<String>,
}

/// Any event that Lambda hands over. Reading it never fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(Result<Call, NotACall>);

/// The event is not one that can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}. Nobody can be answered: check what invokes this function", .0.is_no_call())]
pub struct NotACall(pub OtherEvent);

impl OtherEvent {
    /// What it is, and what was expected.
    #[must_use]
    pub fn is_no_call(&self) -> String {
        format!(
            "this is no event that a gate answers ({self}); expected one of CodeDeploy \
             {{\"DeploymentId\":\"d-…\",\"LifecycleEventHookExecutionId\":\"…\"}}, of ECS \
             {{\"executionId\":\"…\",\"lifecycleStage\":\"…\",\"resourceArn\":\"…\",\"executionDetails\":{{…}}}}, or of \
             CodePipeline {{\"CodePipeline.job\":{{\"id\":\"…\"}}}}"
        )
    }
}

/// What came instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OtherEvent {
    /// `AWS::CloudFormation::CustomResource`.
    #[error(
        "it is a request of a CloudFormation custom resource, which is not supported: let CodeDeploy, ECS or CodePipeline call the function"
    )]
    CustomResource,
    /// A CloudFormation Hook, which judges templates.
    #[error("it is an invocation of a CloudFormation Hook, which is not supported")]
    CloudFormationHook,
    /// A rule of EventBridge, or EventBridge Scheduler.
    #[error(
        "it is an event of EventBridge, which waits for no answer: a gate is called by CodeDeploy, ECS or CodePipeline"
    )]
    EventBridge,
    /// A topic, queue, bucket or stream.
    #[error(
        "it is a message of Amazon SNS or a record of SQS, S3 or a stream, which waits for no answer: a gate is called by CodeDeploy, ECS or CodePipeline"
    )]
    Records,
    /// A function URL, API Gateway or a load balancer.
    #[error("it is an HTTP request; a gate has no URL")]
    Http,
    /// What the console sends by default.
    #[error(
        "it is the test event of the Lambda console: take the DeploymentId of a deployment that is in progress"
    )]
    ConsoleTest,
    /// No object at all.
    #[error("it is no JSON object")]
    NotAnObject,
    /// A part of it that must be one.
    #[error("{0} is no JSON object")]
    NotAnObjectAt(&'static str),
    /// Nothing of the two ids.
    #[error("missing field `{0}`")]
    Missing(&'static str),
    /// There, and of no use.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// There, and of another kind.
    #[error("{0} is no text")]
    NotText(&'static str),
    /// There, and beyond the limit.
    #[error("{0} is longer than 8 KiB")]
    TooLong(&'static str),
}

/// The fields that are kept, as paths. `*` stands for every name.
const KEPT_FIELDS: &[&str] = &[
    "DeploymentId",
    "deploymentId",
    "LifecycleEventHookExecutionId",
    "lifecycleEventHookExecutionId",
    "deployHooksRun",
    "executionId",
    "lifecycleStage",
    "resourceArn",
    "executionDetails/targetServiceRevisionArn",
    "executionDetails/testTrafficWeights/*",
    "executionDetails/productionTrafficWeights/*",
    "hookDetails/*",
    "CodePipeline.job/id",
    "CodePipeline.job/data/actionConfiguration/configuration/UserParameters",
    "CodePipeline.job/data/continuationToken",
];

/// What other services' events have, and no call of ours has.
const FOREIGN_FIELDS: &[(&str, OtherEvent)] = &[
    ("ResponseURL", OtherEvent::CustomResource),
    ("actionInvocationPoint", OtherEvent::CloudFormationHook),
    ("detail-type", OtherEvent::EventBridge),
    ("requestContext", OtherEvent::Http),
    ("rawPath", OtherEvent::Http),
    ("httpMethod", OtherEvent::Http),
    ("Records", OtherEvent::Records),
    ("TopicArn", OtherEvent::Records),
    ("key1", OtherEvent::ConsoleTest),
];

const SUITE_DETAIL: &str = "hookDetails/suite";
const RUN_DETAIL: &str = "hookDetails/deployHooksRun";

/// The key under which a run is handed on, in `hookDetails` and in our own events.
pub const RUN_KEY: &str = "deployHooksRun";

impl Payload {
    /// The call, or what came instead.
    pub fn decode(self) -> Result<Call, NotACall> {
        self.0
    }
}

impl<'de> serde::Deserialize<'de> for Payload {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::read(deserializer, KEPT_FIELDS)?;
        Ok(Self(
            fields
                .map_or(Err(OtherEvent::NotAnObject), |fields| call(&fields))
                .map_err(NotACall),
        ))
    }
}

/// Pure: which call the fields make.
fn call(fields: &Fields) -> Result<Call, OtherEvent> {
    let text = |path| fields.text(path);
    let deployment = fields.get("DeploymentId").or(fields.get("deploymentId"));
    let execution = fields
        .get("LifecycleEventHookExecutionId")
        .or(fields.get("lifecycleEventHookExecutionId"));
    if (deployment, execution) != (None, None) {
        return Ok(Call::CodeDeploy(CodeDeployEvent {
            deployment_id: required("DeploymentId", deployment)?,
            execution_id: required("LifecycleEventHookExecutionId", execution)?,
            // A part of a bake must never be taken for its beginning.
            run: match fields.get(RUN_KEY) {
                None => None,
                given => Some(required(RUN_KEY, given)?),
            },
        }));
    }
    if fields.has("CodePipeline.job") {
        return Ok(Call::CodePipeline(Box::new(Job {
            id: required("CodePipeline.job.id", fields.get("CodePipeline.job/id"))?,
            user_parameters: text(
                "CodePipeline.job/data/actionConfiguration/configuration/UserParameters",
            ),
            run: text("CodePipeline.job/data/continuationToken"),
        })));
    }
    if fields.has("lifecycleStage") || fields.has("executionDetails") {
        let percents = |path| fields.numbers_below(path);
        return Ok(Call::Ecs(Box::new(EcsEvent {
            execution_id: text("executionId").unwrap_or_default(),
            lifecycle_stage: required("lifecycleStage", fields.get("lifecycleStage"))?,
            deployment_arn: required("resourceArn", fields.get("resourceArn"))?,
            target_revision_arn: text("executionDetails/targetServiceRevisionArn")
                .unwrap_or_default(),
            test_weights: percents("executionDetails/testTrafficWeights"),
            production_weights: percents("executionDetails/productionTrafficWeights"),
            suite: detail(fields, SUITE_DETAIL)?,
            details: other_details(fields),
            run: handed_on(fields)?,
        })));
    }
    let mark = FOREIGN_FIELDS.iter().find(|(name, _)| fields.has(name));
    Err(mark.map_or(OtherEvent::Missing("DeploymentId"), |(_, other)| *other))
}

/// What the hook's own details say, if anything. A value that can't be one is refused: another suite than the one that
/// was meant says nothing of a service, and a part of a bake is not its beginning.
fn detail(fields: &Fields, path: &'static str) -> Result<Option<String>, OtherEvent> {
    match (fields.get("hookDetails"), fields.get(path)) {
        (None | Some(Field::Null | Field::Object), None | Some(Field::Null)) => Ok(None),
        (None | Some(Field::Null | Field::Object), given) => required(path, given).map(Some),
        (Some(_), _) => Err(OtherEvent::NotAnObjectAt("hookDetails")),
    }
}

/// What the details say beside the suite and what was handed on. What is null says nothing.
fn other_details(fields: &Fields) -> Vec<(String, DetailValue)> {
    let own = [SUITE_DETAIL, RUN_DETAIL];
    fields
        .below("hookDetails")
        .filter(|(path, field)| !own.contains(path) && **field != Field::Null)
        .map(|(path, field)| {
            let key = path.strip_prefix("hookDetails/").unwrap_or(path);
            let value = match field {
                Field::Text(text) => DetailValue::Text(text.clone()),
                Field::Bool(flag) => DetailValue::Flag(*flag),
                _ => DetailValue::Other,
            };
            (key.to_owned(), value)
        })
        .collect()
}

/// What an earlier call of ours handed on. Nothing where it ended: details are merged, so an empty text takes the place of
/// what was handed on before.
fn handed_on(fields: &Fields) -> Result<Option<String>, OtherEvent> {
    match fields.get(RUN_DETAIL) {
        Some(Field::Text(text)) if text.is_empty() => Ok(None),
        _ => detail(fields, RUN_DETAIL),
    }
}

fn required(name: &'static str, field: Option<&Field>) -> Result<String, OtherEvent> {
    match field {
        None => Err(OtherEvent::Missing(name)),
        Some(Field::Number(_) | Field::Bool(_) | Field::Null | Field::Object | Field::Other) => {
            Err(OtherEvent::NotText(name))
        }
        Some(Field::TooLong) => Err(OtherEvent::TooLong(name)),
        Some(Field::Text(text)) if text.trim().is_empty() => Err(OtherEvent::Empty(name)),
        Some(Field::Text(text)) => Ok(text.clone()),
    }
}

#[cfg(test)]
mod tests;
