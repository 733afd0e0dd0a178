//! A reminder has come due: whoever was asked is told again, or others are told as well, unless the
//! case no longer waits. A schedule knows nothing of what happened since it was made; the truth does.

use approvals::config::{Config, Route};
use approvals::{Case, CaseId};
use channels::{Mode, Occasion};
use futures::future::join_all;

use crate::desk::Desk;
use crate::follow;
use crate::recipient::{Recipient, Signer, recipients};
use crate::standing::Stand;
use crate::telling::{self, Message};
use crate::timetable::ESCALATION;
use crate::trouble::{Trouble, all};

/// The name of the escalation in the records.
pub const ESCALATED: &str = "escalation";
/// The beginning of a reminder's name there; its number follows.
pub const REMINDER: &str = "reminder-";

/// Reminds of a case, if it still waits.
pub async fn remind(desk: &Desk<'_>, id: &CaseId, number: u32) -> Result<(), Trouble> {
    let Some(case) = desk.records.case(id).await? else {
        tracing::warn!(
            case = id.as_str(),
            "a reminder of a case that isn't known; nothing is told"
        );
        return Ok(());
    };
    // Tells what was missed, too: a reminder is as good an occasion as any.
    if Box::pin(follow::settle(desk, &case)).await? != Stand::Waits {
        tracing::info!(
            case = id.as_str(),
            number,
            "it no longer waits; nobody is reminded"
        );
        return Ok(());
    }
    let (config, keys) = tokio::join!(desk.config(), desk.keys());
    let (config, keys) = (config?, keys?);
    let Some(route) = config.route_named(&case.route) else {
        tracing::error!(
            case = id.as_str(),
            route = case.route,
            "the configuration has lost this route, so nobody can be reminded; put it back, or decide in the console"
        );
        return Ok(());
    };
    let signer = desk.signer(&keys);
    if number == ESCALATION {
        escalate(desk, &case, (config, route), signer).await
    } else {
        again(desk, &case, (config, route, number), signer).await
    }
}

/// Tells whoever was asked that it still waits.
async fn again(
    desk: &Desk<'_>,
    case: &Case,
    (config, route, number): (&Config, &Route, u32),
    signer: Signer<'_>,
) -> Result<(), Trouble> {
    let name = format!("{REMINDER}{number}");
    let message = Message {
        name: &name,
        occasion: Occasion::Reminder { number },
        case,
        route: Some(route),
        config,
        signer: Some(signer),
        buttons: true,
    };
    let to = recipients(config, route.tell.iter().map(String::as_str));
    all(join_all(to.iter().map(|to| Box::pin(tell(desk, message, to)))).await)
}

/// Asks others as well.
async fn escalate(
    desk: &Desk<'_>,
    case: &Case,
    (config, route): (&Config, &Route),
    signer: Signer<'_>,
) -> Result<(), Trouble> {
    let Some(escalate) = &route.escalate else {
        tracing::warn!(
            case = case.id.as_str(),
            "the route no longer escalates; nobody is told"
        );
        return Ok(());
    };
    let message = Message {
        name: ESCALATED,
        occasion: Occasion::Escalation,
        case,
        route: Some(route),
        config,
        signer: Some(signer),
        buttons: true,
    };
    let to = recipients(config, escalate.tell.iter().map(String::as_str));
    all(join_all(to.iter().map(|to| Box::pin(tell(desk, message, to)))).await)
}

/// In the thread of the first message where there is one: without buttons, as only the first message is
/// changed when it is decided.
async fn tell(desk: &Desk<'_>, message: Message<'_>, to: &Recipient) -> Result<(), Trouble> {
    let first = if to.changeable() {
        let deliveries = desk.records.deliveries(&message.case.id).await?;
        let mut asked = follow::questions(deliveries).into_iter();
        asked
            .find(|(key, _)| *key == to.key)
            .and_then(|(_, delivery)| delivery.message_ref)
    } else {
        None
    };
    let (message, mode) = match &first {
        Some(first) => {
            let quiet = Message {
                buttons: false,
                ..message
            };
            (quiet, Mode::Thread(first))
        }
        None => (message, Mode::New),
    };
    telling::tell(desk, message, to, mode).await.map(drop)
}
