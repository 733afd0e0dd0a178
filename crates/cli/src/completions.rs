//! `deploy-hooks completions`: what a shell needs to complete commands and options.

use clap::Command;
use clap_complete::{Shell, generate};

use crate::failure::Failure;
use crate::screen::Screen;

/// Write completions for a shell
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  deploy-hooks completions bash > ~/.local/share/bash-completion/completions/deploy-hooks
  deploy-hooks completions zsh > ~/.zfunc/_deploy-hooks      # with ~/.zfunc in fpath, before compinit
  deploy-hooks completions fish > ~/.config/fish/completions/deploy-hooks.fish";

/// Writes them.
pub(crate) fn run(args: &Args, mut program: Command, screen: &mut Screen) -> Result<(), Failure> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    generate(args.shell, &mut program, name, &mut script);
    let script = String::from_utf8_lossy(&script);
    // In Bash the hyphen of the program's name is written in two ways, of which only one is asked for.
    let script = script.replace("deploy__subcmd__hooks", "deploy__hooks");
    screen.line(script.trim_end())?;
    Ok(())
}
