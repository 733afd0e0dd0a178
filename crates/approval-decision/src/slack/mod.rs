//! Buttons in Slack. A click is taken in within the time that Slack waits and decided in an invocation of its
//! own: the function hands it to itself, and answers on the click's `response_url`.
//!
//! Nothing of a request is looked at before its signature is right.

mod click;
mod interaction;

use function_url::slack_request::{Reception, ReceptionError, SIGNATURE_TTL};
use function_url::{Request, Response, SealedEvent, invoke_self};

use crate::RequestContext;

pub use click::decide_click;
pub use interaction::{Interaction, SlackClick};

/// Answers `POST /slack/interactions`.
pub async fn interactions(context: &RequestContext<'_>, request: &Request) -> Response {
    let Some(reference) = &context.settings.slack_secret else {
        return Response::not_found();
    };
    let function = context.function;
    let reception = Reception::begin(request, &function.aws, function.now());
    let reference = async { Ok(Some(reference.clone())) };
    let verified = reception.verify(&function.slack_secret, reference).await;
    if let Err(refused) = verified {
        return refused;
    }
    match Interaction::read(request) {
        Ok(Interaction::Click(click)) => {
            let taken = reception.take_in(take_in(context, reception.signature(), click));
            taken.await.err().unwrap_or_else(|| Response::empty(200))
        }
        Ok(Interaction::OfNoInterest) => Response::empty(200),
        Err(unreadable) => {
            tracing::warn!("{unreadable}");
            Response::empty(400)
        }
    }
}

/// Takes a click in, if it comes for the first time: this function is invoked again, and not waited for.
async fn take_in(
    context: &RequestContext<'_>,
    signature: &str,
    click: SlackClick,
) -> Result<bool, ReceptionError> {
    let ledger = context.records().ledger;
    let what = format!("slack#{signature}");
    let first = ledger.first_time(&what, &context.invocation.request_id, SIGNATURE_TTL);
    if !first.await.map_err(ReceptionError::of)? {
        return Ok(false);
    }
    let at = context.function.now().as_second();
    let keys = context.keys().await.map_err(ReceptionError::of)?;
    let event = SealedEvent::new(&keys, SlackClick { at, ..click });
    let name = context.invocation.function(&context.settings.function_name);
    invoke_self(&context.function.aws, name, &event.to_value())
        .await
        .map_err(ReceptionError::of)?;
    Ok(true)
}
