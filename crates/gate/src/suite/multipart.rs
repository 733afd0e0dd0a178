//! `multipart:` of a request.

use ::http::HeaderValue;
use data_encoding::BASE64;
use strict_yaml::{Key, Node, Object, Value, scalar};

use super::context::Context;
use super::files::MAX_FILE_BYTES;
use super::http::few;
use super::{files, keys};
use crate::probe::multipart::{Content, Part};
use crate::template::Template;

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

type File = (Content, Option<Template>, Option<String>);

fn file(node: &Node, context: &Context) -> Option<File> {
    let problems = &context.problems;
    let object = Object::read(node, &keys::MULTIPART, problems)?;
    let given = ["content", "base64", "content_file"].into_iter();
    let given: Vec<(&str, &Node)> = given
        .filter_map(|key| Some((key, object.get(key)?)))
        .collect();
    let mut own_name = None;
    let value = match given.as_slice() {
        [("content", node)] => text("content", node, context),
        [("base64", node)] => base64(node, context),
        [(key, node)] => files::named(node, key, MAX_FILE_BYTES, context).map(|(path, bytes)| {
            let name = path.rsplit('/').next().unwrap_or_default();
            own_name = Template::parse(name).ok();
            Content::Bytes(bytes)
        }),
        given => {
            let message = match given {
                [(first, _), (second, _), ..] => {
                    format!("a part has one content, not both `{first}` and `{second}`")
                }
                _ => "the part has no content".to_owned(),
            };
            let remedy = "write `content` for text, `base64` for bytes, or `content_file` for a file beside the suite";
            problems.add(node.at, message, remedy);
            None
        }
    };
    let file = match object.get("file") {
        None => Some(own_name),
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
    decoded(node, "base64", context).map(|bytes| Content::Bytes(bytes.into()))
}

/// The bytes of a text in base64.
pub(super) fn decoded(node: &Node, label: &str, context: &Context) -> Option<Vec<u8>> {
    let written = scalar::text(node, label, &context.problems)?;
    let digits: String = written.split_whitespace().collect();
    let bytes = BASE64.decode(digits.as_bytes()).ok();
    if bytes.is_none() {
        let message = format!("{label} is not base64");
        let remedy = "write what `base64 FILE` prints, with its padding";
        context.problems.add(node.at, message, remedy);
    }
    bytes
}
