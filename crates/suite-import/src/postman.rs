//! A collection of Postman, 2.1: folders, variables, authentication, bodies, and tests that are plain.

use strict_yaml::{Node, Problem, Value};

use crate::collection::{Inherited, authorize};
use crate::draft::{Draft, DraftCheck};
use crate::place::Place;
use crate::request::{Body, Request};
use crate::script;
use crate::texts::{DOUBLE_BRACES, has_secret_shape};
use crate::tree::{self, at, get, is_true, items, word, written};

/// Reads a collection.
pub(crate) fn read(root: &Node, draft: &mut Draft) -> Result<(), Problem> {
    let schema = at(root, &["info", "schema"])
        .and_then(written)
        .unwrap_or_default();
    if schema.contains("/v1") {
        return Err(root.at.problem(
            "this is a collection of Postman in its first format",
            "export it as Collection v2.1",
        ));
    }
    draft.call(at(root, &["info", "name"]).and_then(written));
    draft.texts.with_marks(DOUBLE_BRACES);
    variables(root, draft);
    scripts_of_all(root, "the collection", draft);
    let inherited = Inherited {
        folders: Vec::new(),
        auth: get(root, "auth"),
    };
    folder(root, &inherited, draft);
    Ok(())
}

fn variables(node: &Node, draft: &mut Draft) {
    for variable in items(get(node, "variable")) {
        if is_true(variable, "disabled") {
            continue;
        }
        let name = word(variable, "key").or_else(|| word(variable, "id"));
        let value = word(variable, "value").unwrap_or_default();
        if let Some(name) = name.filter(|_| !value.is_empty()) {
            draft
                .texts
                .know(name, value, word(variable, "type") == Some("secret"));
        }
    }
}

fn folder(node: &Node, inherited: &Inherited<'_>, draft: &mut Draft) {
    for item in items(get(node, "item")) {
        let name = word(item, "name").unwrap_or_default();
        if get(item, "item").is_some() {
            let outside = draft.texts.variables();
            variables(item, draft);
            let within = inherited.within(name, get(item, "auth"));
            scripts_of_all(item, &within.folders.join(": "), draft);
            folder(item, &within, draft);
            draft.texts.restore(outside);
            continue;
        }
        let name = inherited.named(name);
        match request(item, &name, inherited, draft) {
            Ok(check) => draft.add(check),
            Err(why) => draft.leave(Some(item.at.line), format!("{name}: {why}")),
        }
    }
}

fn request(
    item: &Node,
    name: &str,
    inherited: &Inherited<'_>,
    draft: &mut Draft,
) -> Result<DraftCheck, String> {
    let line = item.at.line;
    let said = get(item, "request").ok_or("it has no request")?;
    let url = get(said, "url").unwrap_or(said);
    let raw = written(url)
        .or_else(|| word(url, "raw"))
        .ok_or("it has no URL")?;
    let raw = with_path_variables(raw, url);
    let texts = &mut draft.texts;
    let mut sent = Request {
        place: Place::read(&raw, Some(DOUBLE_BRACES), texts)?,
        method: word(said, "method").unwrap_or("GET").to_ascii_uppercase(),
        ..Request::default()
    };
    let follows = at(item, &["protocolProfileBehavior", "followRedirects"]);
    sent.follow_redirects = !matches!(follows.map(|node| &node.value), Some(Value::Bool(false, _)));
    let mut left: Vec<(usize, String)> = Vec::new();
    let mut media_type = String::new();
    for header in items(get(said, "header"))
        .iter()
        .filter(|header| !is_true(header, "disabled"))
    {
        let (Some(key), value) = (
            word(header, "key"),
            word(header, "value").unwrap_or_default(),
        ) else {
            continue;
        };
        if key.eq_ignore_ascii_case("content-type") {
            value.clone_into(&mut media_type);
        }
        if let Err(why) = sent.header(key, value, texts) {
            left.push((header.at.line, why));
        }
    }
    if let Some((user, password)) = sent.place.user.clone() {
        sent.user(&user, &password, texts)?;
    }
    if let Some(auth) = get(said, "auth").or(inherited.auth) {
        authorize(auth, &mut sent, texts)?;
    }
    if let Some(body) = get(said, "body").filter(|body| !is_true(body, "disabled")) {
        add_body(body, &media_type, &mut sent, draft)?;
    }
    for (line, _) in script_lines(item, "prerequest").into_iter().take(1) {
        left.push((line, "a script that runs before it".to_owned()));
    }
    let read = script::expectations(&script_lines(item, "test"));
    left.extend(
        read.left
            .into_iter()
            .map(|(line, code)| (line, format!("a script: {code}"))),
    );
    for (line, what) in left {
        draft.leave(Some(line), format!("{name}: {what}"));
    }
    Ok(DraftCheck {
        line: Some(line),
        name: name.to_owned(),
        request: sent,
        expect: read.expect,
        more: Vec::new(),
    })
}

/// `/books/:id` with what the collection says of `id`.
fn with_path_variables(raw: &str, url: &Node) -> String {
    let mut raw = raw.to_owned();
    for variable in items(get(url, "variable")) {
        if let (Some(key), Some(value)) = (word(variable, "key"), word(variable, "value")) {
            let (path, query) = raw
                .split_once('?')
                .map_or((&*raw, None), |(path, query)| (path, Some(query)));
            let parts = path.split('/').map(|part| {
                if part == format!(":{key}") {
                    value
                } else {
                    part
                }
            });
            let path = parts.collect::<Vec<_>>().join("/");
            raw = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        }
    }
    raw
}

fn add_body(
    body: &Node,
    media_type: &str,
    sent: &mut Request,
    draft: &mut Draft,
) -> Result<(), String> {
    let texts = &mut draft.texts;
    let mode = word(body, "mode").unwrap_or("raw");
    let content = get(body, mode);
    match mode {
        "raw" => {
            let raw = content.and_then(written).unwrap_or_default();
            if raw.is_empty() {
                return Ok(());
            }
            let language = at(body, &["options", "raw", "language"]).and_then(written);
            let media_type = match (media_type, language) {
                ("", Some("json")) => "application/json",
                ("", Some("xml")) => "application/xml",
                ("", Some("html")) => "text/html",
                ("", _) => "text/plain",
                (given, _) => given,
            };
            sent.text_body(raw, media_type, texts)
        }
        "urlencoded" => {
            let fields = items(content)
                .iter()
                .filter(|field| !is_true(field, "disabled"));
            let pairs: Vec<(String, String)> = fields
                .filter_map(|field| {
                    Some((
                        word(field, "key")?.to_owned(),
                        word(field, "value").unwrap_or_default().to_owned(),
                    ))
                })
                .collect();
            sent.form(&pairs, texts)
        }
        "formdata" => {
            let mut parts = Vec::new();
            for field in items(content)
                .iter()
                .filter(|field| !is_true(field, "disabled"))
            {
                let key = word(field, "key").unwrap_or_default();
                if word(field, "type") == Some("file") {
                    return Err(format!(
                        "the file of its field {key} is not in the collection"
                    ));
                }
                let value = texts.named(key, word(field, "value").unwrap_or_default())?;
                let value = match word(field, "contentType").filter(|kind| !kind.is_empty()) {
                    None => tree::text(value),
                    Some(kind) => tree::map([
                        ("content", tree::text(value)),
                        ("content_type", tree::text(kind)),
                    ]),
                };
                parts.push((texts.text(key)?, value));
            }
            sent.headers.retain(|(name, _)| name != "content-type");
            sent.body = Body::Multipart(parts);
            Ok(())
        }
        "graphql" => {
            let query = content
                .and_then(|content| word(content, "query"))
                .unwrap_or_default();
            if has_secret_shape(&texts.without_references(query)) {
                return Err("its GraphQL query holds what looks like a secret".to_owned());
            }
            let mut json = vec![("query", tree::text(texts.text(query)?))];
            let variables = content
                .and_then(|content| word(content, "variables"))
                .unwrap_or_default();
            if !variables.trim().is_empty() {
                let mut of_variables = Request::default();
                of_variables.text_body(variables, "application/json", texts)?;
                let Body::Json(node) = of_variables.body else {
                    return Err("the variables of its GraphQL query are no JSON".to_owned());
                };
                json.push(("variables", node));
            }
            sent.headers.retain(|(name, _)| name != "content-type");
            sent.body = Body::Json(tree::map(json));
            Ok(())
        }
        "file" => Err("its body is a file that is not in the collection".to_owned()),
        other => Err(format!(
            "its body is of the kind {}",
            text::clean::short(other, 40)
        )),
    }
}

/// Leaves out what a collection or a folder runs with each request in it.
fn scripts_of_all(node: &Node, name: &str, draft: &mut Draft) {
    if let Some((line, _)) = script_lines(node, "prerequest").first() {
        draft.leave(
            Some(*line),
            format!("{name}: a script that runs before each request"),
        );
    }
    if let Some((line, _)) = script_lines(node, "test").first() {
        draft.leave(Some(*line), format!("{name}: a test of all that is in it"));
    }
}

/// The lines of a script, where it says something.
fn script_lines<'n>(node: &'n Node, listen: &str) -> Vec<script::Line<'n>> {
    let events = items(get(node, "event")).iter();
    let exec = events
        .filter(|event| word(event, "listen") == Some(listen) && !is_true(event, "disabled"))
        .filter_map(|event| at(event, &["script", "exec"]));
    let lines = exec.flat_map(|exec| {
        let one = written(exec).map(|text| text.lines().map(|line| (exec.at.line, line)).collect());
        let lines: Vec<script::Line<'n>> = one.unwrap_or_else(|| {
            let items = items(Some(exec)).iter();
            items
                .filter_map(|item| Some((item.at.line, written(item)?)))
                .flat_map(|(at, text)| text.lines().map(move |line| (at, line)))
                .collect()
        });
        lines
    });
    let lines: Vec<_> = lines.collect();
    if lines.iter().all(|(_, line)| line.trim().is_empty()) {
        return Vec::new();
    }
    lines
}
