//! What is looked up of a paused deployment before people are asked.

use approvals::config::Route;
use approvals::pipeline::{OwnerNote, PipelineError};

use crate::context::EventContext;
use crate::error::NotifierError;
use crate::findings::{Findings, LOOKUP_TIMEOUT, lookups};
use crate::question::PauseQuestion;

/// What a case of this pause is made of, and whether it still waits. Where ECS can't be asked it does,
/// and nothing is shown, so that a message takes only a no.
pub async fn read(
    context: &EventContext<'_>,
    question: &PauseQuestion,
    route: &Route,
) -> Result<(Findings, bool), NotifierError> {
    let lookups = lookups(context, Some(route));
    let reading = briefing::brief_pause(&lookups, question.paused.clone());
    // The look-ups behind the deployment have a budget of their own.
    let limit = LOOKUP_TIMEOUT + briefing::BRIEFING_TIMEOUT;
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
