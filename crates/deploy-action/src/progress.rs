//! How far a deploy step is, as it goes from one invocation to the next in the continuation token.

use std::time::Duration;

use codepipeline_job::{Answer, FailureType, MAX_TOKEN};
use common::arn::last_name;
use ecs_deploy::outcome::FailedHooks;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::Job;
use crate::{EXTERNAL_ID, failure};

/// Calls may fail for so long before the action does: a deployment survives an outage of ECS's API.
pub(crate) const MAX_SILENCE: Duration = Duration::from_mins(15);

/// What is done next, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) state: State,
    /// When the action began, in seconds of Unix time.
    pub(crate) began: i64,
    /// Since when nothing could be learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    silent_since: Option<i64>,
}

/// What is done next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Nothing is changed yet.
    Register,
    /// The service is to deploy this task definition, and may be at it already.
    Update { task_definition: String },
    /// ECS deploys it.
    Follow {
        task_definition: String,
        deployment: String,
        /// The hooks that failed so far, by id.
        failed_hooks: Vec<(String, String)>,
    },
}

impl Progress {
    /// What the job hands on; the beginning where it hands nothing on.
    pub(crate) fn of(job: &Job) -> Result<Self, String> {
        let Some(token) = &job.continuation_token else {
            return Ok(Self {
                state: State::Register,
                began: Timestamp::now().as_second(),
                silent_since: None,
            });
        };
        serde_json::from_str(token)
            .map_err(|_| "the continuation token was not written by this function".to_owned())
    }

    /// The next state, with something learned.
    pub(crate) fn at(&self, state: State) -> Self {
        Self {
            state,
            began: self.began,
            silent_since: None,
        }
    }

    /// The same step again, as nothing was learned; the end, where that has lasted too long.
    pub(crate) fn repeat_step(&self, why: &str) -> Answer {
        if self.is_silent_for_too_long() {
            return failure(
                FailureType::SystemUnavailable,
                format!("{why}; {}", self.state()),
            );
        }
        let now = Timestamp::now().as_second();
        let silent = Self {
            silent_since: self.silent_since.or(Some(now)),
            ..self.clone()
        };
        silent.go_on(&format!("{why}; trying again"), 0)
    }

    /// Whether nothing was learned for too long.
    fn is_silent_for_too_long(&self) -> bool {
        self.silent_since
            .is_some_and(|since| seconds_since(since) >= MAX_SILENCE)
    }

    /// Whether the action began so long ago.
    pub(crate) fn is_older_than(&self, age: Duration) -> bool {
        seconds_since(self.began) >= age
    }

    /// Hands the next step on.
    pub(crate) fn go_on(&self, summary: &str, percent: i32) -> Answer {
        Answer::Continue {
            token: self.token(),
            summary: summary.to_owned(),
            external_id: self.external_id().to_owned(),
            percent: percent.clamp(0, 99),
        }
    }

    /// What the console names as what runs: the deployment, once there is one.
    fn external_id(&self) -> &str {
        match &self.state {
            State::Follow { deployment, .. } => last_name(deployment),
            State::Register | State::Update { .. } => EXTERNAL_ID,
        }
    }

    /// What goes on if this action ends here.
    pub(crate) fn state(&self) -> String {
        match &self.state {
            State::Register => "nothing was deployed".to_owned(),
            State::Update { task_definition } => format!(
                "the service may have begun to deploy {task_definition}: see aws ecs list-service-deployments"
            ),
            State::Follow { deployment, .. } => {
                format!("the deployment goes on without this action: {deployment}")
            }
        }
    }

    /// The hooks that failed so far.
    pub(crate) fn failed_hooks(&self) -> FailedHooks {
        match &self.state {
            State::Follow { failed_hooks, .. } => FailedHooks::of_pairs(failed_hooks.clone()),
            _ => FailedHooks::default(),
        }
    }

    fn token(&self) -> String {
        let token =
            |progress: &Self| serde_json::to_string(progress).expect("texts and numbers make JSON");
        let mut fitting = self.clone();
        // The names of many failed hooks give way; the deployment does not.
        while token(&fitting).len() > MAX_TOKEN
            && let State::Follow { failed_hooks, .. } = &mut fitting.state
            && failed_hooks.pop().is_some()
        {}
        token(&fitting)
    }
}

fn seconds_since(at: i64) -> Duration {
    let seconds = Timestamp::now().as_second().saturating_sub(at);
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str =
        "arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc";

    #[test]
    fn a_token_stays_within_the_limit_and_keeps_the_deployment() {
        let failed = |n: usize| (format!("ecs-lambda-{n}"), "x".repeat(80));
        let progress = Progress {
            state: State::Follow {
                task_definition: "arn:aws:ecs:eu-central-1:111122223333:task-definition/shop:7"
                    .to_owned(),
                deployment: ARN.to_owned(),
                failed_hooks: (0..60).map(failed).collect(),
            },
            began: 1,
            silent_since: None,
        };
        let token = progress.token();
        assert!(token.len() <= MAX_TOKEN && token.contains(ARN), "{token}");
        let read: Progress = serde_json::from_str(&token).unwrap();
        assert_eq!(read.at(progress.state.clone()), progress);
    }

    #[test]
    fn silence_counts_from_its_beginning_until_something_is_learned() {
        let now = Timestamp::now().as_second();
        let progress = Progress {
            state: State::Register,
            began: now - 7_200,
            silent_since: Some(now - 900),
        };
        assert!(progress.is_silent_for_too_long());
        assert!(!progress.at(State::Register).is_silent_for_too_long());
        assert!(progress.is_older_than(Duration::from_hours(2)));
        let ends = progress.repeat_step("no answer");
        assert!(
            matches!(&ends, Answer::Failure { message, .. } if message.contains("nothing was deployed")),
            "{ends:?}"
        );
        let goes_on = progress.at(State::Register).repeat_step("no answer");
        assert!(
            matches!(goes_on, Answer::Continue { token, .. } if token.contains("silent_since"))
        );
    }
}
