//! Whether an answer would still be about what was shown: the wait is read again and compared with the
//! case, by its token's keyed hash or its hook, and for a yes what would be deployed is looked up again and compared with what
//! was shown. A no is about the wait alone, and possible whatever could be looked up.

use crate::policy::Refusal;
use crate::records::Decision;
use crate::source::wait::{self, OpenQuestion, WaitLookup};
use crate::{Case, ShownDigest};

use super::{
    Answer, DecisionContext, EarlyAnswer, SupersededBy, VerificationObstacle, outcome, try_again,
};

/// What [`ShownDigest::unknown`] calls the revisions: the one part that a yes is possible without.
pub const UNKNOWN_REVISIONS: &str = "revisions";

/// The open wait that the case is about; for a yes with nothing changed since it was shown.
pub(super) async fn verify(
    context: &DecisionContext<'_>,
    case: &Case,
    decision: Decision,
) -> Result<OpenQuestion, EarlyAnswer> {
    let found = wait::find(context.aws, context.records, context.keys, case)
        .await
        .map_err(|error| try_again(&error))?;
    let open = match found {
        WaitLookup::Same(open) => open,
        WaitLookup::Closed => return Err(closed(context, case).await),
        WaitLookup::AskedAnew => return Err(asked_anew(context, case).await),
        WaitLookup::KeysRotated => {
            let why = VerificationObstacle::KeysRotated;
            return Err(Box::new(Answer::TryAgain { why }));
        }
    };
    if decision == Decision::Reject {
        return Ok(open);
    }
    if case.execution_id.is_none() || !was_shown(&case.shown) {
        return Err(Box::new(Answer::Refused(Refusal::NothingShown)));
    }
    let shown = (context.shown_now)(context.aws, case, open.execution_id()).await;
    match shown {
        Ok(shown) if shown == case.shown => Ok(open),
        Ok(_) => Err(Box::new(Answer::Superseded(SupersededBy::Changed))),
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
fn was_shown(shown: &ShownDigest) -> bool {
    !shown.digest.is_empty() && shown.unknown.iter().all(|part| part == UNKNOWN_REVISIONS)
}

/// Nothing waits there: what became of it.
async fn closed(context: &DecisionContext<'_>, case: &Case) -> EarlyAnswer {
    match outcome::ended(context, case).await {
        Ok(Some(answer)) => Box::new(answer),
        Ok(None) if case.execution_id.is_none() => Box::new(Answer::Superseded(SupersededBy::Gone)),
        // The calls contradict each other; one of them is about to change.
        Ok(None) => Box::new(Answer::TryAgain {
            why: format!(
                "AWS says that {} waits, and doesn't show it as open; try again in a minute",
                case.source
            )
            .into(),
        }),
        Err(early) => early,
    }
}

/// Another wait is open there. This case was answered, or is simply no longer asked.
async fn asked_anew(context: &DecisionContext<'_>, case: &Case) -> EarlyAnswer {
    match outcome::ended(context, case).await {
        Ok(Some(answer)) => Box::new(answer),
        // Whatever could not be found out about the past: the open wait is another one.
        Ok(None) | Err(_) => Box::new(Answer::Superseded(SupersededBy::AskedAnew)),
    }
}
