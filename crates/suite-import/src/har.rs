//! What a browser has recorded: each document and each call of a page becomes a check.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use strict_yaml::{Position, Problem};

use crate::draft::{Draft, DraftCheck, content_type, status};
use crate::place::Place;
use crate::request::{Body, Request};
use crate::tree;

/// The recording, as far as it is needed; bodies of answers are passed over.
#[derive(Deserialize)]
struct Har<'h> {
    #[serde(borrow)]
    log: Log<'h>,
}

#[derive(Deserialize)]
struct Log<'h> {
    #[serde(borrow)]
    entries: Vec<Entry<'h>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'h> {
    #[serde(borrow, rename = "_resourceType")]
    resource_type: Option<Cow<'h, str>>,
    #[serde(borrow)]
    request: RecordedRequest<'h>,
    #[serde(borrow)]
    response: Answer<'h>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordedRequest<'h> {
    #[serde(borrow)]
    method: Cow<'h, str>,
    #[serde(borrow)]
    url: Cow<'h, str>,
    #[serde(borrow, default)]
    headers: Vec<Pair<'h>>,
    #[serde(borrow, default)]
    cookies: Vec<Pair<'h>>,
    #[serde(borrow)]
    post_data: Option<PostData<'h>>,
}

#[derive(Deserialize)]
struct Pair<'h> {
    #[serde(borrow)]
    name: Cow<'h, str>,
    #[serde(borrow, default)]
    value: Cow<'h, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData<'h> {
    #[serde(borrow, default)]
    mime_type: Cow<'h, str>,
    #[serde(borrow, default)]
    text: Cow<'h, str>,
    #[serde(borrow, default)]
    params: Vec<Param<'h>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Param<'h> {
    #[serde(borrow)]
    name: Cow<'h, str>,
    #[serde(borrow)]
    value: Option<Cow<'h, str>>,
    #[serde(borrow)]
    file_name: Option<Cow<'h, str>>,
}

#[derive(Deserialize)]
struct Answer<'h> {
    status: i64,
    #[serde(borrow)]
    content: Option<Content<'h>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<'h> {
    #[serde(borrow)]
    mime_type: Option<Cow<'h, str>>,
}

/// What a browser sets by itself; most of it changes with each visit.
const BROWSER_HEADERS: [&str; 13] = [
    "user-agent",
    "accept-language",
    "referer",
    "origin",
    "dnt",
    "cache-control",
    "pragma",
    "priority",
    "upgrade-insecure-requests",
    "if-none-match",
    "if-modified-since",
    "save-data",
    "x-client-data",
];

/// Reads a recording.
pub(crate) fn read(text: &str, draft: &mut Draft) -> Result<(), Problem> {
    let mended = text::json::mended(text.trim_start_matches('\u{feff}'));
    let har: Har<'_> = serde_json::from_str(&mended).map_err(|error| {
        let at = Position::new(error.line().max(1), error.column().max(1));
        at.problem(
            format!("it is no recording of a browser: {error}"),
            "save it again from the browser's network tools, as HAR",
        )
    })?;
    let entries = har.log.entries;
    let mut dropped: BTreeMap<String, usize> = BTreeMap::new();
    let mut passed: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen: Vec<String> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let kind = kind(entry);
        if !matches!(kind, "document" | "xhr" | "fetch") {
            *passed.entry(kind.to_owned()).or_default() += 1;
            continue;
        }
        let same = format!(
            "{} {} {}",
            entry.request.method,
            entry.request.url,
            body_of(entry)
        );
        if seen.contains(&same) {
            let what = format!("entry {}: the same request once more", index + 1);
            draft.leave(None, what);
            continue;
        }
        seen.push(same);
        let is_page = kind == "document";
        match of_entry(entry, draft, &mut dropped) {
            Ok(check) => {
                let origin = &check.request.place.origin;
                if draft.release.is_none() && is_page {
                    // What was opened first is what was looked at.
                    draft.release = Some(origin.clone());
                }
                draft.add(check);
            }
            Err(why) => draft.leave(None, format!("entry {}: {why}", index + 1)),
        }
    }
    for (kind, count) in passed {
        draft.leave(
            None,
            format!(
                "{} of the kind {kind}",
                text::words::count(count, "request")
            ),
        );
    }
    if !dropped.is_empty() {
        let names = text::words::list(dropped.keys().map(String::as_str));
        draft.leave(
            None,
            format!("headers that a browser sets by itself: {names}"),
        );
    }
    Ok(())
}

fn body_of<'e>(entry: &'e Entry<'_>) -> &'e str {
    entry
        .request
        .post_data
        .as_ref()
        .map_or("", |data| &data.text)
}

/// What was asked for: `document`, `xhr`, `image`, …
fn kind<'e>(entry: &'e Entry<'_>) -> &'e str {
    if let Some(kind) = &entry.resource_type {
        return kind;
    }
    let media_type = media_type(entry);
    match media_type {
        "text/html" | "application/xhtml+xml" => "document",
        _ if media_type.contains("json") => "xhr",
        _ => media_type.split('/').next().unwrap_or("other"),
    }
}

fn media_type<'e>(entry: &'e Entry<'_>) -> &'e str {
    let content = entry.response.content.as_ref();
    let media_type = content.and_then(|content| content.mime_type.as_deref());
    media_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
}

fn of_entry(
    entry: &Entry<'_>,
    draft: &mut Draft,
    dropped: &mut BTreeMap<String, usize>,
) -> Result<DraftCheck, String> {
    let recorded = &entry.request;
    let texts = &mut draft.texts;
    let place = Place::read(&recorded.url, None, texts)?;
    let method = recorded.method.to_ascii_uppercase();
    let name = format!(
        "{method} {}",
        place.path.split('?').next().unwrap_or_default()
    );
    let mut request = Request {
        method,
        ..Request::default()
    };
    let mut left = Vec::new();
    let mut sent_type = String::new();
    for Pair { name, value } in &recorded.headers {
        let lower = name.to_ascii_lowercase();
        if lower == "content-type" {
            sent_type = value.to_string();
            continue;
        }
        if BROWSER_HEADERS.contains(&&*lower) || lower.starts_with("sec-") || lower.starts_with(':')
        {
            *dropped.entry(lower).or_default() += 1;
            continue;
        }
        if let Err(why) = request.header(name, value, texts) {
            left.push(why);
        }
    }
    if request.cookies.is_empty() {
        for Pair { name, value } in &recorded.cookies {
            request.cookie(&format!("{name}={value}"), texts)?;
        }
    }
    if let Some((user, password)) = &place.user {
        request.user(user, password, texts)?;
    }
    request.place = place;
    if let Some(data) = &recorded.post_data {
        let media_type = if sent_type.is_empty() {
            &*data.mime_type
        } else {
            &*sent_type
        };
        if media_type.starts_with("multipart/") {
            multipart(data, &mut request, draft)?;
        } else if data.text.is_empty() && !data.params.is_empty() {
            let pairs = data.params.iter();
            let pairs: Vec<(String, String)> = pairs
                .map(|param| {
                    (
                        param.name.to_string(),
                        param.value.as_deref().unwrap_or_default().to_owned(),
                    )
                })
                .collect();
            request.form(&pairs, texts)?;
        } else if !data.text.is_empty() {
            request.text_body(&data.text, media_type, texts)?;
        }
    }
    let code = entry.response.status;
    let mut expect = Vec::new();
    match code {
        // What the browser had already.
        304 => left.push("its answer, as the browser had it already; 2xx is expected".to_owned()),
        100..=599 => {
            expect.push(status(&code.to_string()));
            let media_type = media_type(entry);
            if (200..300).contains(&code) && !media_type.is_empty() && media_type != "x-unknown" {
                expect.push(content_type(media_type));
            }
        }
        _ => return Err(format!("{name}: it got no answer")),
    }
    for what in left {
        draft.leave(None, format!("{name}: {what}"));
    }
    Ok(DraftCheck {
        line: None,
        name,
        request,
        expect,
        more: Vec::new(),
    })
}

fn multipart(data: &PostData<'_>, request: &mut Request, draft: &mut Draft) -> Result<(), String> {
    if data.params.is_empty() {
        return Err("its form was not recorded field by field".to_owned());
    }
    let mut parts = Vec::new();
    for Param {
        name,
        value,
        file_name,
    } in &data.params
    {
        if file_name.is_some() {
            return Err(format!("the file of the field {name} was not recorded"));
        }
        let value = draft
            .texts
            .named(name, value.as_deref().unwrap_or_default())?;
        parts.push((draft.texts.text(name)?, tree::text(value)));
    }
    request.body = Body::Multipart(parts);
    Ok(())
}
