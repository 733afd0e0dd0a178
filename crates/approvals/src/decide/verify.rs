//! Whether an answer would still be about what was shown: the token is read again and compared with
//! the case's keyed hash, and for a yes what would be deployed is looked up again and compared with what
//! was shown. A no is about the wait alone, and possible whatever could be looked up.

use crate::pipeline::{self, Open};
use crate::policy::Refusal;
use crate::records::Decision;
use crate::token_mac::compare_token;
use crate::{Case, Shown, Status};
use signing::MacMatch;

use super::{Answer, DecisionContext, Early, Obstacle, Superseding, settle, try_again};

/// What [`Shown::unknown`] calls the revisions: the one part that a yes is possible without.
pub const REVISIONS: &str = "revisions";

/// The open approval that the case is about; for a yes with nothing changed since it was shown.
pub(super) async fn verify(
    context: &DecisionContext<'_>,
    case: &Case,
    decision: Decision,
) -> Result<Open, Early> {
    let execution = case.execution_id.as_deref();
    let open = pipeline::open_approval(context.aws, &case.action, execution)
        .await
        .map_err(|error| try_again(&error))?;
    let Some(open) = open else {
        return Err(closed(context, case).await);
    };
    match compare_token(context.keys, &case.token_mac, &case.action, &open.token) {
        MacMatch::Matches => {}
        MacMatch::Differs => return Err(asked_anew(context, case).await),
        MacMatch::UnknownKey => {
            let why = Obstacle::KeysRotated;
            return Err(Box::new(Answer::TryAgain { why }));
        }
    }
    if decision == Decision::Reject {
        return Ok(open);
    }
    if execution.is_none() || !was_shown(&case.shown) {
        return Err(Box::new(Answer::Refused(Refusal::NothingShown)));
    }
    let shown = (context.shown_now)(context.aws, case, &open.execution_id).await;
    match shown {
        Ok(shown) if shown == case.shown => Ok(open),
        Ok(_) => Err(Box::new(Answer::Superseded(Superseding::Changed))),
        Err(why) => {
            tracing::error!("what would be deployed could not be looked up: {why}");
            Err(Box::new(Answer::TryAgain {
                why: why.to_string().into(),
            }))
        }
    }
}

/// Whether people have seen what would be deployed. Who has seen gaps instead of changes has nothing to
/// approve.
fn was_shown(shown: &Shown) -> bool {
    !shown.digest.is_empty() && shown.unknown.iter().all(|part| part == REVISIONS)
}

/// Nothing waits there: what became of it.
async fn closed(context: &DecisionContext<'_>, case: &Case) -> Early {
    match settle::ended(context, case).await {
        Ok(Some(answer)) => Box::new(answer),
        Ok(None) if case.execution_id.is_none() => Box::new(Answer::Superseded(Superseding::Gone)),
        // The calls contradict each other; one of them is about to change.
        Ok(None) => Box::new(Answer::TryAgain {
            why: format!(
                "CodePipeline says that {} waits, and doesn't show it as open; try again in a minute",
                case.action
            )
            .into(),
        }),
        Err(early) => early,
    }
}

/// Another wait is open there. This case was answered, or is simply no longer asked.
async fn asked_anew(context: &DecisionContext<'_>, case: &Case) -> Early {
    match settle::ended(context, case).await {
        Ok(Some(answer)) => Box::new(answer),
        // Whatever could not be found out about the past: the open wait is another one.
        Ok(None) | Err(_) => Box::new(Answer::Superseded(Superseding::AskedAnew)),
    }
}

/// Whether it still waits.
pub(super) fn waits(status: Status) -> bool {
    status == Status::Waiting
}
