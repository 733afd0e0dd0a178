//! The one place that answers `CodePipeline`.

use std::time::Duration;

use aws_sdk_codepipeline::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_codepipeline::types::{ExecutionDetails, FailureDetails, FailureType};
use backon::{BackoffBuilder, ExponentialBuilder};
use common::aws::{Aws, Identity};
use common::failure::{Cause, Failure, Hints};
use gate::Conclusion;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::HandedOn;
use crate::answer::{Answer, Delivery};
use crate::carried::Handover;
use crate::event::Job;
use crate::flow::GateFunction;

/// One try takes this long at most.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);
const MIN_TRY_TIMEOUT: Duration = Duration::from_millis(250);
const MIN_BACKOFF: Duration = Duration::from_millis(150);
const MAX_BACKOFF: Duration = Duration::from_secs(2);
/// AWS's limit of a summary.
const MAX_SUMMARY: usize = 2_000;
/// AWS's limit of a failure's message.
const MAX_MESSAGE: usize = 4_900;

/// An answer and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) job: Job,
    pub(crate) answer: Answer,
    pub(crate) conclusion: Conclusion,
    /// The reasons.
    pub(crate) summary: String,
    /// Where the report will be.
    pub(crate) report_link: String,
}

/// Answers the job, trying until `until`.
pub(crate) async fn deliver(aws: &Aws, reply: &Reply, until: Instant) -> Delivery {
    let succeeds = reply.answer == Answer::Succeeded
        || super::parameters::reports_only(reply.job.user_parameters.as_deref());
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(MIN_BACKOFF)
        .with_max_delay(MAX_BACKOFF)
        .with_jitter()
        .without_max_times()
        .build();
    loop {
        // Short enough for a second try, and for telling people afterwards.
        let left = until.saturating_duration_since(Instant::now());
        let limit = TRY_TIMEOUT.min(left / 3).max(MIN_TRY_TIMEOUT);
        let tried = if succeeds {
            attempt(success(aws, reply), limit).await
        } else {
            attempt(failure(aws, reply), limit).await
        };
        let Err(failed) = tried else {
            return Delivery::Accepted;
        };
        match failed {
            Tried::Over => {
                let why = "CodePipeline does not say by what".to_owned();
                return Delivery::AlreadyCompleted(Err(why));
            }
            Tried::Refused(detail) => return Delivery::Undelivered(detail),
            Tried::Again(detail) => {
                let pause = pauses.next().unwrap_or(MAX_BACKOFF);
                if Instant::now() + pause >= until {
                    return Delivery::Undelivered(detail);
                }
                tracing::warn!(error = detail, "the answer was not taken yet; trying again");
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Answers with a token: `CodePipeline` calls again, and the run or the wait for people goes on then.
pub(crate) async fn goes_on(
    function: &GateFunction,
    job: &Job,
    handover: &Handover,
) -> Result<Value, String> {
    let token = HandedOn {
        first_job: super::run_id(job).to_owned(),
        carried: handover.carried.clone(),
    };
    let reason = &handover.summary;
    let details = ExecutionDetails::builder()
        .summary(short(reason, MAX_SUMMARY))
        .percent_complete(i32::from(handover.percent))
        .build();
    let call = function
        .aws
        .codepipeline()
        .put_job_success_result()
        .job_id(&job.id)
        .continuation_token(token.encode())
        .execution_details(details)
        .send();
    let tried = attempt(
        async {
            call.await
                .map(|_| ())
                .map_err(|error| SdkErrorText::of(&error))
        },
        TRY_TIMEOUT,
    );
    match tried.await {
        Ok(()) => Ok(json!({ "jobId": job.id, "continues": reason })),
        // Taken by an earlier try whose result was lost, or by another delivery of the same job: the bake goes on.
        Err(Tried::Over) => {
            Ok(json!({ "jobId": job.id, "continues": reason, "answeredBefore": true }))
        }
        Err(Tried::Refused(why) | Tried::Again(why)) => Err(format!(
            "CodePipeline did not take the continuation token, so the gate can't go on: {why}"
        )),
    }
}

async fn success(aws: &Aws, reply: &Reply) -> Result<(), SdkErrorText> {
    let details = ExecutionDetails::builder()
        .summary(short(&reply.summary, MAX_SUMMARY))
        .external_execution_id(super::run_id(&reply.job))
        .percent_complete(100)
        .build();
    let call = aws
        .codepipeline()
        .put_job_success_result()
        .job_id(&reply.job.id)
        .execution_details(details)
        .output_variables("passed", (reply.answer == Answer::Succeeded).to_string())
        .output_variables("verdict", reply.conclusion.as_str())
        .output_variables("reason", short(&reply.summary, MAX_SUMMARY))
        .output_variables("report_url", &reply.report_link)
        .send();
    call.await
        .map(|_| ())
        .map_err(|error| SdkErrorText::of(&error))
}

async fn failure(aws: &Aws, reply: &Reply) -> Result<(), SdkErrorText> {
    let message = format!(
        "{}\n{}",
        short(&reply.summary, MAX_MESSAGE - 500),
        reply.report_link
    );
    let details = FailureDetails::builder()
        .r#type(FailureType::JobFailed)
        .message(message)
        .external_execution_id(super::run_id(&reply.job))
        .build()
        .map_err(|error| SdkErrorText {
            code: None,
            cause: Cause::Denied,
            text: error.to_string(),
        })?;
    let call = aws
        .codepipeline()
        .put_job_failure_result()
        .job_id(&reply.job.id)
        .failure_details(details)
        .send();
    call.await
        .map(|_| ())
        .map_err(|error| SdkErrorText::of(&error))
}

/// What is needed of an error, whatever the operation.
struct SdkErrorText {
    code: Option<String>,
    cause: Cause,
    text: String,
}

impl SdkErrorText {
    fn of<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E>) -> Self {
        Self {
            code: error.code().map(str::to_owned),
            cause: Failure::of(error).cause,
            text: sentence(error),
        }
    }
}

enum Tried {
    /// The job is over.
    Over,
    /// No further try helps.
    Refused(String),
    Again(String),
}

async fn attempt(
    call: impl Future<Output = Result<(), SdkErrorText>>,
    limit: Duration,
) -> Result<(), Tried> {
    let error = match tokio::time::timeout(limit, call).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(_) => return Err(Tried::Again(format!("no answer in {limit:?}"))),
    };
    Err(match (error.code.as_deref(), error.cause) {
        (Some("InvalidJobStateException"), _) => Tried::Over,
        (Some("JobNotFoundException" | "ValidationException"), _)
        | (_, Cause::Denied | Cause::Credentials) => Tried::Refused(error.text),
        _ => Tried::Again(error.text),
    })
}

fn sentence<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E>) -> String {
    let hints = Hints {
        permission: "codepipeline:PutJobSuccessResult and codepipeline:PutJobFailureResult",
        absent: "the job is unknown; check the region",
    };
    Failure::of(error).sentence(Identity::Function, hints)
}

fn short(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
