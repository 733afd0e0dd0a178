//! AWS CodeDeploy for ECS blue/green deployments and for Lambda aliases, over the wire protocol and in the order of events
//! of the service.
//!
//! Calls change a state behind one lock, never held across an await; one task a deployment drives
//! it (`traffic_shift`); every decision is a pure function (`outcome`, `lifecycle`, `routing`,
//! `hooks::accept`). Waits that AWS measures in minutes are virtual time.
//!
//! It must never be kinder than AWS: an answer that AWS refuses is refused here, and silence fails.

mod alias_shift;
mod applications;
mod appspec;
mod config;
mod deployments;
mod groups;
mod hooks;
mod ids;
mod input;
mod lifecycle;
mod listener_weights;
mod model;
mod outcome;
mod plan;
mod platform;
mod revision;
mod rollback;
mod routing;
mod settings;
mod targets;
mod traffic_shift;

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use serde_json::Value;

use self::model::{Deployment, State};
use self::revision::Bucket;
use crate::World;
use crate::error::AwsError;
use crate::service::{Call, Operations, Service};
use crate::sync::lock;
use crate::timeline::TimelineEvent;
use crate::upstream::Upstream;

pub use self::hooks::{HOOK_TIMEOUT, HookCall, HookCaller, LambdaApi};

type Operation = fn(&CodeDeploy, &Value) -> Result<Value, AwsError>;

/// Every operation that is served.
const OPERATIONS: Operations<Operation> = Operations {
    unknown: "UnknownOperationException",
    table: &[
        ("BatchGetApplications", CodeDeploy::batch_get_applications),
        (
            "BatchGetDeploymentGroups",
            CodeDeploy::batch_get_deployment_groups,
        ),
        (
            "BatchGetDeploymentTargets",
            CodeDeploy::batch_get_deployment_targets,
        ),
        ("BatchGetDeployments", CodeDeploy::batch_get_deployments),
        ("ContinueDeployment", CodeDeploy::continue_deployment),
        ("CreateApplication", CodeDeploy::create_application),
        ("CreateDeployment", CodeDeploy::create_deployment),
        (
            "CreateDeploymentConfig",
            CodeDeploy::create_deployment_config,
        ),
        ("CreateDeploymentGroup", CodeDeploy::create_deployment_group),
        ("DeleteApplication", CodeDeploy::delete_application),
        (
            "DeleteDeploymentConfig",
            CodeDeploy::delete_deployment_config,
        ),
        ("DeleteDeploymentGroup", CodeDeploy::delete_deployment_group),
        ("GetApplication", CodeDeploy::get_application),
        (
            "GetApplicationRevision",
            CodeDeploy::get_application_revision,
        ),
        ("GetDeployment", CodeDeploy::get_deployment),
        ("GetDeploymentConfig", CodeDeploy::get_deployment_config),
        ("GetDeploymentGroup", CodeDeploy::get_deployment_group),
        ("GetDeploymentTarget", CodeDeploy::get_deployment_target),
        (
            "ListApplicationRevisions",
            CodeDeploy::list_application_revisions,
        ),
        ("ListApplications", CodeDeploy::list_applications),
        ("ListDeploymentConfigs", CodeDeploy::list_deployment_configs),
        ("ListDeploymentGroups", CodeDeploy::list_deployment_groups),
        ("ListDeploymentTargets", CodeDeploy::list_deployment_targets),
        ("ListDeployments", CodeDeploy::list_deployments),
        (
            "PutLifecycleEventHookExecutionStatus",
            CodeDeploy::put_hook_status,
        ),
        (
            "RegisterApplicationRevision",
            CodeDeploy::register_application_revision,
        ),
        ("StopDeployment", CodeDeploy::stop_deployment),
        ("UpdateDeploymentGroup", CodeDeploy::update_deployment_group),
    ],
};

/// AWS CodeDeploy for ECS services and Lambda aliases. Clones share all state.
#[derive(Clone)]
pub struct CodeDeploy {
    shared: Arc<Shared>,
}

struct Shared {
    world: World,
    hooks: HookCaller,
    bucket: Bucket,
    upstream: Upstream,
    state: Mutex<State>,
}

impl Service for CodeDeploy {
    fn signing_name(&self) -> &'static str {
        "codedeploy"
    }

    fn answer(&self, call: &Call<'_>) -> Result<Response<Bytes>, AwsError> {
        call.json(|input| self.call(call.operation, &input))
    }
}

impl CodeDeploy {
    /// An empty CodeDeploy in this world, whose hook functions are the upstream's Lambda functions.
    pub fn new(world: World) -> Self {
        let hooks = HookCaller::lambda_api(world.upstream_client());
        Self::with_hook_caller(world, hooks)
    }

    /// An empty CodeDeploy in this world that calls hook functions through `hooks`.
    pub fn with_hook_caller(world: World, hooks: HookCaller) -> Self {
        let bucket = Bucket::new(&world.upstream, &world.region);
        let upstream = world.upstream_client();
        let state = Mutex::new(State::new(world.clock.now()));
        Self {
            shared: Arc::new(Shared {
                world,
                hooks,
                bucket,
                upstream,
                state,
            }),
        }
    }

    /// Performs an operation of the wire API. Needs a Tokio runtime.
    pub fn call(&self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        OPERATIONS.find(operation)?(self, input)
    }

    fn world(&self) -> &World {
        &self.shared.world
    }

    fn hooks(&self) -> &HookCaller {
        &self.shared.hooks
    }

    fn bucket(&self) -> &Bucket {
        &self.shared.bucket
    }

    fn upstream(&self) -> &Upstream {
        &self.shared.upstream
    }

    fn now(&self) -> Timestamp {
        self.shared.world.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Deployment)) {
        let now = self.now();
        if let Ok(deployment) = self.state().deployment_mut(id) {
            deployment.updated = now;
            change(deployment);
        }
    }

    fn record(&self, id: &str, kind: &str, message: String, detail: Value) {
        self.world().timeline.record(TimelineEvent {
            kind: kind.to_owned(),
            deployment_id: Some(id.to_owned()),
            message,
            detail,
        });
    }
}
