//! `--watch`: again on each change of the suite's file, and of the files beside it that it names.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Args;
use crate::failure::Failure;
use crate::screen::{Screen, Style};
use crate::suite_file;

/// Between two glances at the file.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// Runs until somebody presses Ctrl-C.
pub(super) async fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    if args.suite == Path::new("-") {
        return Err(Failure::Wrong(
            "--watch needs a file: standard input doesn't change".to_owned(),
        ));
    }
    loop {
        let files = suite_file::made_of(&args.suite);
        let seen = states(&files);
        match super::once(args, screen).await {
            Ok(()) | Err(Failure::Told(_)) => {}
            Err(wrong @ (Failure::Wrong(_) | Failure::Suite(_))) => screen.error(&wrong),
            Err(other) => return Err(other),
        }
        let name = args.suite.display();
        screen.progress(
            &format!("\nwaiting for a change of {name}; Ctrl-C ends\n"),
            Some(Style::Quiet),
        );
        loop {
            tokio::select! {
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                interrupted = tokio::signal::ctrl_c() => return Ok(interrupted?),
            }
            // Editors replace a file: for an instant there is none.
            let now = states(&files);
            if now[0].is_some() && now != seen {
                break;
            }
        }
    }
}

/// Of the suite, and of each file beside it; one that is not there may come.
fn states(files: &[PathBuf]) -> Vec<Option<(u64, SystemTime)>> {
    files.iter().map(|file| state(file)).collect()
}

fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata: Metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}
