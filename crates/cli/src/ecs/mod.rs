//! `deploy-hooks ecs`: a deploy step for pipelines, as CodePipeline has no action for ECS's own blue/green.
//!
//! A pipeline goes by the exit status alone: what can't be known is never a success, and a rollback is a failure.

mod deploy;
mod diff;
mod follow;

use crate::failure::Failure;
use crate::screen::Screen;

/// The commands.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Register a task definition, let ECS deploy it, and follow that to its end
    Deploy(deploy::Args),
    /// Follow a deployment that runs already
    Follow(follow::Args),
}

/// Runs a command.
pub(crate) async fn run(command: Command, screen: &mut Screen) -> Result<(), Failure> {
    let done = match command {
        Command::Deploy(args) => deploy::run(&args, screen).await,
        Command::Follow(args) => follow::run(&args, screen).await,
    };
    done.map_err(Failure::into_verdict)
}
