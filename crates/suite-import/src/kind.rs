//! What a file is, by its content.

use std::fmt;

use strict_yaml::{Position, Problem};

/// A kind of file that becomes a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An `OpenAPI` description, 3.0 or 3.1.
    OpenApi,
    /// What a browser has recorded.
    Har,
    /// Commands of curl.
    Curl,
    /// A collection of Postman, 2.1.
    Postman,
    /// A request or a collection of Bruno, in YAML.
    Bruno,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OpenApi => "an OpenAPI description",
            Self::Har => "a recording of a browser (HAR)",
            Self::Curl => "curl",
            Self::Postman => "a Postman collection",
            Self::Bruno => "a Bruno collection",
        })
    }
}

/// Which kind `text` is of.
pub(crate) fn of(text: &str) -> Result<Kind, Problem> {
    let start = Position::new(1, 1);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') {
        return of_json(text).map_err(|(at, message, remedy)| at.problem(message, remedy));
    }
    let mut lines = text.lines().map(str::trim_end);
    if lines.clone().any(is_curl) {
        return Ok(Kind::Curl);
    }
    // Keys at the top of a mapping in YAML.
    let has = |key: &str| {
        text.lines()
            .any(|line| line.starts_with(&format!("{key}:")))
    };
    if has("openapi") {
        return Ok(Kind::OpenApi);
    }
    if has("swagger") {
        return Err(swagger(start));
    }
    if has("opencollection") || (has("info") && has("http")) {
        return Ok(Kind::Bruno);
    }
    let is_bru = lines.any(|line| line == "meta {" || line == "http {");
    Err(if is_bru {
        start.problem(
            "this is a request of Bruno in its own language",
            "save the collection as YAML (OpenCollection), and give that",
        )
    } else {
        unknown(start)
    })
}

type Wrong = (Position, String, String);

fn of_json(text: &str) -> Result<Kind, Wrong> {
    let start = Position::new(1, 1);
    let keys: Keys = serde_json::from_str(text).map_err(|error| {
        let at = Position::new(error.line().max(1), error.column().max(1));
        let remedy = "give a whole file; it must be JSON where it begins with {";
        (at, format!("not valid JSON: {error}"), remedy.to_owned())
    })?;
    let told = |problem: Problem| (start, problem.message, problem.remedy);
    match keys {
        Keys {
            openapi: Some(_), ..
        } => Ok(Kind::OpenApi),
        Keys {
            swagger: Some(_), ..
        } => Err(told(swagger(start))),
        Keys { log: Some(_), .. } => Ok(Kind::Har),
        Keys {
            opencollection: Some(_),
            ..
        } => Ok(Kind::Bruno),
        Keys { item: Some(_), .. } => Ok(Kind::Postman),
        Keys {
            info: Some(_),
            http: Some(_),
            ..
        } => Ok(Kind::Bruno),
        Keys {
            collection: Some(_),
            ..
        } => Err((
            start,
            "the collection stands within another object".to_owned(),
            "export it from Postman as Collection v2.1, and give that file".to_owned(),
        )),
        _ => Err(told(unknown(start))),
    }
}

/// Which keys an object has; their values are passed over.
#[derive(serde::Deserialize)]
struct Keys {
    openapi: Option<serde::de::IgnoredAny>,
    swagger: Option<serde::de::IgnoredAny>,
    log: Option<serde::de::IgnoredAny>,
    opencollection: Option<serde::de::IgnoredAny>,
    item: Option<serde::de::IgnoredAny>,
    info: Option<serde::de::IgnoredAny>,
    http: Option<serde::de::IgnoredAny>,
    collection: Option<serde::de::IgnoredAny>,
}

/// Whether a line begins a command of curl, after a prompt perhaps.
fn is_curl(line: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("$ ").unwrap_or(line);
    line == "curl"
        || line.starts_with("curl ")
        || line.starts_with("curl\t")
        || line.starts_with("curl.exe ")
}

fn swagger(at: Position) -> Problem {
    at.problem(
        "this is a description of Swagger 2.0, which is not read",
        "convert it to OpenAPI 3 first",
    )
}

fn unknown(at: Position) -> Problem {
    at.problem(
        "it is not known what this file is",
        "give an OpenAPI description (3.0, 3.1), a HAR, curl commands, a Postman collection (v2.1), a Bruno collection in YAML, or a \
         file whose name ends with .hurl",
    )
}
