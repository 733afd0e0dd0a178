//! `gates list`: the runs of gates, newest first. Only reads.

use gate::Conclusion;
use serde_json::json;

use super::reports::{self, RunSummary, Selection};
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::table::{self, Cell};

/// Characters of a reason.
const MAX_REASON_CHARS: usize = 100;

/// List the runs of gates, newest first
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
}

const EXAMPLES: &str = "\
For a bucket your AWS credentials need s3:ListBucket on it and s3:GetObject on the reports. Files that are no report are \
counted.

Exit codes: 0 they are listed, 1 no file could be read as a report, 2 wrong call.

Examples:
  deploy-hooks gates list s3://BUCKET/reports/ --service shop --last 20
  deploy-hooks gates list results.json reports/";

/// Lists them.
pub(crate) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let found = reports::read(&args.selection).await?;
    super::show_unread(&found.unread, screen);
    if screen.json {
        screen.value(&json!(found))?;
        return Ok(());
    }
    if found.runs.is_empty() {
        screen.line(found.none_found())?;
        return Ok(());
    }
    let rows: Vec<[Cell; 6]> = found.runs.iter().map(row).collect();
    let head = ["ended", "service", "version", "gate", "verdict", "why"];
    for line in table::lines(head, &rows, screen) {
        screen.line(line)?;
    }
    Ok(())
}

fn row(run: &RunSummary) -> [Cell; 6] {
    let plain = |text: &str| (text::clean::line(text), None);
    let verdict = verdict(run);
    [
        (run.ended().strftime("%Y-%m-%d %H:%M").to_string(), None),
        plain(&run.service),
        plain(run.version.as_deref().unwrap_or("-")),
        (run.stage.to_string(), None),
        verdict,
        (
            text::clean::short(&run.reason, MAX_REASON_CHARS),
            Some(Style::Quiet),
        ),
    ]
}

/// The word for a run; what was let pass all the same is not good.
fn verdict(run: &RunSummary) -> Cell {
    let (word, style) = match run.conclusion {
        Conclusion::Passed => ("passed", Style::Good),
        Conclusion::Failed => ("failed", Style::Bad),
        Conclusion::Inconclusive => ("inconclusive", Style::Careful),
    };
    let let_pass = run.passed && run.conclusion != Conclusion::Passed;
    let word = if let_pass {
        format!("{word}, let pass")
    } else {
        word.to_owned()
    };
    (word, Some(style))
}
