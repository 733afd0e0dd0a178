//! `env lint`: everything that is wrong with configurations, with its place, and what they mean.

use std::path::{Path, PathBuf};

use environments::config::Config;
use serde_json::{Value, json};
use strict_yaml::words::count;
use strict_yaml::{Problem, Problems};

use super::snapshot::texts;
use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// Check configurations: every problem with its line and column.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configurations; - reads standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

const EXAMPLES: &str = "\
Calendars are read from beside each file. Exit codes: 0 all are right (there may be warnings), 2 one is wrong.

Examples:
  deploy-hooks env lint environments.yaml
  deploy-hooks env lint --json team-*/environments.yaml
  aws s3 cp s3://BUCKET/environments.yaml - | deploy-hooks env lint -";

/// Checks them all.
pub(crate) fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    let mut told = Vec::new();
    for file in &args.files {
        match check(file) {
            Ok(config) if screen.json => told.push(as_json(file, Ok(&config))),
            Ok(config) => as_text(file, &config, screen)?,
            Err(error) => {
                told.push(as_json(file, Err(&error)));
                wrong.push(error.to_string());
            }
        }
    }
    if screen.json {
        screen.value(&json!({ "files": told }))?;
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::Wrong(wrong.join("\n")))
    }
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
enum LintError {
    /// It can't be read.
    #[error("{0}")]
    Unreadable(Failure),
    /// What it says is wrong.
    #[error("{0}")]
    Invalid(Problems),
}

fn check(file: &Path) -> Result<Config, LintError> {
    let (text, files) = texts(file).map_err(LintError::Unreadable)?;
    let name = file.to_string_lossy();
    Config::parse(&name, &text, &files).map_err(LintError::Invalid)
}

fn as_text(file: &Path, config: &Config, screen: &mut Screen) -> Result<(), Failure> {
    let name = file.display();
    let counts = [
        count(config.schedules.len(), "schedule"),
        count(config.services.len(), "rule"),
        count(config.tiers.len(), "tier"),
        count(config.calendar.days().count(), "holiday"),
    ];
    screen.line(format!(
        "{}: {}",
        screen.styled(Style::Heading, &name.to_string()),
        counts.join(", ")
    ))?;
    for (schedule, named) in &config.schedules {
        let is_default = config.default_schedule.as_ref() == Some(schedule);
        let default = if is_default { " (default)" } else { "" };
        screen.line(format!("  {schedule}{default}: {}", named.schedule))?;
    }
    for warning in &config.warnings {
        screen.error(&format!("{name}:{warning} (warning)"));
    }
    Ok(())
}

fn as_json(file: &Path, checked: Result<&Config, &LintError>) -> Value {
    let place = |problem: &Problem| json!({"line": problem.line, "column": problem.column, "problem": problem.message, "remedy": problem.remedy});
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    match checked {
        Ok(config) => warnings.extend(config.warnings.iter().map(place)),
        Err(LintError::Invalid(wrong)) => problems.extend(wrong.problems.iter().map(place)),
        Err(LintError::Unreadable(failure)) => {
            problems.push(json!({"problem": failure.to_string()}));
        }
    }
    json!({"file": file, "ok": checked.is_ok(), "problems": problems, "warnings": warnings})
}
