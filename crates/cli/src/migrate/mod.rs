//! `deploy-hooks migrate`: the hooks of an AppSpec as lifecycle hooks of a service that ECS deploys itself. Reads one file,
//! and writes nothing.

mod hooks;

use std::fmt::Write as _;
use std::path::PathBuf;

use hook::{AppSpec, Resource};
use serde_json::json;

use self::hooks::{Migration, ServiceHook};
use crate::check;
use crate::failure::{self, Failure};
use crate::screen::Screen;

/// Turn an AppSpec of CodeDeploy into lifecycle hooks of ECS's own deployments
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The AppSpec of a deployment to ECS, YAML or JSON; - reads standard input
    appspec: PathBuf,
    /// What is written: JSON for `aws ecs update-service --deployment-configuration`, or YAML for CloudFormation
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For the AWS CLI.
    #[default]
    Json,
    /// For a template.
    Cloudformation,
}

const HELP: &str = "\
The hooks go to standard output, and what is left to do to standard error. What can't be known from the AppSpec stands there in angle \
brackets: the role that lets ECS invoke the functions, and the ARN of a function that the AppSpec has by its name only. So it is with the load \
balancer's role, target groups and listener rules, which --format cloudformation writes beside the hooks; `aws ecs update-service` takes them by \
--load-balancers, which is in what is left to do.

Exit codes: 0 each hook has a stage; 1 one has none, a gate of deploy-hooks would refuse every release where it stands, or there are more hooks \
than ECS takes; 3 the AppSpec or the call is wrong, or can't be read.

Examples:
  deploy-hooks migrate appspec.yaml
  deploy-hooks migrate appspec.yaml --format cloudformation
  deploy-hooks migrate appspec.yaml --json";

/// Writes them.
pub(crate) fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    match migrate(args, screen).map_err(Failure::into_verdict) {
        Err(failure) if screen.json => check::told_as_json(&args.appspec, failure, screen),
        done => done,
    }
}

fn migrate(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let name = args.appspec.display().to_string();
    if screen.json && args.format == Format::Cloudformation {
        return Err(Failure::Wrong(
            "--json and --format cloudformation can't be used together; remove one".to_owned(),
        ));
    }
    let text = failure::read(&args.appspec)?;
    let spec = AppSpec::parse(&text).map_err(|error| {
        let why = &error.why;
        Failure::Wrong(match error.at {
            Some(at) => format!("{name}:{}:{}: {why}", at.line, at.column),
            None => format!("{name}: {why}"),
        })
    })?;
    if let Resource::LambdaFunction { name: function, .. } = &spec.resource {
        return Err(Failure::Wrong(format!(
            "{name} deploys the Lambda function {function:?}; ECS deploys services only, so leave it with CodeDeploy"
        )));
    }
    let migration = Migration::of(&spec);
    if let wrong @ [_, ..] = &migration.wrong[..] {
        let lines = wrong
            .iter()
            .map(|(at, problem)| format!("{name}:{}:{}: {problem}", at.line, at.column));
        return Err(Failure::Wrong(lines.collect::<Vec<_>>().join("\n")));
    }
    if screen.json {
        screen.value(&json!({
            "deploymentConfiguration": migration.configuration(),
            "loadBalancers": migration.load_balancers(),
            "without_stage": migration.without_stage,
            "refused": migration.refused,
            "to_do": migration.to_do(Format::Json),
        }))?;
    } else {
        match args.format {
            Format::Json => screen.value(&migration.configuration())?,
            Format::Cloudformation => screen.line(cloudformation(&migration))?,
        }
        for (index, step) in migration.to_do(args.format).iter().enumerate() {
            screen.error(&format!("{}. {step}", index + 1));
        }
    }
    if migration.is_usable() {
        Ok(())
    } else {
        Err(Failure::Told(1))
    }
}

/// The properties of an `AWS::ECS::Service`.
fn cloudformation(migration: &Migration) -> String {
    let mut text = String::new();
    if let Some((container, port)) = &migration.balanced {
        let placeholder = |what: &str| format!("'{what}'");
        let _ = write!(
            text,
            "LoadBalancers:\n  - ContainerName: {}\n    ContainerPort: {port}\n    TargetGroupArn: {}\n    AdvancedConfiguration:\n      \
             AlternateTargetGroupArn: {}\n      ProductionListenerRule: {}\n      TestListenerRule: {}\n      RoleArn: {}\n",
            quoted(container),
            placeholder(hooks::TARGET_GROUP),
            placeholder(hooks::OTHER_TARGET_GROUP),
            placeholder(hooks::PRODUCTION_RULE),
            placeholder(hooks::TEST_RULE),
            placeholder(hooks::BALANCER_ROLE),
        );
    }
    let _ = write!(
        text,
        "DeploymentConfiguration:\n  Strategy: BLUE_GREEN\n  BakeTimeInMinutes: {}\n",
        hooks::BAKE_MINUTES
    );
    if migration.hooks.is_empty() {
        text += "  LifecycleHooks: []";
        return text;
    }
    text += "  LifecycleHooks:";
    for ServiceHook {
        function, stages, ..
    } in &migration.hooks
    {
        let _ = write!(
            text,
            "\n    - HookTargetArn: {}\n      RoleArn: '{}'\n      LifecycleStages: [{}]\n      \
             TimeoutConfiguration: {{TimeoutInMinutes: {}, Action: ROLLBACK}}",
            quoted(function),
            hooks::HOOK_ROLE,
            stages.join(", "),
            hooks::HOOK_TIMEOUT_MINUTES
        );
    }
    text
}

/// In single quotes, as YAML takes any text of one line.
fn quoted(text: &str) -> String {
    format!("'{}'", text::clean::line(text).replace('\'', "''"))
}
