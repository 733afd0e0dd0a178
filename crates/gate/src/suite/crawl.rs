//! `crawl:` of a check.

use strict_yaml::{Node, Object, Value, items, scalar};

use super::context::Context;
use super::place::optional;
use super::web_place::{url, web_place};
use super::{http, keys};
use crate::probe::crawl::{Crawl, Landmark};
use crate::probe::http::DEFAULT_MAX_BODY;
use crate::probe::web_place::WebPlace;

const DEFAULT_MAX_PAGES: u64 = 50;
const DEFAULT_MAX_DEPTH: u64 = 5;
const MAX_PAGES: u64 = 500;
const MAX_DEPTH: u64 = 20;
const MAX_IGNORED: usize = 100;

/// A path, or a mapping.
pub(super) fn crawl(node: &Node, context: &Context) -> Option<Crawl> {
    if let Value::Text(_) = &node.value {
        let start = WebPlace {
            url: url(node, "crawl", context)?,
            reaches_release: None,
        };
        return Some(of(start, DEFAULT_MAX_PAGES, DEFAULT_MAX_DEPTH));
    }
    let problems = &context.problems;
    let object = Object::read(node, &keys::CRAWL, problems)?;
    let start = web_place(&object, "start", context);
    let number = |key: &str, most: u64| {
        let least = u64::from(key == "max_pages");
        optional(&object, key, |node| {
            scalar::integer(node, key, least..=most, problems)
        })
    };
    let max_pages = number("max_pages", MAX_PAGES);
    let max_depth = number("max_depth", MAX_DEPTH);
    let max_body = optional(&object, "max_body", |node| http::max_body(node, context));
    let ignore = optional(&object, "ignore", |node| ignore(node, context));
    let landmarks = optional(&object, "landmarks", |node| landmarks(node, context));
    let crawl = of(
        start?,
        max_pages.ok()?.unwrap_or(DEFAULT_MAX_PAGES),
        max_depth.ok()?.unwrap_or(DEFAULT_MAX_DEPTH),
    );
    Some(Crawl {
        max_body: max_body.ok()?.unwrap_or(crawl.max_body),
        ignore: ignore.ok()?.unwrap_or_default(),
        landmarks: landmarks.ok()?.unwrap_or(crawl.landmarks),
        ..crawl
    })
}

fn of(start: WebPlace, max_pages: u64, max_depth: u64) -> Crawl {
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Crawl {
        start,
        max_pages: count(max_pages),
        max_depth: count(max_depth),
        max_body: DEFAULT_MAX_BODY,
        ignore: Vec::new(),
        landmarks: Landmark::ALL.to_vec(),
    }
}

/// `[/logout, /admin/*]`
fn ignore(node: &Node, context: &Context) -> Option<Vec<String>> {
    let problems = &context.problems;
    let nodes = items(node, "ignore", problems)?;
    if nodes.len() > MAX_IGNORED {
        let message = format!("ignore has {} entries", nodes.len());
        problems.add(node.at, message, format!("write up to {MAX_IGNORED}"));
        return None;
    }
    let path = |node: &Node| {
        let written = scalar::text(node, "ignore", problems)?;
        if !written.starts_with('/') {
            let message = format!("ignore: {written:?} is not a path");
            let remedy = "write a path that begins with /; * stands for anything";
            problems.add(node.at, message, remedy);
            return None;
        }
        Some(written.to_owned())
    };
    let paths: Vec<Option<String>> = nodes.iter().map(path).collect();
    paths.into_iter().collect()
}

fn landmarks(node: &Node, context: &Context) -> Option<Vec<Landmark>> {
    let choices = Landmark::ALL.map(|one| (one.as_str(), one));
    let nodes = items(node, "landmarks", &context.problems)?;
    let landmark = |node| scalar::choice(node, "landmarks", &choices, &context.problems);
    let landmarks: Vec<Option<Landmark>> = nodes.iter().map(landmark).collect();
    landmarks.into_iter().collect()
}
