//! A request or a whole collection of Bruno, in YAML (OpenCollection): what is declared in it. Scripts are left out.

use strict_yaml::{Node, Problem, Value};

use crate::collection::{Inherited, authorize};
use crate::draft::{Draft, DraftCheck};
use crate::place::Place;
use crate::request::{Body, Request};
use crate::texts::DOUBLE_BRACES;
use crate::tree::{self, at, get, is_true, items, word, written};

/// Reads a request, or a collection with all its items in one file.
pub(crate) fn read(root: &Node, draft: &mut Draft) -> Result<(), Problem> {
    draft.texts.with_marks(DOUBLE_BRACES);
    let inherited = Inherited {
        folders: Vec::new(),
        auth: base(root, "auth"),
    };
    if get(root, "http").is_some() {
        one(root, &inherited, draft);
        return Ok(());
    }
    draft.call(at(root, &["info", "name"]).and_then(written));
    if items(get(root, "items")).is_empty() {
        return Err(root.at.problem(
            "the file of this collection has no requests; each is a file of its own",
            "give the file of a request, or the collection exported as one file",
        ));
    }
    variables(root, draft);
    for (index, environment) in items(at(root, &["config", "environments"]))
        .iter()
        .enumerate()
    {
        let name = word(environment, "name").unwrap_or_default();
        if index == 0 {
            for variable in items(get(environment, "variables")) {
                know(variable, draft);
            }
        } else {
            draft.leave(
                Some(environment.at.line),
                format!("the environment {name}: values are those of the first one"),
            );
        }
    }
    folder(root, &inherited, draft);
    Ok(())
}

/// What a collection or a folder gives to its requests: under `request`, in older files `base`.
fn base<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    at(node, &["request", key]).or_else(|| at(node, &["base", key]))
}

fn variables(node: &Node, draft: &mut Draft) {
    for variable in items(base(node, "variables")) {
        know(variable, draft);
    }
    for header in items(base(node, "headers")) {
        draft.leave(
            Some(header.at.line),
            format!(
                "the header {} of all requests",
                word(header, "name").unwrap_or_default()
            ),
        );
    }
    if let Some(scripts) = base(node, "scripts").filter(|scripts| !is_empty(scripts)) {
        draft.leave(
            Some(scripts.at.line),
            "a script that runs with each request",
        );
    }
}

fn know(variable: &Node, draft: &mut Draft) {
    let value =
        word(variable, "value").or_else(|| at(variable, &["value", "data"]).and_then(written));
    if let (Some(name), Some(value), true) = (word(variable, "name"), value, is_enabled(variable)) {
        draft.texts.know(name, value, is_true(variable, "secret"));
    }
}

fn folder(node: &Node, inherited: &Inherited<'_>, draft: &mut Draft) {
    for item in items(get(node, "items")) {
        if get(item, "http").is_some() {
            one(item, inherited, draft);
        } else if get(item, "items").is_some() {
            let outside = draft.texts.variables();
            variables(item, draft);
            let within = inherited.within(name_of(item), base(item, "auth"));
            folder(item, &within, draft);
            draft.texts.restore(outside);
        } else {
            let kind = at(item, &["info", "type"])
                .and_then(written)
                .or_else(|| word(item, "type"));
            let what = format!(
                "{}: it is of the kind {}",
                inherited.named(name_of(item)),
                kind.unwrap_or("unknown")
            );
            draft.leave(Some(item.at.line), what);
        }
    }
}

fn name_of(item: &Node) -> &str {
    at(item, &["info", "name"])
        .and_then(written)
        .or_else(|| word(item, "name"))
        .unwrap_or_default()
}

fn one(item: &Node, inherited: &Inherited<'_>, draft: &mut Draft) {
    let name = inherited.named(name_of(item));
    let line = item.at.line;
    match request(item, inherited, draft) {
        Ok((request, expect, left)) => {
            for (line, what) in left {
                draft.leave(Some(line), format!("{name}: {what}"));
            }
            draft.add(DraftCheck {
                line: Some(line),
                name,
                request,
                expect,
                more: Vec::new(),
            });
        }
        Err(why) => draft.leave(Some(line), format!("{name}: {why}")),
    }
}

type ParsedRequest = (Request, Vec<Node>, Vec<(usize, String)>);

fn request(
    item: &Node,
    inherited: &Inherited<'_>,
    draft: &mut Draft,
) -> Result<ParsedRequest, String> {
    let http = get(item, "http").ok_or("it has no request")?;
    let mut left = Vec::new();
    let mut url = word(http, "url").ok_or("it has no URL")?.to_owned();
    let params = || {
        items(get(http, "params"))
            .iter()
            .filter(|param| is_enabled(param))
    };
    for param in params().filter(|param| word(param, "type") == Some("path")) {
        if let (Some(name), Some(value)) = (word(param, "name"), word(param, "value")) {
            let parts = url.split('/').map(|part| {
                if part == format!(":{name}") {
                    value
                } else {
                    part
                }
            });
            url = parts.collect::<Vec<_>>().join("/");
        }
    }
    let texts = &mut draft.texts;
    let mut sent = Request {
        place: Place::read(&url, Some(DOUBLE_BRACES), texts)?,
        method: word(http, "method").unwrap_or("GET").to_ascii_uppercase(),
        ..Request::default()
    };
    // Those of the URL are there already.
    let in_url = url.contains('?');
    for param in params().filter(|param| !in_url && word(param, "type") != Some("path")) {
        let (name, value) = (
            word(param, "name").unwrap_or_default(),
            word(param, "value").unwrap_or_default(),
        );
        let value = texts.named(name, value)?;
        sent.place.query.push((texts.text(name)?, value));
    }
    let follows = at(item, &["settings", "followRedirects"]);
    sent.follow_redirects = !matches!(follows.map(|node| &node.value), Some(Value::Bool(false, _)));
    let mut media_type = String::new();
    for header in items(get(http, "headers"))
        .iter()
        .filter(|header| is_enabled(header))
    {
        let (name, value) = (
            word(header, "name").unwrap_or_default(),
            word(header, "value").unwrap_or_default(),
        );
        if name.eq_ignore_ascii_case("content-type") {
            value.clone_into(&mut media_type);
        }
        if let Err(why) = sent.header(name, value, texts) {
            left.push((header.at.line, why));
        }
    }
    let auth = get(http, "auth").filter(|auth| written(auth) != Some("inherit"));
    if let Some(auth) = auth.or(inherited.auth) {
        authorize(auth, &mut sent, texts)?;
    }
    if let Some(body) = get(http, "body") {
        add_body(body, &media_type, &mut sent, draft)?;
    }
    let mut expect = Vec::new();
    for assertion in items(at(item, &["runtime", "assertions"]))
        .iter()
        .filter(|one| is_enabled(one))
    {
        if let Some(node) = expectation(assertion) {
            expect.push(node);
        } else {
            let said = ["expression", "operator", "value"]
                .map(|key| word(assertion, key).unwrap_or_default());
            left.push((
                assertion.at.line,
                format!("the assertion {}", said.join(" ").trim()),
            ));
        }
    }
    for key in ["scripts", "actions", "variables"] {
        if let Some(node) = at(item, &["runtime", key]).filter(|node| !is_empty(node)) {
            left.push((node.at.line, format!("its {key}")));
        }
    }
    Ok((sent, expect, left))
}

fn add_body(
    body: &Node,
    media_type: &str,
    sent: &mut Request,
    draft: &mut Draft,
) -> Result<(), String> {
    let texts = &mut draft.texts;
    let kind = word(body, "type").unwrap_or("none");
    let data = get(body, "data");
    let raw = data.and_then(written).unwrap_or_default();
    let media_type = |default: &'static str| {
        if media_type.is_empty() {
            default
        } else {
            media_type
        }
    };
    match kind {
        "none" => Ok(()),
        "json" => sent.text_body(raw, media_type("application/json"), texts),
        "text" => sent.text_body(raw, media_type("text/plain"), texts),
        "xml" => sent.text_body(raw, media_type("application/xml"), texts),
        "form-urlencoded" => {
            let fields = items(data).iter().filter(|field| is_enabled(field));
            let pairs = fields.filter_map(|field| {
                let value = word(field, "value").unwrap_or_default();
                Some((word(field, "name")?.to_owned(), value.to_owned()))
            });
            sent.form(&pairs.collect::<Vec<_>>(), texts)
        }
        "multipart-form" => {
            let mut parts = Vec::new();
            for field in items(data).iter().filter(|field| is_enabled(field)) {
                let name = word(field, "name").unwrap_or_default();
                if word(field, "type") == Some("file") {
                    return Err(format!(
                        "the file of its field {name} is not in the collection"
                    ));
                }
                let value = texts.named(name, word(field, "value").unwrap_or_default())?;
                parts.push((texts.text(name)?, tree::text(value)));
            }
            sent.headers.retain(|(name, _)| name != "content-type");
            sent.body = Body::Multipart(parts);
            Ok(())
        }
        other => Err(format!(
            "its body is of the kind {}",
            text::clean::short(other, 40)
        )),
    }
}

/// An assertion on the status, a header or a value of the body.
fn expectation(assertion: &Node) -> Option<Node> {
    let expression = word(assertion, "expression")?.trim();
    let value = word(assertion, "value").unwrap_or_default().trim();
    if value.contains("{{") || word(assertion, "operator")? != "eq" {
        return None;
    }
    if expression == "res.status" {
        let is_status = value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_digit());
        return is_status.then(|| crate::draft::status(value));
    }
    let access = expression.strip_prefix("res.body")?;
    let path = crate::script::path(access)?;
    let quoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let expected = match quoted {
        Some(inside) => tree::text(inside),
        None => tree::number(value),
    };
    Some(tree::map([(
        "json",
        tree::map([("path", tree::text(path)), ("equals", expected)]),
    )]))
}

/// Whether an entry counts.
fn is_enabled(node: &Node) -> bool {
    let enabled = get(node, "enabled").map(|node| &node.value);
    !is_true(node, "disabled") && !matches!(enabled, Some(Value::Bool(false, _)))
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.iter().all(|(_, value)| is_empty(value)),
        Value::Text(text) => text.trim().is_empty(),
        _ => false,
    }
}
