//! What subscribers of a topic would find in their mailboxes: the emulator keeps no such mail.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Message, Sinks};
use crate::upstream::{element, elements};

impl Sinks {
    /// Keeps a mail for each e-mail subscription of a topic that was published to. Subscriptions
    /// count without a confirmation.
    pub(crate) async fn published(&self, topic: &str, subject: &str, message: &str) {
        let params = [("TopicArn", topic), ("Version", "2010-03-31")];
        let listed = self
            .shared
            .upstream
            .query("sns", "ListSubscriptionsByTopic", &params)
            .await;
        // A topic whose subscriptions cannot be read has none.
        let listed = listed.unwrap_or_default();
        for member in elements(&listed, "member") {
            let is_mail = matches!(element(member, "Protocol"), Some("email" | "email-json"));
            let Some(to) = element(member, "Endpoint").filter(|_| is_mail) else {
                continue;
            };
            // Without a subject AWS writes its own.
            let subject = if subject.is_empty() {
                "AWS Notification Message"
            } else {
                subject
            };
            self.push(Message {
                seq: 0,
                at: self.shared.clock.now(),
                service: "sns-email",
                operation: "Publish".to_owned(),
                path: to.to_owned(),
                headers: BTreeMap::new(),
                body: json!({ "to": to, "subject": subject, "message": message, "topic": topic }),
                answer: json!({ "status": 200 }),
            });
        }
    }
}
