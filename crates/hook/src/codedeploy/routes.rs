//! The listeners that a deployment group names. Pure.

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, TrafficRoute};

/// The listeners of a deployment group, by their ARNs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Routes {
    /// Reaches the new version before it has production traffic.
    pub test: Option<String>,
    /// What customers use.
    pub production: Option<String>,
}

impl Routes {
    /// The routes of the group's (only) target group pair.
    pub(crate) fn of(group: &DeploymentGroupInfo) -> Self {
        let pair = group
            .load_balancer_info()
            .and_then(|info| info.target_group_pair_info_list().first());
        let listener = |route: Option<&TrafficRoute>| {
            route
                .and_then(|route| route.listener_arns().first())
                .cloned()
        };
        Self {
            test: listener(pair.and_then(|pair| pair.test_traffic_route())),
            production: listener(pair.and_then(|pair| pair.prod_traffic_route())),
        }
    }

    /// All listeners, each once.
    pub(crate) fn listeners(&self) -> Vec<String> {
        let mut arns: Vec<String> = self.test.iter().chain(&self.production).cloned().collect();
        arns.dedup();
        arns
    }
}
