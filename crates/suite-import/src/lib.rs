//! What a team has already, as a first suite: an `OpenAPI` description, a recording of a browser (HAR), curl commands, a
//! collection of Postman or Bruno.
//!
//! What must always hold: the suite that comes out is loaded by the one loader without a problem; nothing is dropped in
//! silence, as what can't be carried over is listed with its place; and no secret that stands in the file stands in the
//! suite, which has its name. Nothing here reads another file or the environment, and nothing is asked.

mod bruno;
mod collection;
mod curl;
mod draft;
mod har;
mod kind;
mod openapi;
mod place;
mod postman;
mod request;
mod script;
mod shell;
mod texts;
mod tree;

use gate::SuiteProblems;
use strict_yaml::{Document, Problem};

use self::draft::Draft;
pub use self::kind::Kind;

/// Bytes of a file that is read at all; a recording of a browser is the largest.
pub const MAX_FILE: usize = 32 * 1024 * 1024;

/// A suite, and what of the file is not in it.
#[derive(Clone, Debug)]
pub struct ConvertedSuite {
    /// What the file is.
    pub kind: Kind,
    /// The suite as YAML.
    pub suite: String,
    /// How many checks it has.
    pub checks: usize,
    /// The names of its secrets, each of which is read from an environment variable at first.
    pub secrets: Vec<String>,
    /// What could not be carried over.
    pub left: Vec<LeftOut>,
}

/// Something that a suite can't have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands, in a file that has lines.
    pub line: Option<usize>,
    /// What it is, and why.
    pub what: String,
}

/// The file as a suite. Problems name it `source`, usually the file's name.
///
/// # Errors
/// If it is no such file, can't be read, or has nothing that a suite could ask.
pub fn convert(source: &str, text: &str) -> Result<ConvertedSuite, SuiteProblems> {
    let refused = |problem: Problem| SuiteProblems {
        source: source.to_owned(),
        others: Vec::new(),
        problems: vec![problem],
    };
    let kind = kind::of(text).map_err(refused)?;
    let mut draft = Draft::new(&draft::name(source));
    let read = match kind {
        Kind::Curl => curl::read(text, &mut draft),
        Kind::Har => har::read(text, &mut draft),
        Kind::OpenApi => {
            tree::read(text, OPENAPI).and_then(|node| openapi::read(&node, &mut draft))
        }
        Kind::Postman => {
            tree::read(text, COLLECTION).and_then(|node| postman::read(&node, &mut draft))
        }
        Kind::Bruno => tree::read(text, COLLECTION).and_then(|node| bruno::read(&node, &mut draft)),
    };
    read.map_err(refused)?;
    draft.finish(kind).map_err(refused)
}

const OPENAPI: Document = Document {
    noun: "description",
    begin: "write an OpenAPI description: openapi, info, paths",
    split: "give a part of it, with the paths that matter",
};

const COLLECTION: Document = Document {
    noun: "collection",
    begin: "export the collection again",
    split: "export a folder of it by itself",
};

#[cfg(test)]
mod tests;
