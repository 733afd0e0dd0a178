//! `deploy-hooks gates`: what a person may do about a gate's decision, and what persons have done.

mod list;
mod record;
mod source;

use crate::failure::Failure;
use crate::screen::Screen;

/// The commands.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Let a release that a gate has stopped pass it in its next deployment
    Override(record::Args),
    /// List who has overridden a gate for a release, why, and which deployment used it
    Overrides(list::Args),
}

/// Runs a command.
pub(crate) async fn run(command: Command, screen: &mut Screen) -> Result<(), Failure> {
    match command {
        Command::Override(args) => record::run(&args, screen).await,
        Command::Overrides(args) => list::run(&args, screen).await,
    }
}
