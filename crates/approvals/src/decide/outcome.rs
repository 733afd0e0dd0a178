//! What became of a case: read from CodePipeline or ECS, written down with its audit record, and said.

use common::state::Item;
use ledger::AuditKind;

use crate::records::{DecisionRecord, Intent, Outcome};
use crate::source::wait;
use crate::{ActionState, Case, Source, Status, telemetry};

use super::{
    Answer, DecisionContext, DecisionOutcome, EarlyAnswer, audit_record, try_again, write_audit,
};

/// What the record says, if it says an end. `click` is the one that asks.
pub(super) fn answer_of(record: &DecisionRecord, click: Option<&str>) -> Option<Answer> {
    let outcome = record.outcome.as_ref()?;
    let decisive = record.decisive();
    let settled = DecisionOutcome {
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

/// What AWS says of the wait that the case is about.
pub(super) async fn action_state(
    context: &DecisionContext<'_>,
    case: &Case,
    execution_id: &str,
) -> Result<ActionState, EarlyAnswer> {
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
) -> Result<Option<Answer>, EarlyAnswer> {
    let Some(execution) = &case.execution_id else {
        return Ok(None);
    };
    let action_state = action_state(context, case, execution).await?;
    if is_waiting(action_state.status) {
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
pub(super) async fn finish(
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

/// Whether it still waits.
pub(super) fn is_waiting(status: Status) -> bool {
    status == Status::Waiting
}
