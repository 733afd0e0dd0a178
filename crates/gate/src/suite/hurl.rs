//! `hurl:` of a check: a Hurl file beside the suite, as the journey that it is.
//!
//! The gate knows no Hurl: whoever loads the suite brings what reads it ([`super::SuiteReader::with_hurl`]). The steps
//! stand in the tree before anything is decoded, with the places of the Hurl file, so that all that is said of steps is said of
//! these as well.

use std::collections::BTreeSet;

use strict_yaml::{Key, Node, Problem, Value};

use super::context::Context;
use super::files;
use super::probes::PROBES;

const KEY: &str = "hurl";
/// As much as Hurl files are read anywhere.
const MAX_BYTES: usize = 256 * 1024;
/// What a journey of one's own has, and the file says by itself.
const STEP_KEYS: [&str; 2] = ["always", "expect"];

/// A Hurl file that a check names, and what the suite has for its placeholders.
#[derive(Clone, Copy, Debug)]
pub struct HurlSource<'s> {
    /// The file.
    pub text: &'s str,
    /// The suite's variables.
    pub vars: &'s [(String, Node)],
    /// The names of its secrets.
    pub secrets: &'s [String],
    /// Names that the file does not know, and must not take.
    pub taken: &'s BTreeSet<String>,
}

/// The same as steps of a journey.
#[derive(Clone, Debug)]
pub struct HurlSteps {
    /// A list.
    pub steps: Node,
    /// Variables that they need beside the suite's own.
    pub vars: Vec<(String, Node)>,
}

/// What reads a Hurl file. Its places are those of the file.
pub type ReadHurl = fn(&HurlSource<'_>) -> Result<HurlSteps, Vec<Problem>>;

/// The suite, with a journey in place of each Hurl file.
pub(super) fn expanded(mut root: Node, read: Option<ReadHurl>, context: &mut Context) -> Node {
    let Value::Map(entries) = &mut root.value else {
        return root;
    };
    let names = |entries: &[(Key, Node)], key: &str| -> Vec<(String, Node)> {
        let found = entries.iter().find(|(known, _)| known.text == key);
        match found.map(|(_, node)| &node.value) {
            Some(Value::Map(named)) => {
                let named = named.iter();
                named
                    .map(|(key, node)| (key.text.clone(), node.clone()))
                    .collect()
            }
            _ => Vec::new(),
        }
    };
    let vars = names(entries, "vars");
    let secrets = names(entries, "secrets").into_iter().map(|(name, _)| name);
    let mut suite = SuiteNames {
        vars,
        secrets: secrets.collect(),
        added: Vec::new(),
    };
    let checks = entries.iter_mut().find(|(key, _)| key.text == "checks");
    let Some((
        _,
        Node {
            value: Value::List(checks),
            ..
        },
    )) = checks
    else {
        return root;
    };
    for check in checks {
        if let Value::Map(keys) = &mut check.value {
            expand(keys, read, &mut suite, context);
        }
    }
    if !suite.added.is_empty() {
        add_vars(entries, suite.added);
    }
    root
}

/// What placeholders can stand for.
struct SuiteNames {
    vars: Vec<(String, Node)>,
    secrets: Vec<String>,
    /// Variables of the files so far.
    added: Vec<(String, Node)>,
}

fn expand(
    keys: &mut Vec<(Key, Node)>,
    read: Option<ReadHurl>,
    suite: &mut SuiteNames,
    context: &mut Context,
) {
    let Some(index) = keys.iter().position(|(key, _)| key.text == KEY) else {
        return;
    };
    let named = keys[index].1.clone();
    let other = keys.iter().find(|(key, _)| {
        let other = key.text.as_str();
        STEP_KEYS.contains(&other) || PROBES.iter().any(|(probe, _)| *probe == other)
    });
    let steps = if let Some((other, _)) = other {
        let message = format!("a check has `hurl` or `{}`, not both", other.text);
        let remedy = "write it into the Hurl file, or make a check of each";
        context.problems.add(other.at, message, remedy);
        None
    } else {
        steps(&named, read, suite, context)
    };
    match steps {
        Some(steps) => {
            "journey".clone_into(&mut keys[index].0.text);
            // What is said of the check has its place in the suite.
            keys[index].1 = Node {
                at: named.at,
                value: steps.value,
            };
            // A Hurl file is run once, unless the check says otherwise.
            if !keys.iter().any(|(key, _)| key.text == "retries") {
                let zero = strict_yaml::plain("0", named.at);
                keys.extend(zero.ok().map(|zero| (key("retries", named.at), zero)));
            }
        }
        // There is a problem already, or the file will be brought: nothing further is said of the check.
        None if other_probe(keys) => {
            keys.remove(index);
        }
        None => {
            "http".clone_into(&mut keys[index].0.text);
            keys[index].1.value = Value::Text("GET /".to_owned());
        }
    }
}

fn other_probe(keys: &[(Key, Node)]) -> bool {
    let is_probe = |name: &str| PROBES.iter().any(|(probe, _)| *probe == name);
    keys.iter().any(|(key, _)| is_probe(&key.text))
}

fn key(text: &str, at: strict_yaml::Position) -> Key {
    Key {
        at,
        text: text.to_owned(),
    }
}

fn steps(
    named: &Node,
    read: Option<ReadHurl>,
    suite: &mut SuiteNames,
    context: &mut Context,
) -> Option<Node> {
    let Some(read) = read else {
        let message = "hurl: a file of Hurl can't be read here";
        let remedy = "convert it: deploy-hooks init checks.yaml --from FILE.hurl";
        context.problems.add(named.at, message, remedy);
        return None;
    };
    let (path, bytes) = files::named(named, KEY, MAX_BYTES, context)?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let message = format!("hurl: {path} is not UTF-8");
        context.problems.add(named.at, message, "save it as UTF-8");
        return None;
    };
    let taken = suite.added.iter().map(|(name, _)| name.clone()).collect();
    let source = HurlSource {
        text,
        vars: &suite.vars,
        secrets: &suite.secrets,
        taken: &taken,
    };
    let file = context.begin_file(&path);
    match read(&source) {
        Ok(HurlSteps { mut steps, vars }) => {
            place(&mut steps, file);
            suite.added.extend(vars.into_iter().map(|(name, mut node)| {
                place(&mut node, file);
                (name, node)
            }));
            Some(steps)
        }
        Err(problems) => {
            for problem in problems {
                let file = if problem.has_place() { file } else { 0 };
                context.problems.push(Problem { file, ..problem });
            }
            None
        }
    }
}

/// Everything in it stands in this file.
fn place(node: &mut Node, file: u16) {
    if node.at.line > 0 {
        node.at.file = file;
    }
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| place(item, file)),
        Value::Map(entries) => {
            for (key, node) in entries {
                key.at.file = file;
                place(node, file);
            }
        }
        _ => {}
    }
}

fn add_vars(entries: &mut Vec<(Key, Node)>, added: Vec<(String, Node)>) {
    let at = added[0].1.at;
    let added = added
        .into_iter()
        .map(|(name, node)| (key(&name, node.at), node));
    match entries.iter_mut().find(|(known, _)| known.text == "vars") {
        Some((
            _,
            Node {
                value: Value::Map(vars),
                ..
            },
        )) => vars.extend(added),
        // What else stands there is a problem.
        Some(_) => {}
        None => {
            let value = Value::Map(added.collect());
            entries.push((key("vars", at), Node { at, value }));
        }
    }
}
