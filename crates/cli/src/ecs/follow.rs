//! `ecs follow`, and the second half of `ecs deploy`: asks until the deployment is over, and says what is new.

use std::cell::RefCell;
use std::time::Duration;

use common::arn::Arn;
use common::aws::Aws;
use ecs_deploy::calls;
use ecs_deploy::deployment::{Deployment, LIFECYCLE_STAGES};
use ecs_deploy::outcome::{FailedHooks, Outcome, commands, outcome};
use ecs_deploy::progress::{Line, Tone, news};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::clients;
use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// ECS's calls may fail for so long before following ends: a deployment survives an outage of its API.
const MAX_SILENCE: Duration = Duration::from_mins(5);

/// Follow a deployment that runs already.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The ARN of the service deployment
    #[arg(long, value_name = "ARN", value_parser = deployment_arn)]
    deployment: String,
    #[command(flatten)]
    how: FollowOptions,
}

const EXAMPLES: &str = "\
Exit codes: 0 successful (or at the stage of --until), 1 failed or rolled back, 2 it can't be known, 3 wrong input,
130 interrupted. However it ends, the deployment itself goes on.

Your AWS credentials need ecs:DescribeServiceDeployments.

Example:
  deploy-hooks ecs follow --deployment arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc";

/// How a deployment is followed.
#[derive(clap::Args)]
pub(crate) struct FollowOptions {
    /// End with 0 once this lifecycle stage has begun, or all has succeeded
    #[arg(long, value_name = "STAGE", value_parser = LIFECYCLE_STAGES)]
    until: Option<String>,
    /// Follow for this long at most; then end with 2, while the deployment goes on
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = duration)]
    timeout: Duration,
    /// How often to ask ECS
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    interval: Duration,
    /// Say only how it ended
    #[arg(long, short)]
    quiet: bool,
}

/// How far a command is: what an interrupted one says of it.
#[derive(Debug, Default)]
pub(crate) enum FollowPosition {
    /// Nothing was changed yet.
    #[default]
    Reading,
    /// A task definition is registered, or about to be.
    Registering,
    /// The service is told to deploy this task definition.
    Updating(String),
    /// The deployment of this ARN goes on.
    Following(String),
}

impl FollowPosition {
    /// What goes on without the command.
    fn told(&self) -> String {
        match self {
            Self::Reading => "Interrupted; nothing was changed.".to_owned(),
            Self::Registering => {
                "Interrupted; the task definition may be registered, and the service was not updated."
                    .to_owned()
            }
            Self::Updating(task_definition) => format!(
                "Interrupted; the service may have begun to deploy {task_definition}: see aws ecs list-service-deployments."
            ),
            Self::Following(arn) => {
                format!("Interrupted; the deployment goes on without this command.\n{}", commands(arn))
            }
        }
    }
}

/// Runs a command until it ends or somebody presses Ctrl-C.
pub(crate) async fn interruptible(
    position: &RefCell<FollowPosition>,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    tokio::select! {
        done = work => done,
        Ok(()) = tokio::signal::ctrl_c() => Err(Failure::Interrupted(position.borrow().told())),
    }
}

/// Follows a deployment from its ARN to its end.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let region = Arn::parse(&args.deployment).map(|arn| arn.region);
    let aws = clients::aws_at(region, None).await?;
    let position = RefCell::new(FollowPosition::Following(args.deployment.clone()));
    interruptible(&position, args.how.follow(&aws, &args.deployment, screen)).await
}

impl FollowOptions {
    /// Follows a deployment to its end.
    pub(crate) async fn follow(
        &self,
        aws: &Aws,
        arn: &str,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + self.timeout;
        let mut before: Option<Deployment> = None;
        let mut failed = FailedHooks::default();
        let mut silent_since = None;
        loop {
            match calls::deployment(aws, arn).await {
                Ok(now) => {
                    silent_since = None;
                    failed.note(&now);
                    for line in news(before.as_ref(), &now) {
                        self.say(line, screen);
                    }
                    if let Some(outcome) = outcome(&now, self.until.as_deref()) {
                        return end(&outcome, &now, &failed, screen);
                    }
                    before = Some(now);
                }
                Err(error) => {
                    let since = *silent_since.get_or_insert_with(Instant::now);
                    if !error.may_pass() || since.elapsed() >= MAX_SILENCE {
                        return Err(unknown(arn, &error.to_string(), screen));
                    }
                    let text = format!("{error}; asking again");
                    self.say((text, Some(Tone::Careful)), screen);
                }
            }
            if Instant::now() + self.interval > deadline {
                let told = text::words::duration(self.timeout);
                return Err(unknown(
                    arn,
                    &format!("after {told} it is not over"),
                    screen,
                ));
            }
            sleep(self.interval).await;
        }
    }

    /// A line of progress, with the time.
    pub(crate) fn say(&self, (text, tone): Line, screen: &mut Screen) {
        if !self.quiet {
            let time = Timestamp::now().strftime("%H:%M:%SZ");
            // Reasons come from functions and from people.
            screen.progress(
                &format!("{time} {}", text::clean::shown(&text)),
                tone.map(style),
            );
        }
    }

    /// How often ECS is asked.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Heading => Style::Heading,
        Tone::Good => Style::Good,
        Tone::Bad => Style::Bad,
        Tone::Careful => Style::Careful,
        Tone::Quiet => Style::Quiet,
    }
}

fn end(
    outcome: &Outcome,
    now: &Deployment,
    failed: &FailedHooks,
    screen: &mut Screen,
) -> Result<(), Failure> {
    if screen.json {
        screen.value(&outcome.as_json(now, failed))?;
    }
    let mut told = text::clean::shown(&outcome.sentence(now, failed));
    if *outcome == Outcome::Reached {
        told.truncate(told.trim_end_matches('.').len());
        told.push_str(" without this command.\n");
        told.push_str(&commands(&now.arn));
    }
    match outcome {
        Outcome::Successful | Outcome::Reached if screen.json => Ok(()),
        Outcome::Successful | Outcome::Reached => {
            Ok(screen.line(screen.styled(Style::Good, &told))?)
        }
        Outcome::RolledBack | Outcome::Failed => Err(Failure::Failed(told)),
        Outcome::Unknown => Err(Failure::Unknown(told)),
    }
}

fn unknown(arn: &str, why: &str, screen: &mut Screen) -> Failure {
    let why = text::clean::line(why);
    if screen.json {
        let result = json!({
            "outcome": Outcome::Unknown.word(), "service_deployment": arn, "reason": why,
        });
        // The exit code says the same.
        let _ = screen.value(&result);
    }
    Failure::Unknown(format!(
        "How the deployment ends is not known: {why}. It goes on without this command.\n{}",
        commands(arn)
    ))
}

/// `2h`, `90m`, `5s`
fn duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a time such as 2h, 90m or 5s";
    let read: jiff::SignedDuration = text.parse().map_err(|_| EXPECTED)?;
    let read = Duration::try_from(read).map_err(|_| EXPECTED)?;
    (!read.is_zero())
        .then_some(read)
        .ok_or_else(|| EXPECTED.to_owned())
}

fn deployment_arn(text: &str) -> Result<String, String> {
    Arn::parse(text)
        .filter(|arn| arn.service == "ecs" && arn.resource.starts_with("service-deployment/"))
        .map(|_| text.to_owned())
        .ok_or_else(|| {
            "expected arn:aws:ecs:REGION:ACCOUNT:service-deployment/CLUSTER/SERVICE/ID".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_command_says_what_goes_on() {
        let arn = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc"
            .to_owned();
        let told = [
            FollowPosition::Reading,
            FollowPosition::Registering,
            FollowPosition::Updating("shop:2".to_owned()),
            FollowPosition::Following(arn.clone()),
        ];
        let told: Vec<String> = told.iter().map(FollowPosition::told).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        Interrupted; nothing was changed.
        Interrupted; the task definition may be registered, and the service was not updated.
        Interrupted; the service may have begun to deploy shop:2: see aws ecs list-service-deployments.
        Interrupted; the deployment goes on without this command.
          to follow it: deploy-hooks ecs follow --deployment arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc
          to stop it:   aws ecs stop-service-deployment --stop-type ROLLBACK --service-deployment-arn arn:aws:ecs:eu-central-1:111122223333:service-deployment/production/shop/abc --region eu-central-1
        ");
        assert!(deployment_arn(&arn).is_ok() && deployment_arn("abc").is_err());
    }

    #[test]
    fn times_are_positive() {
        assert_eq!(duration("2h").unwrap(), Duration::from_hours(2));
        assert_eq!(duration("200ms").unwrap(), Duration::from_millis(200));
        for wrong in ["0s", "-1h", "soon", "5"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
