//! The `ecs_task` probe: runs the team's own test image once, and judges by its exit code and by what its tests report.
//!
//! Only a container that ended by itself says something. A task that could not be started, or that AWS or somebody stopped,
//! is never the release's fault. What the tests ask is not seen here, so that they never count as a measurement of the
//! release by themselves.

use std::time::Duration;

use data_encoding::HEXLOWER;
use futures::FutureExt;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{Execution, FixedTime, ProbeContext, ProbeError, ProbeKind, Profile, Sampling, Trace};
use crate::body::Body;
use crate::cloud::{
    CloudError, MAX_RESULTS, RESULTS_VARIABLE, ResultSource, TaskEnd, TaskQuery, TaskRun,
};
use crate::evidence::{Evidence, Facet, Observation};
use crate::expect::{Actual, Finding, TestResults};
use crate::template::{Missing, Template, Values};
use crate::words::{self, MAX_RAW_BYTES};

/// What ECS takes of overrides, in characters of JSON, less what it writes around ours.
const MAX_OVERRIDES: usize = 8_000;
/// How many of the last lines are shown. Each is cut where any text is, so that no secret is cut before it is masked.
const MAX_LINES: usize = 10;
/// For stopping a task whose time is over, and for reading its log.
const STOP_RESERVE: Duration = Duration::from_secs(15);
/// For reading the result of its tests, which comes a little later into a log.
const READ_RESERVE: Duration = Duration::from_secs(20);
/// The address of a result, as a variable of the task.
const MAX_ADDRESS: usize = 250;
/// Pages of a log that are read, as JSON.
const MAX_PAGE: usize = 12 * 1024 * 1024;

/// A task that runs tests.
#[derive(Clone, Debug)]
pub(crate) struct EcsTask {
    /// A family, a family with its revision, or an ARN.
    pub(crate) task_definition: Template,
    /// Whose exit code counts; the only one if none is named.
    pub(crate) container: Option<String>,
    pub(crate) cluster: Option<Template>,
    pub(crate) subnets: Vec<Template>,
    pub(crate) security_groups: Vec<Template>,
    pub(crate) assign_public_ip: Option<bool>,
    /// In place of the container's own, if it is not empty.
    pub(crate) command: Vec<Template>,
    pub(crate) environment: Vec<(String, Template)>,
    pub(crate) exit_code: i32,
    /// How long it may take, its start included.
    pub(crate) time: Duration,
    pub(crate) results: Option<Results>,
}

/// What the tests report.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    pub(crate) source: ResultSource,
    pub(crate) form: TestResults,
}

impl EcsTask {
    fn query(&self, values: &Values) -> Result<TaskQuery, ProbeError> {
        let all = |templates: &[Template]| -> Result<Vec<String>, Missing> {
            let rendered = templates.iter().map(|template| template.render(values));
            rendered.collect()
        };
        let environment = self.environment.iter();
        let environment: Result<Vec<_>, Missing> = environment
            .map(|(name, value)| Ok((name.clone(), value.render(values)?)))
            .collect();
        let query = TaskQuery {
            token: token(values),
            task_definition: self.task_definition.render(values)?,
            container: self.container.clone(),
            cluster: self
                .cluster
                .as_ref()
                .map(|it| it.render(values))
                .transpose()?,
            subnets: all(&self.subnets)?,
            security_groups: all(&self.security_groups)?,
            assign_public_ip: self.assign_public_ip,
            command: all(&self.command)?,
            environment: environment?,
            time: self.time,
            results: self.results.as_ref().map(|results| results.source),
        };
        let overrides = serde_json::json!([query.command, query.environment]).to_string();
        let most = match query.results {
            Some(ResultSource::S3 { .. }) => MAX_OVERRIDES - RESULTS_VARIABLE.len() - MAX_ADDRESS,
            Some(ResultSource::Log) | None => MAX_OVERRIDES,
        };
        if overrides.len() > most {
            return Err(ProbeError::errored(format!(
                "command and environment take {} together, and ECS takes {most} characters; write what is \
                 always the same into the task definition",
                words::count(overrides.len(), "character")
            )));
        }
        Ok(query)
    }
}

/// The same for a try of a check in a round of a run, and for no other: a call that is repeated starts no second task.
fn token(values: &Values) -> String {
    let mut hash = Sha256::new();
    let deployment = values.target.get("deployment_id");
    hash.update(deployment.map_or("", String::as_str));
    if let Some(moment) = &values.moment {
        // Also the instant: with a seed of its own a suite has the same seed in each run.
        hash.update(format!("/{}/{}/{}", moment.seed, moment.place, moment.now));
    }
    HEXLOWER.encode(&hash.finalize()[..16])
}

impl ProbeKind for EcsTask {
    fn profile(&self) -> Profile {
        let (answer, results): (&'static [Facet], _) = match &self.results {
            None => (&[], 0),
            Some(Results {
                source: ResultSource::S3 { .. },
                ..
            }) => (&[Facet::Body], MAX_RESULTS),
            Some(Results {
                source: ResultSource::Log,
                ..
            }) => (&[Facet::Body], MAX_RESULTS + MAX_PAGE),
        };
        Profile {
            answer,
            received: 1024 * 1024 + results,
            needs_traffic: true,
            // The tests can't be said whose answers they had.
            sampling: Sampling::Indistinct,
            ..Profile::asks_others("ecs_task")
        }
    }

    fn templates(&self, see: &mut dyn FnMut(&Template)) {
        see(&self.task_definition);
        let places = self.cluster.iter().chain(&self.subnets);
        places.chain(&self.security_groups).for_each(&mut *see);
        self.command.iter().for_each(&mut *see);
        self.environment.iter().for_each(|(_, value)| see(value));
    }

    fn asks(&self) -> Vec<String> {
        vec![format!("a task of {}", self.task_definition.written())]
    }

    fn fixed_time(&self) -> Option<FixedTime> {
        Some(FixedTime {
            of: "the task",
            longest: self.time
                + STOP_RESERVE
                + self
                    .results
                    .as_ref()
                    .map_or(Duration::ZERO, |_| READ_RESERVE),
        })
    }

    /// The tests are given its address, though what they report is no answer of it.
    fn goes_to_release(&self, _context: &ProbeContext) -> bool {
        true
    }

    /// The exit code, and what the tests report.
    fn conditions(&self) -> usize {
        1 + usize::from(self.results.is_some())
    }

    fn execute<'a>(&'a self, context: &'a ProbeContext, trace: &'a mut Trace) -> Execution<'a> {
        async move {
            let query = self.query(&context.values)?;
            trace.request = Some(format!("a task of {}", query.task_definition));
            let begun = Instant::now();
            let run = context.cloud("a task of ECS")?.run_task(&query).await?;
            trace.request = Some(format!("the task {}", run.task));
            self.judge(run, begun.elapsed(), trace)
        }
        .boxed()
    }
}

impl EcsTask {
    fn judge(
        &self,
        run: TaskRun,
        took: Duration,
        trace: &mut Trace,
    ) -> Result<Observation, ProbeError> {
        let TaskRun {
            container,
            end,
            results,
            ..
        } = run;
        let finding = |code: i32| {
            let demand = format!("exit code {} of {container}", self.exit_code);
            let met = code == self.exit_code;
            Finding::new(demand, Actual::Words(format!("exit code {code}")), met)
        };
        let passed = matches!(end, TaskEnd::Exited(code) if code == self.exit_code);
        if !passed {
            let lines = run.log_tail.iter().rev().take(MAX_LINES).rev();
            trace.notes.extend(
                lines.map(|line| {
                    format!("its log: {}", words::head(line, MAX_RAW_BYTES).trim_end())
                }),
            );
            trace.notes.extend(run.log_missing);
        }
        match end {
            TaskEnd::Exited(code) => Ok(self.observed(finding(code), results, took)),
            TaskEnd::NotRun(why) => Err(ProbeError::errored(format!(
                "the tests did not run to their end: {why}"
            ))),
            TaskEnd::TimedOut { started: false } => Err(ProbeError::errored(format!(
                "the task did not start within {}, and was stopped",
                words::duration(self.time)
            ))),
            TaskEnd::TimedOut { started: true } => Err(ProbeError::failed(format!(
                "the tests in {container} did not end within {}, and were stopped",
                words::duration(self.time)
            ))),
        }
    }

    /// The exit code, and the result for what the check expects of it. One that is asked for and not there is no pass.
    fn observed(
        &self,
        exit_code: Finding,
        results: Option<Result<Vec<u8>, CloudError>>,
        took: Duration,
    ) -> Observation {
        if self.results.is_none() {
            return Observation::of_others([exit_code]);
        }
        let missing = || Err(CloudError("nobody has read it".to_owned()));
        match results.unwrap_or_else(missing) {
            Err(CloudError(why)) => {
                let missing = Finding::errored("the result of the tests", why);
                Observation::of_others([exit_code, missing])
            }
            Ok(bytes) => {
                let headers = http::HeaderMap::new();
                Observation {
                    answer: Some(Evidence {
                        status: None,
                        body: Body::new(bytes, MAX_RESULTS, &headers),
                        headers,
                        body_cut_at: None,
                        latency: took,
                        exchange: None,
                    }),
                    ..Observation::of_others([exit_code])
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::template_function::Moment;

    fn values(seed: u64, place: &str, second: i64) -> Values {
        Values {
            target: Arc::new(BTreeMap::from([(
                "deployment_id".to_owned(),
                "d-1".to_owned(),
            )])),
            moment: Some(Moment {
                seed,
                place: place.to_owned(),
                now: jiff::Timestamp::from_second(second).unwrap(),
            }),
            ..Values::default()
        }
    }

    #[test]
    fn a_token_is_one_of_one_try() {
        let first = token(&values(1, "tests/0/1", 5));
        assert_eq!(first, token(&values(1, "tests/0/1", 5)));
        for other in [
            values(2, "tests/0/1", 5),
            values(1, "tests/1/1", 5),
            values(1, "tests/0/2", 5),
            values(1, "tests/0/1", 6),
            Values::default(),
        ] {
            assert_ne!(first, token(&other));
        }
        assert!(first.len() <= 64 && first.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
