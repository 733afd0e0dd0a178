//! What a page looks like: its text and its times, its accessibility tree, and a picture of it.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;

use crate::Error;
use crate::page::{Page, Viewport};
use crate::secluded::Part;

/// Nodes of a tree that are looked at.
const MAX_NODES: usize = 20_000;
/// A picture that is larger is taken at half the size.
const MAX_PICTURE_BYTES: usize = 384 * 1024;

/// A document, and what is wrong with its looks.
#[derive(Clone, Debug, Deserialize)]
pub struct Audit {
    /// The document.
    pub view: View,
    /// How it is wider than the screen.
    pub overflow: Option<Overflow>,
    /// Text that some can't read.
    pub contrast: Contrast,
}

/// A document, as it is now.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Where it is.
    pub url: String,
    /// What it calls itself.
    pub title: String,
    /// What people can read, up to 512 Ki characters.
    pub text: String,
    /// Whether it is complete.
    pub ready: bool,
    /// `lang` of the document.
    pub lang: String,
    /// To the first byte of its answer, in milliseconds.
    pub ttfb: Option<f64>,
    /// To the largest piece of content, in milliseconds.
    pub lcp: Option<f64>,
    /// How much has moved without anybody's doing.
    pub cls: f64,
    /// The longest time in which the page could not react, in milliseconds.
    pub long_task: f64,
}

/// What is wider than the screen.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Overflow {
    /// The page's own width, in CSS pixels.
    pub width: u32,
    /// The element that ends farthest to the right.
    pub by: String,
}

/// How well the text of a page stands out from what is behind it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Contrast {
    /// Whether all of it was looked at.
    pub complete: bool,
    /// Colours that differ too little, each pair of them once.
    pub low: Vec<LowContrast>,
}

/// Text in a colour that differs too little from what is behind it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct LowContrast {
    /// The first element with it, as people would name it.
    pub what: String,
    /// The ratio of both, as WCAG has it.
    pub ratio: f64,
    /// The ratio that text of its size needs.
    pub needed: f64,
    /// `#aaaaaa`
    pub colour: String,
    /// What is behind the text.
    pub background: String,
    /// How many texts have it.
    pub count: usize,
}

/// A picture of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screenshot {
    /// PNG, in base64.
    pub png: String,
    /// Of the picture, in pixels.
    pub width: u32,
    /// Of the picture, in pixels.
    pub height: u32,
}

/// A node of the accessibility tree that assistive technology speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// How deep it is.
    pub depth: usize,
    /// `button`
    pub role: String,
    /// What it is called; empty if nothing.
    pub name: String,
    /// What a field holds; nothing of a password.
    pub value: Option<String>,
    /// By which the browser knows the element, if it is one.
    pub backend: Option<i64>,
}

/// As the protocol has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AxNode {
    #[serde(default)]
    node_id: String,
    #[serde(default)]
    pub(crate) ignored: bool,
    role: Option<AxValue>,
    name: Option<AxValue>,
    value: Option<AxValue>,
    #[serde(default)]
    child_ids: Vec<String>,
    parent_id: Option<String>,
    #[serde(rename = "backendDOMNodeId")]
    pub(crate) backend_dom_node_id: Option<i64>,
}

#[derive(Deserialize)]
struct AxValue {
    value: Option<serde_json::Value>,
}

impl AxNode {
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_ref()?.value.as_ref()?.as_str()
    }

    /// Browsers show of a password how long it is.
    fn held(&self) -> Option<String> {
        let value = self.value.as_ref()?.value.as_ref()?;
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty() && !text.chars().all(|c| c == '•')).then_some(text)
    }

    fn role(&self) -> &str {
        let value = self.role.as_ref().and_then(|role| role.value.as_ref());
        value.and_then(|value| value.as_str()).unwrap_or_default()
    }
}

impl Page {
    /// The document, as it is now.
    pub async fn view(&mut self) -> Result<View, Error> {
        self.run("deployHooks.page()").await
    }

    /// The document with what is wrong with its looks, all of one moment.
    pub async fn audit(&mut self) -> Result<Audit, Error> {
        let width = self.viewport().width;
        self.run(&format!(
            "({{ view: deployHooks.page(), overflow: deployHooks.overflow({width}), contrast: deployHooks.contrast() }})"
        ))
        .await
    }

    /// Whether the page is wider than the screen.
    pub async fn overflow(&mut self) -> Result<Option<Overflow>, Error> {
        let width = self.viewport().width;
        self.run(&format!("deployHooks.overflow({width})")).await
    }

    /// Text that some can't read, as far as its colour and what is behind it can be computed.
    pub async fn contrast(&mut self) -> Result<Contrast, Error> {
        self.run("deployHooks.contrast()").await
    }

    /// The accessibility tree, in order.
    pub async fn tree(&mut self) -> Result<Vec<Node>, Error> {
        #[derive(Deserialize)]
        struct Tree {
            nodes: Vec<AxNode>,
        }
        loop {
            let context = self.world().await?;
            let all: Result<Tree, Error> = self
                .call_of_document(context, "Accessibility.getFullAXTree", json!({}))
                .await;
            match all {
                Ok(tree) => return Ok(in_order(&tree.nodes)),
                Err(error) if error.is_of_a_document_gone() => self.forget(context),
                Err(other) => return Err(other),
            }
        }
    }

    /// A picture of the screen, with what holds `secrets`, password fields and what `selectors` find covered.
    pub async fn screenshot(
        &mut self,
        selectors: &[String],
        secrets: &[String],
    ) -> Result<Screenshot, Error> {
        let gone = |error: Error| {
            if error.is_of_a_document_gone() {
                let why = "it went on to another one while its picture was taken";
                return Error::Script(why.to_owned());
            }
            error
        };
        let parts = self.parts().await.map_err(gone)?;
        let taken = match self.cover(&parts, selectors, secrets).await {
            Ok(()) => self.small_picture().await,
            Err(why) => Err(why),
        };
        let mut was_covered = Ok(true);
        for part in &parts {
            let uncovered: Result<bool, Error> = self.call_in(part, UNMASK, &[]).await;
            was_covered = match (was_covered, uncovered) {
                (Ok(all), Ok(this)) => Ok(all && this),
                (Err(why), _) | (Ok(_), Err(why)) => Err(why),
            };
        }
        let taken = taken.map_err(gone)?;
        if !was_covered.map_err(gone)? {
            let why = "what covers its secrets did not stay while its picture was taken";
            return Err(Error::Script(why.to_owned()));
        }
        Ok(taken)
    }

    /// Covers in each part what must not be seen.
    async fn cover(
        &mut self,
        parts: &[Part],
        selectors: &[String],
        secrets: &[String],
    ) -> Result<(), Error> {
        #[derive(Deserialize)]
        struct Masked {
            invalid: bool,
            places: usize,
            #[serde(default)]
            covered: bool,
        }
        for part in parts {
            let given = [json!(selectors), json!(secrets), json!(part.roots.len())];
            let masked: Masked = self.call_in(part, MASK, &given).await?;
            if masked.invalid {
                return Err(Error::Script("a mask is no CSS selector".to_owned()));
            }
            if !masked.covered {
                let places = masked.places;
                let why = format!("{places} places are more than can be covered in a picture");
                return Err(Error::Script(why));
            }
        }
        Ok(())
    }

    async fn small_picture(&mut self) -> Result<Screenshot, Error> {
        let taken = match self.picture(1.0).await? {
            large if large.png.len() > MAX_PICTURE_BYTES => self.picture(0.5).await?,
            small => small,
        };
        if taken.png.len() > 2 * MAX_PICTURE_BYTES {
            return Err(Error::TooLarge);
        }
        Ok(taken)
    }

    async fn picture(&mut self, scale: f64) -> Result<Screenshot, Error> {
        #[derive(Deserialize)]
        struct Captured {
            data: String,
        }
        let mut capture = json!({ "format": "png", "optimizeForSpeed": false });
        if scale < 1.0 {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Metrics {
                css_visual_viewport: Seen,
            }
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Seen {
                page_x: f64,
                page_y: f64,
                client_width: f64,
                client_height: f64,
            }
            let metrics: Metrics = self.call("Page.getLayoutMetrics", json!({})).await?;
            let seen = metrics.css_visual_viewport;
            capture["clip"] = json!({
                "x": seen.page_x, "y": seen.page_y, "width": seen.client_width,
                "height": seen.client_height, "scale": scale
            });
        }
        let captured: Captured = self.call("Page.captureScreenshot", capture).await?;
        let Viewport { width, height, .. } = self.viewport();
        let (width, height) = size_of_png(&captured.data).unwrap_or((width, height));
        Ok(Screenshot {
            png: captured.data,
            width,
            height,
        })
    }
}

/// Functions of our script, with what is found in a part behind their own arguments.
const MASK: &str = "function (selectors, secrets, roots, ...found) { \
     return deployHooks.masked(selectors, secrets, found.slice(0, roots), found.slice(roots)); }";
const UNMASK: &str = "function () { return deployHooks.unmask(); }";

/// Width and height, which stand at fixed places of a PNG.
fn size_of_png(base64: &str) -> Option<(u32, u32)> {
    let head = data_encoding::BASE64.decode(base64.get(..32)?.as_bytes());
    let head = head.ok()?;
    let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}

/// What assistive technology speaks of, in the order of the page.
fn in_order(nodes: &[AxNode]) -> Vec<Node> {
    let by_id: HashMap<&str, &AxNode> = nodes
        .iter()
        .map(|node| (node.node_id.as_str(), node))
        .collect();
    let roots = nodes.iter().filter(|node| node.parent_id.is_none());
    let mut stack: Vec<(&AxNode, usize)> = roots.map(|root| (root, 0)).collect();
    stack.reverse();
    let mut ordered = Vec::new();
    // A tree has no more nodes than there are; what is none must not be gone through for ever.
    let mut left = nodes.len().min(MAX_NODES);
    while let Some((node, depth)) = stack.pop() {
        if left == 0 {
            break;
        }
        left -= 1;
        let role = node.role();
        let inline = matches!(role, "InlineTextBox" | "LineBreak");
        let is_spoken = !node.ignored && !inline && !matches!(role, "" | "none" | "generic");
        if is_spoken {
            ordered.push(Node {
                depth,
                role: role.to_owned(),
                name: node.name().unwrap_or_default().to_owned(),
                value: node.held(),
                backend: node.backend_dom_node_id,
            });
        }
        let below = depth + usize::from(is_spoken);
        let children = node.child_ids.iter().rev();
        stack.extend(children.filter_map(|id| Some((*by_id.get(id.as_str())?, below))));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, parent: Option<&str>, role: &str, name: &str, children: &[&str]) -> AxNode {
        serde_json::from_value(json!({
            "nodeId": id, "parentId": parent, "ignored": role == "none",
            "role": { "value": role }, "name": { "value": name }, "childIds": children
        }))
        .unwrap()
    }

    #[test]
    fn a_tree_is_read_in_the_order_of_the_page_without_what_nobody_speaks_of() {
        let nodes = [
            node("1", None, "RootWebArea", "Shop", &["2", "5"]),
            node("2", Some("1"), "none", "", &["3", "4"]),
            node("5", Some("1"), "link", "Home", &[]),
            node("3", Some("2"), "button", "Buy", &["6"]),
            node("4", Some("2"), "image", "", &[]),
            node("6", Some("3"), "InlineTextBox", "Buy", &[]),
        ];
        let read: Vec<(usize, String, String)> = in_order(&nodes)
            .into_iter()
            .map(|node| (node.depth, node.role, node.name))
            .collect();
        let expected = [
            (0, "RootWebArea", "Shop"),
            (1, "button", "Buy"),
            (1, "image", ""),
            (1, "link", "Home"),
        ];
        assert_eq!(
            read,
            expected.map(|(depth, role, name)| (depth, role.to_owned(), name.to_owned()))
        );
    }

    #[test]
    fn what_is_no_tree_is_left_soon() {
        let nodes = [
            node("1", None, "main", "", &["2", "2", "1"]),
            node("2", Some("1"), "list", "", &["1", "2"]),
        ];
        assert!(in_order(&nodes).len() <= 2);
    }

    #[test]
    fn the_size_of_a_picture_is_in_its_head() {
        let mut head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        head.extend(390_u32.to_be_bytes());
        head.extend(844_u32.to_be_bytes());
        let base64 = data_encoding::BASE64.encode(&head);
        assert_eq!(size_of_png(&base64), Some((390, 844)));
        assert_eq!(size_of_png("AAAA"), None);
    }
}
