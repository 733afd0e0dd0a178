//! What the tests of a task report: an object in S3, or a part of its log.
//!
//! Only read; the gate judges. The object's key is the task's own, so that no result of another run is taken for this one's.

use std::time::Duration;

use aws_sdk_ecs::types::ContainerDefinition;
use common::aws::Aws;
use common::location::{Object, too_large};
use gate::cloud::{
    CloudError, MAX_RESULTS, RESULTS_BEGIN, RESULTS_END, RESULTS_VARIABLE, ResultSource, TaskQuery,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Cloud, logs};

/// What keys of results begin with, in the bucket of the reports. The template has rights on it.
const RESULT_KEY_PREFIX: &str = "test-results";
/// How long the last lines of a log may take to arrive.
const LOG_TIMEOUT: Duration = if cfg!(test) {
    Duration::from_millis(200)
} else {
    Duration::from_secs(12)
};
/// The pause between two looks at the end of a log.
const POLL_EVERY: Duration = if cfg!(test) {
    Duration::from_millis(20)
} else {
    Duration::from_secs(2)
};
/// Pages of up to 1 MB each.
const MAX_PAGES: usize = 40;

const NO_BUCKET: &str = "results come through the bucket of the gate's reports, and this run has none, as it stores nothing; let \
                         the tests write them to the log, and say `from: log`";

/// Where the result of one task is.
pub(super) enum ResultPlace {
    S3 { bucket: String, key: String },
    Log,
}

impl ResultPlace {
    /// The place for this try of a check, and for no other.
    pub(super) fn of(cloud: &Cloud, query: &TaskQuery) -> Result<Option<Self>, CloudError> {
        Ok(match query.results {
            None => None,
            Some(ResultSource::Log) => Some(Self::Log),
            Some(ResultSource::S3 { extension }) => {
                let settings = cloud.function.settings.as_ref();
                let settings = settings.map_err(|error| CloudError(error.to_string()))?;
                if settings.report_bucket.is_empty() {
                    return Err(CloudError(NO_BUCKET.to_owned()));
                }
                Some(Self::S3 {
                    bucket: settings.report_bucket.clone(),
                    key: format!("{RESULT_KEY_PREFIX}/{}/results.{extension}", query.token),
                })
            }
        })
    }

    /// What the task is told.
    pub(super) fn variable(&self) -> Option<(&'static str, String)> {
        match self {
            Self::S3 { bucket, key } => Some((RESULTS_VARIABLE, format!("s3://{bucket}/{key}"))),
            Self::Log => None,
        }
    }

    /// The result of a task that has ended.
    pub(super) async fn read(
        &self,
        cloud: &Cloud,
        container: &ContainerDefinition,
        task: &str,
    ) -> Result<Vec<u8>, CloudError> {
        match self {
            Self::S3 { bucket, key } => object(cloud.aws(), bucket, key).await,
            Self::Log => {
                let log = logs::awslogs(container).map_err(CloudError)?;
                Ok(part_of(cloud, &log, task).await?.into_bytes())
            }
        }
    }
}

async fn object(aws: &Aws, bucket: &str, key: &str) -> Result<Vec<u8>, CloudError> {
    let read = Object::new(bucket, key).read(aws, MAX_RESULTS).await;
    read.map_err(|error| {
        let absent = format!(
            "have the tests write it there (`aws s3 cp FILE \"${RESULTS_VARIABLE}\"`), with s3:PutObject on {RESULT_KEY_PREFIX}/* for \
             the task role"
        );
        CloudError(format!(
            "s3://{bucket}/{key} could not be read: {}",
            error.sentence(aws, &absent)
        ))
    })
}

/// The lines of a task's log between the two that say so.
async fn part_of(cloud: &Cloud, log: &logs::Log, task: &str) -> Result<String, CloudError> {
    let until = Instant::now() + LOG_TIMEOUT;
    let mut part = Part::Before;
    let mut token = Value::Null;
    for _ in 0..MAX_PAGES {
        let mut input = json!({ "startFromHead": true });
        if !token.is_null() {
            input["nextToken"] = token.clone();
        }
        let answer = logs::page(cloud, log, task, input).await?;
        let events = answer.get("events").and_then(Value::as_array);
        let messages = events.into_iter().flatten();
        let messages = messages.filter_map(|event| event.get("message")?.as_str());
        for line in messages.flat_map(str::lines) {
            part.take(line).map_err(CloudError)?;
        }
        let next = answer.get("nextForwardToken").cloned().unwrap_or_default();
        let is_end = next.is_null() || next == token;
        token = next;
        if !is_end {
            continue;
        }
        if let Part::Whole(text) = part {
            return Ok(text);
        }
        if Instant::now() >= until {
            return Err(CloudError(part.missing()));
        }
        sleep(POLL_EVERY).await;
    }
    Err(CloudError(format!(
        "the log of the task has no end within {MAX_PAGES} pages; write less, or have the result read `from: s3`"
    )))
}

/// How much of the result has been seen.
enum Part {
    Before,
    Within(String),
    Whole(String),
}

impl Part {
    fn take(&mut self, line: &str) -> Result<(), String> {
        match (line.trim(), &mut *self) {
            (RESULTS_BEGIN, Self::Before) => *self = Self::Within(String::new()),
            (RESULTS_BEGIN, _) => {
                return Err(format!(
                    "the log has two lines {RESULTS_BEGIN}; one result is judged"
                ));
            }
            (RESULTS_END, Self::Within(text)) => *self = Self::Whole(std::mem::take(text)),
            (_, Self::Within(text)) if text.len() + line.len() >= MAX_RESULTS => {
                return Err(format!(
                    "the result in the log can't be judged: {}",
                    too_large(MAX_RESULTS)
                ));
            }
            (_, Self::Within(text)) => {
                text.push_str(line);
                text.push('\n');
            }
            (_, Self::Before | Self::Whole(_)) => {}
        }
        Ok(())
    }

    fn missing(&self) -> String {
        match self {
            Self::Within(_) => {
                format!(
                    "the log has no line {RESULTS_END} after the result; print it behind the result"
                )
            }
            Self::Before | Self::Whole(_) => format!(
                "the log has no line {RESULTS_BEGIN}; print it before the result, and {RESULTS_END} behind it"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(lines: &[&str]) -> Result<Part, String> {
        let mut part = Part::Before;
        for line in lines {
            part.take(line)?;
        }
        Ok(part)
    }

    #[test]
    fn a_result_stands_between_two_lines() {
        let lines = [
            "5 passed",
            " DEPLOY_HOOKS_RESULTS_BEGIN\r",
            "<a>",
            "",
            "</a>",
            RESULTS_END,
            "bye",
        ];
        let Ok(Part::Whole(text)) = taken(&lines) else {
            panic!("it is there");
        };
        assert_eq!(text, "<a>\n\n</a>\n");
        let twice = taken(&[RESULTS_BEGIN, RESULTS_END, RESULTS_BEGIN]).map(|_| ());
        insta::assert_snapshot!(twice.unwrap_err(), @"the log has two lines DEPLOY_HOOKS_RESULTS_BEGIN; one result is judged");
        let nested = taken(&[RESULTS_BEGIN, RESULTS_BEGIN]).map(|_| ());
        assert!(nested.is_err());
    }

    #[test]
    fn a_result_is_bounded() {
        let line = "x".repeat(MAX_RESULTS);
        let large = taken(&[RESULTS_BEGIN, &line]).map(|_| ());
        insta::assert_snapshot!(large.unwrap_err(), @"the result in the log can't be judged: it is larger than 4 MiB");
        // What is beside it is not kept.
        assert!(taken(&[&line, RESULTS_BEGIN, RESULTS_END, &line]).is_ok());
    }
}
