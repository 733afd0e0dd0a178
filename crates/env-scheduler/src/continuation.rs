//! Continues a run whose time is over in another invocation, at once.
//!
//! Only the event is passed on. The next invocation reads everything again and finds what is left, so one that is lost or
//! comes twice is harmless, and the next tick would do the rest as well.

use jiff::Timestamp;

use crate::event::Event;
use crate::settings::Settings;
use crate::{Function, Invocation};
use function_url::SelfInvocationError;

/// How often at most the function continues a run itself; a caller that loops has its own limit.
/// Lambda stops a function that invokes itself about sixteen times in a row, and at five changes a second
/// this many invocations of a quarter of an hour reach tens of thousands of services.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>
pub const MAX_CONTINUATIONS: u32 = 12;

/// What becomes of the rest.
#[derive(Debug, Default, PartialEq)]
pub struct Continuation {
    /// Whether it is being done at once.
    pub continued: bool,
    /// The event with which the caller must invoke again, where it does so by itself.
    pub next: Option<Event>,
    /// Why it waits for the next tick.
    pub problem: Option<String>,
}

/// Continues a run that stopped at this instant of its clock.
pub async fn continue_run(
    function: &Function,
    settings: &Settings,
    invocation: &Invocation,
    (event, now): (&Event, Timestamp),
) -> Continuation {
    let next = Event {
        // A run's clock may be ahead of the real one, and must not go back.
        at: Some(now),
        continuation: event.continuation.saturating_add(1),
        ..event.clone()
    };
    if event.looped {
        return Continuation {
            continued: true,
            next: Some(next),
            problem: None,
        };
    }
    if event.continuation >= MAX_CONTINUATIONS {
        return Continuation {
            problem: Some(format!(
                "the run was continued {MAX_CONTINUATIONS} times and there is still more to do; the next tick continues. \
                 Raise the function's timeout, or `rate` in the configuration"
            )),
            ..Continuation::default()
        };
    }
    match invoke_self(function, settings, invocation, &next).await {
        Ok(()) => Continuation {
            continued: true,
            ..Continuation::default()
        },
        Err(why) => Continuation {
            problem: Some(format!("{why}; the next tick continues")),
            ..Continuation::default()
        },
    }
}

/// Invokes the function itself with this event, without waiting for what comes of it.
pub async fn invoke_self(
    function: &Function,
    settings: &Settings,
    invocation: &Invocation,
    event: &Event,
) -> Result<(), SelfInvocationError> {
    let name = invocation.function(&settings.function_name);
    function_url::invoke_self(&function.aws, name, &event.to_value()).await
}
