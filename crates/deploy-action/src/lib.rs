//! A deploy step for pipelines, invoked by `CodePipeline`'s Lambda action: registers a task definition from the action's
//! artifacts, lets ECS deploy it, and follows that to its end.
//!
//! Each invocation does one step that can be repeated without harm, and hands the next on by a continuation token:
//! register (a second time, it leaves an unused revision), update (looks for the deployment first), follow.

mod artifact;
mod event;
mod parameters;
mod progress;
mod step;

use std::sync::Arc;
use std::time::Duration;

use codepipeline_job::{Answer, Delivery, FailureType};
use common::aws::Aws;
use common::invocation;
use common::settings::Lookup;
use common::telemetry::CORRELATION_ID;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::Instrument as _;

pub use event::Event;
use event::Job;
use progress::Progress;

/// Kept back for the answer.
const ANSWER_RESERVE: Duration = Duration::from_secs(15);
/// Kept back at the very end, so that the runtime can return before Lambda kills the function.
const SHUTDOWN_RESERVE: Duration = Duration::from_millis(500);

/// What the console names as what runs, where there is no deployment.
const EXTERNAL_ID: &str = "deploy-hooks";

/// What all invocations share.
#[derive(Debug)]
pub struct Function {
    aws: Aws,
    region: String,
}

impl Function {
    /// With the clients that the environment names.
    pub fn new(lookup: Lookup<'_>) -> Self {
        Self::with(Aws::new(lookup), lookup("AWS_REGION").unwrap_or_default())
    }

    /// With these clients.
    pub fn with(aws: Aws, region: String) -> Self {
        Self { aws, region }
    }
}

/// Does one step, and answers the job.
pub async fn handle(function: Arc<Function>, event: LambdaEvent<Event>) -> Result<Value, Error> {
    let span = invocation::span(&event.context);
    step_of(function, event).instrument(span).await
}

async fn step_of(function: Arc<Function>, event: LambdaEvent<Event>) -> Result<Value, Error> {
    let job = event.payload.job()?;
    tracing::Span::current().record(CORRELATION_ID, &job.id);
    let left = event
        .context
        .deadline()
        .duration_since(std::time::SystemTime::now());
    let end = Instant::now() + left.unwrap_or_default();
    let until = end - SHUTDOWN_RESERVE;
    let reserve = ANSWER_RESERVE.min(until.saturating_duration_since(Instant::now()) / 2);
    let answer = answer(&function, &job, until - reserve).await;
    tracing::info!(answer = word(&answer), "the step is done");
    match codepipeline_job::put(&function.aws, &job.id, &answer, until).await {
        Delivery::Accepted => Ok(json!({ "jobId": job.id, "answer": word(&answer) })),
        Delivery::Over => Ok(json!({ "jobId": job.id, "answer": "none", "answeredBefore": true })),
        // Lambda runs it again; each step can be repeated.
        Delivery::Undelivered(why) => Err(format!(
            "CodePipeline has not heard the answer to the job {}: {why}",
            job.id
        )
        .into()),
    }
}

async fn answer(function: &Arc<Function>, job: &Job, until: Instant) -> Answer {
    let progress = match Progress::of(job) {
        Ok(progress) => progress,
        Err(message) => return failure(FailureType::ConfigurationError, message),
    };
    // A task of its own, so that a panic in it ends that task and not the function.
    let work = step::run(function.clone(), job.clone(), progress.clone(), until);
    let mut work = tokio::spawn(work.in_current_span());
    match tokio::time::timeout_at(until, &mut work).await {
        Ok(Ok(answer)) => answer,
        // The same step again, with a fresh invocation: nothing is known to have failed.
        Err(_) => {
            work.abort();
            progress.repeat_step("the step was not done in the time of one invocation")
        }
        Ok(Err(_)) => failure(
            FailureType::JobFailed,
            format!(
                "an error in this function, which its log has; {}",
                progress.state()
            ),
        ),
    }
}

fn failure(kind: FailureType, message: String) -> Answer {
    Answer::Failure {
        kind,
        message,
        external_id: EXTERNAL_ID.to_owned(),
    }
}

fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Success { .. } => "success",
        Answer::Continue { .. } => "continue",
        Answer::Failure { .. } => "failure",
    }
}
