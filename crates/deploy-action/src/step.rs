//! The three steps of an action: register, update, follow. Each can be repeated.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ecs::types::Service;
use codepipeline_job::{Answer, FailureType};
use common::arn::last_name;
use common::aws::Aws;
use common::provenance::{COMMIT_TAG, EXECUTION_TAG};
use common::telemetry::ReleaseIds;
use ecs_deploy::calls::{self, CallError};
use ecs_deploy::deployment::Deployment;
use ecs_deploy::outcome::{Outcome, commands, outcome};
use ecs_deploy::progress::news;
use ecs_deploy::template::{Caller, Images, fill};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::artifact::{ArtifactError, Artifacts};
use crate::event::Job;
use crate::parameters::Parameters;
use crate::progress::{Progress, State};
use crate::{Function, failure};

/// ECS lists a deployment within seconds; what it doesn't list by then is looked for by the next invocation.
const FIND_TIMEOUT: Duration = Duration::from_secs(20);
const FIND_INTERVAL: Duration = Duration::from_secs(2);
/// A rest of time that no call begins in.
const CALL_RESERVE: Duration = Duration::from_secs(5);

/// Does the step that comes next, and says what the job is answered.
pub(crate) async fn run(
    function: Arc<Function>,
    job: Job,
    progress: Progress,
    until: Instant,
) -> Answer {
    let parameters = match Parameters::read(&job.user_parameters) {
        Ok(parameters) => parameters,
        Err(problems) => return failure(FailureType::ConfigurationError, problems.join("\n")),
    };
    let ids = ReleaseIds {
        pipeline_execution_id: parameters.pipeline_execution_id.as_deref(),
        commit: parameters.commit.as_deref(),
        ..ReleaseIds::default()
    };
    ids.note();
    let step = Step {
        aws: &function.aws,
        region: &function.region,
        job: &job,
        parameters: &parameters,
        progress: &progress,
        until,
    };
    let done = match &progress.state {
        State::Register => step.register().await,
        State::Update { task_definition } => step.update(task_definition).await,
        State::Follow {
            task_definition,
            deployment,
            ..
        } => step.follow(task_definition, deployment).await,
    };
    match done {
        Ok(answer) => answer,
        Err(Stop::Refused(message)) => failure(FailureType::ConfigurationError, message),
        Err(Stop::Broken(why)) => failure(
            FailureType::JobFailed,
            format!("{why}; {}", progress.state()),
        ),
        Err(Stop::MayPass(why)) => progress.repeat_step(&why),
    }
}

/// Says in the tags what the release came from: the gates read it there.
fn tag(definition: &mut Map<String, Value>, parameters: &Parameters) {
    let said = [
        (COMMIT_TAG, &parameters.commit),
        (EXECUTION_TAG, &parameters.pipeline_execution_id),
    ];
    for (key, value) in said {
        let Some(value) = value else { continue };
        let tag = json!({ "key": key, "value": value });
        match definition.get_mut("tags").and_then(Value::as_array_mut) {
            Some(tags) => {
                tags.retain(|it| it["key"] != key);
                tags.push(tag);
            }
            None => {
                definition.insert("tags".to_owned(), json!([tag]));
            }
        }
    }
}

/// Why a step did not come to its end.
enum Stop {
    /// Nothing was deployed, and the same again would not be either.
    Refused(String),
    /// The same again fails again, and a deployment may go on.
    Broken(String),
    /// It may work in a while.
    MayPass(String),
}

impl From<ArtifactError> for Stop {
    fn from(error: ArtifactError) -> Self {
        match error {
            ArtifactError::Wrong(why) => Self::Refused(why),
            ArtifactError::Unreachable(why) => Self::MayPass(why),
        }
    }
}

struct Step<'a> {
    aws: &'a Aws,
    region: &'a str,
    job: &'a Job,
    parameters: &'a Parameters,
    progress: &'a Progress,
    until: Instant,
}

impl Step<'_> {
    /// A call that failed, by what it may have left behind.
    fn stop(&self, error: &CallError) -> Stop {
        let sentence = text::clean::line(&error.to_string());
        match self.progress.state {
            State::Register if error.may_pass() => Stop::MayPass(sentence),
            State::Register => Stop::Refused(format!("{sentence}; nothing was deployed")),
            _ if error.may_pass_by_now() => Stop::MayPass(sentence),
            _ => Stop::Broken(sentence),
        }
    }

    /// The service, which must be one that ECS deploys.
    async fn service(&self) -> Result<Service, Stop> {
        let Parameters {
            cluster, service, ..
        } = self.parameters;
        let found = calls::service(self.aws, cluster, service).await;
        let found = found.map_err(|error| self.stop(&error))?;
        match calls::foreign_controller(&found) {
            None => Ok(found),
            Some(controller) => Err(Stop::Refused(format!(
                "{cluster}/{service} has the deployment controller {controller}: ECS does not deploy it itself; use the action {}",
                if controller == "CODE_DEPLOY" {
                    "CodeDeployToECS"
                } else {
                    "of that controller"
                }
            ))),
        }
    }

    /// Refuses a task definition of another family than the service runs: it is that of something else, and a new
    /// revision of it would be run wherever its family is named without a revision.
    fn check_family(&self, service: &Service, family: &str) -> Result<(), Stop> {
        let runs = service.task_definition().map(family_of);
        match runs.filter(|runs| *runs != family) {
            None => Ok(()),
            Some(runs) => Err(Stop::Refused(format!(
                "{}/{} runs the task definition family {runs}, and this one is of the family {family}: it belongs to \
                 something else; to change a service's family, update the service by hand once",
                self.parameters.cluster, self.parameters.service
            ))),
        }
    }

    /// Registers the task definition. Nothing is deployed by that.
    async fn register(&self) -> Result<Answer, Stop> {
        let service = self.service().await?;
        let mut artifacts = Artifacts::of(self.aws, self.region, self.job);
        let text = artifacts.text(&self.parameters.task_definition).await?;
        let detail = match &self.parameters.image_detail {
            None => None,
            Some(file) => Some(image_uri(&artifacts.text(file).await?, &file.path)?),
        };
        let images = Images {
            caller: Caller::Pipeline,
            named: self.parameters.images.clone(),
            detail,
        };
        let filled = fill(&text, &images, self.parameters.allow_unknown_fields);
        let mut definition = filled.map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(|it| text::clean::line(it)).collect();
            Stop::Refused(format!(
                "{} can't be registered:\n{}",
                self.parameters.task_definition.path,
                problems.join("\n")
            ))
        })?;
        tag(&mut definition, self.parameters);
        let family = definition["family"].as_str().unwrap_or_default();
        self.check_family(&service, family)?;
        let registered = calls::register(self.aws, &definition).await;
        let task_definition = registered.map_err(|error| self.stop(&error))?;
        let summary = format!("registered {}", last_name(&task_definition));
        let next = self.progress.at(State::Update { task_definition });
        Ok(next.go_on(&summary, 0))
    }

    /// Tells the service to deploy it, unless that has begun already.
    async fn update(&self, task_definition: &str) -> Result<Answer, Stop> {
        let service = self.service().await?;
        self.check_family(&service, family_of(task_definition))?;
        let find = async || {
            let found = calls::find(self.aws, &service, task_definition).await;
            found.map_err(|error| self.stop(&error))
        };
        let mut deployment = find().await?;
        if deployment.is_none() {
            match calls::update(self.aws, &service, task_definition).await {
                Ok(()) => {}
                // Whether it has begun is seen below.
                Err(error) if error.leaves_it_open() => tracing::warn!("{error}"),
                Err(error) => {
                    let sentence = text::clean::line(&error.to_string());
                    return Err(Stop::Refused(format!(
                        "{sentence}; nothing was deployed, and {} stays registered",
                        last_name(task_definition)
                    )));
                }
            }
            let limit = (Instant::now() + FIND_TIMEOUT)
                .min(self.until.checked_sub(CALL_RESERVE).unwrap_or(self.until));
            while deployment.is_none() && Instant::now() < limit {
                sleep(FIND_INTERVAL).await;
                deployment = find().await?;
            }
        }
        let Parameters {
            cluster, service, ..
        } = self.parameters;
        let Some(deployment) = deployment else {
            return Err(Stop::MayPass(format!(
                "{cluster}/{service} was asked to deploy {}, and ECS lists no deployment of it",
                last_name(task_definition)
            )));
        };
        let next = self.progress.at(State::Follow {
            task_definition: task_definition.to_owned(),
            deployment,
            failed_hooks: Vec::new(),
        });
        Ok(next.go_on(&format!("ECS deploys {}", last_name(task_definition)), 1))
    }

    /// Says how far it is, or how it ended.
    async fn follow(&self, task_definition: &str, deployment: &str) -> Result<Answer, Stop> {
        let now = calls::deployment(self.aws, deployment).await;
        let now = now.map_err(|error| self.stop(&error))?;
        let mut failed = self.progress.failed_hooks();
        failed.note(&now);
        let Some(outcome) = outcome(&now, self.parameters.until.as_deref()) else {
            if self.progress.is_older_than(self.parameters.timeout) {
                return Ok(self.not_over(&now));
            }
            let next = self.progress.at(State::Follow {
                task_definition: task_definition.to_owned(),
                deployment: deployment.to_owned(),
                failed_hooks: failed.as_pairs().to_vec(),
            });
            return Ok(next.go_on(&summary(&now), percent(&now)));
        };
        let sentence = text::clean::line(&outcome.sentence(&now, &failed));
        Ok(match outcome {
            Outcome::Successful | Outcome::Reached => Answer::Success {
                summary: sentence,
                external_id: now.id().to_owned(),
                variables: vec![
                    ("outcome", outcome.word().to_owned()),
                    ("service_deployment", deployment.to_owned()),
                    ("task_definition", task_definition.to_owned()),
                ],
            },
            Outcome::RolledBack | Outcome::Failed | Outcome::Unknown => Answer::Failure {
                kind: FailureType::JobFailed,
                message: sentence,
                external_id: now.id().to_owned(),
            },
        })
    }

    fn not_over(&self, now: &Deployment) -> Answer {
        let timeout = text::words::duration(self.parameters.timeout);
        Answer::Failure {
            kind: FailureType::JobFailed,
            message: format!(
                "after {timeout} the deployment is not over; it goes on without this action: {}\n{}",
                summary(now),
                commands(&now.arn)
            ),
            external_id: now.id().to_owned(),
        }
    }
}

/// `CANARY: 10 % for 10 min, then all; PRODUCTION_TRAFFIC_SHIFT, step 1 of 2: 10 % of production traffic; …`
fn summary(now: &Deployment) -> String {
    let lines = news(None, now).into_iter().map(|(line, _)| line);
    let lines: Vec<String> = lines.map(|line| text::clean::line(line.trim())).collect();
    lines.join("; ")
}

/// What the new revision has of production traffic.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a share of 0 to 100 percent"
)]
fn percent(now: &Deployment) -> i32 {
    now.production.unwrap_or_default().clamp(1.0, 99.0) as i32
}

/// `ImageURI` of an `imageDetail.json`.
fn image_uri(text: &str, path: &str) -> Result<String, Stop> {
    let detail: Option<Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok();
    let uri = detail.and_then(|detail| Some(detail["ImageURI"].as_str()?.to_owned()));
    uri.filter(|uri| !uri.is_empty())
        .ok_or_else(|| Stop::Refused(format!("{path} has no ImageURI")))
}

/// `shop` of `arn:aws:ecs:…:task-definition/shop:7`
fn family_of(task_definition: &str) -> &str {
    let name = last_name(task_definition);
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}
