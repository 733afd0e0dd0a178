//! An `OpenAPI` description, 3.0 or 3.1: what can be read without knowing more becomes a check.
//!
//! A GET whose parameters are all optional, or have examples, is asked. What changes something is not: nothing in a
//! description says what may be ordered, or deleted.

mod parameters;
mod reference;
mod schema;

use strict_yaml::{Node, Problem};

use self::parameters::FilledParameters;
use self::reference::resolved;
use crate::draft::{Draft, DraftCheck, content_type};
use crate::place::Place;
use crate::request::Request;
use crate::tree::{self, at, entries, get, is_true, items, word, written};

const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];
/// Schemas of a suite, with all that stands in them: it may have 2,000.
const MAX_SCHEMAS: usize = 1_500;

/// Reads a description.
pub(crate) fn read(root: &Node, draft: &mut Draft) -> Result<(), Problem> {
    let version = word(root, "openapi").unwrap_or_default();
    if !version.starts_with("3.0") && !version.starts_with("3.1") {
        let node = get(root, "openapi").unwrap_or(root);
        return Err(node.at.problem(
            format!("OpenAPI {} is not read", text::clean::short(version, 20)),
            "give a description of OpenAPI 3.0 or 3.1",
        ));
    }
    draft.call(at(root, &["info", "title"]).and_then(written));
    let base = base_path(root, draft);
    let description = Description {
        root,
        is_3_0: version.starts_with("3.0"),
        base,
    };
    let mut schemas = 0;
    for (path, item) in entries(get(root, "paths")) {
        if path.text.starts_with("x-") {
            continue;
        }
        let Some(item) = resolved(root, item) else {
            draft.leave(
                Some(path.at.line),
                format!("{}: its $ref leads nowhere in this file", path.text),
            );
            continue;
        };
        for (method, operation) in entries(Some(item)) {
            if !METHODS.contains(&&*method.text) {
                continue;
            }
            let name = format!("{} {}", method.text.to_uppercase(), path.text);
            let line = method.at.line;
            if !matches!(&*method.text, "get" | "head") {
                draft.leave(
                    Some(line),
                    format!("{name}: it may change something, and nothing says what it may change"),
                );
                continue;
            }
            match description.check(
                &name,
                (&*path.text, &*method.text),
                (item, operation),
                &mut schemas,
                draft,
            ) {
                Ok(mut check) => {
                    check.line = Some(line);
                    draft.add(check);
                }
                Err(why) => draft.leave(Some(line), format!("{name}: {why}")),
            }
        }
    }
    for (name, hook) in entries(get(root, "webhooks")) {
        draft.leave(
            Some(hook.at.line),
            format!("the webhook {}: it is what the release asks", name.text),
        );
    }
    Ok(())
}

/// The path of the first server; its host is whatever is under test.
fn base_path(root: &Node, draft: &mut Draft) -> String {
    let servers = items(get(root, "servers"));
    for other in servers.iter().skip(1) {
        let url = word(other, "url").unwrap_or_default();
        draft.leave(
            Some(other.at.line),
            format!("the server {url}: paths are asked below the first one"),
        );
    }
    let Some(server) = servers.first() else {
        return String::new();
    };
    let mut url = word(server, "url").unwrap_or_default().to_owned();
    for (name, variable) in entries(get(server, "variables")) {
        let default = word(variable, "default").unwrap_or_default();
        url = url.replace(&format!("{{{}}}", name.text), default);
    }
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => &url,
    };
    path.trim_end_matches('/').to_owned()
}

struct Description<'n> {
    root: &'n Node,
    is_3_0: bool,
    base: String,
}

impl<'n> Description<'n> {
    fn check(
        &self,
        name: &str,
        (path, method): (&str, &str),
        (item, operation): (&'n Node, &'n Node),
        schemas: &mut usize,
        draft: &mut Draft,
    ) -> Result<DraftCheck, String> {
        if is_true(operation, "deprecated") {
            return Err("it is deprecated".to_owned());
        }
        let filled = FilledParameters::of(self.root, item, operation)?;
        let path = filled.path(path)?;
        let mut place = Place::read(&format!("{}{path}", self.base), None, &mut draft.texts)?;
        for (query, value) in &filled.query {
            let value = draft.texts.named(query, value)?;
            place.query.push((query.clone(), value));
        }
        let mut request = Request {
            method: method.to_ascii_uppercase(),
            place,
            ..Request::default()
        };
        for (header, value) in &filled.headers {
            request.header(header, value, &mut draft.texts)?;
        }
        for (cookie, value) in &filled.cookies {
            request.cookie(&format!("{cookie}={value}"), &mut draft.texts)?;
        }
        self.authorize(operation, &mut request, draft)?;
        let line = operation.at.line;
        let mut expect = Vec::new();
        if let Some((code, response)) = self.success(operation) {
            expect.push(code);
            if method == "get" {
                for lost in self.body(response, schemas, &mut expect) {
                    draft.leave(Some(line), format!("{name}: {lost}"));
                }
            }
        }
        let summary = word(operation, "summary").map(|summary| format!("{name}: {summary}"));
        Ok(DraftCheck {
            name: summary.unwrap_or_else(|| name.to_owned()),
            request,
            expect,
            ..DraftCheck::default()
        })
    }

    /// What it answers if all is well.
    fn success(&self, operation: &'n Node) -> Option<(Node, &'n Node)> {
        let responses = entries(get(operation, "responses"));
        let of = |wanted: fn(&str) -> bool| responses.iter().find(|(code, _)| wanted(&code.text));
        let (code, response) =
            of(|code| code.len() == 3 && code.starts_with('2') && code.parse::<u16>().is_ok())
                .or_else(|| of(|code| code.eq_ignore_ascii_case("2xx")))?;
        let codes = responses
            .iter()
            .filter(|(code, _)| code.text.starts_with('2'));
        let codes: Vec<String> = codes
            .map(|(code, _)| code.text.to_ascii_lowercase())
            .collect();
        let status = match &codes[..] {
            [_] if code.text.eq_ignore_ascii_case("2xx") => tree::text("2xx"),
            [one] => tree::number(one),
            several if several.iter().any(|code| code == "2xx") => tree::text("2xx"),
            several => tree::list(several.iter().map(|code| tree::number(code)).collect()),
        };
        let response = resolved(self.root, response)?;
        Some((tree::map([("status", status)]), response))
    }

    /// What is expected of the body; returns what can't be.
    fn body(&self, response: &'n Node, schemas: &mut usize, expect: &mut Vec<Node>) -> Vec<String> {
        let content = entries(get(response, "content"));
        let (media_type, of_type) = match content {
            [] => return Vec::new(),
            [(media_type, of_type)] => (&media_type.text, of_type),
            _ => {
                return vec![
                    "it answers in several media types, of which none is expected".to_owned(),
                ];
            }
        };
        if !media_type.contains('*') {
            expect.push(content_type(media_type));
        }
        let is_json = media_type.contains("json");
        let Some(schema) = get(of_type, "schema").filter(|_| is_json) else {
            return Vec::new();
        };
        let converted = schema::converted(self.root, schema, self.is_3_0);
        let mut lost = converted.lost;
        match converted.schema {
            Ok(node) if *schemas + tree::size(&node) > MAX_SCHEMAS => {
                lost.push("the schema of its answer: the suite has many already".to_owned());
            }
            Ok(node) => {
                *schemas += tree::size(&node);
                expect.push(tree::map([("json_schema", node)]));
            }
            Err(why) => lost.push(format!("the schema of its answer: {why}")),
        }
        lost
    }

    /// The first way to sign in that a suite has.
    fn authorize(
        &self,
        operation: &Node,
        request: &mut Request,
        draft: &mut Draft,
    ) -> Result<(), String> {
        let demanded = items(get(operation, "security").or_else(|| get(self.root, "security")));
        // An empty one says that nobody needs to sign in.
        if demanded.is_empty() || demanded.iter().any(|one| entries(Some(one)).is_empty()) {
            return Ok(());
        }
        let mut why = String::new();
        for alternative in demanded {
            let mut trial = request.clone();
            let schemes = entries(Some(alternative)).iter();
            let done = schemes.map(|(scheme, _)| self.sign_in(&scheme.text, &mut trial, draft));
            match done.collect::<Result<Vec<()>, String>>() {
                Ok(_) => {
                    *request = trial;
                    return Ok(());
                }
                Err(refused) => why = refused,
            }
        }
        Err(why)
    }

    fn sign_in(&self, name: &str, request: &mut Request, draft: &mut Draft) -> Result<(), String> {
        let scheme = at(self.root, &["components", "securitySchemes", name]);
        let scheme = scheme.and_then(|scheme| resolved(self.root, scheme));
        let scheme =
            scheme.ok_or_else(|| format!("its security scheme {name} is not described"))?;
        let secret = draft.texts.unknown(name);
        match (word(scheme, "type"), word(scheme, "scheme")) {
            (Some("http"), Some(kind)) if kind.eq_ignore_ascii_case("bearer") => {
                request
                    .headers
                    .push(("authorization".to_owned(), format!("Bearer {secret}")));
            }
            (Some("oauth2" | "openIdConnect"), _) => {
                request
                    .headers
                    .push(("authorization".to_owned(), format!("Bearer {secret}")));
            }
            (Some("http"), Some(kind)) if kind.eq_ignore_ascii_case("basic") => {
                let user = draft.texts.unknown(&format!("{name}_user"));
                request.basic = Some((user, secret));
            }
            (Some("apiKey"), _) => {
                let key = word(scheme, "name")
                    .ok_or("its API key has no name")?
                    .to_owned();
                match word(scheme, "in") {
                    Some("header") => request.headers.push((key.to_ascii_lowercase(), secret)),
                    Some("query") => request.place.query.push((key, secret)),
                    Some("cookie") => request.cookies.push((key, secret)),
                    _ => {
                        return Err(format!(
                            "its security scheme {name} says not where the key goes"
                        ));
                    }
                }
            }
            _ => return Err(format!("its security scheme {name} can't be carried over")),
        }
        Ok(())
    }
}
