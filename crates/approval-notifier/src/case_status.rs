//! How a case stands: by what AWS says, and by our records of who decided. A decision that a
//! run which died has begun is finished here.

use approvals::decide::{self, Answer, DecisionOutcome};
use approvals::pipeline;
use approvals::token_mac::compare_token;
use approvals::{ApprovalAction, Case, Source};
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
    Settled(DecisionOutcome),
}

/// How `case` stands now.
pub async fn of(context: &EventContext<'_>, case: &Case) -> Result<CaseStatus, NotifierError> {
    if let (Source::Pipeline(action), None) = (&case.source, &case.execution_id) {
        return Box::pin(by_token(context, case, action)).await;
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
        // It could not be read when it was asked either: a service that this function may not look at.
        Some(Answer::TryAgain { why }) if is_unseen(case) => {
            tracing::warn!(
                case = case.id.as_str(),
                "what became of it is not known: {why}"
            );
            Ok(CaseStatus::Waits)
        }
        Some(Answer::TryAgain { why }) => Err(undecided(why.to_string())),
        Some(answer @ (Answer::Recorded { .. } | Answer::Refused(_) | Answer::Superseded(_))) => {
            Err(undecided(answer.to_string()))
        }
    }
}

/// Whether it is a pause of which nothing could be shown.
fn is_unseen(case: &Case) -> bool {
    case.source.paused().is_some() && case.briefing.deployment.is_none()
}

/// A case whose execution is not known waits as long as its very token does; where the key that knew the
/// token is gone, as long as any does.
async fn by_token(
    context: &EventContext<'_>,
    case: &Case,
    action: &ApprovalAction,
) -> Result<CaseStatus, NotifierError> {
    let (open, keys) = tokio::join!(
        pipeline::open_approval(context.aws, action, None),
        context.keys()
    );
    let keys = keys?;
    let waits = open?.is_some_and(|open| {
        let same = compare_token(&keys, &case.token_mac, action, &open.token);
        same != MacMatch::Differs
    });
    Ok(if waits {
        CaseStatus::Waits
    } else {
        CaseStatus::Gone
    })
}
