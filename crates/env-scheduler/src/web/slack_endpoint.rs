//! Slack's requests: taken in within the time that Slack waits, and carried out in an invocation of their own,
//! which the function hands to itself.

use channels::fill;
use common::secret::SecretRef;
use contacts::Language;
use function_url::slack_request::{Reception, ReceptionError, SIGNATURE_TTL, message};
use function_url::{Request, Response, SealedEvent, invoke_self};

use super::slack_command::{ParsedCommand, SlackRequest, button, command};
use crate::people::messenger::Messenger;
use crate::people::texts::Texts;
use crate::{Invocation, configuration};

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
) -> Response {
    let function = messenger.function;
    let reception = Reception::begin(request, &function.aws, messenger.now());
    let verified = reception.verify(&function.slack, reference(messenger, invocation));
    if let Err(refused) = Box::pin(verified).await {
        return refused;
    }
    let parsed = match endpoint {
        Endpoint::Commands => command(request),
        Endpoint::Interactions => button(request),
    };
    let texts = Texts::of(Language::English);
    let say = |text: &str| Response::json(&message(text));
    match parsed {
        ParsedCommand::Request(asked) => {
            let taking = take_in(messenger, invocation, reception.signature(), asked);
            let taken = reception.take_in(taking).await;
            taken.err().unwrap_or_else(|| match endpoint {
                Endpoint::Commands => say(texts.reply_working),
                Endpoint::Interactions => Response::empty(200),
            })
        }
        ParsedCommand::Help => say(texts.reply_help),
        ParsedCommand::Unclear(problem) => {
            let problem = problem.to_string();
            say(&fill(texts.reply_unclear, &[("problem", &problem)]))
        }
        ParsedCommand::Nothing => Response::empty(200),
        ParsedCommand::Malformed(why) => {
            tracing::warn!("a request of Slack could not be read: {why}");
            Response::empty(400)
        }
    }
}

/// Takes a request in, if it comes for the first time: this function is invoked again, and not waited for.
async fn take_in(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
    signature: &str,
    request: SlackRequest,
) -> Result<bool, ReceptionError> {
    let what = format!("environment-slack#{signature}");
    let ledger = messenger.ledger();
    let first = ledger.first_time(&what, &invocation.request_id, SIGNATURE_TTL);
    if !first.await.map_err(ReceptionError::of)? {
        return Ok(false);
    }
    let at = messenger.now().as_second();
    let keys = messenger.keys().await.map_err(ReceptionError::of)?;
    let event = SealedEvent::new(&keys, SlackRequest { at, ..request });
    let name = invocation.function(&messenger.settings.function_name);
    invoke_self(&messenger.function.aws, name, &event.to_value())
        .await
        .map_err(ReceptionError::of)?;
    Ok(true)
}

/// Where the signing secret is kept. The app of the configuration comes first: the setting's may be that of
/// the approvals in the same stack.
async fn reference(
    messenger: &Messenger<'_>,
    invocation: &Invocation,
) -> Result<Option<SecretRef>, ReceptionError> {
    let place = invocation.place();
    let account = place.map(|place| place.account).unwrap_or_default();
    let config = configuration::current(messenger.function, messenger.settings, &account);
    let fallback = messenger.settings.slack_secret.clone();
    match Box::pin(config).await {
        Ok(config) => {
            let app = config.people.slack_app.clone();
            Ok(app.and_then(|app| app.signing_secret).or(fallback))
        }
        Err(error) => fallback.map(Some).ok_or_else(|| ReceptionError::of(error)),
    }
}
