//! How captured values are used, and what that demands of them in the step that captures them.
//!
//! Hurl keeps the type of what it captures, and fails where a list or an object is used as a text, or a text as a number. A suite keeps a
//! list, an object and null as texts. So a value that is used anywhere must be of a type that can be: without this demand
//! `!= {{before}}` would hold of any list.

use strict_yaml::{Node, Position, Value};

use crate::tree::{list, map, text};

/// How later entries use a value that was captured, beyond using it at all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CaptureUses {
    /// By a comparison of order.
    pub(crate) as_number: bool,
    /// As the path of a URL, behind the placeholder of the release.
    pub(crate) as_path: bool,
}

/// Where a value is captured.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The index of the step.
    pub(crate) step: usize,
    pub(crate) at: Position,
    /// The key of the capture, and what it says.
    pub(crate) key: &'static str,
    pub(crate) value: String,
    pub(crate) redacted: bool,
}

/// A path, and not `//` or `/\`, which begin another host.
const PATH: &str = r"\A/([^/\\]|\z)";

impl Origin {
    /// Whether a URL may consist of the value: only then its beginning can be demanded.
    pub(crate) fn can_be_path(&self) -> bool {
        matches!(self.key, "json" | "header")
    }

    /// What is expected of the answer, for the value to be what it is used as.
    pub(crate) fn demands(&self, used: Option<CaptureUses>) -> Vec<Node> {
        let at = self.at;
        let as_path = used.is_some_and(|used| used.as_path);
        let path = ("matches", text(at, PATH));
        if self.key == "header" {
            let expectation = |demand| self.expectation("header", "name", demand);
            return as_path.then(|| expectation(path)).into_iter().collect();
        }
        if self.key != "json" {
            return Vec::new();
        }
        let kind = |kind: &str| ("type", text(at, kind));
        let mut demands = Vec::new();
        // Hurl keeps no other secrets.
        demands.extend(self.redacted.then(|| kind("string")));
        demands.extend(as_path.then_some(path));
        let as_number = used.is_some_and(|used| used.as_number);
        demands.extend(as_number.then(|| kind("number")));
        if demands.is_empty() && used.is_some() {
            let types = ["string", "number", "boolean"].map(|one| text(at, one));
            demands.push(("type", list(at, types.to_vec())));
        }
        let demands = demands.into_iter();
        demands
            .map(|demand| self.expectation("json", "path", demand))
            .collect()
    }

    fn expectation(&self, of: &'static str, key: &'static str, demand: (&str, Node)) -> Node {
        let keys = [(key, text(self.at, self.value.clone())), demand];
        map(self.at, [(of, map(self.at, keys))])
    }
}

/// Expects more of a step, which expects something already.
pub(crate) fn expect(step: &mut Node, demands: Vec<Node>) {
    let Value::Map(keys) = &mut step.value else {
        return;
    };
    let expect = keys.iter_mut().find(|(key, _)| key.text == "expect");
    if let Some((_, node)) = expect
        && let Value::List(expectations) = &mut node.value
    {
        expectations.extend(demands);
    }
}
