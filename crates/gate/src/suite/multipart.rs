//! `multipart:` of a request.

use ::http::HeaderValue;
use data_encoding::BASE64;
use strict_yaml::{Key, Node, Object, Value, scalar};

use super::context::Context;
use super::http::few;
use super::keys;
use crate::probe::multipart::{Content, Part};

/// Parts of one request.
const MAX_PARTS: usize = 100;

/// Names, with a text or a mapping each.
pub(super) fn parts(node: &Node, context: &Context) -> Option<Vec<Part>> {
    let parts: Vec<Option<Part>> = few(node, "multipart", MAX_PARTS, context)
        .into_iter()
        .map(|(key, node)| part(key, node, context))
        .collect();
    if parts.is_empty() {
        let message = "multipart has no parts";
        context
            .problems
            .add(node.at, message, "write names and values");
        return None;
    }
    parts.into_iter().collect()
}

fn part(key: &Key, node: &Node, context: &Context) -> Option<Part> {
    let plain = context.is_plain(key);
    let (value, file, media_type) = if matches!(node.value, Value::Map(_)) {
        file(node, context)?
    } else {
        (text(&key.text, node, context)?, None, None)
    };
    plain.then(|| Part {
        name: key.text.clone(),
        file,
        content_type: media_type,
        content: value,
    })
}

type File = (Content, Option<crate::template::Template>, Option<String>);

fn file(node: &Node, context: &Context) -> Option<File> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::MULTIPART, problems)?;
    let value = match (object.get("content"), object.get("base64")) {
        (Some(node), None) => text("content", node, context),
        (None, Some(node)) => base64(node, context),
        (given, _) => {
            let message = match given {
                Some(_) => "a part has one content, not both `content` and `base64`",
                None => "the part has no content",
            };
            let remedy = "write `content` for text, or `base64` for bytes";
            problems.add(node.at, message, remedy);
            None
        }
    };
    let file = match object.get("file") {
        None => Some(None),
        Some(node) => scalar::text(node, "file", problems)
            .and_then(|written| context.template(node, written))
            .map(Some),
    };
    let media_type = match object.get("content_type") {
        None => Some(None),
        Some(node) => {
            let written = scalar::text(node, "content_type", problems)?;
            let fits = written.contains('/') && HeaderValue::from_str(written).is_ok();
            if !fits || written.contains("{{") {
                let message = format!("{written:?} is not a content type");
                problems.add(node.at, message, "write one such as image/png");
                return None;
            }
            Some(Some(written.to_owned()))
        }
    };
    Some((value?, file?, media_type?))
}

fn text(label: &str, node: &Node, context: &Context) -> Option<Content> {
    let written = scalar::loose_text(node, label, &context.problems)?;
    context.template(node, written).map(Content::Text)
}

fn base64(node: &Node, context: &Context) -> Option<Content> {
    let written = scalar::text(node, "base64", &context.problems)?;
    let digits: String = written.split_whitespace().collect();
    let bytes = BASE64.decode(digits.as_bytes()).ok();
    if bytes.is_none() {
        let message = "base64 is not base64";
        let remedy = "write what `base64 FILE` prints, with its padding";
        context.problems.add(node.at, message, remedy);
    }
    bytes.map(|bytes| Content::Bytes(bytes.into()))
}
