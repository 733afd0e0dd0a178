//! The question that people are asked, and by which names the records know the messages that ask it.

use approvals::token_mac::token_mac;
use approvals::{ApprovalAction, Case, CaseId, GateQuestion, PausedDeployment, Source, Token};
use jiff::Timestamp;
use ledger::{Delivery, DeliveryState};
use signing::Keys;

/// The name of the question in the records.
pub const QUESTION_NAME: &str = "ask";

/// The name of the escalation in the records.
pub const ESCALATION_NAME: &str = "escalation";
/// The beginning of a reminder's name there; its number follows.
pub const REMINDER_NAME_PREFIX: &str = "reminder-";

/// What waits for people.
#[derive(Debug)]
pub enum Question {
    /// A manual approval.
    Approval(ApprovalQuestion),
    /// A paused deployment.
    Pause(PauseQuestion),
    /// A gate whose evidence is not enough.
    Gate(Box<GateAsking>),
}

impl Question {
    /// What it is about.
    pub fn source(&self) -> Source {
        match self {
            Self::Approval(question) => question.action.clone().into(),
            Self::Pause(question) => question.paused.clone().into(),
            Self::Gate(asking) => asking.question.asking.clone().into(),
        }
    }

    /// The id of its case.
    pub fn case_id(&self) -> CaseId {
        match self {
            Self::Approval(question) => Case::id_of(&question.action, &question.token),
            Self::Pause(question) => question.paused.case_id(),
            Self::Gate(asking) => asking.question.id(),
        }
    }

    /// The pipeline execution, where it could be found; the service deployment.
    pub fn execution_id(&self) -> Option<&str> {
        match self {
            Self::Approval(question) => question.execution_id.as_deref(),
            Self::Pause(question) => Some(&question.paused.deployment_arn),
            Self::Gate(asking) => Some(&asking.question.asking.deployment_id),
        }
    }

    /// Where it is in the console.
    pub fn console_link(&self) -> Option<&str> {
        match self {
            Self::Approval(question) => question.console_link.as_deref(),
            Self::Pause(question) => question.console_link.as_deref(),
            Self::Gate(asking) => asking.console_link.as_deref(),
        }
    }

    /// By what its token is recognised; a pause and a gate have none.
    pub fn token_mac(&self, keys: &Keys) -> String {
        match self {
            Self::Approval(question) => token_mac(keys, &question.action, &question.token),
            Self::Pause(_) | Self::Gate(_) => String::new(),
        }
    }
}

/// A gate that asks, as its event says it.
#[derive(Debug)]
pub struct GateAsking {
    /// What it asks.
    pub question: GateQuestion,
    /// The deployment in the console.
    pub console_link: Option<String>,
}

/// A deployment that is paused, as its event says it.
#[derive(Debug)]
pub struct PauseQuestion {
    /// What waits.
    pub paused: PausedDeployment,
    /// Whether its event is so new that Lambda runs it again if it fails.
    pub fresh: bool,
    /// When ECS gives up.
    pub expires: Option<Timestamp>,
    /// The service in the console.
    pub console_link: Option<String>,
}

/// An approval that waits, whichever message told of it.
#[derive(Debug)]
pub struct ApprovalQuestion {
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

/// The messages that asked, oldest first, each with its recipient's key. The question itself may have
/// failed: then a reminder or the escalation is the first that a recipient got, and has its buttons.
pub fn asking_messages(deliveries: Vec<(String, String, Delivery)>) -> Vec<(String, Delivery)> {
    let mut asking: Vec<(String, Delivery)> = deliveries
        .into_iter()
        .filter(|(occasion, _, delivery)| {
            let occasion = occasion.as_str();
            let asks = [QUESTION_NAME, ESCALATION_NAME].contains(&occasion)
                || occasion.starts_with(REMINDER_NAME_PREFIX);
            asks && delivery.state == DeliveryState::Sent
        })
        .map(|(_, key, delivery)| (key, delivery))
        .collect();
    asking.sort_by_key(|(_, delivery)| delivery.since);
    asking
}
