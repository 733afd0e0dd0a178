//! The contract with `CodeDeploy`, on both of its compute platforms.
//!
//! `CodeDeploy` waits an hour for a hook that says nothing, ignores what the function returns, and takes one of two
//! words for an answer. [`answer`] is the one place that gives it.

pub(crate) mod answer;
pub(crate) mod app_spec_source;
pub(crate) mod continuation;
pub(crate) mod deployed;
pub(crate) mod deployment;
mod forwarding;
mod lifecycle_event;
mod post_traffic_check;
mod rollback;
pub(crate) mod routes;
mod service;
mod target;
mod targets;

use std::time::Duration;

use common::aws::Aws;
use gate::{PausePolicy, Stage};

use self::continuation::{Continuation, MAX_BAKE, MAX_CHECKS, MAX_WAIT};
use self::deployment::Deployment;
pub use self::post_traffic_check::{BakeFit, bake_fit};
use self::target::TargetQuery;
pub(crate) use self::target::{group, release};
use crate::ask::pending_question::PendingQuestion;
use crate::budget::Budget;
use crate::caller::{MaxBake, Preparation, Prepared, Refusal, both, may_hand_on};
use crate::event::{CodeDeployEvent, RUN_KEY};
use crate::facts::{Facts, note};
use crate::gate_function::GateFunction;
use crate::guard::Progress;
use crate::lookup::{LookupContext, while_people_decide};
use crate::settings::Settings;

/// Finds the deployment, its target and its suite.
pub(crate) async fn prepare(
    function: &GateFunction,
    event: &CodeDeployEvent,
    budget: Budget,
    progress: &Progress,
) -> Result<Preparation, Refusal> {
    let (stage, aws) = (function.stage, &function.aws);
    progress.begin("looking up the deployment");
    let asked = pending_question(event);
    let read = deployment::read(aws, &event.deployment_id);
    let deployment = match &asked {
        None => read.await?,
        // People have time; a look-up that fails now must not take it from them.
        Some(asked) => match while_people_decide(read, budget).await {
            Some(deployment) => deployment,
            None => return Ok(Preparation::Question(asked.clone())),
        },
    };
    progress.add_facts(&deployment_facts(&deployment));
    if let Some(ended) = &deployment.ended {
        let id = &deployment.id;
        if let Ok(settings) = &function.settings {
            progress.add_facts(&called_event(aws, stage, settings, &deployment, budget).await);
        }
        let reason =
            format!("the deployment {id} is over already ({ended}); nothing is left to gate");
        return Err(Refusal::of(vec![reason], None));
    }
    if let Some(undone) = &deployment.rollback_of {
        return Ok(Preparation::Waived(format!(
            "this deployment rolls back {undone}; a rollback is never hindered by a gate"
        )));
    }
    if let Some(asked) = asked {
        return Ok(Preparation::Question(asked));
    }
    // After the rollback: wrong settings must not hinder one.
    let settings = function.known_settings()?;
    progress.begin("looking up the target and loading the suite");
    let place = settings
        .suite
        .filled(&deployment.application, &deployment.group);
    let context = LookupContext {
        aws,
        timeout: budget.lookup_timeout(),
    };
    let post_traffic = match stage {
        Stage::PreTraffic => settings.post_traffic.as_ref(),
        Stage::PostTraffic => None,
    };
    let query = TargetQuery {
        stage,
        function: &settings.function_name,
        tcp_scheme: settings.tcp_scheme,
        post_traffic: post_traffic.map(|post| post.function.as_str()),
    };
    let (found, suite) = tokio::join!(target::find(context, query, &deployment), place.load(aws));
    if let Ok(found) = &found {
        progress.add_facts(&found.known.facts);
    }
    let (found, suite) = both(found, suite)?;
    let listeners = found.listeners.as_ref();
    let target = target::of_gate(&found.known, listeners)
        .map_err(|reason| Refusal::of(vec![reason], Some(&suite)))?;
    let ahead = post_traffic.map(|post| post_traffic_check::problems(post, &found, &suite));
    let resume = match &event.run {
        None => None,
        Some(run) => Some(Continuation::decode(run).ok_or_else(|| {
            let reason = format!("the event's {RUN_KEY} was not written by this gate");
            Refusal::of(vec![reason], Some(&suite))
        })?),
    };
    Ok(Preparation::Measure(Box::new(Prepared {
        resume: resume.and_then(|run| run.carried.run()),
        waits_for: MAX_WAIT,
        waits_since: found.waits_since,
        pause: may_hand_on(stage, &suite, MAX_CHECKS).then_some(PausePolicy {
            // Whoever goes on is called at once: only the function's own time is a reason.
            min_wait: Duration::MAX,
            sits_out: true,
        }),
        max_bake: Some(MaxBake {
            limit: MAX_BAKE,
            why: "CodeDeploy waits an hour for a hook; shorten traffic.bake".to_owned(),
        }),
        assumed: listeners
            .and_then(|listeners| listeners.under_test.assumed.clone())
            .into_iter()
            .collect(),
        ahead: ahead.unwrap_or_default(),
        release: found.release,
        ..Prepared::new(suite, target)
    })))
}

/// The question that waits, if people were asked.
pub(crate) fn pending_question(event: &CodeDeployEvent) -> Option<PendingQuestion> {
    let handed_on = event.run.as_deref().and_then(Continuation::decode);
    handed_on.and_then(|run| run.carried.pending_question())
}

/// The lifecycle event of a deployment that has ended, if it can be found: its report shows whether
/// people have been told.
async fn called_event(
    aws: &Aws,
    stage: Stage,
    settings: &Settings,
    deployment: &Deployment,
    budget: Budget,
) -> Facts {
    let context = LookupContext {
        aws,
        timeout: budget.lookup_timeout(),
    };
    let find = target::called_event(context, stage, &settings.function_name, deployment);
    let event = tokio::time::timeout(context.timeout, find).await;
    let mut facts = Facts::new();
    note(&mut facts, "lifecycle_event", event.ok().flatten());
    facts
}

fn deployment_facts(deployment: &Deployment) -> Facts {
    let mut facts = Facts::new();
    note(&mut facts, "application", Some(&deployment.application));
    note(&mut facts, "deployment_group", Some(&deployment.group));
    facts
}
