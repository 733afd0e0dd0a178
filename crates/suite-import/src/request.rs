//! A request of a file as one of a suite.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use strict_yaml::{Node, Value};

use crate::place::Place;
use crate::texts::{Texts, has_secret_shape, holds_a_secret, is_secret_key};
use crate::tree;

/// What is sent, in texts of the suite.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) place: Place,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) basic: Option<(String, String)>,
    pub(crate) body: Body,
    pub(crate) follow_redirects: bool,
    /// Further keys of the probe, such as `http_version`.
    pub(crate) more: Vec<(&'static str, Node)>,
}

/// The body, in texts of the suite.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    #[default]
    None,
    Json(Node),
    Text(String),
    Form(Vec<(String, String)>),
    Multipart(Vec<(String, Node)>),
}

/// Set by the gate, or about the connection.
const CONNECTION_HEADERS: [&str; 13] = [
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "proxy-connection",
    "proxy-authorization",
    "http2-settings",
    "accept-encoding",
];

/// Kinds of authorization that stand before the secret.
const SCHEMES: [&str; 6] = ["Bearer", "Token", "ApiKey", "Key", "JWT", "Basic"];

impl Request {
    /// Whether a round of a bake would do something again.
    pub(crate) fn changes_something(&self) -> bool {
        !matches!(&*self.method, "GET" | "HEAD" | "OPTIONS")
    }

    /// Adds a header as the file has it; says which ones can't be sent.
    pub(crate) fn header(
        &mut self,
        name: &str,
        raw: &str,
        texts: &mut Texts,
    ) -> Result<(), String> {
        let lower = name.trim().to_ascii_lowercase();
        if CONNECTION_HEADERS.contains(&&*lower) || lower.starts_with(':') {
            return Err(format!(
                "the header {}: the gate sets it, or it is about the connection",
                shown(name)
            ));
        }
        if self
            .headers
            .iter()
            .any(|(other, _)| other.eq_ignore_ascii_case(&lower))
        {
            return Err(format!("the header {} a second time", shown(name)));
        }
        match &*lower {
            "cookie" => self.cookie(raw, texts),
            "authorization" => self.authorization(raw, texts),
            _ => {
                let value = texts.named(&lower, raw)?;
                self.headers.push((lower, value));
                Ok(())
            }
        }
    }

    /// Whether the request has this header.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other == name)
    }

    /// Whatever a cookie holds may be somebody's session.
    pub(crate) fn cookie(&mut self, raw: &str, texts: &mut Texts) -> Result<(), String> {
        for pair in raw
            .split(';')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if self.cookies.iter().any(|(other, _)| other == name) {
                continue;
            }
            let value = texts.secret_text(&format!("cookie_{name}"), value)?;
            self.cookies.push((name.to_owned(), value));
        }
        Ok(())
    }

    fn authorization(&mut self, raw: &str, texts: &mut Texts) -> Result<(), String> {
        let (scheme, rest) = raw.split_once(' ').unwrap_or(("", raw));
        let scheme = SCHEMES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(scheme));
        if scheme == Some("Basic") && !texts.has_reference(rest) {
            let pair = BASE64.decode(rest.trim().as_bytes()).ok();
            let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
            if let Some((user, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) {
                return self.user(user, password, texts);
            }
        }
        let value = match scheme {
            Some(scheme) => format!(
                "{scheme} {}",
                texts.secret_text("authorization", rest.trim())?
            ),
            None => texts.secret_text("authorization", raw)?,
        };
        self.headers.push(("authorization".to_owned(), value));
        Ok(())
    }

    /// User and password, as the file has them.
    pub(crate) fn user(
        &mut self,
        user: &str,
        password: &str,
        texts: &mut Texts,
    ) -> Result<(), String> {
        let user = texts.named("", user)?;
        let password = texts.secret_text("password", password)?;
        self.basic = Some((user, password));
        Ok(())
    }

    /// A body of this media type, as the file has it.
    pub(crate) fn text_body(
        &mut self,
        raw: &str,
        media_type: &str,
        texts: &mut Texts,
    ) -> Result<(), String> {
        let kind = media_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        if (kind == "application/json" || kind.ends_with("+json")) && self.json_body(raw, texts)? {
            if kind == "application/json" {
                self.headers.retain(|(name, _)| name != "content-type");
            }
            return Ok(());
        }
        if kind == "application/x-www-form-urlencoded" && !texts.has_reference(raw) {
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(raw.as_bytes())
                .into_owned()
                .collect();
            let encoded = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&pairs)
                .finish();
            // Only what is sent again as it was.
            if encoded == raw {
                return self.form(&pairs, texts);
            }
        }
        if has_secret_shape(&texts.without_references(raw)) {
            return Err("its body holds what looks like a secret".to_owned());
        }
        self.body = Body::Text(texts.text(raw)?);
        if !self.has_header("content-type") && !media_type.is_empty() {
            let media_type = texts.text(media_type)?;
            self.headers.push(("content-type".to_owned(), media_type));
        }
        Ok(())
    }

    /// A form, as names and values.
    pub(crate) fn form(
        &mut self,
        pairs: &[(String, String)],
        texts: &mut Texts,
    ) -> Result<(), String> {
        let names: BTreeSet<&String> = pairs.iter().map(|(name, _)| name).collect();
        if names.len() < pairs.len() {
            return Err("its form has a field twice".to_owned());
        }
        let mut form = Vec::new();
        for (name, value) in pairs {
            form.push((texts.text(name)?, texts.named(name, value)?));
        }
        self.body = Body::Form(form);
        self.headers.retain(|(name, _)| name != "content-type");
        Ok(())
    }

    /// JSON as it is; no, where it is none.
    fn json_body(&mut self, raw: &str, texts: &mut Texts) -> Result<bool, String> {
        if serde_json::from_str::<serde::de::IgnoredAny>(raw).is_err() {
            return Ok(false);
        }
        let document = strict_yaml::Document {
            noun: "body",
            begin: "",
            split: "",
        };
        // Beyond the bounds of a suite it is text.
        let node = if raw.trim_start().starts_with(['{', '[']) {
            tree::read_json(raw, document)
        } else {
            Ok(tree::number(raw.trim()))
        };
        let Ok(node) = node else {
            return Ok(false);
        };
        self.body = Body::Json(json(&node, "", false, texts)?);
        Ok(true)
    }

    /// The probe of a suite.
    pub(crate) fn node(&self) -> Node {
        let is_short = self.headers.is_empty()
            && self.cookies.is_empty()
            && self.basic.is_none()
            && self.place.query.is_empty()
            && matches!(self.body, Body::None)
            && !self.follow_redirects
            && self.more.is_empty();
        if is_short && !self.place.path.contains(' ') {
            return tree::text(format!("{} {}", self.method, self.place.path));
        }
        let mut entries = Vec::new();
        if self.method != "GET" {
            entries.push(("method", tree::text(&self.method)));
        }
        entries.push(("url", tree::text(&self.place.path)));
        let pairs = |pairs: &[(String, String)]| {
            tree::map(
                pairs
                    .iter()
                    .map(|(name, value)| (name.clone(), tree::text(value))),
            )
        };
        for (key, values) in [
            ("query", &self.place.query),
            ("headers", &self.headers),
            ("cookies", &self.cookies),
        ] {
            if !values.is_empty() {
                entries.push((key, pairs(values)));
            }
        }
        if let Some((user, password)) = &self.basic {
            let basic = [
                ("user", tree::text(user)),
                ("password", tree::text(password)),
            ];
            entries.push(("basic", tree::map(basic)));
        }
        match &self.body {
            Body::None => {}
            Body::Json(node) => entries.push(("json", node.clone())),
            Body::Text(text) => entries.push(("body", tree::text(text))),
            Body::Form(fields) => entries.push(("form", pairs(fields))),
            Body::Multipart(parts) => entries.push(("multipart", tree::map(parts.iter().cloned()))),
        }
        if self.follow_redirects {
            entries.push(("follow_redirects", tree::boolean(true)));
        }
        entries.extend(self.more.iter().cloned());
        tree::map(entries)
    }
}

/// JSON of the file as JSON of a suite. What stands below the name of a secret is one.
fn json(node: &Node, name: &str, is_secret: bool, texts: &mut Texts) -> Result<Node, String> {
    let is_secret = is_secret || is_secret_key(name);
    Ok(match &node.value {
        Value::Text(raw) if !is_secret && holds_a_secret(raw) => {
            return Err(format!(
                "`{}` of its body has a secret within a longer text",
                shown(name)
            ));
        }
        Value::Text(raw) if !raw.is_empty() && (is_secret || has_secret_shape(raw)) => {
            tree::text(texts.secret_text(name, raw)?)
        }
        Value::Text(raw) => tree::text(texts.text(raw)?),
        Value::Number(_, written) if is_secret => tree::text(texts.secret(name, written)),
        Value::List(items) => {
            let items = items.iter().map(|item| json(item, name, is_secret, texts));
            tree::list(items.collect::<Result<_, _>>()?)
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let value = json(value, &key.text, is_secret, texts)?;
                Ok((key.text.clone(), value))
            });
            tree::map(entries.collect::<Result<Vec<_>, String>>()?)
        }
        Value::Null | Value::Bool(..) | Value::Number(..) => node.clone(),
    })
}

fn shown(name: &str) -> String {
    text::clean::short(name, 60)
}
