//! From a message that an approval waits to people who know what they are asked.
//!
//! Two messages may tell of the same wait: `CodePipeline`'s own, which has the token, and that of a
//! notification rule, which has the execution. Whichever comes first makes the case; the token leads
//! both to the same one. It is never kept: the case has a keyed hash of it.

use approvals::config::Route;
use approvals::message::{ApprovalMessage, WaitingMessage};
use approvals::pipeline::{self, Open};
use approvals::records::{AuditKind, AuditRecord, Claim, Opened};
use approvals::sign::{Keys, token_mac};
use approvals::{ApprovalAction, Case, CaseId, Status, Token};
use channels::{Mode, Occasion};
use common::state::StateError;
use futures::future::join_all;
use jiff::Timestamp;

use crate::desk::Desk;
use crate::gather::{self, Found, Gathered};
use crate::recipient::{Recipient, recipients};
use crate::telling::{self, Message};
use crate::timetable::{self, Alarm};
use crate::trouble::{Trouble, all};
use crate::{follow, plain};

/// The name of the question in the records.
pub const ASK: &str = "ask";

/// What waits for people, whichever message told of it.
#[derive(Debug)]
pub struct Question {
    /// The action that waits.
    pub action: ApprovalAction,
    /// Its token.
    pub token: Token,
    /// Its execution, where it could be found.
    pub execution_id: Option<String>,
    /// Whether its message is so new that Lambda runs it again if it fails.
    pub fresh: bool,
    /// When `CodePipeline` gives up, where the message says so.
    pub expires: Option<Timestamp>,
    /// Since when it waits, where that is known.
    pub since: Option<Timestamp>,
    /// The pipeline in the console.
    pub console_link: Option<String>,
    /// The link of the action's owner.
    pub external_link: Option<String>,
    /// The comment of the action's owner.
    pub comment: Option<String>,
}

/// `CodePipeline`'s own message: the token is known, the execution is looked for. `sent` is when SNS
/// took it.
pub async fn approval(
    desk: &Desk<'_>,
    message: ApprovalMessage,
    sent: Option<Timestamp>,
) -> Result<(), Trouble> {
    let action = gather::placed(desk, message.action);
    let fresh = gather::is_fresh(sent, message.expires, desk.now());
    let (execution_id, config, keys) = tokio::join!(
        Box::pin(gather::execution_of(desk, &action, &message.token, fresh)),
        desk.config(),
        desk.keys()
    );
    config?;
    let execution_id = execution_id?;
    // Found there, it is one of this account and region, whatever the message says.
    let action = match &execution_id {
        Some(_) => gather::own(desk, action),
        None => action,
    };
    let question = Question {
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
    Box::pin(ask(desk, question, &*keys?)).await
}

/// A notification rule's message: the execution is known, the token is read.
pub async fn notification(desk: &Desk<'_>, message: WaitingMessage) -> Result<(), Trouble> {
    let action = gather::placed(desk, message.action);
    let execution = message.execution_id;
    let (open, config, keys) = tokio::join!(
        Box::pin(pipeline::open_approval(desk.aws, &action, Some(&execution))),
        desk.config(),
        desk.keys()
    );
    config?;
    let Some(Open {
        token, asked_at, ..
    }) = open?
    else {
        return Box::pin(nothing_open(desk, action, execution)).await;
    };
    let action = gather::own(desk, action);
    let question = Question {
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
    Box::pin(ask(desk, question, &*keys?)).await
}

/// A notification of something that isn't open: it is over, or `CodePipeline` doesn't show it yet.
async fn nothing_open(
    desk: &Desk<'_>,
    action: ApprovalAction,
    execution: String,
) -> Result<(), Trouble> {
    let truth = pipeline::truth(desk.aws, &action, &execution).await?;
    if truth.status == Status::Waiting {
        let action = action.to_string();
        return Err(Trouble::NothingOpen { action, execution });
    }
    tracing::info!(%action, status = ?truth.status, "it no longer waits; nobody is asked");
    follow::execution(desk, &action.pipeline, &execution).await
}

/// Asks the people of the route.
async fn ask(desk: &Desk<'_>, question: Question, keys: &Keys) -> Result<(), Trouble> {
    let config = desk.config().await?;
    let id = CaseId::of(&question.action, &question.token);
    tracing::Span::current().record(common::telemetry::CORRELATION_ID, id.as_str());
    let Some(route) = config.route(&question.action) else {
        return Box::pin(plain::unrouted(desk, &id, &question)).await;
    };
    let to = recipients(config, route.tell.iter().map(String::as_str));
    let (gathered, indexed, claims, ()) = tokio::join!(
        Box::pin(gather::gather(desk, &id, &question, route)),
        Box::pin(index(desk, &id, &question)),
        telling::claim_all(desk, &id, ASK, &to),
        telling::prepare(desk, &to),
    );
    let opened = match indexed.and(gathered) {
        Ok(Gathered { found, waits: true }) => open(desk, found, (&question, keys, route)).await,
        Ok(Gathered { found, .. }) => {
            tracing::info!(
                case = id.as_str(),
                "it no longer waits; nobody is asked any more"
            );
            telling::give_back(desk, claims, "it no longer waits").await;
            return match found {
                Found::Known(case) => Box::pin(follow::settle(desk, &case)).await.map(drop),
                Found::New(_) => Ok(()),
            };
        }
        Err(trouble) => Err(trouble),
    };
    let case = match opened {
        Ok(case) => case,
        Err(trouble) => {
            telling::give_back(desk, claims, "the case could not be written down").await;
            return Err(trouble);
        }
    };
    let message = Message {
        name: ASK,
        occasion: Occasion::Ask,
        case: &case,
        route: Some(route),
        config,
        signer: Some(desk.signer(keys)),
        buttons: true,
    };
    let (told, set) = tokio::join!(
        Box::pin(tell(desk, message, to.iter().zip(claims).collect())),
        Box::pin(wake_later(desk, &case, route))
    );
    // It may have been decided while people were being told, by an event that found no case yet.
    let followed = Box::pin(follow::settle(desk, &case)).await.map(drop);
    all([told, set, followed])
}

/// Makes the case findable by its execution, before it is there: one that can't be found would never
/// be followed up.
async fn index(desk: &Desk<'_>, id: &CaseId, question: &Question) -> Result<(), Trouble> {
    let Some(execution) = &question.execution_id else {
        return Ok(());
    };
    let pipeline = &question.action.pipeline;
    Ok(desk.records.index_case(id, pipeline, execution).await?)
}

/// Writes the case down. What was written first counts, for everybody.
async fn open(
    desk: &Desk<'_>,
    found: Found,
    (question, keys, route): (&Question, &Keys, &Route),
) -> Result<Case, Trouble> {
    let found = match found {
        Found::Known(case) => return Ok(*case),
        Found::New(found) => *found,
    };
    let case = Case {
        id: CaseId::of(&question.action, &question.token),
        action: question.action.clone(),
        execution_id: question.execution_id.clone(),
        token_mac: token_mac(keys, &question.action, &question.token),
        route: route.name.clone(),
        asked_at: desk.now(),
        expires: found.expires,
        console_link: question.console_link.clone(),
        external_link: found.words.external_link,
        comment: found.words.comment,
        briefing: found.briefing,
        shown: found.shown,
    };
    // Nothing that is kept has a token either, this wait's or another's.
    let case = case.masked();
    Ok(match desk.records.write_case(&case).await? {
        Opened::New => case,
        Opened::Exists(known) => *known,
    })
}

/// Sends to whoever was claimed, all at once; one that fails holds up nobody.
async fn tell(
    desk: &Desk<'_>,
    message: Message<'_>,
    claims: Vec<(&Recipient, Result<Claim, StateError>)>,
) -> Result<(), Trouble> {
    let sending = claims.into_iter().map(async |(to, claim)| match claim? {
        Claim::AlreadySent(_) => Ok(None),
        Claim::Yours(claim) => telling::send(desk, message, (to, claim), Mode::New)
            .await
            .map(|_| Some(to.key.clone())),
        // Another invocation is at it: it succeeds, or this one takes over.
        Claim::Busy { .. } => telling::tell(desk, message, to, Mode::New)
            .await
            .map(|_| None),
    });
    let results = join_all(sending).await;
    let told: Vec<String> = results
        .iter()
        .filter_map(|result| result.as_ref().ok()?.clone())
        .collect();
    if !told.is_empty() {
        audit(desk, message.case, &told).await;
    }
    all(results.into_iter().map(|result| result.map(drop)))
}

/// Leaves a record of who was asked. Best effort: people know already.
async fn audit(desk: &Desk<'_>, case: &Case, told: &[String]) {
    let result = format!("asked: {}", told.join(", "));
    let record = AuditRecord {
        action: Some(case.action.clone()),
        execution_id: case.execution_id.clone(),
        ..AuditRecord::new(AuditKind::Told, case.id.clone(), desk.now(), result)
    };
    if let Err(error) = desk.records.audit(&record).await {
        tracing::error!("the audit record of the question is missing: {error}");
    }
}

/// Schedules reminders and the escalation.
async fn wake_later(desk: &Desk<'_>, case: &Case, route: &Route) -> Result<(), Trouble> {
    let ticks = timetable::ticks(case, route, desk.now());
    if ticks.is_empty() {
        return Ok(());
    }
    let Some(schedules) = &desk.settings.schedules else {
        tracing::warn!(
            route = route.name,
            "the route wants reminders, but SCHEDULE_GROUP and SCHEDULE_ROLE_ARN are not set"
        );
        return Ok(());
    };
    let alarm = Alarm {
        aws: desk.aws,
        schedules,
        function_arn: &desk.invocation.function_arn,
    };
    let setting = ticks.into_iter().map(async |tick| {
        timetable::set(alarm, &case.id, tick)
            .await
            .map_err(Trouble::from)
    });
    all(join_all(setting).await)
}
