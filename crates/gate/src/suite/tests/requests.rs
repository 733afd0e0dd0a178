//! The probe `http`.

use std::time::Duration;

use super::*;

#[test]
fn requests_are_checked() {
    insta::assert_snapshot!(problems_of_check("http: /health"), @r#"suite.yaml:5:11: "/health" is not a request; write a method and a path: GET /path"#);
    insta::assert_snapshot!(problems_of_check("http: GET health"), @r#"suite.yaml:5:11: "health" can't be asked for: it is neither a path nor an absolute URL; write a path that begins with /, or an absolute http or https URL"#);
    insta::assert_snapshot!(problems_of_check("http: get /"), @r#"suite.yaml:5:11: unknown method "get"; did you mean GET?"#);
    insta::assert_snapshot!(problems_of_check("http: GET //elsewhere/x"), @r#"suite.yaml:5:11: "//elsewhere/x" can't be asked for: it begins with two slashes; write a path that begins with /, or an absolute http or https URL"#);
    insta::assert_snapshot!(problems_of_check("http: GET https://user:pw@shop.example.com/"), @r#"suite.yaml:5:11: "this" can't be asked for: it has credentials; put them in a header, from a secret; write a path that begins with /, or an absolute http or https URL"#);
    insta::assert_snapshot!(problems_of_check("http: { url: /, json: 1, form: { a: b } }"), @r#"suite.yaml:5:36: a request has one body, not both "json" and "form"; remove one"#);
    insta::assert_snapshot!(problems_of_check("http: { url: /, headers: { Host: a, 'x y': b } }"), @r#"
    suite.yaml:5:32: the header host is set by the gate; use `host:` of the suite or of the request
    suite.yaml:5:41: "x y" can't be the name of a header; use letters, digits and -
    "#);
    insta::assert_snapshot!(problems_of_check("http: { url: /, max_body: 1GiB }"), @r#"suite.yaml:5:31: max_body: "1GiB" is not a size in range; write 1 KiB to 16 MiB, such as 64KiB or 2MiB"#);
    insta::assert_snapshot!(problems_of_check("http: GET /a b"), @r#"suite.yaml:5:11: "/a b" can't be asked for: ' ' can't be sent as it is; write /a%20b"#);
    insta::assert_snapshot!(problems_of_check("http: GET /grün#top"), @r#"suite.yaml:5:11: "/grün#top" can't be asked for: it has a fragment, which is never sent; remove what begins with #"#);
    insta::assert_snapshot!(problems_of_check("http: { url: 'http://h/', host: h.example }"), @"suite.yaml:5:37: host: goes with a path; an absolute URL names its host itself; remove one of them");
    insta::assert_snapshot!(problems_of_check("http: { url: /, host: 'h:80', reaches_release: true, allow_origins: [login.example.com, 'https://h/x'] }"), @r#"
    suite.yaml:5:27: host: "h:80" is not a host name; write a name such as shop.example.com, without scheme, port or path
    suite.yaml:5:52: reaches_release: says of an absolute URL that it leads to the release; remove it: a path always goes to the target
    suite.yaml:5:74: "login.example.com" is not an origin; write scheme and host, as in https://login.example.com
    suite.yaml:5:93: "https://h/x" is not an origin; write scheme and host, as in https://login.example.com
    "#);
    insta::assert_snapshot!(problems_of_check("retries: 1"), @"suite.yaml:4:5: the check measures nothing; add `http: GET /path`, or another probe: `journey`, `alarms`, `tcp`, `dns`, `tls`, `websocket`, `grpc`, `crawl`, `browser`, `agent`, `targets`, `lambda`, `metric`, `load`, `ecs_task`, `logs`, `wiring`");
}

#[test]
fn what_a_request_carries_is_checked() {
    let problems_with =
        |http: &str| problems_of_check(&format!("http: {{ method: POST, url: /, {http} }}"));
    insta::assert_snapshot!(problems_with("basic: { user: 'a:b', password: hunter2 }"), @r#"
    suite.yaml:5:50: the user of `basic` has a colon, which ends it; write the password under `password`
    suite.yaml:5:67: the password of `basic` stands in the suite; declare it under `secrets`, and refer to it: "{{ password }}"
    "#);
    insta::assert_snapshot!(problems_with("cookies: { 'a b': c, d: 'e;f' }"), @r#"
    suite.yaml:5:44: "a b" can't be the name of a cookie; use letters, digits and -
    suite.yaml:5:44: the value of the cookie d has characters that no cookie may have; percent-encode it
    "#);
    insta::assert_snapshot!(problems_with("headers: { Cookie: a=b, content-type: text/plain }, cookies: { a: b }, multipart: { a: b }"), @"
    suite.yaml:5:46: the header cookie is set by `cookies`; remove one of them
    suite.yaml:5:59: the header content-type is set by `multipart`; remove one of them
    ");
    insta::assert_snapshot!(problems_with("form: { a: b }, multipart: { a: b }"), @r#"suite.yaml:5:62: a request has one body, not both "form" and "multipart"; remove one"#);
    insta::assert_snapshot!(problems_with("multipart: {}"), @"suite.yaml:5:46: multipart has no parts; write names and values");
    insta::assert_snapshot!(problems_with("multipart: { a: { file: x }, b: { content: x, base64: eA== }, c: { base64: '?' }, d: { content: x, content_type: png } }"), @r#"
    suite.yaml:5:51: the part has no content; write `content` for text, `base64` for bytes, or `content_file` for a file beside the suite
    suite.yaml:5:67: a part has one content, not both `content` and `base64`; write `content` for text, `base64` for bytes, or `content_file` for a file beside the suite
    suite.yaml:5:110: base64 is not base64; write what `base64 FILE` prints, with its padding
    suite.yaml:5:148: "png" is not a content type; write one such as image/png
    "#);
    insta::assert_snapshot!(problems_with("body: '{{ guid() }} {{ random() }}'"), @"suite.yaml:5:41: there is no function guid(); there are uuid(), random(8), now(), now('+1d') and now('%Y-%m-%d')");
}

#[test]
fn names_have_no_references() {
    let found = problems_of_check(
        "http: { method: POST, url: /, query: { '{{ target.version }}': 1 }, json: { a: [{ 'x{{ y': 1 }] } }",
    );
    insta::assert_snapshot!(found, @r#"
    suite.yaml:5:44: the name "{{ target.version }}" can't have references; references stand in values; for braces in a name write the text under `body`
    suite.yaml:5:87: the name "x{{ y" can't have references; references stand in values; for braces in a name write the text under `body`
    "#);
    for http in ["form: { '{{ a }}': 1 }", "headers: { '{{ a }}': 1 }"] {
        let text = one_check(&format!("http: {{ method: POST, url: /, {http} }}"));
        assert!(Suite::parse("suite.yaml", &text).is_err(), "{http}");
    }
}

#[test]
fn a_port_may_be_a_reference() {
    let text = "version: 1\nname: s\nvars: { h: a.example, p: 8443 }\nchecks: [{ name: a, http: 'GET https://{{ h }}:{{ p }}/x' }]";
    parsed(text);
}

#[test]
fn many_headers_are_refused_and_that_at_once() {
    let headers: Vec<String> = (0..24_000).map(|n| format!("x-{n}: a, ")).collect();
    let check = format!("http: {{ url: /, headers: {{ {} }} }}", headers.concat());
    let begun = std::time::Instant::now();
    let found = problems_of_check(&check);
    assert!(
        found.ends_with("headers has 24000 entries; send at most 100"),
        "{found}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let query: Vec<String> = (0..1_001).map(|n| format!("q{n}: a, ")).collect();
    let found = problems_of_check(&format!(
        "http: {{ url: /, query: {{ {} }} }}",
        query.concat()
    ));
    assert!(
        found.ends_with("query has 1001 entries; send at most 1000"),
        "{found}"
    );
}
