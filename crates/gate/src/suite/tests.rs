//! What a person sees whose suite is wrong, and what the engine gets when it is right.

use std::time::Duration;

use super::*;

fn told(text: &str) -> String {
    Suite::parse("suite.yaml", text).unwrap_err().to_string()
}

/// A suite with one check, whose lines are `check`.
fn one_check(check: &str) -> String {
    let lines: Vec<String> = check
        .trim()
        .lines()
        .map(|line| {
            format!(
                "    {line}
"
            )
        })
        .collect();
    let indented = lines.concat();
    format!("version: 1\nname: shop\nchecks:\n  - name: a\n{indented}")
}

fn told_of_check(check: &str) -> String {
    told(&one_check(check))
}

fn parsed(text: &str) -> Suite {
    Suite::parse("suite.yaml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let suite = parsed(&one_check("http: GET /"));
    let check = &suite.checks[0];
    assert_eq!(suite.limits.concurrency, 10);
    assert_eq!(check.on, [Stage::PreTraffic, Stage::PostTraffic]);
    assert_eq!(check.severity, Severity::Required);
    assert_eq!(
        check.retry,
        RetryPolicy {
            timeout: Duration::from_secs(5),
            retries: 2,
            retry_every: Duration::from_secs(1),
            within: None,
        }
    );
    assert_eq!(suite.bake(), Bake::ONE_ROUND);
    assert!(matches!(check.expect.as_slice(), [Expectation::Status(ranges)] if ranges.len() == 1));
}

#[test]
fn traffic_and_secrets_are_what_was_written() {
    let suite = parsed(
        "version: 1
name: shop
secrets: { a: 'env:A_B', b: 'ssm:/x/y', c: 'secretsmanager:id', d: 'secretsmanager:arn:aws:x#k' }
checks: [{ name: a, http: GET /, severity: advisory, on: post-traffic, within: 1m30s }]
traffic: { bake: 10m, every: 30s, failure_limit: 1 }",
    );
    assert_eq!(
        suite.bake(),
        Bake {
            window: Duration::from_mins(10),
            every: Duration::from_secs(30),
            failure_limit: 1,
            error_limit: 2,
            ..Bake::ONE_ROUND
        }
    );
    assert_eq!(suite.secrets["a"], SecretRef::Env("A_B".to_owned()));
    assert_eq!(suite.secrets["b"], SecretRef::Ssm("/x/y".to_owned()));
    assert_eq!(
        suite.secrets["d"],
        SecretRef::SecretsManager {
            id: "arn:aws:x".to_owned(),
            json_key: Some("k".to_owned())
        }
    );
    assert_eq!(suite.checks[0].retry.within, Some(Duration::from_secs(90)));
    assert_eq!(
        (
            suite.checks_at(Stage::PreTraffic),
            suite.checks_at(Stage::PostTraffic)
        ),
        (0, 1)
    );
}

#[test]
fn all_problems_are_told_together() {
    let text = "version: 1
nmae: shop
vars: { reader: demo }
checks:
  - name: home page
    http: GET /
    expect:
      - staus: 200
      - latency: 800ms
  - name: home page
    severity: optional
    http: { method: GTE, url: '/{{ raeder }}/{{ target.versoin }}' }
    timeout: 5
    retries: many
    expect:
      - json: { path: $.a, equal: 1 }
      - body: { matches: 'a(' }
";
    insta::assert_snapshot!(told(text), @r#"
    suite.yaml:2:1: unknown key "nmae"; did you mean "name"?
    suite.yaml:8:9: unknown key "staus"; did you mean "status"?
    suite.yaml:9:18: latency: "800ms" is not a limit; write "< 800ms" or "<= 800ms"
    suite.yaml:10:11: two checks have the name "home page"; the other one is in line 5; reports need to tell them apart
    suite.yaml:11:15: severity: unknown "optional"; write one of "required", "advisory"
    suite.yaml:12:21: unknown method "GTE"; did you mean GET?
    suite.yaml:12:31: {{ raeder }} refers to nothing; did you mean {{ reader }}?
    suite.yaml:12:31: {{ target.versoin }} refers to nothing; did you mean {{ target.version }}?
    suite.yaml:13:14: timeout has no unit; write 5s or 5ms
    suite.yaml:14:14: retries is a whole number, not text; write a number from 0 to 100
    suite.yaml:16:28: unknown key "equal"; did you mean "equals"?
    suite.yaml:17:26: "a(" is not a regular expression: unclosed group; see https://docs.rs/regex/latest/regex/#syntax; single quotes keep YAML from reading backslashes
    "#);
}

#[test]
fn keys_of_other_versions_have_a_word_of_their_own() {
    insta::assert_snapshot!(told_of_check("http: GET /\necs_task: []"), @r#"suite.yaml:6:5: the key "ecs_task" is not part of this version; a check knows "name", "on", "tags", "severity", "dry_run", "http", "journey", "always", "alarms", "tcp", "dns", "tls", "websocket", "grpc", "crawl", "targets", "lambda", "metric", "logs", "wiring", "timeout", "retries", "retry_every", "within", "expect""#);
    insta::assert_snapshot!(told_of_check("http: GET /\nexpect: [{ that: status == 200 }]"), @r#"suite.yaml:6:16: the key "that" is not part of this version; an expectation knows "status", "header", "body", "json", "css", "redirects", "latency""#);
}

#[test]
fn requests_are_checked() {
    insta::assert_snapshot!(told_of_check("http: /health"), @r#"suite.yaml:5:11: "/health" is not a request; write a method and a path: GET /path"#);
    insta::assert_snapshot!(told_of_check("http: GET health"), @r#"suite.yaml:5:11: "health" can't be asked for: it is neither a path nor an absolute URL; write a path that begins with /, or an absolute http or https URL"#);
    insta::assert_snapshot!(told_of_check("http: get /"), @r#"suite.yaml:5:11: unknown method "get"; did you mean GET?"#);
    insta::assert_snapshot!(told_of_check("http: GET //elsewhere/x"), @r#"suite.yaml:5:11: "//elsewhere/x" can't be asked for: it begins with two slashes; write a path that begins with /, or an absolute http or https URL"#);
    insta::assert_snapshot!(told_of_check("http: GET https://user:pw@shop.example.com/"), @r#"suite.yaml:5:11: "this" can't be asked for: it has credentials; put them in a header, from a secret; write a path that begins with /, or an absolute http or https URL"#);
    insta::assert_snapshot!(told_of_check("http: { url: /, json: 1, form: { a: b } }"), @r#"suite.yaml:5:36: a request has one body, not both "json" and "form"; remove one"#);
    insta::assert_snapshot!(told_of_check("http: { url: /, headers: { Host: a, 'x y': b } }"), @r#"
    suite.yaml:5:32: the header host is set by the gate; use `host:` of the suite or of the request
    suite.yaml:5:41: "x y" can't be the name of a header; use letters, digits and -
    "#);
    insta::assert_snapshot!(told_of_check("http: { url: /, max_body: 1GiB }"), @r#"suite.yaml:5:31: max_body: "1GiB" is not a size in range; write 1 KiB to 16 MiB, such as 64KiB or 2MiB"#);
    insta::assert_snapshot!(told_of_check("http: GET /a b"), @r#"suite.yaml:5:11: "/a b" can't be asked for: ' ' can't be sent as it is; write /a%20b"#);
    insta::assert_snapshot!(told_of_check("http: GET /grün#top"), @r#"suite.yaml:5:11: "/grün#top" can't be asked for: it has a fragment, which is never sent; remove what begins with #"#);
    insta::assert_snapshot!(told_of_check("http: { url: 'http://h/', host: h.example }"), @"suite.yaml:5:37: host: goes with a path; an absolute URL names its host itself; remove one of them");
    insta::assert_snapshot!(told_of_check("http: { url: /, host: 'h:80', reaches_release: true, allow_origins: [login.example.com, 'https://h/x'] }"), @r#"
    suite.yaml:5:27: host: "h:80" is not a host name; write a name such as shop.example.com, without scheme, port or path
    suite.yaml:5:52: reaches_release: says of an absolute URL that it leads to the release; remove it: a path always goes to the target
    suite.yaml:5:74: "login.example.com" is not an origin; write scheme and host, as in https://login.example.com
    suite.yaml:5:93: "https://h/x" is not an origin; write scheme and host, as in https://login.example.com
    "#);
    insta::assert_snapshot!(told_of_check("retries: 1"), @"suite.yaml:4:5: the check measures nothing; add `http: GET /path`, or another probe: `journey`, `alarms`, `tcp`, `dns`, `tls`, `websocket`, `grpc`, `crawl`, `targets`, `lambda`, `metric`, `logs`, `wiring`");
}

#[test]
fn probes_without_a_url_are_checked() {
    insta::assert_snapshot!(told_of_check("tcp: { host: 'http://x', port: 0, send: [1], receives: {}, staus: 1 }"), @r#"
    suite.yaml:5:18: host: "http://x" is not a host name; write a name such as db.example.com or an address, without scheme, port or path
    suite.yaml:5:36: port: "0" is not a port; write a number from 1 to 65535
    suite.yaml:5:45: send is text, not a list; write one value, in quotes if it is empty
    suite.yaml:5:60: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another
    suite.yaml:5:64: unknown key "staus"; tcp knows "host", "port", "reaches_release", "send", "receives"
    "#);
    insta::assert_snapshot!(told_of_check("tcp: { host: db.example.com }\nexpect: [{ body: { contains: x } }]"), @r"
    suite.yaml:5:18: host: a host without a port can't be connected to; add `port`
    suite.yaml:6:14: what `tcp` measures has no body; `tcp` has latency, and conditions of its own among its keys
    ");
    insta::assert_snapshot!(told_of_check("tls: { expires_in: 14d, names: ['a b'], min_version: 1.1, reaches_release: maybe }"), @r#"
    suite.yaml:5:24: expires_in: "14d" is not a limit; write whole days, as in "> 14d" or ">= 30d"
    suite.yaml:5:37: "a b" is not a host name; write a name that must be on the certificate, such as www.example.com
    suite.yaml:5:58: min_version: "1.1" is not a version of TLS; write 1.2 or 1.3; the gate speaks no older one
    suite.yaml:5:80: reaches_release is true or false, not text; write true or false, without quotes
    "#);
    insta::assert_snapshot!(told_of_check("dns: { type: PTR, contains: [], count: many }"), @r#"
    suite.yaml:5:10: dns has no "name"; add `name:`
    suite.yaml:5:18: type: unknown "PTR"; write one of "A", "AAAA", "CNAME", "TXT", "MX", "SRV"
    suite.yaml:5:33: contains has 0 entries; write 1 to 100 records; for none, `count: 0`
    suite.yaml:5:44: count: "many" is not a number of records; write 3, "> 0", ">= 1", "< 10" or "<= 10"
    "#);
    insta::assert_snapshot!(told_of_check("dns: { name: 'http://x/', equals: [[a]] }"), @r#"
    suite.yaml:5:18: name: "http://x/" is not a name that can be looked up; write a name such as shop.example.com, without scheme, port or path
    suite.yaml:5:40: equals is text, not a list; write one value, in quotes if it is empty
    "#);
}

#[test]
fn probes_with_a_url_are_checked() {
    insta::assert_snapshot!(told_of_check("websocket: { url: 'ftp://x/', send: [1], receives: { exists: true } }"), @r#"
    suite.yaml:5:23: "ftp://x/" can't be asked for: the scheme "ftp" is not http or https; write a path that begins with /, or an absolute http or https URL
    suite.yaml:5:41: send is text, not a list; write one value, in quotes if it is empty
    suite.yaml:5:58: unknown key "exists"; receives knows "equals", "contains", "matches"
    "#);
    insta::assert_snapshot!(told_of_check("websocket: /live\nexpect: [{ body: { contains: x } }]"), @"suite.yaml:6:14: what `websocket` measures has no body; `websocket` has headers and latency, and conditions of its own among its keys");
    insta::assert_snapshot!(told_of_check("grpc: { service: '', url: /x y, headers: { te: x } }"), @r#"
    suite.yaml:5:22: service is empty; write something, or remove the key
    suite.yaml:5:31: "/x y" can't be asked for: ' ' can't be sent as it is; write /x%20y
    suite.yaml:5:48: the header te is set by the gate; remove it
    "#);
    insta::assert_snapshot!(told_of_check("crawl: { start: /, reaches_release: true, max_pages: 0, max_depth: 99, ignore: [x], landmarks: [nav] }"), @r#"
    suite.yaml:5:41: reaches_release: says of an absolute URL that it leads to the release; remove it: a path always goes to the target
    suite.yaml:5:58: max_pages is out of range; write a whole number from 1 to 500
    suite.yaml:5:72: max_depth is out of range; write a whole number from 0 to 20
    suite.yaml:5:85: ignore: "x" is not a path; write a path that begins with /; * stands for anything
    suite.yaml:5:101: landmarks: unknown "nav"; write one of "title", "main", "h1"
    "#);
}

#[test]
fn a_check_has_one_probe() {
    insta::assert_snapshot!(told_of_check("http: GET /\nalarms: []"), @r"
    suite.yaml:6:13: a check has one probe, not both `http` and `alarms`; make a check of each
    suite.yaml:6:13: alarms has 0 entries; name 1 to 100 alarms
    ");
    insta::assert_snapshot!(told_of_check("alarms: a"), @"suite.yaml:5:13: alarms is a list, not text; write each item in a line of its own, after `- `");
    insta::assert_snapshot!(told_of_check("alarms: [a, '', '{{ typo }}', [b]]"), @r"
    suite.yaml:5:17: the name of an alarm is empty; write its name
    suite.yaml:5:21: {{ typo }} refers to nothing; declare it under vars or secrets
    suite.yaml:5:35: the name of an alarm is text, not a list; write one value, in quotes if it is empty
    ");
    insta::assert_snapshot!(told_of_check("alarms: [a]\nexpect: [{ status: 200 }, { latency: '< 1s' }, { json: { path: $.a, exists: true } }]"), @r"
    suite.yaml:6:14: what `alarms` measures has no status; remove it: `alarms` has conditions of its own
    suite.yaml:6:31: what `alarms` measures has no latency; remove it: `alarms` has conditions of its own
    suite.yaml:6:52: `json` needs body, and what `alarms` measures has none; remove it: `alarms` has conditions of its own
    ");
}

#[test]
fn expectations_are_checked() {
    let told_of = |expect: &str| told_of_check(&format!("http: GET /\nexpect: {expect}"));
    insta::assert_snapshot!(told_of("[]"), @"suite.yaml:6:13: nothing is expected; write what must hold, or remove `expect` for any status of 2xx");
    insta::assert_snapshot!(told_of("[{ status: ok }]"), @r#"suite.yaml:6:24: "ok" is not a status; write 200, [200, 204], 2xx or 200-299"#);
    insta::assert_snapshot!(told_of("[{ status: 299-200 }]"), @r#"suite.yaml:6:24: "299-200" is not a status; write 200, [200, 204], 2xx or 200-299"#);
    insta::assert_snapshot!(told_of("[{ header: { name: etag } }]"), @"suite.yaml:6:24: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another");
    insta::assert_snapshot!(told_of("[{ json: { path: total, exists: true } }]"), @r#"suite.yaml:6:30: "total" is not a JSONPath: a path begins with $ (character 1); write $.total"#);
    insta::assert_snapshot!(told_of("[{ json: { path: $..a-b, exists: true } }]"), @r#"suite.yaml:6:30: "$..a-b" is not a JSONPath: a name after a dot can't have "-" (character 4); write $..['a-b']"#);
    insta::assert_snapshot!(told_of("[{ json: { path: $, length: some } }]"), @r#"suite.yaml:6:41: length: "some" is not a length; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
    insta::assert_snapshot!(told_of("[{ json: { path: $, greater_than: '1' } }]"), @"suite.yaml:6:47: greater_than is a number, not text; write a number without quotes, or a reference to one");
    insta::assert_snapshot!(told_of("[{ json: { path: $, type: text } }]"), @r#"suite.yaml:6:39: type: unknown "text"; write one of "string", "number", "integer", "boolean", "array", "object", "null""#);
    insta::assert_snapshot!(told_of("[{ latency: '> 1s' }]"), @r#"suite.yaml:6:25: latency: "> 1s" is not a limit; write "< 1s" or "<= 1s""#);
    insta::assert_snapshot!(told_of("[{ status: 200, body: { contains: x } }]"), @"suite.yaml:6:14: an expectation has one key; begin a new line with `- ` for each");
}

#[test]
fn counts_sizes_hashes_and_phases_are_checked() {
    let told_of = |expect: &str| told_of_check(&format!("http: GET /\nexpect: [{expect}]"));
    insta::assert_snapshot!(told_of("{ header: { name: a, count: some } }"), @r#"suite.yaml:6:42: count: "some" is not a count; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
    insta::assert_snapshot!(told_of("{ json: { path: $, count: '< 0' } }"), @r#"suite.yaml:6:40: count: "< 0" can't hold for anything; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
    insta::assert_snapshot!(told_of("{ body: { size: '< 64KB' } }"), @r#"suite.yaml:6:30: size: "< 64KB" is not a size; write "< 64KiB", "<= 2MiB", "> 0" or a number of bytes"#);
    insta::assert_snapshot!(told_of("{ body: { size: '> 16MiB' } }"), @r#"suite.yaml:6:30: size: "> 16MiB" can't hold for anything; write "< 64KiB", "<= 2MiB", "> 0" or a number of bytes"#);
    insta::assert_snapshot!(told_of("{ body: { sha256: abc } }"), @r#"suite.yaml:6:32: sha256: "abc" is not a SHA-256; write its 64 hexadecimal digits"#);
    insta::assert_snapshot!(told_of("{ body: { charset: utf8-ish } }"), @r#"suite.yaml:6:33: charset: "utf8-ish" is not a charset; write a name of the Encoding Standard, such as utf-8 or iso-8859-1"#);
    insta::assert_snapshot!(told_of("{ latency: { dns: 20ms, tsl: '< 1s' } }"), @r#"
    suite.yaml:6:32: dns: "20ms" is not a limit; write "< 20ms" or "<= 20ms"
    suite.yaml:6:38: unknown key "tsl"; did you mean "tls"?
    "#);
    insta::assert_snapshot!(told_of("{ latency: {} }"), @"suite.yaml:6:25: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another");
    insta::assert_snapshot!(told_of("{ redirects: { count: 1 } }"), @"suite.yaml:6:13: redirects are expected, and the request follows none; add `follow_redirects: true`; to judge a redirect itself, expect its status and its header location");
    let followed = told_of_check(
        "http: { url: /, follow_redirects: true }\nexpect: [{ redirects: { count: -1, through: [login], url: {} } }]",
    );
    insta::assert_snapshot!(followed, @r#"
    suite.yaml:6:36: count: -1 is not a count; write 3, "> 0", ">= 1", "< 10" or "<= 10"
    suite.yaml:6:50: through: "login" is neither a path nor a URL; write /path or https://shop.example.com/path
    suite.yaml:6:63: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another
    "#);
    insta::assert_snapshot!(told_of("{ body: { not_matches: '(' } }"), @r#"suite.yaml:6:37: "(" is not a regular expression: unclosed group; see https://docs.rs/regex/latest/regex/#syntax; single quotes keep YAML from reading backslashes"#);
    insta::assert_snapshot!(told_of("{ json: { path: $, at_least: many } }"), @"suite.yaml:6:43: at_least is a number, not text; write a number without quotes, or a reference to one");
}

#[test]
fn selectors_are_checked() {
    let told_of =
        |css: &str| told_of_check(&format!("http: GET /\nexpect: [{{ css: {{ {css} }} }}]"));
    insta::assert_snapshot!(told_of("text: a"), @r#"suite.yaml:6:21: css has no "select"; add `select:`"#);
    insta::assert_snapshot!(told_of("select: h1"), @"suite.yaml:6:21: the expectation says what to look at, but not what must hold; add `equals:`, `contains:`, `matches:` or another");
    insta::assert_snapshot!(told_of("select: 'a:hover', exists: true"), @r#"suite.yaml:6:31: "a:hover" is not a CSS selector that can be judged; write elements, classes, ids, attributes and combinators, such as "main > h1" or "a[href^='/buy']"; states such as :hover don't exist here"#);
    insta::assert_snapshot!(told_of("select: '#{{ target.version }}', exists: true"), @"suite.yaml:6:31: a selector can't have references; write a fixed selector");
    insta::assert_snapshot!(told_of("select: a, attribute: href, text: x"), @"suite.yaml:6:57: `text` is of the element, and `attribute` asks for an attribute of it; write `equals` for the attribute");
    insta::assert_snapshot!(told_of("select: a, attribute: 'x y', equals: x"), @r#"suite.yaml:6:45: "x y" can't be the name of an attribute; use letters, digits and -"#);
    insta::assert_snapshot!(told_of("select: a, text: x, not_contains: x"), @"suite.yaml:6:21: `equals` and `not_contains` contradict each other, so this can never hold; remove one, or make two expectations if two values are meant");
}

#[test]
fn what_a_request_carries_is_checked() {
    let told_of = |http: &str| told_of_check(&format!("http: {{ method: POST, url: /, {http} }}"));
    insta::assert_snapshot!(told_of("basic: { user: 'a:b', password: hunter2 }"), @r#"
    suite.yaml:5:50: the user of `basic` has a colon, which ends it; write the password under `password`
    suite.yaml:5:67: the password of `basic` stands in the suite; declare it under `secrets`, and refer to it: "{{ password }}"
    "#);
    insta::assert_snapshot!(told_of("cookies: { 'a b': c, d: 'e;f' }"), @r#"
    suite.yaml:5:44: "a b" can't be the name of a cookie; use letters, digits and -
    suite.yaml:5:44: the value of the cookie d has characters that no cookie may have; percent-encode it
    "#);
    insta::assert_snapshot!(told_of("headers: { Cookie: a=b, content-type: text/plain }, cookies: { a: b }, multipart: { a: b }"), @"
    suite.yaml:5:46: the header cookie is set by `cookies`; remove one of them
    suite.yaml:5:59: the header content-type is set by `multipart`; remove one of them
    ");
    insta::assert_snapshot!(told_of("form: { a: b }, multipart: { a: b }"), @r#"suite.yaml:5:62: a request has one body, not both "form" and "multipart"; remove one"#);
    insta::assert_snapshot!(told_of("multipart: {}"), @"suite.yaml:5:46: multipart has no parts; write names and values");
    insta::assert_snapshot!(told_of("multipart: { a: { file: x }, b: { content: x, base64: eA== }, c: { base64: '?' }, d: { content: x, content_type: png } }"), @r#"
    suite.yaml:5:51: the part has no content; write `content` for text, or `base64` for bytes
    suite.yaml:5:67: a part has one content, not both `content` and `base64`; write `content` for text, or `base64` for bytes
    suite.yaml:5:110: base64 is not base64; write what `base64 FILE` prints, with its padding
    suite.yaml:5:148: "png" is not a content type; write one such as image/png
    "#);
    insta::assert_snapshot!(told_of("body: '{{ guid() }} {{ random() }}'"), @"suite.yaml:5:41: there is no function guid(); there are uuid(), random(8), now(), now('+1d') and now('%Y-%m-%d')");
}

#[test]
fn tags_and_seeds_are_checked() {
    insta::assert_snapshot!(told_of_check("http: GET /\ntags: [smoke, 'a b']"), @r#"suite.yaml:6:19: "a b" can't be a tag; use up to 50 letters, digits, _ and -, not beginning with a digit"#);
    insta::assert_snapshot!(told_of_check("http: GET /\ntags: [smoke, smoke]"), @r#"suite.yaml:6:19: the tag "smoke" is there twice; remove one"#);
    insta::assert_snapshot!(told(&format!("{}seed: xyz", one_check("http: GET /"))), @"suite.yaml:6:7: seed is not a seed; write a whole number, or the 16 hexadecimal digits of a report in quotes");
    let suite = parsed(&format!(
        "{}seed: 00ff00ff00ff00ff",
        one_check("http: GET /\ntags: [smoke]")
    ));
    assert_eq!(suite.seed, Some(0x00ff_00ff_00ff_00ff));
    assert_eq!(suite.checks[0].tags, ["smoke"]);
}

#[test]
fn names_have_no_references() {
    let told = told_of_check(
        "http: { method: POST, url: /, query: { '{{ target.version }}': 1 }, json: { a: [{ 'x{{ y': 1 }] } }",
    );
    insta::assert_snapshot!(told, @r#"
    suite.yaml:5:44: the name "{{ target.version }}" can't have references; references stand in values; for braces in a name write the text under `body`
    suite.yaml:5:87: the name "x{{ y" can't have references; references stand in values; for braces in a name write the text under `body`
    "#);
    for http in ["form: { '{{ a }}': 1 }", "headers: { '{{ a }}': 1 }"] {
        let text = one_check(&format!("http: {{ method: POST, url: /, {http} }}"));
        assert!(Suite::parse("suite.yaml", &text).is_err(), "{http}");
    }
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
        let told =
            Suite::parse("suite.yaml", &text).map_or_else(|p| p.to_string(), |_| String::new());
        assert!(told.contains(word), "{expect}: {told:?}");
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
    let told_of = |expect: &str| told_of_check(&format!("http: GET /\nexpect: {expect}"));
    insta::assert_snapshot!(told_of("[{ latency: 800 }]"), @r#"suite.yaml:6:25: latency: 800 is not a limit; write "< 800ms" or "< 800s""#);
    insta::assert_snapshot!(told_of("[{ latency: 800ms }]"), @r#"suite.yaml:6:25: latency: "800ms" is not a limit; write "< 800ms" or "<= 800ms""#);
    insta::assert_snapshot!(told_of("[{ latency: '< 800' }]"), @r#"suite.yaml:6:25: latency: "< 800" is not a limit; write "< 800ms" or "< 800s""#);
    insta::assert_snapshot!(told_of("[{ latency: [1] }]"), @r#"suite.yaml:6:25: latency: a list is not a limit; write "< 800ms" or "<= 2s""#);
    insta::assert_snapshot!(told_of("[{ latency: '< 0ms' }]"), @r#"suite.yaml:6:25: latency: "< 0ms" can't hold, because every answer takes time; write "< 800ms" or "<= 2s""#);
    insta::assert_snapshot!(told_of("[{ status: true }]"), @"suite.yaml:6:24: true is not a status; write 200, [200, 204], 2xx or 200-299");
    insta::assert_snapshot!(told_of("[{ json: { path: $, length: true } }]"), @r#"suite.yaml:6:41: length: true is not a length; write 3, "> 0", ">= 1", "< 10" or "<= 10""#);
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
    insta::assert_snapshot!(told(text), @"
    suite.yaml:6:46: {{ build }} is 0192117, and JSON has no number that is written so; in vars, put it in quotes if it is text, or write 192117
    suite.yaml:6:64: JSON has no number that is written as 0777; put it in quotes if it is text, or write 777
    suite.yaml:6:73: JSON has no number that is written as +1; put it in quotes if it is text, or write 1
    suite.yaml:6:80: JSON has no number that is written as .5; put it in quotes if it is text, or write 0.5
    suite.yaml:6:87: JSON has no number that is written as 5.; put it in quotes if it is text, or write 5
    suite.yaml:8:36: {{ hex }} is 0x1F, and JSON has no number that is written so; in vars, put it in quotes if it is text, or write 31
    suite.yaml:8:63: JSON has no number that is written as 007; put it in quotes if it is text, or write 7
    ");
}

#[test]
fn a_secret_written_into_the_suite_is_refused_and_not_repeated() {
    let problems = told(
        "version: 1\nname: s\nsecrets: { password: hunter2 }\nchecks: [{ name: a, http: GET / }]",
    );
    insta::assert_snapshot!(problems, @r#"suite.yaml:3:22: the secret "password" does not say where it is kept; write env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key; the secret itself must not be in the suite"#);
    assert!(!problems.contains("hunter2"));
}

#[test]
fn names_are_unique_and_fit() {
    let text = "version: 1
name: s
name: t
host: https://x
vars: { a: 1, target: 2, 'b c': 3, d: [1] }
secrets: { a: 'env:A' }
checks: [{ name: 'x {{ a }}', http: GET / }]
";
    insta::assert_snapshot!(told(text), @r#"
    suite.yaml:3:1: the key "name" is there twice; it is also in line 2; remove one
    suite.yaml:4:7: host: "https://x" is not a host name; write a name such as shop.example.com, without scheme, port or path
    suite.yaml:5:15: "target" can't be the name of a variable; use letters, digits, _ and -, not beginning with a digit; `target` is taken by the deployment
    suite.yaml:5:26: "b c" can't be the name of a variable; use letters, digits, _ and -, not beginning with a digit; `target` is taken by the deployment
    suite.yaml:5:39: the variable "d" is a list; write text, a number, true or false
    suite.yaml:6:12: "a" is both a variable and a secret; rename one of them
    suite.yaml:7:18: a check's name can't have references; write a fixed name
    "#);
}

#[test]
fn windows_must_fit() {
    let with = |traffic: &str| {
        told(&format!(
            "{}limits: {{ overall: 30s }}\ntraffic: {traffic}",
            one_check("http: GET /")
        ))
    };
    insta::assert_snapshot!(with("{ bake: 30s, every: 1m }"), @"
    suite.yaml:7:18: every (1m) is longer than the bake (30s); make every shorter or bake longer
    suite.yaml:7:18: the bake (30s) does not fit in limits.overall (30s); make overall longer or bake shorter
    ");
    insta::assert_snapshot!(with("{ bake: 20s }"), @r#"suite.yaml:7:10: traffic has no "every"; add `every:`"#);
    insta::assert_snapshot!(with("{ bake: 14m, every: 100ms }"), @"
    suite.yaml:7:18: bake and every make 8401 rounds; stay within 1000: measure less often
    suite.yaml:7:18: the bake (14m) does not fit in limits.overall (30s); make overall longer or bake shorter
    ");
}

#[test]
fn yaml_itself_is_checked() {
    insta::assert_snapshot!(told(""), @"suite.yaml:1:1: the file is empty; write a suite: version, name, checks");
    insta::assert_snapshot!(told("# only a comment"), @"suite.yaml:1:1: the file is empty; write a suite: version, name, checks");
    insta::assert_snapshot!(told("- a list"), @"suite.yaml:1:1: the suite is a mapping (`key: value`), not a list; write its keys below it, indented");
    insta::assert_snapshot!(told("version: 1\nname: \"shop"), @"suite.yaml:2:7: not valid YAML: while scanning a quoted scalar, found unexpected end of stream; check the indentation, quotes and brackets here and in the line above");
    insta::assert_snapshot!(told("version: 1\n\tname: x"), @"suite.yaml:1:10: not valid YAML: while scanning a plain scalar, found a tab; check the indentation, quotes and brackets here and in the line above");
    insta::assert_snapshot!(told("version: 1\n---\nversion: 1"), @"suite.yaml:2:1: a second document begins; a file holds one suite: remove the `---` or make a file of its own");
    insta::assert_snapshot!(told("version: !!int 1"), @"suite.yaml:1:10: tags (`!…`) have no meaning in a suite; remove the tag; quote text");
    insta::assert_snapshot!(told("a: &a [*a]"), @"suite.yaml:1:8: this alias stands inside of its own anchor; write the value out");
    insta::assert_snapshot!(told("{ { a: b }: c }"), @r#"suite.yaml:1:3: a mapping can't be a key; keys are words; put a template in quotes: "{{ name }}""#);
    insta::assert_snapshot!(told(&format!("a: {}", "[".repeat(80))), @"suite.yaml:1:67: nested deeper than 64 levels; write it flatter");
    insta::assert_snapshot!(told(&"#".repeat(1024 * 1024 + 1)), @"suite.yaml:1:1: the file is larger than 1 MiB; split it into several suites");
}

#[test]
fn an_alias_bomb_costs_nothing() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        text = format!("{text}a{level}: &a{level} [{items}]\n");
    }
    let begun = std::time::Instant::now();
    insta::assert_snapshot!(told(&text), @"suite.yaml:5:20: more than 50000 values, with aliases written out; split the suite, or use fewer aliases");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn an_alias_is_a_copy() {
    let suite = parsed(
        "version: 1
name: shop
checks:
  - { name: a, http: GET /, expect: &fine [{ status: 200 }] }
  - { name: b, http: GET /b, expect: *fine }",
    );
    assert_eq!(suite.checks.len(), 2);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_decoder_panic(text in "[ -~\n]{0,200}") {
        let _ = Suite::parse("suite.yaml", &text);
    }

    #[test]
    fn no_broken_suite_makes_the_decoder_panic(cut in 0_usize..1200, put in "[ -~\n]{0,6}") {
        let whole = include_str!("../../../../examples/suites/shop.yaml");
        let (start, end) = whole.split_at(whole.floor_char_boundary(cut.min(whole.len())));
        let _ = Suite::parse("suite.yaml", &format!("{start}{put}{end}"));
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
    let told = told_of_check(&check);
    assert!(
        told.ends_with("headers has 24000 entries; send at most 100"),
        "{told}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let query: Vec<String> = (0..1_001).map(|n| format!("q{n}: a, ")).collect();
    let told = told_of_check(&format!(
        "http: {{ url: /, query: {{ {} }} }}",
        query.concat()
    ));
    assert!(
        told.ends_with("query has 1001 entries; send at most 1000"),
        "{told}"
    );
}

#[test]
fn problems_of_probes_of_the_cloud_are_named_together() {
    let text = "version: 1
name: shop
checks:
  - name: metric
    metric:
      queries:
        Errors: { namespace: N, metric: E, statistic: Sum }
        requests: { namespace: N, metric: R, statistic: Sum }
      period: 7s
      fail_when: 1.0 or more
      samples: reqests
      direction: increase
  - name: compared
    metric: { queries: { m: { namespace: N, metric: M, statistic: Sum } }, compare_to: old }
  - name: log
    logs: { filter: ERROR, streams: web, window: 2h }
  - name: wiring
    wiring: { except: [image-tags] }
  - name: targets
    targets: complet
  - name: function
    lambda: {}
";
    insta::assert_snapshot!(told(text), @r#"
    suite.yaml:7:9: "Errors" can't be the name of a query; begin with a small letter, and use letters, digits and _
    suite.yaml:9:15: CloudWatch has no such period; write whole minutes, or 1s, 5s, 10s, 20s or 30s
    suite.yaml:10:18: fail_when: "1.0 or more" is no limit; write a sign and a number: "> 1.0", ">= 5", "< 0.5", "<= 10"
    suite.yaml:12:18: direction: goes with compare_to; add `compare_to: old`, or remove it
    suite.yaml:14:88: compare_to: no dimension differs between the old version and the new one; use one of "target.target_group", "target.version", "target.task_definition", "target.image", "target.revision", "target.target_version" in a dimension
    suite.yaml:16:37: streams: goes with group; without both, the streams of the release are read; add group, or remove streams
    suite.yaml:16:50: window: "2h" is out of range; write 10s to 1h
    suite.yaml:18:24: except: unknown "image-tags"; did you mean "image-tag"?
    suite.yaml:20:14: targets: unknown "complet"; did you mean "complete"?
    suite.yaml:22:13: lambda has no "payload"; add `payload:`
    "#);
}

#[test]
fn facts_that_cost_a_call_are_known_to_be_used() {
    let suite = |value: &str| {
        parsed(&one_check(&format!(
            "metric: {{ queries: {{ m: {{ namespace: N, metric: M, statistic: Sum, dimensions: {{ TargetGroup: \"{value}\" }} }} }}, fail_when: '> 1' }}"
        )))
    };
    let keys = ["target_group", "load_balancer"];
    assert!(suite("{{ target.target_group }}").uses_facts(&keys));
    assert!(!suite("{{ target.version }}").uses_facts(&keys));
}
