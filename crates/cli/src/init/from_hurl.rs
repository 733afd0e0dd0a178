//! `deploy-hooks init --from`: a Hurl file as the suite that runs of it, for whoever goes on with YAML, and for gates.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Args, write};
use crate::failure::{self, Failure};
use crate::screen::Screen;

/// Converts, and writes or prints.
pub(super) fn run(args: &Args, from: &PathBuf, screen: &mut Screen) -> Result<(), Failure> {
    let given = args.values.given(std::iter::once(from))?;
    let text = failure::read(from)?;
    let source = from.display().to_string();
    let converted = hurl_suite::yaml(&source, &text, &given);
    let suite = converted.map_err(|problems| Failure::Wrong(problems.to_string()))?;
    let to_screen = args.file == Path::new("-");
    if screen.json && to_screen {
        screen.value(&json!({ "suite": suite }))?;
        return Ok(());
    }
    if to_screen {
        screen.line(suite.trim_end())?;
        return Ok(());
    }
    write(&args.file, &suite, args.force)?;
    if screen.json {
        screen.value(&json!({ "file": args.file }))?;
        return Ok(());
    }
    let file = args.file.display();
    screen.line(format!("{file}: 1 check, from {source}"))?;
    screen.line(format!("\nNext: deploy-hooks validate {file}"))?;
    Ok(())
}
