//! What CloudFormation would do, shown by its risk before it is done, and followed to its end.

use std::time::Duration;

use approvals::{Change, ChangeSet, Replacement, Risk, SetState};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use common::aws::Aws;
use common::cloud_formation::{ChangeSetPage, ChangeSets, StackEvents, Stacks};
use common::failure::{Failure as AwsFailure, Hints};
use common::json_api::CallError;
use common::query_api::{self, CLOUD_FORMATION, list_parameter, parameter};
use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::screen::{Screen, Style};

const POLL_EVERY: Duration = Duration::from_secs(3);
/// The transform of SAM takes half a minute.
const READY_TIMEOUT: Duration = Duration::from_mins(10);
/// A stack with all that there is takes some minutes.
const DONE_TIMEOUT: Duration = Duration::from_hours(1);
const READ_TIMEOUT: Duration = Duration::from_mins(2);
/// The status of a stack that has change sets, and of which none was ever carried out.
pub(super) const REVIEW_IN_PROGRESS: &str = "REVIEW_IN_PROGRESS";
/// Lines that are shown of a change set.
const MAX_SHOWN: usize = 200;

/// What is to be done with a stack.
pub(super) struct Plan<'a> {
    pub(super) stack: &'a str,
    pub(super) is_new: bool,
    pub(super) template_url: &'a str,
    pub(super) parameters: Vec<ParameterSetting>,
}

/// What a parameter is to be.
#[derive(Debug, Clone)]
pub(super) struct ParameterSetting {
    pub(super) name: String,
    /// None: as the stack has it.
    pub(super) value: Option<String>,
}

impl Plan<'_> {
    fn parameters(&self, name: &str) -> Vec<(String, String)> {
        let kind = if self.is_new { "CREATE" } else { "UPDATE" };
        let mut parameters = vec![
            parameter("StackName", self.stack),
            parameter("ChangeSetName", name),
            parameter("ChangeSetType", kind),
            parameter("TemplateURL", self.template_url),
            parameter("Description", "deploy-hooks install"),
        ];
        let capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"];
        parameters.extend(list_parameter("Capabilities", &capabilities));
        for (number, setting) in (1..).zip(&self.parameters) {
            let of = |key: &str| format!("Parameters.member.{number}.{key}");
            parameters.push(parameter(&of("ParameterKey"), &setting.name));
            parameters.push(match &setting.value {
                Some(value) => parameter(&of("ParameterValue"), value),
                None => parameter(&of("UsePreviousValue"), "true"),
            });
        }
        parameters
    }
}

/// The parameters that name a change set.
fn named(stack: &str, name: &str) -> [(String, String); 2] {
    [
        parameter("StackName", stack),
        parameter("ChangeSetName", name),
    ]
}

fn failed(aws: &Aws, operation: &str, error: &CallError) -> Failure {
    let hints = Hints {
        permission: &format!("cloudformation:{operation}"),
        absent: "it is gone",
    };
    let why = AwsFailure::of(error).sentence(aws.identity(), hints);
    Failure::Failed(format!("{operation} failed: {why}"))
}

/// Makes the change set, and reads what it would do. None: nothing would change.
pub(super) async fn make(
    aws: &Aws,
    plan: Plan<'_>,
    name: &str,
) -> Result<Option<ChangeSet>, Failure> {
    let operation = "CreateChangeSet";
    let made = query_api::call(aws, CLOUD_FORMATION, operation, &plan.parameters(name)).await;
    made.map_err(|error| failed(aws, operation, &error))?;
    let until = Instant::now() + READY_TIMEOUT;
    loop {
        let operation = "DescribeChangeSet";
        let named = named(plan.stack, name);
        let answer = query_api::read(aws, CLOUD_FORMATION, operation, &named).await;
        let answer: ChangeSetPage = answer.map_err(|error| failed(aws, operation, &error))?;
        let reason = answer.status_reason.unwrap_or_default();
        match answer.status.as_deref().unwrap_or_default() {
            "CREATE_COMPLETE" => break,
            "FAILED"
                if reason.contains("didn't contain changes") || reason.contains("No updates") =>
            {
                return Ok(None);
            }
            "FAILED" => {
                return Err(Failure::Failed(format!(
                    "CloudFormation refuses these changes: {reason}"
                )));
            }
            _ if Instant::now() > until => {
                return Err(Failure::Failed(
                    "the change set was not ready within ten minutes; look at it in the console"
                        .to_owned(),
                ));
            }
            _ => sleep(POLL_EVERY).await,
        }
    }
    let read = briefing::change_set(aws, plan.stack, name, Instant::now() + READ_TIMEOUT).await;
    let set = read.map_err(Failure::Failed)?;
    Ok((set.state != SetState::Empty).then_some(set))
}

/// Takes a change set back, and with it a stack that this run made only to look at it: one that somebody else has deployed since,
/// or has change sets of, stays. An error says what stays, and how to remove it.
pub(super) async fn discard(
    aws: &Aws,
    stack: &str,
    made_stack: bool,
    name: &str,
) -> Result<(), Failure> {
    let operation = "DeleteChangeSet";
    let call = query_api::call(aws, CLOUD_FORMATION, operation, &named(stack, name)).await;
    let of_set = call.map(drop).or_else(|error| {
        let stays = format!(
            "the change set {name} stays and does nothing; remove it by\n    \
             aws cloudformation delete-change-set --stack-name {stack} --change-set-name {name}"
        );
        kept(aws, operation, &error, &stays)
    });
    if !made_stack {
        return of_set;
    }
    match is_ours_alone(aws, stack, name).await {
        Ok(true) => {}
        Ok(false) => return of_set,
        Err((operation, error)) => {
            let stays = format!(
                "so it is not known whether somebody else uses the stack {stack}, and it stays; if nobody does, remove it by\n    \
                 aws cloudformation delete-stack --stack-name {stack}"
            );
            return kept(aws, operation, &error, &stays);
        }
    }
    // What is left of the change set goes with the stack.
    let operation = "DeleteStack";
    let of_stack = [parameter("StackName", stack)];
    let call = query_api::call(aws, CLOUD_FORMATION, operation, &of_stack).await;
    call.map(drop).or_else(|error| {
        let stays = format!(
            "the stack {stack} stays in REVIEW_IN_PROGRESS, without resources; remove it by\n    \
             aws cloudformation delete-stack --stack-name {stack}"
        );
        kept(aws, operation, &error, &stays)
    })
}

/// Whether nothing was ever deployed into the stack, and nobody else has a change set of it.
async fn is_ours_alone(
    aws: &Aws,
    stack: &str,
    name: &str,
) -> Result<bool, (&'static str, CallError)> {
    let of_stack = [parameter("StackName", stack)];
    let operation = "DescribeStacks";
    let read = query_api::read::<Stacks>(aws, CLOUD_FORMATION, operation, &of_stack).await;
    let stacks = read.map_err(|error| (operation, error))?.stacks;
    let status = stacks
        .first()
        .and_then(|stack| stack.stack_status.as_deref());
    if status != Some(REVIEW_IN_PROGRESS) {
        return Ok(false);
    }
    let operation = "ListChangeSets";
    let listed = query_api::list::<ChangeSets>(aws, CLOUD_FORMATION, operation, &of_stack).await;
    let listed = listed.map_err(|error| (operation, error))?;
    let mut names = listed.iter().map(|set| set.change_set_name.as_deref());
    Ok(names.all(|other| other == Some(name)))
}

/// What stays, unless it was never made.
fn kept(aws: &Aws, operation: &str, error: &CallError, stays: &str) -> Result<(), Failure> {
    let failure = AwsFailure::of(error);
    let is_gone = error
        .code()
        .is_some_and(|code| code.starts_with("ChangeSetNotFound"));
    if is_gone || failure.detail.contains("does not exist") {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{}; {stays}",
        failed(aws, operation, error)
    )))
}

/// Carries it out, and waits until that is over.
pub(super) async fn carry_out(
    aws: &Aws,
    stack: &str,
    name: &str,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let operation = "ExecuteChangeSet";
    let call = query_api::call(aws, CLOUD_FORMATION, operation, &named(stack, name)).await;
    call.map_err(|error| failed(aws, operation, &error))?;
    match settled(aws, stack, screen).await?.as_str() {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Ok(()),
        status => {
            let first = first_failure(aws, stack).await;
            Err(Failure::Failed(format!(
                "the stack {stack} is {status}: {first}"
            )))
        }
    }
}

/// Waits until the stack is in no progress; its status then. A stack that is gone has none.
pub(super) async fn settled(
    aws: &Aws,
    stack: &str,
    screen: &mut Screen,
) -> Result<String, Failure> {
    let until = Instant::now() + DONE_TIMEOUT;
    let mut before = String::new();
    let operation = "DescribeStacks";
    let of_stack = [parameter("StackName", stack)];
    loop {
        let answer = query_api::read::<Stacks>(aws, CLOUD_FORMATION, operation, &of_stack).await;
        let status = match answer {
            Ok(answer) => {
                let stack = answer.stacks.into_iter().next();
                stack
                    .and_then(|stack| stack.stack_status)
                    .unwrap_or_default()
            }
            Err(error) if AwsFailure::of(&error).detail.contains("does not exist") => {
                return Ok("DELETE_COMPLETE".to_owned());
            }
            Err(error) => {
                return Err(failed(aws, operation, &error));
            }
        };
        if status != before {
            screen.progress(&format!("{stack}: {status}"), None);
            before.clone_from(&status);
        }
        let goes_on = status.ends_with("_IN_PROGRESS") && status != REVIEW_IN_PROGRESS;
        // A change set was carried out, so this is its last moment.
        if !goes_on && status != REVIEW_IN_PROGRESS {
            return Ok(status);
        }
        if Instant::now() > until {
            return Err(Failure::Failed(format!(
                "the stack {stack} is still {status} after an hour; look at its events"
            )));
        }
        sleep(POLL_EVERY).await;
    }
}

async fn first_failure(aws: &Aws, stack: &str) -> String {
    let operation = "DescribeStackEvents";
    let of_stack = [parameter("StackName", stack)];
    let answer = query_api::read(aws, CLOUD_FORMATION, operation, &of_stack).await;
    let Ok(StackEvents { stack_events }) = answer else {
        return "look at its events".to_owned();
    };
    // The newest comes first; what was cancelled has failed for another one.
    let mut failed = stack_events.iter().rev().filter(|event| {
        let status = event.resource_status.as_deref().unwrap_or_default();
        let reason = event.resource_status_reason.as_deref().unwrap_or_default();
        status.ends_with("_FAILED") && !reason.contains("cancelled")
    });
    failed.next().map_or_else(
        || "look at its events".to_owned(),
        |event| {
            let name = event.logical_resource_id.as_deref().unwrap_or_default();
            let reason = event.resource_status_reason.as_deref().unwrap_or_default();
            text::clean::line(&format!("{name}: {reason}"))
        },
    )
}

/// Shows it, most dangerous first.
pub(super) fn show(set: &ChangeSet, screen: &mut Screen) -> Result<(), Failure> {
    let title = format!(
        "What CloudFormation would do with the stack {}: {} changes",
        set.stack, set.total
    );
    screen.line(screen.styled(Style::Heading, &title))?;
    for (risk, words, style) in RISKS {
        let of_risk: Vec<&Change> = set.changes.iter().filter(|it| it.risk == risk).collect();
        if of_risk.is_empty() {
            continue;
        }
        let head = format!("{words} ({})", of_risk.len());
        screen.line(screen.styled(style, &head))?;
        for change in of_risk.into_iter().take(MAX_SHOWN) {
            screen.line(format!("  {}", line(change)))?;
        }
    }
    if set.total > set.changes.len() {
        screen.line(format!("and {} more", set.total - set.changes.len()))?;
    }
    Ok(())
}

const RISKS: [(Risk, &str, Style); 5] = [
    (
        Risk::Removal,
        "Removed: what these hold is lost, unless it is retained",
        Style::Bad,
    ),
    (
        Risk::Replacement,
        "Replaced: a new one is made, and the old one removed",
        Style::Bad,
    ),
    (Risk::Access, "Who may do what changes", Style::Careful),
    (Risk::Data, "Hold data", Style::Careful),
    (Risk::Other, "The rest", Style::Quiet),
];

fn line(change: &Change) -> String {
    let action = format!("{:?}", change.action).to_lowercase();
    let replaced = match change.replacement {
        Replacement::True => ", replaced",
        Replacement::Conditional => ", perhaps replaced",
        Replacement::False => "",
    };
    text::clean::line(&format!(
        "{action} {} ({}){replaced}",
        change.logical_id, change.resource_type
    ))
}
