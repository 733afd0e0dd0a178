//! Messages about a case: what a recipient may do with one, and sending it once.

use approvals::Case;
use approvals::config::{Config, Route};
use channels::{
    ApprovalNotice, DeliveryMode, Links, Message, MessageKey, NoticeReason, Post, Recipient,
    Subject, Texts,
};
use contacts::Approver;
use ledger::ClaimGuard;
use serde_json::Value;

use crate::context::EventContext;
use crate::error::NotifierError;
use crate::link_signer::Signer;

/// What is sent, whoever gets it.
#[derive(Clone, Copy)]
pub struct CaseMessage<'a> {
    /// Its name in the records: `ask`, `reminder-1`, …
    pub name: &'a str,
    /// Why.
    pub occasion: NoticeReason<'a>,
    /// What about.
    pub case: &'a Case,
    /// The case's route; none if the configuration has lost it.
    pub route: Option<&'a Route>,
    /// The configuration.
    pub config: &'a Config,
    /// Where links lead.
    pub signer: Signer<'a>,
    /// Whether it has buttons.
    pub buttons: bool,
}

impl<'a> CaseMessage<'a> {
    /// Its name in the records.
    pub fn about(&self) -> MessageKey<'a> {
        MessageKey::About(&self.case.id, self.name)
    }

    /// What one recipient gets.
    fn notice(&self, to: &Recipient) -> ApprovalNotice<'a> {
        let Self { case, route, .. } = *self;
        let asks = self.buttons || matches!(self.occasion, NoticeReason::Reminder { .. });
        let mentions = route
            .filter(|_| asks)
            .and_then(|route| route.mention.get(&to.channel.name));
        ApprovalNotice {
            occasion: self.occasion,
            case,
            links: route.map_or_else(Links::default, |route| self.signer.links(case, route, to)),
            mentions: mentions.map(Vec::as_slice).unwrap_or_default(),
            waiting: self.buttons
                && case.execution_id.is_some()
                && route.is_none_or(|route| decides_there(route, to)),
        }
    }
}

/// Sends a message, unless the recipient has it. Returns what the channel calls it.
pub async fn send(
    context: &EventContext<'_>,
    message: CaseMessage<'_>,
    to: &Recipient,
    mode: DeliveryMode<'_>,
) -> Result<Option<Value>, NotifierError> {
    send_with(context, message, (to, None), mode).await
}

/// Sends what was claimed.
pub async fn send_claimed(
    context: &EventContext<'_>,
    message: CaseMessage<'_>,
    (to, claim): (&Recipient, ClaimGuard),
) -> Result<Option<Value>, NotifierError> {
    send_with(context, message, (to, Some(claim)), DeliveryMode::New).await
}

async fn send_with(
    context: &EventContext<'_>,
    message: CaseMessage<'_>,
    (to, claim): (&Recipient, Option<ClaimGuard>),
    mode: DeliveryMode<'_>,
) -> Result<Option<Value>, NotifierError> {
    let post = Post {
        message: &Message {
            subject: Subject::Approval(message.notice(to)),
            now: context.now(),
        },
        texts: &Texts::for_channel(message.config, message.route, &to.channel),
        mode,
        is_late: &|| false,
    };
    let dispatcher = context.dispatcher();
    Ok(match claim {
        Some(claim) => {
            dispatcher
                .send_claimed(message.about(), (to, claim), post)
                .await?
        }
        None => dispatcher.send(message.about(), to, post).await?,
    })
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
