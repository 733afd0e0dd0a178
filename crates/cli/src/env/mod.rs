//! `deploy-hooks env`: shows what sleeps when before it happens, and does it by hand where necessary.
//!
//! Only `down`, `up` and `snooze` change anything, and the first two only with `--yes`.

mod at;
mod change;
mod chart;
mod explain;
mod html;
mod lint;
mod listed_services;
mod plan;
mod requests;
mod snapshot;
mod snooze;
mod status;
mod table;
pub(crate) mod times;
mod week;

use environments::outlook::Outlook;
use environments::plan::Plan;
use environments::schedule_overrides::RequestKind;
use jiff::tz::TimeZone;

use crate::failure::Failure;
use crate::screen::Screen;

/// The commands.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Check configurations: every problem with its line and column
    Lint(lint::Args),
    /// Say whether a schedule is on at given instants, and why
    At(at::Args),
    /// Show what would be done and when, and the week as a picture; changes nothing
    Plan(plan::Args),
    /// Show what sleeps and since when, what it had before, and what that saves
    Status(status::Args),
    /// Say why a service is on or off, and what comes next
    Explain(explain::Args),
    /// Stop services now, whatever their schedule says
    #[command(after_help = change::DOWN_HELP)]
    Down(change::Args),
    /// Wake services now, or put their sleep off
    #[command(after_help = change::UP_HELP)]
    Up(change::Args),
    /// Put the sleep of services off
    Snooze(snooze::Args),
}

/// Runs a command.
pub(crate) async fn run(command: Command, screen: &mut Screen) -> Result<(), Failure> {
    match command {
        Command::Lint(args) => lint::run(&args, screen),
        Command::At(args) => at::run(&args, screen).await,
        Command::Plan(args) => plan::run(&args, screen).await,
        Command::Status(args) => status::run(&args, screen).await,
        Command::Explain(args) => explain::run(&args, screen).await,
        Command::Down(args) => change::run(RequestKind::ForceDown, &args, screen).await,
        Command::Up(args) => change::run(RequestKind::Snooze, &args, screen).await,
        Command::Snooze(args) => snooze::run(&args, screen).await,
    }
}

/// Without what a terminal would obey: names and tags come from AWS.
fn plain(text: &str) -> String {
    text::clean::shown(text)
}

/// What stays down of services that somebody wants awake: a line for each reason.
fn stays_down(named: &Plan, zone: &TimeZone) -> Vec<String> {
    let outlook = Outlook::of(named);
    let lines = outlook.reasons(zone).map(|(why, places)| {
        let (place, more) = (plain(&places[0]), places.len() - 1);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("Stays down: {place}{more} ({}).", plain(&why))
    });
    lines.collect()
}
