//! Slack's requests. Nothing of one is looked at before its signature is right; it is taken in within
//! Slack's three seconds, and carried out in a run of its own, which the function hands to itself.

use std::time::Duration;

use approval_decision::event::Request;
use approval_decision::response::Response;
use approvals::sign::slack::{Signed, SigningSecret, verify};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use channels::fill;
use common::aws::explain;
use common::secret::{self, SecretRef};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::Reply;
use super::slack_command::{Handed, Read, SlackRequest, button, command};
use crate::people::messenger::Messenger;
use crate::people::texts::Texts;
use crate::{Invocation, configuration, identity};

/// Slack waits three seconds; the way there and back takes its part.
const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(2);
/// A message with all its blocks comes back with each click.
const MAX_BODY: usize = 256 * 1024;
/// A signature is remembered for longer than it counts.
const SIGNATURE_TTL: SignedDuration = SignedDuration::from_mins(15);
/// The signing secret is read again after this long, so that a new one is noticed.
const CACHE_TTL: SignedDuration = SignedDuration::from_mins(5);

/// The signing secret of a function that lives for many invocations.
#[derive(Debug, Default)]
pub struct Secret(Mutex<Option<(Timestamp, SigningSecret)>>);

/// Which of the two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/slack/commands`
    Commands,
    /// `/slack/interactions`
    Interactions,
}

/// Answers a request of Slack.
pub async fn serve(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    request: &Request,
    endpoint: Endpoint,
) -> Reply {
    if request.method != "POST" {
        return Response::only("POST").into();
    }
    if request.body.len() > MAX_BODY {
        return Response::empty(413).into();
    }
    let secret = match Box::pin(signing_secret(messenger, invocation)).await {
        Ok(Some(secret)) => secret,
        Ok(None) => return Response::page(404, super::page::neutral()).into(),
        Err(why) => {
            tracing::error!("nothing of Slack can be taken: {why}");
            return Response::empty(503).into();
        }
    };
    let signed = Signed {
        timestamp: request.header("x-slack-request-timestamp"),
        signature: request.header("x-slack-signature"),
        body: &request.body,
    };
    if let Err(refused) = verify(&secret, &signed, messenger.now()) {
        tracing::warn!("a request was refused that does not come from Slack: {refused}");
        return Response::empty(401).into();
    }
    let read = match endpoint {
        Endpoint::Commands => command(request),
        Endpoint::Interactions => button(request),
    };
    let texts = Texts::of(approvals::config::Language::English);
    match read {
        Read::SlackRequest(words) => {
            take_in(messenger, invocation, request, (words, endpoint)).await
        }
        Read::Help => Reply::slack(texts.reply_help),
        Read::Unclear(problem) => {
            Reply::slack(&fill(texts.reply_unclear, &[("problem", &problem)]))
        }
        Read::Nothing => Response::empty(200).into(),
        Read::Malformed(why) => {
            tracing::warn!("a request of Slack could not be read: {why}");
            Response::empty(400).into()
        }
    }
}

/// Takes words in, once, in the time that Slack waits; where that can't be done, a status of failure
/// makes Slack show a warning.
async fn take_in(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    request: &Request,
    (words, endpoint): (SlackRequest, Endpoint),
) -> Reply {
    let signature = request.header("x-slack-signature").unwrap_or_default();
    let records = messenger.records();
    let taking = async {
        let what = format!("environment-slack#{signature}");
        let first = records.first_time(&what, &invocation.request_id, SIGNATURE_TTL);
        let first = first.await.map_err(|error| error.to_string())?;
        if first {
            hand_over(messenger, invocation, words).await?;
        }
        Ok::<bool, String>(first)
    };
    match tokio::time::timeout(ACKNOWLEDGE_TIMEOUT, Box::pin(taking)).await {
        Ok(Ok(true)) if endpoint == Endpoint::Commands => {
            Reply::slack(Texts::of(approvals::config::Language::English).reply_working)
        }
        Ok(Ok(true)) => Response::empty(200).into(),
        Ok(Ok(false)) => {
            tracing::warn!("a request was refused that came before");
            Response::empty(401).into()
        }
        Ok(Err(why)) => {
            tracing::error!("a request of Slack could not be taken in: {why}");
            Response::empty(503).into()
        }
        Err(_) => {
            tracing::error!(
                "a request of Slack could not be taken in within {ACKNOWLEDGE_TIMEOUT:?}"
            );
            Response::empty(503).into()
        }
    }
}

/// Invokes this function again, without waiting for it.
async fn hand_over(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    words: SlackRequest,
) -> Result<(), String> {
    let words = SlackRequest {
        at: messenger.now().as_second(),
        ..words
    };
    let keys = messenger.keys().await?;
    let payload = json!(Handed::new(&keys, words)).to_string();
    let call = messenger
        .function
        .aws
        .lambda()
        .invoke()
        .function_name(identity::name(messenger.settings, invocation))
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(payload));
    let sent = call.send().await.map_err(|error| {
        format!(
            "the function could not invoke itself: {}; its role needs lambda:InvokeFunction on itself",
            explain(&error)
        )
    });
    sent.map(drop)
}

/// The signing secret; none where there is no Slack. That of the settings comes first, so that strangers
/// can't make the function read its configuration.
async fn signing_secret(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
) -> Result<Option<SigningSecret>, String> {
    let now = messenger.now();
    let mut kept = messenger.function.slack.0.lock().await;
    if let Some((read, secret)) = &*kept
        && now.duration_since(*read).abs() < CACHE_TTL
    {
        return Ok(Some(secret.clone()));
    }
    let Some(reference) = reference(messenger, invocation).await? else {
        return Ok(None);
    };
    let text = secret::read(&messenger.function.aws, &reference).await?;
    let secret = SigningSecret::new(&text).map_err(|error| error.to_string())?;
    *kept = Some((now, secret.clone()));
    Ok(Some(secret))
}

/// The app of the configuration comes first: the setting's may be that of the approvals in the same stack.
async fn reference(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
) -> Result<Option<SecretRef>, String> {
    let place = identity::place(&invocation.own_arn);
    let account = place.map(|place| place.account).unwrap_or_default();
    let config = configuration::current(messenger.function, messenger.settings, &account);
    let fallback = messenger.settings.slack_secret.clone();
    match Box::pin(config).await {
        Ok(config) => {
            let app = config.people.slack_app.clone();
            Ok(app.and_then(|app| app.signing_secret).or(fallback))
        }
        Err(error) => fallback.map(Some).ok_or_else(|| error.to_string()),
    }
}

/// A text that only the person sees. Slack's own signs are made harmless.
pub fn message(text: &str) -> Value {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    json!({
        "response_type": "ephemeral",
        "replace_original": false,
        "text": text,
    })
}
