//! Elements as people find them: by role and name, by their text, or by a CSS selector; and whether they can be used.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::page::{Page, ScriptResult};
use crate::{Error, view};

/// Elements that are looked at, of those that one locator finds.
const MAX_ELEMENTS: usize = 200;

/// Which element is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locator {
    /// By its role and its accessible name, as assistive technology has them.
    Role {
        /// `button`
        role: String,
        /// Without it, any.
        name: Option<TextMatch>,
    },
    /// The innermost element with this text.
    Text(TextMatch),
    /// By a CSS selector.
    Css(String),
}

/// Which text is meant; white space is one space, none at the ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextMatch {
    /// All of it.
    Equals(String),
    /// A part of it.
    Contains(String),
}

impl TextMatch {
    pub(crate) fn holds(&self, text: &str) -> bool {
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        match self {
            Self::Equals(wanted) => text == *wanted,
            Self::Contains(wanted) => text.contains(wanted),
        }
    }

    fn as_json(&self) -> Value {
        match self {
            Self::Equals(text) => json!({ "equals": text }),
            Self::Contains(text) => json!({ "contains": text }),
        }
    }
}

impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(text) => write!(f, "{text:?}"),
            Self::Contains(text) => write!(f, "with {text:?}"),
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role { role, name: None } => write!(f, "{role}"),
            Self::Role {
                role,
                name: Some(name),
            } => write!(f, "{role} {name}"),
            Self::Text(text) => write!(f, "text {text}"),
            Self::Css(selector) => write!(f, "{selector}"),
        }
    }
}

/// What a locator finds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Located {
    /// In the page.
    pub all: usize,
    /// Of those, what people see.
    pub seen: usize,
    /// It is no selector.
    #[serde(default)]
    pub invalid: bool,
}

/// A point of the screen.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// What an element is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntendedAction {
    /// It is pressed.
    Click,
    /// It is pressed, and text goes into it.
    Type,
    /// One of its options is chosen, without a press.
    Select,
}

/// Why an element can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotActionable {
    /// It is not in the page any more.
    Gone,
    /// Nobody sees it.
    Hidden,
    /// It does not keep still.
    Moving,
    /// The page draws nothing.
    Frozen,
    /// It is there to be seen only.
    Disabled,
    /// Its text can't be changed.
    ReadOnly,
    /// No part of it can be brought onto the screen.
    OffScreen,
    /// A click would hit something else: this.
    Covered(String),
    /// It takes no text: this.
    NoField(String),
    /// It offers no choice: this.
    NoSelect(String),
    /// It has no such option, but these.
    NoOption(String),
}

impl fmt::Display for NotActionable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("it goes away"),
            Self::Hidden => f.write_str("it is not visible"),
            Self::Moving => f.write_str("it does not keep still"),
            Self::Frozen => f.write_str("the page draws nothing"),
            Self::Disabled => f.write_str("it is disabled"),
            Self::ReadOnly => f.write_str("it is read-only"),
            Self::OffScreen => f.write_str("it can't be brought onto the screen"),
            Self::Covered(by) => write!(f, "it is covered by {by}"),
            Self::NoField(what) => write!(f, "it is {what}, which takes no text"),
            Self::NoSelect(what) => write!(f, "it is {what}, which is no select"),
            Self::NoOption(others) => write!(f, "it has no such option, but: {others}"),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Actionability {
    x: Option<f64>,
    y: Option<f64>,
    why: Option<String>,
    #[serde(default)]
    by: String,
}

impl Actionability {
    /// Why not, if so.
    pub(crate) fn unready(self) -> Result<Option<NotActionable>, Error> {
        let Some(why) = self.why else {
            return Ok(None);
        };
        Ok(Some(match why.as_str() {
            "gone" => NotActionable::Gone,
            "hidden" => NotActionable::Hidden,
            "moving" => NotActionable::Moving,
            "frozen" => NotActionable::Frozen,
            "disabled" => NotActionable::Disabled,
            "readonly" => NotActionable::ReadOnly,
            "offscreen" => NotActionable::OffScreen,
            "covered" => NotActionable::Covered(self.by),
            "no-field" => NotActionable::NoField(self.by),
            "no-select" => NotActionable::NoSelect(self.by),
            "no-option" => NotActionable::NoOption(self.by),
            other => return Err(Error::Script(other.to_owned())),
        }))
    }
}

impl Page {
    /// Looks for elements. Those that people see are what the next questions are about, until something else is looked for.
    pub async fn locate(&mut self, locator: &Locator) -> Result<Located, Error> {
        match locator {
            Locator::Css(selector) => {
                let selector = Value::from(selector.as_str());
                self.run(&format!("deployHooks.find({selector}, null)"))
                    .await
            }
            Locator::Text(text) => {
                let text = text.as_json();
                self.run(&format!("deployHooks.find(null, {text})")).await
            }
            Locator::Role { role, name } => loop {
                let context = self.world().await?;
                match self.by_role(role, name.as_ref(), context).await {
                    Err(error) if error.is_of_a_document_gone() => self.forget(context),
                    other => return other,
                }
            },
        }
    }

    /// What the next questions are about is the element that the browser knows by this number, if people see it.
    pub async fn take_node(&mut self, backend: i64) -> Result<Located, Error> {
        loop {
            let context = self.world().await?;
            match self.take_nodes(&[backend], context).await {
                Err(error) if error.is_of_a_document_gone() => self.forget(context),
                other => return other,
            }
        }
    }

    /// A CSS selector that finds the element that was found, and no other.
    pub async fn selector(&mut self) -> Result<Option<String>, Error> {
        self.run("deployHooks.selector()").await
    }

    /// Looks at what is farther down, or up.
    pub async fn scroll(&mut self, down: bool) -> Result<(), Error> {
        let _: Value = self.run(&format!("deployHooks.scroll({down})")).await?;
        Ok(())
    }

    /// Goes back to the page before, if there is one.
    pub async fn back(&mut self) -> Result<(), Error> {
        let _: Value = self.run("deployHooks.back()").await?;
        Ok(())
    }

    async fn by_role(
        &mut self,
        role: &str,
        name: Option<&TextMatch>,
        context: i64,
    ) -> Result<Located, Error> {
        #[derive(Deserialize)]
        struct Nodes {
            nodes: Vec<view::AxNode>,
        }
        let query = json!({
            "backendNodeId": self.document(context).await?,
            // As the browser itself calls it.
            "role": if role == "img" { "image" } else { role },
        });
        let found: Nodes = self
            .call_of_document(context, "Accessibility.queryAXTree", query)
            .await?;
        let meant = found.nodes.into_iter().filter(|node| {
            !node.ignored && name.is_none_or(|name| name.holds(node.name().unwrap_or_default()))
        });
        let meant: Vec<i64> = meant.filter_map(|node| node.backend_dom_node_id).collect();
        let all = meant.len();
        let taken = self.take_nodes(&meant, context).await?;
        Ok(Located { all, ..taken })
    }

    /// The number of the document whose scripts run in `context`; asked for once.
    async fn document(&mut self, context: i64) -> Result<i64, Error> {
        #[derive(Deserialize)]
        struct Document {
            root: Root,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Root {
            backend_node_id: i64,
        }
        if let Some((of, known)) = self.document
            && of == context
        {
            return Ok(known);
        }
        let whole = json!({ "depth": 0 });
        let document: Document = self
            .call_of_document(context, "DOM.getDocument", whole)
            .await?;
        let number = document.root.backend_node_id;
        // Another one may have come meanwhile.
        if self.world == Some(context) {
            self.document = Some((context, number));
        }
        Ok(number)
    }

    /// By what scripts of a world know a node; none of what is no object there.
    pub(crate) async fn object_id(
        &mut self,
        node: i64,
        context: i64,
    ) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        struct Resolved {
            object: Object,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Object {
            object_id: Option<String>,
        }
        let resolve = json!({ "backendNodeId": node, "executionContextId": context });
        let resolved: Resolved = self.call("DOM.resolveNode", resolve).await?;
        Ok(resolved.object.object_id)
    }

    async fn take_nodes(&mut self, nodes: &[i64], context: i64) -> Result<Located, Error> {
        let mut objects = Vec::new();
        for node in nodes.iter().take(MAX_ELEMENTS) {
            match self.object_id(*node, context).await {
                Ok(id) => objects.extend(id),
                // It went away since it was found, or its page did.
                Err(Error::Refused { message, .. })
                    if message.contains("No node")
                        || message.contains("does not belong to the document") => {}
                Err(other) => return Err(other),
            }
        }
        let arguments: Vec<Value> = objects.iter().map(|id| json!({ "objectId": id })).collect();
        let take = json!({
            "functionDeclaration": "function (...elements) { return deployHooks.take(...elements); }",
            "executionContextId": context, "arguments": arguments, "returnByValue": true
        });
        let taken: ScriptResult = self.call("Runtime.callFunctionOn", take).await?;
        taken.value()
    }

    /// The texts of the elements that were found and are seen, or an attribute of each.
    pub async fn look(&mut self, attribute: Option<&str>) -> Result<Vec<Option<String>>, Error> {
        let attribute = Value::from(attribute);
        self.run(&format!("deployHooks.look({attribute})")).await
    }

    /// The first of them, as people would name them.
    pub async fn names(&mut self) -> Result<Vec<String>, Error> {
        self.run("deployHooks.names()").await
    }

    /// Where the one that was found can be used: it is visible, enabled and not covered, and keeps still where it is
    /// pressed.
    pub async fn ready(
        &mut self,
        action: IntendedAction,
    ) -> Result<Result<Point, NotActionable>, Error> {
        let (editable, pressed) = (
            action == IntendedAction::Type,
            action != IntendedAction::Select,
        );
        let script = format!("deployHooks.ready({editable}, {pressed})");
        let readiness: Actionability = self.run(&script).await?;
        if let (Some(x), Some(y)) = (readiness.x, readiness.y) {
            return Ok(Ok(Point { x, y }));
        }
        match readiness.unready()? {
            Some(why) => Ok(Err(why)),
            None => Err(Error::Script("an element without a place".to_owned())),
        }
    }

    /// Chooses an option of the select that was found, by what people read or by its value.
    pub async fn choose(&mut self, option: &str) -> Result<Result<(), NotActionable>, Error> {
        let option = Value::from(option);
        let readiness: Actionability = self.run(&format!("deployHooks.choose({option})")).await?;
        Ok(readiness.unready()?.map_or(Ok(()), Err))
    }
}
