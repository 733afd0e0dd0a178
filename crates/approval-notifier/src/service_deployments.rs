//! Which deployments an event of ECS is about: it names their service only.

use approvals::pipeline::PipelineError;
use approvals::source::SERVICE_DEPLOYMENTS;

use crate::context::EventContext;
use crate::error::{NotifierError, all};
use crate::follow;

/// An event about a deployment does not say which; it is among the newest ones of its service, as a
/// service has one at a time.
const MAX_FOLLOWED_DEPLOYMENTS: usize = 5;

/// Follows up the newest deployments of a service.
pub async fn follow_service(
    context: &EventContext<'_>,
    cluster: &str,
    service: &str,
) -> Result<(), NotifierError> {
    let listed = common::ecs::newest_service_deployments(context.aws, cluster, service)
        .await
        .map_err(|error| {
            let what = format!("the deployments of the service {service} in the cluster {cluster}");
            PipelineError::call(what, "ecs:ListServiceDeployments", &error)
        })?;
    let mut followed = Vec::new();
    for deployment in listed.iter().take(MAX_FOLLOWED_DEPLOYMENTS) {
        if let Some(arn) = deployment.service_deployment_arn() {
            followed.push(Box::pin(follow::execution(context, SERVICE_DEPLOYMENTS, arn)).await);
        }
    }
    all(followed)
}
