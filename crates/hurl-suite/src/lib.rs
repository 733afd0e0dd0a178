//! A team's Hurl file as a suite: one journey, whose steps are the entries of the file.
//!
//! Why a conversion: a gate has one engine, one decoder and one report. A Hurl file becomes the tree that the YAML of a
//! suite would have given, with the places of the Hurl file, and goes through the decoder of suites. So bounds,
//! contradictions and problems are those of every suite, and `deploy-hooks init --from` prints what runs.
//!
//! What must never happen here: a construct that is skipped, or one that means something else than in Hurl. What a suite
//! can't hold exactly is refused with line, column and what to write instead; the few differences that remain
//! are listed in docs/hurl.md. Nothing here reads a file or the environment.

mod assert_context;
mod asserts;
mod body;
mod captures;
mod context;
mod entry;
mod json_asserts;
mod names;
mod options;
mod predicate;
mod request;
mod sized_asserts;
mod syntax;
mod text_asserts;
mod tree;
mod uses;

use std::path::Path;

use gate::{HurlSource, HurlSteps, Suite, SuiteProblems};
use strict_yaml::{Findings, Node, Position, Problem};

use self::context::Context;
use self::names::Names;

/// Values that the file names and does not have.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Variables and their values, typed as Hurl's own `--variable` types them.
    pub vars: Vec<(String, String)>,
    /// Secrets, and where each is kept: `ssm:/shop/password`, `env:PASSWORD`.
    pub secrets: Vec<(String, String)>,
}

/// Whether a file of this name is one of Hurl.
pub fn is_hurl(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("hurl"))
}

/// The file as a suite. Problems name it `source`, usually the file's name.
pub fn suite(source: &str, text: &str, given: &Inputs) -> Result<Suite, SuiteProblems> {
    read(source, text, given).map(|(suite, _)| suite)
}

/// The suite as YAML, for whoever goes on with it.
pub fn yaml(source: &str, text: &str, given: &Inputs) -> Result<String, SuiteProblems> {
    let (_, tree) = read(source, text, given)?;
    let yaml = strict_yaml::write(&tree);
    // A suite in YAML has bounds of its own, and what is written here must be one.
    match Suite::parse(source, &yaml) {
        Ok(_) => Ok(yaml),
        Err(beyond) => {
            let problems = Findings::default();
            for problem in beyond.problems {
                let message = format!("as YAML it is no suite: {}", problem.message);
                problems.add(Position::START, message, problem.remedy);
            }
            problems.conclude(source, None)
        }
    }
}

/// A file that a check of a suite names, for [`gate::SuiteReader::with_hurl`].
///
/// # Errors
/// With every problem of the file, each at its place.
pub fn journey(source: &HurlSource<'_>) -> Result<HurlSteps, Vec<Problem>> {
    let file = syntax::parse(source.text).map_err(|problem| vec![problem])?;
    let mut context = Context::new(Findings::default(), Names::of_suite(source));
    let steps = entry::journey(&file, &mut context);
    let is_known = |name: &str| source.vars.iter().any(|(known, _)| known == name);
    let mut vars = context.names.variables();
    vars.retain(|(name, _)| !is_known(name) && !source.taken.contains(name));
    let problems = context.problems.into_sorted();
    if problems.is_empty() {
        Ok(HurlSteps { steps, vars })
    } else {
        Err(problems)
    }
}

fn read(source: &str, text: &str, given: &Inputs) -> Result<(Suite, Node), SuiteProblems> {
    let refused = |problems: Findings| SuiteProblems {
        source: source.to_owned(),
        others: Vec::new(),
        problems: problems.into_sorted(),
    };
    let problems = Findings::default();
    let file = match syntax::parse(text) {
        Ok(file) => file,
        Err(problem) => {
            problems.push(problem);
            return Err(refused(problems));
        }
    };
    let mut context = Context::new(problems, Names::new(given));
    let tree = entry::suite(&name(source), &file, &mut context);
    let decoded = Suite::of_tree(source, &tree, text);
    // Together, as whoever corrects the file wants to see all.
    if let Err(others) = &decoded {
        for problem in &others.problems {
            context.problems.push(problem.clone());
        }
    }
    let suite = context.problems.conclude(source, decoded.ok())?;
    Ok((suite, tree))
}

/// What the suite and its check are called: the file without folder and ending.
fn name(source: &str) -> String {
    let stem = Path::new(source).file_stem();
    let name = stem.map_or_else(
        || source.to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    let name: String = name
        .chars()
        .filter(|one| !one.is_control())
        .take(100)
        .collect();
    name.replace("{{", "{")
}
