//! The question that people are asked, and by which names the records know the messages that ask it.

use approvals::{ApprovalAction, Token};
use jiff::Timestamp;
use ledger::{Delivery, DeliveryState};

/// The name of the question in the records.
pub const ASK: &str = "ask";

/// The name of the escalation in the records.
pub const ESCALATED: &str = "escalation";
/// The beginning of a reminder's name there; its number follows.
pub const REMINDER: &str = "reminder-";

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

/// The messages that asked, oldest first, each with its recipient's key. The question itself may have
/// failed: then a reminder or the escalation is the first that a recipient got, and has its buttons.
pub fn asking_messages(deliveries: Vec<(String, String, Delivery)>) -> Vec<(String, Delivery)> {
    let mut asking: Vec<(String, Delivery)> = deliveries
        .into_iter()
        .filter(|(occasion, _, delivery)| {
            let occasion = occasion.as_str();
            let asks = [ASK, ESCALATED].contains(&occasion) || occasion.starts_with(REMINDER);
            asks && delivery.state == DeliveryState::Sent
        })
        .map(|(_, key, delivery)| (key, delivery))
        .collect();
    asking.sort_by_key(|(_, delivery)| delivery.since);
    asking
}
