//! What a case's route asks of a decision now: its policy, and who started the execution.

use crate::config::Policy;
use crate::policy::{self, Refusal};
use crate::source::wait;
use crate::{Case, Starter};

use super::{Answer, DecisionContext, EarlyAnswer, try_again};

/// The present policy of the case's route.
pub(super) fn policy_of<'d>(
    context: &DecisionContext<'d>,
    case: &Case,
) -> Result<&'d Policy, EarlyAnswer> {
    let route = context.config.route_named(&case.route);
    let route = route.ok_or_else(|| refused(Refusal::NoRoute))?;
    Ok(&route.policy)
}

/// Who started the execution, if an approval depends on it.
pub(super) async fn starter_of(
    context: &DecisionContext<'_>,
    case: &Case,
    policy: &Policy,
) -> Result<Option<Starter>, EarlyAnswer> {
    match case.starter() {
        None if policy::needs_starter(policy) => wait::starter(context.aws, case)
            .await
            .map_err(|error| try_again(&error)),
        known => Ok(known),
    }
}

pub(super) fn refused(refusal: Refusal) -> EarlyAnswer {
    Box::new(Answer::Refused(refusal))
}
