//! `deploy-hooks validate`: everything that is wrong with suites, with its place, before a deployment meets it.

use std::path::{Path, PathBuf};

use gate::Problem;
use hurl_suite::Inputs;
use serde_json::{Value, json};
use strict_yaml::Position;

use crate::failure::{self, Failure};
use crate::screen::{Screen, Style};
use crate::suite_file::{self, HurlValues};

/// Check suites without running them
#[derive(clap::Args)]
#[command(
    after_help = "Anything that a gate would refuse, whatever is deployed, is also wrong. Notes are about what is allowed and probably \
    not meant.\n\nExit codes: 0 all suites are right (there may be notes), 3 one is wrong or can't be read.\n\nExamples:\n  \
    deploy-hooks validate suites/*.yaml\n  deploy-hooks validate --format github suites/*.yaml\n  \
    deploy-hooks validate --json - < shop.yaml"
)]
pub(crate) struct Args {
    /// The suites, and Hurl files; - reads a suite from standard input
    #[arg(required = true)]
    suites: Vec<PathBuf>,
    /// How problems are written: for people, or as annotations of GitHub Actions
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    values: HurlValues,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines for people, as compilers write them.
    #[default]
    Text,
    /// Workflow commands, which GitHub shows beside the lines of the file.
    Github,
}

/// What was found in one suite.
struct Found {
    file: String,
    /// How many checks it has, if it can be read.
    checks: usize,
    /// Each with the file in which it stands.
    problems: Vec<(String, Problem)>,
    notes: Vec<(String, Problem)>,
}

impl Found {
    fn of(path: &Path, given: &Inputs) -> Self {
        let file = path.display().to_string();
        let read = failure::read(path).map_err(|error| {
            let remedy = "name a suite that can be read";
            vec![(
                file.clone(),
                Position::START.problem(error.to_string(), remedy),
            )]
        });
        let parsed = read.and_then(|text| {
            suite_file::parse(path, &text, given).map_err(|all| {
                let problems = all.problems.iter();
                let named = problems.map(|one| (all.file_of(one).to_owned(), one.clone()));
                named.collect()
            })
        });
        let (checks, problems, notes) = match parsed {
            Ok(suite) => {
                let preflight = suite.preflight();
                let checks = suite.check_names().count();
                let named = |problems: Vec<Problem>| {
                    let named = problems.into_iter().map(|one| {
                        let included = suite.included_file(&one);
                        (included.unwrap_or(&file).to_owned(), one)
                    });
                    named.collect()
                };
                (checks, named(preflight.problems), named(preflight.notes))
            }
            Err(problems) => (0, problems, Vec::new()),
        };
        Self {
            file,
            checks,
            problems,
            notes,
        }
    }
}

/// Reads all suites, and says all that is wrong with them.
pub(crate) fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let given = args.values.given(args.suites.iter());
    let given = given.map_err(Failure::into_verdict)?;
    let suites = args.suites.iter();
    let found: Vec<Found> = suites.map(|path| Found::of(path, &given)).collect();
    let is_right = found.iter().all(|one| one.problems.is_empty());
    if screen.json {
        let all = |of: fn(&Found) -> &[(String, Problem)]| -> Vec<Value> {
            let each = found.iter().flat_map(of);
            each.map(|(file, problem)| as_json(file, problem)).collect()
        };
        screen.value(&json!({
            "valid": is_right,
            "problems": all(|one| &one.problems),
            "notes": all(|one| &one.notes),
        }))?;
    } else {
        for one in found.iter().filter(|one| one.problems.is_empty()) {
            let checks = text::words::count(one.checks, "check");
            let word = screen.styled(Style::Good, "right");
            screen.line(format!("{}: {word}, {checks}", one.file))?;
        }
        for Found {
            problems, notes, ..
        } in &found
        {
            for (file, problem) in problems {
                screen.line(match args.format {
                    Format::Text => problem.within(file),
                    Format::Github => annotation("error", file, problem),
                })?;
            }
            for (file, note) in notes {
                screen.line(match args.format {
                    Format::Text => format!(
                        "{file}:{}:{}: note: {}; {}",
                        note.line, note.column, note.message, note.remedy
                    ),
                    Format::Github => annotation("notice", file, note),
                })?;
            }
        }
    }
    if is_right {
        Ok(())
    } else {
        Err(Failure::Told(failure::EXIT_UNUSABLE))
    }
}

/// A problem for programs.
pub(crate) fn as_json(file: &str, problem: &Problem) -> Value {
    let Problem {
        message, remedy, ..
    } = problem;
    if !problem.has_place() {
        return json!({ "message": message, "remedy": remedy });
    }
    json!({
        "file": file, "line": problem.line, "column": problem.column,
        "message": message, "remedy": remedy,
    })
}

/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message>
fn annotation(command: &str, file: &str, problem: &Problem) -> String {
    let Problem {
        line,
        column,
        message,
        remedy,
        ..
    } = problem;
    let file = escaped(file).replace(':', "%3A").replace(',', "%2C");
    let text = escaped(&format!("{message}; {remedy}"));
    if !problem.has_place() {
        return format!("::{command} ::{text}");
    }
    format!("::{command} file={file},line={line},col={column}::{text}")
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_whatever_the_problem_says() {
        let message = "unknown key \"100%\nor so\"";
        let problem = Position::new(3, 7).problem(message, "leave it out");
        insta::assert_snapshot!(annotation("error", "a,b:c.yaml", &problem), @r#"::error file=a%2Cb%3Ac.yaml,line=3,col=7::unknown key "100%25%0Aor so"; leave it out"#);
    }
}
