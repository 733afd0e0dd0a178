//! What is known of a deployment's wiring, in types of our own.

use std::time::Duration;

/// A fact, or why it is not known and what to do so that it is. Of what was looked up and is not there, the fact is
/// `Ok(None)`.
pub type Fact<T> = Result<T, String>;

/// The facts of one deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// CodeDeploy, ECS compute platform.
    CodeDeployEcs(Box<CodeDeployEcs>),
    /// CodeDeploy, Lambda compute platform.
    CodeDeployLambda(Box<CodeDeployLambda>),
    /// ECS's own deployments.
    Ecs(Box<EcsDeployment>),
}

/// What both ways to deploy a service of ECS have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcsRelease {
    /// The new task definition.
    pub task_definition: Fact<Option<TaskDefinition>>,
    /// The ARN of the one that serves; none at a first deployment.
    pub old_task_definition: Fact<Option<String>>,
    /// The deployment is over and its earlier tasks are gone: nobody says any more what served before it.
    pub old_is_gone: bool,
    /// The container behind the load balancer.
    pub container: Option<String>,
    /// Its port there.
    pub port: Option<u16>,
    /// The service.
    pub service: Fact<Option<Service>>,
    /// How the deployment names its target groups, by name or ARN.
    pub named_target_groups: Vec<String>,
    /// Those of them that exist.
    pub target_groups: Fact<Vec<TargetGroup>>,
    /// The image of the container under test, as the registry knows it.
    pub image: Fact<Registry>,
    /// The versions.
    pub versions: Versions,
    /// The alarms that are attached.
    pub alarms: AttachedAlarms,
}

/// A deployment by CodeDeploy, ECS compute platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeDeployEcs {
    /// What is deployed.
    pub release: EcsRelease,
    /// `TaskDefinition` as the AppSpec has it.
    pub written_task_definition: String,
    /// The production listener, as the deployment group names it.
    pub production_listener: Option<String>,
    /// The test listener.
    pub test_listener: Option<String>,
    /// The lifecycle events of the AppSpec that need a test listener.
    pub events_on_test_traffic: Vec<String>,
    /// The listeners that exist.
    pub routes: Fact<Vec<Route>>,
    /// What the deployment group does with a failure.
    pub rollback: AutomaticRollback,
    /// How long the earlier task set is kept after success; none where it is kept.
    pub termination_wait: Option<Duration>,
}

/// A deployment by CodeDeploy, Lambda compute platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeDeployLambda {
    /// The function's name.
    pub function: String,
    /// The alias whose traffic is shifted.
    pub alias: String,
    /// `CurrentVersion` of the AppSpec.
    pub current_version: String,
    /// `TargetVersion` of the AppSpec.
    pub target_version: String,
    /// The state of the target version, in AWS's words: `Active`.
    pub target_state: Fact<Option<String>>,
    /// The versions that the alias leads to, the main one first.
    pub alias_versions: Fact<Option<Vec<String>>>,
    /// What the deployment group does with a failure.
    pub rollback: AutomaticRollback,
    /// The alarms that are attached.
    pub alarms: AttachedAlarms,
}

/// A deployment by ECS itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcsDeployment {
    /// What is deployed.
    pub release: EcsRelease,
    /// The production rule, or the listener of a Network Load Balancer.
    pub production_rule: Option<String>,
    /// The test rule.
    pub test_rule: Option<String>,
    /// The rules that exist.
    pub routes: Fact<Vec<Route>>,
    /// How long both revisions run after production traffic has moved.
    pub bake_time: Duration,
    /// How long it waits between the steps of a canary or linear deployment, all together.
    pub shift_time: Duration,
    /// How its tasks are replaced.
    pub strategy: Strategy,
    /// The service's lifecycle hooks.
    pub hooks: Vec<LifecycleHook>,
    /// The circuit breaker is on and rolls back.
    pub circuit_breaker: bool,
    /// The alarms are on and roll back.
    pub alarms_roll_back: bool,
    /// There is no earlier revision.
    pub is_first: bool,
    /// Event rules whose pattern names the service's ARN.
    pub event_rules: Fact<Vec<EventRule>>,
}

/// How ECS replaces the tasks of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// One after the other.
    Rolling,
    /// By a second set of tasks, to which traffic moves: blue/green, canary, linear.
    TrafficShift,
}

/// A task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDefinition {
    /// Its ARN.
    pub arn: String,
    /// It can be run: `ACTIVE`.
    pub is_active: bool,
    /// `awsvpc`, `bridge`, `host` or `none`.
    pub network_mode: String,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container of a task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image, as written.
    pub image: String,
    /// The container ports of its port mappings.
    pub ports: Vec<u16>,
    /// The host ports that they name; those that are chosen when a task starts are left out.
    pub host_ports: Vec<u16>,
    /// Whatever names its version, the most direct first.
    pub versions: Vec<NamedVersion>,
}

/// A version, and what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedVersion {
    /// `the label com.datadoghq.tags.version`
    pub place: String,
    /// As it is written.
    pub version: String,
}

/// A service of ECS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its ARN.
    pub arn: String,
    /// It is `ACTIVE`.
    pub is_active: bool,
    /// `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub controller: String,
    /// The CloudFormation stack that manages it, by its tag.
    pub stack: Fact<Option<String>>,
}

/// A target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `ip`, `instance`, `lambda` or `alb`.
    pub target_type: String,
    /// The load balancers that it is attached to, by ARN.
    pub load_balancers: Vec<String>,
    /// The fixed port of its health check; none where it is the traffic port.
    pub health_check_port: Option<u16>,
    /// How long a target goes on draining.
    pub deregistration_delay: Fact<Duration>,
}

/// A listener or a listener rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its ARN.
    pub arn: String,
    /// Its load balancer, by ARN.
    pub load_balancer: String,
    /// The ARNs of the target groups that it forwards to.
    pub forwards_to: Vec<String>,
    /// Of a rule: the priority of one that is asked earlier and takes every request that this one takes. None where there is
    /// none, or where nobody can be sure.
    pub taken_before: Fact<Option<u32>>,
}

/// What the registry says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    /// The image is there.
    Present,
    /// The repository has no such tag or digest, or does not exist.
    Absent,
    /// The image is in another registry than Amazon ECR, which is not asked.
    NotAsked,
}

/// The versions of both revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Of the one that is deployed.
    pub new: Fact<String>,
    /// Of the one that serves; none at a first deployment.
    pub old: Fact<Option<String>>,
}

/// What a deployment group does with a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomaticRollback {
    /// The deployment group's name.
    pub group: String,
    /// It is on.
    pub enabled: bool,
    /// `DEPLOYMENT_FAILURE` and the like.
    pub events: Vec<String>,
}

/// The alarms of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedAlarms {
    /// By name, where alarms are on.
    pub named: Vec<String>,
    /// The names of those that exist.
    pub existing: Fact<Vec<String>>,
}

/// A lifecycle hook of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleHook {
    /// The function's ARN; none for a pause.
    pub function: Option<String>,
    /// The role that ECS assumes to call it.
    pub role: Option<String>,
    /// The stages at which it stands.
    pub stages: Vec<String>,
    /// `timeoutInMinutes`; 24 hours where it does not say.
    pub timeout: Option<Duration>,
    /// `timeoutConfiguration.action` is `CONTINUE`.
    pub continues_on_timeout: bool,
}

/// A rule of Amazon EventBridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRule {
    /// Its name.
    pub name: String,
    /// The CloudFormation stack that manages it, by its tag.
    pub stack: Option<String>,
}
