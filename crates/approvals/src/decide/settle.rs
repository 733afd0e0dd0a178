//! From an intent to its outcome: the call that answers, reading back what is true, and
//! finishing what a run that died has left behind.

use common::state::Item;

use crate::records::{Decision, DecisionRecord, Intent, Outcome};
use crate::source::wait::{self, AnswerError, Open};
use crate::{ActionState, Case, CaseId, Source, policy, telemetry};
use ledger::AuditKind;

use super::{
    Answer, DecisionContext, Early, Settled, Superseding, audit_record, is_stale, route_policy,
    try_again, verify, write_audit,
};

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

async fn recovered(context: &DecisionContext<'_>, id: &CaseId) -> Result<Option<Answer>, Early> {
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

/// What the record says, if it says an end. `click` is the one that asks.
pub(super) fn answer_of(record: &DecisionRecord, click: Option<&str>) -> Option<Answer> {
    let outcome = record.outcome.as_ref()?;
    let decisive = record.decisive();
    let settled = Settled {
        action_state: outcome.action_state.clone(),
        by: decisive.map(|intent| intent.by.clone()).unwrap_or_default(),
        comment: decisive.and_then(|intent| intent.comment.clone()),
    };
    let own = outcome.click.is_some() && outcome.click.as_deref() == click;
    Some(if own {
        Answer::Decided(settled)
    } else {
        Answer::AlreadyDecided(settled)
    })
}

/// Goes on with the intent that stands. None: somebody else wrote in between.
pub(super) async fn resume(
    context: &DecisionContext<'_>,
    case: &Case,
    item: &Item<DecisionRecord>,
    click: Option<&str>,
) -> Result<Option<Answer>, Early> {
    let Some(intent) = item.value.standing() else {
        return Ok(None);
    };
    // Whoever only follows up is told why; to a click the intent is what matters.
    let stands = |early: Early| match (click, *early) {
        (Some(_), Answer::TryAgain { why }) => unsettled(intent, &why),
        (_, answer) => Box::new(answer),
    };
    let action_state = action_state(context, case, &intent.execution_id)
        .await
        .map_err(stands)?;
    if !verify::waits(action_state.status) {
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
) -> Result<bool, Early> {
    if intent.decision == Decision::Reject {
        return Ok(true);
    }
    let policy = route_policy::policy_of(context, case)?;
    let starter = route_policy::starter_of(context, case, policy).await?;
    let starter = (starter.as_ref(), case.source.account());
    let tally = policy::tally(policy, &intent.by, starter, context.records.now());
    Ok(matches!(tally, policy::Tally::Enough(_)))
}

/// The answer while an intent stands, or may: it is carried out already, or by whoever comes next.
pub(super) fn unsettled(intent: &Intent, why: &dyn std::fmt::Display) -> Early {
    tracing::error!("whether an answer took effect is not known yet: {why}");
    let by = intent.by.clone();
    Box::new(Answer::InProgress { by })
}

/// Answers with the intent that stands, and writes down what became of it.
pub(super) async fn put(
    context: &DecisionContext<'_>,
    case: &Case,
    item: Item<DecisionRecord>,
    open: &Open,
    click: Option<&str>,
) -> Result<Answer, Early> {
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
    if !verify::waits(action_state.status) {
        return Ok(finish(context, case, item, action_state, click).await);
    }
    match error {
        AnswerError::Over(_) => {
            // The history lags behind: perhaps it was this very answer that was taken.
            if !wait::is_asked_anew(context.aws, context.keys, case).await {
                return Err(unsettled(intent, &error));
            }
            let answer = Answer::Superseded(Superseding::AskedAnew);
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

/// What AWS says of the wait that the case is about.
async fn action_state(
    context: &DecisionContext<'_>,
    case: &Case,
    execution_id: &str,
) -> Result<ActionState, Early> {
    wait::state(
        context.aws,
        context.records,
        context.keys,
        case,
        execution_id,
    )
    .await
    .map_err(|error| try_again(&error))
}

/// What became of a case that is no longer open; none if it waits, or can't be asked about.
pub(super) async fn ended(
    context: &DecisionContext<'_>,
    case: &Case,
) -> Result<Option<Answer>, Early> {
    let Some(execution) = &case.execution_id else {
        return Ok(None);
    };
    let action_state = action_state(context, case, execution).await?;
    if verify::waits(action_state.status) {
        return Ok(None);
    }
    let known = context.records.decision(&case.id).await?;
    let record = match &known {
        Some(item) if item.value.outcome.is_some() => return Ok(answer_of(&item.value, None)),
        Some(item) => item.value.clone(),
        None => DecisionRecord::default(),
    };
    let record = concluded((context, case), &record, action_state);
    outcome_audit(context, case, &record).await;
    let written = context
        .records
        .put_decision(&case.id, known.as_ref(), &record);
    // Beaten: somebody else is writing down the same truth.
    if written.await?.is_some() {
        measure(case, &record);
    }
    Ok(answer_of(&record, None))
}

/// Writes down what became of a case, and says it.
async fn finish(
    context: &DecisionContext<'_>,
    case: &Case,
    item: Item<DecisionRecord>,
    action_state: ActionState,
    click: Option<&str>,
) -> Answer {
    let record = concluded((context, case), &item.value, action_state);
    // Before the record: whoever finds no outcome writes the audit again, so that it is never missing.
    outcome_audit(context, case, &record).await;
    match context
        .records
        .put_decision(&case.id, Some(&item), &record)
        .await
    {
        Ok(Some(_)) => measure(case, &record),
        // Somebody else has read the same truth, or will: it is kept by CodePipeline.
        Ok(None) => tracing::info!(
            case = case.id.as_str(),
            "the outcome was written by another run"
        ),
        Err(error) => tracing::error!(
            case = case.id.as_str(),
            "the outcome is not written yet: {error}"
        ),
    }
    answer_of(&record, click).expect("a concluded record has an outcome")
}

/// The record with its outcome. What
/// somebody wrote in the console is kept without the token: the review link that is shown there has it.
fn concluded(
    (context, case): (&DecisionContext<'_>, &Case),
    record: &DecisionRecord,
    mut action_state: ActionState,
) -> DecisionRecord {
    let click = own_intent(case, record, &action_state).map(|intent| intent.click.clone());
    let mask = |text: String| wait::mask(context.keys, case, &text);
    action_state.summary = action_state.summary.map(mask);
    DecisionRecord {
        intents: record.intents.clone(),
        outcome: Some(Outcome {
            action_state,
            click,
            at: context.records.now(),
        }),
    }
}

/// The intent that brought a state about. `CodePipeline` gives its summary back; ECS keeps none, so there
/// an intent that stands has, if what came of it is what it wanted: it was to be carried out, and the
/// pause hears one answer.
pub fn own_intent<'r>(
    case: &Case,
    record: &'r DecisionRecord,
    action_state: &ActionState,
) -> Option<&'r Intent> {
    let wanted = |intent: &&Intent| action_state.status == wait::status_of(intent.decision);
    match (&case.source, action_state.summary.as_deref().map(str::trim)) {
        (Source::Ecs(_), None) => record.standing().filter(wanted),
        (_, summary) => record
            .intents
            .iter()
            .rfind(|intent| wanted(intent) && summary == Some(intent.summary.trim())),
    }
}

/// Counts the end of a case: for whoever has written it down, and so once.
fn measure(case: &Case, record: &DecisionRecord) {
    if let Some(outcome) = &record.outcome {
        telemetry::over(case, outcome);
    }
}

async fn outcome_audit(context: &DecisionContext<'_>, case: &Case, record: &DecisionRecord) {
    let Some(answer) = answer_of(record, None) else {
        return;
    };
    let Answer::AlreadyDecided(settled) = answer else {
        return;
    };
    let mut entry = audit_record(context, AuditKind::Outcome, case, settled.to_string());
    entry.details.decision = record.decisive().map(|intent| intent.decision);
    entry.details.comment.clone_from(&settled.comment);
    entry.details.action_state = Some(settled.action_state);
    entry.by = settled.by;
    write_audit(context, &entry).await;
}

/// Takes back an intent that will not take effect, so that another may stand.
async fn withdraw(
    context: &DecisionContext<'_>,
    case: &Case,
    item: &Item<DecisionRecord>,
    why: &str,
) -> Result<(), Early> {
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
