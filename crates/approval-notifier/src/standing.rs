//! How a case stands: by what `CodePipeline` says, and by our records of who decided. A decision that a
//! run which died has begun is finished here.

use approvals::decide::{self, Answer, Boxed, Settled};
use approvals::pipeline;
use approvals::sign::{TokenMatch, compare_token};
use approvals::{Case, Shown};
use common::aws::Aws;

use crate::desk::Desk;
use crate::trouble::Trouble;

/// How a case stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// It waits for people.
    Waits,
    /// It no longer waits, and what became of it can't be told: its execution was never known.
    Gone,
    /// It was decided, by people or by time.
    Settled(Settled),
}

/// How `case` stands now.
pub async fn of(desk: &Desk<'_>, case: &Case) -> Result<Stand, Trouble> {
    if case.execution_id.is_none() {
        return Box::pin(by_token(desk, case)).await;
    }
    let (keys, config) = tokio::join!(desk.keys(), desk.config());
    let (keys, config) = (keys?, config?);
    let deciding = decide::Desk {
        aws: desk.aws,
        records: desk.records,
        keys: &keys,
        config,
        shown_again: &shown_again,
    };
    let undecided = |why| Trouble::Undecided {
        case: case.id.clone(),
        why,
    };
    match Box::pin(decide::conclude(&deciding, case)).await {
        None | Some(Answer::InProgress { .. }) => Ok(Stand::Waits),
        Some(Answer::Decided(settled) | Answer::AlreadyDecided(settled)) => {
            Ok(Stand::Settled(settled))
        }
        Some(Answer::TryAgain { why }) => Err(undecided(why)),
        Some(answer @ (Answer::Recorded { .. } | Answer::Refused(_) | Answer::Superseded(_))) => {
            Err(undecided(answer.to_string()))
        }
    }
}

/// What would be deployed now, for a decision that is finished here.
fn shown_again<'c>(
    aws: &'c Aws,
    case: &'c Case,
    execution: &'c str,
) -> Boxed<'c, Result<Shown, String>> {
    Box::pin(async move {
        let shown = briefing::shown_again(aws, &case.action, execution, &case.shown).await;
        shown.map_err(|error| error.to_string())
    })
}

/// A case whose execution is not known waits as long as its very token does; where the key that knew the
/// token is gone, as long as any does.
async fn by_token(desk: &Desk<'_>, case: &Case) -> Result<Stand, Trouble> {
    let (open, keys) = tokio::join!(
        pipeline::open_approval(desk.aws, &case.action, None),
        desk.keys()
    );
    let keys = keys?;
    let waits = open?.is_some_and(|open| {
        let same = compare_token(&keys, &case.token_mac, &case.action, &open.token);
        same != TokenMatch::Differs
    });
    Ok(if waits { Stand::Waits } else { Stand::Gone })
}
