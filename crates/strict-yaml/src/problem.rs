//! What is wrong with a file, and where. All problems of a file are reported together, because a person who
//! fixes one error per deployment soon stops trusting the tool.

use std::fmt;

/// One thing wrong with a file: the place, what is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, from 1.
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

/// Every problem found in one file, in the order of the file.
///
/// Displayed as one line a problem: `suite.yaml:12:7: unknown key "staus"; did you mean "status"?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The name of the file, as the caller gave it.
    pub source: String,
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{problem}", self.source)?;
        }
        Ok(())
    }
}

// Written out, because `thiserror` would take the field `source` for an error.
impl std::error::Error for Problems {}
