//! From an intent to its outcome: the call that answers, reading back what is true, and
//! finishing what a run that died has left behind.

use common::state::Item;

use crate::records::{Decision, DecisionRecord, Intent};
use crate::source::answer_error::AnswerError;
use crate::source::wait::{self, OpenQuestion};
use crate::{Case, CaseId, policy};

use super::outcome::{action_state, answer_of, ended, finish, is_waiting};
use super::{Answer, DecisionContext, EarlyAnswer, SupersededBy, is_stale, route_policy, verify};

/// Finishes the record of a decision that a run which died has left open: if the wait is over, by what
/// is true. None: nothing was begun.
///
/// For whoever follows a case up, and so it never answers: the role that tells people may
/// not. Where the wait is still open the intent stands, and the next click carries it out.
pub async fn recover(context: &DecisionContext<'_>, id: &CaseId) -> Option<Answer> {
    let answer = match recovered(context, id).await {
        Ok(answer) => answer,
        Err(early) => Some(*early),
    };
    if let Some(answer) = &answer {
        tracing::info!(case = id.as_str(), %answer, "a decision was looked after");
    }
    answer
}

/// What became of a case, whoever or whatever has decided it, with the outcome and its audit record
/// written down if nobody had. Finishes what was begun first, as [`recover`] does. None: it waits.
///
/// For whoever follows a case up.
pub async fn conclude(context: &DecisionContext<'_>, case: &Case) -> Option<Answer> {
    match recover(context, &case.id).await {
        // An intent that is no longer carried out says nothing about what became of the case.
        Some(Answer::Superseded(_) | Answer::Refused(_)) | None => {}
        answer => return answer,
    }
    match ended(context, case).await {
        Ok(answer) => answer,
        Err(early) => Some(*early),
    }
}

async fn recovered(
    context: &DecisionContext<'_>,
    id: &CaseId,
) -> Result<Option<Answer>, EarlyAnswer> {
    let Some(case) = context.records.case(id).await? else {
        return Ok(None);
    };
    let Some(item) = context.records.decision(id).await? else {
        return Ok(None);
    };
    if let Some(answer) = answer_of(&item.value, None) {
        return Ok(Some(answer));
    }
    if item.value.standing().is_none() {
        return Ok(None);
    }
    resume(context, &case, &item, None).await
}

/// Goes on with the intent that stands. None: somebody else wrote in between.
pub(super) async fn resume(
    context: &DecisionContext<'_>,
    case: &Case,
    item: &Item<DecisionRecord>,
    click: Option<&str>,
) -> Result<Option<Answer>, EarlyAnswer> {
    let Some(intent) = item.value.standing() else {
        return Ok(None);
    };
    // Whoever only follows up is told why; to a click the intent is what matters.
    let stands = |early: EarlyAnswer| match (click, *early) {
        (Some(_), Answer::TryAgain { why }) => unsettled(intent, &why),
        (_, answer) => Box::new(answer),
    };
    let action_state = action_state(context, case, &intent.execution_id)
        .await
        .map_err(stands)?;
    if !is_waiting(action_state.status) {
        return Ok(Some(
            finish(context, case, item.clone(), action_state, click).await,
        ));
    }
    let own = click == Some(intent.click.as_str());
    let stale = click.is_some() && is_stale(intent.at, context.records.now());
    if !own && !stale {
        let by = intent.by.clone();
        return Ok(Some(Answer::InProgress { by }));
    }
    if !still_holds(context, case, intent).await.map_err(stands)? {
        let why = "the policy no longer allows it";
        withdraw(context, case, item, why).await?;
        // The click is a question of its own then.
        return Ok(None);
    }
    match verify::verify(context, case, intent.decision).await {
        Ok(open) => put(context, case, item.clone(), &open, click)
            .await
            .map(Some),
        Err(early) => {
            if matches!(*early, Answer::Superseded(_) | Answer::Refused(_)) {
                withdraw(context, case, item, &early.to_string()).await?;
            }
            Err(stands(early))
        }
    }
}

/// Whether the present policy would still have what an intent says: enough of those who said yes may
/// still approve, now. A no is never taken back.
async fn still_holds(
    context: &DecisionContext<'_>,
    case: &Case,
    intent: &Intent,
) -> Result<bool, EarlyAnswer> {
    if intent.decision == Decision::Reject {
        return Ok(true);
    }
    let policy = route_policy::policy_of(context, case)?;
    let starter = route_policy::starter_of(context, case, policy).await?;
    let starter = (starter.as_ref(), case.source.account());
    let count = policy::count_votes(policy, &intent.by, starter, context.records.now());
    Ok(matches!(count, policy::VoteCount::Enough(_)))
}

/// The answer while an intent stands, or may: it is carried out already, or by whoever comes next.
pub(super) fn unsettled(intent: &Intent, why: &dyn std::fmt::Display) -> EarlyAnswer {
    tracing::error!("whether an answer took effect is not known yet: {why}");
    let by = intent.by.clone();
    Box::new(Answer::InProgress { by })
}

/// Answers with the intent that stands, and writes down what became of it.
pub(super) async fn put(
    context: &DecisionContext<'_>,
    case: &Case,
    item: Item<DecisionRecord>,
    open: &OpenQuestion,
    click: Option<&str>,
) -> Result<Answer, EarlyAnswer> {
    let intent = item
        .value
        .standing()
        .expect("an intent was just read or written");
    let answer = (intent.decision, intent.summary.as_str());
    let answered = wait::answer(context.aws, context.records, open, answer.0, answer.1).await;
    let error = match answered {
        Ok(action_state) => return Ok(finish(context, case, item, action_state, click).await),
        Err(error) => error,
    };
    tracing::warn!(case = case.id.as_str(), "{error}");
    // Even a plain refusal may be the echo of a try whose answer was lost: what is true is read.
    let Ok(action_state) = action_state(context, case, open.execution_id()).await else {
        return Err(unsettled(intent, &error));
    };
    if !is_waiting(action_state.status) {
        return Ok(finish(context, case, item, action_state, click).await);
    }
    match error {
        AnswerError::Over(_) => {
            // The history lags behind: perhaps it was this very answer that was taken.
            if !wait::is_asked_anew(context.aws, context.keys, case).await {
                return Err(unsettled(intent, &error));
            }
            let answer = Answer::Superseded(SupersededBy::AskedAnew);
            withdraw(context, case, &item, &answer.to_string()).await?;
            Ok(answer)
        }
        AnswerError::Refused(_) => {
            let why = error.to_string();
            withdraw(context, case, &item, &why).await?;
            Ok(Answer::TryAgain { why: why.into() })
        }
        // The intent stands until it is known.
        AnswerError::Unsure(_) => Err(unsettled(intent, &error)),
    }
}

/// Takes back an intent that will not take effect, so that another may stand.
async fn withdraw(
    context: &DecisionContext<'_>,
    case: &Case,
    item: &Item<DecisionRecord>,
    why: &str,
) -> Result<(), EarlyAnswer> {
    let mut record = item.value.clone();
    if let Some(intent) = record.intents.last_mut() {
        intent.withdrawn.get_or_insert_with(|| why.to_owned());
    }
    context
        .records
        .put_decision(&case.id, Some(item), &record)
        .await?;
    Ok(())
}
