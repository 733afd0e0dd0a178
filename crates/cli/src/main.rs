//! `deploy-hooks`: the engine of the functions on a laptop and in CI.
//!
//! A command tells what it found on standard output, as text or as JSON, and what is wrong on standard
//! error. It ends with 0 if all is well, 1 if something failed, 2 if it was called wrongly or a
//! configuration is wrong.

mod approvals;
mod clients;
mod env;
mod failure;
mod screen;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};

use crate::screen::Screen;

/// Gates, approvals and environments of a deployment, looked at from your own machine.
#[derive(Parser)]
#[command(name = "deploy-hooks", version = VERSION.as_str(), propagate_version = true, after_help = EXAMPLES)]
struct Args {
    /// Tell results as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

/// Its own version, and that of the time zones that schedules are read by.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let (own, zones) = (env!("CARGO_PKG_VERSION"), schedule::zone_data());
    format!("{own} (time zones: IANA {zones})")
});

const EXAMPLES: &str = "\
Exit codes: 0 all is well, 1 something failed, 2 wrong call or wrong configuration.

Examples:
  deploy-hooks approvals lint approvals.yaml
  deploy-hooks approvals preview --config approvals.yaml events/approval-asks.json
  deploy-hooks env plan --config environments.yaml --table deploy-hooks-state --week";

#[derive(Subcommand)]
enum Command {
    /// Who is told of manual approvals, how that looks, and what was decided
    #[command(subcommand)]
    Approvals(approvals::Command),
    /// Environments that sleep: plan, stop, wake, snooze, explain
    #[command(subcommand)]
    Env(Box<env::Command>),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let mut screen = Screen::new(args.json);
    let done = match args.command {
        Command::Approvals(command) => approvals::run(command, &mut screen).await,
        Command::Env(command) => env::run(*command, &mut screen).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read has heard enough, and closed the pipe: nobody is there to be told.
        Err(failure) if failure.is_closed_pipe() => failure.code(),
        Err(failure) => {
            screen.error(&failure);
            failure.code()
        }
    }
}
