//! The problems of a file, all of them, each at its place.

use std::cell::{Cell, RefCell};

use crate::node::Position;
use crate::{Problem, Problems, words};

/// More problems than this are of no help.
const MAX_PROBLEMS: usize = 100;

/// Words that are compared with wrong ones while one file is read.
const MAX_COMPARED: usize = 10_000;

/// Where problems are collected while a file is read.
#[derive(Debug, Default)]
pub struct Findings {
    problems: RefCell<Vec<Problem>>,
    compared: Cell<usize>,
}

impl Findings {
    /// One more problem.
    pub fn add(&self, at: Position, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(at.problem(message, remedy));
    }

    /// One more problem; the same one at the same place is kept once.
    pub fn push(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MAX_PROBLEMS && !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// Whether no further problem is taken, so that there may be more than are reported.
    pub fn is_full(&self) -> bool {
        self.problems.borrow().len() >= MAX_PROBLEMS
    }

    /// The known word that was probably meant; none after many words were compared, because a file with
    /// thousands of unknown words must not take minutes.
    pub fn nearest<'a>(
        &self,
        wrong: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        let left = MAX_COMPARED.saturating_sub(self.compared.get());
        if self.is_full() || left == 0 {
            return None;
        }
        let compared = Cell::new(0);
        let known = known
            .into_iter()
            .take(left)
            .inspect(|_| compared.set(compared.get() + 1));
        let near = words::nearest(wrong, known);
        self.compared.set(self.compared.get() + compared.get());
        near
    }

    /// The problems in the order of the file; where there are too many, the last line says so.
    pub fn into_sorted(self) -> Vec<Problem> {
        let full = self.is_full();
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.file, problem.line, problem.column));
        if let (true, Some(last)) = (full, problems.last()) {
            let message = format!("more than {MAX_PROBLEMS} problems may be there");
            let at = Position {
                file: last.file,
                line: last.line,
                column: last.column,
            };
            problems.push(at.problem(message, "fix these first"));
        }
        problems
    }

    /// What was read, if there is no problem; otherwise every problem, under the name `source`.
    ///
    /// `value` may only be missing where a problem says why.
    pub fn conclude<T>(self, source: &str, value: Option<T>) -> Result<T, Problems> {
        let problems = self.into_sorted();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => Err(Problems {
                source: source.to_owned(),
                others: Vec::new(),
                problems,
            }),
        }
    }
}
