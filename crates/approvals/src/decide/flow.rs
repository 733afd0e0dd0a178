//! One click from the present record to an answer.

use common::state::{Created, Item};

use crate::config::{Policy, Route};
use crate::policy::{self, Refusal, Request};
use crate::records::{Decision, DecisionRecord, Intent, LinkUse, Via, Vote, Voter};
use crate::{Case, Starter, pipeline};

use super::{Answer, Click, Desk, Early, is_stale, settle, summary, try_again, verify};

/// How often the record is looked at again after somebody else has written it in between. Each time
/// it has come further, so that few are needed.
const ROUNDS: usize = 4;

pub(super) async fn settle(desk: &Desk<'_>, case: &Case, click: &Click) -> Result<Answer, Early> {
    for _ in 0..ROUNDS {
        if let Some(answer) = round(desk, case, click).await? {
            return Ok(answer);
        }
    }
    Ok(Answer::InProgress { by: Vec::new() })
}

/// One look at the record and what follows from it; none if somebody else wrote in between.
async fn round(desk: &Desk<'_>, case: &Case, click: &Click) -> Result<Option<Answer>, Early> {
    let known = desk.records.decision(&case.id).await?;
    if let Some(item) = &known {
        if let Some(answer) = settle::told(&item.value, Some(&click.id)) {
            return Ok(Some(answer));
        }
        if let Some(intent) = item.value.standing()
            && !overrules(desk, click, intent)
        {
            return settle::resume(desk, case, item, Some(&click.id)).await;
        }
    }
    let route = desk.config.route_named(&case.route);
    let route = route.ok_or_else(|| refused(Refusal::NoRoute))?;
    judge(desk, case, click, &route.policy).await?;
    let click = &used(desk, case, click).await?;
    if click.decision == Decision::Approve {
        vote(desk, case, click).await?;
    }
    let open = verify::verify(desk, case).await?;
    let by = match click.decision {
        Decision::Reject => vec![click.voter()],
        Decision::Approve => match voters(desk, case, route).await? {
            Ok(by) => by,
            Err(answer) => return Ok(Some(answer)),
        },
    };
    let intent = intent(desk, click, by, open.execution_id.clone());
    let record = with(known.as_ref(), intent);
    let written = desk.records.put_decision(&case.id, known.as_ref(), &record);
    match written.await? {
        Some(item) => settle::put(desk, case, item, &open, Some(&click.id)).await.map(Some),
        None => Ok(None),
    }
}

/// A no outweighs a yes that hasn't taken effect in all the time it had.
fn overrules(desk: &Desk<'_>, click: &Click, intent: &Intent) -> bool {
    click.decision == Decision::Reject
        && intent.decision == Decision::Approve
        && is_stale(intent.at, desk.records.now())
}

async fn judge(
    desk: &Desk<'_>,
    case: &Case,
    click: &Click,
    policy: &Policy,
) -> Result<(), Early> {
    // Who isn't on the list costs no call.
    if !policy::may_decide(policy, &click.approver) {
        return Err(refused(Refusal::NotAllowed));
    }
    let asked = click.decision == Decision::Approve && policy::needs_starter(policy);
    let starter = match &case.briefing.starter {
        None if asked => starter(desk, case).await?,
        known => known.clone(),
    };
    let request = Request {
        approver: &click.approver,
        decision: click.decision,
        comment: click.comment.as_deref(),
        starter: starter.as_ref(),
        at: desk.records.now(),
    };
    policy::judge(policy, &request).map_err(refused)
}

fn refused(refusal: Refusal) -> Early {
    Box::new(Answer::Refused(refusal))
}

/// Who started the execution, where that could not be looked up when people were told.
async fn starter(desk: &Desk<'_>, case: &Case) -> Result<Option<Starter>, Early> {
    let Some(execution) = &case.execution_id else {
        return Ok(None);
    };
    let found = pipeline::execution_of(desk.aws, &case.action.pipeline, execution)
        .await
        .map_err(|error| try_again(&error))?;
    let Some(trigger) = found.trigger else {
        return Ok(None);
    };
    let detail = trigger.trigger_detail.unwrap_or_default();
    let name = detail.rsplit('/').next().unwrap_or_default().to_owned();
    let trigger = trigger.trigger_type.map(|kind| kind.as_str().to_owned());
    Ok(trigger.map(|trigger| Starter { trigger, detail, name }))
}

/// The click as it counts: a link says only once what it says, so that one that comes again says what
/// it said first.
async fn used(desk: &Desk<'_>, case: &Case, click: &Click) -> Result<Click, Early> {
    if click.via != Via::Link {
        return Ok(click.clone());
    }
    let use_ = LinkUse {
        voter: click.voter(),
        decision: click.decision,
        comment: click.comment.clone(),
        at: desk.records.now(),
    };
    match desk.records.use_link(&case.id, &click.id, &use_).await? {
        Created::New => Ok(click.clone()),
        Created::Exists(first) => Ok(Click {
            name: first.value.voter.name,
            comment: first.value.comment,
            ..click.clone()
        }),
    }
}

async fn vote(desk: &Desk<'_>, case: &Case, click: &Click) -> Result<(), Early> {
    let vote = Vote {
        voter: click.voter(),
        comment: click.comment.clone(),
        via: click.via,
        click: click.id.clone(),
        at: desk.records.now(),
    };
    // There already: one vote a person.
    match desk.records.vote(&case.id, &vote).await? {
        Created::New | Created::Exists(_) => Ok(()),
    }
}

/// All whose yes counts, or how many are missing.
async fn voters(
    desk: &Desk<'_>,
    case: &Case,
    route: &Route,
) -> Result<Result<Vec<Voter>, Answer>, Early> {
    let mut votes = desk.records.votes(&case.id).await?;
    votes.sort_by_key(|vote| vote.at);
    let by = policy::counted(&route.policy, &votes);
    let have = u32::try_from(by.len()).unwrap_or(u32::MAX);
    let need = route.policy.approvals.max(1);
    Ok(if have < need {
        Err(Answer::Recorded { have, need })
    } else {
        Ok(by.into_iter().cloned().collect())
    })
}

fn intent(desk: &Desk<'_>, click: &Click, by: Vec<Voter>, execution_id: String) -> Intent {
    Intent {
        click: click.id.clone(),
        decision: click.decision,
        summary: summary::summary(click.decision, &by, click.comment.as_deref()),
        by,
        comment: click.comment.clone(),
        execution_id,
        at: desk.records.now(),
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
