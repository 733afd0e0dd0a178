//! What an application is deployed to, and what differs by it in names and defaults.

use super::lifecycle::LifecycleEvent;
use crate::error::AwsError;

/// The compute platforms that are simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    Ecs,
    Lambda,
}

impl Platform {
    /// Reads a `computePlatform`. AWS's default is `Server`.
    pub(super) fn read(given: Option<&str>) -> Result<Self, AwsError> {
        let why = match given.unwrap_or("Server") {
            "ECS" => return Ok(Self::Ecs),
            "Lambda" => return Ok(Self::Lambda),
            "Server" => {
                "The compute platform Server is not simulated by local-aws, which serves ECS \
                         and Lambda; pass computePlatform ECS or Lambda"
                    .to_owned()
            }
            other => format!("The compute platform {other} is not one of ECS, Lambda and Server"),
        };
        Err(AwsError::client("InvalidComputePlatformException", why))
    }

    /// The name on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ECS",
            Self::Lambda => "Lambda",
        }
    }

    /// `an ECS`, `a Lambda`.
    pub(super) const fn with_article(self) -> &'static str {
        match self {
            Self::Ecs => "an ECS",
            Self::Lambda => "a Lambda",
        }
    }

    /// The configuration of a deployment group that names none.
    pub(super) const fn default_config(self) -> &'static str {
        match self {
            Self::Ecs => "CodeDeployDefault.ECSAllAtOnce",
            Self::Lambda => "CodeDeployDefault.LambdaAllAtOnce",
        }
    }

    /// The type of the one resource in an AppSpec.
    pub(super) const fn resource_type(self) -> &'static str {
        match self {
            Self::Ecs => "AWS::ECS::Service",
            Self::Lambda => "AWS::Lambda::Function",
        }
    }

    /// The lifecycle events of a deployment, in order.
    pub(super) const fn events(self) -> &'static [LifecycleEvent] {
        match self {
            Self::Ecs => &LifecycleEvent::ALL,
            Self::Lambda => &[
                LifecycleEvent::BeforeAllowTraffic,
                LifecycleEvent::AllowTraffic,
                LifecycleEvent::AfterAllowTraffic,
            ],
        }
    }
}
