//! The messages that arrive, recognised by their shape.
//!
//! Reading them never fails and never panics: what isn't understood is [`Incoming::Other`] and is
//! passed on as text, so that nothing is dropped. What must never happen: an approval token in
//! anything but [`ApprovalMessage::token`]; neither subjects nor links nor texts of unknown messages
//! may carry one.

mod ecs;
mod envelope;
#[cfg(test)]
mod envelope_tests;
mod fields;
mod gate;
mod plain;
#[cfg(test)]
mod sample_tests;
mod shapes;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;
use signing::OpaqueId;

pub(crate) use self::fields::external_link;
use crate::{ApprovalAction, CaseId, GateQuestion, PausedDeployment, Token};

/// The longest text of a message that is passed on, in bytes.
pub const TEXT_LIMIT: usize = 16 * 1024;

/// Everything that an event brings, in its order. An SNS event may bring several messages; one that
/// isn't understood does not hinder the others.
#[must_use]
pub fn incoming(event: &serde_json::Value) -> Vec<Incoming> {
    envelope::open(event)
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A manual approval asks, with its token and without its execution.
    Approval(ApprovalMessage),
    /// The same from a notification rule: with its execution and without the token.
    Waiting(WaitingMessage),
    /// An action of a pipeline changed its state.
    ActionChanged(StateChange),
    /// An execution of a pipeline changed its state.
    ExecutionChanged(ExecutionChange),
    /// A deployment of ECS is paused and waits for people.
    Paused(PauseEvent),
    /// Something changed about a deployment of ECS.
    DeploymentChanged(DeploymentEvent),
    /// A gate asks people.
    GateAsks(Box<GateAsks>),
    /// A gate has decided: it had asked people, or it lets nothing pass.
    GateDecided(Box<GateDecided>),
    /// A trigger of `CodeDeploy`.
    CodeDeploy(Trigger),
    /// An alarm of `CloudWatch`.
    Alarm(Alarm),
    /// Our own reminder.
    Reminder {
        /// The case that may still wait.
        case: CaseId,
        /// Which reminder it is, from 1.
        number: u32,
    },
    /// Anything else.
    Other(PlainMessage),
}

impl Incoming {
    /// Where it came from; our own reminders have no origin.
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Approval(message) => Some(&message.origin),
            Self::Waiting(message) => Some(&message.origin),
            Self::ActionChanged(message) => Some(&message.origin),
            Self::ExecutionChanged(message) => Some(&message.origin),
            Self::Paused(event) => Some(&event.origin),
            Self::DeploymentChanged(event) => Some(&event.origin),
            Self::GateAsks(event) => Some(&event.origin),
            Self::GateDecided(event) => Some(&event.origin),
            Self::CodeDeploy(message) => Some(&message.origin),
            Self::Alarm(message) => Some(&message.origin),
            Self::Other(message) => Some(&message.origin),
            Self::Reminder { .. } => None,
        }
    }
}

/// Where a message came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The id of the message (SNS) or the event (EventBridge): the same when it is delivered again.
    pub message_id: Option<String>,
    /// The SNS topic.
    pub topic_arn: Option<String>,
    /// When SNS or SQS took it: the same when it is delivered again.
    pub sent: Option<Timestamp>,
    /// Whether it is one that we told a topic ourselves.
    pub own: bool,
}

/// A gate's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateAsks {
    /// What is asked.
    pub question: GateQuestion,
    /// Where it came from.
    pub origin: Origin,
}

/// A gate has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateDecided {
    /// The case, if people were asked: what became of it is read from its answer.
    pub case: Option<CaseId>,
    /// What it says, if it lets nothing pass.
    pub stopped: Option<GateDecision>,
    /// Where it came from.
    pub origin: Origin,
}

/// A decision that lets nothing pass, as its event says it. Empty is what is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateDecision {
    /// `pre-traffic` or `post-traffic`.
    pub gate: String,
    /// Who called: `CodeDeploy`, `ECS` or `CodePipeline`.
    pub caller: String,
    /// What the caller has heard: `Failed`, `Undelivered` or `Unconfirmed`.
    pub answer: String,
    /// What the evidence says: `failed` or `inconclusive`.
    pub verdict: String,
    /// The application of CodeDeploy, or the service of ECS.
    pub application: String,
    /// The cluster.
    pub cluster: String,
    /// The service.
    pub service: String,
    /// The version.
    pub version: String,
    /// The deployment, or the first job of CodePipeline.
    pub deployment_id: String,
    /// The lifecycle event or stage.
    pub lifecycle_event: String,
    /// The suite.
    pub suite: String,
    /// Whole sentences, masked.
    pub reasons: Vec<String>,
    /// How many more the report has.
    pub reasons_left_out: u64,
    /// Where the report lies.
    pub report: String,
    /// The report in the console, if it leads there.
    pub report_link: Option<String>,
}

impl GateDecision {
    /// The same for each event about this decision: a gate that is run again says the same again.
    pub fn id(&self) -> OpaqueId {
        OpaqueId::of(&[
            "deploy-hooks decision of a gate",
            &self.gate,
            &self.caller,
            &self.answer,
            &self.application,
            &self.cluster,
            &self.service,
            &self.deployment_id,
            &self.lifecycle_event,
            &self.suite,
            &self.report,
        ])
    }
}

/// What `CodePipeline` publishes when a manual approval begins to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalMessage {
    /// What waits. The message names no account; this is the topic's.
    pub action: ApprovalAction,
    /// The token.
    pub token: Token,
    /// When `CodePipeline` gives up waiting.
    pub expires: Option<Timestamp>,
    /// The pipeline in the console; only of AWS's console, and never the review link.
    pub console_link: Option<String>,
    /// The link that the action's owner configured, as text, without tokens.
    pub external_link: Option<String>,
    /// The comment that the action's owner configured; masked and bounded.
    pub comment: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

/// What a notification rule publishes when a manual approval begins to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingMessage {
    /// What waits.
    pub action: ApprovalAction,
    /// The pipeline execution.
    pub execution_id: String,
    /// The link that the action's owner configured, as text, without tokens.
    pub external_link: Option<String>,
    /// The comment that the action's owner configured; masked and bounded.
    pub comment: Option<String>,
    /// When it began to wait.
    pub time: Option<Timestamp>,
    /// Where it came from.
    pub origin: Origin,
}

/// An action of a pipeline changed its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The action; not always an approval.
    pub action: ApprovalAction,
    /// The pipeline execution.
    pub execution_id: String,
    /// `Approval`, `Deploy`, …
    pub category: String,
    /// `Manual`, `CodeDeploy`, …
    pub provider: String,
    /// Its new state.
    pub state: State,
    /// What the action said about it; masked and bounded. For an approval the decision's summary.
    pub summary: Option<String>,
    /// Whether a notification rule says so, which somebody made to be told of it.
    pub notified: bool,
    /// When it changed.
    pub time: Option<Timestamp>,
    /// Where it came from.
    pub origin: Origin,
}

impl StateChange {
    /// Whether the action is a manual approval.
    pub fn is_manual_approval(&self) -> bool {
        self.category == "Approval" && self.provider == "Manual"
    }
}

/// An execution of a pipeline changed its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionChange {
    /// The account; empty where the message does not say.
    pub account: String,
    /// The region.
    pub region: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The execution.
    pub execution_id: String,
    /// Its new state.
    pub state: State,
    /// Whether a notification rule says so, which somebody made to be told of it.
    pub notified: bool,
    /// When it changed.
    pub time: Option<Timestamp>,
    /// Where it came from.
    pub origin: Origin,
}

/// The state of an action or an execution.
/// <https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It began. A manual approval waits now.
    Started,
    /// A failed stage is tried again.
    Resumed,
    /// It is done. A manual approval was approved.
    Succeeded,
    /// It failed. A manual approval was rejected, or expired.
    Failed,
    /// It is being stopped.
    Stopping,
    /// It was stopped.
    Stopped,
    /// A newer execution took its place.
    Superseded,
    /// It was cancelled.
    Canceled,
    /// It was given up.
    Abandoned,
    /// A word that AWS has added since; at most 40 letters.
    Other(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Started => "started",
            Self::Resumed => "resumed",
            Self::Succeeded => "succeeded",
            Self::Failed => "FAILED",
            Self::Stopping => "is being stopped",
            Self::Stopped => "was stopped",
            Self::Superseded => "was superseded",
            Self::Canceled => "was cancelled",
            Self::Abandoned => "was abandoned",
            Self::Other(word) => word,
        })
    }
}

/// A PAUSE hook of a deployment of ECS began to wait. All that it says is read again from ECS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseEvent {
    /// What waits.
    pub paused: PausedDeployment,
    /// When ECS gives up waiting.
    pub expires: Option<Timestamp>,
    /// When it began to wait.
    pub time: Option<Timestamp>,
    /// Where it came from.
    pub origin: Origin,
}

/// Something changed about a deployment of ECS: worth looking at its cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentEvent {
    /// Which one.
    pub deployment: DeploymentRef,
    /// Where it came from.
    pub origin: Origin,
}

/// How an event names a deployment of ECS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentRef {
    /// By the ARN of the service deployment, as events about hooks do.
    Arn(String),
    /// By nothing but its service, as events about deployments do: cluster and service.
    OfService(String, String),
}

/// A trigger of `CodeDeploy`, for a deployment or one of its instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// The account; empty where the message does not say.
    pub account: String,
    /// The region.
    pub region: String,
    /// The trigger's name.
    pub name: String,
    /// The application.
    pub application: Option<String>,
    /// The deployment group.
    pub group: Option<String>,
    /// The deployment, `d-…`.
    pub deployment: String,
    /// The instance, where the trigger is about one.
    pub instance: Option<String>,
    /// AWS's word for the state: `SUCCEEDED`, `FAILED`, …
    pub status: String,
    /// What went wrong, or why it is rolled back; masked and bounded.
    pub detail: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

/// An alarm of `CloudWatch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The account; empty where the message does not say.
    pub account: String,
    /// The region; empty where the message does not say.
    pub region: String,
    /// The alarm's name.
    pub name: String,
    /// What its owner wrote about it; masked and bounded.
    pub description: Option<String>,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why; masked and bounded.
    pub reason: Option<String>,
    /// When.
    pub time: Option<Timestamp>,
    /// Where it came from.
    pub origin: Origin,
}

/// A message of a shape that isn't known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainMessage {
    /// The subject; masked, one line, at most 200 characters.
    pub subject: Option<String>,
    /// The text; masked, control characters visible, at most [`TEXT_LIMIT`] bytes.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}
