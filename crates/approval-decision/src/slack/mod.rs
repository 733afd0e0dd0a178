//! Buttons in Slack. A click is taken in within Slack's three seconds and decided in a run of its own:
//! the function hands it to itself, and answers on the click's `response_url`.
//!
//! Nothing of a request is looked at before its signature is right.

mod click;
mod interaction;

use std::time::Duration;

use approvals::sign::slack::{NotSlack, Signed, SigningSecret, verify};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use common::aws::Identity;
use common::failure::{Failure, Hints};
use common::secret;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::RequestContext;
use crate::event::Request;
use crate::response::Response;

pub use click::decide_click;
pub use interaction::{Handed, Interaction, SlackClick};

/// Slack waits three seconds; the way there and back takes its part.
const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(2);
/// A message with all its blocks comes back with each click; ours have some ten kilobytes.
const MAX_BODY: usize = 256 * 1024;
/// A signature is remembered for longer than it counts.
const SIGNATURE_TTL: SignedDuration = SignedDuration::from_mins(15);
/// The signing secret is read again after this long, so that a new one is noticed.
const CACHE_TTL: SignedDuration = SignedDuration::from_mins(5);

/// The signing secret of a function that lives for many invocations.
#[derive(Debug, Default)]
pub struct Secret(Mutex<Option<(Timestamp, SigningSecret)>>);

/// Answers `POST /slack/interactions`.
pub async fn interactions(context: &RequestContext<'_>, request: &Request) -> Response {
    if context.settings.slack_secret.is_none() {
        return Response::no_such_page();
    }
    if request.method != "POST" {
        return Response::only("POST");
    }
    if request.oversized || request.body.len() > MAX_BODY {
        return Response::empty(413);
    }
    let deadline = Instant::now() + ACKNOWLEDGE_TIMEOUT;
    let secret = timeout_at(deadline, signing_secret(context)).await;
    let late = |_| Err(format!("no signing secret within {ACKNOWLEDGE_TIMEOUT:?}"));
    let secret = match secret.unwrap_or_else(late) {
        Ok(secret) => secret,
        Err(why) => {
            tracing::error!("no click of Slack can be taken: {why}");
            return Response::empty(503);
        }
    };
    if let Err(refused) = authentic(context, request, &secret) {
        tracing::warn!("a request was refused that does not come from Slack: {refused}");
        return Response::empty(401);
    }
    match Interaction::read(request) {
        Ok(Interaction::Click(click)) => take_in(context, request, &click, deadline).await,
        Ok(Interaction::OfNoInterest) => Response::empty(200),
        Err(unreadable) => {
            tracing::warn!("{unreadable}");
            Response::empty(400)
        }
    }
}

fn authentic(
    context: &RequestContext<'_>,
    request: &Request,
    secret: &SigningSecret,
) -> Result<(), NotSlack> {
    let signed = Signed {
        timestamp: request.header("x-slack-request-timestamp"),
        signature: request.header("x-slack-signature"),
        body: &request.body,
    };
    verify(secret, &signed, context.function.now())
}

async fn signing_secret(context: &RequestContext<'_>) -> Result<SigningSecret, String> {
    let now = context.function.now();
    let mut kept = context.function.slack_secret.0.lock().await;
    if let Some((read, secret)) = &*kept
        && now.duration_since(*read).abs() < CACHE_TTL
    {
        return Ok(secret.clone());
    }
    let reference = context.settings.slack_secret.as_ref();
    let reference = reference.ok_or("SLACK_SECRET is not set")?;
    let text = secret::read(&context.function.aws, reference).await?;
    let secret = SigningSecret::new(&text).map_err(|error| error.to_string())?;
    *kept = Some((now, secret.clone()));
    Ok(secret)
}

/// Takes a click in, once, in the time that Slack waits. There is no way to tell a person anything in
/// this answer; where it can't be taken in, a status of failure makes Slack show a warning.
async fn take_in(
    context: &RequestContext<'_>,
    request: &Request,
    click: &SlackClick,
    deadline: Instant,
) -> Response {
    let signature = request.header("x-slack-signature").unwrap_or_default();
    let taking = async {
        let first = context
            .records()
            .first_time(
                &format!("slack#{signature}"),
                context.request_id,
                SIGNATURE_TTL,
            )
            .await
            .map_err(|error| error.to_string())?;
        if first {
            hand_over(context, click).await?;
        }
        Ok::<bool, String>(first)
    };
    match timeout_at(deadline, taking).await {
        Ok(Ok(true)) => Response::empty(200),
        Ok(Ok(false)) => {
            tracing::warn!(
                case = click.case.as_str(),
                "a request was refused that came before"
            );
            Response::empty(401)
        }
        Ok(Err(why)) => {
            tracing::error!(
                case = click.case.as_str(),
                "a click could not be taken in: {why}"
            );
            Response::empty(503)
        }
        Err(_) => {
            tracing::error!(
                case = click.case.as_str(),
                "a click could not be taken in within {ACKNOWLEDGE_TIMEOUT:?}"
            );
            Response::empty(503)
        }
    }
}

/// Invokes this function again, without waiting for it.
async fn hand_over(context: &RequestContext<'_>, click: &SlackClick) -> Result<(), String> {
    let at = context.function.now().as_second();
    let click = SlackClick {
        at,
        ..click.clone()
    };
    let keys = context.keys().await?;
    let payload = json!(Handed::new(&keys, click)).to_string();
    let call = context
        .function
        .aws
        .lambda()
        .invoke()
        .function_name(context.own_name)
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(payload));
    match call.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "the function could not invoke itself: {}",
            Failure::of(&error).sentence(
                Identity::Function,
                Hints {
                    permission: "lambda:InvokeFunction on itself",
                    absent: "check AWS_LAMBDA_FUNCTION_NAME",
                },
            )
        )),
    }
}
