//! A reminder has come due: whoever was asked is told again, or others are told as well, unless the
//! case no longer waits. A schedule knows nothing of what happened since it was made; the truth does.

use approvals::config::{Config, Route};
use approvals::{Case, CaseId};
use channels::{DeliveryMode, NoticeReason, Recipient};
use futures::future::join_all;

use crate::case_status::CaseStatus;
use crate::context::EventContext;
use crate::delivery::{self, CaseMessage};
use crate::error::{NotifierError, all};
use crate::follow;
use crate::link_signer::Signer;
use crate::question::{ESCALATION_NAME, REMINDER_NAME_PREFIX, asking_messages};
use crate::reminder_schedule::ESCALATION_NUMBER;

/// Reminds of a case, if it still waits.
pub async fn remind(
    context: &EventContext<'_>,
    id: &CaseId,
    number: u32,
) -> Result<(), NotifierError> {
    let Some(case) = context.records.case(id).await? else {
        tracing::warn!(
            case = id.as_str(),
            "a reminder of a case that isn't known; nothing is sent"
        );
        return Ok(());
    };
    // Tells what was missed, too: a reminder is as good an occasion as any.
    if Box::pin(follow::settle(context, &case)).await? != CaseStatus::Waits {
        tracing::info!(
            case = id.as_str(),
            number,
            "it no longer waits; nobody is reminded"
        );
        return Ok(());
    }
    let (config, keys) = tokio::join!(context.config(), context.keys());
    let (config, keys) = (config?, keys?);
    let Some(route) = config.route_named(&case.route) else {
        tracing::error!(
            case = id.as_str(),
            route = case.route,
            "the configuration has lost this route, so nobody can be reminded; put it back, or decide in the console"
        );
        return Ok(());
    };
    // An event that says so proves nothing: only what the route has.
    let is_known = match number {
        ESCALATION_NUMBER => route.escalate.is_some(),
        number => usize::try_from(number).is_ok_and(|n| (1..=route.reminders.len()).contains(&n)),
    };
    if !is_known {
        tracing::warn!(
            case = id.as_str(),
            number,
            "the route has no such reminder; nobody is reminded"
        );
        return Ok(());
    }
    let signer = context.signer(&keys);
    let told = if number == ESCALATION_NUMBER {
        escalate(context, &case, (config, route), signer).await
    } else {
        remind_all(context, &case, (config, route, number), signer).await
    };
    // It may have been decided while people were being told, by an event that found these messages not yet sent.
    let followed = Box::pin(follow::settle(context, &case)).await.map(drop);
    all([told, followed])
}

/// Tells whoever was asked that it still waits.
async fn remind_all(
    context: &EventContext<'_>,
    case: &Case,
    (config, route, number): (&Config, &Route, u32),
    signer: Signer<'_>,
) -> Result<(), NotifierError> {
    let name = format!("{REMINDER_NAME_PREFIX}{number}");
    let message = CaseMessage {
        name: &name,
        occasion: NoticeReason::Reminder { number },
        case,
        route: Some(route),
        config,
        signer,
        buttons: true,
    };
    let to = context.recipients(&route.tell).await?;
    all(join_all(to.iter().map(|to| Box::pin(send_to(context, message, to)))).await)
}

/// Asks others as well.
async fn escalate(
    context: &EventContext<'_>,
    case: &Case,
    (config, route): (&Config, &Route),
    signer: Signer<'_>,
) -> Result<(), NotifierError> {
    let Some(escalate) = &route.escalate else {
        tracing::warn!(
            case = case.id.as_str(),
            "the route no longer escalates; nobody is notified"
        );
        return Ok(());
    };
    let message = CaseMessage {
        name: ESCALATION_NAME,
        occasion: NoticeReason::Escalation,
        case,
        route: Some(route),
        config,
        signer,
        buttons: true,
    };
    let to = context.recipients(&escalate.tell).await?;
    all(join_all(to.iter().map(|to| Box::pin(send_to(context, message, to)))).await)
}

/// In the thread of the first message where there is one: without buttons, as only the first message is
/// changed when it is decided.
async fn send_to(
    context: &EventContext<'_>,
    message: CaseMessage<'_>,
    to: &Recipient,
) -> Result<(), NotifierError> {
    let first = if to.changeable() {
        let deliveries = context.records.ledger.deliveries(&message.case.id).await?;
        let mut asked = asking_messages(deliveries).into_iter();
        asked
            .find(|(key, _)| *key == to.key)
            .and_then(|(_, delivery)| delivery.message_ref)
    } else {
        None
    };
    let (message, mode) = match &first {
        Some(first) => {
            let quiet = CaseMessage {
                buttons: false,
                ..message
            };
            (quiet, DeliveryMode::Thread(first))
        }
        None => (message, DeliveryMode::New),
    };
    delivery::send(context, message, to, mode).await.map(drop)
}
