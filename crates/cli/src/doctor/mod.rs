//! `deploy-hooks doctor`: an installation held against itself and against what will call it. Only reads.

mod deployments;
mod functions;
mod network;
mod others;
mod stack;
mod suites;

use ::doctor::facts::{Facts, Network};
use ::doctor::{Finding, Outcome, judge};
use ::wiring::Options;
use common::aws::Aws;
use common::failure::{Failure as AwsFailure, Hints};
use serde_json::{Value, json};

use self::functions::GateNames;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::table::{self, Cell};
use crate::{clients, findings};

/// Check that an installation in AWS has everything that it needs
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The stack; without it `deploy-hooks`, or the only one of the region that has a gate
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// Say what is in order, too
    #[arg(long)]
    all: bool,
}

const HELP: &str = "\
It only reads: the stack and its functions, topics, queues and schedules; the deployment groups and services that call the gates, with the \
rules of their wiring; their suites and the secrets these name; subnets, routes and security groups. docs/doctor.md lists what must hold. A \
fact that can't be read makes a rule unknown, never right, and the reason names the permission that is missing. No secret's value is read.

Exit codes: 0 everything is in order, 1 something is not, 2 something could not be judged, 3 the call is wrong.

Examples:
  deploy-hooks doctor
  deploy-hooks doctor --stack deploy-hooks-eu --all
  deploy-hooks doctor --json | jq '.findings[] | select(.outcome == \"problem\")'";

/// Judges.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    examine(args, screen).await.map_err(Failure::into_verdict)
}

async fn examine(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let aws = clients::aws().await?;
    let facts = read(&aws, args.stack.as_deref()).await?;
    let findings = judge(&facts);
    if screen.json {
        let as_json = |it: &Finding| findings::as_json(it.rule.name(), &it.outcome, "problem");
        let findings: Vec<Value> = findings.iter().map(as_json).collect();
        screen.value(&json!({ "stack": facts.stack.name, "findings": findings }))?;
    } else {
        show(&facts.stack.name, &findings, args.all, screen)?;
    }
    let any = |is: fn(&Outcome) -> bool| findings.iter().any(|finding| is(&finding.outcome));
    if any(|outcome| matches!(outcome, Outcome::Mismatch(_))) {
        return Err(Failure::Told(1));
    }
    if any(|outcome| matches!(outcome, Outcome::Unknown(_))) {
        return Err(Failure::Told(2));
    }
    Ok(())
}

async fn read(aws: &Aws, named: Option<&str>) -> Result<Facts, Failure> {
    let stack::FoundStack { stack, resources } = stack::find(aws, named).await?;
    let functions = match &resources {
        Ok(resources) => Ok(functions::read(aws, resources).await),
        Err(why) => Err(why.clone()),
    };
    let (topics, queues, schedules) = others::read(aws, &resources).await;
    let gates = functions
        .as_ref()
        .map_or_else(|_| GateNames::default(), |all| GateNames::of(all));
    let mut deployments = deployments::read(aws, &stack, &gates).await;
    let suites::FoundSuites {
        suites,
        secrets,
        wiring,
    } = suites::read(aws, &stack, &deployments).await;
    for found in deployments.iter_mut().flatten() {
        if let Some(facts) = &found.facts {
            let options = wiring.get(&found.deployment.place);
            let judge = |facts| ::wiring::judge(facts, options.unwrap_or(&Options::default()));
            found.deployment.wiring = facts.as_ref().map(judge).map_err(Clone::clone);
        }
    }
    let network = match (&functions, &deployments) {
        (Ok(functions), Ok(deployments)) => {
            let found = deployments.iter().map(|found| &found.deployment);
            network::read(aws, functions, found).await
        }
        (Err(why), _) | (_, Err(why)) => Network {
            routes: Err(why.clone()),
            security_groups: Err(why.clone()),
            endpoints: Err(why.clone()),
        },
    };
    Ok(Facts {
        configurations: suites::configurations(aws, &stack).await,
        stack,
        functions,
        topics,
        queues,
        schedules,
        deployments: deployments.map(|all| all.into_iter().map(|found| found.deployment).collect()),
        suites,
        secrets,
        network,
    })
}

fn show(stack: &str, findings: &[Finding], all: bool, screen: &mut Screen) -> Result<(), Failure> {
    let title = format!("The installation {}", text::clean::line(stack));
    screen.line(screen.styled(Style::Heading, &title))?;
    let wanted = |finding: &&Finding| {
        all || matches!(finding.outcome, Outcome::Mismatch(_) | Outcome::Unknown(_))
    };
    let row = |it: &Finding| findings::row(it.rule.name(), &it.outcome, ["in order", "to mend"]);
    let rows: Vec<[Cell; 3]> = findings.iter().filter(wanted).map(row).collect();
    if !rows.is_empty() {
        for line in table::lines(
            ["rule", "outcome", "where, what, and what to do"],
            &rows,
            screen,
        ) {
            screen.line(line)?;
        }
    }
    let count = |is: fn(&Outcome) -> bool| findings.iter().filter(|one| is(&one.outcome)).count();
    let (held, wrong, unknown) = (
        count(|outcome| matches!(outcome, Outcome::Held)),
        count(|outcome| matches!(outcome, Outcome::Mismatch(_))),
        count(|outcome| matches!(outcome, Outcome::Unknown(_))),
    );
    let style = match (wrong, unknown) {
        (0, 0) => Style::Good,
        (0, _) => Style::Careful,
        _ => Style::Bad,
    };
    let sum = format!("{held} rules hold, {wrong} things to mend, {unknown} not known");
    screen.line(screen.styled(style, &sum))?;
    Ok(())
}

/// The sentence for a call that failed.
fn failed(aws: &Aws, call: &str, permission: &str, failure: &AwsFailure) -> String {
    let hints = Hints {
        permission,
        absent: "it is not there",
    };
    let why = failure.sentence(aws.identity(), hints);
    format!("{call} failed: {why}")
}
