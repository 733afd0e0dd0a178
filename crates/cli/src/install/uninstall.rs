//! `deploy-hooks uninstall`: takes the stack away, and says first what stays and why.

use common::aws::Aws;
use common::cloud_formation::StackResources;
use common::failure::{Failure as AwsFailure, Hints};
use common::query_api::{self, CLOUD_FORMATION, parameter};
use serde_json::json;

use super::ask::Terminal;
use super::{DEFAULT_STACK, change_set};
use crate::clients;
use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// Take the stack away; says what stays and why
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The stack
    #[arg(long, value_name = "NAME", default_value = DEFAULT_STACK)]
    stack: String,
    /// Say what would go and stay, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Don't ask: for CI
    #[arg(long)]
    yes: bool,
    /// Delete the stack even though environments are on; what sleeps then stays asleep
    #[arg(long)]
    leave_asleep: bool,
}

const HELP: &str = "\
Take the gates out of your AppSpecs, services and pipelines first: CodeDeploy waits an hour for a hook that is gone, and fails.

What holds records stays: reports and the tables of approvals and environments. The bucket of packages and suites is yours.

Exit codes: 0 it is gone, or a dry run was shown; 1 CloudFormation failed; 2 the call is wrong, or nobody said yes.

Examples:
  deploy-hooks uninstall --dry-run
  deploy-hooks uninstall --stack deploy-hooks-eu --yes";

/// Why each kind of what is retained stays, by its logical id.
const RETAINED: [(&str, &str); 3] = [
    (
        "ReportBucket",
        "reports are records of releases; they end by their expiry. Empty and delete the bucket by hand",
    ),
    (
        "StateTable",
        "cases and the audit of approvals; it is protected against deletion",
    ),
    (
        "EnvironmentsTable",
        "what sleeping services had before, and the audit; it is protected against deletion",
    ),
];

/// Takes it away.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let aws = clients::aws().await?;
    let resources = resources(&aws, &args.stack).await?;
    let stays: Vec<(&str, &str, &str)> = RETAINED
        .iter()
        .filter_map(|(logical_id, why)| {
            let (_, physical_id) = resources.iter().find(|(id, _)| id == logical_id)?;
            Some((*logical_id, physical_id.as_str(), *why))
        })
        .collect();
    let goes = resources.len() - stays.len();
    if screen.json {
        let stays: Vec<_> = stays
            .iter()
            .map(|(id, name, why)| json!({ "logical_id": id, "name": name, "why": why }))
            .collect();
        screen.value(&json!({ "stack": args.stack, "goes": goes, "stays": stays }))?;
    } else {
        let head = format!(
            "The stack {}: {goes} resources go, and these stay",
            args.stack
        );
        screen.line(screen.styled(Style::Heading, &head))?;
        for (logical_id, name, why) in &stays {
            screen.line(format!("  {logical_id} ({name}): {why}"))?;
        }
        screen.line("  the bucket of packages and suites, which the stack has not made")?;
    }
    if args.dry_run {
        return Ok(());
    }
    if resources.iter().any(|(id, _)| id == "EnvScheduler") && !args.leave_asleep {
        return Err(Failure::Wrong(
            "environments are on, and what sleeps would go on sleeping with nobody to wake it; wake all first (`deploy-hooks env up --yes`, \
             then `deploy-hooks env status`), and say --leave-asleep"
                .to_owned(),
        ));
    }
    let question = format!("Delete the stack {}?", args.stack);
    if !args.yes && !Terminal::of(screen.json).confirms(&question)? {
        return Err(Failure::Wrong(
            "nothing was deleted: nobody said yes; --yes says it, for CI".to_owned(),
        ));
    }
    let parameters = [parameter("StackName", &args.stack)];
    let call = query_api::call(&aws, CLOUD_FORMATION, "DeleteStack", &parameters).await;
    call.map_err(|error| {
        failed(
            &aws,
            "DeleteStack",
            "cloudformation:DeleteStack",
            &AwsFailure::of(&error),
        )
    })?;
    match change_set::settled(&aws, &args.stack, screen)
        .await?
        .as_str()
    {
        "DELETE_COMPLETE" => Ok(()),
        status => Err(Failure::Failed(format!(
            "the stack {} is {status}; look at its events",
            args.stack
        ))),
    }
}

fn failed(aws: &Aws, call: &str, permission: &str, failure: &AwsFailure) -> Failure {
    let hints = Hints {
        permission,
        absent: "there is no such stack",
    };
    Failure::Failed(format!(
        "{call} failed: {}",
        failure.sentence(aws.identity(), hints)
    ))
}

/// What the stack made: logical id and name.
async fn resources(aws: &Aws, stack: &str) -> Result<Vec<(String, String)>, Failure> {
    let parameters = [parameter("StackName", stack)];
    let operation = "ListStackResources";
    let all = query_api::list::<StackResources>(aws, CLOUD_FORMATION, operation, &parameters).await;
    let all = all.map_err(|error| {
        let failure = AwsFailure::of(&error);
        if failure.detail.contains("does not exist") {
            return Failure::Wrong(format!(
                "there is no stack {stack} in this account and region"
            ));
        }
        failed(
            aws,
            operation,
            "cloudformation:ListStackResources",
            &failure,
        )
    })?;
    let named = all.into_iter().map(|it| {
        let physical_id = it.physical_resource_id.unwrap_or_default();
        (it.logical_resource_id.unwrap_or_default(), physical_id)
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::RETAINED;

    #[test]
    fn what_is_said_to_stay_is_what_the_template_retains() {
        let template = include_str!("../../../../template.yaml");
        let mut name = "";
        let mut retained = Vec::new();
        for line in template.lines() {
            if line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':') {
                name = line.trim().trim_end_matches(':');
            }
            if line == "    DeletionPolicy: Retain" {
                retained.push(name);
            }
        }
        assert_eq!(retained, RETAINED.map(|(logical_id, _)| logical_id));
    }
}
