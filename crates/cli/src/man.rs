//! `deploy-hooks man`: a manual page for the program and for each command.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

use crate::failure::Failure;
use crate::screen::Screen;

/// Write manual pages into a folder
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The folder; it is made if there is none
    folder: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  deploy-hooks man ~/.local/share/man/man1 && man deploy-hooks-check";

/// Writes them.
pub(crate) fn run(args: &Args, mut program: Command, screen: &mut Screen) -> Result<(), Failure> {
    program.build();
    let written = write(&program, &args.folder)
        .map_err(|error| Failure::Wrong(format!("{}: {error}", args.folder.display())))?;
    if screen.json {
        screen.value(&serde_json::json!({ "folder": args.folder, "pages": written }))?;
        return Ok(());
    }
    let pages = text::words::count(written, "page");
    screen.line(format!("{pages} in {}", args.folder.display()))?;
    Ok(())
}

/// The command with the usage that its help shows: with each option once more a synopsis says nothing.
fn with_short_usage(command: &Command) -> Command {
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    command.override_usage(usage)
}

/// One page for each command that is no mere help; returns how many.
fn write(command: &Command, folder: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    Man::new(with_short_usage(command)).generate_to(folder)?;
    let mut written = 1;
    for inner in command.get_subcommands() {
        if inner.get_name() != "help" {
            written += write(inner, folder)?;
        }
    }
    Ok(written)
}
