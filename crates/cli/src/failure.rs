//! How a command ends when not all is well.

use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was called wrongly, or a file that it was given is wrong.
    #[error("{0}")]
    Wrong(String),
    /// What it was to do did not succeed.
    #[error("{0}")]
    Failed(String),
    /// What it found can't be told.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

/// What a shell says of a process that SIGPIPE has ended.
const CLOSED_PIPE: u8 = 141;

impl Failure {
    /// Whether standard output was closed by its reader, as `head` does.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What the process ends with.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Wrong(_) => 2,
            Self::Output(_) if self.is_closed_pipe() => CLOSED_PIPE,
            Self::Failed(_) | Self::Output(_) => 1,
        })
    }
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let text = if path == Path::new("-") {
        io::read_to_string(io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|error| Failure::Wrong(format!("{} could not be read: {error}", path.display())))
}

/// The JSON of a file, or of standard input for `-`.
pub(crate) fn read_json(path: &Path) -> Result<serde_json::Value, Failure> {
    let text = read(path)?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::Wrong(format!("{} is not JSON: {error}", path.display())))
}
