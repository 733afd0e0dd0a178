//! From a message that an approval waits to people who know what they are asked.
//!
//! Two messages may tell of the same wait: `CodePipeline`'s own, which has the token, and that of a
//! notification rule, which has the execution. Whichever comes first makes the case; the token leads
//! both to the same one. It is never kept: the case has a keyed hash of it.

use approvals::config::Route;
use approvals::message::{ApprovalMessage, GateAsks, PauseEvent, WaitingMessage};
use approvals::pipeline::{self, OpenAction};
use approvals::records::{ApprovalAudit, ApprovalDetails, CaseCreation};
use approvals::{ApprovalAction, Case, CaseId, Status, telemetry};
use channels::{DeliveryMode, MessageKey, NoticeReason, Recipient};
use common::console;
use common::state::StateError;
use futures::future::join_all;
use jiff::Timestamp;
use ledger::{AuditKind, AuditRecord, Claim};
use signing::Keys;

use crate::context::EventContext;
use crate::delivery::{self, CaseMessage};
use crate::error::{NotifierError, all};
use crate::gather::{self, CaseLookup, FoundCase};
use crate::question::{ApprovalQuestion, GateAsking, PauseQuestion, QUESTION_NAME, Question};
use crate::reminder_schedule::{self, Scheduler};
use crate::{follow, forward};

/// `CodePipeline`'s own message: the token is known, the execution is looked for. `sent` is when SNS
/// took it.
pub async fn approval(
    context: &EventContext<'_>,
    message: ApprovalMessage,
    sent: Option<Timestamp>,
) -> Result<(), NotifierError> {
    let action = gather::in_own_place_by_default(context, message.action);
    let fresh = gather::is_fresh(sent, message.expires, context.now());
    let (execution_id, config, keys) = tokio::join!(
        Box::pin(gather::execution_of(
            context,
            &action,
            &message.token,
            fresh
        )),
        context.config(),
        context.keys()
    );
    config?;
    let execution_id = execution_id?;
    // Found there, it is one of this account and region, whatever the message says.
    let action = match &execution_id {
        Some(_) => gather::in_own_place(context, action),
        None => action,
    };
    let question = ApprovalQuestion {
        console_link: gather::console_link(&action).or(message.console_link),
        action,
        token: message.token,
        execution_id,
        fresh,
        expires: message.expires,
        since: None,
        external_link: message.external_link,
        comment: message.comment,
    };
    Box::pin(ask(context, Question::Approval(question), &*keys?)).await
}

/// A notification rule's message: the execution is known, the token is read.
pub async fn notification(
    context: &EventContext<'_>,
    message: WaitingMessage,
) -> Result<(), NotifierError> {
    let action = gather::in_own_place_by_default(context, message.action);
    let execution = message.execution_id;
    let (open, config, keys) = tokio::join!(
        Box::pin(pipeline::open_approval(
            context.aws,
            &action,
            Some(&execution)
        )),
        context.config(),
        context.keys()
    );
    config?;
    let Some(OpenAction {
        token, asked_at, ..
    }) = open?
    else {
        return Box::pin(nothing_open(context, action, execution)).await;
    };
    let action = gather::in_own_place(context, action);
    let question = ApprovalQuestion {
        console_link: gather::console_link(&action),
        action,
        token,
        execution_id: Some(execution),
        fresh: false,
        expires: None,
        since: asked_at.or(message.time),
        external_link: message.external_link,
        comment: message.comment,
    };
    Box::pin(ask(context, Question::Approval(question), &*keys?)).await
}

/// An event that a deployment is paused: all that it says is read again.
pub async fn pause(context: &EventContext<'_>, event: PauseEvent) -> Result<(), NotifierError> {
    let keys = context.keys().await?;
    let paused = event.paused;
    let question = PauseQuestion {
        console_link: console::service(&paused.region, &paused.cluster, &paused.service),
        fresh: gather::is_fresh(event.time, event.expires, context.now()),
        expires: event.expires,
        paused,
    };
    Box::pin(ask(context, Question::Pause(question), &keys)).await
}

/// An event that a gate asks: it says all that people are shown.
pub async fn gate(context: &EventContext<'_>, event: GateAsks) -> Result<(), NotifierError> {
    let keys = context.keys().await?;
    let asking = &event.question.asking;
    let console_link = if asking.caller == "CodeDeploy" {
        console::deployment(&asking.region, &asking.deployment_id)
    } else if asking.service.is_empty() {
        None
    } else {
        console::service(&asking.region, &asking.cluster, &asking.service)
    };
    let asking = GateAsking {
        question: event.question,
        console_link,
    };
    Box::pin(ask(context, Question::Gate(Box::new(asking)), &keys)).await
}

/// What became of a gate's question: its answer says, not the event.
pub async fn gate_decided(context: &EventContext<'_>, case: &CaseId) -> Result<(), NotifierError> {
    match context.records.case(case).await? {
        Some(case) => Box::pin(follow::settle(context, &case)).await.map(drop),
        // Nobody was asked through us: no route, or an event that is not ours.
        None => Ok(()),
    }
}

/// A notification of something that isn't open: it is over, or `CodePipeline` doesn't show it yet.
async fn nothing_open(
    context: &EventContext<'_>,
    action: ApprovalAction,
    execution: String,
) -> Result<(), NotifierError> {
    let action_state = pipeline::action_state(context.aws, &action, &execution).await?;
    if action_state.status == Status::Waiting {
        let action = action.to_string();
        return Err(NotifierError::NothingOpen { action, execution });
    }
    tracing::info!(%action, status = ?action_state.status, "it no longer waits; nobody is asked");
    follow::execution(context, &action.pipeline, &execution).await
}

/// Asks the people of the route.
async fn ask(
    context: &EventContext<'_>,
    question: Question,
    keys: &Keys,
) -> Result<(), NotifierError> {
    let config = context.config().await?;
    let id = question.case_id();
    tracing::Span::current().record(common::telemetry::CORRELATION_ID, id.as_str());
    let Some(route) = config.route(&question.source()) else {
        return Box::pin(forward::unrouted(context, &id, &question)).await;
    };
    let to = context.recipients(&route.tell).await?;
    let dispatcher = context.dispatcher();
    let (gathered, indexed, claims, ()) = tokio::join!(
        Box::pin(gather::gather(context, &id, &question, route)),
        Box::pin(index(context, &id, &question)),
        dispatcher.claim_all(MessageKey::About(&id, QUESTION_NAME), &to),
        dispatcher.prepare(&to),
    );
    let opened = match indexed.and(gathered) {
        Ok(CaseLookup { found, waits: true }) => {
            open(context, found, (&question, keys, route)).await
        }
        Ok(CaseLookup { found, .. }) => {
            tracing::info!(
                case = id.as_str(),
                "it no longer waits; nobody is asked any more"
            );
            dispatcher.give_back(claims, "it no longer waits").await;
            return match found {
                FoundCase::Known(case) => Box::pin(follow::settle(context, &case)).await.map(drop),
                FoundCase::New(_) => Ok(()),
            };
        }
        Err(error) => Err(error),
    };
    let case = match opened {
        Ok(case) => case,
        Err(error) => {
            let why = "the case could not be written down";
            dispatcher.give_back(claims, why).await;
            return Err(error);
        }
    };
    telemetry::note(&case);
    let message = CaseMessage {
        name: QUESTION_NAME,
        occasion: NoticeReason::Ask,
        case: &case,
        route: Some(route),
        config,
        signer: context.signer(keys),
        buttons: true,
    };
    let (told, set) = tokio::join!(
        Box::pin(tell(context, message, to.iter().zip(claims).collect())),
        Box::pin(wake_later(context, &case, route))
    );
    // It may have been decided while people were being told, by an event that found no case yet.
    let followed = Box::pin(follow::settle(context, &case)).await.map(drop);
    all([told, set, followed])
}

/// Makes the case findable by its execution, before it is there: one that can't be found would never
/// be followed up.
async fn index(
    context: &EventContext<'_>,
    id: &CaseId,
    question: &Question,
) -> Result<(), NotifierError> {
    let Some(execution) = question.execution_id() else {
        return Ok(());
    };
    let source = question.source();
    Ok(context
        .records
        .index_case(id, source.index(), execution)
        .await?)
}

/// Writes the case down. What was written first counts, for everybody.
async fn open(
    context: &EventContext<'_>,
    found: FoundCase,
    (question, keys, route): (&Question, &Keys, &Route),
) -> Result<Case, NotifierError> {
    let found = match found {
        FoundCase::Known(case) => return Ok(*case),
        FoundCase::New(found) => *found,
    };
    let case = Case {
        id: question.case_id(),
        source: found.source,
        execution_id: question.execution_id().map(str::to_owned),
        token_mac: question.token_mac(keys),
        route: route.name.clone(),
        asked_at: context.now(),
        expires: found.expires,
        console_link: question.console_link().map(str::to_owned),
        external_link: found.words.external_link,
        comment: found.words.comment,
        briefing: found.briefing,
        shown: found.shown,
    };
    // Nothing that is kept has a token either, this wait's or another's.
    let case = case.masked();
    Ok(match context.records.write_case(&case).await? {
        CaseCreation::New => {
            telemetry::emit_asked(&case);
            case
        }
        CaseCreation::Exists(known) => *known,
    })
}

/// Sends to whoever was claimed, all at once; one that fails holds up nobody.
async fn tell(
    context: &EventContext<'_>,
    message: CaseMessage<'_>,
    claims: Vec<(&Recipient, Result<Claim, StateError>)>,
) -> Result<(), NotifierError> {
    let sending = claims.into_iter().map(async |(to, claim)| match claim? {
        Claim::AlreadySent(_) => Ok(None),
        Claim::Granted(claim) => delivery::send_claimed(context, message, (to, claim))
            .await
            .map(|_| Some(to.key.clone())),
        // Another invocation is at it: it succeeds, or this one takes over.
        Claim::Busy { .. } => delivery::send(context, message, to, DeliveryMode::New)
            .await
            .map(|_| None),
    });
    let results = join_all(sending).await;
    let told: Vec<String> = results
        .iter()
        .filter_map(|result| result.as_ref().ok()?.clone())
        .collect();
    if !told.is_empty() {
        audit(context, message.case, &told).await;
    }
    all(results.into_iter().map(|result| result.map(drop)))
}

/// Leaves a record of who was asked. Best effort: people know already.
async fn audit(context: &EventContext<'_>, case: &Case, told: &[String]) {
    let result = format!("asked: {}", told.join(", "));
    let record = ApprovalAudit {
        details: ApprovalDetails::of(case),
        ..AuditRecord::new(AuditKind::Told, case.id.clone(), context.now(), result)
    };
    if let Err(error) = context.records.ledger.audit(&record).await {
        tracing::error!("the audit record of the question is missing: {error}");
    }
}

/// Schedules reminders and the escalation.
async fn wake_later(
    context: &EventContext<'_>,
    case: &Case,
    route: &Route,
) -> Result<(), NotifierError> {
    let ticks = reminder_schedule::ticks(case, route, context.now());
    if ticks.is_empty() {
        return Ok(());
    }
    let Some(place) = &context.settings.schedules else {
        tracing::warn!(
            route = route.name,
            "the route wants reminders, but SCHEDULE_GROUP and SCHEDULE_ROLE_ARN are not set"
        );
        return Ok(());
    };
    let scheduler = Scheduler {
        aws: context.aws,
        schedules: place,
        function_arn: &context.invocation.function_arn,
    };
    let setting = ticks.into_iter().map(async |tick| {
        reminder_schedule::set(scheduler, &case.id, tick)
            .await
            .map_err(NotifierError::from)
    });
    all(join_all(setting).await)
}
