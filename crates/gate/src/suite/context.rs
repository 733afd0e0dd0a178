//! What the decoder knows while it reads a suite: the problems so far, the names that texts may refer to, and what checks
//! leave to the defaults.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use strict_yaml::words::is_name;
use strict_yaml::{Findings, Key, Node, Number, Position};

use super::check_fingerprint::Fingerprint;
use super::defaults::Defaults;
use super::files::{Files, folder};
use super::patterns::Patterns;
use crate::template::{Reference, Template, TemplateError, Var};
use crate::{TARGET_KEYS, words};

/// Where problems go, and which names are known.
#[derive(Default)]
pub(super) struct Context {
    pub(super) problems: Findings,
    /// Variables and secrets.
    names: BTreeSet<String>,
    pub(super) secret_names: BTreeSet<String>,
    pub(super) vars: BTreeMap<String, Var>,
    pub(super) defaults: Defaults,
    /// What all checks share of what they measure.
    pub(super) shared_definition: Fingerprint,
    pub(super) patterns: Patterns,
    /// Regular expressions in the paths of `json`, so far.
    pub(super) path_patterns: Cell<usize>,
    /// Bytes of expressions of `that`, so far.
    pub(super) expressions: Cell<usize>,
    /// Schemas of `json_schema`, so far.
    pub(super) schemas: Cell<usize>,
    /// What earlier steps of the journey that is read capture.
    captured: RefCell<BTreeSet<String>>,
    /// A file that it includes is not there to be read, and with it names that texts refer to.
    pub(super) lacks_files: bool,
    /// Paths of the files that it includes, by their numbers in places, from 1.
    pub(super) included: Vec<String>,
    /// Files that lie beside the suite.
    pub(super) files: Files,
    /// Whether a text has a function so far.
    pub(super) uses_functions: Cell<bool>,
}

impl Context {
    /// At the beginning of a suite beside which these files lie.
    pub(super) fn with(files: Files) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    /// The folder of the file in which this stands, from that of the suite.
    pub(super) fn folder_of(&self, at: Position) -> &str {
        self.included_file(at).map_or("", folder)
    }

    /// The path of the included file in which this stands.
    pub(super) fn included_file(&self, at: Position) -> Option<&str> {
        let index = usize::from(at.file).checked_sub(1)?;
        self.included.get(index).map(String::as_str)
    }

    /// Takes up a file that is included; its number in places.
    pub(super) fn begin_file(&mut self, path: &str) -> u16 {
        self.included.push(path.to_owned());
        u16::try_from(self.included.len()).unwrap_or(u16::MAX)
    }

    /// Takes up a name that templates may use.
    pub(super) fn declare(&mut self, key: &Key, noun: &str) {
        if !is_name(&key.text) || key.text == "target" {
            let message = format!("{:?} can't be the name of a {noun}", key.text);
            let remedy = "use letters, digits, _ and -, not beginning with a digit; \
                          `target` is taken by the deployment";
            self.problems.add(key.at, message, remedy);
        } else if !self.names.insert(key.text.clone()) {
            let message = format!("{:?} is both a variable and a secret", key.text);
            self.problems.add(key.at, message, "rename one of them");
        }
    }

    /// The same of a secret.
    pub(super) fn declare_secret(&mut self, key: &Key) {
        self.declare(key, "secret");
        self.secret_names.insert(key.text.clone());
    }

    /// Whether a text refers to a secret.
    pub(super) fn has_secret(&self, template: &Template) -> bool {
        template.references().any(|reference| match reference {
            Reference::Name(name) => self.secret_names.contains(name),
            Reference::Target(_) | Reference::Function(_) => false,
        })
    }

    /// Takes up the name of a capture, which later steps may use.
    pub(super) fn declare_capture(&self, key: &Key) -> bool {
        if !is_name(&key.text) || key.text == "target" {
            let message = format!("{:?} can't be the name of a capture", key.text);
            let remedy = "use letters, digits, _ and -, not beginning with a digit; `target` is taken by the deployment";
            self.problems.add(key.at, message, remedy);
            return false;
        }
        let taken = if self.names.contains(&key.text) {
            Some("is a variable or a secret already")
        } else if self.captured.borrow_mut().insert(key.text.clone()) {
            None
        } else {
            Some("is captured twice")
        };
        if let Some(taken) = taken {
            let message = format!("{:?} {taken}", key.text);
            self.problems.add(key.at, message, "rename one of them");
        }
        taken.is_none()
    }

    /// Takes up a name that later texts of the check may use, unless it is one of the suite's already.
    pub(super) fn declare_datum(&self, name: &str) {
        if is_name(name) && name != "target" && !self.names.contains(name) {
            self.captured.borrow_mut().insert(name.to_owned());
        }
    }

    pub(super) fn is_captured(&self, name: &str) -> bool {
        self.captured.borrow().contains(name)
    }

    /// What earlier steps of the journey capture.
    pub(super) fn captured_names(&self) -> Vec<String> {
        self.captured.borrow().iter().cloned().collect()
    }

    /// The names of variables and secrets.
    pub(super) fn declared(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// How many values the journey captures so far.
    pub(super) fn captures(&self) -> usize {
        self.captured.borrow().len()
    }

    /// Another journey, or none, begins: it has no captures.
    pub(super) fn forget_captures(&self) {
        self.captured.borrow_mut().clear();
    }

    /// A template all of whose references are alive.
    pub(super) fn template(&self, node: &Node, written: &str) -> Option<Template> {
        let template = match Template::parse(written) {
            Ok(template) => template,
            Err(error) => {
                let remedy = match &error {
                    TemplateError::Function(_) => {
                        "there are uuid(), random(8), now(), now('+1d') and now('%Y-%m-%d')"
                    }
                    _ => {
                        "references look like {{ name }} or {{ target.version }}; \
                         for braces as they are, put them in a variable"
                    }
                };
                self.problems.add(node.at, error.to_string(), remedy);
                return None;
            }
        };
        let mut alive = true;
        for reference in template.references() {
            alive &= self.is_alive(node, reference);
        }
        alive.then_some(template)
    }

    /// Whether a number can stand in JSON as it was written; if not, what to do is a problem.
    pub(super) fn is_json(&self, node: &Node, number: &Number, written: &str) -> bool {
        let number = number.as_str();
        if number != written {
            let message = format!("JSON has no number that is written as {written}");
            let remedy = format!("put it in quotes if it is text, or write {number}");
            self.problems.add(node.at, message, remedy);
        }
        number == written
    }

    /// Whether a template can stand in JSON: one that is a number's variable and nothing else must be a
    /// number that JSON has.
    pub(super) fn is_json_template(&self, node: &Node, template: &Template) -> bool {
        let Some(Reference::Name(name)) = template.lone() else {
            return true;
        };
        let Some(var) = self.vars.get(name) else {
            return true;
        };
        let Some(number) = var.rewritten() else {
            return true;
        };
        let message = format!(
            "{{{{ {name} }}}} is {}, and JSON has no number that is written so",
            var.written()
        );
        let remedy = format!("in vars, put it in quotes if it is text, or write {number}");
        self.problems.add(node.at, message, remedy);
        false
    }

    /// Whether a name that is sent as it is written has no reference, which would be sent, too.
    pub(super) fn is_plain(&self, key: &Key) -> bool {
        let plain = !key.text.contains("{{");
        if !plain {
            let message = format!("the name {:?} can't have references", key.text);
            let remedy =
                "references stand in values; for braces in a name write the text under `body`";
            self.problems.add(key.at, message, remedy);
        }
        plain
    }

    /// What stands for a reference in a text, if that is known before a run.
    pub(super) fn known(&self, reference: &Reference) -> Option<String> {
        match reference {
            Reference::Name(name) => self.vars.get(name).map(|var| var.written().to_owned()),
            Reference::Target(_) | Reference::Function(_) => None,
        }
    }

    fn is_alive(&self, node: &Node, reference: &Reference) -> bool {
        let captured = self.captured.borrow().clone();
        let (name, known): (String, Vec<&str>) = match reference {
            Reference::Function(_) => {
                self.uses_functions.set(true);
                return true;
            }
            Reference::Name(name) if self.names.contains(name) || self.is_captured(name) => {
                return true;
            }
            Reference::Target(key) if TARGET_KEYS.contains(&key.as_str()) => return true,
            _ if self.problems.is_full() => return false,
            Reference::Name(_) if self.lacks_files => return false,
            Reference::Name(name) => (
                name.clone(),
                self.names
                    .iter()
                    .chain(captured.iter())
                    .map(String::as_str)
                    .collect(),
            ),
            Reference::Target(key) => (format!("target.{key}"), TARGET_KEYS.to_vec()),
        };
        let wrong = name.strip_prefix("target.").unwrap_or(&name);
        let prefix = &name[..name.len() - wrong.len()];
        let remedy = match self.problems.nearest(wrong, known.iter().copied()) {
            Some(near) => format!("did you mean {{{{ {prefix}{near} }}}}?"),
            None if known.is_empty() => "declare it under vars or secrets".to_owned(),
            None => format!("known here: {}", words::list(known)),
        };
        self.problems.add(
            node.at,
            format!("{{{{ {name} }}}} refers to nothing"),
            remedy,
        );
        false
    }
}
