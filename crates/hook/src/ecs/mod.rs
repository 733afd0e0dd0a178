//! The contract with ECS's own deployments: blue/green, canary, linear.
//!
//! ECS calls at each stage that has a hook, says what is deployed and with how much traffic, and takes the value that
//! the function returns for its answer ([`answer`]). A value that it can't read rolls the deployment back.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>

pub(crate) mod answer;
mod continuation;
pub(crate) mod deployed;
pub(crate) mod deployment;
mod options;
mod rollback;
mod route_target;
pub(crate) mod rule_demands;
mod stage;
mod target;

use std::ops::ControlFlow;
use std::time::Duration;

use common::arn::{Arn, last_name};
use common::aws::Aws;
use gate::{PausePolicy, Stage};
use tokio::time::Instant;

use self::continuation::Continuation;
pub(crate) use self::continuation::{run_id, step};
use self::deployment::{Progress as DeploymentProgress, ServiceDeployment};
use self::options::HookOptions;
pub(crate) use self::stage::gate_at;
pub use self::stage::stage_refusal;
use self::target::TargetQuery;
use crate::ask::pending_question::PendingQuestion;
use crate::budget::Budget;
use crate::caller::{MaxBake, Preparation, Prepared, Refusal, both, may_hand_on};
use crate::carried_state::CarriedState;
use crate::cloud::{DescribedRelease, EcsRelease};
use crate::event::{EcsEvent, RUN_KEY};
use crate::facts::{Facts, note};
use crate::gate_function::GateFunction;
use crate::guard::Progress;
use crate::lookup::{LookupContext, LookupError, while_people_decide};

/// ECS calls back after 30 s by default; whether it takes a shorter delay is not documented. So a wait of this length
/// is handed back, and a shorter one is sat out.
const MIN_CALL_BACK: Duration = Duration::from_secs(30);

/// `hookDetails` has no documented limit; a token of `CodePipeline` may have 2,048 characters. This many checks fit.
const MAX_CHECKS: usize = 65;

/// The pause between two tries to read a deployment that may be a rollback.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// So often ECS says that it knows no such deployment before that is believed.
const MAX_ABSENT: u32 = 5;

/// Kept between the end of a bake and the hook's time-out.
const HOOK_RESERVE: Duration = Duration::from_mins(2);

/// Finds the deployment, its revisions, the rule under test and the suite.
pub(crate) async fn prepare(
    function: &GateFunction,
    event: &EcsEvent,
    budget: Budget,
    progress: &Progress,
) -> Result<Preparation, Refusal> {
    let (stage, aws) = (function.stage, &function.aws);
    progress.begin("looking up the deployment");
    let deployment = match deployment_to_measure(aws, event, budget).await? {
        ControlFlow::Continue(deployment) => deployment,
        ControlFlow::Break(preparation) => return Ok(preparation),
    };
    let refuse = |reason: String| Refusal::of(vec![reason], None);
    // After the rollback: wrong options must not hinder one.
    let options = HookOptions::read(event).map_err(|wrong| Refusal::of(wrong, None))?;
    options.fit(stage).map_err(refuse)?;
    let revisions = deployment::revisions(aws, event, &deployment).await?;
    let has_test_rule = revisions.new.test_rule.is_some();
    let route = stage::route(stage, event, &deployment, has_test_rule).map_err(refuse)?;
    let settings = function.known_settings()?;
    progress.begin("looking up the target and loading the suite");
    let place = match &event.suite {
        Some(written) => settings
            .suite
            .sibling(written)
            .map_err(|why| refuse(format!("hookDetails.suite is {written:?}: {why}")))?,
        None => settings.suite.clone(),
    };
    let (cluster, service) = names(&event.deployment_arn);
    let place = place.filled(service, cluster);
    let context = LookupContext {
        aws,
        timeout: budget.lookup_timeout(),
    };
    let query = TargetQuery {
        route,
        tcp_scheme: settings.tcp_scheme,
    };
    let (found, suite) = tokio::join!(
        target::find(context, query, event, &revisions),
        place.load(aws)
    );
    if let Ok(found) = &found {
        progress.add_facts(&found.known.facts);
    }
    let (found, mut suite) = both(found, suite)?;
    let chosen = options.apply(&mut suite);
    let by_route = route_target::target(route, stage, &found, &mut suite);
    let of_suite = |reason| Refusal::of(vec![reason], Some(&suite));
    chosen.map_err(of_suite)?;
    let (target, notes) = by_route.map_err(of_suite)?;
    let resume = run_so_far(stage, event).map_err(of_suite)?;
    let pause = may_hand_on(stage, &suite, MAX_CHECKS).then_some(PausePolicy {
        min_wait: MIN_CALL_BACK,
        sits_out: false,
    });
    let (new, old) = revisions.described;
    let release = DescribedRelease::Ecs(Box::new(EcsRelease {
        deployment: deployment.described.clone(),
        new,
        old,
    }));
    let hook_timeout = deployment.hook_timeout(&settings.function_name, &event.lifecycle_stage);
    Ok(Preparation::Measure(Box::new(Prepared {
        assumed: found.assumed,
        notes,
        release,
        resume,
        pause,
        waits_for: hook_timeout
            .unwrap_or(deployment::DEFAULT_HOOK_TIMEOUT)
            .saturating_sub(HOOK_RESERVE),
        max_bake: hook_timeout.map(|timeout| MaxBake {
            limit: timeout.saturating_sub(HOOK_RESERVE),
            why: "the hook's timeoutInMinutes ends it; make that longer or shorten traffic.bake"
                .to_owned(),
        }),
        ..Prepared::new(suite, target)
    })))
}

/// The deployment, unless there is nothing to measure: it rolls back, or people decide about what was measured.
async fn deployment_to_measure(
    aws: &Aws,
    event: &EcsEvent,
    budget: Budget,
) -> Result<ControlFlow<Preparation, ServiceDeployment>, Refusal> {
    let asked = pending_question(event);
    let deployment = match &asked {
        None => read_deployment(aws, event, budget).await?,
        // People have time; a look-up that fails now must not take it from them.
        Some(asked) => {
            let read = deployment::read(aws, &event.deployment_arn);
            match while_people_decide(read, budget).await {
                Some(deployment) => deployment,
                None => return Ok(ControlFlow::Break(Preparation::Question(asked.clone()))),
            }
        }
    };
    if let Some(undone) = rollback::undone_to(event, &deployment) {
        return Ok(ControlFlow::Break(Preparation::Waived(format!(
            "this deployment is rolling back to {undone}; a rollback is never hindered by a gate"
        ))));
    }
    if let DeploymentProgress::Ended(status) = &deployment.progress {
        let id = last_name(&event.deployment_arn);
        let over =
            format!("the deployment {id} is over already ({status}); nothing is left to gate");
        return Err(Refusal::of(vec![over], None));
    }
    Ok(match asked {
        Some(asked) => ControlFlow::Break(Preparation::Question(asked)),
        None => ControlFlow::Continue(deployment),
    })
}

/// The question that waits, if people were asked at this step.
pub(crate) fn pending_question(event: &EcsEvent) -> Option<PendingQuestion> {
    let handed_on = event.run.as_deref().and_then(Continuation::decode);
    let of_step = handed_on.filter(|run| run.of_step(event));
    of_step.and_then(|run| run.carried.pending_question())
}

/// Where the run stands that this call goes on with, if it does.
fn run_so_far(stage: Stage, event: &EcsEvent) -> Result<Option<gate::RunState>, String> {
    let (Stage::PostTraffic, Some(text)) = (stage, event.run.as_deref()) else {
        // One round before traffic has nothing to go on with.
        return Ok(None);
    };
    let run = Continuation::decode(text)
        .ok_or_else(|| format!("hookDetails.{RUN_KEY} was not written by this gate"))?;
    Ok(run
        .of_step(event)
        .then_some(run.carried)
        .and_then(CarriedState::run))
}

/// Reads the deployment. At the stages that run on a rollback no failed look-up may hinder one, so it is tried until
/// the time is over, or until ECS has said often enough that there is none.
async fn read_deployment(
    aws: &Aws,
    event: &EcsEvent,
    budget: Budget,
) -> Result<ServiceDeployment, LookupError> {
    let mut absent = 0;
    loop {
        let read = deployment::read(aws, &event.deployment_arn).await;
        let Err(error) = &read else { return read };
        absent += u32::from(matches!(error, LookupError::Missing(_)));
        let left = budget.work_until.saturating_duration_since(Instant::now());
        if !rollback::recurs(event) || absent == MAX_ABSENT || left < 2 * RETRY_AFTER {
            return read;
        }
        tracing::warn!("{error}; it is asked for again");
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

/// What the event itself says of the target.
pub(crate) fn facts_of(event: &EcsEvent) -> Facts {
    let mut facts = Facts::new();
    let (cluster, service) = names(&event.deployment_arn);
    note(&mut facts, "platform", Some("ECS"));
    note(
        &mut facts,
        "deployment_id",
        Some(last_name(&event.deployment_arn)),
    );
    note(&mut facts, "application", Some(service));
    note(&mut facts, "deployment_group", Some(cluster));
    note(&mut facts, "cluster", Some(cluster));
    note(&mut facts, "service", Some(service));
    note(
        &mut facts,
        "revision",
        Some(last_name(&event.target_revision_arn)),
    );
    note(
        &mut facts,
        "lifecycle_event",
        Some(continuation::step(event)),
    );
    facts
}

/// What is wrong with the event itself, whatever is deployed. What needs a look-up is not asked here.
pub(crate) fn problems_of(event: &EcsEvent) -> Vec<String> {
    let mut problems = Vec::new();
    let is_of_ecs = |arn: &str, kind: &str, parts: usize| {
        let arn = Arn::parse(arn).filter(|arn| arn.service == "ecs");
        let path = arn.and_then(|arn| arn.resource.strip_prefix(kind));
        path.is_some_and(|path| {
            let names = path.split('/').skip(1);
            path.starts_with('/')
                && names.clone().count() == parts
                && names.clone().all(|name| !name.is_empty())
        })
    };
    if !is_of_ecs(&event.deployment_arn, "service-deployment", 3) {
        problems.push(format!(
            "resourceArn is {:?}, which is no service deployment of ECS; expected \
             arn:aws:ecs:REGION:ACCOUNT:service-deployment/CLUSTER/SERVICE/ID",
            event.deployment_arn
        ));
    }
    let revision = event.target_revision_arn.as_str();
    if revision.is_empty() {
        problems.push(
            "executionDetails.targetServiceRevisionArn is missing, so nobody knows which revision is deployed"
                .to_owned(),
        );
    } else if !is_of_ecs(revision, "service-revision", 3) {
        problems.push(format!(
            "executionDetails.targetServiceRevisionArn is {revision:?}, which is no service revision of ECS; expected \
             arn:aws:ecs:REGION:ACCOUNT:service-revision/CLUSTER/SERVICE/ID"
        ));
    }
    problems.extend(HookOptions::read(event).err().into_iter().flatten());
    problems
}

/// `shop` and `web` of `arn:aws:ecs:…:service-deployment/shop/web/abc`.
fn names(arn: &str) -> (&str, &str) {
    let mut names = arn.split('/').skip(1);
    (
        names.next().unwrap_or_default(),
        names.next().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests;
