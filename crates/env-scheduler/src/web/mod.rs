//! The function URL: snooze and wake by a signed link, and Slack. Anybody can call it, so each request
//! proves where it comes from before anything is looked up.
//!
//! What must always hold:
//! - A GET or HEAD changes nothing, whoever sends it.
//! - Who can't prove anything learns nothing, not even why.
//! - What somebody asks for is checked against the configuration as it is now, and recorded.

pub mod change_request;
pub mod link_session;
pub mod page;
pub mod slack_answer;
pub mod slack_command;
pub mod slack_endpoint;

use function_url::{Request, Response, SealedEvent};
use serde_json::{Value, json};

use crate::people::messenger::Messenger;
use crate::{Function, HandleError, Invocation};

pub use change_request::audit_id;

use slack_command::SlackRequest;
use slack_endpoint::Endpoint;

/// Answers a request of the function URL (payload version 2.0), in the form that Lambda wants. Wrong
/// settings (`function.settings`) are an answer, too.
pub async fn handle(function: &Function, invocation: &Invocation, payload: Value) -> Value {
    let Ok(request) = Request::decode(payload) else {
        tracing::warn!("a request could not be read");
        return Response::empty(400).into_value();
    };
    let response = match &function.settings {
        Ok(settings) => {
            let messenger = Messenger {
                function,
                settings,
                people: None,
            };
            Box::pin(route(&messenger, invocation, &request)).await
        }
        Err(error) => {
            tracing::error!("{error}");
            Response::unavailable()
        }
    };
    response.for_method(&request.method).into_value()
}

async fn route(messenger: &Messenger<'_>, invocation: &Invocation, request: &Request) -> Response {
    match request.path.as_str() {
        "/slack/commands" => {
            slack_endpoint::serve(messenger, invocation, request, Endpoint::Commands).await
        }
        "/slack/interactions" => {
            slack_endpoint::serve(messenger, invocation, request, Endpoint::Interactions).await
        }
        path => match path.strip_prefix("/e/") {
            Some(sealed) => link_session::serve(messenger, invocation, request, sealed).await,
            None => Response::not_found(),
        },
    }
}

/// Carries out what the function has handed to itself. Refused if somebody else has.
pub async fn handed_over(
    function: &Function,
    invocation: &Invocation,
    payload: Value,
) -> Result<Value, HandleError> {
    let settings = function.settings.as_ref().map_err(Clone::clone)?;
    let messenger = Messenger {
        function,
        settings,
        people: None,
    };
    let sealed = SealedEvent::<SlackRequest>::decode(payload)?;
    let opened = sealed.open(&function.keyring, &function.aws, function.now());
    let (request, _) = opened.await?;
    Box::pin(slack_answer::carry_out_request(
        &messenger, invocation, &request,
    ))
    .await;
    Ok(json!({"done": request.id}))
}
