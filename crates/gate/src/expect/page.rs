//! A page of HTML as browsers read it, within bounds: whatever the target sends, neither memory nor time runs away.
//!
//! The rules for broken HTML copy elements (each paragraph repeats every `<b>` that was left open before it), so a
//! small body can ask for a huge tree. Elements, texts and attributes are counted while the tree is built, and the
//! work stops when nobody waits for it any more.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use ego_tree::{NodeId, Tree};
use html5ever::driver::{ParseOpts, parse_document};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, QualName};
use scraper::{Html, HtmlTreeSink, Node};

/// Elements, texts, comments and attributes of a page.
pub(crate) const MAX_NODES: usize = 100_000;

/// What the tree of a page may take, in bytes: each of them takes less than 240.
pub(crate) const MAX_TREE_MEMORY: usize = 24 * 1024 * 1024;

/// How much is read between two looks whether to go on.
const CHUNK_BYTES: usize = 1024;

/// Why there is no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PageError {
    #[error("the page has more than {MAX_NODES} elements, texts and attributes")]
    TooLarge,
    #[error("the time was over before the page was read")]
    Stopped,
}

/// Reads a page.
pub(super) fn read(text: &str, stop: &AtomicBool) -> Result<Html, PageError> {
    let full = Rc::new(Cell::new(false));
    let document = Html {
        // All at once, so that growing never takes the double. What is not used takes no memory.
        tree: Tree::with_capacity(Node::Document, MAX_NODES.min(text.len() + 8)),
        ..Html::new_document()
    };
    let sink = BoundedSink {
        inner: HtmlTreeSink::new(document),
        used: Cell::new(0),
        full: Rc::clone(&full),
        stand_ins: RefCell::default(),
    };
    let mut parser = parse_document(sink, ParseOpts::default());
    let mut rest = text;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK_BYTES));
        parser.process(StrTendril::from_slice(chunk));
        rest = after;
        if full.get() {
            return Err(PageError::TooLarge);
        }
        if stop.load(Ordering::Relaxed) {
            return Err(PageError::Stopped);
        }
    }
    let html = parser.finish();
    if full.get() {
        return Err(PageError::TooLarge);
    }
    Ok(html)
}

/// Builds the tree until it is full; from then on elements are stand-ins that stand nowhere.
struct BoundedSink {
    inner: HtmlTreeSink,
    used: Cell<usize>,
    full: Rc<Cell<bool>>,
    /// One for each name.
    stand_ins: RefCell<HashMap<QualName, NodeId>>,
}

impl BoundedSink {
    /// Whether there is room for so many more.
    fn has_room(&self, more: usize) -> bool {
        let used = self.used.get().saturating_add(more);
        self.used.set(used);
        if used > MAX_NODES {
            self.full.set(true);
        }
        !self.full.get()
    }

    fn has_room_for(&self, child: &NodeOrText<NodeId>) -> bool {
        match child {
            NodeOrText::AppendNode(_) => !self.full.get(),
            NodeOrText::AppendText(_) => self.has_room(1),
        }
    }
}

impl TreeSink for BoundedSink {
    type Handle = NodeId;
    type Output = Html;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Html {
        self.inner.finish()
    }

    fn parse_error(&self, message: Cow<'static, str>) {
        self.inner.parse_error(message);
    }

    fn get_document(&self) -> NodeId {
        self.inner.get_document()
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        self.inner.elem_name(target)
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        flags: ElementFlags,
    ) -> NodeId {
        if self.has_room(1 + attributes.len()) {
            return self.inner.create_element(name, attributes, flags);
        }
        let mut stand_ins = self.stand_ins.borrow_mut();
        *stand_ins
            .entry(name.clone())
            .or_insert_with(|| self.inner.create_element(name, Vec::new(), flags))
    }

    fn create_comment(&self, text: StrTendril) -> NodeId {
        if self.has_room(1) {
            self.inner.create_comment(text)
        } else {
            self.inner.get_document()
        }
    }

    fn create_pi(&self, target: StrTendril, data: StrTendril) -> NodeId {
        if self.has_room(1) {
            self.inner.create_pi(target, data)
        } else {
            self.inner.get_document()
        }
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        if self.has_room_for(&child) {
            self.inner.append(parent, child);
        }
    }

    fn append_based_on_parent_node(
        &self,
        element: &NodeId,
        previous: &NodeId,
        child: NodeOrText<NodeId>,
    ) {
        if self.has_room_for(&child) {
            self.inner
                .append_based_on_parent_node(element, previous, child);
        }
    }

    fn append_doctype_to_document(&self, name: StrTendril, public: StrTendril, system: StrTendril) {
        if self.has_room(1) {
            self.inner.append_doctype_to_document(name, public, system);
        }
    }

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        self.inner.get_template_contents(target)
    }

    fn same_node(&self, one: &NodeId, other: &NodeId) -> bool {
        one == other
    }

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.inner.set_quirks_mode(mode);
    }

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        if self.has_room_for(&child) {
            self.inner.append_before_sibling(sibling, child);
        }
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attributes: Vec<Attribute>) {
        if self.has_room(attributes.len()) {
            self.inner.add_attrs_if_missing(target, attributes);
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        if !self.full.get() {
            self.inner.remove_from_parent(target);
        }
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        if !self.full.get() {
            self.inner.reparent_children(node, new_parent);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn read_now(text: &str) -> Result<Html, PageError> {
        read(text, &AtomicBool::new(false))
    }

    #[test]
    fn a_page_that_copies_its_elements_is_refused_and_that_at_once() {
        let open: Vec<String> = (0..1_000).map(|n| format!("<b id={n}>")).collect();
        let open = open.concat();
        let page = format!("<p>{open}{}", "</p><p>x".repeat(5_000));
        let begun = Instant::now();
        assert_eq!(read_now(&page).unwrap_err(), PageError::TooLarge);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(30), "{took:?}");
    }

    #[test]
    fn a_page_of_too_many_attributes_is_refused() {
        let attributes: Vec<String> = (0..200).map(|n| format!("a{n} ")).collect();
        let attributes = attributes.concat();
        let page = format!("<p {attributes}>").repeat(600);
        assert_eq!(read_now(&page).unwrap_err(), PageError::TooLarge);
        assert_eq!(
            read_now(&"<p>x".repeat(60_000)).unwrap_err(),
            PageError::TooLarge
        );
        assert!(read_now(&"<p>x".repeat(40_000)).is_ok());
    }

    #[test]
    fn reading_stops_when_nobody_waits() {
        let stopped = read(&"<div>".repeat(50_000), &AtomicBool::new(true)).unwrap_err();
        assert_eq!(stopped, PageError::Stopped);
    }

    #[test]
    fn the_tree_takes_what_is_counted_for_it() {
        // An element of the arena, and an attribute in its element.
        let node = size_of::<Node>() + 5 * size_of::<usize>();
        let attribute = size_of::<QualName>() + size_of::<StrTendril>();
        assert!(
            node.max(attribute) * MAX_NODES <= MAX_TREE_MEMORY,
            "{node} {attribute}"
        );
    }
}
