//! Channels that AWS delivers: mails through SES, topics of SNS, and Amazon Q, which listens to one.

use std::collections::BTreeMap;

use approvals::Source;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use common::aws::{Identity, explain};
use common::failure::{Failure, Hints};
use common::notify::{self, Notification};
use common::rest_api::{self, SES};
use serde_json::{Value, json};

use super::{Cause, Delivered, DeliveryRequest};
use crate::outgoing::Outgoing;
use crate::{Payload, Subject};

/// A mail to each recipient alone: nobody sees another's links.
pub(super) async fn ses(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
    (from, to): (&str, &[String]),
) -> Result<Delivered, Cause> {
    let Payload::Mail {
        subject,
        html,
        text,
    } = post.as_new()
    else {
        unreachable!("the mail's surface renders a mail");
    };
    let message = json!({
        "Subject": content(&subject),
        "Body": { "Html": content(&html), "Text": content(&text) },
        // Programs that answer by themselves leave it alone, and people can sort by it.
        "Headers": [
            { "Name": "Auto-Submitted", "Value": "auto-generated" },
            { "Name": "List-Id", "Value": list_id(post) },
        ],
    });
    let mut failed = Vec::new();
    let mut retryable = false;
    for address in to {
        let input = json!({
            "FromEmailAddress": from,
            "Destination": { "ToAddresses": [address] },
            "Content": { "Simple": message },
        });
        let route = ("POST", "/v2/email/outbound-emails");
        let call = rest_api::call(out.aws, SES, "SendEmail", route, input);
        if let Err(error) = call.await {
            retryable |= passes(&error);
            failed.push(format!("{address}: {}", explain(&error)));
        }
    }
    if failed.is_empty() {
        return Ok(Delivered::default());
    }
    let detail = format!(
        "SES did not take the mail ({}); check that the sender is verified, that SES is out of its sandbox or the recipient is verified, and that whoever sends may ses:SendEmail",
        failed.join("; ")
    );
    Err(Cause::Aws { detail, retryable })
}

fn list_id(post: &DeliveryRequest<'_>) -> &'static str {
    match post.message.subject {
        Subject::Announcement(_) => "deploy-hooks environments <environments.deploy-hooks.invalid>",
        _ => "deploy-hooks approvals <approvals.deploy-hooks.invalid>",
    }
}

fn content(text: &str) -> Value {
    json!({ "Data": text, "Charset": "UTF-8" })
}

/// Plain text to a topic.
pub(super) async fn sns(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
    topic: &str,
) -> Result<Delivered, Cause> {
    let Payload::SnsMail { subject, text } = post.as_new() else {
        unreachable!("the surface of SNS renders a message of SNS");
    };
    // By `event` the notifier knows its own messages, should it listen to this topic, too.
    let mut attributes = BTreeMap::from([("event", post.message.event())]);
    if let Some(notice) = post.message.approval() {
        let case = notice.case;
        let name = match &case.source {
            Source::Pipeline(_) => "pipeline",
            Source::Ecs(_) => "service",
            Source::Gate(_) => "application",
        };
        attributes.insert(name, case.source.name().to_owned());
        attributes.insert("stage", case.source.stage().to_owned());
    }
    let notification = Notification {
        subject,
        body: text,
        attributes,
    };
    let sent = notify::publish(out.aws, topic, &notification).await;
    sent.map_err(|error| Cause::Aws {
        detail: error.to_string(),
        retryable: true,
    })?;
    Ok(Delivered::default())
}

/// A custom notification.
pub(super) async fn amazon_q(
    out: &Outgoing<'_>,
    post: &DeliveryRequest<'_>,
    topic: &str,
) -> Result<Delivered, Cause> {
    let Payload::AmazonQ(event) = post.as_new() else {
        unreachable!("Amazon Q's surface renders its notification");
    };
    let attribute = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(post.message.event());
    let attribute = attribute.build().expect("a data type is set");
    let call = out
        .aws
        .sns()
        .publish()
        .topic_arn(topic)
        .message(event.to_string())
        // By it the notifier knows its own messages, should it listen to this topic, too.
        .message_attributes("event", attribute);
    call.send().await.map_err(|error| Cause::Aws {
        detail: format!(
            "the notification could not be published to {topic}: {}",
            Failure::of(&error).sentence(
                Identity::Function,
                Hints {
                    permission: "sns:Publish on it",
                    absent: "check the topic's ARN",
                },
            )
        ),
        retryable: passes(&error),
    })?;
    Ok(Delivered::default())
}

/// Whether the same call may succeed later: not where AWS refuses what it was given, nor where it took it and only its
/// answer can't be read, as people would have the message twice.
fn passes<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let code = context.err().code().unwrap_or_default();
            status >= 500
                || status == 429
                || code.contains("Throttl")
                || code.contains("TooManyRequests")
        }
        SdkError::ResponseError(context) => !context.raw().status().is_success(),
        SdkError::ConstructionFailure(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_sns::config::http::HttpResponse;
    use aws_smithy_types::body::SdkBody;
    use common::signed_call::ServiceError;

    #[test]
    fn a_mail_that_was_taken_is_not_sent_again_for_want_of_a_readable_answer() {
        let unreadable = |status: u16| {
            let status = status.try_into().unwrap();
            let raw = HttpResponse::new(status, SdkBody::empty());
            passes(&SdkError::<ServiceError>::response_error("unreadable", raw))
        };
        assert!(!unreadable(200));
        assert!(unreadable(503));
    }
}
