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
    let description = Description {
        root,
        is_3_0: version.starts_with("3.0"),
        server: first_server(root, draft),
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

/// Where requests go.
#[derive(Debug, Default, PartialEq, Eq)]
struct Server {
    /// Scheme and authority; empty where it is relative to the description.
    origin: String,
    /// What stands before each path.
    path: String,
}

impl Server {
    fn of(server: &Node) -> Self {
        let mut url = word(server, "url").unwrap_or_default().to_owned();
        for (name, variable) in entries(get(server, "variables")) {
            let default = word(variable, "default").unwrap_or_default();
            url = url.replace(&format!("{{{}}}", name.text), default);
        }
        let authority = url.find("://").map_or(0, |at| at + "://".len());
        let end = match authority {
            0 => 0,
            _ => url[authority..]
                .find('/')
                .map_or(url.len(), |at| authority + at),
        };
        let (origin, path) = url.split_at(end);
        Self {
            origin: origin.to_ascii_lowercase(),
            path: path.trim_end_matches('/').to_owned(),
        }
    }
}

/// The first server; its host is whatever is under test.
fn first_server(root: &Node, draft: &mut Draft) -> Server {
    let servers = items(get(root, "servers"));
    for other in servers.iter().skip(1) {
        let url = word(other, "url").unwrap_or_default();
        draft.leave(
            Some(other.at.line),
            format!("the server {url}: paths are asked below the first one"),
        );
    }
    servers.first().map_or_else(Server::default, Server::of)
}

/// An answer that is documented as a good one.
#[derive(Default)]
struct Success<'n> {
    /// What is expected of its status.
    status: Option<Node>,
    /// What is said of it, if it is the only one.
    response: Option<&'n Node>,
    lost: Vec<String>,
}

struct Description<'n> {
    root: &'n Node,
    is_3_0: bool,
    /// The description's own.
    server: Server,
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
        let base = self.base_path(item, operation)?;
        let mut place = Place::read(&format!("{base}{path}"), None, &mut draft.texts)?;
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
        let success = self.success(operation);
        expect.extend(success.status);
        if method == "get" {
            let lost = match success.response {
                Some(response) => self.body(response, schemas, &mut expect),
                None => Vec::new(),
            };
            for lost in success.lost.into_iter().chain(lost) {
                draft.leave(Some(line), format!("{name}: {lost}"));
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

    /// What stands before the path: servers of the operation or else of the path replace those of the description.
    fn base_path(&self, item: &Node, operation: &Node) -> Result<String, String> {
        let own = [operation, item]
            .into_iter()
            .map(|node| items(get(node, "servers")))
            .find(|servers| !servers.is_empty());
        let Some(own) = own else {
            return Ok(self.server.path.clone());
        };
        let servers: Vec<Server> = own.iter().map(Server::of).collect();
        // A relative one is where the description is, which is the release.
        let is_release =
            |server: &&Server| server.origin.is_empty() || server.origin == self.server.origin;
        if let Some(server) = servers.iter().find(is_release) {
            return Ok(server.path.clone());
        }
        let release = match self.server.origin.as_str() {
            "" => "where the description is",
            origin => origin,
        };
        Err(format!(
            "it has a server of its own, {}, and the release is taken to be {release}",
            servers[0].origin
        ))
    }

    /// What it answers if all is well: with 2xx, or else with a redirect, which is not followed.
    fn success(&self, operation: &'n Node) -> Success<'n> {
        let responses = entries(get(operation, "responses"));
        let of = |class: char| {
            let of_class = responses.iter().filter_map(|(code, response)| {
                let code = code.text.to_ascii_lowercase();
                let rest = code.strip_prefix(class)?;
                let is_code = rest.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_digit());
                // Nobody gets a 304 who has not got the answer before.
                ((is_code || rest == "xx") && code != "304").then_some((code, response))
            });
            of_class.collect::<Vec<_>>()
        };
        let mut documented = of('2');
        if documented.is_empty() {
            documented = of('3');
        }
        let class = documented.iter().find(|(code, _)| code.ends_with("xx"));
        let status = match (&documented[..], class) {
            ([], _) => return Success::default(),
            (_, Some((class, _))) => tree::text(class),
            ([(one, _)], None) => tree::number(one),
            (several, None) => {
                tree::list(several.iter().map(|(code, _)| tree::number(code)).collect())
            }
        };
        let mut success = Success {
            status: Some(tree::map([("status", status)])),
            ..Success::default()
        };
        let answers = documented.iter();
        let answers = answers.filter_map(|(_, response)| resolved(self.root, response));
        match answers.collect::<Vec<_>>()[..] {
            [one] if documented.len() == 1 => success.response = Some(one),
            ref several => {
                let has_body = |response: &&Node| !entries(get(response, "content")).is_empty();
                if several.iter().any(has_body) {
                    let lost = "it answers with several statuses, so no body is expected";
                    success.lost.push(lost.to_owned());
                }
            }
        }
        success
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
