//! Whether an answer would still be about what was shown: the token is read again and compared with
//! the case's keyed hash, and what would be deployed is looked up again and compared with what was shown.

use crate::pipeline::{self, Open};
use crate::policy::Refusal;
use crate::sign::token_mac_matches;
use crate::{Case, Status};

use super::{Answer, Desk, Early, Superseding, settle, try_again};

/// The open approval that the case is about, with nothing changed since it was shown.
pub(super) async fn verify(desk: &Desk<'_>, case: &Case) -> Result<Open, Early> {
    let execution = case.execution_id.as_deref();
    let open = pipeline::open_approval(desk.aws, &case.action, execution)
        .await
        .map_err(|error| try_again(&error))?;
    let Some(open) = open else {
        return Err(closed(desk, case).await);
    };
    let same = token_mac_matches(desk.keys, &case.token_mac, &case.action, &open.token);
    if !same {
        return Err(asked_anew(desk, case).await);
    }
    if case.shown.digest.is_empty() || execution.is_none() {
        return Err(Box::new(Answer::Refused(Refusal::NothingShown)));
    }
    let shown = (desk.shown_again)(desk.aws, case, &open.execution_id).await;
    match shown {
        Ok(shown) if shown == case.shown => Ok(open),
        Ok(_) => Err(Box::new(Answer::Superseded(Superseding::Changed))),
        Err(why) => {
            tracing::error!("what would be deployed could not be looked up: {why}");
            Err(Box::new(Answer::TryAgain { why }))
        }
    }
}

/// Nothing waits there: what became of it.
async fn closed(desk: &Desk<'_>, case: &Case) -> Early {
    match settle::ended(desk, case).await {
        Ok(Some(answer)) => Box::new(answer),
        Ok(None) if case.execution_id.is_none() => {
            Box::new(Answer::Superseded(Superseding::Gone))
        }
        // The calls contradict each other; one of them is about to change.
        Ok(None) => Box::new(Answer::TryAgain {
            why: format!(
                "CodePipeline says that {} waits, and doesn't show it as open; try again in a minute",
                case.action
            ),
        }),
        Err(early) => early,
    }
}

/// Another wait is open there. This case was answered, or is simply no longer asked.
async fn asked_anew(desk: &Desk<'_>, case: &Case) -> Early {
    match settle::ended(desk, case).await {
        Ok(Some(answer)) => Box::new(answer),
        // Whatever could not be found out about the past: the open wait is another one.
        Ok(None) | Err(_) => Box::new(Answer::Superseded(Superseding::AskedAnew)),
    }
}

/// Whether it still waits.
pub(super) fn waits(status: Status) -> bool {
    status == Status::Waiting
}
