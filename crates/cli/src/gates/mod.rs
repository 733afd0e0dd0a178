//! `deploy-hooks gates`: what gates decided, what a person may do about it, and what persons have done.

mod list;
mod override_gate;
mod overrides;
mod page;
pub(crate) mod reports;
mod source;
mod stats;

use common::aws::Aws;
use common::state::Table;

use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// The commands.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    List(list::Args),
    Stats(stats::Args),
    Page(page::Args),
    /// Let a release that a gate has stopped pass it in its next deployment
    Override(override_gate::Args),
    /// List who has overridden a gate for a release, why, and which deployment used it
    Overrides(overrides::Args),
}

/// Where overrides are.
#[derive(clap::Args)]
struct StateTable {
    /// The approvals' state table, as the stack's outputs name it
    #[arg(long, env = "STATE_TABLE")]
    table: String,
}

impl StateTable {
    fn of<'a>(&'a self, aws: &'a Aws) -> Table<'a> {
        let name = &self.table;
        Table { aws, name }
    }
}

/// Runs a command.
pub(crate) async fn run(command: Command, screen: &mut Screen) -> Result<(), Failure> {
    match command {
        Command::List(args) => list::run(&args, screen).await,
        Command::Stats(args) => stats::run(&args, screen).await,
        Command::Page(args) => page::run(&args, screen).await,
        Command::Override(args) => override_gate::run(&args, screen).await,
        Command::Overrides(args) => overrides::run(&args, screen).await,
    }
}

/// Says which files are no report, beside the result: a folder may hold others.
pub(crate) fn show_unread(unread: &[String], screen: &mut Screen) {
    if let Some(first) = unread.first() {
        let count = text::words::count(unread.len(), "file");
        let line = format!("{count} could not be read as a report, such as: {first}");
        screen.progress(&line, Some(Style::Careful));
    }
}
