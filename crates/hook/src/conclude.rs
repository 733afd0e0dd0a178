//! The end of a gate: the caller is answered, then people hear of it, in that order. Nothing after the answer can change it.

use std::sync::Arc;

use gate::Outcome;
use jiff::Timestamp;
use serde_json::{Value, json};
use signing::OpaqueId;
use tracing::Instrument;

use crate::answer::{Answer, Delivery};
use crate::ask::end_question;
use crate::ask::pending_question::{PendingQuestion, PeopleAnswer, QuestionResult};
use crate::budget::Budget;
use crate::error::HandleError;
use crate::event::Call;
use crate::gate_function::GateFunction;
use crate::guard::{self, Interruption, Progress};
use crate::metrics;
use crate::publish::{self, GateResult};
use crate::{codedeploy, codepipeline, ecs};

/// The outcome, and who brought it about.
pub(crate) struct DecidedRun {
    outcome: Outcome,
    question: Option<(OpaqueId, PeopleAnswer)>,
    /// A question that would go on taking answers.
    left_open: Option<PendingQuestion>,
    overridden_by: Option<String>,
}

impl DecidedRun {
    pub(crate) fn by_gate(outcome: Outcome) -> Self {
        Self {
            outcome,
            question: None,
            left_open: None,
            overridden_by: None,
        }
    }

    /// The same while people are asked, if they are.
    pub(crate) fn leaves_open(self, asked: Option<PendingQuestion>) -> Self {
        let (None, Some(asked)) = (&self.question, asked) else {
            return self;
        };
        Self {
            question: Some((asked.question.clone(), PeopleAnswer::Unanswered)),
            left_open: Some(asked),
            ..self
        }
    }

    pub(crate) fn by_override(outcome: Outcome, by: String) -> Self {
        Self {
            overridden_by: Some(by),
            ..Self::by_gate(outcome)
        }
    }

    pub(crate) fn by_people(answered: QuestionResult, progress: &Progress) -> Self {
        progress.add_facts(&answered.facts);
        Self {
            outcome: answered.outcome,
            question: Some((answered.question, answered.people)),
            left_open: answered.left_open,
            overridden_by: None,
        }
    }
}

/// Answers with the verdict, and tells people.
pub(crate) async fn conclude(
    function: &Arc<GateFunction>,
    call: &Arc<Call>,
    DecidedRun {
        mut outcome,
        question,
        left_open,
        overridden_by,
    }: DecidedRun,
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
    // From here on the verdict is what it is: an answer of people that comes while it is delivered comes too late.
    let decided_at = Timestamp::now();
    let delivery = deliver_answer(function, call, answer, &outcome, budget, progress).await;
    tracing::info!(delivery = ?delivery, "the answer was given");
    outcome.report.notes.extend(delivery.note(call.caller()));
    if let Some(asked) = left_open {
        // Before the event of the decision, which has people told.
        end_question(function, call, (asked, decided_at), &outcome, budget).await;
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
