//! What a message file is about: an approval with its briefing, or a message that is passed on.

use approval_notifier::forward;
use approvals::message::{
    ApprovalMessage, GateAsks, GateDecided, GateDecision, Incoming, PauseEvent, WaitingMessage,
    incoming,
};
use approvals::{Briefing, Case, CaseId, ShownDigest, Source, Token};
use channels::ForwardedMessage;
use common::console;
use jiff::Timestamp;
use serde_json::Value;

use crate::failure::Failure;

/// What a message file is about.
#[derive(Debug)]
pub(crate) enum PreviewSubject {
    /// An approval waits.
    Case(Box<Case>),
    /// A gate lets nothing pass.
    Decision {
        decision: Box<GateDecision>,
        /// People were asked before.
        is_asked: bool,
    },
    /// Something else.
    Plain(ForwardedMessage),
    /// Something of a shape that isn't known.
    Unknown(ForwardedMessage),
}

/// Reads a message file.
pub(crate) fn read(
    message: &Value,
    briefing: Briefing,
    now: Timestamp,
) -> Result<PreviewSubject, Failure> {
    let mut all = incoming(message).into_iter();
    let Some(first) = all.next() else {
        return Err(Failure::Wrong(
            "the event has no records; give one with a message".into(),
        ));
    };
    if all.next().is_some() {
        return Err(Failure::Wrong(
            "the event has several records; give one alone".into(),
        ));
    }
    Ok(match first {
        Incoming::Approval(message) => {
            PreviewSubject::Case(Box::new(asked(message, briefing, now)))
        }
        Incoming::Waiting(message) => {
            PreviewSubject::Case(Box::new(waiting(message, briefing, now)))
        }
        Incoming::Paused(event) => PreviewSubject::Case(Box::new(paused(event, briefing, now))),
        Incoming::GateAsks(event) => PreviewSubject::Case(Box::new(gate(*event, briefing, now))),
        Incoming::Alarm(alarm) => PreviewSubject::Plain(forward::of_alarm(&alarm)),
        Incoming::CodeDeploy(trigger) => PreviewSubject::Plain(forward::of_trigger(&trigger)),
        Incoming::Other(message) => PreviewSubject::Unknown(forward::of_other(&message)),
        Incoming::GateDecided(event) if event.stopped.is_some() => stopped(*event)?,
        Incoming::ActionChanged(change) if change.notified && !change.is_manual_approval() => {
            PreviewSubject::Plain(forward::of_action(&change))
        }
        Incoming::ExecutionChanged(change) if change.notified => {
            PreviewSubject::Plain(forward::of_execution(&change))
        }
        Incoming::ActionChanged(_)
        | Incoming::ExecutionChanged(_)
        | Incoming::DeploymentChanged(_)
        | Incoming::GateDecided(_)
        | Incoming::Reminder { .. } => return Err(only_follows()),
    })
}

fn only_follows() -> Failure {
    Failure::Wrong(
        "this event only changes what was sent before; give the approval's message, and --occasion for what comes \
         after"
            .into(),
    )
}

fn stopped(event: GateDecided) -> Result<PreviewSubject, Failure> {
    Ok(PreviewSubject::Decision {
        decision: Box::new(event.stopped.ok_or_else(only_follows)?),
        is_asked: event.case.is_some(),
    })
}

fn asked(message: ApprovalMessage, briefing: Briefing, now: Timestamp) -> Case {
    let id = Case::id_of(&message.action, &message.token);
    Case {
        expires: message.expires,
        console_link: message.console_link,
        external_link: message.external_link,
        comment: message.comment,
        ..empty(id, message.action, briefing, now)
    }
}

fn waiting(message: WaitingMessage, briefing: Briefing, now: Timestamp) -> Case {
    // The notification has no token, and a preview needs none.
    let id = Case::id_of(&message.action, &Token::new(&*message.execution_id));
    Case {
        execution_id: Some(message.execution_id),
        external_link: message.external_link,
        comment: message.comment,
        ..empty(id, message.action, briefing, now)
    }
}

fn paused(event: PauseEvent, briefing: Briefing, now: Timestamp) -> Case {
    let paused = event.paused;
    Case {
        execution_id: Some(paused.deployment_arn.clone()),
        expires: event.expires,
        console_link: console::service(&paused.region, &paused.cluster, &paused.service),
        ..empty(paused.case_id(), paused, briefing, now)
    }
}

fn gate(event: GateAsks, briefing: Briefing, now: Timestamp) -> Case {
    let question = event.question;
    let id = question.id();
    let briefing = Briefing {
        gate: Some(question.evidence),
        ..briefing
    };
    Case {
        execution_id: Some(question.asking.deployment_id.clone()),
        expires: Some(question.expires),
        ..empty(id, question.asking, briefing, now)
    }
}

fn empty(id: CaseId, source: impl Into<Source>, briefing: Briefing, now: Timestamp) -> Case {
    Case {
        id,
        source: source.into(),
        execution_id: None,
        token_mac: String::new(),
        route: String::new(),
        asked_at: now,
        expires: None,
        console_link: None,
        external_link: None,
        comment: None,
        briefing,
        shown: ShownDigest::default(),
    }
}
