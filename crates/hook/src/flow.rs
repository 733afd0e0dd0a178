//! One invocation from event to answer:
//! decode → find the target → load the suite → gate → answer → report → notify.
//!
//! The answer comes before the report and the notification: those may fail or be slow, and CodeDeploy
//! is waiting. Nothing after the answer can change it.

use std::sync::Arc;

use common::aws::Aws;
use common::location::LoadError;
use common::settings::SettingsError;
use common::telemetry;
use gate::{Outcome, Stage};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use strict_yaml::words;
use tracing::Instrument;

use crate::answer::{self, Answer, Delivery, Reply};
use crate::budget::Budget;
use crate::event::{HookEvent, NotAHookEvent, OtherEvent, Payload};
use crate::facts::{Facts, note};
use crate::guard::{self, Interruption, Progress};
use crate::lookup::LookupContext;
use crate::lookup::deployment::{self, Deployment};
use crate::lookup::target::{self, FoundTarget, TargetQuery};
use crate::post_traffic_check;
use crate::publish::{self, GateResult};
use crate::rollback;
use crate::secrets;
use crate::settings::Settings;

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

/// The invocation failed in a way that Lambda should try again, or that nobody can answer.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// There is nobody to answer.
    #[error(transparent)]
    NotAHookEvent(#[from] NotAHookEvent),
    /// CodeDeploy has not heard the answer.
    #[error("CodeDeploy did not take the answer {answer} for {deployment}: {detail}")]
    Unanswered {
        /// The answer that was not delivered.
        answer: &'static str,
        /// The deployment.
        deployment: String,
        /// The last try's error.
        detail: String,
    },
}

impl From<HandleError> for Diagnostic {
    fn from(error: HandleError) -> Self {
        let error_type = match error {
            HandleError::NotAHookEvent(_) => "NotAHookEvent",
            HandleError::Unanswered { .. } => "Unanswered",
        };
        Self {
            error_type: error_type.to_owned(),
            error_message: error.to_string(),
        }
    }
}

/// Answers one event. The value returned is for people who invoke the function by hand; CodeDeploy
/// ignores it.
pub async fn handle(
    function: Arc<GateFunction>,
    event: LambdaEvent<Payload>,
) -> Result<Value, HandleError> {
    let context = &event.context;
    let budget = Budget::until(context.deadline());
    let span = telemetry::invocation(
        &context.request_id,
        &context.invoked_function_arn,
        context.xray_trace_id.as_deref(),
    );
    answer_event(function, event.payload, budget)
        .instrument(span)
        .await
}

async fn answer_event(
    function: Arc<GateFunction>,
    payload: Payload,
    budget: Budget,
) -> Result<Value, HandleError> {
    let event = match payload.decode() {
        Ok(event) => event,
        Err(other) => {
            tracing::error!("{other}");
            // ECS takes the return value for an answer; an error would be a rollback, too, but not ours.
            return match other.0 {
                OtherEvent::EcsNative => Ok(json!({ "hookStatus": "FAILED" })),
                _ => Err(other.into()),
            };
        }
    };
    tracing::Span::current().record(telemetry::CORRELATION_ID, &event.deployment_id);
    let progress = Progress::default();
    let mut outcome = outcome_of(&function, &event, budget, &progress).await;
    let answer = if outcome.verdict.passed {
        Answer::Succeeded
    } else {
        Answer::Failed
    };
    tracing::info!(
        stage = %function.stage,
        answer = answer.as_str(),
        reasons = outcome.verdict.reasons.join(" | "),
        "the gate has decided"
    );
    let reply = Reply {
        event: event.clone(),
        answer,
        lifecycle_event: progress.facts().remove("lifecycle_event"),
    };
    let delivery = deliver_answer(&function, reply, budget).await;
    tracing::info!(delivery = ?delivery, "the answer was given");
    outcome.report.notes.extend(delivery.note());
    let result = GateResult {
        stage: function.stage,
        execution_id: event.execution_id,
        facts: progress.facts(),
        answer,
        delivery: delivery.clone(),
        outcome,
    };
    let report = publish(&function, &result, budget).await;
    match delivery {
        Delivery::Undelivered(detail) => Err(HandleError::Unanswered {
            answer: answer.as_str(),
            deployment: event.deployment_id,
            detail,
        }),
        delivery => Ok(json!({
            "deploymentId": event.deployment_id,
            "stage": function.stage.as_str(),
            "answer": answer.as_str(),
            "delivery": delivery.as_str(),
            "alreadyCompleted": matches!(delivery, Delivery::AlreadyCompleted(_)),
            "reasons": result.outcome.verdict.reasons,
            "reportLink": report.as_deref().and_then(|place| report_link(&function, place)),
            "report": report,
        })),
    }
}

/// Runs the work under the guard; whatever happens, there is an outcome.
async fn outcome_of(
    function: &Arc<GateFunction>,
    event: &HookEvent,
    budget: Budget,
    progress: &Progress,
) -> Outcome {
    let mut facts = Facts::new();
    note(&mut facts, "deployment_id", Some(&event.deployment_id));
    progress.add_facts(&facts);
    let work = work(function.clone(), event.clone(), budget, progress.clone());
    // In the span of the invocation, so that its lines carry the deployment.
    let cut = match guard::run(budget.work_until, work.in_current_span()).await {
        Ok(Ok(outcome)) => return outcome,
        Ok(Err(reasons)) => return refused(function, progress, reasons),
        Err(cut) => cut,
    };
    let doing = progress.step();
    let reason = match cut {
        Interruption::Deadline => format!(
            "the time of the function was over while it was still {doing}; raise its Timeout, or \
             find out what hangs"
        ),
        Interruption::Panic(message) => {
            format!("the function panicked while it was {doing}: {message}; this is a defect in it")
        }
    };
    refused(function, progress, vec![reason])
}

fn refused(function: &GateFunction, progress: &Progress, reasons: Vec<String>) -> Outcome {
    Outcome::refused("", function.stage, progress.facts(), reasons)
}

/// The work: everything between the event and the verdict. An error is the reasons of a refusal.
async fn work(
    function: Arc<GateFunction>,
    event: HookEvent,
    budget: Budget,
    progress: Progress,
) -> Result<Outcome, Vec<String>> {
    let GateFunction {
        stage,
        settings,
        aws,
    } = &*function;
    progress.begin("looking up the deployment");
    let deployment = deployment::read(aws, &event.deployment_id)
        .await
        .map_err(one_reason)?;
    progress.add_facts(&deployment_facts(&deployment));
    if let Some(ended) = &deployment.ended {
        let id = &deployment.id;
        if let Ok(settings) = settings {
            progress.add_facts(&called_event(&function, settings, &deployment, budget).await);
        }
        return Err(vec![format!(
            "the deployment {id} is over already ({ended}); nothing is left to gate"
        )]);
    }
    if let Some(undone) = &deployment.rollback_of {
        return Ok(rollback::waive(*stage, progress.facts(), undone));
    }
    // After the rollback: wrong settings must not hinder one.
    let settings = settings.as_ref().map_err(|error| error.problems.clone())?;
    progress.begin("looking up the target and loading the suite");
    let place = settings
        .suite
        .filled(&deployment.application, &deployment.group);
    let context = lookup_context(aws, budget);
    let post_traffic = match stage {
        Stage::PreTraffic => settings.post_traffic.as_ref(),
        Stage::PostTraffic => None,
    };
    let query = TargetQuery {
        stage: *stage,
        function: &settings.function_name,
        tcp_scheme: settings.tcp_scheme,
        post_traffic: post_traffic.map(|post| post.function.as_str()),
    };
    let (found, suite) = tokio::join!(target::find(context, query, &deployment), place.load(aws),);
    if let Ok(found) = &found {
        progress.add_facts(&found.known.facts);
    }
    // Both are reported, as both must be fixed.
    let (found, suite) = match (found, suite) {
        (Ok(found), Ok(suite)) => (found, suite),
        (found, suite) => {
            let found = found.err().map(|error| error.to_string());
            let suite = suite.err().map(reasons_of_suite);
            return Err(found
                .into_iter()
                .chain(suite.into_iter().flatten())
                .collect());
        }
    };
    progress.begin("reading the suite's secrets");
    // Both gates' secrets: whatever post-traffic needs must be there before traffic.
    let secrets = secrets::resolve(aws, &suite.secrets).await;
    let ahead = post_traffic.map(|post| post_traffic_check::problems(post, &found, &suite));
    let secrets = match (secrets, ahead.unwrap_or_default()) {
        (Ok(secrets), problems) if problems.is_empty() => secrets,
        (Ok(_), problems) => return Err(problems),
        (Err(mut problems), others) => {
            problems.extend(others);
            return Err(problems);
        }
    };
    progress.begin("running the checks");
    let run = gate::Run {
        suite,
        stage: *stage,
        target: gate_target(&found)?,
        secrets,
        http: gate::HttpOptions::default(),
        memory: settings.memory,
        deadline: budget
            .work_until
            .checked_sub(budget.gate_margin())
            .unwrap_or(budget.work_until),
    };
    Ok(with_assumption(gate::run(run).await, &found))
}

fn lookup_context(aws: &Aws, budget: Budget) -> LookupContext<'_> {
    LookupContext {
        aws,
        timeout: budget.lookup_timeout(),
    }
}

/// The lifecycle event of a deployment that has ended, if it can be found: its report shows whether
/// people have been told.
async fn called_event(
    function: &GateFunction,
    settings: &Settings,
    deployment: &Deployment,
    budget: Budget,
) -> Facts {
    let context = lookup_context(&function.aws, budget);
    let name = &settings.function_name;
    let find = target::called_event(context, function.stage, name, deployment);
    let event = tokio::time::timeout(context.timeout, find).await;
    let mut facts = Facts::new();
    note(&mut facts, "lifecycle_event", event.ok().flatten());
    facts
}

/// By value, so that it serves `map_err`.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err calls"
)]
fn one_reason(error: impl ToString) -> Vec<String> {
    vec![error.to_string()]
}

fn deployment_facts(deployment: &Deployment) -> Facts {
    let mut facts = Facts::new();
    note(&mut facts, "application", Some(&deployment.application));
    note(&mut facts, "deployment_group", Some(&deployment.group));
    facts
}

/// One reason a problem, so that each stands on its own line in front of people.
fn reasons_of_suite(error: LoadError) -> Vec<String> {
    match error {
        LoadError::Invalid(problems) => {
            let head = format!(
                "the suite {} has {}",
                problems.source,
                words::count(problems.problems.len(), "problem")
            );
            std::iter::once(head)
                .chain(problems.to_string().lines().map(str::to_owned))
                .collect()
        }
        LoadError::Unreadable(unreadable) => one_reason(unreadable),
    }
}

fn gate_target(found: &FoundTarget) -> Result<gate::Target, Vec<String>> {
    let parsed = found.listeners.as_ref().map(|listeners| {
        let url = &listeners.under_test.url;
        let wrong = |error| format!("the listener's address {url} is no URL: {error}");
        url.parse().map_err(wrong)
    });
    let base_url = parsed.transpose().map_err(one_reason)?;
    Ok(gate::Target {
        base_url,
        facts: found.known.facts.clone(),
        unknown: found.known.unknown.clone(),
    })
}

/// Adds what was assumed to the reasons of a gate that did not pass: a wrong assumption looks like a broken release.
fn with_assumption(mut outcome: Outcome, found: &FoundTarget) -> Outcome {
    let assumed = found
        .listeners
        .as_ref()
        .and_then(|listeners| listeners.under_test.assumed.clone());
    if let (false, Some(assumed)) = (outcome.verdict.passed, assumed) {
        outcome.verdict.reasons.push(assumed.clone());
        outcome.report.verdict.reasons.push(assumed);
    }
    outcome
}

/// Answers under a guard of its own: even a panic in the SDK ends in a delivery that says so.
async fn deliver_answer(function: &Arc<GateFunction>, reply: Reply, budget: Budget) -> Delivery {
    let function = function.clone();
    let until = budget.last_chance();
    let call = async move { answer::deliver(function.aws.codedeploy(), &reply, until).await };
    match guard::run(budget.publish_until.max(until), call.in_current_span()).await {
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

/// Stores the report and notifies people in the time that is left. Returns where the report is.
async fn publish(
    function: &Arc<GateFunction>,
    result: &GateResult,
    budget: Budget,
) -> Option<String> {
    let Ok(settings) = function.settings.clone() else {
        tracing::error!(
            "the settings are wrong, so there is no place for a report or notification"
        );
        return None;
    };
    let (function, result) = (function.clone(), result.clone());
    let until = budget.publish_until;
    let publishing =
        async move { publish::publish(&function.aws, &settings, &result, until).await };
    guard::run(until, publishing.in_current_span())
        .await
        .unwrap_or_else(|cut| {
            tracing::error!(?cut, "the report or the notification could not be finished");
            None
        })
}
