//! `$ref` within a description.

use strict_yaml::Node;

use crate::tree::{get, word};

/// How far one leads to the next.
const MAX_STEPS: usize = 20;

/// What a node stands for; none where that is elsewhere, or nowhere.
pub(super) fn resolved<'n>(root: &'n Node, node: &'n Node) -> Option<&'n Node> {
    let mut node = node;
    for _ in 0..MAX_STEPS {
        let Some(reference) = word(node, "$ref") else {
            return Some(node);
        };
        node = target(root, reference)?;
    }
    None
}

/// What `#/components/…` leads to.
pub(super) fn target<'n>(root: &'n Node, reference: &str) -> Option<&'n Node> {
    let pointer = reference.strip_prefix("#/")?;
    pointer.split('/').try_fold(root, |node, key| {
        let key = key.replace("~1", "/").replace("~0", "~");
        get(node, &key)
    })
}
