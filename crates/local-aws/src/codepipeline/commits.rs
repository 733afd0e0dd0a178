//! The commits that connections find. They come from the control API, as there is no repository here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Deserialize;

use crate::ids;
use crate::sync::lock;

/// A commit at the head of a branch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Commit {
    /// `owner/name`
    pub(crate) repository: String,
    #[serde(default = "main")]
    pub(crate) branch: String,
    /// Made up when it is left out.
    #[serde(default = "sha")]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) author: String,
    #[serde(default)]
    pub(crate) email: String,
    /// RFC 3339.
    #[serde(default)]
    pub(crate) date: String,
    /// Where it can be seen; the console's redirection when it is left out.
    pub(crate) url: Option<String>,
    #[serde(default = "github")]
    pub(crate) provider: String,
    /// What the artifact holds.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
}

fn main() -> String {
    "main".to_owned()
}

fn sha() -> String {
    ids::hex(40)
}

fn github() -> String {
    "GitHub".to_owned()
}

/// All commits so far. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commits {
    known: Arc<Mutex<Vec<Commit>>>,
}

impl Commits {
    /// A branch moves on to this commit.
    pub(crate) fn push(&self, commit: Commit) {
        lock(&self.known).push(commit);
    }

    /// The head of a branch.
    pub(super) fn head(&self, repository: &str, branch: &str) -> Option<Commit> {
        self.newest(|commit| commit.repository == repository && commit.branch == branch)
    }

    /// A commit by its id.
    pub(super) fn by_id(&self, repository: &str, id: &str) -> Option<Commit> {
        self.newest(|commit| commit.repository == repository && commit.id == id)
    }

    fn newest(&self, wanted: impl Fn(&Commit) -> bool) -> Option<Commit> {
        let known = lock(&self.known);
        known.iter().rev().find(|commit| wanted(commit)).cloned()
    }
}
