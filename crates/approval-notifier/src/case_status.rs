//! How a case stands: by what `CodePipeline` says, and by our records of who decided. A decision that a
//! run which died has begun is finished here.

use approvals::Case;
use approvals::decide::{self, Answer, Settled};
use approvals::pipeline;
use approvals::token_mac::compare_token;
use signing::MacMatch;

use crate::context::EventContext;
use crate::error::NotifierError;

/// How a case stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseStatus {
    /// It waits for people.
    Waits,
    /// It no longer waits, and what became of it can't be told: its execution was never known.
    Gone,
    /// It was decided, by people or by time.
    Settled(Settled),
}

/// How `case` stands now.
pub async fn of(context: &EventContext<'_>, case: &Case) -> Result<CaseStatus, NotifierError> {
    if case.execution_id.is_none() {
        return Box::pin(by_token(context, case)).await;
    }
    let (keys, config) = tokio::join!(context.keys(), context.config());
    let (keys, config) = (keys?, config?);
    let deciding = decide::DecisionContext {
        aws: context.aws,
        records: context.records,
        keys: &keys,
        config,
        shown_now: &briefing::shown_now_of,
    };
    let undecided = |why| NotifierError::Undecided {
        case: case.id.clone(),
        why,
    };
    match Box::pin(decide::conclude(&deciding, case)).await {
        None | Some(Answer::InProgress { .. }) => Ok(CaseStatus::Waits),
        Some(Answer::Decided(settled) | Answer::AlreadyDecided(settled)) => {
            Ok(CaseStatus::Settled(settled))
        }
        Some(Answer::TryAgain { why }) => Err(undecided(why.to_string())),
        Some(answer @ (Answer::Recorded { .. } | Answer::Refused(_) | Answer::Superseded(_))) => {
            Err(undecided(answer.to_string()))
        }
    }
}

/// A case whose execution is not known waits as long as its very token does; where the key that knew the
/// token is gone, as long as any does.
async fn by_token(context: &EventContext<'_>, case: &Case) -> Result<CaseStatus, NotifierError> {
    let (open, keys) = tokio::join!(
        pipeline::open_approval(context.aws, &case.action, None),
        context.keys()
    );
    let keys = keys?;
    let waits = open?.is_some_and(|open| {
        let same = compare_token(&keys, &case.token_mac, &case.action, &open.token);
        same != MacMatch::Differs
    });
    Ok(if waits {
        CaseStatus::Waits
    } else {
        CaseStatus::Gone
    })
}
