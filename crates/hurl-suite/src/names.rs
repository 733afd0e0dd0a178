//! The names that a Hurl file uses, and what stands for them in the suite. Hurl lets a name be captured again, and a capture
//! take the name of a variable; in a suite each has a name of its own.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use gate::HurlSource;
use strict_yaml::words::is_name;
use strict_yaml::{Node, Position, Value};

use crate::Inputs;
use crate::tree::{boolean, number, text};
use crate::uses::{CaptureUses, Origin};

/// What a value is that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, and nothing else.
    Text,
    /// A number, true or false.
    Typed,
    /// What the JSON of an answer holds.
    Json,
}

/// A name of the Hurl file, as the suite knows it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// The name of the variable that holds nothing: beside it, a reference is part of a text.
const EMPTY_VARIABLE: &str = "nothing";

#[derive(Debug, Default)]
pub(crate) struct Names {
    known: BTreeMap<String, Known>,
    taken: BTreeSet<String>,
    /// The number that was tried last for a name that is taken.
    numbers: BTreeMap<String, u32>,
    /// What this entry captures: not known to its own asserts in a suite.
    pending: BTreeSet<String>,
    /// Those that stand for the address at the beginning of a URL.
    pub(crate) bases: RefCell<BTreeSet<String>>,
    /// Where each capture is made, and how each name is used, by the names of the suite.
    origins: BTreeMap<String, Origin>,
    uses: RefCell<BTreeMap<String, CaptureUses>>,
    /// A suite names the file, and has the values.
    pub(crate) in_suite: bool,
    pub(crate) vars: Vec<(String, Node)>,
    pub(crate) secrets: Vec<(String, Node)>,
    /// What is wrong with what was given, with the remedy.
    pub(crate) wrong: Vec<(String, String)>,
    uses_nothing: Cell<bool>,
    calls: Cell<u32>,
}

/// Values of the command line have no place in the file.
const NOWHERE: Position = Position::NOWHERE;

impl Names {
    pub(crate) fn new(given: &Inputs) -> Self {
        let mut names = Self::default();
        // Taken by the deployment, and by us.
        names
            .taken
            .extend(["target".to_owned(), EMPTY_VARIABLE.to_owned()]);
        for (name, written) in &given.vars {
            names.is_nameable("--var", name);
            match value(written) {
                Ok((node, kind)) => names.define(name, node, kind),
                Err((what, remedy)) => {
                    let message = format!("--var {name}: the value {what}");
                    names.wrong.push((message, remedy));
                    // What uses it has no problem of its own.
                    names.define(name, text(NOWHERE, ""), Kind::Text);
                }
            }
        }
        for (name, place) in &given.secrets {
            names.is_nameable("--secret", name);
            if names.known.contains_key(name) {
                let message = format!(
                    "--secret {name}: there is a variable or a secret of this name already"
                );
                names.wrong.push((message, "give it once".to_owned()));
                continue;
            }
            let own = names.declare(name, Kind::Text);
            names.secrets.push((own, text(NOWHERE, place)));
        }
        names
    }

    /// What a suite that names the file has for it.
    pub(crate) fn of_suite(source: &HurlSource<'_>) -> Self {
        let mut names = Self {
            in_suite: true,
            ..Self::default()
        };
        names.taken.insert("target".to_owned());
        names.taken.extend(source.taken.iter().cloned());
        for (name, node) in source.vars {
            let kind = match &node.value {
                Value::Text(_) => Kind::Text,
                Value::Bool(..) | Value::Number(..) => Kind::Typed,
                // No variable, and a problem of the suite's.
                _ => continue,
            };
            names.define(name, node.clone(), kind);
        }
        for name in source.secrets {
            names.declare(name, Kind::Text);
        }
        if !names.taken.insert(EMPTY_VARIABLE.to_owned()) && !source.taken.contains(EMPTY_VARIABLE)
        {
            let message = format!(
                "hurl: {EMPTY_VARIABLE:?} is the name of a variable or a secret, and Hurl files need it"
            );
            names.wrong.push((message, "rename it".to_owned()));
        }
        names
    }

    /// Whether a file can use a name that an option gives.
    fn is_nameable(&mut self, option: &str, name: &str) {
        let fits = |one: char| one.is_alphanumeric() || matches!(one, '_' | '-');
        if name.is_empty() || !name.chars().all(fits) {
            let message = format!("{option} {name:?}: no placeholder has this name");
            let remedy = "use letters, digits, _ and -".to_owned();
            self.wrong.push((message, remedy));
        }
    }

    /// A variable with a value, from here on.
    pub(crate) fn define(&mut self, name: &str, node: Node, kind: Kind) {
        let own = self.declare(name, kind);
        self.vars.push((own, node));
    }

    /// A name for what is called so from here on.
    fn declare(&mut self, name: &str, kind: Kind) -> String {
        let own = self.reserve(name);
        self.capture(name, own.clone(), kind);
        own
    }

    /// A name that nothing else in the suite has.
    pub(crate) fn reserve(&mut self, name: &str) -> String {
        let plain = if is_name(name) {
            name.to_owned()
        } else {
            // What no name can have is a problem already.
            let fits = |one: char| one.is_alphanumeric() || matches!(one, '_' | '-');
            let name = name.replace(|one| !fits(one), "_");
            format!("_{name}")
        };
        let mut own = plain.clone();
        while !self.taken.insert(own.clone()) {
            let number = self.numbers.entry(plain.clone()).or_insert(1);
            *number += 1;
            own = format!("{plain}_{number}");
        }
        own
    }

    /// From here on `name` is what was reserved as `own`.
    pub(crate) fn capture(&mut self, name: &str, own: String, kind: Kind) {
        let known = Known { name: own, kind };
        self.known.insert(name.to_owned(), known);
    }

    /// Where what was reserved as `own` is captured.
    pub(crate) fn comes_from(&mut self, own: String, origin: Origin) {
        self.origins.insert(own, origin);
    }

    pub(crate) fn origin(&self, own: &str) -> Option<&Origin> {
        self.origins.get(own)
    }

    /// All captures, and how each is used, once the file has been read.
    pub(crate) fn captured(&self) -> Vec<(Origin, Option<CaptureUses>)> {
        let uses = self.uses.borrow();
        let origins = self.origins.iter();
        origins
            .map(|(own, origin)| (origin.clone(), uses.get(own).copied()))
            .collect()
    }

    /// A value is used.
    pub(crate) fn used(&self, own: &str, how: impl FnOnce(&mut CaptureUses)) {
        let mut uses = self.uses.borrow_mut();
        how(uses.entry(own.to_owned()).or_default());
    }

    /// The value of a variable, as it is written.
    pub(crate) fn written(&self, own: &str) -> Option<&str> {
        let (_, node) = self.vars.iter().find(|(name, _)| name == own)?;
        match &node.value {
            Value::Text(text) | Value::Bool(_, text) | Value::Number(_, text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Known> {
        self.known.get(name)
    }

    pub(crate) fn is_pending(&self, name: &str) -> bool {
        self.pending.contains(name)
    }

    /// Until [`Names::settle`] these are being captured, and can't be used.
    pub(crate) fn pend(&mut self, names: impl Iterator<Item = String>) {
        self.pending = names.collect();
    }

    pub(crate) fn settle(&mut self) {
        self.pending.clear();
    }

    /// A reference to the variable that holds nothing.
    pub(crate) fn nothing(&self) -> String {
        self.uses_nothing.set(true);
        format!("{{{{ {EMPTY_VARIABLE} }}}}")
    }

    /// A number for a call whose value is new wherever it is written.
    pub(crate) fn next_call(&self) -> u32 {
        self.calls.set(self.calls.get() + 1);
        self.calls.get()
    }

    /// All variables of the suite.
    pub(crate) fn variables(&self) -> Vec<(String, Node)> {
        let nothing = (EMPTY_VARIABLE.to_owned(), text(NOWHERE, ""));
        let nothing = self.uses_nothing.get().then_some(nothing);
        self.vars.iter().cloned().chain(nothing).collect()
    }
}

/// A value of the command line, with the type that Hurl gives it; else why not, and the remedy.
fn value(written: &str) -> Result<(Node, Kind), (String, String)> {
    if let Some(quoted) = written.strip_prefix('"') {
        let Some(inside) = quoted.strip_suffix('"') else {
            let message = "begins with a quote and does not end with one".to_owned();
            return Err((message, "close it, or leave it out".to_owned()));
        };
        return Ok((text(NOWHERE, inside), Kind::Text));
    }
    match written {
        "true" => return Ok((boolean(NOWHERE, true), Kind::Typed)),
        "false" => return Ok((boolean(NOWHERE, false), Kind::Typed)),
        "null" => {
            let message = "is null, which no variable of a suite can be".to_owned();
            return Err((message, "write null in the file".to_owned()));
        }
        _ => {}
    }
    let whole = written.parse::<i64>().map(|value| value.to_string());
    let long = !written.is_empty() && written.chars().all(char::is_numeric);
    // Numbers as Hurl prints them, once they are read.
    let printed = match (whole, written.parse::<f64>()) {
        (Ok(whole), _) => whole,
        (_, _) if long => written.trim_start_matches('0').to_owned(),
        (_, Ok(value)) => format!("{value:?}"),
        _ => return Ok((text(NOWHERE, written), Kind::Text)),
    };
    if printed == written && number(NOWHERE, written).value.kind() == "a number" {
        return Ok((number(NOWHERE, written), Kind::Typed));
    }
    let message = format!("is {written}, which Hurl reads as the number {printed}");
    let remedy =
        format!("write '\"{written}\"', with quotes, for text, or {printed} for the number");
    Err((message, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_typed_as_hurl_types_them() {
        let kind = |written: &str| value(written).map(|(node, _)| node.value.kind());
        assert_eq!(kind("7"), Ok("a number"));
        assert_eq!(kind("-1.5"), Ok("a number"));
        assert_eq!(kind("true"), Ok("true or false"));
        assert_eq!(kind("True"), Ok("text"));
        assert_eq!(kind("\"7\""), Ok("text"));
        assert_eq!(kind("a=b"), Ok("text"));
        assert_eq!(kind(""), Ok("text"));
        for other in ["007", "1.10", "1e3", "+1", "inf", "null", "\"a"] {
            assert!(kind(other).is_err(), "{other}");
        }
    }

    #[test]
    fn each_capture_has_a_name_of_its_own() {
        let mut names = Names::new(&Inputs::default());
        let own: Vec<String> = ["id", "id", "id", "target", "id_2"]
            .iter()
            .map(|name| names.declare(name, Kind::Json))
            .collect();
        assert_eq!(own, ["id", "id_2", "id_3", "target_2", "id_2_2"]);
        assert_eq!(
            names.get("id").map(|known| known.name.as_str()),
            Some("id_3")
        );
    }
}
