//! The notification sink: one SNS topic, plain readable text, so that an e-mail subscriber reads it
//! as it is and a machine filters by message attributes.
//!
//! A notification that can't be sent is an error for the log. It never changes an answer.

use std::collections::BTreeMap;

use aws_sdk_sns::types::MessageAttributeValue;

use crate::aws::Aws;
use crate::failure::{Failure, Hints};

/// SNS refuses longer subjects, line breaks and anything outside ASCII.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
const MAX_SUBJECT_BYTES: usize = 100;
/// The body's limit is 256 KiB with the attributes; the rest is room for those.
const MAX_BODY_BYTES: usize = 200 * 1024;

/// A message to the subscribers of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// One line; cut to 100 ASCII characters.
    pub subject: String,
    /// Plain text, any language.
    pub body: String,
    /// What a subscription can filter by; empty values are left out, as SNS refuses them.
    pub attributes: BTreeMap<&'static str, String>,
}

/// Why a notification was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the notification could not be published to {topic}: {detail}")]
pub struct NotifyError {
    topic: String,
    detail: String,
}

/// Publishes `notification` to the topic `topic_arn` and returns SNS's message id.
pub async fn publish(
    aws: &Aws,
    topic_arn: &str,
    notification: &Notification,
) -> Result<String, NotifyError> {
    let mut call = aws
        .sns()
        .publish()
        .topic_arn(topic_arn)
        .subject(subject(&notification.subject))
        .message(cut(&notification.body, MAX_BODY_BYTES));
    for (name, value) in &notification.attributes {
        if value.is_empty() {
            continue;
        }
        let value = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(value)
            .build()
            .expect("a data type is set");
        call = call.message_attributes(*name, value);
    }
    let sent = call.send().await.map_err(|error| NotifyError {
        topic: topic_arn.to_owned(),
        detail: Failure::of(&error).sentence(
            aws.identity(),
            Hints {
                permission: "sns:Publish to it",
                absent: "make the topic, or correct its ARN",
            },
        ),
    })?;
    Ok(sent.message_id().unwrap_or_default().to_owned())
}

/// A subject that SNS accepts.
fn subject(text: &str) -> String {
    let ascii: String = text
        .chars()
        .map(|c| match c {
            '→' => '>',
            c if c.is_ascii_graphic() => c,
            c if c.is_whitespace() => ' ',
            _ => '?',
        })
        .collect();
    let ascii = ascii.trim();
    if ascii.len() <= MAX_SUBJECT_BYTES {
        return ascii.to_owned();
    }
    format!("{}...", &ascii[..MAX_SUBJECT_BYTES - 3])
}

/// `text` within `limit` bytes, cut on a character boundary, saying that it was cut.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!(
        "{}\n(cut here; the report has all of it)",
        &text[..text.floor_char_boundary(limit)]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_ascii_line_of_at_most_100_characters() {
        assert_eq!(subject(" shop 1.0 → 1.1\nü "), "shop 1.0 > 1.1 ?");
        let long = subject(&"é".repeat(300));
        assert_eq!(long.len(), 100);
        assert!(long.ends_with("..."));
    }

    #[test]
    fn a_long_body_is_cut_on_a_character_boundary() {
        let body = cut(&"é".repeat(20), 7);
        assert_eq!(body, "ééé\n(cut here; the report has all of it)");
    }
}
