//! The one place that makes ECS's answer: the value that the function returns.

use std::time::Duration;

use serde_json::{Value, json};

use super::continuation::Continuation;
use crate::answer::Answer;
use crate::carried_state::Handover;
use crate::event::{EcsEvent, RUN_KEY};

/// ECS's own default; nothing says that it takes less.
const MIN_DELAY: Duration = Duration::from_secs(30);
/// Nothing says that it takes more than some minutes; whoever is called too early only says so again.
const MAX_DELAY: Duration = Duration::from_mins(5);

/// The verdict. The run is cleared away: ECS would hand it to the next step.
pub(crate) fn decided(answer: Answer) -> Value {
    let status = match answer {
        Answer::Succeeded => "SUCCEEDED",
        Answer::Failed => "FAILED",
    };
    json!({ "hookStatus": status, "hookDetails": { RUN_KEY: "" } })
}

/// The bake, or the wait for people, goes on when ECS calls again.
pub(crate) fn goes_on(event: &EcsEvent, handover: &Handover) -> Value {
    // Rounded up: a round that is begun a moment late costs nothing, waiting for it in the function does.
    let wait = Duration::from_secs(
        handover
            .wait
            .as_millis()
            .div_ceil(1_000)
            .try_into()
            .unwrap_or(u64::MAX),
    );
    json!({
        "hookStatus": "IN_PROGRESS",
        "callBackDelay": wait.clamp(MIN_DELAY, MAX_DELAY).as_secs(),
        "hookDetails": { RUN_KEY: Continuation::new(event, handover.carried.clone()).encode() },
    })
}
