//! Which element of a page is meant: by role and name, by text, or by a CSS selector.

use strict_yaml::{Node, Object, Value, scalar};

use crate::probe::browser::{LocatorTemplate, MatchTemplate};
use crate::suite::context::Context;
use crate::suite::keys;
use crate::words;

/// Characters of one selector.
const MAX_SELECTOR: usize = 1024;

/// Roles of WAI-ARIA 1.2 that elements have for people.
const ROLES: &[&str] = &[
    "alert",
    "alertdialog",
    "article",
    "banner",
    "blockquote",
    "button",
    "cell",
    "checkbox",
    "code",
    "columnheader",
    "combobox",
    "complementary",
    "contentinfo",
    "definition",
    "dialog",
    "feed",
    "figure",
    "form",
    "grid",
    "gridcell",
    "group",
    "heading",
    "img",
    "link",
    "list",
    "listbox",
    "listitem",
    "log",
    "main",
    "math",
    "menu",
    "menubar",
    "menuitem",
    "menuitemcheckbox",
    "menuitemradio",
    "meter",
    "navigation",
    "note",
    "option",
    "paragraph",
    "progressbar",
    "radio",
    "radiogroup",
    "region",
    "row",
    "rowgroup",
    "rowheader",
    "scrollbar",
    "search",
    "searchbox",
    "separator",
    "slider",
    "spinbutton",
    "status",
    "switch",
    "tab",
    "table",
    "tablist",
    "tabpanel",
    "term",
    "textbox",
    "timer",
    "toolbar",
    "tooltip",
    "tree",
    "treegrid",
    "treeitem",
];

/// `{ role: button, name: Buy }`, `{ text: Buy }` or `{ css: "#buy" }`.
pub(super) fn element(node: &Node, context: &Context) -> Option<LocatorTemplate> {
    let object = Object::read(node, &keys::BROWSER_ELEMENT, &context.problems)?;
    of(node, &object, context)
}

/// The same of an object that has more than that.
pub(super) fn of(node: &Node, object: &Object<'_>, context: &Context) -> Option<LocatorTemplate> {
    let problems = &context.problems;
    let given = ["role", "text", "css"];
    let given: Vec<&str> = given
        .into_iter()
        .filter(|key| object.get(key).is_some())
        .collect();
    let by = match given.as_slice() {
        [by] => *by,
        [] => {
            if !object.has_unknown_keys() {
                let message = "this does not say which element is meant";
                let remedy =
                    "write `{ role: button, name: Buy }`, `{ text: Buy }` or `{ css: \"#buy\" }`";
                problems.add(node.at, message, remedy);
            }
            return None;
        }
        [first, second, ..] => {
            let message =
                format!("an element is found in one way, not both by `{first}` and `{second}`");
            problems.add(node.at, message, "remove one");
            return None;
        }
    };
    if let (Some(name), true) = (object.get("name"), by != "role") {
        let message = "`name` goes with `role`";
        problems.add(name.at, message, "remove it");
        return None;
    }
    let value = object.get(by)?;
    match by {
        "role" => {
            let role = role(value, context);
            let name = object
                .get("name")
                .map(|node| text_match(node, "name", context));
            Some(LocatorTemplate::Role {
                role: role?,
                name: name.map_or(Some(None), |name| name.map(Some))?,
            })
        }
        "text" => text_match(value, "text", context).map(LocatorTemplate::Text),
        _ => {
            let written = scalar::text(value, "css", problems)?;
            is_selector(written, value, "css", context)
                .then(|| LocatorTemplate::Css(written.to_owned()))
        }
    }
}

/// Whether elements of this role can be asked for.
pub(crate) fn is_role(role: &str) -> bool {
    ROLES.contains(&role)
}

fn role(node: &Node, context: &Context) -> Option<String> {
    let problems = &context.problems;
    let written = scalar::text(node, "role", problems)?;
    if ROLES.contains(&written) {
        return Some(written.to_owned());
    }
    let message = format!("role: {written:?} is not a role by which people find an element");
    let remedy = match problems.nearest(written, ROLES.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "write one of WAI-ARIA, such as button, link, textbox, heading or img".to_owned(),
    };
    problems.add(node.at, message, remedy);
    None
}

/// A text, or a mapping.
fn text_match(node: &Node, key: &str, context: &Context) -> Option<MatchTemplate> {
    let problems = &context.problems;
    let template = |node: &Node, key: &str| {
        let written = scalar::loose_text(node, key, problems)?;
        if written.trim().is_empty() {
            let message = format!("{key}: an empty text is found everywhere");
            problems.add(node.at, message, "write what people read");
            return None;
        }
        context.template(node, written)
    };
    if !matches!(node.value, Value::Map(_)) {
        return template(node, key).map(MatchTemplate::Equals);
    }
    let object = Object::read(node, &keys::BROWSER_NAME, problems)?;
    match (object.get("equals"), object.get("contains")) {
        (Some(node), None) => template(node, "equals").map(MatchTemplate::Equals),
        (None, Some(node)) => template(node, "contains").map(MatchTemplate::Contains),
        (None, None) if object.has_unknown_keys() => None,
        _ => {
            let message = format!("{key} is one of `equals` and `contains`");
            problems.add(node.at, message, "write a text, or `{ contains: … }`");
            None
        }
    }
}

/// Whether a text may be a selector; the browser judges the rest.
pub(super) fn is_selector(written: &str, node: &Node, key: &str, context: &Context) -> bool {
    let problems = &context.problems;
    let (message, remedy) = if written.contains("{{") {
        (
            "a selector can't have references".to_owned(),
            "write a fixed selector",
        )
    } else if written.len() > MAX_SELECTOR {
        let bound = words::bytes(MAX_SELECTOR);
        (
            format!("the selector is longer than {bound}"),
            "write it shorter",
        )
    } else if !is_balanced(written) {
        (
            format!("{key}: {written:?} is not a CSS selector"),
            "write one such as \"main > h1\" or \"a[href^='/buy']\"",
        )
    } else {
        return true;
    };
    problems.add(node.at, message, remedy);
    false
}

/// Whether brackets and quotes come in pairs, and something is there.
fn is_balanced(written: &str) -> bool {
    let mut open = Vec::new();
    let mut quote = None;
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (_, '\\') => {
                letters.next();
            }
            (Some(mark), letter) if letter == mark => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(') => open.push(')'),
            (None, '[') => open.push(']'),
            (None, ')' | ']') if open.pop() != Some(letter) => return false,
            (None, '{' | '}' | ';') => return false,
            _ => {}
        }
    }
    quote.is_none() && open.is_empty() && !written.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_quotes_of_a_selector_come_in_pairs() {
        for good in [
            "#buy",
            "a[href^='/b)uy']",
            ":is(main, [role=\"main\"]) > h1",
            r"#a\[b",
        ] {
            assert!(is_balanced(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "div[",
            "a:not(b",
            "a)",
            "[a)",
            "a['b]",
            "h1 { color: red }",
        ] {
            assert!(!is_balanced(bad), "{bad}");
        }
    }
}
