//! Reading objects by their key tables, collecting problems instead of stopping at the first.

use std::collections::HashMap;

use crate::node::{Key, Node, Position, Value};
use crate::table::KeyTable;
use crate::{Findings, Problem, words};

/// A mapping whose keys are known to be right.
#[derive(Debug)]
pub struct Object<'n> {
    /// Where it begins.
    pub at: Position,
    table: &'static KeyTable,
    entries: Vec<(&'n Key, &'n Node)>,
    /// What the unknown keys were probably meant to be.
    meant: Vec<Option<&'static str>>,
}

impl<'n> Object<'n> {
    /// Reads `node` as an object of `table`; unknown and duplicate keys become problems.
    pub fn read(node: &'n Node, table: &'static KeyTable, problems: &Findings) -> Option<Self> {
        let entries = entries(node, table.label, problems)?;
        let (mut known, mut meant) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            if table.keys.contains(&key.text.as_str()) {
                known.push((key, value));
            } else {
                let near = problems.nearest(&key.text, table.keys.iter().copied());
                meant.push(near);
                problems.push(unknown(key, table, near));
            }
        }
        Some(Self {
            at: node.at,
            table,
            entries: known,
            meant,
        })
    }

    /// The value of a key; the key must stand in the table.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        // A key outside of the table would never be found: a defect of the decoder.
        debug_assert!(
            self.table.keys.contains(&key),
            "{key:?} is not in the table"
        );
        self.entries
            .iter()
            .find(|(found, _)| found.text == key)
            .map(|(_, node)| *node)
    }

    /// The value of a key that must be there.
    pub fn require(&self, key: &str, problems: &Findings) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() && !self.meant.contains(&Some(key)) {
            let message = format!("{} has no {key:?}", self.table.label);
            problems.add(self.at, message, format!("add `{key}:`"));
        }
        found
    }

    /// Whether something was written here that is a problem already.
    pub fn has_unknown_keys(&self) -> bool {
        !self.meant.is_empty()
    }

    /// The known keys that were written, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &'n Key> {
        self.entries.iter().map(|(key, _)| *key)
    }
}

/// The entries of a mapping with free keys; duplicates become problems.
pub fn entries<'n>(
    node: &'n Node,
    label: &str,
    problems: &Findings,
) -> Option<Vec<(&'n Key, &'n Node)>> {
    let Value::Map(entries) = &node.value else {
        problems.add(
            node.at,
            format!(
                "{label} is a mapping (`key: value`), not {}",
                node.value.kind()
            ),
            "write its keys below it, indented",
        );
        return None;
    };
    let mut lines: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
    let mut once: Vec<(&Key, &Node)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if let Some(line) = lines.get(key.text.as_str()) {
            problems.add(
                key.at,
                format!("the key {:?} is there twice", key.text),
                format!("it is also in line {line}; remove one"),
            );
        } else {
            lines.insert(&key.text, key.at.line);
            once.push((key, value));
        }
    }
    Some(once)
}

/// The items of a list.
pub fn items<'n>(node: &'n Node, label: &str, problems: &Findings) -> Option<&'n [Node]> {
    if let Value::List(items) = &node.value {
        return Some(items);
    }
    let message = format!("{label} is a list, not {}", node.value.kind());
    problems.add(
        node.at,
        message,
        "write each item in a line of its own, after `- `",
    );
    None
}

fn unknown(key: &Key, table: &KeyTable, near: Option<&str>) -> Problem {
    let known = || {
        format!(
            "{} knows {}",
            table.label,
            words::list(table.keys.iter().copied())
        )
    };
    if table.later.contains(&key.text.as_str()) {
        let message = format!("the key {:?} is not part of this version", key.text);
        return key.at.problem(message, known());
    }
    let remedy = match near {
        Some(near) => format!("did you mean {near:?}?"),
        None => known(),
    };
    key.at
        .problem(format!("unknown key {:?}", key.text), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    crate::tables! {
        later: &["colour"];
        BOX: "box", "a box", ["name", "size"];
    }

    const FILE: Document = Document {
        noun: "list",
        begin: "write something",
        split: "write less",
    };

    /// What comes of a file that is one box.
    fn outcome_of(text: &str) -> String {
        let node = crate::read(text, FILE).unwrap();
        let problems = Findings::default();
        let name = Object::read(&node, &BOX, &problems)
            .and_then(|object| object.require("name", &problems));
        let read = problems.conclude("box.yaml", name.map(|_| ()));
        read.map_or_else(|problems| problems.to_string(), |()| "right".to_owned())
    }

    #[test]
    fn an_object_has_its_keys_once_and_no_others() {
        assert_eq!(ALL.len(), 1);
        assert_eq!(outcome_of("name: a"), "right");
        assert_eq!(
            outcome_of("size: 1"),
            "box.yaml:1:1: a box has no \"name\"; add `name:`"
        );
        assert_eq!(
            outcome_of("name: a\nname: b"),
            "box.yaml:2:1: the key \"name\" is there twice; it is also in line 1; remove one"
        );
        assert_eq!(
            outcome_of("[a]"),
            "box.yaml:1:1: a box is a mapping (`key: value`), not a list; write its keys below it, indented"
        );
    }

    #[test]
    fn a_key_that_was_meant_is_not_missing_as_well() {
        assert_eq!(
            outcome_of("nmae: a\nweight: 1\ncolour: red"),
            "box.yaml:1:1: unknown key \"nmae\"; did you mean \"name\"?\n\
             box.yaml:2:1: unknown key \"weight\"; a box knows \"name\", \"size\"\n\
             box.yaml:3:1: the key \"colour\" is not part of this version; a box knows \"name\", \"size\""
        );
    }

    #[test]
    fn the_file_is_called_what_it_is() {
        let outcome_of = |text: &str| crate::read(text, FILE).unwrap_err().to_string();
        assert_eq!(outcome_of(""), "1:1: the file is empty; write something");
        assert_eq!(
            outcome_of("a: 1\n---\nb: 2"),
            "2:1: a second document begins; a file holds one list: remove the `---` or make a file of its own"
        );
        assert_eq!(
            outcome_of(&"#".repeat(1024 * 1024 + 1)),
            "1:1: the file is larger than 1 MiB; write less"
        );
    }
}
