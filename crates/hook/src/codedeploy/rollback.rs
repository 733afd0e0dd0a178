//! Rollbacks: how one is recognised, and that no gate hinders it.
//!
//! A gate that stopped a rollback would keep the broken release in front of customers. So a rollback passes
//! without a measurement, before settings or a suite are even looked at. Pure.

use aws_sdk_codedeploy::types::{DeploymentCreator, DeploymentInfo};

/// The deployment that this one undoes, if it is an automatic rollback.
pub(super) fn undone_by(info: &DeploymentInfo) -> Option<String> {
    let triggering = info
        .rollback_info()
        .and_then(|rollback| rollback.rollback_triggering_deployment_id())
        .filter(|id| !id.is_empty());
    let by_rollback = matches!(
        info.creator(),
        Some(DeploymentCreator::CodeDeployRollback | DeploymentCreator::CloudFormationRollback)
    );
    match (triggering, by_rollback) {
        (Some(id), _) => Some(id.to_owned()),
        (None, true) => Some("an earlier deployment".to_owned()),
        (None, false) => None,
    }
}
