//! The contract with `CodePipeline`'s Lambda action.
//!
//! The job says in `UserParameters` what is to be measured, as a pipeline has no target of its own. A job waits 20
//! minutes for an answer; an answer with a continuation token makes `CodePipeline` call again, for a day in all.
//! A stage condition's `LambdaInvoke` rule is answered by the same shape; AWS documents no other.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html>

pub(crate) mod answer;
mod continuation;
mod parameters;

use std::time::Duration;

use gate::{PausePolicy, Stage};

use self::continuation::Continuation;
use self::parameters::Parameters;
use crate::ask::pending_question::PendingQuestion;
use crate::budget::Budget;
use crate::caller::{
    MaxBake, Preparation, Prepared, Refusal, gate_target, may_hand_on, reasons_of_suite,
};
use crate::event::Job;
use crate::facts::{self, Facts, KnownFacts, note};
use crate::gate_function::GateFunction;
use crate::guard::Progress;

/// A job lives for a day, all continuations together.
const MAX_BAKE: Duration = Duration::from_hours(23);
/// `CodePipeline` calls again about so long after a continuation token; a shorter wait is sat out.
const MIN_WAIT: Duration = Duration::from_secs(30);
/// A token may have 2,048 characters; this many checks fit.
const MAX_CHECKS: usize = 65;

/// Reads the parameters and the suite. There is nothing to look up.
pub(crate) async fn prepare(
    function: &GateFunction,
    job: &Job,
    _budget: Budget,
    progress: &Progress,
) -> Result<Preparation, Refusal> {
    let refuse = |reason: String| Refusal::of(vec![reason], None);
    let settings = function.known_settings()?;
    progress.begin("loading the suite");
    let parameters = Parameters::read(job.user_parameters.as_deref())
        .map_err(|problems| Refusal::of(problems, None))?;
    if parameters
        .stage
        .is_some_and(|stage| stage != function.stage)
    {
        return Err(refuse(format!(
            "UserParameters ask for another stage than this function's, which is {}; invoke the other function",
            function.stage
        )));
    }
    let known = known_facts(&parameters);
    progress.add_facts(&known.facts);
    if let Some(asked) = pending_question(job) {
        return Ok(Preparation::Question(asked));
    }
    let place = match &parameters.suite {
        Some(written) => settings
            .suite
            .sibling(written)
            .map_err(|why| refuse(format!("UserParameters.suite is {written:?}: {why}")))?,
        None => settings.suite.clone(),
    };
    let fact = |key: &str| known.facts.get(key).map_or("", String::as_str);
    let place = place.filled(fact("application"), fact("deployment_group"));
    let suite = place
        .load(&function.aws)
        .await
        .map_err(|error| Refusal::of(reasons_of_suite(error), None))?;
    let of_suite = |reason| Refusal::of(vec![reason], Some(&suite));
    let mut target = gate_target(Some(&parameters.url), &known).map_err(of_suite)?;
    target.host.clone_from(&parameters.host);
    let handed_on = match &job.run {
        None => None,
        Some(token) => Some(Continuation::decode(token).ok_or_else(|| {
            of_suite("the continuation token was not written by this gate".to_owned())
        })?),
    };
    let may_pause = may_hand_on(function.stage, &suite, MAX_CHECKS);
    Ok(Preparation::Measure(Box::new(Prepared {
        resume: handed_on.and_then(|run| run.carried.run()),
        waits_for: MAX_BAKE,
        pause: may_pause.then_some(PausePolicy {
            min_wait: MIN_WAIT,
            sits_out: false,
        }),
        max_bake: Some(MaxBake {
            limit: MAX_BAKE,
            why: "CodePipeline ends a job after a day; shorten traffic.bake".to_owned(),
        }),
        ..Prepared::new(suite, target)
    })))
}

/// The question that waits, if people were asked.
pub(crate) fn pending_question(job: &Job) -> Option<PendingQuestion> {
    let handed_on = job.run.as_deref().and_then(Continuation::decode);
    handed_on.and_then(|run| run.carried.pending_question())
}

/// What the action's parameters say: the stage, the suite, and what is known of the target.
pub(crate) fn described(job: &Job) -> Result<(Option<Stage>, Option<String>, Facts), Vec<String>> {
    let parameters = Parameters::read(job.user_parameters.as_deref())?;
    let known = known_facts(&parameters);
    Ok((parameters.stage, parameters.suite, known.facts))
}

fn known_facts(parameters: &Parameters) -> KnownFacts {
    let mut known = KnownFacts::default();
    for (key, value) in &parameters.facts {
        note(&mut known.facts, key, Some(value));
    }
    note(&mut known.facts, "url", Some(&parameters.url));
    for key in facts::ECS_KEYS.iter().chain(facts::LAMBDA_KEYS) {
        if !known.facts.contains_key(*key) {
            let why = format!(
                "CodePipeline says nothing of it; write it as target.{key} in UserParameters"
            );
            known.unknown.insert((*key).to_owned(), why);
        }
    }
    known
}

/// The first job of the run, by which its reports are kept.
pub(crate) fn run_id(job: &Job) -> &str {
    let handed_on = job.run.as_deref().and_then(|token| token.split_once('~'));
    handed_on.map_or(&job.id, |(first_job, _)| first_job)
}
