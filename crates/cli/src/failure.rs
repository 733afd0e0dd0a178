//! How a command ends when not all is well.

use std::io::{self, Read as _};
use std::path::Path;
use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was called wrongly, or a file that it was given is wrong.
    #[error("{0}")]
    Wrong(String),
    /// The suite that it was given is wrong; `check` only.
    #[error("{0}")]
    Suite(gate::SuiteProblems),
    /// What it was to do did not succeed.
    #[error("{0}")]
    Failed(String),
    /// All is said already; the process ends with this.
    #[error("")]
    Told(u8),
    /// Whether it succeeded can't be known; `ecs` and `check` only.
    #[error("{0}")]
    Unknown(String),
    /// What it was given can't be used; of commands where 2 is for what can't be known.
    #[error("{0}")]
    Unusable(String),
    /// Somebody pressed Ctrl-C.
    #[error("{0}")]
    Interrupted(String),
    /// What it found can't be told.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

/// What a shell says of a process that SIGPIPE has ended.
const EXIT_CLOSED_PIPE: u8 = 141;
/// What a shell says of a process that SIGINT has ended.
const EXIT_INTERRUPTED: u8 = 130;
/// Of `ecs`, `check` and `validate`: wrong input.
pub(crate) const EXIT_UNUSABLE: u8 = 3;

impl Failure {
    /// Whether standard output was closed by its reader, as `head` does.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether somebody has heard of it already, or nobody is there to hear of it.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self, Self::Told(_)) || self.is_closed_pipe()
    }

    /// As a verdict for pipelines: 2 is what can't be known, 3 what can't be used.
    pub(crate) fn into_verdict(self) -> Self {
        match self {
            Self::Wrong(text) => Self::Unusable(text),
            Self::Output(_) if !self.is_closed_pipe() => Self::Unknown(self.to_string()),
            other => other,
        }
    }

    /// What the process ends with.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Wrong(_) | Self::Unknown(_) => 2,
            Self::Unusable(_) | Self::Suite(_) => EXIT_UNUSABLE,
            Self::Told(code) => *code,
            Self::Interrupted(_) => EXIT_INTERRUPTED,
            Self::Output(_) if self.is_closed_pipe() => EXIT_CLOSED_PIPE,
            Self::Failed(_) | Self::Output(_) => 1,
        })
    }
}

/// A configuration is a page or two, an event less than 256 KiB, and a message in a queue as much.
const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// The text of a file, or of standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    read_within(path, MAX_FILE_BYTES)
}

/// The same of a file that may have so many bytes.
pub(crate) fn read_within(path: &Path, most: usize) -> Result<String, Failure> {
    let told =
        |error: String| Failure::Wrong(format!("{} could not be read: {error}", path.display()));
    let bytes = read_bytes(path, most)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        told(format!("it is not UTF-8 (line {line}); save it as UTF-8"))
    })
}

/// The bytes of a file, or of standard input for `-`, which may be no larger than this.
pub(crate) fn read_bytes(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let bytes = if path == Path::new("-") {
        at_most(io::stdin().lock(), most)
    } else {
        bounded(path, most)
    };
    bytes.map_err(|error| Failure::Wrong(format!("{} could not be read: {error}", path.display())))
}

/// The bytes of a file, which may be no larger than this.
pub(crate) fn bounded(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    at_most(std::fs::File::open(path)?, limit)
}

fn at_most(from: impl io::Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    from.take(more).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        let told = format!("it is larger than {}", strict_yaml::words::bytes(limit));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, told));
    }
    Ok(bytes)
}

/// The JSON of a file, or of standard input for `-`.
pub(crate) fn read_json(path: &Path) -> Result<serde_json::Value, Failure> {
    let text = read(path)?;
    // As Lambda hands it over, half of a pair of surrogates included.
    serde_json::from_str(&text::json::mended(&text))
        .map_err(|error| Failure::Wrong(format!("{} is not JSON: {error}", path.display())))
}
