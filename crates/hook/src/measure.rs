//! From a call to what was measured of it: decode → find the target → load the suite → run the checks, under a guard that
//! ends it whatever happens. The same for all callers, and for a replay, which answers nobody.

use std::sync::Arc;
use std::time::Duration;

use common::metrics::Reason;
use gate::{Outcome, Part, PartEnd, Resume};
use gate_question::Override;
use jiff::Timestamp;
use tracing::Instrument;

use crate::ask;
use crate::ask::pending_question::PendingQuestion;
use crate::browsers;
use crate::budget::Budget;
use crate::caller::{Preparation, Prepared, Refusal};
use crate::cloud::{self, Cloud};
use crate::event::Call;
use crate::facts::KnownFacts;
use crate::gate_function::GateFunction;
use crate::guard::{self, Interruption, Progress};
use crate::overrides::{self, OverrideRun};
use crate::publish;
use crate::secrets;
use crate::{codedeploy, codepipeline, ecs};

/// What the work came to.
pub(crate) enum WorkEnd {
    /// It was measured.
    Measured(Box<MeasuredRun>),
    /// It was measured before, and people were asked.
    Question(PendingQuestion),
}

/// What was measured, and what may follow.
pub(crate) struct MeasuredRun {
    pub(crate) end: PartEnd,
    /// How long the caller waits, since the run began.
    pub(crate) waits_for: Duration,
    /// Since when the caller waits, where it says so.
    pub(crate) waits_since: Option<Timestamp>,
    /// What a named person lets not pass, and the run that this counts for.
    pub(crate) overridden: Option<(Override, OverrideRun)>,
}

impl MeasuredRun {
    fn decided(outcome: Outcome) -> Self {
        Self {
            end: PartEnd::Decided(Box::new(outcome)),
            waits_for: Duration::ZERO,
            waits_since: None,
            overridden: None,
        }
    }
}

/// Runs the work under the guard; whatever happens, there is an end.
pub(crate) async fn end_of(
    function: &Arc<GateFunction>,
    call: &Arc<Call>,
    budget: Budget,
    progress: &Progress,
) -> WorkEnd {
    let decided = |refusal| {
        WorkEnd::Measured(Box::new(MeasuredRun::decided(refused(
            function, progress, refusal,
        ))))
    };
    let work = work(function.clone(), call.clone(), budget, progress.clone());
    // In the span of the invocation, so that its lines carry the deployment.
    let cut = match guard::run(budget.work_until, work.in_current_span()).await {
        Ok(Ok(end)) => return end,
        Ok(Err(refusal)) => return decided(refusal),
        Err(cut) => cut,
    };
    let doing = progress.step();
    progress.set_cut(match cut {
        Interruption::Deadline => Reason::TimeOver,
        Interruption::Panic(_) => Reason::Panic,
    });
    let reason = match cut {
        Interruption::Deadline => format!(
            "the time of the function was over while it was still {doing}; raise its Timeout, or \
             find out what hangs"
        ),
        Interruption::Panic(message) => {
            format!("the function panicked while it was {doing}: {message}; this is a defect in it")
        }
    };
    decided(Refusal {
        reasons: vec![reason],
        dry_run: progress.is_dry_run(),
    })
}

pub(crate) fn refused(function: &GateFunction, progress: &Progress, refusal: Refusal) -> Outcome {
    let outcome = Outcome::refused("", function.stage, progress.facts(), refusal.reasons);
    if refusal.dry_run {
        outcome.in_dry_run()
    } else {
        outcome
    }
}

/// The work: everything between the event and the verdict.
async fn work(
    function: Arc<GateFunction>,
    call: Arc<Call>,
    budget: Budget,
    progress: Progress,
) -> Result<WorkEnd, Refusal> {
    let prepared = match prepare(&function, &call, budget, &progress).await? {
        Preparation::Waived(reason) => {
            let waived = Outcome::waived(function.stage, progress.facts(), reason);
            return Ok(WorkEnd::Measured(Box::new(MeasuredRun::decided(waived))));
        }
        Preparation::Question(asked) => return Ok(WorkEnd::Question(asked)),
        Preparation::Measure(prepared) => *prepared,
    };
    progress.set_dry_run(prepared.suite.dry_run);
    let dry_run = prepared.suite.dry_run;
    measure(&function, &call, prepared, budget, &progress)
        .await
        .map(|measured| WorkEnd::Measured(Box::new(measured)))
        .map_err(|reasons| Refusal { reasons, dry_run })
}

/// Finds out what is to be measured, by the contract of the caller.
pub(crate) async fn prepare(
    function: &Arc<GateFunction>,
    call: &Call,
    budget: Budget,
    progress: &Progress,
) -> Result<Preparation, Refusal> {
    match call {
        Call::CodeDeploy(event) => codedeploy::prepare(function, event, budget, progress).await,
        Call::Ecs(event) => ecs::prepare(function, event, budget, progress).await,
        Call::CodePipeline(job) => codepipeline::prepare(function, job, budget, progress).await,
    }
}

pub(crate) async fn measure(
    function: &Arc<GateFunction>,
    call: &Call,
    prepared: Prepared,
    budget: Budget,
    progress: &Progress,
) -> Result<MeasuredRun, Vec<String>> {
    let GateFunction {
        stage,
        settings,
        aws,
    } = &**function;
    let settings = settings.as_ref().map_err(|error| error.problems.clone())?;
    progress.begin("reading the suite's secrets");
    let Prepared {
        mut suite,
        mut target,
        assumed,
        notes,
        ahead,
        resume,
        pause,
        max_bake,
        release,
        waits_for,
        waits_since,
    } = prepared;
    let can_ask = settings.event_bus.is_some() && settings.state_table.is_some();
    let asks_nobody = suite.asks_people() && !can_ask;
    let mut problems = ahead;
    problems.extend(max_bake.and_then(|max_bake| max_bake.refuses(*stage, &suite)));
    // Both gates' secrets: whatever post-traffic needs must be there before traffic.
    let secrets = match secrets::resolve(aws, &suite.secrets).await {
        Ok(secrets) if problems.is_empty() => secrets,
        Ok(_) => return Err(problems),
        Err(mut missing) => {
            missing.extend(problems);
            return Err(missing);
        }
    };
    let resume = match resume {
        None => None,
        Some(state) => {
            progress.begin("reading what was measured so far");
            let facts = progress.facts();
            let name = call.report_name(*stage, &facts);
            let report = publish::so_far(aws, settings, &name);
            let report = tokio::time::timeout(budget.lookup_timeout(), report).await;
            Some(Resume {
                state,
                report: report.ok().flatten(),
            })
        }
    };
    let now = Timestamp::now();
    let begun = resume.as_ref().map_or(now, |resume| resume.state.begun);
    let run = OverrideRun {
        gate: stage.as_str(),
        deployment: format!("{}/{}", call.caller(), call.id()),
        begun,
    };
    let overridden = overrides::of_suite(function, &mut suite, run, &target.facts, budget).await;
    progress.begin("looking up what the checks need");
    let cloud = Cloud {
        function: function.clone(),
        release,
        known: KnownFacts {
            facts: target.facts.clone(),
            unknown: target.unknown.clone(),
        },
    };
    if suite.uses_facts(cloud::COSTLY_FACTS) {
        let known = cloud.costly_facts().await;
        target.facts.extend(known.facts);
        target.unknown.extend(known.unknown);
    }
    progress.begin("running the checks");
    let cloud = Arc::new(cloud);
    let browsers = browsers::of(settings, &cloud, budget.work_until);
    let run = gate::Run {
        suite,
        stage: *stage,
        target,
        secrets,
        http: gate::HttpOptions::default(),
        cloud: Some(cloud),
        browsers: browsers.clone(),
        memory: settings.memory,
        deadline: budget
            .work_until
            .checked_sub(budget.gate_margin())
            .unwrap_or(budget.work_until),
    };
    let part = Part { now, resume, pause };
    let end = browsers::ended_after(gate::run_part(run, part), browsers, budget.work_until).await;
    let mut end = with_assumptions(end, &assumed, &notes);
    if let (PartEnd::Decided(outcome), true) = (&mut end, asks_nobody) {
        tracing::warn!("{}", ask::NOT_CONNECTED);
        outcome.report.notes.push(ask::NOT_CONNECTED.to_owned());
    }
    Ok(MeasuredRun {
        end,
        waits_for,
        waits_since,
        overridden,
    })
}

fn with_assumptions(mut end: PartEnd, assumed: &[String], notes: &[String]) -> PartEnd {
    if let PartEnd::Decided(outcome) | PartEnd::Asks(outcome) | PartEnd::Overridden(outcome) =
        &mut end
    {
        explain(outcome, assumed, notes);
    }
    end
}

/// Adds what people must know to the reasons; of a gate that did not pass, what was assumed as well.
pub(crate) fn explain(outcome: &mut Outcome, assumed: &[String], notes: &[String]) {
    let assumed = if outcome.verdict.passed { &[] } else { assumed };
    for reasons in [
        &mut outcome.verdict.reasons,
        &mut outcome.report.verdict.reasons,
    ] {
        reasons.extend_from_slice(assumed);
        reasons.extend_from_slice(notes);
    }
}
