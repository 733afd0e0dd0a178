//! What people are told: notices before a sleep, morning summaries, problems.
//!
//! Whoever can't be told is a sentence for the answer and the log, and never an error: a run must not
//! depend on Slack. Everything is claimed in the state table before it is sent, as events come twice.

pub mod link;
pub mod messenger;
pub mod morning_summary;
pub mod offer;
pub mod permissions;
mod problems;
pub mod sleep_notice;
pub mod texts;

use crate::reconcile::{RunContext, RunOutcome};
use crate::settings::Settings;
use crate::{Function, Invocation, configuration, identity};

use messenger::Messenger;

/// After the plan is made and before anything is changed: notices of sleeps that come near
/// ([`environments::plan::Plan::about_to_sleep`]). Not in a dry run, in which nothing sleeps, and not in
/// one of a part of the services, which would hide the others.
///
/// Gives back what could not be told, in sentences. It is stopped after [`crate::reconcile::TELLING`].
pub async fn before(run: &RunContext<'_>) -> Vec<String> {
    if run.dry_run || run.event.only.is_some() {
        return Vec::new();
    }
    Box::pin(sleep_notice::tell(run, &messenger(run))).await
}

/// After the plan was applied: the morning's summary, and what failed.
///
/// Gives back what could not be told, in sentences. It is stopped after [`crate::reconcile::TELLING`].
pub async fn after(run: &RunContext<'_>, done: &RunOutcome) -> Vec<String> {
    let messenger = messenger(run);
    let mut untold = Vec::new();
    if !run.dry_run && run.event.only.is_none() {
        untold = Box::pin(morning_summary::tell(run, done, &messenger)).await;
    }
    untold.extend(Box::pin(problems::tell(run, done, &messenger)).await);
    untold
}

/// What stops a whole run: a configuration that is wrong (so no channel of it is known: only the topic
/// of the settings is left), or an account in which nothing could be read.
#[derive(Debug, Clone, Copy)]
pub struct FailedRun<'a> {
    /// The event that met it.
    pub event: &'a crate::event::Event,
    /// The whole error with all its problems, several lines.
    pub error: &'a str,
}

/// Tells a trouble: at each down and up, and in between (ticks) once for each different trouble and day.
///
/// Gives back what could not be told, in sentences.
pub async fn run_failed(
    function: &Function,
    settings: &Settings,
    invocation: &Invocation,
    trouble: &FailedRun<'_>,
) -> Vec<String> {
    let place = identity::place(&invocation.own_arn);
    let account = place.map(|place| place.account).unwrap_or_default();
    let config = configuration::current(function, settings, &account).await;
    let people = config.as_ref().ok().map(|config| &config.people);
    let messenger = Messenger {
        function,
        settings,
        people,
    };
    let names = people.map(|people| people.tell.trouble.as_slice());
    let on = (function, invocation);
    problems::tell_run(on, &messenger, trouble, names.unwrap_or_default()).await
}

fn messenger<'a>(run: &RunContext<'a>) -> Messenger<'a> {
    Messenger {
        function: run.function,
        settings: run.settings,
        people: Some(&run.config.people),
    }
}
