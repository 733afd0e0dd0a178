//! One click from the present record to an answer.

use common::state::{CreateOutcome, Item, StateError};

use crate::config::Policy;
use crate::policy::{self, Refusal, Request, VoteCount};
use crate::records::{Decision, DecisionRecord, Intent, LinkUse, Vote};
use crate::{Case, Starter};
use ledger::{Actor, Via};

use super::route_policy::{policy_of, refused, starter_of};
use super::{
    Answer, Click, DecisionContext, EarlyAnswer, is_stale, outcome, settle, summary, try_again,
    verify,
};

/// How often the record is looked at again after somebody else has written it in between. Each time
/// it has come further, so that few are needed.
const MAX_ROUNDS: usize = 4;

pub(super) async fn settle(
    context: &DecisionContext<'_>,
    case: &Case,
    click: &Click,
) -> Result<Answer, EarlyAnswer> {
    for _ in 0..MAX_ROUNDS {
        if let Some(answer) = round(context, case, click).await? {
            return Ok(answer);
        }
    }
    Ok(Answer::InProgress { by: Vec::new() })
}

/// One look at the record and what follows from it; none if somebody else wrote in between.
async fn round(
    context: &DecisionContext<'_>,
    case: &Case,
    click: &Click,
) -> Result<Option<Answer>, EarlyAnswer> {
    let known = context.records.decision(&case.id).await?;
    if let Some(item) = &known {
        if let Some(answer) = outcome::answer_of(&item.value, Some(&click.id)) {
            return Ok(Some(answer));
        }
        if let Some(intent) = item.value.standing()
            && !overrules(context, click, intent)
        {
            // Whose decision it is was judged, and is again; who wakes it must be allowed to decide too.
            if !policy::may_decide(policy_of(context, case)?, &click.approver) {
                return Err(refused(Refusal::NotAllowed));
            }
            return settle::resume(context, case, item, Some(&click.id)).await;
        }
    }
    let policy = policy_of(context, case)?;
    let starter = judge(context, case, click, policy).await?;
    let click = &used(context, case, click).await?;
    match click.decision {
        Decision::Approve => vote(context, case, click).await?,
        // Whatever becomes of the no: an earlier yes of the same person is none any more.
        Decision::Reject => {
            let records = context.records;
            records.withdraw_vote(&case.id, &click.voter()).await?;
        }
    }
    let open = verify::verify(context, case, click.decision).await?;
    let by = match click.decision {
        Decision::Reject => vec![click.voter()],
        Decision::Approve => match voters(context, case, policy, starter.as_ref()).await? {
            Ok(by) => by,
            Err(answer) => return Ok(Some(answer)),
        },
    };
    let intent = intent(context, click, by, open.execution_id().to_owned());
    let record = with(known.as_ref(), intent);
    let written = context
        .records
        .put_decision(&case.id, known.as_ref(), &record);
    let written = match written.await {
        Ok(written) => written,
        Err(error) => return Err(unwritten(context, case, &record, error).await),
    };
    match written {
        Some(item) => settle::put(context, case, item, &open, Some(&click.id))
            .await
            .map(Some),
        None => Ok(None),
    }
}

/// An intent whose writing failed may stand all the same; then it is going to be carried out.
async fn unwritten(
    context: &DecisionContext<'_>,
    case: &Case,
    record: &DecisionRecord,
    error: StateError,
) -> EarlyAnswer {
    let stands = match context.records.decision(&case.id).await {
        Ok(item) => item.is_some_and(|item| item.value.standing() == record.standing()),
        Err(_) => true,
    };
    match record.standing() {
        Some(intent) if stands => settle::unsettled(intent, &error),
        _ => try_again(&error),
    }
}

/// A no outweighs a yes that hasn't taken effect in all the time it had.
fn overrules(context: &DecisionContext<'_>, click: &Click, intent: &Intent) -> bool {
    click.decision == Decision::Reject
        && intent.decision == Decision::Approve
        && is_stale(intent.at, context.records.now())
}

/// Whether the click is within the policy; who started the execution, where an approval depends on it.
async fn judge(
    context: &DecisionContext<'_>,
    case: &Case,
    click: &Click,
    policy: &Policy,
) -> Result<Option<Starter>, EarlyAnswer> {
    // Who isn't on the list costs no call.
    if !policy::may_decide(policy, &click.approver) {
        return Err(refused(Refusal::NotAllowed));
    }
    let starter = match click.decision {
        Decision::Approve => starter_of(context, case, policy).await?,
        Decision::Reject => None,
    };
    let request = Request {
        approver: &click.approver,
        decision: click.decision,
        comment: click.comment.as_deref(),
        starter: starter.as_ref(),
        account: case.source.account(),
        at: context.records.now(),
    };
    policy::judge(policy, &request).map_err(refused)?;
    Ok(starter)
}

/// The click as it counts: a link says only once what it says, so that one that comes again says what
/// it said first.
async fn used(
    context: &DecisionContext<'_>,
    case: &Case,
    click: &Click,
) -> Result<Click, EarlyAnswer> {
    if click.via != Via::Link {
        return Ok(click.clone());
    }
    let use_ = LinkUse {
        voter: click.voter(),
        decision: click.decision,
        comment: click.comment.clone(),
        at: context.records.now(),
    };
    match context.records.use_link(&case.id, &click.id, &use_).await? {
        CreateOutcome::New => Ok(click.clone()),
        CreateOutcome::Exists(first) => Ok(Click {
            name: first.value.voter.name,
            comment: first.value.comment,
            ..click.clone()
        }),
    }
}

async fn vote(
    context: &DecisionContext<'_>,
    case: &Case,
    click: &Click,
) -> Result<(), EarlyAnswer> {
    let vote = Vote {
        voter: click.voter(),
        comment: click.comment.clone(),
        via: click.via,
        click: click.vote_id(),
        at: context.records.now(),
        withdrawn: None,
    };
    // There already: one vote a person.
    match context.records.vote(&case.id, &vote).await? {
        CreateOutcome::New | CreateOutcome::Exists(_) => Ok(()),
    }
}

/// All whose yes counts, or how many are missing.
async fn voters(
    context: &DecisionContext<'_>,
    case: &Case,
    policy: &Policy,
    starter: Option<&Starter>,
) -> Result<Result<Vec<Actor>, Answer>, EarlyAnswer> {
    let mut votes = context.records.votes(&case.id).await?;
    votes.sort_by_key(|vote| vote.at);
    let people = votes.iter().map(|vote| &vote.voter);
    let starter = (starter, case.source.account());
    Ok(
        match policy::count_votes(policy, people, starter, context.records.now()) {
            VoteCount::Enough(by) => Ok(by.into_iter().cloned().collect()),
            VoteCount::Missing { have, need } => Err(Answer::Recorded { have, need }),
        },
    )
}

fn intent(
    context: &DecisionContext<'_>,
    click: &Click,
    by: Vec<Actor>,
    execution_id: String,
) -> Intent {
    Intent {
        click: click.id.clone(),
        decision: click.decision,
        summary: summary::summary(click.decision, &by, click.comment.as_deref()),
        by,
        comment: click.comment.clone(),
        execution_id,
        at: context.records.now(),
        withdrawn: None,
    }
}

/// The record with one more intent; one that stood before stands no longer.
fn with(known: Option<&Item<DecisionRecord>>, intent: Intent) -> DecisionRecord {
    let mut record = known.map(|item| item.value.clone()).unwrap_or_default();
    if let Some(last) = record.intents.last_mut() {
        let overruled = || "a rejection came before it took effect".to_owned();
        last.withdrawn.get_or_insert_with(overruled);
    }
    record.intents.push(intent);
    record
}
