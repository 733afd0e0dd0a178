//! CSS expectations as a suite writes them, against pages.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

use super::tests::{evidence, values};
use super::*;
use crate::body::Body;
use crate::measurement::Measurement;
use crate::suite::Suite;

const PAGE: &str =
    "<!doctype html><title>Shop</title><link rel=canonical href='https://shop.example.com/'>
<main><h1> Welcome,\n <b>reader</b> </h1><p hidden>one<p>two &amp; three
<ul><li>Dune<li>Emma</ul><input name=csrf_token value=hunter2hunter2><a href=/buy>Buy</a></main>";

fn judged_as(css: &str, body: &str, content_type: &str) -> (Measurement, String) {
    let text = format!(
        "version: 1\nname: shop\nchecks: [{{ name: a, http: GET /, expect: [{{ css: {{ {css} }} }}] }}]"
    );
    let suite = Suite::parse("suite.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
    let evidence = Evidence {
        body: Body::new(body.as_bytes().to_vec(), 1024 * 1024, &headers),
        ..evidence("")
    };
    let findings = evaluate(
        &suite.checks[0].expect,
        &evidence,
        &values(),
        &Arc::default(),
    );
    let words: Vec<String> = findings
        .iter()
        .map(|finding| {
            let (Actual::Words(got) | Actual::Value(got)) = &finding.got;
            let expected = finding.expected.as_deref().unwrap_or_default();
            format!("{} {expected}: {got}", finding.demand)
        })
        .collect();
    let worst = findings
        .iter()
        .find(|one| one.measurement != Measurement::Passed);
    let measurement = worst.map_or(Measurement::Passed, |one| one.measurement);
    (measurement, words.join("; "))
}

fn judged(css: &str) -> (Measurement, String) {
    judged_as(css, PAGE, "text/html; charset=utf-8")
}

#[test]
fn elements_are_found_as_browsers_find_them() {
    for met in [
        "select: main > h1, text: 'Welcome, reader'",
        "select: h1, contains: Welcome, not_contains: Goodbye",
        "select: 'p:not([hidden])', text: two & three",
        // Neither `li` nor `p` is closed in the page.
        "select: li, count: 2, matches: '^Dune$'",
        "select: 'li:nth-child(2)', text: Emma",
        "select: 'ul:has(li)', exists: true",
        "select: 'link[rel=canonical]', attribute: HREF, equals: 'https://shop.example.com/'",
        "select: '.error', exists: false",
        "select: '.error', count: 0",
        "select: 'h1, li', count: 3",
        // A body that a page does not write is there all the same.
        "select: html > body > main, exists: true",
    ] {
        let (measurement, words) = judged(met);
        assert_eq!(measurement, Measurement::Passed, "{met}: {words}");
    }
    for unmet in [
        "select: h1, text: Welcome",
        "select: h2, not_contains: Error",
        "select: li, not_contains: Emma",
        "select: li, matches: Dune, contains: Emma",
        "select: li, count: '> 2'",
        "select: a, attribute: target, not_equals: x",
        "select: nav, count: '< 3'",
    ] {
        assert_eq!(judged(unmet).0, Measurement::Failed, "{unmet}");
    }
    insta::assert_snapshot!(judged("select: h1, text: Welcome").1, @r#"h1 equal to "Welcome": "Welcome, reader""#);
    insta::assert_snapshot!(judged("select: h2, exists: true").1, @"h2 to be there : none");
    insta::assert_snapshot!(judged("select: a, attribute: href, equals: /sell").1, @r#"href of a equal to "/sell": "/buy""#);
}

#[test]
fn what_is_no_page_meets_nothing() {
    let (measurement, words) = judged_as("select: .error, exists: false", "{}", "application/json");
    assert_eq!(measurement, Measurement::Failed);
    insta::assert_snapshot!(words, @".error in a page of HTML : a body that is not HTML: its content-type is application/json");
}

#[test]
fn a_page_beyond_its_bounds_is_not_judged() {
    let (measurement, words) = judged_as(
        "select: h1, exists: false",
        &"<p>x".repeat(60_000),
        "text/html",
    );
    assert_eq!(measurement, Measurement::Errored);
    insta::assert_snapshot!(words, @"h1 : the page has more than 100000 elements, texts and attributes");
    // Each of them has the text of all that stand in it.
    let nested = format!("{}{}", "<div>".repeat(2_000), "word ".repeat(2_000));
    let (measurement, words) = judged_as("select: div, not_contains: x", &nested, "text/html");
    assert_eq!(measurement, Measurement::Errored);
    insta::assert_snapshot!(words, @"div : the texts that are selected are longer than 4 MiB; select fewer elements");
}

#[test]
fn values_of_secret_names_are_not_shown() {
    let text = "version: 1\nname: s\nchecks: [{ name: a, http: GET /, expect: [{ css: { select: 'input[name=csrf_token]', attribute: value, equals: x } }] }]";
    let suite = Suite::parse("suite.yaml", text).unwrap();
    let finding = &evaluate(
        &suite.checks[0].expect,
        &evidence(PAGE),
        &values(),
        &Arc::default(),
    )[0];
    assert_eq!(finding.measurement, Measurement::Failed);
    assert!(finding.sensitive);
}
