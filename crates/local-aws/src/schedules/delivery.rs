//! Delivering one occurrence of a schedule to its target, as EventBridge Scheduler does: context
//! attributes filled in, tried again where that may help, and otherwise put into the dead-letter queue.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::World;
use crate::error::AwsError;
use crate::ids;
use crate::upstream::{Invoked, Upstream};

/// Attempts at most, whatever the retry policy allows: they follow one another at once.
const MAX_ATTEMPTS: u64 = 3;
/// Retries that AWS makes without a policy.
const DEFAULT_RETRIES: u64 = 185;
/// How long an advance waits for a state machine, in real time, and how often it asks.
const RUN_TIMEOUT: Duration = Duration::from_mins(15);
const RUN_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// One occurrence on its way.
pub(super) struct Delivery<'a> {
    pub(super) world: &'a World,
    pub(super) upstream: &'a Upstream,
    /// The schedule as the emulator keeps it.
    pub(super) schedule: &'a Value,
    /// The virtual time for which it was due.
    pub(super) scheduled: Timestamp,
    /// Whether the function or state machine is waited for.
    pub(super) wait: bool,
}

/// One attempt.
struct Attempt {
    number: u64,
    execution_id: String,
}

impl Delivery<'_> {
    /// Delivers it; an error says why all attempts failed, after the dead-letter queue got it.
    pub(super) async fn run(&self) -> Result<(), AwsError> {
        let retries = self.target()["RetryPolicy"]["MaximumRetryAttempts"].as_u64();
        let attempts = retries.unwrap_or(DEFAULT_RETRIES).min(MAX_ATTEMPTS - 1) + 1;
        let mut number = 1;
        loop {
            let attempt = Attempt {
                number,
                execution_id: ids::hex(16),
            };
            let error = match self.call(&attempt).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let may_help = error.status >= 500 || error.status == 429;
            if number < attempts && may_help {
                number += 1;
                continue;
            }
            if let Err(lost) = self.bury(&attempt, &error).await {
                tracing::warn!(error = %lost, "the dead-letter queue of a schedule took nothing");
            }
            return Err(error);
        }
    }

    fn target(&self) -> &Value {
        &self.schedule["Target"]
    }

    fn text(&self, name: &str) -> &str {
        self.schedule[name].as_str().unwrap_or_default()
    }

    fn arn(&self) -> &str {
        self.target()["Arn"].as_str().unwrap_or_default()
    }

    async fn call(&self, attempt: &Attempt) -> Result<(), AwsError> {
        let (arn, input) = (self.arn(), self.input(attempt));
        match arn.split(':').nth(2) {
            Some("lambda") if self.wait => self.invoke_and_wait(arn, &input).await,
            Some("lambda") => self.upstream.invoke(arn, &input).await,
            Some("sns") => {
                let params = [
                    ("TopicArn", arn),
                    ("Message", &input),
                    ("Version", "2010-03-31"),
                ];
                let sent = self.upstream.query("sns", "Publish", &params).await;
                sent.map(drop)
            }
            Some("sqs") => {
                let mut message = json!({ "MessageBody": input });
                if let Some(group) = self.target()["SqsParameters"]["MessageGroupId"].as_str() {
                    message["MessageGroupId"] = json!(group);
                }
                self.send(arn, message).await
            }
            Some("states") => self.start_execution(arn, &input, attempt).await,
            _ => Err(AwsError::client(
                "UnsupportedTarget",
                format!(
                    "{arn} is no function, topic, queue or state machine; schedules call these only"
                ),
            )),
        }
    }

    /// Invokes a function and waits until it has answered. One that fails or is throttled is handed to
    /// the emulator's asynchronous invocation, which tries again and knows its destinations.
    async fn invoke_and_wait(&self, arn: &str, input: &str) -> Result<(), AwsError> {
        match self.upstream.invoke_and_wait(arn, input).await {
            Ok(Invoked::Answered) => Ok(()),
            Ok(Invoked::Failed) => self.upstream.invoke(arn, input).await,
            Err(error) if error.status == 429 => self.upstream.invoke(arn, input).await,
            Err(error) => Err(error),
        }
    }

    async fn start_execution(
        &self,
        arn: &str,
        input: &str,
        attempt: &Attempt,
    ) -> Result<(), AwsError> {
        let start = json!({ "stateMachineArn": arn, "input": input, "name": attempt.execution_id });
        let started = self.states("StartExecution", &start).await?;
        let asked = json!({ "executionArn": started["executionArn"] });
        let deadline = Instant::now() + RUN_TIMEOUT;
        while self.wait && Instant::now() < deadline {
            if self.states("DescribeExecution", &asked).await?["status"] != "RUNNING" {
                break;
            }
            tokio::time::sleep(RUN_POLL_INTERVAL).await;
        }
        Ok(())
    }

    async fn states(&self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        let target = format!("AWSStepFunctions.{operation}");
        self.upstream.json("states", &target, input).await
    }

    async fn send(&self, queue: &str, mut message: Value) -> Result<(), AwsError> {
        let name = queue.rsplit(':').next().unwrap_or_default();
        let asked = json!({ "QueueName": name });
        let found = self
            .upstream
            .json("sqs", "AmazonSQS.GetQueueUrl", &asked)
            .await?;
        message["QueueUrl"] = found["QueueUrl"].clone();
        let sent = self
            .upstream
            .json("sqs", "AmazonSQS.SendMessage", &message)
            .await;
        sent.map(drop)
    }

    /// What the target is called with.
    fn input(&self, attempt: &Attempt) -> String {
        let Some(input) = self.target()["Input"].as_str() else {
            return self.event().to_string();
        };
        let attributes = [
            ("scheduled-time", self.scheduled_time()),
            ("schedule-arn", self.text("Arn").to_owned()),
            ("execution-id", attempt.execution_id.clone()),
            ("attempt-number", attempt.number.to_string()),
        ];
        attributes
            .iter()
            .fold(input.to_owned(), |text, (name, value)| {
                text.replace(&format!("<aws.scheduler.{name}>"), value)
            })
    }

    /// What a target without an input gets.
    fn event(&self) -> Value {
        json!({
            "version": "0",
            "id": ids::uuid(),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": self.world.account,
            "time": self.scheduled_time(),
            "region": self.world.region,
            "resources": [self.text("Arn")],
            "detail": "{}",
        })
    }

    fn scheduled_time(&self) -> String {
        self.scheduled.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Puts what could not be delivered into the dead-letter queue, if there is one.
    async fn bury(&self, attempt: &Attempt, error: &AwsError) -> Result<(), AwsError> {
        let Some(queue) = self.target()["DeadLetterConfig"]["Arn"].as_str() else {
            return Ok(());
        };
        let attributes = [
            ("ERROR_CODE", error.code.clone()),
            ("ERROR_MESSAGE", error.message.clone()),
            ("EXECUTION_ID", attempt.execution_id.clone()),
            (
                "EXHAUSTED_RETRY_CONDITION",
                "MaximumRetryAttempts".to_owned(),
            ),
            ("IS_PAYLOAD_TRUNCATED", "false".to_owned()),
            ("RETRY_ATTEMPTS", (attempt.number - 1).to_string()),
            ("SCHEDULED_TIME", self.scheduled_time()),
            ("SCHEDULE_ARN", self.text("Arn").to_owned()),
            ("TARGET_ARN", self.arn().to_owned()),
        ];
        // A queue takes no attribute without a value.
        let attributes: serde_json::Map<String, Value> = attributes
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| {
                let value = json!({ "DataType": "String", "StringValue": value });
                (name.to_owned(), value)
            })
            .collect();
        let message =
            json!({ "MessageBody": self.input(attempt), "MessageAttributes": attributes });
        self.send(queue, message).await
    }
}
