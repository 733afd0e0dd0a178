//! What is wrong with a file, and where. All problems of a file are reported together, because a person who
//! fixes one error per deployment soon stops trusting the tool.

use std::fmt;

/// One thing wrong with a file: the place, what is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The number of the file, where one is made of several: 0 is the one that was read first.
    pub file: u16,
    /// Line in the file, from 1; 0 where the problem is not with the file but with what was given to it.
    pub line: usize,
    /// Column in the line, in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}; {}",
            self.line, self.column, self.message, self.remedy
        )
    }
}

impl Problem {
    /// Whether it has a place in a file.
    pub fn has_place(&self) -> bool {
        self.line > 0
    }

    /// With its place in the file of this name, where it has one: `suite.yaml:12:7: unknown key "staus"; did you mean "status"?`
    pub fn within(&self, file: &str) -> String {
        if self.has_place() {
            format!("{file}:{self}")
        } else {
            format!("{}; {}", self.message, self.remedy)
        }
    }
}

/// Every problem found in one file and in those that it is made of, in their order.
///
/// Displayed as one line a problem: `suite.yaml:12:7: unknown key "staus"; did you mean "status"?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The name of the file, as the caller gave it.
    pub source: String,
    /// The names of the files that it is made of, by their numbers, from 1.
    pub others: Vec<String>,
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl Problems {
    /// What keeps a file from being read at all.
    pub fn of(source: &str, problem: Problem) -> Self {
        Self {
            source: source.to_owned(),
            others: Vec::new(),
            problems: vec![problem],
        }
    }

    /// The name of the file in which a problem stands.
    pub fn file_of(&self, problem: &Problem) -> &str {
        let other = usize::from(problem.file).checked_sub(1);
        let other = other.and_then(|index| self.others.get(index));
        other.unwrap_or(&self.source)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let problem = problem.within(self.file_of(problem));
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

// Written out, because `thiserror` would take the field `source` for an error.
impl std::error::Error for Problems {}
