//! A local AWS for the parts that no emulator has: CodeDeploy blue/green deployments with lifecycle
//! hooks, CodePipeline with manual approvals, ECS services with real processes as tasks and deployments by
//! ECS itself, Application Auto Scaling of them, and load balancers whose listeners really forward by
//! rule and weight. Everything else is passed on, unchanged, to an emulator behind it. Messages to chat
//! services end in sinks of its own.
//!
//! It exists for the demo and the tests and must never be deployed: it checks no credentials.

pub mod agentcore;
pub mod autoscaling;
pub mod bedrock;
pub mod call_log;
pub mod clock;
pub mod codedeploy;
pub mod codepipeline;
pub mod ecs;
pub mod elb;
mod emulator;
pub mod error;
mod event_bus;
pub mod faults;
mod gateway;
mod ids;
mod process;
mod schedules;
mod service;
pub mod sinks;
mod sync;
pub mod throttle;
pub mod timeline;
mod upstream;
pub mod wire;
mod world;

pub use gateway::Server;
pub use world::{World, WorldOptions};
