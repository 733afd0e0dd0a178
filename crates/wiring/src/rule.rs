//! Every rule, with the name that suites and reports use, the platforms that it is for, and what must hold.

/// How a release is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// CodeDeploy, ECS compute platform.
    CodeDeployEcs,
    /// CodeDeploy, Lambda compute platform.
    CodeDeployLambda,
    /// ECS's own blue/green, canary and linear deployments.
    Ecs,
}

impl Platform {
    /// Its name in documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeDeployEcs => "CodeDeploy ECS",
            Self::CodeDeployLambda => "CodeDeploy Lambda",
            Self::Ecs => "ECS itself",
        }
    }
}

use Platform::{CodeDeployEcs as C, CodeDeployLambda as L, Ecs as E};

/// The enum `Rule`, by a row for each: the variant, its name, and what must hold.
#[macro_export]
macro_rules! rules {
    ($($variant:ident, $name:literal, $holds:literal;)*) => {
        /// What must hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $holds] $variant,)*
        }

        impl Rule {
            /// Every rule, in the order in which they are judged and documented.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name that suites and reports use.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What must hold, as a sentence.
            pub fn holds(self) -> &'static str {
                match self { $(Self::$variant => $holds),* }
            }
        }

        impl std::fmt::Display for Rule {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

/// The same, with the platforms that each rule is for.
macro_rules! rules_of_platforms {
    ($($variant:ident, $name:literal, $platforms:expr, $holds:literal;)*) => {
        rules! { $($variant, $name, $holds;)* }

        impl Rule {
            /// The platforms that it is for.
            pub fn platforms(self) -> &'static [Platform] {
                match self { $(Self::$variant => $platforms),* }
            }
        }
    };
}

rules_of_platforms! {
    TaskDefinitionArn, "task-definition-arn", &[C],
        "The AppSpec names the task definition by its full ARN with a revision, and not by the placeholder `<TASK_DEFINITION>`.";
    TaskDefinitionExists, "task-definition-exists", &[C, E],
        "The task definition exists and is active.";
    TaskDefinitionFamily, "task-definition-family", &[C, E],
        "The task definition is of the same family as the one that serves.";
    Container, "container", &[C, E],
        "The container behind the load balancer is in the task definition.";
    ContainerPort, "container-port", &[C, E],
        "That container has a port mapping for the load balancer's port.";
    ServiceExists, "service-exists", &[C, E],
        "The service exists and is active.";
    DeploymentController, "deployment-controller", &[C, E],
        "The service's deployment controller is `CODE_DEPLOY` for CodeDeploy, and `ECS` for ECS's own deployments.";
    TargetGroups, "target-groups", &[C, E],
        "There are two different target groups, and both exist.";
    TargetType, "target-type", &[C, E],
        "Both target groups have the target type that the task definition's network mode needs: `ip` for `awsvpc`, else `instance`.";
    LoadBalancer, "load-balancer", &[C, E],
        "Both target groups and all listeners are on the same load balancer.";
    HealthCheckPort, "health-check-port", &[C, E],
        "The health check of each target group asks the traffic port; in the network mode `bridge`, it may ask a host port that a container names.";
    ProductionRoute, "production-route", &[C, E],
        "The production listener (ECS itself: its rule) exists and forwards to one of the two target groups.";
    TestRoute, "test-route", &[C, E],
        "Where a hook needs one, there is a test listener (ECS itself: a test rule), it is not the production one, and it can lead to the new target group.";
    RulePriority, "rule-priority", &[E],
        "No rule that the listener asks earlier takes every request of the test rule or of the production rule.";
    DeregistrationDelay, "deregistration-delay", &[C, E],
        "The target groups' deregistration delay is no longer than the earlier tasks are kept (ECS itself: the bake time).";
    ImageTag, "image-tag", &[C, E],
        "The image is named by a digest or by a tag other than `latest`.";
    ImageExists, "image-exists", &[C, E],
        "The image's tag or digest is in its repository of Amazon ECR.";
    AutomaticRollback, "automatic-rollback", &[C, L],
        "The deployment group rolls back automatically on `DEPLOYMENT_FAILURE`.";
    RollbackTrigger, "rollback-trigger", &[E],
        "Something rolls back a release that fails after traffic has moved: alarms, a hook that does not fail open, or, in a rolling deployment, the circuit breaker.";
    AlarmsExist, "alarms-exist", &[C, L, E],
        "Every alarm that is attached to the deployment exists.";
    HookTimeoutAction, "hook-timeout-action", &[E],
        "No lifecycle hook has `timeoutConfiguration.action: CONTINUE`, which lets a release pass that nobody has judged.";
    HookTimeout, "hook-timeout", &[E],
        "Each hook's time-out is one that ECS takes: 1 to 1,440 minutes for a Lambda function, up to 20,160 for a pause.";
    HookTimeSum, "hook-time-sum", &[E],
        "In a service that CloudFormation manages, the bake time and all hooks' time-outs (24 hours each unless said) are together at most 1,980 minutes.";
    HookRole, "hook-role", &[E],
        "Each hook that calls a function names a role of the service's account for ECS to assume.";
    EventRule, "event-rule", &[E],
        "Where a hook pauses, no event rule of the service's own stack names the service: it would be made after the service, which waits for the answer to the event.";
    FirstDeployment, "first-deployment", &[E],
        "There is an earlier revision to roll back to, where the suite says `first_deployment: fail`.";
    FunctionVersions, "function-versions", &[L],
        "`CurrentVersion` and `TargetVersion` are two published versions, and not `$LATEST`; the target version exists and is active.";
    Alias, "alias", &[L],
        "The alias exists and leads to `CurrentVersion`.";
    VersionNewer, "version-newer", &[C, L, E],
        "The version that is deployed is not older than the one that serves, unless the suite says `allow_downgrade: true`.";
    VersionsAgree, "versions-agree", &[C, E],
        "All that names a version of the container in its task definition names the same one: the tag `deploy-hooks:version`, variables, labels, and the image's tag.";
}

impl Rule {
    /// The rule of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.name() == name)
    }
}
