//! `deploy-hooks`: the engine of the functions on a laptop and in CI.
//!
//! A command tells what it found on standard output, as text or as JSON, and what is wrong on standard
//! error. It ends with 0 if all is well, 1 if something failed, 2 if it was called wrongly or a
//! configuration is wrong. `check`, `validate`, `explain`, `judge`, `replay`, `migrate`, `wiring`, `doctor` and `ecs` have exit
//! codes of their own, for pipelines.

mod agent;
mod approvals;
mod check;
mod clients;
mod completions;
mod deployed;
mod doctor;
mod ecs;
mod env;
mod explain;
mod failure;
mod findings;
mod gates;
mod init;
mod install;
mod judge;
mod man;
mod migrate;
mod replay;
mod screen;
mod suite_file;
mod table;
mod validate;
mod wiring;
mod xml;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory, Parser, Subcommand};

use crate::screen::Screen;

/// Gates, approvals and environments of a deployment, looked at from your own machine.
#[derive(Parser)]
#[command(name = "deploy-hooks", version = VERSION.as_str(), propagate_version = true, after_help = EXAMPLES)]
struct Args {
    /// Print results as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Its own version, the commit that it was built from where that is known, and the version of the time zones that schedules
/// are read by.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let (own, zones) = (env!("CARGO_PKG_VERSION"), schedule::zone_data());
    let commit = match env!("DEPLOY_HOOKS_COMMIT") {
        "" => String::new(),
        commit => format!("commit {commit}, "),
    };
    format!("{own} ({commit}time zones: IANA {zones})")
});

const EXAMPLES: &str = "\
Exit codes: 0 all is well, 1 something failed, 2 wrong call or wrong configuration. `check`, `validate`,
`explain`, `judge`, `replay`, `migrate`, `wiring`, `doctor` and `ecs` have their own: see their help.

Examples:
  deploy-hooks init shop.yaml --url http://localhost:8080
  deploy-hooks check shop.yaml --url http://localhost:8080
  deploy-hooks judge shop.yaml s3://BUCKET/reports/ --service shop
  deploy-hooks install --dry-run
  deploy-hooks doctor
  deploy-hooks approvals lint approvals.yaml
  deploy-hooks approvals preview --config approvals.yaml events/approval-asks.json
  deploy-hooks gates override s3://BUCKET/KEY.html --table deploy-hooks-state --reason 'why'
  deploy-hooks env plan --config environments.yaml --offline --week
  deploy-hooks ecs deploy --cluster production --service shop --task-definition taskdef.json --dry-run";

#[derive(Subcommand)]
enum Command {
    Init(init::Args),
    Check(Box<check::Args>),
    /// Record what an agent does, and do it again without a model
    #[command(subcommand)]
    Agent(agent::Command),
    Validate(validate::Args),
    Explain(explain::Args),
    Judge(Box<judge::Args>),
    Replay(Box<replay::Args>),
    Migrate(migrate::Args),
    Wiring(wiring::Args),
    Doctor(doctor::Args),
    Install(Box<install::Args>),
    Uninstall(install::UninstallArgs),
    /// Manual approvals: who is notified, how the messages look, and what was decided
    #[command(subcommand)]
    Approvals(approvals::Command),
    /// What gates decided: list, stats, page; and, for a release that a gate has stopped: override, overrides
    #[command(subcommand)]
    Gates(gates::Command),
    /// Environments that sleep: plan, stop, wake, snooze, explain
    #[command(subcommand)]
    Env(Box<env::Command>),
    /// Deployments by ECS itself, as a step of a pipeline: deploy, follow
    #[command(subcommand)]
    Ecs(Box<ecs::Command>),
    Completions(completions::Args),
    Man(man::Args),
}

// As the functions have it: what many answers say is judged side by side.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return refuse(&error),
    };
    let mut screen = Screen::new(args.json);
    let done = match args.command {
        Command::Init(args) => init::run(&args, &mut screen).await,
        Command::Check(args) => check::run(&args, &mut screen).await,
        Command::Agent(command) => agent::run(&command, &mut screen).await,
        Command::Validate(args) => validate::run(&args, &mut screen),
        Command::Explain(args) => explain::run(&args, &mut screen),
        Command::Judge(args) => judge::run(&args, &mut screen).await,
        Command::Replay(args) => replay::run(&args, &mut screen).await,
        Command::Migrate(args) => migrate::run(&args, &mut screen),
        Command::Wiring(args) => wiring::run(&args, &mut screen).await,
        Command::Doctor(args) => doctor::run(&args, &mut screen).await,
        Command::Install(args) => install::run(&args, &mut screen).await,
        Command::Uninstall(args) => install::run_uninstall(&args, &mut screen).await,
        Command::Approvals(command) => approvals::run(command, &mut screen).await,
        Command::Gates(command) => gates::run(command, &mut screen).await,
        Command::Env(command) => env::run(*command, &mut screen).await,
        Command::Ecs(command) => ecs::run(*command, &mut screen).await,
        Command::Completions(args) => completions::run(&args, Args::command(), &mut screen),
        Command::Man(args) => man::run(&args, Args::command(), &mut screen),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_told() => failure.code(),
        Err(failure) => {
            screen.error(&failure);
            failure.code()
        }
    }
}

/// Prints help, or what is wrong with the call.
fn refuse(error: &clap::Error) -> ExitCode {
    // As clap itself does: where nobody reads it, the exit code says enough.
    let _ = error.print();
    let command = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let ends_with_verdict = [
        "agent", "check", "doctor", "ecs", "explain", "judge", "migrate", "replay", "validate",
        "wiring",
    ]
    .map(Some)
    .contains(&command.as_deref());
    match u8::try_from(error.exit_code()) {
        Ok(2) if ends_with_verdict => ExitCode::from(failure::EXIT_UNUSABLE),
        Ok(code) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}
