//! Deployment configurations: AWS's predefined ones for ECS and Lambda, and those a user makes.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html>

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::platform::Platform;
use super::routing::Routing;

/// Names that start like this are AWS's own.
pub(super) const PREDEFINED_PREFIX: &str = "CodeDeployDefault.";

/// A deployment configuration.
#[derive(Debug, Clone)]
pub(super) struct DeploymentConfig {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: Timestamp,
    pub(super) platform: Platform,
    pub(super) routing: Routing,
}

/// The predefined configurations, by name.
pub(super) fn predefined(now: Timestamp) -> BTreeMap<String, DeploymentConfig> {
    let canary = |percentage, interval_minutes| Routing::Canary {
        percentage,
        interval_minutes,
    };
    let linear = |percentage, interval_minutes| Routing::Linear {
        percentage,
        interval_minutes,
    };
    let ecs = [
        ("ECSAllAtOnce", Routing::AllAtOnce),
        ("ECSCanary10Percent5Minutes", canary(10, 5)),
        ("ECSCanary10Percent15Minutes", canary(10, 15)),
        ("ECSLinear10PercentEvery1Minutes", linear(10, 1)),
        ("ECSLinear10PercentEvery3Minutes", linear(10, 3)),
    ];
    let lambda = [
        ("LambdaAllAtOnce", Routing::AllAtOnce),
        ("LambdaCanary10Percent5Minutes", canary(10, 5)),
        ("LambdaCanary10Percent10Minutes", canary(10, 10)),
        ("LambdaCanary10Percent15Minutes", canary(10, 15)),
        ("LambdaCanary10Percent30Minutes", canary(10, 30)),
        ("LambdaLinear10PercentEvery1Minute", linear(10, 1)),
        ("LambdaLinear10PercentEvery2Minutes", linear(10, 2)),
        ("LambdaLinear10PercentEvery3Minutes", linear(10, 3)),
        ("LambdaLinear10PercentEvery10Minutes", linear(10, 10)),
    ];
    let ecs = ecs
        .into_iter()
        .map(|(name, routing)| (name, Platform::Ecs, routing));
    let lambda = lambda
        .into_iter()
        .map(|(name, routing)| (name, Platform::Lambda, routing));
    ecs.chain(lambda)
        .enumerate()
        .map(|(n, (name, platform, routing))| {
            let name = format!("{PREDEFINED_PREFIX}{name}");
            let config = DeploymentConfig {
                id: format!("00000000-0000-0000-0000-{:012}", n + 1),
                name: name.clone(),
                created: now,
                platform,
                routing,
            };
            (name, config)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_predefined_configurations_of_both_platforms_are_there() {
        let names: Vec<_> = predefined(Timestamp::UNIX_EPOCH).into_keys().collect();
        insta::assert_snapshot!(names.join("\n"), @r"
        CodeDeployDefault.ECSAllAtOnce
        CodeDeployDefault.ECSCanary10Percent15Minutes
        CodeDeployDefault.ECSCanary10Percent5Minutes
        CodeDeployDefault.ECSLinear10PercentEvery1Minutes
        CodeDeployDefault.ECSLinear10PercentEvery3Minutes
        CodeDeployDefault.LambdaAllAtOnce
        CodeDeployDefault.LambdaCanary10Percent10Minutes
        CodeDeployDefault.LambdaCanary10Percent15Minutes
        CodeDeployDefault.LambdaCanary10Percent30Minutes
        CodeDeployDefault.LambdaCanary10Percent5Minutes
        CodeDeployDefault.LambdaLinear10PercentEvery10Minutes
        CodeDeployDefault.LambdaLinear10PercentEvery1Minute
        CodeDeployDefault.LambdaLinear10PercentEvery2Minutes
        CodeDeployDefault.LambdaLinear10PercentEvery3Minutes
        ");
    }
}
