//! The contracts with `CodeDeploy`, ECS and `CodePipeline`: event in, target found, answer out, deadline guard.
//!
//! Each of them waits long for a gate that says nothing and takes one of two words for an answer. So everything here
//! serves one promise: whatever happens, the caller hears exactly one answer before the function's own time-out, from
//! one place in its module, and never "succeeded" unless the gate has passed.

mod answer;
mod app_spec;
mod ask;
pub mod browsers;
mod budget;
mod call;
mod caller;
mod carried_state;
mod cloud;
mod codedeploy;
mod codepipeline;
mod conclude;
mod deployed;
mod ecs;
mod error;
pub mod event;
mod facts;
mod flow;
mod gate_function;
mod guard;
mod hand_over;
mod listener;
mod lookup;
mod measure;
mod metrics;
mod overrides;
mod provenance;
mod publish;
mod replay;
mod secrets;
pub mod settings;
mod suite_source;
mod version;

pub use app_spec::{AppSpec, AppSpecError, Hook, Resource};
pub use caller::Caller;
pub use cloud::ModelsOnly;
pub use codedeploy::{BakeFit, bake_fit};
pub use deployed::{
    DeployedRelease, DeploymentQuery, NotMeasurable, deployed_release, last_app_spec, wiring_facts,
};
pub use ecs::stage_refusal;
pub use error::HandleError;
pub use flow::handle;
pub use gate_function::GateFunction;
pub use replay::{EventDescription, ReplayResult, describe, replay};
pub use suite_source::SuiteLocation;
