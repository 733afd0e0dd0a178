//! AWS CodePipeline over the wire protocol: pipelines that run, approvals that wait, and every way a
//! decision can be refused.
//!
//! Calls change a state behind one lock, never held across an await. One task an execution drives it
//! (`driver`); who may enter a stage is decided by pure functions on the state (`stage_entry`). What AWS
//! measures in minutes or days is virtual time.
//!
//! It must never be kinder than AWS: a token is good for one answer, in time, and for nothing else.

mod actions;
mod approval;
mod artifacts;
pub(crate) mod change_sets;
mod cloudformation;
mod code_deploy;
mod code_deploy_to_ecs;
pub(crate) mod commits;
mod declaration;
mod driver;
mod events;
mod executions;
mod history;
mod jobs;
mod model;
mod pipelines;
mod providers;
mod retry_stage;
mod sources;
mod stage_entry;
mod stage_transitions;
mod state_changes;
mod state_view;
mod validation;
mod variables;

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;
use serde_json::Value;

use self::artifacts::Store;
use self::change_sets::ChangeSets;
use self::commits::Commits;
use self::model::State;
use crate::World;
use crate::codedeploy::CodeDeploy;
use crate::error::AwsError;
use crate::event_bus::EventBus;
use crate::service::{Call, Operations, Service};
use crate::sinks::Sinks;
use crate::sync::lock;
use crate::upstream::Upstream;

/// What a call says, and the ARN of who makes it.
struct Request<'a> {
    input: &'a Value,
    caller: &'a str,
}

type Operation = fn(&CodePipeline, &Request<'_>) -> Result<Value, AwsError>;

/// Every operation that is served.
const OPERATIONS: Operations<Operation> = Operations {
    unknown: "UnknownOperationException",
    table: &[
        ("CreatePipeline", CodePipeline::create_pipeline),
        ("DeletePipeline", CodePipeline::delete_pipeline),
        (
            "DisableStageTransition",
            CodePipeline::disable_stage_transition,
        ),
        (
            "EnableStageTransition",
            CodePipeline::enable_stage_transition,
        ),
        ("GetJobDetails", CodePipeline::get_job_details),
        ("GetPipeline", CodePipeline::get_pipeline),
        ("GetPipelineExecution", CodePipeline::get_pipeline_execution),
        ("GetPipelineState", CodePipeline::get_pipeline_state),
        ("ListActionExecutions", CodePipeline::list_action_executions),
        (
            "ListPipelineExecutions",
            CodePipeline::list_pipeline_executions,
        ),
        ("ListPipelines", CodePipeline::list_pipelines),
        ("ListTagsForResource", CodePipeline::list_tags),
        ("PutApprovalResult", CodePipeline::put_approval_result),
        ("PutJobFailureResult", CodePipeline::put_job_failure),
        ("PutJobSuccessResult", CodePipeline::put_job_success),
        ("RetryStageExecution", CodePipeline::retry_stage_execution),
        (
            "StartPipelineExecution",
            CodePipeline::start_pipeline_execution,
        ),
        (
            "StopPipelineExecution",
            CodePipeline::stop_pipeline_execution,
        ),
        ("TagResource", CodePipeline::tag_resource),
        ("UntagResource", CodePipeline::untag_resource),
        ("UpdatePipeline", CodePipeline::update_pipeline),
    ],
};

/// AWS CodePipeline. Clones share all state.
#[derive(Clone)]
pub struct CodePipeline {
    shared: Arc<Shared>,
}

struct Shared {
    world: World,
    codedeploy: CodeDeploy,
    upstream: Upstream,
    store: Store,
    sinks: Sinks,
    bus: EventBus,
    change_sets: ChangeSets,
    commits: Commits,
    state: Mutex<State>,
}

impl Service for CodePipeline {
    fn signing_name(&self) -> &'static str {
        "codepipeline"
    }

    fn answer(&self, call: &Call<'_>) -> Result<Response<Bytes>, AwsError> {
        let serve = OPERATIONS.find(call.operation)?;
        call.json(|input| {
            let request = Request {
                input: &input,
                caller: call.caller,
            };
            serve(self, &request)
        })
    }
}

impl CodePipeline {
    /// A CodePipeline without pipelines, whose deployments are `codedeploy`'s. Needs a Tokio runtime.
    pub fn new(world: World, codedeploy: CodeDeploy, sinks: Sinks) -> Self {
        let upstream = world.upstream_client();
        let store = Store::new(&world.upstream, &world.region);
        let bus = EventBus::start(upstream.clone(), &world, sinks.clone());
        let change_sets = ChangeSets::new(&world);
        let state = Mutex::new(State::new(&world.account));
        Self {
            shared: Arc::new(Shared {
                world,
                codedeploy,
                upstream,
                store,
                sinks,
                bus,
                change_sets,
                commits: Commits::default(),
                state,
            }),
        }
    }

    /// Where events of AWS services are put.
    pub(crate) fn event_bus(&self) -> &EventBus {
        &self.shared.bus
    }

    /// Change sets with definitions of their own.
    pub(crate) fn change_sets(&self) -> &ChangeSets {
        &self.shared.change_sets
    }

    /// What source actions of connections find.
    pub(crate) fn commits(&self) -> &Commits {
        &self.shared.commits
    }

    fn world(&self) -> &World {
        &self.shared.world
    }

    fn now(&self) -> Timestamp {
        self.shared.world.clock.now()
    }

    fn arn(&self, pipeline: &str) -> String {
        let World {
            account, region, ..
        } = self.world();
        format!("arn:aws:codepipeline:{region}:{account}:{pipeline}")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}
