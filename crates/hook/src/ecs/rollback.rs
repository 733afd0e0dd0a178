//! A rollback of ECS, which no gate hinders.

use common::arn::last_name;

use super::deployment::{Progress as DeploymentProgress, ServiceDeployment};
use crate::event::EcsEvent;

/// Whether this stage also runs on a rollback.
pub(super) fn recurs(event: &EcsEvent) -> bool {
    matches!(
        event.lifecycle_stage.as_str(),
        "TEST_TRAFFIC_SHIFT" | "PRODUCTION_TRAFFIC_SHIFT"
    )
}

/// The revision that a rollback goes back to, if this is one. The weights don't tell: a first, normal step has 0 % as
/// well. Only two stages run again on a rollback, and the deployment says that it is one.
pub(super) fn undone_to(event: &EcsEvent, deployment: &ServiceDeployment) -> Option<String> {
    match &deployment.progress {
        DeploymentProgress::RollingBack { to } if recurs(event) => Some(to.as_deref().map_or_else(
            || "an earlier revision".to_owned(),
            |to| last_name(to).to_owned(),
        )),
        _ => None,
    }
}
