//! What is looked up of a paused deployment before people are asked, and which deployments an event of
//! ECS is about.

use approvals::config::Route;
use approvals::pipeline::{OwnerNote, PipelineError};
use approvals::source::SERVICE_DEPLOYMENTS;

use crate::context::EventContext;
use crate::error::{NotifierError, all};
use crate::follow;
use crate::gather::{self, Findings, LOOKUP_TIMEOUT};
use crate::question::PauseQuestion;

/// An event about a deployment does not say which; it is among the newest ones of its service, as a
/// service has one at a time.
const NEWEST: i32 = 5;

/// What a case of this pause is made of, and whether it still waits. Where ECS can't be asked it does,
/// and nothing is shown, so that a message takes only a no.
pub async fn read(
    context: &EventContext<'_>,
    question: &PauseQuestion,
    route: &Route,
) -> Result<(Findings, bool), NotifierError> {
    let lookups = gather::lookups(context, Some(route));
    let reading = briefing::brief_pause(&lookups, question.paused.clone());
    // The look-ups behind the deployment have a budget of their own.
    let limit = LOOKUP_TIMEOUT + briefing::BUDGET;
    let (why, passes) = match tokio::time::timeout(limit, reading).await {
        Ok(Ok(pause)) => {
            let expires = pause.expires.or(question.expires);
            let over = expires.is_some_and(|expires| expires <= context.now());
            let findings = Findings {
                source: pause.paused.into(),
                briefing: pause.briefing,
                shown: pause.shown,
                expires,
                words: OwnerNote::default(),
            };
            return Ok((findings, pause.open && !over));
        }
        Ok(Err(error)) => (error.to_string(), may_pass(&error)),
        Err(_) => ("no answer in time".to_owned(), true),
    };
    if passes && question.fresh {
        return Err(NotifierError::Unfound {
            action: question.paused.to_string(),
            why,
        });
    }
    tracing::warn!(paused = %question.paused, "what is deployed is not known: {why}");
    let (briefing, shown) = briefing::nothing_shown(&why);
    let over = question
        .expires
        .is_some_and(|expires| expires <= context.now());
    let findings = Findings {
        source: question.paused.clone().into(),
        briefing,
        shown,
        expires: question.expires,
        words: OwnerNote::default(),
    };
    Ok((findings, !over))
}

/// Whether the next try may find what this one has not: ECS may be busy, or show a deployment late.
fn may_pass(error: &PipelineError) -> bool {
    error.is_transient() || matches!(error, PipelineError::Absent { .. })
}

/// Follows up the newest deployments of a service.
pub async fn follow_service(
    context: &EventContext<'_>,
    cluster: &str,
    service: &str,
) -> Result<(), NotifierError> {
    let listed = context
        .aws
        .ecs()
        .list_service_deployments()
        .cluster(cluster)
        .service(service)
        .max_results(NEWEST)
        .send()
        .await
        .map_err(|error| {
            let what = format!("the deployments of the service {service} in the cluster {cluster}");
            PipelineError::call(what, "ecs:ListServiceDeployments", &error)
        })?;
    let mut followed = Vec::new();
    let newest = usize::try_from(NEWEST).unwrap_or_default();
    for deployment in listed.service_deployments().iter().take(newest) {
        if let Some(arn) = deployment.service_deployment_arn() {
            followed.push(Box::pin(follow::execution(context, SERVICE_DEPLOYMENTS, arn)).await);
        }
    }
    all(followed)
}
