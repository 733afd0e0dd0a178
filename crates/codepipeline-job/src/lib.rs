//! The one place that answers a job of `CodePipeline`'s Lambda action.
//!
//! A job waits 20 minutes for its answer. An answer with a continuation token makes `CodePipeline` call again, with a
//! job of another id, for a day in all.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html>

use std::time::Duration;

use aws_sdk_codepipeline::error::{ProvideErrorMetadata, SdkError};
pub use aws_sdk_codepipeline::types::FailureType;
use aws_sdk_codepipeline::types::{ExecutionDetails, FailureDetails};
use common::aws::Aws;
use common::backoff::Pauses;
use common::failure::{Cause, Failure, Hints};
use tokio::time::Instant;

/// One try takes this long at most.
pub const TRY_TIMEOUT: Duration = Duration::from_secs(5);
const MIN_TRY_TIMEOUT: Duration = Duration::from_millis(250);
/// AWS's limit of a summary, and of the value of an output variable, in bytes.
pub const MAX_SUMMARY: usize = 2_000;
/// AWS's limit of a failure's message is 5,000 characters.
pub const MAX_MESSAGE: usize = 4_900;
/// AWS's limit of a continuation token.
pub const MAX_TOKEN: usize = 2_048;

/// What a job is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The action succeeds.
    Success {
        /// What people read in the console; cut to [`MAX_SUMMARY`].
        summary: String,
        /// What the console shows as the id of what ran.
        external_id: String,
        /// What later actions may use.
        variables: Vec<(&'static str, String)>,
    },
    /// `CodePipeline` calls again with this token.
    Continue {
        /// At most [`MAX_TOKEN`] characters.
        token: String,
        /// How far it is; cut to [`MAX_SUMMARY`].
        summary: String,
        /// What the console shows as the id of what runs.
        external_id: String,
        /// 0 to 99.
        percent: i32,
    },
    /// The action fails.
    Failure {
        /// Whose fault it is.
        kind: FailureType,
        /// Why, cut to [`MAX_MESSAGE`].
        message: String,
        /// What the console shows as the id of what ran.
        external_id: String,
    },
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// `CodePipeline` has taken it.
    Accepted,
    /// The job was over before: answered by an earlier try or a duplicate of the invocation, or timed out.
    Over,
    /// It could not be given, and why. The invocation must fail, so that Lambda runs it again.
    Undelivered(String),
}

/// Answers the job, trying until `until`.
pub async fn put(aws: &Aws, job: &str, answer: &Answer, until: Instant) -> Delivery {
    let mut pauses = Pauses::begin();
    loop {
        // Short enough for a second try, and for what comes after the answer.
        let left = until.saturating_duration_since(Instant::now());
        let limit = TRY_TIMEOUT.min(left / 3).max(MIN_TRY_TIMEOUT);
        let failed = match tokio::time::timeout(limit, send(aws, job, answer)).await {
            Ok(Ok(())) => return Delivery::Accepted,
            Ok(Err(error)) => error,
            Err(_) => CallError {
                code: None,
                cause: Cause::NoAnswer,
                text: format!("no answer in {limit:?}"),
            },
        };
        match (failed.code.as_deref(), failed.cause) {
            (Some("InvalidJobStateException"), _) => return Delivery::Over,
            (Some("JobNotFoundException" | "ValidationException"), _)
            | (_, Cause::Denied | Cause::Credentials) => {
                return Delivery::Undelivered(failed.text);
            }
            _ => {
                let pause = pauses.next_pause();
                if Instant::now() + pause >= until {
                    return Delivery::Undelivered(failed.text);
                }
                tracing::warn!(
                    error = failed.text,
                    "the answer was not taken yet; trying again"
                );
                tokio::time::sleep(pause).await;
            }
        }
    }
}

async fn send(aws: &Aws, job: &str, answer: &Answer) -> Result<(), CallError> {
    let client = aws.codepipeline();
    match answer {
        Answer::Success {
            summary,
            external_id,
            variables,
        } => {
            let details = ExecutionDetails::builder()
                .summary(cut(summary, MAX_SUMMARY))
                .external_execution_id(external_id)
                .percent_complete(100)
                .build();
            let call = client
                .put_job_success_result()
                .job_id(job)
                .execution_details(details);
            let call = variables.iter().fold(call, |call, (name, value)| {
                call.output_variables(*name, cut(value, MAX_SUMMARY))
            });
            call.send()
                .await
                .map(drop)
                .map_err(|error| CallError::of(&error, aws))
        }
        Answer::Continue {
            token,
            summary,
            external_id,
            percent,
        } => {
            let details = ExecutionDetails::builder()
                .summary(cut(summary, MAX_SUMMARY))
                .external_execution_id(external_id)
                .percent_complete(*percent)
                .build();
            let call = client
                .put_job_success_result()
                .job_id(job)
                .continuation_token(token)
                .execution_details(details);
            call.send()
                .await
                .map(drop)
                .map_err(|error| CallError::of(&error, aws))
        }
        Answer::Failure {
            kind,
            message,
            external_id,
        } => {
            let details = FailureDetails::builder()
                .r#type(kind.clone())
                .message(cut(message, MAX_MESSAGE))
                .external_execution_id(external_id)
                .build()
                .map_err(|error| CallError {
                    code: None,
                    cause: Cause::Refused,
                    text: error.to_string(),
                })?;
            let call = client
                .put_job_failure_result()
                .job_id(job)
                .failure_details(details);
            call.send()
                .await
                .map(drop)
                .map_err(|error| CallError::of(&error, aws))
        }
    }
}

/// What is needed of an error, whatever the operation.
struct CallError {
    code: Option<String>,
    cause: Cause,
    text: String,
}

impl CallError {
    fn of<E: ProvideErrorMetadata + std::error::Error + 'static>(
        error: &SdkError<E>,
        aws: &Aws,
    ) -> Self {
        let failure = Failure::of(error);
        let hints = Hints {
            permission: "codepipeline:PutJobSuccessResult and codepipeline:PutJobFailureResult",
            absent: "the job is unknown; check the region",
        };
        Self {
            code: error.code().map(str::to_owned),
            cause: failure.cause,
            text: failure.sentence(aws.identity(), hints),
        }
    }
}

/// The text with a link below it, both within so many bytes; AWS has no field for a link. It is left out rather than cut.
pub fn with_link(text: &str, link: &str, bytes: usize) -> String {
    match bytes.checked_sub(link.len() + 1) {
        Some(room) if !link.is_empty() => format!("{}\n{link}", cut(text, room)),
        _ => cut(text, bytes).to_owned(),
    }
}

/// The text, cut to so many bytes.
pub fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use test_support::scripted::{Answer as Reply, Scripted, ok, refused, throttled};

    use super::*;

    const SUCCESS: &str = "PutJobSuccessResult";
    const FAILURE: &str = "PutJobFailureResult";

    fn success() -> Answer {
        Answer::Success {
            summary: "3 of 3 checks passed".into(),
            external_id: "run-7".into(),
            variables: vec![("verdict", "passed".into())],
        }
    }

    fn failure(message: &str) -> Answer {
        Answer::Failure {
            kind: FailureType::JobFailed,
            message: message.into(),
            external_id: "run-7".into(),
        }
    }

    /// What became of the answer within `time`, and the bodies that AWS was sent.
    async fn answered(
        answer: &Answer,
        operation: &'static str,
        replies: Vec<Reply>,
        time: Duration,
    ) -> (Delivery, Vec<String>) {
        let aws = Scripted::start([(operation, replies)]).await;
        let delivery = put(&aws.clients(), "job-1", answer, Instant::now() + time).await;
        let calls = aws.calls();
        assert!(calls.iter().all(|(name, _)| name == operation), "{calls:?}");
        (delivery, aws.bodies(operation))
    }

    const TIME: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn each_answer_is_the_call_that_aws_has_for_it() {
        let (delivery, sent) = answered(&success(), SUCCESS, vec![ok("{}")], TIME).await;
        assert_eq!(delivery, Delivery::Accepted);
        insta::assert_snapshot!(sent[0], @r#"{"jobId":"job-1","executionDetails":{"summary":"3 of 3 checks passed","externalExecutionId":"run-7","percentComplete":100},"outputVariables":{"verdict":"passed"}}"#);

        let again = Answer::Continue {
            token: "round 4".into(),
            summary: "round 4 of 10".into(),
            external_id: "run-7".into(),
            percent: 40,
        };
        let (delivery, sent) = answered(&again, SUCCESS, vec![ok("{}")], TIME).await;
        assert_eq!(delivery, Delivery::Accepted);
        insta::assert_snapshot!(sent[0], @r#"{"jobId":"job-1","continuationToken":"round 4","executionDetails":{"summary":"round 4 of 10","externalExecutionId":"run-7","percentComplete":40}}"#);

        let (delivery, sent) =
            answered(&failure("the shop is down"), FAILURE, vec![ok("{}")], TIME).await;
        assert_eq!(delivery, Delivery::Accepted);
        insta::assert_snapshot!(sent[0], @r#"{"jobId":"job-1","failureDetails":{"type":"JobFailed","message":"the shop is down","externalExecutionId":"run-7"}}"#);
    }

    #[tokio::test]
    async fn a_throttled_answer_is_given_again() {
        let replies = vec![throttled(), refused("InternalFailure"), ok("{}")];
        let (delivery, sent) = answered(&success(), SUCCESS, replies, TIME).await;
        assert_eq!((delivery, sent.len()), (Delivery::Accepted, 3));
    }

    #[tokio::test]
    async fn an_answered_job_is_over_and_not_answered_again() {
        let replies = vec![refused("InvalidJobStateException")];
        let (delivery, sent) = answered(&success(), SUCCESS, replies, TIME).await;
        assert_eq!((delivery, sent.len()), (Delivery::Over, 1));
    }

    #[tokio::test]
    async fn what_no_second_try_can_mend_is_said_at_once() {
        for code in [
            "JobNotFoundException",
            "ValidationException",
            "AccessDeniedException",
            "ExpiredTokenException",
        ] {
            let (delivery, sent) = answered(&success(), SUCCESS, vec![refused(code)], TIME).await;
            let Delivery::Undelivered(why) = delivery else {
                panic!("{code} was taken for {delivery:?}");
            };
            assert!(why.contains(code), "{why}");
            assert_eq!(sent.len(), 1, "{code}");
        }
    }

    #[tokio::test]
    async fn tries_end_in_time_and_the_reason_is_that_of_the_last_one() {
        let answer = failure("down");
        let tries = answered(&answer, FAILURE, vec![throttled()], Duration::from_secs(1));
        // Far above, as a busy machine may be slow; without the bound it would never end.
        let ended = tokio::time::timeout(Duration::from_mins(1), tries).await;
        let (delivery, sent) = ended.expect("tries go on after their time");
        assert!(sent.len() > 1, "it was tried once only");
        let Delivery::Undelivered(why) = delivery else {
            panic!("it was taken for {delivery:?}");
        };
        assert!(why.contains("ThrottlingException"), "{why}");
    }

    #[test]
    fn a_link_stays_whole_however_long_the_text_is() {
        assert_eq!(with_link("down", "https://r", 100), "down\nhttps://r");
        assert_eq!(
            with_link("ü".repeat(60).as_str(), "https://r", 20).len(),
            20
        );
        assert!(with_link("ü".repeat(60).as_str(), "https://r", 20).ends_with("ü\nhttps://r"));
        assert_eq!(with_link("down", "", 100), "down");
        assert_eq!(with_link("down", &"x".repeat(200), 100), "down");
    }

    #[tokio::test]
    async fn texts_are_cut_to_the_limits_of_aws() {
        // Two bytes each, so that a limit can lie inside of a character.
        let long = "ü".repeat(3_000);
        let answer = Answer::Success {
            summary: format!("x{long}"),
            external_id: "run-7".into(),
            variables: vec![("reason", long.clone())],
        };
        let (_, sent) = answered(&answer, SUCCESS, vec![ok("{}")], TIME).await;
        assert_eq!(sent[0].matches('ü').count(), 999 + 1_000);

        let (_, sent) = answered(&failure(&long), FAILURE, vec![ok("{}")], TIME).await;
        assert_eq!(sent[0].matches('ü').count(), MAX_MESSAGE / 2);
    }
}
