//! One invocation from event to answer:
//! decode → find the target → load the suite → gate → answer → report → notify.
//!
//! The answer comes before the report and the notification where it is a call: those may fail or be slow, and the
//! caller is waiting. Nothing after the answer can change it. A run that goes on in another invocation ends in no
//! verdict: what was measured is stored, and the run is handed on. So is a question to people ([`crate::ask`]).

use std::sync::Arc;
use std::time::Duration;

use common::arn::Place;
use common::aws::Aws;
use common::metrics::Reason;
use common::settings::SettingsError;
use common::telemetry;
use gate::{Outcome, Part, PartEnd, Resume, Stage};
use gate_question::Override;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use signing::OpaqueId;
use tracing::Instrument;

use crate::answer::{Answer, Delivery};
use crate::ask::{
    self, Answered, Asked, NotAsked, People, begin_asking, end_question, wait_for_people,
};
use crate::browsers;
use crate::budget::Budget;
use crate::caller::{Preparation, Prepared, Refusal};
use crate::cloud::{self, Cloud};
use crate::error::HandleError;
use crate::event::{Call, HookEvent, Payload};
use crate::facts::KnownFacts;
use crate::guard::{self, Interruption, Progress};
use crate::handing_on::hand_on;
use crate::metrics;
use crate::overrides::{self, OverrideRun};
use crate::publish::{self, GateResult};
use crate::secrets;
use crate::settings::Settings;
use crate::{codedeploy, codepipeline, ecs};

/// One gate function, alive for many invocations.
#[derive(Debug)]
pub struct GateFunction {
    /// Which question it asks.
    pub stage: Stage,
    /// Wrong settings are an answer too (`Failed`, with all problems), not a crash at start that
    /// nobody hears of.
    pub settings: Result<Settings, SettingsError>,
    /// The clients.
    pub aws: Aws,
}

/// Answers one event. ECS takes the value for its answer; `CodeDeploy` and `CodePipeline` ignore it, and it is for people
/// who invoke the function by hand.
pub async fn handle(
    function: Arc<GateFunction>,
    event: LambdaEvent<Payload>,
) -> Result<Value, HandleError> {
    let context = event.context;
    let budget = Budget::until(context.deadline());
    let span = telemetry::invocation(
        &context.request_id,
        &context.invoked_function_arn,
        context.xray_trace_id.as_deref(),
    );
    let invocation = Invocation {
        request_id: context.request_id.clone(),
        place: Place::of_function(&context.invoked_function_arn),
    };
    // On the heap: what the runtime wraps around it must stay within what the compiler looks into.
    Box::pin(answer_event(function, event.payload, budget, &invocation))
        .instrument(span)
        .await
}

/// What Lambda says of an invocation.
struct Invocation {
    request_id: String,
    place: Option<Place>,
}

/// What the work came to.
enum WorkEnd {
    /// It was measured.
    Measured(Box<Measured>),
    /// It was measured before, and people were asked.
    Asked(Asked),
}

/// What was measured, and what may follow.
pub(crate) struct Measured {
    pub(crate) end: PartEnd,
    /// How long the caller waits, since the run began.
    waits_for: Duration,
    /// Since when the caller waits, where it says so.
    waits_since: Option<Timestamp>,
    /// What a named person lets not pass, and the run that this counts for.
    overridden: Option<(Override, OverrideRun)>,
}

impl Measured {
    fn decided(outcome: Outcome) -> Self {
        Self {
            end: PartEnd::Decided(Box::new(outcome)),
            waits_for: Duration::ZERO,
            waits_since: None,
            overridden: None,
        }
    }
}

async fn answer_event(
    function: Arc<GateFunction>,
    payload: Payload,
    budget: Budget,
    invocation: &Invocation,
) -> Result<Value, HandleError> {
    let call = payload
        .decode()
        .inspect_err(|other| tracing::error!("{other}"))?;
    let call = Arc::new(call);
    tracing::Span::current().record(telemetry::CORRELATION_ID, call.id());
    if let Call::CodeDeploy(event) = &*call
        && is_duplicate(&function, event, &invocation.request_id, budget).await
    {
        tracing::info!("another invocation goes on with this bake");
        return Ok(json!({ "deploymentId": call.id(), "duplicate": true }));
    }
    let progress = Progress::default();
    progress.add_facts(&call.facts());
    let asked = match end_of(&function, &call, budget, &progress).await {
        WorkEnd::Asked(asked) => asked,
        WorkEnd::Measured(measured) => {
            let place = invocation.place.clone();
            match after_measuring((&function, &call), *measured, place, budget, &progress).await {
                Next::Asked(asked) => asked,
                Next::GoesOn(answer) => return Ok(answer),
                Next::Ended(ended) => {
                    let ended = ended.leaves_open(call.asked());
                    return conclude(&function, &call, ended, budget, &progress).await;
                }
            }
        }
    };
    match wait_for_people(&function, &call, asked, budget).await {
        Ok(answer) => Ok(answer),
        Err(answered) => {
            let ended = Ended::by_people(*answered, &progress);
            conclude(&function, &call, ended, budget, &progress).await
        }
    }
}

/// How it goes on after measuring.
enum Next {
    /// The gate has decided.
    Ended(Box<Ended>),
    /// People were asked.
    Asked(Asked),
    /// Another invocation goes on; this is what the function returns.
    GoesOn(Value),
}

async fn after_measuring(
    (function, call): (&Arc<GateFunction>, &Arc<Call>),
    measured: Measured,
    place: Option<Place>,
    budget: Budget,
    progress: &Progress,
) -> Next {
    let ended = |ended| Next::Ended(Box::new(ended));
    match measured.end {
        PartEnd::Decided(outcome) => ended(Ended::by_gate(*outcome)),
        PartEnd::Paused(paused) => match hand_on(function, call, *paused, budget, progress).await {
            Ok(answer) => Next::GoesOn(answer),
            Err(reason) => {
                let refusal = Refusal {
                    reasons: vec![reason],
                    dry_run: progress.is_dry_run(),
                };
                ended(Ended::by_gate(refused(function, progress, refusal)))
            }
        },
        PartEnd::Overridden(outcome) => {
            match overrides::use_up(function, measured.overridden, budget).await {
                Ok((by, reason)) => ended(Ended::by_override(outcome.let_pass(reason), by)),
                Err(reason) => ended(Ended::by_gate(outcome.because(reason))),
            }
        }
        PartEnd::Asks(outcome) => {
            let of_run = (&*outcome, measured.waits_for, measured.waits_since);
            match begin_asking((function, call), place, of_run, budget, progress).await {
                Ok(asked) => Next::Asked(asked),
                Err(NotAsked { reason, asked }) => {
                    ended(Ended::by_gate(outcome.because(reason)).leaves_open(asked))
                }
            }
        }
    }
}

/// The outcome, and who brought it about.
struct Ended {
    outcome: Outcome,
    question: Option<(OpaqueId, People)>,
    /// A question that would go on taking answers.
    left_open: Option<Asked>,
    overridden_by: Option<String>,
}

impl Ended {
    fn by_gate(outcome: Outcome) -> Self {
        Self {
            outcome,
            question: None,
            left_open: None,
            overridden_by: None,
        }
    }

    /// The same while people are asked, if they are.
    fn leaves_open(self, asked: Option<Asked>) -> Self {
        let (None, Some(asked)) = (&self.question, asked) else {
            return self;
        };
        Self {
            question: Some((asked.question.clone(), People::Unanswered)),
            left_open: Some(asked),
            ..self
        }
    }

    fn by_override(outcome: Outcome, by: String) -> Self {
        Self {
            overridden_by: Some(by),
            ..Self::by_gate(outcome)
        }
    }

    fn by_people(answered: Answered, progress: &Progress) -> Self {
        progress.add_facts(&answered.facts);
        Self {
            outcome: answered.outcome,
            question: Some((answered.question, answered.people)),
            left_open: answered.left_open,
            overridden_by: None,
        }
    }
}

/// Whether another invocation goes on with this part of a bake; no, where that can't be found out in time.
async fn is_duplicate(
    function: &GateFunction,
    event: &HookEvent,
    request_id: &str,
    budget: Budget,
) -> bool {
    let asking = codedeploy::continuation::is_duplicate(function, event, request_id);
    let answer = tokio::time::timeout(budget.lookup_timeout(), asking).await;
    answer.unwrap_or(false)
}

/// Answers with the verdict, and tells people.
async fn conclude(
    function: &Arc<GateFunction>,
    call: &Arc<Call>,
    Ended {
        mut outcome,
        question,
        left_open,
        overridden_by,
    }: Ended,
    budget: Budget,
    progress: &Progress,
) -> Result<Value, HandleError> {
    let answer = if outcome.verdict.passed {
        Answer::Succeeded
    } else {
        Answer::Failed
    };
    tracing::info!(
        caller = %call.caller(),
        stage = %function.stage,
        answer = answer.as_str(),
        conclusion = outcome.verdict.conclusion.as_str(),
        reasons = outcome.verdict.reasons.join(" | "),
        "the gate has decided"
    );
    let delivery = deliver_answer(function, call, answer, &outcome, budget, progress).await;
    tracing::info!(delivery = ?delivery, "the answer was given");
    outcome.report.notes.extend(delivery.note(call.caller()));
    if let Some(asked) = left_open {
        // Before the event of the decision, which has people told.
        end_question(function, call, asked, &outcome, budget).await;
    }
    let result = GateResult {
        caller: call.caller(),
        stage: function.stage,
        execution_id: call.execution_id().into_owned(),
        facts: progress.facts(),
        answer,
        delivery: delivery.clone(),
        outcome,
        question,
        overridden_by,
    };
    metrics::emit(&result, progress.cut());
    let report = publish::in_time(function, &result, budget).await;
    // A failed invocation is recorded with its event, and a job's has credentials. People have been told.
    let is_job = matches!(&**call, Call::CodePipeline(_));
    if let (Delivery::Undelivered(detail), false) = (&delivery, is_job) {
        let detail = detail.clone();
        return Err(HandleError::Unanswered {
            caller: call.caller(),
            answer: answer.as_str(),
            call: call.id().to_owned(),
            detail,
        });
    }
    if let Call::Ecs(_) = &**call {
        return Ok(ecs::answer::decided(answer));
    }
    Ok(json!({
        "deploymentId": call.id(),
        "stage": function.stage.as_str(),
        "answer": answer.as_str(),
        "delivery": delivery.as_str(),
        "alreadyCompleted": matches!(delivery, Delivery::AlreadyCompleted(_)),
        "conclusion": result.outcome.verdict.conclusion.as_str(),
        "reasons": result.outcome.verdict.reasons,
        "reportLink": report.as_deref().and_then(|place| report_link(function, place)),
        "report": report,
    }))
}

/// Runs the work under the guard; whatever happens, there is an end.
async fn end_of(
    function: &Arc<GateFunction>,
    call: &Arc<Call>,
    budget: Budget,
    progress: &Progress,
) -> WorkEnd {
    let decided = |refusal| {
        WorkEnd::Measured(Box::new(Measured::decided(refused(
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
            return Ok(WorkEnd::Measured(Box::new(Measured::decided(waived))));
        }
        Preparation::Asked(asked) => return Ok(WorkEnd::Asked(asked)),
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
) -> Result<Measured, Vec<String>> {
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
    Ok(Measured {
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

/// Answers under a guard of its own: even a panic in the SDK ends in a delivery that says so.
async fn deliver_answer(
    function: &Arc<GateFunction>,
    call: &Arc<Call>,
    answer: Answer,
    outcome: &Outcome,
    budget: Budget,
    progress: &Progress,
) -> Delivery {
    let until = budget.last_chance();
    let lifecycle_event = progress.facts().remove("lifecycle_event");
    let summary = outcome.verdict.reasons.join("; ");
    let conclusion = outcome.verdict.conclusion;
    let report_link = match &function.settings {
        Ok(settings) => {
            let facts = progress.facts();
            publish::link_ahead(settings, &call.report_name(function.stage, &facts))
        }
        Err(_) => String::new(),
    };
    let (function, call) = (function.clone(), call.clone());
    let giving = async move {
        match &*call {
            Call::CodeDeploy(event) => {
                let reply = codedeploy::answer::Reply {
                    event: event.clone(),
                    answer,
                    lifecycle_event,
                };
                codedeploy::answer::deliver(function.aws.codedeploy(), &reply, until).await
            }
            // The value that the function returns is the answer.
            Call::Ecs(_) => Delivery::Accepted,
            Call::CodePipeline(job) => {
                let reply = codepipeline::answer::Reply {
                    job: (**job).clone(),
                    answer,
                    conclusion,
                    summary,
                    report_link,
                };
                codepipeline::answer::deliver(&function.aws, &reply, until).await
            }
        }
    };
    match guard::run(budget.publish_until.max(until), giving.in_current_span()).await {
        Ok(delivery) => delivery,
        Err(Interruption::Deadline) => {
            Delivery::Undelivered("the function's time was over".to_owned())
        }
        Err(Interruption::Panic(message)) => Delivery::Undelivered(message),
    }
}

fn report_link(function: &GateFunction, place: &str) -> Option<String> {
    let settings = function.settings.as_ref().ok()?;
    publish::console_link(place, &settings.region)
}

impl AsRef<Aws> for GateFunction {
    fn as_ref(&self) -> &Aws {
        &self.aws
    }
}
