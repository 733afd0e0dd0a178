//! `approvals texts`: the words of a language, by the names under which a team replaces them.

use channels::{Key, Texts};
use contacts::Language;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::screen::{Screen, Style};

/// List the texts that a configuration can replace.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  deploy-hooks approvals texts --language zh")]
pub(crate) struct Args {
    /// en or zh
    #[arg(long, default_value = "en", value_parser = super::language)]
    language: Language,
}

/// Lists them.
pub(crate) fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let texts = Texts::of(args.language);
    let all = Key::ALL.iter().map(|key| (key.name(), texts.plain(*key)));
    if screen.json {
        let all: Map<String, Value> = all
            .map(|(name, text)| (name.to_owned(), text.into()))
            .collect();
        screen.value(&Value::Object(all))?;
        return Ok(());
    }
    for (name, text) in all {
        screen.line(format!(
            "{}{text}",
            screen.styled(Style::Quiet, &format!("{name}: "))
        ))?;
    }
    Ok(())
}
