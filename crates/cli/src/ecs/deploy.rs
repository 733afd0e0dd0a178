//! `ecs deploy`: registers a task definition, lets ECS deploy it, and follows that to its end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_ecs::types::Service;
use common::arn::last_name;
use common::aws::Aws;
use ecs_deploy::calls::{self, CallError};
use ecs_deploy::progress::Tone;
use ecs_deploy::task_definition;
use ecs_deploy::template::{Caller, Images, fill};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use super::diff::{Summary, diff};
use super::follow::{FollowOptions, FollowPosition, interruptible};
use crate::clients;
use crate::failure::{Failure, read, read_json};
use crate::screen::{Screen, Style};

/// ECS lists a deployment within seconds.
const FIND_TIMEOUT: Duration = Duration::from_mins(2);

/// Register a task definition, let ECS deploy it, and follow that to its end.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
#[allow(clippy::doc_markdown, reason = "this is the help that people read")]
pub(crate) struct Args {
    /// The cluster of the service
    #[arg(long)]
    cluster: String,
    /// The service, under the deployment controller ECS
    #[arg(long)]
    service: String,
    /// The task definition, with or without placeholders such as <IMAGE1_NAME>; - is standard input
    #[arg(long, value_name = "FILE")]
    task_definition: PathBuf,
    /// Put in the ImageURI of this file for the one placeholder that has no --image
    #[arg(long, value_name = "FILE")]
    image_detail: Option<PathBuf>,
    /// Put in this image for <NAME>; may be repeated
    #[allow(
        rustdoc::invalid_html_tags,
        reason = "a placeholder, in the help of a terminal"
    )]
    #[arg(long = "image", value_name = "NAME=URI", value_parser = image)]
    images: Vec<(String, String)>,
    /// Register fields that this version does not know
    #[arg(long)]
    allow_unknown_fields: bool,
    /// Show what would be registered and changed; change nothing
    #[arg(long)]
    dry_run: bool,
    /// The region; left out: that of your AWS configuration
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    #[command(flatten)]
    how: FollowOptions,
}

const EXAMPLES: &str = "\
Files may be those of CodePipeline's action CodeDeployToECS, or an answer of `aws ecs describe-task-definition`.

Exit codes: 0 successful (or at the stage of --until), 1 failed or rolled back, 2 it can't be known (calls failed, or
--timeout is over: a deployment that has begun goes on), 3 wrong input (nothing is deployed), 130 interrupted.

Your AWS credentials need ecs:DescribeServices, ecs:RegisterTaskDefinition, ecs:UpdateService, ecs:ListServiceDeployments,
ecs:DescribeServiceRevisions, ecs:DescribeServiceDeployments, and iam:PassRole on the roles of the task definition; a dry
run ecs:DescribeServices and ecs:DescribeTaskDefinition only.

Examples:
  deploy-hooks ecs deploy --cluster production --service shop --task-definition taskdef.json --image-detail imageDetail.json
  deploy-hooks ecs deploy --cluster production --service shop --task-definition taskdef.json \\
    --image IMAGE1_NAME=111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop:2.0.0 --timeout 4h
  deploy-hooks ecs deploy --cluster production --service shop --task-definition taskdef.json --until BAKE_TIME
  deploy-hooks ecs deploy --cluster production --service shop --task-definition taskdef.json --dry-run";

/// Deploys.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let definition = args.definition()?;
    let aws = clients::aws_at(args.region.as_deref(), None).await?;
    let position = RefCell::new(FollowPosition::Reading);
    let work = async {
        let service = calls::service(&aws, &args.cluster, &args.service).await;
        let service = service.map_err(|error| not_begun(&error))?;
        if let Some(controller) = calls::foreign_controller(&service) {
            return Err(Failure::Unusable(format!(
                "{}/{} has the deployment controller {controller}: ECS does not deploy it itself",
                args.cluster, args.service
            )));
        }
        if args.dry_run {
            return args.show(&aws, &service, &definition, screen).await;
        }
        let arn = args
            .begin(&aws, &service, &definition, &position, screen)
            .await?;
        position.replace(FollowPosition::Following(arn.clone()));
        args.how.follow(&aws, &arn, screen).await
    };
    interruptible(&position, work).await
}

impl Args {
    /// What is registered.
    fn definition(&self) -> Result<Map<String, Value>, Failure> {
        let detail = self.image_detail.as_deref().map(|file| {
            let uri = read_json(file)?["ImageURI"].as_str().map(str::to_owned);
            uri.filter(|uri| !uri.is_empty())
                .ok_or_else(|| Failure::Unusable(format!("{} has no ImageURI", file.display())))
        });
        let mut named = BTreeMap::new();
        for (name, uri) in &self.images {
            if named.insert(name.clone(), uri.clone()).is_some() {
                return Err(Failure::Unusable(format!(
                    "--image {name}=… is there twice"
                )));
            }
        }
        let images = Images {
            caller: Caller::CommandLine,
            named,
            detail: detail.transpose()?,
        };
        let file = self.task_definition.display();
        fill(
            &read(&self.task_definition)?,
            &images,
            self.allow_unknown_fields,
        )
        .map_err(|problems| {
            let told = problems
                .iter()
                .map(|problem| format!("\n  {}", text::clean::line(problem)));
            Failure::Unusable(format!(
                "{file} can't be registered:{}",
                told.collect::<String>()
            ))
        })
    }

    /// Starts the deployment; returns its ARN.
    async fn begin(
        &self,
        aws: &Aws,
        service: &Service,
        definition: &Map<String, Value>,
        position: &RefCell<FollowPosition>,
        screen: &mut Screen,
    ) -> Result<String, Failure> {
        position.replace(FollowPosition::Registering);
        let registered = calls::register(aws, definition)
            .await
            .map_err(|error| not_begun(&error))?;
        let name = last_name(&registered);
        self.how.say((format!("registered {name}"), None), screen);
        position.replace(FollowPosition::Updating(name.to_owned()));
        match calls::update(aws, service, &registered).await {
            // Whether it has begun is seen below.
            Err(error) if error.may_pass() => self.how.say(
                (
                    format!("{error}; looking whether it has begun"),
                    Some(Tone::Careful),
                ),
                screen,
            ),
            Err(error) => {
                let failure = not_begun(&error);
                let text = format!("{failure}\n{name} stays registered.");
                return Err(match failure {
                    Failure::Unusable(_) => Failure::Unusable(text),
                    _ => Failure::Unknown(text),
                });
            }
            Ok(()) => {}
        }
        self.find(aws, service, &registered).await
    }

    async fn find(
        &self,
        aws: &Aws,
        service: &Service,
        task_definition: &str,
    ) -> Result<String, Failure> {
        let deadline = Instant::now() + FIND_TIMEOUT;
        loop {
            let why = match calls::find(aws, service, task_definition).await {
                Ok(Some(arn)) => return Ok(arn),
                Ok(None) => "ECS lists no deployment of it".to_owned(),
                Err(error) if error.may_pass() => error.to_string(),
                Err(error) => return Err(self.not_found(task_definition, &error.to_string())),
            };
            if Instant::now() + self.how.interval() > deadline {
                return Err(self.not_found(task_definition, &why));
            }
            sleep(self.how.interval()).await;
        }
    }

    fn not_found(&self, task_definition: &str, why: &str) -> Failure {
        let (cluster, service) = (&self.cluster, &self.service);
        Failure::Unknown(format!(
            "{cluster}/{service} was asked to deploy {task_definition}, and how that goes is not known: {why}.\n  \
             look: aws ecs list-service-deployments --cluster {cluster} --service {service}"
        ))
    }

    async fn show(
        &self,
        aws: &Aws,
        service: &Service,
        definition: &Map<String, Value>,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let running = service.task_definition().unwrap_or_default();
        let now = task_definition::describe(aws, running)
            .await
            .map_err(|error| not_begun(&error))?;
        let changes = diff(&Summary::of_registered(&now), &Summary::of_json(definition));
        let family = definition["family"].as_str().unwrap_or_default();
        let running = last_name(running);
        let place = format!("{}/{}", self.cluster, self.service);
        if screen.json {
            screen.value(&json!({
                "dry_run": true, "service": place, "family": family, "running": running, "changes": changes,
            }))?;
            return Ok(());
        }
        let title =
            format!("A new revision of {family} would go to {place}, which runs {running}:");
        screen.line(screen.styled(Style::Heading, &title))?;
        for change in &changes {
            let style = match change.chars().next() {
                Some('+') => Style::Good,
                Some('-') => Style::Bad,
                _ => Style::Careful,
            };
            screen.line(screen.styled(style, &text::clean::shown(&format!("  {change}"))))?;
        }
        if changes.is_empty() {
            screen.line("  images, sizes, environment and secrets stay as they are")?;
        }
        screen.line("Only images, cpu, memory, environment and secrets are compared.")?;
        screen.line("Dry run: nothing was changed.")?;
        Ok(())
    }
}

/// Nothing is deployed.
fn not_begun(error: &CallError) -> Failure {
    let text = format!(
        "{}\nNothing was deployed.",
        text::clean::line(&error.to_string())
    );
    if error.is_refused() {
        Failure::Unusable(text)
    } else {
        Failure::Unknown(text)
    }
}

/// `IMAGE1_NAME=registry.example/shop:2.0.0`
fn image(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(name, uri)| {
        let name = name.trim_start_matches('<').trim_end_matches('>');
        (name.to_owned(), uri.to_owned())
    });
    pair.filter(|(name, uri)| !name.is_empty() && !uri.is_empty())
        .ok_or_else(|| {
            "expected NAME=URI, such as IMAGE1_NAME=registry.example/shop:2.0.0".to_owned()
        })
}
