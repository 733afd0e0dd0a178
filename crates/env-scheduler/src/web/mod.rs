//! The function URL: snooze and wake by a signed link, and Slack. Anybody can call it, so each request
//! proves where it comes from before anything is looked up.
//!
//! What must always hold:
//! - A GET or HEAD changes nothing, whoever sends it.
//! - Who can't prove anything learns nothing, not even why.
//! - What somebody asks for is checked against the configuration as it is now, and recorded.

pub mod change_request;
pub mod form;
pub mod link_session;
pub mod page;
pub mod slack;
pub mod slack_answer;
pub mod slack_command;

use approval_decision::event::{self, Request};
use approval_decision::response::Response;
use serde_json::{Value, json};

use crate::people::messenger::Messenger;
use crate::{Function, Invocation};

pub use change_request::audit_id;
pub use slack::Secret;

use slack::Endpoint;
use slack_command::Handed;

/// What a request gets: a page, or JSON for Slack.
pub enum Reply {
    /// For a browser.
    Page(Response),
    /// For Slack.
    Slack(Value),
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self::Page(response)
    }
}

impl Reply {
    fn slack(text: &str) -> Self {
        Self::Slack(slack::message(text))
    }

    fn into_value(self, method: &str) -> Value {
        match self {
            Self::Page(response) => response.for_method(method).into_value(),
            Self::Slack(message) => {
                let mut value = Response::page(200, message.to_string()).into_value();
                value["headers"]["content-type"] = json!("application/json; charset=utf-8");
                value
            }
        }
    }
}

/// Answers a request of the function URL (payload version 2.0), in the form that Lambda wants. Wrong
/// settings (`function.settings`) are an answer, too.
pub async fn handle(function: &Function, invocation: &Invocation, payload: Value) -> Value {
    let Ok(event::Event::Request(request)) = event::Event::decode(payload) else {
        tracing::warn!("a request could not be read");
        return Response::empty(400).into_value();
    };
    let settings = match &function.settings {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!("{error}");
            let response = Response::page(503, page::unavailable());
            return response.for_method(&request.method).into_value();
        }
    };
    let messenger = Messenger {
        function,
        settings,
        people: None,
    };
    let reply = Box::pin(route(&messenger, invocation, &request)).await;
    reply.into_value(&request.method)
}

async fn route(messenger: &Messenger<'_>, invocation: &Invocation, request: &Request) -> Reply {
    match request.path.as_str() {
        "/slack/commands" => slack::serve(messenger, invocation, request, Endpoint::Commands).await,
        "/slack/interactions" => {
            slack::serve(messenger, invocation, request, Endpoint::Interactions).await
        }
        path => match path.strip_prefix("/e/") {
            Some(sealed) => link_session::serve(messenger, invocation, request, sealed)
                .await
                .into(),
            None => Response::page(404, page::neutral()).into(),
        },
    }
}

/// Whether an event is one that the function has handed to itself.
pub fn is_handed(payload: &Value) -> bool {
    payload.get("slack_words").is_some()
}

/// Carries out what the function has handed to itself. Refused if somebody else has.
pub async fn handed(
    function: &Function,
    invocation: &Invocation,
    payload: Value,
) -> Result<Value, String> {
    const FOREIGN: &str =
        "words were refused that this function has not handed over; don't invoke it by hand";
    let settings = function.settings.as_ref().map_err(ToString::to_string)?;
    let messenger = Messenger {
        function,
        settings,
        people: None,
    };
    let handed: Handed = serde_json::from_value(payload).map_err(|_| FOREIGN)?;
    let keys = messenger.keys().await?;
    let mut words = handed.open(&keys);
    if words.is_none() {
        // Another instance of the function may have read newer keys.
        let newer = function
            .keyring
            .refreshed(&function.aws, function.now())
            .await;
        let newer = newer.map_err(|error| error.to_string())?;
        words = handed.open(&newer);
    }
    let words = words.ok_or(FOREIGN)?;
    Box::pin(slack_answer::carry_out_words(&messenger, invocation, words)).await;
    Ok(json!({"done": words.id}))
}
