//! `deploy-hooks validate`: everything that is wrong with suites, with its place, before a deployment meets it.

use std::path::PathBuf;

use gate::{Problem, Suite};
use serde_json::json;

use crate::failure::{self, Failure};
use crate::screen::{Screen, Style};

/// Check suites without running them
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all suites are right, 3 one is wrong or can't be read.\n\nExamples:\n  \
    deploy-hooks validate suites/*.yaml\n  deploy-hooks validate --format github suites/*.yaml\n  \
    deploy-hooks validate --json - < shop.yaml"
)]
pub(crate) struct Args {
    /// The suites; - reads standard input
    #[arg(required = true)]
    suites: Vec<PathBuf>,
    /// How problems are written: for people, or as annotations of GitHub Actions
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines for people, as compilers write them.
    #[default]
    Text,
    /// Workflow commands, which GitHub shows beside the lines of the file.
    Github,
}

/// One suite that is wrong.
struct Wrong {
    file: String,
    problems: Vec<Problem>,
}

/// Reads all suites, and says all that is wrong with them.
pub(crate) fn run(args: &Args, screen: &mut Screen) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    let mut right = Vec::new();
    for path in &args.suites {
        let file = path.display().to_string();
        let read = failure::read(path).map_err(|error| {
            vec![Problem {
                line: 1,
                column: 1,
                message: error.to_string(),
                remedy: "name a suite that can be read".to_owned(),
            }]
        });
        let parsed = read.and_then(|text| Suite::parse(&file, &text).map_err(|all| all.problems));
        match parsed {
            Ok(suite) => right.push((file, suite)),
            Err(problems) => wrong.push(Wrong { file, problems }),
        }
    }
    if screen.json {
        let problems = wrong.iter().flat_map(|wrong| {
            wrong.problems.iter().map(|problem| {
                json!({
                    "file": wrong.file, "line": problem.line, "column": problem.column,
                    "message": problem.message, "remedy": problem.remedy,
                })
            })
        });
        let problems: Vec<_> = problems.collect();
        screen.value(&json!({ "valid": wrong.is_empty(), "problems": problems }))?;
    } else {
        for (file, suite) in &right {
            let checks = text::words::count(suite.check_names().count(), "check");
            let word = screen.styled(Style::Good, "right");
            screen.line(format!("{file}: {word}, {checks}"))?;
        }
        for wrong in &wrong {
            for problem in &wrong.problems {
                screen.line(match args.format {
                    Format::Text => format!("{}:{problem}", wrong.file),
                    Format::Github => annotation(&wrong.file, problem),
                })?;
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::Told(failure::UNUSABLE))
    }
}

/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message>
fn annotation(file: &str, problem: &Problem) -> String {
    let Problem {
        line,
        column,
        message,
        remedy,
    } = problem;
    let file = escaped(file).replace(':', "%3A").replace(',', "%2C");
    let text = escaped(&format!("{message}; {remedy}"));
    format!("::error file={file},line={line},col={column}::{text}")
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
        let problem = Problem {
            line: 3,
            column: 7,
            message: "unknown key \"100%\nor so\"".to_owned(),
            remedy: "leave it out".to_owned(),
        };
        insta::assert_snapshot!(annotation("a,b:c.yaml", &problem), @r#"::error file=a%2Cb%3Ac.yaml,line=3,col=7::unknown key "100%25%0Aor so"; leave it out"#);
    }
}
