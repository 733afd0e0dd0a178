//! What is kept of service deployments and service revisions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::watch;

use super::super::ServiceLoadBalancer;
use super::configuration::{DeploymentConfiguration, HookAction};
use super::stage::{Share, Stage};

/// One change of a service from some revisions to another.
#[derive(Debug)]
pub(crate) struct ServiceDeployment {
    pub(crate) arn: String,
    pub(crate) cluster: String,
    pub(crate) service: String,
    pub(crate) service_arn: String,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    pub(crate) stage: Option<Stage>,
    /// What was there before, oldest first.
    pub(crate) sources: Vec<RevisionShare>,
    /// Which of them it comes back to.
    pub(crate) base: Option<usize>,
    pub(crate) target: RevisionShare,
    pub(crate) configuration: DeploymentConfiguration,
    /// The configuration as it was given.
    pub(crate) given: Value,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) stopped_at: Option<Timestamp>,
    /// Every hook that began, in order.
    pub(crate) hooks: Vec<HookRecord>,
    /// What each hook of the configuration was given and has returned, by its place.
    pub(crate) hook_details: BTreeMap<usize, Map<String, Value>>,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) alarms: Monitor,
    pub(crate) triggered_alarms: Vec<String>,
    pub(crate) breaker: Monitor,
    pub(crate) failures: u32,
    pub(crate) stop: Option<StopRequest>,
    /// Tells that something here was changed from outside.
    pub(crate) changes: watch::Sender<()>,
}

/// A revision in a deployment, and what was asked for it.
#[derive(Debug, Clone)]
pub(crate) struct RevisionShare {
    /// The ARN of the revision.
    pub(crate) arn: String,
    /// The id of its task set.
    pub(crate) set: String,
    pub(crate) test: Share,
    pub(crate) production: Share,
}

/// How far a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    /// Whether nothing changes it any more.
    pub(crate) fn is_final(self) -> bool {
        matches!(
            self,
            Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed
        )
    }
}

/// Who ends a deployment from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopRequest {
    /// `StopServiceDeployment`, back to what was before.
    Rollback,
    /// `StopServiceDeployment`, as it is.
    Abort,
    /// Another deployment took its place, or the service was deleted; its record has ended.
    Over,
}

/// One run of a hook.
#[derive(Debug, Clone)]
pub(crate) struct HookRecord {
    pub(crate) id: String,
    /// None of a pause.
    pub(crate) function: Option<String>,
    pub(crate) stage: Stage,
    pub(crate) status: HookStatus,
    pub(crate) expires_at: Timestamp,
    pub(crate) timeout_action: HookAction,
    /// How a pause was answered.
    pub(crate) answer: Option<HookAction>,
}

impl HookRecord {
    pub(crate) fn target_type(&self) -> &'static str {
        match self.function {
            Some(_) => "AWS_LAMBDA",
            None => "PAUSE",
        }
    }
}

/// How far a hook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookStatus {
    AwaitingAction,
    InProgress,
    Succeeded,
    Failed,
    TimedOut,
}

impl HookStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingAction => "AWAITING_ACTION",
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}

/// Why and since when a deployment is undone.
#[derive(Debug, Clone)]
pub(crate) struct Rollback {
    pub(crate) reason: String,
    pub(crate) started_at: Timestamp,
    /// The revision that comes back.
    pub(crate) revision: String,
}

/// What watches over a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Monitor {
    Disabled,
    Monitoring,
    Complete,
    Triggered,
}

impl Monitor {
    pub(crate) fn of(enabled: bool) -> Self {
        if enabled {
            Self::Monitoring
        } else {
            Self::Disabled
        }
    }

    /// The deployment is over.
    pub(crate) fn end(&mut self) {
        if *self == Self::Monitoring {
            *self = Self::Complete;
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "DISABLED",
            Self::Monitoring => "MONITORING",
            Self::Complete => "MONITORING_COMPLETE",
            Self::Triggered => "TRIGGERED",
        }
    }
}

impl ServiceDeployment {
    /// The source that it comes back to.
    pub(crate) fn base_source(&self) -> Option<&RevisionShare> {
        self.sources.get(self.base?)
    }

    /// Ends the record.
    pub(crate) fn end(&mut self, status: Status, reason: Option<String>, now: Timestamp) {
        self.status = status;
        self.reason = reason.or(self.reason.take());
        self.updated_at = now;
        self.finished_at = Some(now);
        if status == Status::Stopped {
            self.stopped_at = Some(now);
        }
        self.alarms.end();
        self.breaker.end();
    }
}

/// The workload that a service ran or runs: never changed.
#[derive(Debug)]
pub(crate) struct ServiceRevision {
    pub(crate) arn: String,
    pub(crate) service_arn: String,
    pub(crate) cluster: String,
    pub(crate) task_definition: String,
    /// Name and image of each container.
    pub(crate) images: Vec<(String, String)>,
    /// As the service names them.
    pub(crate) load_balancers: Vec<ServiceLoadBalancer>,
    /// Where its tasks are registered: target group and production rule.
    pub(crate) resolved: Vec<(String, Option<String>)>,
    pub(crate) given: Map<String, Value>,
    pub(crate) created_at: Timestamp,
}
