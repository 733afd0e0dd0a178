//! Each assert, where it holds and where it is violated.

mod support;

use support::{Shop, asserting};

#[tokio::test]
async fn status_and_implicit_demands() {
    let shop = Shop::open().await;
    shop.passes("GET {{host}}/text\nHTTP 200\n").await;
    shop.fails("GET {{host}}/missing\nHTTP 200\n").await;
    // Nothing is demanded where nothing is written.
    shop.passes("GET {{host}}/missing\n").await;
    shop.passes("GET {{host}}/missing\nHTTP *\n").await;
    shop.passes("GET {{host}}/redirect\nHTTP 302\nLocation: /text\n")
        .await;
    shop.fails("GET {{host}}/redirect\nHTTP 302\nLocation: /other\n")
        .await;
    shop.fails("GET {{host}}/text\nHTTP 200\nX-None: a\n").await;
    // One of several values.
    shop.passes("GET {{host}}/text\nHTTP 200\nX-Two: b\nX-Two: a\n")
        .await;
    shop.fails("GET {{host}}/text\nHTTP 200\nX-Two: c\n").await;
    shop.passes("GET {{host}}/text\nHTTP 200\n`Hello, reader`\n")
        .await;
    shop.passes("GET {{host}}/text\nHTTP 200\n```\nHello, reader```\n")
        .await;
    shop.passes("GET {{host}}/text\nHTTP 200\nbase64,SGVsbG8sIHJlYWRlcg==;\n")
        .await;
    shop.fails("GET {{host}}/text\nHTTP 200\n`Hello`\n").await;
    shop.fails("GET {{host}}/json\nHTTP 200\n{\"id\": 7}\n")
        .await;
    shop.each(
        "/missing",
        &[
            "status == 404",
            "status != 200",
            "status not == 200",
            "status >= 400\nstatus < 500",
            "status > 403\nstatus <= 404",
            "status not < 404",
        ],
        &[
            "status == 200",
            "status != 404",
            "status < 404",
            "status >= 405",
            "status > 404",
        ],
    )
    .await;
}

#[tokio::test]
async fn headers() {
    let shop = Shop::open().await;
    shop.each(
        "/text",
        &[
            "header \"X-One\" == \"first value\"",
            "header \"x-one\" contains \"value\"",
            "header \"X-One\" startsWith \"first\"",
            "header \"X-One\" endsWith \"value\"",
            "header \"X-One\" matches /^first \\w+$/",
            "header \"X-One\" matches \"^first\"",
            "header \"X-One\" != \"other\"",
            "header \"X-One\" exists\nheader \"X-One\" not contains \"other\"",
            "header \"X-One\" exists",
            "header \"X-None\" not exists",
            "header \"X-Blank\" isEmpty",
            "header \"X-One\" exists\nheader \"X-One\" not isEmpty",
            "header \"X-Two\" count == 2",
            "header \"X-Two\" count > 1",
            "header \"X-Two\" exists",
        ],
        &[
            "header \"X-One\" == \"first\"",
            "header \"X-One\" contains \"other\"",
            "header \"X-One\" startsWith \"value\"",
            "header \"X-One\" startsWith \"first.value\"",
            "header \"X-One\" endsWith \"first\"",
            "header \"X-One\" matches /^value/",
            "header \"X-One\" != \"first value\"",
            "header \"X-One\" exists\nheader \"X-One\" not contains \"value\"",
            "header \"X-None\" exists",
            "header \"X-None\" != \"a\"",
            "header \"X-One\" not exists",
            "header \"X-One\" isEmpty",
            "header \"X-Two\" count == 3",
            // A list is no text.
            "header \"X-Two\" == \"a\"",
        ],
    )
    .await;
}

#[tokio::test]
async fn bodies() {
    let shop = Shop::open().await;
    let sha256 = "sha256 == hex,cd1eed68c90a0ff1ff2a9d6d3ee5a5a9d7ca2aa2d4c1ae5c1b2a8b1b6c2e2d2b;";
    shop.each(
        "/text",
        &[
            "body == \"Hello, reader\"",
            "body contains \"reader\"",
            "body startsWith \"Hello\"",
            "body endsWith \"reader\"",
            "body matches /H.llo/",
            "body != \"Hello\"",
            "body not contains \"error\"",
            "body not matches /^reader/",
            "body not isEmpty",
            "body exists",
            "bytes count == 13",
            "bytes count > 12",
            "bytes count <= 13",
            "duration < 5000",
        ],
        &[
            "body == \"Hello\"",
            "body contains \"error\"",
            "body startsWith \"reader\"",
            "body endsWith \"Hello\"",
            "body endsWith \"read.r\"",
            "body matches /^reader/",
            "body != \"Hello, reader\"",
            "body not contains \"reader\"",
            "body isEmpty",
            "bytes count == 12",
            "bytes count < 13",
            sha256,
        ],
    )
    .await;
    let empty = "sha256 == hex,e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;";
    shop.each(
        "/empty",
        &["body isEmpty", "bytes count == 0", empty],
        &["body not isEmpty"],
    )
    .await;
    shop.each(
        "/slow",
        &["duration < 5000"],
        &["duration < 200", "duration <= 200"],
    )
    .await;
}

#[tokio::test]
async fn json() {
    let shop = Shop::open().await;
    shop.each(
        "/json",
        &[
            "jsonpath \"$.id\" == 7",
            "jsonpath \"$.id\" == 7.0",
            "jsonpath \"$.digits\" == \"7\"",
            "jsonpath \"$.id\" != \"7\"",
            "jsonpath \"$.price\" > 9",
            "jsonpath \"$.price\" >= 9.5",
            "jsonpath \"$.price\" < 10",
            "jsonpath \"$.price\" <= 9.5",
            "jsonpath \"$.price\" exists\njsonpath \"$.price\" not > 9.5",
            "jsonpath \"$.name\" == \"Dune\"",
            "jsonpath \"$.name\" startsWith \"Du\"",
            "jsonpath \"$.name\" endsWith \"ne\"",
            "jsonpath \"$.name\" contains \"un\"",
            "jsonpath \"$.name\" matches /^D/",
            "jsonpath \"$.ok\" == true",
            "jsonpath \"$.none\" == null",
            "jsonpath \"$.none\" exists",
            "jsonpath \"$.nothing\" not exists",
            "jsonpath \"$.items[?@.id > 9]\" not exists",
            "jsonpath \"$.name\" isString",
            "jsonpath \"$.price\" isNumber",
            "jsonpath \"$.ok\" isBoolean",
            "jsonpath \"$.tags\" isList",
            "jsonpath \"$.object\" isObject",
            "jsonpath \"$.empty\" isEmpty",
            "jsonpath \"$.blank\" isEmpty",
            "jsonpath \"$.tags\" exists\njsonpath \"$.tags\" not isEmpty",
            "jsonpath \"$.tags\" count == 2",
            "jsonpath \"$.empty\" count == 0",
            "jsonpath \"$.tags\" count not > 2",
            "jsonpath \"$.tags\" includes \"a\"",
            "jsonpath \"$.tags\" contains \"a\"",
            "jsonpath \"$.tags\" exists\njsonpath \"$.tags\" not contains \"c\"",
            "jsonpath \"$.name\" exists\njsonpath \"$.name\" not contains \"c\"",
            "jsonpath \"$.tags\" exists\njsonpath \"$.tags\" not includes \"c\"",
            "jsonpath \"$.tags\" nth 1 == \"b\"",
            "jsonpath \"$.tags\" first == \"a\"",
            "jsonpath \"$.tags\" last not == \"a\"",
            "jsonpath \"$.items\" last exists",
            "jsonpath \"$.items[*]\" count == 2",
            "jsonpath \"$.items[*].id\" count >= 2",
            "jsonpath \"$.items[?@.kind == 'y'].id\" == 2",
            "jsonpath \"$['items'][0].kind\" == \"x\"",
        ],
        &[
            "jsonpath \"$.id\" == 8",
            "jsonpath \"$.id\" == \"7\"",
            "jsonpath \"$.digits\" == 7",
            "jsonpath \"$.id\" != 7",
            "jsonpath \"$.nothing\" != 7",
            "jsonpath \"$.price\" > 9.5",
            "jsonpath \"$.name\" > 1",
            "jsonpath \"$.price\" exists\njsonpath \"$.price\" not > 9",
            "jsonpath \"$.name\" startsWith \"D.\"",
            "jsonpath \"$.name\" endsWith \"Du\"",
            "jsonpath \"$.name\" contains \"x\"",
            "jsonpath \"$.id\" contains \"7\"",
            // Hurl asks no keys.
            "jsonpath \"$.object\" contains \"a\"",
            "jsonpath \"$.object\" exists\njsonpath \"$.object\" not contains \"b\"",
            "jsonpath \"$.id\" matches /7/",
            "jsonpath \"$.ok\" == false",
            "jsonpath \"$.nothing\" == null",
            "jsonpath \"$.nothing\" exists",
            "jsonpath \"$.id\" not exists",
            "jsonpath \"$.id\" isString",
            "jsonpath \"$.digits\" isNumber",
            "jsonpath \"$.none\" isBoolean",
            "jsonpath \"$.object\" isList",
            "jsonpath \"$.tags\" isObject",
            "jsonpath \"$.tags\" isEmpty",
            "jsonpath \"$.id\" isEmpty",
            "jsonpath \"$.id\" exists\njsonpath \"$.id\" not isEmpty",
            "jsonpath \"$.tags\" count == 3",
            // A list is counted, and nothing else.
            "jsonpath \"$.name\" count == 4",
            "jsonpath \"$.nothing\" count == 0",
            "jsonpath \"$.tags\" includes \"c\"",
            "jsonpath \"$.name\" includes \"D\"",
            "jsonpath \"$.tags\" exists\njsonpath \"$.tags\" not includes \"a\"",
            "jsonpath \"$.tags\" nth 2 == \"b\"",
            "jsonpath \"$.empty\" first not == \"a\"",
            "jsonpath \"$.items[*]\" count == 3",
            // Several values are a list.
            "jsonpath \"$.items[*].id\" == 1",
            "jsonpath \"$.items[?@.kind == 'y'].id\" == 1",
        ],
    )
    .await;
    // What is no JSON meets nothing.
    shop.fails(&asserting("/text", "jsonpath \"$.x\" not exists"))
        .await;
}

#[tokio::test]
async fn cookies_and_redirects() {
    let shop = Shop::open().await;
    shop.each(
        "/login",
        &[
            "cookie \"session\" exists",
            "cookie \"session\" == \"s3ss10n\"",
            "cookie \"theme\" == \"dark\"",
            "cookie \"session[HttpOnly]\" exists",
        ],
        &[
            "cookie \"sess\" exists",
            "cookie \"session\" == \"s3ss\"",
            "cookie \"theme[HttpOnly]\" exists",
            "cookie \"session[Secure]\" exists",
        ],
    )
    .await;
    // Hurl looks at the first header of a name, and one is demanded.
    shop.each(
        "/themes",
        &["cookie \"theme\" exists", "cookie \"session\" == \"s\""],
        &[
            "cookie \"theme\" == \"light\"",
            "cookie \"theme\" == \"dark\"",
            "cookie \"theme[HttpOnly]\" exists",
        ],
    )
    .await;
    let followed = |options: &str, line: &str| {
        format!(
            "GET {{{{host}}}}/twice\n[Options]\nlocation: true\n{options}\nHTTP 200\n[Asserts]\n{line}\n"
        )
    };
    for holds in [
        "redirects count == 2",
        "redirects count < 3",
        "url endsWith \"/text\"",
        "url not contains \"redirect\"",
    ] {
        shop.passes(&followed("", holds)).await;
    }
    for violated in [
        "redirects count == 1",
        "url endsWith \"/redirect\"",
        "url contains \"login\"",
    ] {
        shop.fails(&followed("", violated)).await;
    }
    shop.passes(&followed("max-redirs: 2", "body contains \"Hello\""))
        .await;
    shop.fails(&followed("max-redirs: 1", "body contains \"Hello\""))
        .await;
    shop.fails("GET {{host}}/twice\nHTTP 200\n").await;
}

/// A value of `/json`, and what a later entry does with it.
fn captured(path: &str, later: &str) -> String {
    format!("GET {{{{host}}}}/json\nHTTP 200\n[Captures]\nv: jsonpath \"{path}\"\n\n{later}\n")
}

/// The same with an assert on the same answer.
fn compared(path: &str, line: &str) -> String {
    let path = path.to_owned();
    captured(&path, &asserting("/json", line))
}

#[tokio::test]
async fn what_is_captured_and_used_is_a_text_a_number_or_a_boolean() {
    let shop = Shop::open().await;
    for (path, line) in [
        ("$.items", "jsonpath \"$.items\" != {{v}}"),
        (
            "$.items",
            "jsonpath \"$.items\" exists\njsonpath \"$.items\" not == {{v}}",
        ),
        ("$.object", "jsonpath \"$.object\" != {{v}}"),
        (
            "$.tags",
            "jsonpath \"$.items\" exists\njsonpath \"$.items\" not includes {{v}}",
        ),
        (
            "$.tags",
            "jsonpath \"$.items\" exists\njsonpath \"$.items\" not contains {{v}}",
        ),
        ("$.none", "jsonpath \"$.null_text\" == {{v}}"),
        ("$.none", "jsonpath \"$.none\" != {{v}}"),
        ("$.empty", "jsonpath \"$.list_text\" == {{v}}"),
        ("$.empty", "jsonpath \"$.list_text\" == \"{{v}}\""),
    ] {
        shop.fails(&compared(path, line)).await;
    }
    for request in [
        "POST {{host}}/echo\n{\"t\": \"{{v}}\"}",
        "POST {{host}}/echo\n{\"t\": {{v}}}",
        "GET {{host}}/echo\nX-Own: {{v}}",
        "GET {{host}}/echo?{{v}}",
        "GET {{host}}/echo\n[Query]\nv: {{v}}",
    ] {
        for path in ["$.empty", "$.none", "$.object"] {
            shop.fails(&captured(path, request)).await;
        }
        for path in ["$.id", "$.price", "$.name", "$.ok"] {
            if path != "$.name" || !request.contains("{\"t\": {{v}}}") {
                shop.passes(&captured(path, request)).await;
            }
        }
    }
    for path in ["$.id", "$.price", "$.name", "$.ok"] {
        shop.passes(&compared(
            path,
            &format!("jsonpath \"{path}\" == {{{{v}}}}"),
        ))
        .await;
    }
    // What is not used may be anything.
    shop.passes(&captured("$.items", "")).await;
    shop.passes(&captured("$.none", "GET {{host}}/text\nHTTP 200"))
        .await;
}

#[tokio::test]
async fn what_is_captured_and_ordered_is_a_number() {
    let shop = Shop::open().await;
    let there = |line: &str| format!("jsonpath \"$.price\" exists\njsonpath \"$.price\" {line}");
    for (line, holds) in [("> {{v}}", true), ("not < {{v}}", true), ("< {{v}}", false)] {
        let line = there(line);
        shop.fails(&compared("$.digits", &line)).await;
        if holds {
            shop.passes(&compared("$.id", &line)).await;
        } else {
            shop.fails(&compared("$.id", &line)).await;
        }
    }
}

#[tokio::test]
async fn a_secret_is_a_text() {
    let shop = Shop::open().await;
    let redacted = |path: &str| {
        format!("GET {{{{host}}}}/json\nHTTP 200\n[Captures]\nv: jsonpath \"{path}\" redact\n")
    };
    shop.passes(&redacted("$.name")).await;
    for path in ["$.id", "$.ok", "$.none", "$.tags"] {
        shop.fails(&redacted(path)).await;
    }
}
