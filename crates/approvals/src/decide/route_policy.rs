//! What a case's route asks of a decision now: its policy, and who started the execution.

use crate::config::Policy;
use crate::policy::{self, Refusal};
use crate::{Case, Starter, pipeline};

use super::{Answer, DecisionContext, Early, try_again};

/// The present policy of the case's route.
pub(super) fn policy_of<'d>(
    context: &DecisionContext<'d>,
    case: &Case,
) -> Result<&'d Policy, Early> {
    let route = context.config.route_named(&case.route);
    let route = route.ok_or_else(|| refused(Refusal::NoRoute))?;
    Ok(&route.policy)
}

/// Who started the execution, if an approval depends on it.
pub(super) async fn starter_of(
    context: &DecisionContext<'_>,
    case: &Case,
    policy: &Policy,
) -> Result<Option<Starter>, Early> {
    match &case.briefing.starter {
        None if policy::needs_starter(policy) => starter(context, case).await,
        known => Ok(known.clone()),
    }
}

/// Who started the execution, where that could not be looked up when people were told.
async fn starter(context: &DecisionContext<'_>, case: &Case) -> Result<Option<Starter>, Early> {
    let Some(execution) = &case.execution_id else {
        return Ok(None);
    };
    let found = pipeline::execution_of(context.aws, &case.action.pipeline, execution)
        .await
        .map_err(|error| try_again(&error))?;
    let Some(trigger) = found.trigger else {
        return Ok(None);
    };
    let detail = trigger.trigger_detail.unwrap_or_default();
    let name = detail.rsplit('/').next().unwrap_or_default().to_owned();
    let trigger = trigger.trigger_type.map(|kind| kind.as_str().to_owned());
    Ok(trigger.map(|trigger| Starter {
        trigger,
        detail,
        name,
    }))
}

pub(super) fn refused(refusal: Refusal) -> Early {
    Box::new(Answer::Refused(refusal))
}
