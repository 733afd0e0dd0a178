//! The request of an entry as `http` of a step.

use hurl_core::ast::{
    ExprKind, KeyValue, MultipartParam, Placeholder, Request, SectionValue, Template,
    TemplateElement,
};
use strict_yaml::{Node, Position};

use crate::body;
use crate::context::Context;
use crate::options::Options;
use crate::tree::{at, boolean, map, start, text};
use crate::uses::Origin;

/// What is asked for where an entry says `compressed: true`.
const COMPRESSED_CODINGS: &str = "gzip, deflate, br, zstd";

/// Commands of Hurl in comments, with what to write instead.
const COOKIE_COMMANDS: [(&str, &str); 2] = [
    (
        "@cookie_storage_clear",
        "begin another file there: each begins without cookies",
    ),
    (
        "@cookie_storage_set:",
        "remove it, and send the cookie by [Cookies] where it is needed",
    ),
];

pub(crate) fn http(request: &Request, options: &Options, context: &Context) -> Node {
    refuse_cookie_commands(request, context);
    let begin = start(request.url.source_info);
    let method = at(request.space0.source_info.end);
    let url = url(request, options, context).unwrap_or_else(|| "/".to_owned());
    let mut keys = vec![
        ("method", text(method, request.method.to_string())),
        ("url", text(begin, url)),
    ];
    let mut headers = pairs(&request.headers, context);
    if options.compressed && !has_header(&request.headers, "accept-encoding") {
        let coding = text(begin, COMPRESSED_CODINGS);
        headers.push(("accept-encoding".to_owned(), coding));
    }
    let body = request.body.as_ref().map(|body| body::sent(body, context));
    if let Some(content_type) = body.as_ref().and_then(|body| body.content_type)
        && !has_header(&request.headers, "content-type")
    {
        let value = text(begin, content_type);
        headers.push(("content-type".to_owned(), value));
    }
    if !headers.is_empty() {
        keys.push(("headers", map(begin, headers)));
    }
    for section in &request.sections {
        keys.extend(part(&section.value, start(section.source_info), context));
    }
    keys.extend(body.and_then(|body| body.key));
    if options.location {
        keys.push(("follow_redirects", boolean(begin, true)));
    }
    map(begin, keys)
}

/// Hurl reads these out of the comments above a request, and changes its cookies by them.
fn refuse_cookie_commands(request: &Request, context: &Context) {
    let comments = request.line_terminators.iter();
    for comment in comments.filter_map(|line| line.comment.as_ref()) {
        for (command, remedy) in COOKIE_COMMANDS {
            if comment.value.contains(command) {
                let message = format!("{command} in a comment changes the cookies in Hurl");
                let at = start(comment.source_info);
                context.problems.add(at, message, remedy);
            }
        }
    }
}

fn has_header(headers: &[KeyValue], name: &str) -> bool {
    let mut names = headers.iter().map(|header| header.key.to_string());
    names.any(|other| other.eq_ignore_ascii_case(name))
}

/// What a section says of the request.
fn part(section: &SectionValue, at: Position, context: &Context) -> Option<(&'static str, Node)> {
    let filled =
        |key, entries: Vec<(String, Node)>| (!entries.is_empty()).then(|| (key, map(at, entries)));
    match section {
        SectionValue::QueryParams(params, _) => filled("query", pairs(params, context)),
        SectionValue::FormParams(params, _) => filled("form", pairs(params, context)),
        SectionValue::Cookies(cookies) => {
            let cookies = cookies.iter();
            let pairs = cookies.filter_map(|one| pair(&one.name, &one.value, context));
            filled("cookies", pairs.collect())
        }
        SectionValue::MultipartFormData(params, _) => {
            let fields = params.iter().filter_map(|param| match param {
                MultipartParam::Param(field) => pair(&field.key, &field.value, context),
                MultipartParam::FilenameParam(file) => {
                    let message = "a file of a multipart form: files are not read";
                    let remedy = "send it from a suite, where `multipart` has `file` with `base64` or `content`";
                    context.refuse(start(file.key.source_info), message, remedy)
                }
            });
            filled("multipart", fields.collect())
        }
        SectionValue::BasicAuth(user) => {
            let user = user.as_ref()?;
            let is_secret = |one: &TemplateElement| matches!(one, TemplateElement::Placeholder(_));
            if !user.value.elements.iter().any(is_secret) {
                let message = "a password stands in the file";
                let remedy = if context.names.in_suite {
                    "write {{password}}, and say under `secrets` of the suite where it is kept"
                } else {
                    "write {{password}}, and give --secret password=env:PASSWORD"
                };
                return context.refuse(start(user.value.source_info), message, remedy);
            }
            let (name, password) = (context.text(&user.key), context.text(&user.value));
            let name = text(start(user.key.source_info), name?);
            let password = text(start(user.value.source_info), password?);
            Some(("basic", map(at, [("user", name), ("password", password)])))
        }
        SectionValue::Captures(_) | SectionValue::Asserts(_) | SectionValue::Options(_) => None,
    }
}

fn pairs(pairs: &[KeyValue], context: &Context) -> Vec<(String, Node)> {
    let pairs = pairs.iter();
    pairs
        .filter_map(|one| pair(&one.key, &one.value, context))
        .collect()
}

/// A name, which a suite has as it is, and a value. The place is the name's, for problems of both.
fn pair(name: &Template, value: &Template, context: &Context) -> Option<(String, Node)> {
    let at = start(name.source_info);
    let (name, value) = (context.literal(name, "a name"), context.text(value));
    let name = context.fixed(at, &name?)?;
    Some((name, text(at, value?)))
}

/// Where it goes: a path at the release if the URL begins with a placeholder that nothing else gives a value.
fn url(request: &Request, options: &Options, context: &Context) -> Option<String> {
    let url = &request.url;
    let begin = start(url.source_info);
    let text = match base(url, context)? {
        Some(rest) => {
            let is_whole = matches!(rest.elements.first(), Some(TemplateElement::Placeholder(_)));
            match context.text(&rest)? {
                path if is_whole || path.starts_with('/') => path,
                rest => format!("/{rest}"),
            }
        }
        None => context.text(url)?,
    };
    let is_literal = matches!(url.elements.first(), Some(TemplateElement::String { .. }));
    if is_literal && !text.starts_with("http://") && !text.starts_with("https://") {
        let message = format!("{text:?} is no URL of Hurl");
        return context.refuse(
            begin,
            message,
            "begin it with http://, https:// or {{host}}",
        );
    }
    let authority = text.split_once("://").map(|(_, rest)| rest);
    let authority = authority.and_then(|rest| rest.split(['/', '?', '#']).next());
    if is_literal && authority.is_some_and(|authority| authority.contains('@')) {
        let message = "credentials in a URL";
        let remedy = "write [BasicAuth], with the password as a placeholder";
        return context.refuse(begin, message, remedy);
    }
    let path = text.split('?').next().unwrap_or_default();
    let tidied = |segment: &str| matches!(segment, "." | "..");
    if !options.path_as_is && path.split('/').any(tidied) {
        let message = "the path has . or .., which Hurl resolves and a gate sends as they are";
        return context.refuse(
            begin,
            message,
            "write the path that is meant, or path-as-is: true",
        );
    }
    Some(text)
}

/// What follows a placeholder that stands for the address of the release, if there is one.
#[allow(
    clippy::option_option,
    reason = "the outer one says that it is refused"
)]
fn base(url: &Template, context: &Context) -> Option<Option<Template>> {
    let Some((TemplateElement::Placeholder(placeholder), rest)) = url.elements.split_first() else {
        return Some(None);
    };
    let ExprKind::Variable(variable) = &placeholder.expr.kind else {
        return Some(None);
    };
    let name = &variable.name;
    // Another name is another place.
    let is_other = context.names.bases.borrow().iter().any(|base| base != name);
    if is_other || context.names.get(name).is_some() {
        return Some(None);
    }
    let is_path = match rest.first() {
        None => true,
        Some(TemplateElement::String { value, .. }) => value.starts_with(['/', '?']),
        Some(TemplateElement::Placeholder(placeholder)) => is_path(placeholder, context)?,
    };
    if !is_path {
        let (what, give) = if context.names.in_suite {
            (
                "the release",
                format!("write it under `vars` of the suite, {name}: URL"),
            )
        } else {
            ("--url", format!("give --var {name}=URL"))
        };
        let message = format!("{{{{{name}}}}} stands for {what} only where / or nothing follows");
        let remedy =
            format!("write {{{{{name}}}}}/…, or {give}, and the file asks that address only");
        return context.refuse(start(url.source_info), message, remedy);
    }
    context.names.bases.borrow_mut().insert(name.clone());
    Some(Some(Template::new(None, rest.to_vec(), url.source_info)))
}

/// Whether a value is a path: a variable that is, or a capture, of which it is demanded.
fn is_path(placeholder: &Placeholder, context: &Context) -> Option<bool> {
    let ExprKind::Variable(_) = &placeholder.expr.kind else {
        return Some(false);
    };
    let own = &context.known(placeholder)?.name;
    if let Some(written) = context.names.written(own) {
        return Some(written.starts_with('/') && !written.starts_with("//"));
    }
    let origin = context.names.origin(own);
    let can_be = origin.is_some_and(Origin::can_be_path);
    if can_be {
        context.names.used(own, |used| used.as_path = true);
    }
    Some(can_be)
}
