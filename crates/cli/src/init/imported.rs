//! `deploy-hooks init --from` for what is no Hurl file: an `OpenAPI` description, a recording of a browser, curl, Postman, Bruno.

use std::path::Path;

use serde_json::json;
use suite_import::{ConvertedSuite, LeftOut, MAX_FILE, convert};

use super::{Args, write};
use crate::failure::{self, Failure};
use crate::screen::{Screen, Style};

/// Lines of what is left out that a terminal gets; --json has all.
const MAX_SHOWN_LINES: usize = 50;

/// Converts, writes or prints, and says what is not in the suite.
pub(super) fn run(args: &Args, from: &Path, screen: &mut Screen) -> Result<(), Failure> {
    args.values.given(std::iter::empty())?;
    let source = from.display().to_string();
    let text = failure::read_within(from, MAX_FILE)?;
    let converted =
        convert(&source, &text).map_err(|problems| Failure::Wrong(problems.to_string()))?;
    let to_screen = args.file == Path::new("-");
    if !to_screen {
        write(&args.file, &converted.suite, args.force)?;
    }
    if screen.json {
        let left = converted.left.iter();
        let left: Vec<_> = left
            .map(|LeftOut { line, what }| json!({ "line": line, "what": what }))
            .collect();
        let mut told = json!({
            "kind": converted.kind.to_string(),
            "checks": converted.checks,
            "secrets": converted.secrets,
            "left_out": left,
        });
        if to_screen {
            told["suite"] = converted.suite.into();
        } else {
            told["file"] = json!(args.file);
        }
        screen.value(&told)?;
        return Ok(());
    }
    let lines = left_out(&source, &converted);
    if to_screen {
        screen.line(converted.suite.trim_end())?;
        // Beside the suite, which may go into a file.
        for line in lines {
            screen.error(&line);
        }
        return Ok(());
    }
    let file = args.file.display();
    let checks = text::words::count(converted.checks, "check");
    let from = if source == "-" {
        "standard input"
    } else {
        &*source
    };
    screen.line(format!("{file}: {checks}, from {from}, {}", converted.kind))?;
    if !converted.secrets.is_empty() {
        let names = text::words::list(converted.secrets.iter().map(String::as_str));
        screen.line(format!(
            "Secrets: {names}. Set them as environment variables, or write under `secrets` where each is kept"
        ))?;
    }
    for (index, line) in lines.iter().enumerate() {
        let style = if index == 0 {
            Style::Careful
        } else {
            Style::Quiet
        };
        screen.line(screen.styled(style, line))?;
    }
    screen.line(format!(
        "\nNext: deploy-hooks check {file} --url http://localhost:8080"
    ))?;
    Ok(())
}

fn left_out(source: &str, converted: &ConvertedSuite) -> Vec<String> {
    if converted.left.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Not carried over:".to_owned()];
    for LeftOut { line, what } in converted.left.iter().take(MAX_SHOWN_LINES) {
        lines.push(match line {
            Some(line) => format!("  {source}:{line}: {what}"),
            None => format!("  {source}: {what}"),
        });
    }
    let more = converted.left.len().saturating_sub(MAX_SHOWN_LINES);
    if more > 0 {
        lines.push(format!("  and {more} more: --json has all"));
    }
    lines
}
