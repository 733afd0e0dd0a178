//! What people are told: notices before a sleep, morning summaries, problems.
//!
//! Whoever can't be told is a sentence for the answer and the log, and never an error: a run must not
//! depend on Slack. Everything is claimed in the state table before it is sent, as events come twice.

pub mod link;
pub mod may;
pub mod morning;
pub mod notice;
pub mod offer;
pub mod stage;
pub mod texts;
mod troubles;

use crate::reconcile::{Done, Run};
use crate::settings::Settings;
use crate::{Function, Invocation, configuration, own};

use stage::Stage;

/// After the plan is made and before anything is changed: notices of sleeps that come near
/// ([`environments::plan::Plan::about_to_sleep`]). Not in a dry run, in which nothing sleeps, and not in
/// one of a part of the services, which would hide the others.
///
/// Gives back what could not be told, in sentences. It is stopped after [`crate::reconcile::TELLING`].
pub async fn before(run: &Run<'_>) -> Vec<String> {
    if run.dry_run || run.event.only.is_some() {
        return Vec::new();
    }
    Box::pin(notice::tell(run, &stage(run))).await
}

/// After the plan was applied: the morning's summary, and what failed.
///
/// Gives back what could not be told, in sentences. It is stopped after [`crate::reconcile::TELLING`].
pub async fn after(run: &Run<'_>, done: &Done) -> Vec<String> {
    let stage = stage(run);
    let mut untold = Vec::new();
    if !run.dry_run && run.event.only.is_none() {
        untold = Box::pin(morning::tell(run, done, &stage)).await;
    }
    untold.extend(Box::pin(troubles::tell(run, done, &stage)).await);
    untold
}

/// What stops a whole run: a configuration that is wrong (so no channel of it is known: only the topic
/// of the settings is left), or an account in which nothing could be read.
#[derive(Debug, Clone, Copy)]
pub struct Trouble<'a> {
    /// The event that met it.
    pub event: &'a crate::event::Event,
    /// The whole error with all its problems, several lines.
    pub error: &'a str,
}

/// Tells a trouble: at each down and up, and in between (ticks) once for each different trouble and day.
///
/// Gives back what could not be told, in sentences.
pub async fn trouble(
    function: &Function,
    settings: &Settings,
    invocation: &Invocation,
    trouble: &Trouble<'_>,
) -> Vec<String> {
    let place = own::place(&invocation.own_arn);
    let account = place.map(|place| place.account).unwrap_or_default();
    let config = configuration::current(function, settings, &account).await;
    let people = config.as_ref().ok().map(|config| &config.people);
    let stage = Stage {
        function,
        settings,
        people,
    };
    let names = people.map(|people| people.tell.trouble.as_slice());
    let on = (function, invocation);
    troubles::tell_run(on, &stage, trouble, names.unwrap_or_default()).await
}

fn stage<'a>(run: &Run<'a>) -> Stage<'a> {
    Stage {
        function: run.function,
        settings: run.settings,
        people: Some(&run.config.people),
    }
}
