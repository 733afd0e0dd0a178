//! Deployment configurations: AWS's predefined ones for ECS, and those a user makes.
//! <https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html>

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::routing::Routing;

/// The configuration of a deployment group that names none.
pub(super) const DEFAULT: &str = "CodeDeployDefault.ECSAllAtOnce";

/// Names that start like this are AWS's own.
pub(super) const PREDEFINED_PREFIX: &str = "CodeDeployDefault.";

/// A deployment configuration.
#[derive(Debug, Clone)]
pub(super) struct DeploymentConfig {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: Timestamp,
    pub(super) routing: Routing,
}

/// The predefined configurations of the ECS compute platform, by name.
pub(super) fn predefined(now: Timestamp) -> BTreeMap<String, DeploymentConfig> {
    let routings = [
        (DEFAULT, Routing::AllAtOnce),
        (
            "CodeDeployDefault.ECSCanary10Percent5Minutes",
            Routing::Canary {
                percentage: 10,
                interval_minutes: 5,
            },
        ),
        (
            "CodeDeployDefault.ECSCanary10Percent15Minutes",
            Routing::Canary {
                percentage: 10,
                interval_minutes: 15,
            },
        ),
        (
            "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
            Routing::Linear {
                percentage: 10,
                interval_minutes: 1,
            },
        ),
        (
            "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
            Routing::Linear {
                percentage: 10,
                interval_minutes: 3,
            },
        ),
    ];
    routings
        .into_iter()
        .enumerate()
        .map(|(n, (name, routing))| {
            let id = format!("00000000-0000-0000-0000-00000000000{}", n + 1);
            let name = name.to_owned();
            (
                name.clone(),
                DeploymentConfig {
                    id,
                    name,
                    created: now,
                    routing,
                },
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_predefined_ecs_configurations_are_there() {
        let names: Vec<_> = predefined(Timestamp::UNIX_EPOCH).into_keys().collect();
        insta::assert_snapshot!(names.join("\n"), @r"
        CodeDeployDefault.ECSAllAtOnce
        CodeDeployDefault.ECSCanary10Percent15Minutes
        CodeDeployDefault.ECSCanary10Percent5Minutes
        CodeDeployDefault.ECSLinear10PercentEvery1Minutes
        CodeDeployDefault.ECSLinear10PercentEvery3Minutes
        ");
    }
}
