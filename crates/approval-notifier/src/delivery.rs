//! Telling one recipient one thing, once: claim, send, note. Whoever sends has claimed before, so that
//! of many who try at once one sends; a failure is noted and costs nobody else anything.
//!
//! Where it can't be written down that a message was sent, it is sent again after the claim has run out:
//! twice is better than never.

use std::time::Duration;

use approvals::config::{Config, Route};
use approvals::{Case, CaseId};
use channels::{DeliveryRequest, Links, Message, Mode, Occasion, Texts};
use common::state::StateError;
use contacts::Approver;
use futures::future::join_all;
use ledger::{Claim, ClaimGuard, Delivery};
use serde_json::Value;

use crate::context::EventContext;
use crate::error::NotifierError;
use crate::recipient::{Recipient, Signer};

/// How long another invocation's delivery is waited for. Most are done within a second or two; for
/// longer ones Lambda's own repetition is the better wait.
const MAX_BUSY_WAIT: Duration = Duration::from_secs(6);
/// How often is looked.
const BUSY_PAUSE: Duration = Duration::from_millis(400);

/// What is told, whoever it is told to.
#[derive(Clone, Copy)]
pub struct CaseMessage<'a> {
    /// Its name in the records: `ask`, `reminder-1`, …
    pub name: &'a str,
    /// Why.
    pub occasion: Occasion<'a>,
    /// What about.
    pub case: &'a Case,
    /// The case's route; none if the configuration has lost it.
    pub route: Option<&'a Route>,
    /// The configuration.
    pub config: &'a Config,
    /// Where links lead; none: no links.
    pub signer: Option<Signer<'a>>,
    /// Whether it has buttons.
    pub buttons: bool,
}

/// Whether a delivery is to be made.
#[derive(Debug)]
pub enum Claimed {
    /// Yes, by the caller.
    Granted(ClaimGuard),
    /// It was made before.
    Before(Delivery),
}

/// Claims telling `name` to each of the recipients. Claims that were granted must be used or given back.
///
/// Waits for nobody: two that hold some claims each and wait for the others' would wait for ever.
pub async fn claim_all(
    context: &EventContext<'_>,
    case: &CaseId,
    name: &str,
    recipients: &[Recipient],
) -> Vec<Result<Claim, StateError>> {
    let claims = recipients
        .iter()
        .map(|to| Box::pin(context.records.ledger.claim_delivery(case, name, &to.key)));
    join_all(claims).await
}

async fn claim(
    context: &EventContext<'_>,
    case: &CaseId,
    name: &str,
    to: &Recipient,
) -> Result<Claimed, NotifierError> {
    let what = || format!("{name} of the case {case}");
    settle_claim(what, &to.key, || {
        context.records.ledger.claim_delivery(case, name, &to.key)
    })
    .await
}

/// Asks for a claim, holding none, until it is granted or somebody else has made the delivery.
pub async fn settle_claim<F>(
    what: impl Fn() -> String,
    recipient: &str,
    ask: impl Fn() -> F,
) -> Result<Claimed, NotifierError>
where
    F: Future<Output = Result<Claim, StateError>>,
{
    let until = tokio::time::Instant::now() + MAX_BUSY_WAIT;
    loop {
        let since = match ask().await? {
            Claim::Granted(claim) => return Ok(Claimed::Granted(claim)),
            Claim::AlreadySent(delivery) => return Ok(Claimed::Before(delivery)),
            Claim::Busy { since } => since,
        };
        if tokio::time::Instant::now() + BUSY_PAUSE >= until {
            return Err(NotifierError::Busy {
                what: what(),
                recipient: recipient.to_owned(),
                since,
            });
        }
        tokio::time::sleep(BUSY_PAUSE).await;
    }
}

/// Reads what the deliveries will need while something else is waited for.
pub async fn prepare(context: &EventContext<'_>, recipients: &[Recipient]) {
    let preparing = recipients
        .iter()
        .map(|to| Box::pin(channels::prepare(&context.outgoing, &to.channel)));
    join_all(preparing).await;
}

/// Gives claims back that will not be used, so that the next try need not wait for their end.
pub async fn give_back(
    context: &EventContext<'_>,
    claims: Vec<Result<Claim, StateError>>,
    why: &str,
) {
    let granted = claims.into_iter().filter_map(|claim| match claim {
        Ok(Claim::Granted(claim)) => Some(claim),
        _ => None,
    });
    let back = granted.map(|claim| context.records.ledger.delivery_failed(claim, why));
    for result in join_all(back).await {
        if let Err(error) = result {
            tracing::warn!("a claim could not be given back and runs out by itself: {error}");
        }
    }
}

/// Tells a recipient, unless it was told before. Returns what the channel calls the message.
pub async fn tell(
    context: &EventContext<'_>,
    message: CaseMessage<'_>,
    to: &Recipient,
    mode: Mode<'_>,
) -> Result<Option<Value>, NotifierError> {
    match claim(context, &message.case.id, message.name, to).await? {
        Claimed::Before(delivery) => Ok(delivery.message_ref),
        Claimed::Granted(claim) => send(context, message, (to, claim), mode).await,
    }
}

/// Sends what was claimed, and notes what came of it.
pub async fn send(
    context: &EventContext<'_>,
    message: CaseMessage<'_>,
    (to, claim): (&Recipient, ClaimGuard),
    mode: Mode<'_>,
) -> Result<Option<Value>, NotifierError> {
    let CaseMessage { case, route, .. } = message;
    let links = match (message.signer, route) {
        (Some(signer), Some(route)) => signer.links(case, route, to),
        _ => Links::default(),
    };
    let asks = message.buttons || matches!(message.occasion, Occasion::Reminder { .. });
    let mentions = route
        .filter(|_| asks)
        .and_then(|route| route.mention.get(&to.channel.name));
    let rendered = Message {
        occasion: message.occasion,
        case: Some(case),
        links,
        mentions: mentions.map(Vec::as_slice).unwrap_or_default(),
        waiting: message.buttons
            && case.execution_id.is_some()
            && route.is_none_or(|route| decides_there(route, to)),
        now: context.now(),
    };
    let texts = Texts::for_channel(message.config, route, &to.channel);
    let post = DeliveryRequest {
        channel: &to.channel,
        recipient: None,
        message: &rendered,
        texts: &texts,
        mode,
        id: &format!("{}-{}", case.id, message.name),
    };
    let sent = Box::pin(channels::deliver(&context.outgoing, &post)).await;
    let what = format!("{} of the case {}", message.name, case.id);
    note(context, &what, (to, claim), sent).await
}

/// Whether there is something to press: not where the route lets nobody decide by a message, nor in
/// Slack where it names nobody by a Slack id. Other channels have links of their own.
fn decides_there(route: &Route, to: &Recipient) -> bool {
    let named = |approver: &Approver| {
        matches!(approver, Approver::Slack { .. }) || *approver == to.approver
    };
    let heard = !to.changeable() || route.policy.approvers.iter().any(named);
    route.policy.decide && heard
}

/// Notes what came of a delivery.
pub async fn note(
    context: &EventContext<'_>,
    what: &str,
    (to, claim): (&Recipient, ClaimGuard),
    sent: Result<channels::Delivered, channels::DeliverError>,
) -> Result<Option<Value>, NotifierError> {
    let (recipient, tries) = (to.key.as_str(), claim.tries());
    match sent {
        Ok(delivered) => {
            tracing::info!(recipient, tries, "told {what}");
            let message_ref = delivered.message_ref;
            // Lost: it took longer than the lease. It is told all the same.
            let _ = context
                .records
                .ledger
                .delivered(claim, message_ref.clone())
                .await?;
            Ok(message_ref)
        }
        Err(error) => {
            let why = error.to_string();
            tracing::error!(recipient, tries, "{what} could not be told: {why}");
            if let Err(error) = context.records.ledger.delivery_failed(claim, &why).await {
                tracing::warn!("a claim could not be given back and runs out by itself: {error}");
            }
            Err(NotifierError::Undelivered {
                what: what.to_owned(),
                recipient: recipient.to_owned(),
                why,
            })
        }
    }
}
