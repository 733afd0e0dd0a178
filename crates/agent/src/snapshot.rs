//! A page as a model sees it: roles and names, with short references for what can be used.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};

/// Lines of a page that a model sees, and characters of each.
const MAX_LINES: usize = 250;
const MAX_LINE_CHARS: usize = 160;

/// Roles that a model may act on.
const INTERACTIVE_ROLES: [&str; 17] = [
    "button",
    "checkbox",
    "combobox",
    "link",
    "listbox",
    "menuitem",
    "menuitemcheckbox",
    "menuitemradio",
    "option",
    "radio",
    "searchbox",
    "slider",
    "spinbutton",
    "switch",
    "tab",
    "textbox",
    "treeitem",
];

/// A node of the accessibility tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// How deep it is.
    pub depth: usize,
    /// `button`
    pub role: String,
    /// What it is called.
    pub name: String,
    /// What a field holds.
    pub value: Option<String>,
}

/// A page, without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageState {
    /// Where it is.
    pub url: String,
    /// What it calls itself.
    pub title: String,
    /// In order.
    pub elements: Vec<Element>,
}

impl Element {
    /// Whether a model may act on it.
    pub fn is_usable(&self) -> bool {
        INTERACTIVE_ROLES.contains(&self.role.as_str())
    }
}

impl PageState {
    /// The index of the element that a reference such as `@e7` means.
    pub fn resolve(&self, reference: &str) -> Option<usize> {
        let number = reference.trim().trim_start_matches('@').strip_prefix('e')?;
        let number: usize = number.parse().ok()?;
        let mut usable = self.elements.iter().enumerate();
        let nth = number.checked_sub(1)?;
        let nth = usable
            .by_ref()
            .filter(|(_, element)| element.is_usable())
            .nth(nth);
        nth.map(|(index, _)| index)
    }

    /// How people would name the element at `index`: `button "Buy"`.
    pub fn named(&self, index: usize) -> String {
        self.elements
            .get(index)
            .map_or_else(String::new, |element| {
                if element.name.is_empty() {
                    element.role.clone()
                } else {
                    format!("{} {:?}", element.role, short(&element.name))
                }
            })
    }

    /// As a model sees it.
    pub(crate) fn outline(&self) -> String {
        let mut outline = format!("url: {}\ntitle: {}\n", short(&self.url), short(&self.title));
        let mut usable = 0;
        let mut lines = 0;
        let mut last = "";
        for element in &self.elements {
            let reference = element.is_usable().then(|| {
                usable += 1;
                format!("@e{usable} ")
            });
            // What an element is called is said with it.
            let repeats = element.role == "StaticText"
                && (element.name.trim().is_empty() || element.name == last);
            last = &element.name;
            if repeats {
                continue;
            }
            lines += 1;
            if lines > MAX_LINES {
                continue;
            }
            let role = match element.role.as_str() {
                "RootWebArea" => "page",
                "StaticText" => "text",
                role => role,
            };
            let indent = "  ".repeat(element.depth.min(10));
            // A `String` takes everything.
            write!(outline, "{indent}{}{role}", reference.unwrap_or_default()).ok();
            if !element.name.is_empty() {
                write!(outline, " {:?}", short(&element.name)).ok();
            }
            if let Some(value) = element.value.as_deref().filter(|value| !value.is_empty()) {
                write!(outline, " holds {:?}", short(value)).ok();
            }
            outline.push('\n');
        }
        if lines > MAX_LINES {
            writeln!(outline, "… {} more lines", lines - MAX_LINES).ok();
        }
        outline
    }

    /// The same for pages that look the same to a model.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.outline().hash(&mut hasher);
        hasher.finish()
    }
}

fn short(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= MAX_LINE_CHARS {
        return text;
    }
    let head: String = text.chars().take(MAX_LINE_CHARS).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(depth: usize, role: &str, name: &str) -> Element {
        Element {
            depth,
            role: role.to_owned(),
            name: name.to_owned(),
            value: None,
        }
    }

    #[test]
    fn a_page_is_an_outline_with_references() {
        let mut field = element(2, "textbox", "Mail");
        field.value = Some("demo".to_owned());
        let page = PageState {
            url: "http://shop/".to_owned(),
            title: "Shop".to_owned(),
            elements: vec![
                element(0, "RootWebArea", "Shop"),
                element(1, "main", ""),
                field,
                element(2, "button", "Buy"),
                element(3, "StaticText", "Buy"),
                element(2, "StaticText", "Ships today"),
            ],
        };
        insta::assert_snapshot!(page.outline(), @r#"
        url: http://shop/
        title: Shop
        page "Shop"
          main
            @e1 textbox "Mail" holds "demo"
            @e2 button "Buy"
            text "Ships today"
        "#);
        assert_eq!(page.resolve("@e2"), Some(3));
        assert_eq!(page.resolve("e1"), Some(2));
        assert_eq!(page.named(3), "button \"Buy\"");
        for wrong in ["@e0", "@e3", "button", "@e", "@e99999999999999999999"] {
            assert_eq!(page.resolve(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_model_sees_is_bounded() {
        let elements = vec![element(3, "link", &"x".repeat(10_000)); 10_000];
        let page = PageState {
            elements,
            ..PageState::default()
        };
        assert!(page.outline().len() < 64 * 1024);
    }
}
