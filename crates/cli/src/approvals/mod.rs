//! `deploy-hooks approvals`: a configuration checked, messages looked at before anybody gets them.

mod audit;
mod lint;
mod preview;
mod preview_subject;
mod send_test;
mod texts;

use std::path::Path;

use approvals::config::Config;
use contacts::Channel;

use crate::failure::{Failure, read};
use crate::screen::Screen;

/// The commands.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Check a configuration, and show its routes
    Lint(lint::Args),
    /// Show how a message looks in each channel that would get it; nothing is sent
    Preview(preview::Args),
    /// Send a test message to a channel
    SendTest(send_test::Args),
    /// List who answered what, when, and what came of it
    Audit(audit::Args),
    /// List the texts that a configuration can replace
    Texts(texts::Args),
}

/// Runs a command.
pub(crate) async fn run(command: Command, screen: &mut Screen) -> Result<(), Failure> {
    match command {
        Command::Lint(args) => lint::run(&args, screen),
        Command::Preview(args) => preview::run(&args, screen),
        Command::SendTest(args) => send_test::run(&args, screen).await,
        Command::Audit(args) => audit::run(&args, screen).await,
        Command::Texts(args) => texts::run(&args, screen),
    }
}

/// Reads a configuration; all its problems are one failure.
fn config(path: &Path) -> Result<Config, Failure> {
    let text = read(path)?;
    Config::parse(&path.to_string_lossy(), &text)
        .map_err(|problems| Failure::Wrong(problems.to_string()))
}

/// The named channel.
fn channel<'a>(config: &'a Config, name: &str) -> Result<&'a Channel, Failure> {
    config.channels.get(name).ok_or_else(|| {
        let known: Vec<&str> = config.channels.keys().map(String::as_str).collect();
        Failure::Wrong(format!(
            "there is no channel {name:?}; there are {}",
            known.join(", ")
        ))
    })
}

/// `en` or `zh`
fn language(text: &str) -> Result<contacts::Language, String> {
    let all = contacts::Language::ALL;
    let found = all.iter().find(|(tag, _)| *tag == text);
    found.map(|(_, language)| *language).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|(tag, _)| *tag).collect();
        format!("expected one of {}", known.join(", "))
    })
}
