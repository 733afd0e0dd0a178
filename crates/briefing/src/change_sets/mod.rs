//! The change sets that a pipeline made and that the approval would let through.

mod convert;
mod find;
mod read;
pub(crate) mod risk;
mod state;

use approvals::{ChangeSet, Gap, Lookup};
use common::aws::Aws;
use tokio::sync::Semaphore;
use tokio::time::Instant;

pub(crate) use self::find::{ChangeSetRef, pending};
pub(crate) use self::read::{MAX_CONCURRENT, PageError, ReadOptions, read, read_id};
#[cfg(test)]
pub(crate) use self::risk::sort;

use crate::text;

/// One change set, as far as it could be read.
#[derive(Debug, Clone)]
pub(crate) struct FoundChangeSet {
    pub(crate) reference: ChangeSetRef,
    /// Its ARN; none if not even its first page could be read.
    pub(crate) id: Option<String>,
    /// A hash of each change, sorted; none if not all of them could be read.
    pub(crate) content: Option<Content>,
    /// What is shown, most dangerous first; empty where nothing could be read.
    pub(crate) shown: Option<ChangeSet>,
    /// The tag of an image before and after, where a change has one.
    pub(crate) images: Vec<(Option<String>, Option<String>)>,
    /// What could not be read, for people.
    pub(crate) problems: Vec<String>,
    /// The first look-up that failed; none if a bound was met.
    pub(crate) failed: Option<PageError>,
}

/// One change set of this account and region, most dangerous changes first.
///
/// # Errors
/// If it could not all be read: why, and what to do.
pub async fn change_set(
    aws: &Aws,
    stack: &str,
    name: &str,
    deadline: Instant,
) -> Result<ChangeSet, String> {
    let how = ReadOptions {
        aws,
        deadline,
        abreast: &Semaphore::new(MAX_CONCURRENT),
    };
    let reference = ChangeSetRef {
        stack: stack.to_owned(),
        name: name.to_owned(),
        region: None,
        account: None,
    };
    let found = read(how, reference).await;
    match (found.problems.first(), found.shown) {
        (None, Some(shown)) => Ok(shown),
        (Some(problem), _) => Err(problem.clone()),
        (None, None) => Err(format!(
            "the change set {name} of {stack} could not be read"
        )),
    }
}

/// What a change set does, for the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// A hash of each change, sorted.
    Changes(Vec<[u8; 32]>),
    /// More changes than are read: its ARN has to do, which names one immutable change set.
    TooMany,
}

impl FoundChangeSet {
    /// Nothing is known of it yet.
    pub(crate) fn unread(reference: ChangeSetRef) -> Self {
        Self {
            reference,
            id: None,
            content: None,
            shown: None,
            images: Vec::new(),
            problems: Vec::new(),
            failed: None,
        }
    }

    /// The gaps of one change set: one line.
    pub(crate) fn gap(&self) -> Option<Gap> {
        let first = self.problems.first()?;
        let more = match self.problems.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more problems with it)"),
        };
        Some(Gap {
            what: Lookup::ChangeSet,
            why: text::line(&format!("{first}{more}"), crate::limits::MAX_WHY_CHARS),
        })
    }
}
