//! What people are sent: notices before a sleep, morning summaries, problems.
//!
//! A message that can't be sent is reported in the answer and the log, and fails nothing: a run must not depend on Slack. Everything is claimed in the state table before it is sent, as events may come twice.

mod error;
pub mod link_claims;
pub mod messenger;
pub mod morning_summary;
pub mod offer;
pub mod permissions;
mod problems;
pub mod sleep_notice;
pub mod texts;

use std::time::Duration;

use crate::run::{FailedRun, RunContext, RunOutcome};
use crate::settings::Settings;
use crate::{Function, Invocation, configuration};

pub use error::NotifyError;
use messenger::Messenger;

/// The longest that people are notified, before a run and after it.
pub const NOTIFY_TIMEOUT: Duration = Duration::from_secs(20);

/// After the plan is made and before anything is changed: notices of sleeps that come near
/// ([`environments::plan::Plan::about_to_sleep`]). Not in a dry run, in which nothing sleeps, and not in
/// one of a part of the services, which would hide the others.
///
/// Returns what could not be sent. It is stopped after [`NOTIFY_TIMEOUT`].
pub async fn before(run: &RunContext<'_>) -> Vec<NotifyError> {
    if run.dry_run || run.event.only.is_some() {
        return Vec::new();
    }
    Box::pin(sleep_notice::send(run, &messenger(run))).await
}

/// After the plan was applied: the morning's summary, and what failed.
///
/// Returns what could not be sent. It is stopped after [`NOTIFY_TIMEOUT`].
pub async fn after(run: &RunContext<'_>, done: &RunOutcome) -> Vec<NotifyError> {
    let messenger = messenger(run);
    let mut unsent = Vec::new();
    if !run.dry_run && run.event.only.is_none() {
        unsent = Box::pin(morning_summary::send(run, done, &messenger)).await;
    }
    unsent.extend(Box::pin(problems::report(run, done, &messenger)).await);
    unsent
}

/// Reports a failed run: at each down and up, and at ticks once a day for each different failure.
///
/// Returns what could not be sent.
pub async fn run_failed(
    function: &Function,
    settings: &Settings,
    invocation: &Invocation,
    failed: &FailedRun<'_>,
) -> Vec<NotifyError> {
    let place = invocation.place();
    let account = place.map(|place| place.account).unwrap_or_default();
    let config = configuration::current(function, settings, &account).await;
    let people = config.as_ref().ok().map(|config| &config.people);
    let messenger = Messenger {
        function,
        settings,
        people,
    };
    let names = people.map(|people| people.tell.problems.as_slice());
    let on = (function, invocation);
    problems::report_run(on, &messenger, failed, names.unwrap_or_default()).await
}

fn messenger<'a>(run: &RunContext<'a>) -> Messenger<'a> {
    Messenger {
        function: run.function,
        settings: run.settings,
        people: Some(&run.config.people),
    }
}
