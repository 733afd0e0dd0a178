//! Files that lie beside a suite: what it includes, and what its requests carry.
//!
//! The gate reads no file itself. The decoder says which ones it misses, whoever loads the suite brings them, and the
//! decoder begins again: so nobody else has to know which keys name files. A path leads nowhere but below the folder of the
//! file that names it: what a suite may read must not depend on who runs it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use strict_yaml::{Node, scalar};

use super::context::Context;
use super::hurl::ReadHurl;
use super::{Suite, SuiteProblems, decode};
use crate::words;

/// How many files one suite may name.
const MAX_FILES: usize = 50;
/// Bytes of one of them; whoever reads them needs to read no further.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of all of them together.
const MAX_TOTAL_BYTES: usize = 16 * 1024 * 1024;
/// Characters of a path.
const MAX_PATH: usize = 300;

/// A file that made a suite what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteFile {
    /// Where it lies: the suite as whoever loaded it named it, the others beside it.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

impl SuiteFile {
    pub(super) fn new(name: String, bytes: &[u8]) -> Self {
        let sha256 = HEXLOWER.encode(&Sha256::digest(bytes));
        Self { name, sha256 }
    }
}

/// The reading of a suite that may name files beside it.
#[derive(Debug)]
pub struct SuiteReader<'t> {
    source: &'t str,
    text: &'t str,
    given: BTreeMap<String, Result<Bytes, FileProblem>>,
    /// Bytes of those.
    total: usize,
    hurl: Option<ReadHurl>,
}

/// How far the reading of a suite has come.
#[derive(Debug)]
pub enum Reading {
    /// It is read, or is wrong.
    Done(Result<Box<Suite>, SuiteProblems>),
    /// These files are missing: paths relative to the folder of the suite, with `/` between their parts.
    Needs(Vec<String>),
}

impl<'t> SuiteReader<'t> {
    /// Begins. Problems name the suite `source`, usually the file's name, and files beside it accordingly.
    pub fn new(source: &'t str, text: &'t str) -> Self {
        Self {
            source,
            text,
            given: BTreeMap::new(),
            total: 0,
            hurl: None,
        }
    }

    /// The same where checks may name files of Hurl.
    #[must_use]
    pub fn with_hurl(self, read: ReadHurl) -> Self {
        Self {
            hurl: Some(read),
            ..self
        }
    }

    /// Brings a file that is needed, or says why it can't be read. It should be read no further than [`MAX_FILE_BYTES`].
    /// What is too large together with the others is not kept.
    pub fn give(&mut self, path: String, file: Result<Vec<u8>, String>) {
        let file = match file {
            Ok(bytes) if self.total + bytes.len() > MAX_TOTAL_BYTES => {
                Err(FileProblem::TooLargeTogether)
            }
            Ok(bytes) => {
                self.total += bytes.len();
                Ok(Bytes::from(bytes))
            }
            Err(why) => Err(FileProblem::Unreadable(why)),
        };
        self.given.insert(path, file);
    }

    /// Reads as far as the files that were given allow. Each file is needed once.
    pub fn read(&mut self) -> Reading {
        let files = Files {
            given: std::mem::take(&mut self.given),
            hurl: self.hurl,
            ..Files::default()
        };
        let (read, files) = decode::suite(self.source, self.text, files);
        self.given = files.given;
        let needs: Vec<String> = files.missing.into_inner().into_iter().collect();
        if needs.is_empty() {
            Reading::Done(read.map(Box::new))
        } else {
            Reading::Needs(needs)
        }
    }

    /// Reads to the end, where files can be read at once.
    pub fn finish(
        mut self,
        mut file: impl FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<Suite, SuiteProblems> {
        loop {
            match self.read() {
                Reading::Done(read) => return read.map(|suite| *suite),
                Reading::Needs(paths) => {
                    for path in paths {
                        let read = file(&path);
                        self.give(path, read);
                    }
                }
            }
        }
    }
}

/// The files of one reading.
#[derive(Debug, Default)]
pub(super) struct Files {
    given: BTreeMap<String, Result<Bytes, FileProblem>>,
    /// Those that were named, whatever became of them.
    named: RefCell<BTreeSet<String>>,
    /// What reads those of Hurl.
    pub(super) hurl: Option<ReadHurl>,
    /// Those that nobody has brought yet.
    missing: RefCell<BTreeSet<String>>,
    /// Those that are used.
    used: RefCell<BTreeMap<String, Bytes>>,
    /// Bytes of those.
    total: Cell<usize>,
    /// Those that the check that is read has named.
    of_check: RefCell<BTreeSet<String>>,
}

impl Files {
    /// Bytes that the files of the suite hold.
    pub(super) fn total(&self) -> usize {
        self.total.get()
    }

    /// What was used, by path.
    pub(super) fn used(&self) -> Vec<(String, Bytes)> {
        let used = self.used.borrow();
        used.iter()
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .collect()
    }

    /// A check begins.
    pub(super) fn begin_check(&self) {
        self.of_check.borrow_mut().clear();
    }

    /// The contents that the check has named.
    pub(super) fn of_check(&self) -> Vec<Bytes> {
        let (named, used) = (self.of_check.borrow(), self.used.borrow());
        named
            .iter()
            .filter_map(|path| used.get(path).cloned())
            .collect()
    }

    /// A file, if it is here; else the problem with it, if there is one already.
    pub(super) fn take(&self, path: &str, most: usize) -> Result<Option<Bytes>, FileProblem> {
        {
            let mut named = self.named.borrow_mut();
            if named.len() >= MAX_FILES && !named.contains(path) {
                return Err(FileProblem::TooMany);
            }
            named.insert(path.to_owned());
        }
        let known = self.used.borrow().get(path).cloned();
        let bytes = match (known, self.given.get(path)) {
            (Some(bytes), _) => bytes,
            (None, None) => {
                self.missing.borrow_mut().insert(path.to_owned());
                return Ok(None);
            }
            (None, Some(Err(problem))) => return Err(problem.clone()),
            (None, Some(Ok(bytes))) => {
                self.total.set(self.total.get() + bytes.len());
                self.used
                    .borrow_mut()
                    .insert(path.to_owned(), bytes.clone());
                bytes.clone()
            }
        };
        if bytes.len() > most {
            return Err(FileProblem::TooLarge(most));
        }
        self.of_check.borrow_mut().insert(path.to_owned());
        Ok(Some(bytes))
    }
}

/// Why a file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FileProblem {
    #[error("could not be read: {0}")]
    Unreadable(String),
    #[error("is larger than {}", words::bytes(*.0))]
    TooLarge(usize),
    #[error(
        "does not fit: the files of a suite may have {} together",
        words::bytes(MAX_TOTAL_BYTES)
    )]
    TooLargeTogether,
    #[error("is one too many: a suite may name {MAX_FILES} files")]
    TooMany,
}

impl FileProblem {
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "its path is relative to the file that names it",
            Self::TooLarge(_) => "make it smaller",
            Self::TooLargeTogether => "make them smaller",
            Self::TooMany => "name fewer",
        }
    }
}

/// The path of a file, from the folder of the suite, as a file in `folder` names it.
pub(super) fn resolved(folder: &str, written: &str) -> Result<String, &'static str> {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if written.contains("{{") {
        return Err("a path can't have references");
    }
    if written.chars().count() > MAX_PATH {
        return Err("it is longer than 300 characters");
    }
    if written.chars().any(|c| c.is_control() || c == '\\') {
        return Err("it has a backslash or an invisible character; folders are separated by /");
    }
    if written.contains(':') || !written.split('/').all(is_plain) {
        return Err(
            "it must lead from the folder of the file that names it downwards, without .. and :",
        );
    }
    Ok(format!("{folder}{written}"))
}

/// The folder of a path, with the slash at its end.
pub(super) fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..=at])
}

/// A file that a check names: its path and its bytes. None where there is a problem, or it has not been brought yet.
pub(super) fn named(
    node: &Node,
    label: &str,
    most: usize,
    context: &Context,
) -> Option<(String, Bytes)> {
    let problems = &context.problems;
    let written = scalar::text(node, label, problems)?;
    let path = match resolved(context.folder_of(node.at), written) {
        Ok(path) => path,
        Err(why) => {
            let message =
                format!("{label}: {written:?} is no path to a file beside the suite: {why}");
            problems.add(node.at, message, "write one such as files/cover.png");
            return None;
        }
    };
    match context.files.take(&path, most) {
        Ok(bytes) => Some((path, bytes?)),
        Err(problem) => {
            let message = format!("{label}: {written} {problem}");
            problems.add(node.at, message, problem.remedy());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_downwards_only() {
        for (folder, written, path) in [
            ("", "cover.png", "cover.png"),
            ("shared/", "files/a b.png", "shared/files/a b.png"),
            ("", "ä/.hidden", "ä/.hidden"),
        ] {
            assert_eq!(resolved(folder, written).as_deref(), Ok(path));
        }
        let long = "x".repeat(301);
        for wrong in [
            "",
            "/etc/passwd",
            "../other.yaml",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            "C:x",
            "s3://b/k",
            "a\\b",
            "a\nb",
            "{{ x }}",
            &long,
        ] {
            assert!(resolved("", wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(
            (folder("shared/login.yaml"), folder("login.yaml")),
            ("shared/", "")
        );
    }
}
