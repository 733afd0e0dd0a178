//! What the deployment engine sees of ECS: values, copied out, that hold no lock.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A service and its task sets.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceView {
    /// The service's ARN.
    pub arn: String,
    /// The ARN of its cluster.
    pub cluster_arn: String,
    /// Its name.
    pub name: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// Tasks wanted in the primary task set.
    pub desired_count: u32,
    /// ARN of the task definition it was created with, or of its primary task set's.
    pub task_definition: Option<String>,
    /// Who deploys it.
    pub deployment_controller: DeploymentController,
    /// Where its tasks are registered.
    pub load_balancers: Vec<ServiceLoadBalancer>,
    /// Its task sets, oldest first.
    pub task_sets: Vec<TaskSetView>,
}

/// Who deploys a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentController {
    /// ECS itself, by rolling updates.
    Ecs,
    /// CodeDeploy, blue/green.
    CodeDeploy,
    /// The caller, by task sets.
    External,
}

impl fmt::Display for DeploymentController {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ecs => "ECS",
            Self::CodeDeploy => "CODE_DEPLOY",
            Self::External => "EXTERNAL",
        })
    }
}

/// A target group and the container port registered in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLoadBalancer {
    /// ARN of the target group.
    pub target_group_arn: String,
    /// The container whose port it is.
    pub container_name: String,
    /// The port inside the container.
    pub container_port: u16,
    /// How ECS itself shifts traffic.
    pub advanced: Option<AdvancedConfiguration>,
}

/// The rules by which ECS shifts traffic between two target groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdvancedConfiguration {
    /// ARN of the other target group.
    pub alternate_target_group_arn: String,
    /// ARN of the rule for production traffic.
    pub production_listener_rule: String,
    /// ARN of the rule for test traffic.
    pub test_listener_rule: Option<String>,
    /// ARN of the role that may change them.
    pub role_arn: Option<String>,
}

/// A task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDefinitionView {
    /// The full ARN, with revision.
    pub arn: String,
    /// The family.
    pub family: String,
    /// The revision, from 1.
    pub revision: u32,
    /// Whether it is `ACTIVE`.
    pub active: bool,
    /// Its containers.
    pub containers: Vec<ContainerView>,
}

/// A container of a task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerView {
    /// Its name.
    pub name: String,
    /// Its image, with tag.
    pub image: String,
    /// The ports inside the container.
    pub container_ports: Vec<u16>,
}

/// What a new task set is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTaskSet {
    /// Name or ARN of the cluster.
    pub cluster: String,
    /// Name or ARN of the service.
    pub service: String,
    /// `family`, `family:revision` or ARN.
    pub task_definition: String,
    /// Where its tasks are registered.
    pub target_group_arn: String,
    /// The container whose port is registered.
    pub container_name: String,
    /// The port inside the container.
    pub container_port: u16,
    /// The deployer's name for it, such as the deployment's id.
    pub external_id: Option<String>,
    /// Who made it, such as `CODE_DEPLOY`.
    pub started_by: Option<String>,
}

/// A task set.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSetView {
    /// `ecs-svc/…`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Whether it serves production, stands by, or goes away.
    pub status: TaskSetStatus,
    /// ARN of the task definition.
    pub task_definition: String,
    /// The target group its tasks are registered in.
    pub target_group_arn: Option<String>,
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks on their way up.
    pub pending: u32,
    /// Tasks whose processes run.
    pub running: u32,
    /// Whether all wanted tasks run, are registered and pass the target group's health check.
    pub stability: Stability,
    /// The deployer's name for it.
    pub external_id: Option<String>,
    /// Virtual time.
    pub created_at: Timestamp,
}

/// The state of a task set within its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskSetStatus {
    /// Serves production traffic.
    Primary,
    /// Does not serve production traffic.
    Active,
    /// Its tasks are being stopped.
    Draining,
}

impl fmt::Display for TaskSetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Primary => "PRIMARY",
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        })
    }
}

/// Whether a task set has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// All wanted tasks run and are healthy.
    SteadyState,
    /// Not yet, or no longer.
    Stabilizing,
}

impl fmt::Display for Stability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SteadyState => "STEADY_STATE",
            Self::Stabilizing => "STABILIZING",
        })
    }
}
