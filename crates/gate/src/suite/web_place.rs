//! `url` and `reaches_release`: where a probe goes that speaks over HTTP.

use strict_yaml::{Node, Object, scalar};

use super::context::Context;
use super::http;
use super::place::reaches_release;
use crate::probe::web_place::{WebPlace, as_http};
use crate::template::Template;

/// `key` holds the URL; without it, the target's root.
pub(super) fn web_place(object: &Object<'_>, key: &str, context: &Context) -> Option<WebPlace> {
    let url = match object.get(key) {
        None => Some(root()),
        Some(node) => url(node, key, context),
    };
    let stated = reaches_release(object, context);
    if let (Some(node), Some(true), true) = (
        object.get("reaches_release"),
        stated.as_ref().ok().copied().flatten(),
        url.as_ref().is_some_and(is_path),
    ) {
        let message = "reaches_release: says of an absolute URL that it leads to the release";
        let remedy = "remove it: a path always goes to the target";
        context.problems.add(node.at, message, remedy);
    }
    Some(WebPlace {
        url: url?,
        reaches_release: stated.ok()?,
    })
}

/// A path on the target, or an absolute URL.
pub(super) fn url(node: &Node, key: &str, context: &Context) -> Option<Template> {
    let written = scalar::text(node, key, &context.problems)?;
    http::url(node, &as_http(written), context)
}

/// The target's root.
pub(super) fn root() -> Template {
    Template::parse("/").expect("it has no references")
}

fn is_path(url: &Template) -> bool {
    let filled = url.render_with(|_| Ok("x".to_owned()));
    filled.is_ok_and(|filled| filled.starts_with('/'))
}
