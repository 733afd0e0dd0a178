//! `expect` of a check.

use super::*;

#[test]
fn expectations_are_checked() {
    let problems_with = |expect: &str| problems_of_check(&format!("http: GET /\nexpect: {expect}"));
    insta::assert_snapshot!(problems_with("[]"), @"suite.yaml:6:13: nothing is expected; write what must hold, or remove `expect` for any status of 2xx");
    insta::assert_snapshot!(problems_with("[{ status: ok }]"), @r#"suite.yaml:6:24: "ok" is not a status; write 200, [200, 204], 2xx or 200-299"#);
    insta::assert_snapshot!(problems_with("[{ status: 299-200 }]"), @r#"suite.yaml:6:24: "299-200" is not a status; write 200, [200, 204], 2xx or 200-299"#);
    insta::assert_snapshot!(problems_with("[{ header: { name: etag } }]"), @"suite.yaml:6:24: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another");
    insta::assert_snapshot!(problems_with("[{ json: { path: total, exists: true } }]"), @r#"suite.yaml:6:30: "total" is not a JSONPath: a path begins with $ (character 1); write $.total"#);
    insta::assert_snapshot!(problems_with("[{ json: { path: $..a-b, exists: true } }]"), @r#"suite.yaml:6:30: "$..a-b" is not a JSONPath: a name after a dot can't have "-" (character 4); write $..['a-b']"#);
    insta::assert_snapshot!(problems_with("[{ json: { path: $, length: some } }]"), @r#"suite.yaml:6:41: length: "some" is not a length; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
    insta::assert_snapshot!(problems_with("[{ json: { path: $, greater_than: '1' } }]"), @"suite.yaml:6:47: greater_than is a number, not text; write a number without quotes, or a reference to one");
    insta::assert_snapshot!(problems_with("[{ json: { path: $, type: text } }]"), @r#"suite.yaml:6:39: type: unknown "text"; write one of "string", "number", "integer", "boolean", "array", "object", "null""#);
    insta::assert_snapshot!(problems_with("[{ latency: '> 1s' }]"), @r#"suite.yaml:6:25: latency: "> 1s" is not a limit; write "< 1s" or "<= 1s""#);
    insta::assert_snapshot!(problems_with("[{ status: 200, body: { contains: x } }]"), @"suite.yaml:6:14: an expectation has one key; begin a new line with `- ` for each");
}

#[test]
fn counts_sizes_hashes_and_phases_are_checked() {
    let problems_with =
        |expect: &str| problems_of_check(&format!("http: GET /\nexpect: [{expect}]"));
    insta::assert_snapshot!(problems_with("{ header: { name: a, count: some } }"), @r#"suite.yaml:6:42: count: "some" is not a count; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
    insta::assert_snapshot!(problems_with("{ json: { path: $, count: '< 0' } }"), @r#"suite.yaml:6:40: count: "< 0" can't hold for anything; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
    insta::assert_snapshot!(problems_with("{ body: { size: '< 64KB' } }"), @r#"suite.yaml:6:30: size: "< 64KB" is not a size; write "< 64KiB", "<= 2MiB", "> 0" or a number of bytes"#);
    insta::assert_snapshot!(problems_with("{ body: { size: '> 16MiB' } }"), @r#"suite.yaml:6:30: size: "> 16MiB" can't hold for anything; write "< 64KiB", "<= 2MiB", "> 0" or a number of bytes"#);
    insta::assert_snapshot!(problems_with("{ body: { sha256: abc } }"), @r#"suite.yaml:6:32: sha256: "abc" is not a SHA-256; write its 64 hexadecimal digits"#);
    insta::assert_snapshot!(problems_with("{ body: { charset: utf8-ish } }"), @r#"suite.yaml:6:33: charset: "utf8-ish" is not a charset; write a name of the Encoding Standard, such as utf-8 or iso-8859-1"#);
    insta::assert_snapshot!(problems_with("{ latency: { dns: 20ms, tsl: '< 1s' } }"), @r#"
    suite.yaml:6:32: dns: "20ms" is not a limit; write "< 20ms" or "<= 20ms"
    suite.yaml:6:38: unknown key "tsl"; did you mean "tls"?
    "#);
    insta::assert_snapshot!(problems_with("{ latency: {} }"), @"suite.yaml:6:25: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another");
    insta::assert_snapshot!(problems_with("{ redirects: { count: 1 } }"), @"suite.yaml:6:13: redirects are expected, and the request follows none; add `follow_redirects: true`; to judge a redirect itself, expect its status and its header location");
    let followed = problems_of_check(
        "http: { url: /, follow_redirects: true }\nexpect: [{ redirects: { count: -1, through: [login], url: {} } }]",
    );
    insta::assert_snapshot!(followed, @r#"
    suite.yaml:6:36: count: -1 is not a count; write 3, "> 0", ">= 1", "< 10" or "<= 10"
    suite.yaml:6:50: through: "login" is neither a path nor a URL; write /path or https://shop.example.com/path
    suite.yaml:6:63: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another
    "#);
    insta::assert_snapshot!(problems_with("{ body: { not_matches: '(' } }"), @r#"suite.yaml:6:37: "(" is not a regular expression: unclosed group; see https://docs.rs/regex/latest/regex/#syntax; single quotes keep YAML from reading backslashes"#);
    insta::assert_snapshot!(problems_with("{ json: { path: $, at_least: many } }"), @"suite.yaml:6:43: at_least is a number, not text; write a number without quotes, or a reference to one");
}

#[test]
fn selectors_are_checked() {
    let problems_with =
        |css: &str| problems_of_check(&format!("http: GET /\nexpect: [{{ css: {{ {css} }} }}]"));
    insta::assert_snapshot!(problems_with("text: a"), @r#"suite.yaml:6:21: css has no "select"; add `select:`"#);
    insta::assert_snapshot!(problems_with("select: h1"), @"suite.yaml:6:21: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another");
    insta::assert_snapshot!(problems_with("select: 'a:hover', exists: true"), @r#"suite.yaml:6:31: "a:hover" is not a CSS selector that can be judged; write elements, classes, ids, attributes and combinators, such as "main > h1" or "a[href^='/buy']"; states such as :hover don't exist here"#);
    insta::assert_snapshot!(problems_with("select: '#{{ target.version }}', exists: true"), @"suite.yaml:6:31: a selector can't have references; write a fixed selector");
    insta::assert_snapshot!(problems_with("select: a, attribute: href, text: x"), @"suite.yaml:6:57: `text` is of the element, and `attribute` asks for an attribute of it; write `equals` for the attribute");
    insta::assert_snapshot!(problems_with("select: a, attribute: 'x y', equals: x"), @r#"suite.yaml:6:45: "x y" can't be the name of an attribute; use letters, digits and -"#);
    insta::assert_snapshot!(problems_with("select: a, text: x, not_contains: x"), @"suite.yaml:6:21: `equals` and `not_contains` contradict each other, so this can never hold; remove one, or make two expectations if two values are meant");
}

#[test]
fn what_can_never_hold_is_refused() {
    let refused = [
        ("[{ latency: '< 0ms' }]", "latency"),
        ("[{ latency: '<= 0s' }]", "latency"),
        ("[{ status: [] }]", "status"),
        ("[{ status: 99-50 }]", "status"),
        ("[{ status: 100 }]", "1xx"),
        ("[{ status: 600 }]", "status"),
        (
            "[{ header: { name: etag, exists: false, contains: x } }]",
            "exists",
        ),
        (
            "[{ header: { name: etag, equals: abc, contains: x } }]",
            "contains",
        ),
        (
            "[{ header: { name: etag, equals: abc, not_contains: b } }]",
            "not_contains",
        ),
        ("[{ body: { equals: abc, matches: '^b' } }]", "matches"),
        (
            "[{ body: { contains: Internal error, not_contains: error } }]",
            "not_contains",
        ),
        ("[{ body: { not_contains: '' } }]", "not_contains"),
        ("[{ body: { not_matches: '' } }]", "not_matches"),
        ("[{ body: { equals: a, not_equals: a } }]", "not_equals"),
        ("[{ body: { equals: abc, not_matches: b } }]", "not_matches"),
        (
            "[{ body: { matches: a+, not_matches: a+ } }]",
            "not_matches",
        ),
        ("[{ header: { name: a, count: 0, equals: x } }]", "count"),
        (
            "[{ header: { name: a, count: 2, exists: false } }]",
            "count",
        ),
        (
            "[{ json: { path: $, at_least: 5, less_than: 5 } }]",
            "at_least",
        ),
        (
            "[{ json: { path: $, greater_than: 5, at_most: 5 } }]",
            "at_most",
        ),
        (
            "[{ json: { path: $, equals: 4, at_least: 5 } }]",
            "at_least",
        ),
        (
            "[{ json: { path: $, contains: a, not_contains: a } }]",
            "not_contains",
        ),
        ("[{ json: { path: $, count: 0, type: string } }]", "count"),
        (
            "[{ json: { path: $, equals: [1], not_contains: 1 } }]",
            "not_contains",
        ),
        (
            "[{ json: { path: $, not_matches: x, type: number } }]",
            "not_matches",
        ),
    ];
    for (expect, word) in refused {
        let text = one_check(&format!("http: GET /\nexpect: {expect}"));
        let found =
            Suite::parse("suite.yaml", &text).map_or_else(|p| p.to_string(), |_| String::new());
        assert!(found.contains(word), "{expect}: {found:?}");
    }
    for expect in [
        "[{ body: { equals: '{{ target.version }}', contains: x } }]",
        "[{ body: { equals: abc, contains: b, matches: c$, not_contains: d } }]",
        "[{ header: { name: etag, exists: true, not_contains: d } }]",
        "[{ header: { name: etag, count: 0, exists: false } }]",
        "[{ json: { path: $, at_least: 5, at_most: 5 } }]",
        "[{ json: { path: $, contains: abc, not_contains: b } }]",
        "[{ json: { path: '$[*]', count: 3, type: number } }]",
        "[{ body: { size: '<= 16MiB', equals: abc, charset: latin1 } }]",
    ] {
        parsed(&one_check(&format!("http: GET /\nexpect: {expect}")));
    }
    for http in ["HEAD /", "{ method: HEAD, url: / }"] {
        let text = one_check(&format!(
            "http: {http}\nexpect: [{{ body: {{ contains: x }} }}]"
        ));
        assert!(Suite::parse("suite.yaml", &text).is_err(), "{http}");
    }
}

#[test]
fn a_remedy_repeats_what_was_meant() {
    let problems_with = |expect: &str| problems_of_check(&format!("http: GET /\nexpect: {expect}"));
    insta::assert_snapshot!(problems_with("[{ latency: 800 }]"), @r#"suite.yaml:6:25: latency: 800 is not a limit; write "< 800ms" or "< 800s""#);
    insta::assert_snapshot!(problems_with("[{ latency: 800ms }]"), @r#"suite.yaml:6:25: latency: "800ms" is not a limit; write "< 800ms" or "<= 800ms""#);
    insta::assert_snapshot!(problems_with("[{ latency: '< 800' }]"), @r#"suite.yaml:6:25: latency: "< 800" is not a limit; write "< 800ms" or "< 800s""#);
    insta::assert_snapshot!(problems_with("[{ latency: [1] }]"), @r#"suite.yaml:6:25: latency: a list is not a limit; write "< 800ms" or "<= 2s""#);
    insta::assert_snapshot!(problems_with("[{ latency: '< 0ms' }]"), @r#"suite.yaml:6:25: latency: "< 0ms" can't hold, because every answer takes time; write "< 800ms" or "<= 2s""#);
    insta::assert_snapshot!(problems_with("[{ status: true }]"), @"suite.yaml:6:24: true is not a status; write 200, [200, 204], 2xx or 200-299");
    insta::assert_snapshot!(problems_with("[{ json: { path: $, length: true } }]"), @r#"suite.yaml:6:41: length: true is not a length; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
}

#[test]
fn numbers_that_json_can_not_have_are_refused_there_and_only_there() {
    let text = "version: 1
name: s
vars: { build: 0192117, hex: 0x1F, release: 1.10, big: 1e999 }
checks:
  - name: a
    http: { method: POST, url: /, json: { a: '{{ build }}', b: 0777, c: +1, d: .5, e: 5., f: '{{ release }}', g: '{{ big }}' } }
    expect:
      - json: { path: $.a, equals: '{{ hex }}', greater_than: 007 }
      - json: { path: $.b, equals: 'build {{ build }}', not_equals: 1e999 }
      - header: { name: x, equals: 0192117 }
";
    insta::assert_snapshot!(problems(text), @"
    suite.yaml:6:46: {{ build }} is 0192117, and JSON has no number that is written so; in vars, put it in quotes if it is text, or write 192117
    suite.yaml:6:64: JSON has no number that is written as 0777; put it in quotes if it is text, or write 777
    suite.yaml:6:73: JSON has no number that is written as +1; put it in quotes if it is text, or write 1
    suite.yaml:6:80: JSON has no number that is written as .5; put it in quotes if it is text, or write 0.5
    suite.yaml:6:87: JSON has no number that is written as 5.; put it in quotes if it is text, or write 5
    suite.yaml:8:36: {{ hex }} is 0x1F, and JSON has no number that is written so; in vars, put it in quotes if it is text, or write 31
    suite.yaml:8:63: JSON has no number that is written as 007; put it in quotes if it is text, or write 7
    ");
}
