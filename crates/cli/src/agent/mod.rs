//! `deploy-hooks agent`: what an agent did to reach its goal is written down, looked at, and done again without a model.

mod edit;

use std::path::{Path, PathBuf};

use gate::{Conclusion, Suite};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check;
use crate::failure::{self, Failure};
use crate::screen::Screen;
use crate::suite_file;

/// What there is to do.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Let an agent reach its goal, and write down what it did
    #[command(after_help = RECORD_HELP)]
    Record(Box<RecordArgs>),
    /// Do again what the suite has recorded, without a model
    Replay(Box<check::Args>),
    /// Show a recording
    Show(ShowArgs),
    /// Put a recording into its suite
    Approve(ApproveArgs),
}

const RECORD_HELP: &str = "\
The agent calls its Amazon Bedrock model with your AWS credentials, which costs money; the bounds of the check hold. Only a run that \
met its proof is written down. Look at it (agent show) before you put it into the suite (agent approve): what stands \
there is done at each gate.

Exit codes: those of `check`: 0 passed, 1 failed, 2 inconclusive, 3 the suite or the call is wrong.

Examples:
  deploy-hooks agent record shop.yaml --url http://localhost:8080 --check 'a customer buys a book'
  deploy-hooks agent show a-customer-buys-a-book.recording.json
  deploy-hooks agent approve a-customer-buys-a-book.recording.json shop.yaml
  deploy-hooks agent replay shop.yaml --url http://localhost:8080";

/// What is recorded, and where to.
#[derive(clap::Args)]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    check: check::Args,
    /// Where the recording is written; left out: beside the suite, by the name of the check
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A recording.
#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// As `agent record` has written it
    recording: PathBuf,
}

/// A recording and its suite.
#[derive(clap::Args)]
pub(crate) struct ApproveArgs {
    /// As `agent record` has written it
    recording: PathBuf,
    /// The suite that has the check
    suite: PathBuf,
}

/// What an agent did.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    version: u32,
    /// The check's name.
    check: String,
    /// Steps of `browser`, each in one line.
    recorded: Vec<String>,
}

const VERSION: u32 = 1;

/// Does it.
pub(crate) async fn run(command: &Command, screen: &mut Screen) -> Result<(), Failure> {
    match command {
        Command::Record(args) => record(args, screen).await.map_err(Failure::into_verdict),
        Command::Replay(args) => replay(args, screen).await.map_err(Failure::into_verdict),
        Command::Show(args) => show(&args.recording, screen),
        Command::Approve(args) => approve(args, screen),
    }
}

/// The check that is named, or the only one with an agent.
fn check_to_record(named: &[String], suite: &Suite) -> Result<String, Failure> {
    match (named, suite.agents().collect::<Vec<_>>().as_slice()) {
        ([name], agents) if agents.contains(&name.as_str()) => Ok(name.clone()),
        ([name], _) => Err(Failure::Wrong(format!(
            "the check {name:?} has no `agent` in this file"
        ))),
        ([], [only]) => Ok((*only).to_owned()),
        ([], []) => Err(Failure::Wrong(
            "no check of this file has an `agent`".to_owned(),
        )),
        _ => Err(Failure::Wrong(
            "one check is recorded: name it by --check".to_owned(),
        )),
    }
}

async fn record(args: &RecordArgs, screen: &mut Screen) -> Result<(), Failure> {
    let mut suite = check::load(&args.check)?;
    let name = check_to_record(&args.check.check, &suite)?;
    suite.forget_recordings();
    let mut only = args.check.clone();
    only.check = vec![name.clone()];
    let outcome = check::measure(&only, suite, screen, true).await?;
    match outcome.verdict.conclusion {
        Conclusion::Passed => {}
        _ if outcome.refused => return Err(Failure::Told(failure::EXIT_UNUSABLE)),
        Conclusion::Failed => return Err(Failure::Told(1)),
        Conclusion::Inconclusive => return Err(Failure::Told(2)),
    }
    let report = outcome
        .report
        .checks
        .iter()
        .find(|check| check.name == name);
    let tries = report
        .into_iter()
        .flat_map(|check| &check.rounds)
        .flat_map(|round| &round.tries);
    let recorded = tries
        .map(|one| one.recording.clone())
        .find(|steps| !steps.is_empty());
    let recorded = recorded.ok_or_else(|| {
        Failure::Failed("the goal is reached, but not by steps that can be recorded; the notes of the report say why".to_owned())
    })?;
    let folder = args.check.suite.parent().unwrap_or(Path::new(""));
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| folder.join(file_name(&name)));
    let recording = Recording {
        version: VERSION,
        check: name,
        recorded,
    };
    let text = serde_json::to_string_pretty(&recording).expect("texts are written");
    write(&out, &format!("{text}\n"))?;
    screen.line(format!(
        "{} steps are recorded in {}: look at them, then deploy-hooks agent approve {} {}",
        recording.recorded.len(),
        out.display(),
        out.display(),
        args.check.suite.display()
    ))?;
    Ok(())
}

/// `a-customer-buys-a-book.recording.json`
fn file_name(check: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = check.chars().map(letter).collect();
    let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").chars().take(80).collect();
    format!("{name}.recording.json")
}

async fn replay(args: &check::Args, screen: &mut Screen) -> Result<(), Failure> {
    let suite = check::load(args)?;
    let without = suite.check_names().map(|(name, _)| name.to_owned());
    let without: Vec<String> = without
        .filter(|name| {
            suite
                .agent_of(name)
                .is_some_and(|(.., recorded)| recorded == 0)
        })
        .collect();
    if !without.is_empty() {
        let why = format!(
            "nothing is recorded of {}: agent record, or --skip",
            without.join(", ")
        );
        return Err(Failure::Wrong(why));
    }
    let outcome = check::measure(args, suite, screen, false).await?;
    match outcome.verdict.conclusion {
        _ if outcome.refused => Err(Failure::Told(failure::EXIT_UNUSABLE)),
        Conclusion::Passed => Ok(()),
        Conclusion::Failed => Err(Failure::Told(1)),
        Conclusion::Inconclusive => Err(Failure::Told(2)),
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| {
        Failure::Failed(format!("{} could not be written: {error}", file.display()))
    })
}

fn read(file: &Path) -> Result<Recording, Failure> {
    let text = failure::read(file)?;
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::Wrong(format!("{} is no recording: {why}", file.display()))
    };
    let recording: Recording = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    if recording.version != VERSION {
        return Err(wrong(&format!(
            "its version is {}, and not {VERSION}",
            recording.version
        )));
    }
    Ok(recording)
}

fn show(file: &Path, screen: &mut Screen) -> Result<(), Failure> {
    let recording = read(file)?;
    if screen.json {
        screen.value(&json!({ "check": recording.check, "recorded": recording.recorded }))?;
        return Ok(());
    }
    screen.line(format!("{}:", recording.check))?;
    for (number, step) in recording.recorded.iter().enumerate() {
        screen.line(format!("{:>3}. {step}", number + 1))?;
    }
    Ok(())
}

fn approve(args: &ApproveArgs, screen: &mut Screen) -> Result<(), Failure> {
    let recording = read(&args.recording)?;
    let name = args.suite.display().to_string();
    let text = failure::read(&args.suite)?;
    let suite = suite_file::yaml(&args.suite, &text).map_err(Failure::Suite)?;
    let agent = suite.agent_of(&recording.check).ok_or_else(|| {
        Failure::Wrong(format!(
            "{name} has no check {:?} with an `agent`",
            recording.check
        ))
    })?;
    let (line, column, _) = agent;
    let by_hand = || {
        Failure::Wrong(format!(
            "{name}: `agent` of {:?} is not written as a block; put this into it: recorded: [{}]",
            recording.check,
            recording
                .recorded
                .iter()
                .map(|step| format!("{{ {step} }}"))
                .collect::<Vec<_>>()
                .join(", ")
        ))
    };
    let edited =
        edit::with_recorded(&text, line, column, &recording.recorded).ok_or_else(by_hand)?;
    // What can't be read, or says something else, is never written.
    let after = suite_file::yaml(&args.suite, &edited).map_err(|_| by_hand())?;
    let recorded = after
        .agent_of(&recording.check)
        .map(|(.., recorded)| recorded);
    if recorded != Some(recording.recorded.len()) {
        return Err(by_hand());
    }
    write(&args.suite, &edited)?;
    screen.line(format!(
        "{name}: {} steps are recorded for {:?}",
        recording.recorded.len(),
        recording.check
    ))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_named_by_its_check() {
        assert_eq!(
            file_name("A customer buys: two books!"),
            "a-customer-buys-two-books.recording.json"
        );
    }
}
