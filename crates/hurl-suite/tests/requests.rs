//! What is sent, and what goes from one entry to the next.

mod support;

use hurl_suite::Inputs;
use support::{Shop, vars};

/// A request of which these lines come back.
fn sends(request: &str, lines: &[&str]) -> String {
    let asserts: Vec<String> = lines
        .iter()
        .map(|line| format!("body contains {}", quoted(line)))
        .collect();
    format!("{request}\nHTTP 200\n[Asserts]\n{}\n", asserts.join("\n"))
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

#[tokio::test]
async fn each_part_of_a_request() {
    let shop = Shop::open().await;
    let json = "{\n  \"a\": [1, 2.50, null, true],\n  \"b\": \"x \\\"y\\\"\"\n}";
    for (request, lines) in [
        ("GET {{host}}/echo?a=1", vec!["method=GET", "query=a=1\n"]),
        (
            "GET {{host}}/echo\nX-Own: a b",
            vec!["x-own=a b", "accept-encoding=identity"],
        ),
        (
            "GET {{host}}/echo\n[Options]\ncompressed: true",
            vec!["accept-encoding=gzip, deflate"],
        ),
        (
            "GET {{host}}/echo\n[Query]\nq: a b&c\nr: 2",
            vec!["query=q=a+b%26c&r=2\n"],
        ),
        (
            "GET {{host}}/echo\n[QueryStringParams]\nq: 1",
            vec!["query=q=1\n"],
        ),
        (
            "POST {{host}}/echo\n[Form]\nuser: demo\npass: a=b",
            vec![
                "content-type=application/x-www-form-urlencoded",
                "body=user=demo&pass=a%3Db",
            ],
        ),
        (
            "POST {{host}}/echo\n[Multipart]\ntitle: Dune",
            vec!["multipart/form-data", "name=\"title\"", "Dune"],
        ),
        (
            "GET {{host}}/echo\n[Cookies]\ntheme: dark\nlang: en",
            vec!["cookie=theme=dark; lang=en"],
        ),
        (
            format!("POST {{{{host}}}}/echo\n{json}").as_str(),
            vec![
                "content-type=application/json",
                "{\"a\":[1,2.50,null,true],\"b\":\"x \\\"y\\\"\"}",
            ],
        ),
        ("POST {{host}}/echo\n`plain`", vec!["body=plain"]),
        (
            "POST {{host}}/echo\n```\nline one\nline two\n```",
            vec!["body=line one\nline two\n"],
        ),
        (
            "POST {{host}}/echo\n```json\n{\"a\":  1}\n```",
            vec!["content-type=application/json", "{\"a\":  1}"],
        ),
        ("POST {{host}}/echo\nbase64,cGxhaW4=;", vec!["body=plain"]),
        ("POST {{host}}/echo\nhex,706c61696e;", vec!["body=plain"]),
        (
            "POST {{host}}/echo\n<?xml version=\"1.0\"?>\n<a><b c='1'/></a>",
            vec!["content-type=application/xml", "<a><b c='1'/></a>"],
        ),
        (
            "POST {{host}}/echo\nContent-Type: text/xml\n<a/>",
            vec!["content-type=text/xml", "body=<a/>"],
        ),
        (
            "POST {{host}}/echo\n```graphql\nquery A($id: ID) { book(id: $id) { title } }\nvariables {\"id\": 7}\n```",
            vec![
                "content-type=application/json",
                "{\"query\":\"query A($id: ID) { book(id: $id) { title } }\",\"variables\":{\"id\":7}}",
            ],
        ),
        ("DELETE {{host}}/echo", vec!["method=DELETE"]),
    ] {
        shop.passes(&sends(request, &lines)).await;
    }
    // Whether it comes back is judged at all.
    shop.fails(&sends("GET {{host}}/echo", &["method=POST"]))
        .await;
}

#[tokio::test]
async fn variables_keep_the_types_that_hurl_gives_them() {
    let shop = Shop::open().await;
    let given = vars(&[
        ("id", "7"),
        ("name", "a \"b\""),
        ("ok", "true"),
        ("digits", "\"7\""),
    ]);
    let body = "{\"n\": {{id}}, \"s\": \"{{id}}\", \"t\": \"{{name}}\", \"b\": {{ok}}, \"d\": \"{{digits}}\", \"m\": \"no {{id}}\"}";
    let sent = "{\"n\":7,\"s\":\"7\",\"t\":\"a \\\"b\\\"\",\"b\":true,\"d\":\"7\",\"m\":\"no 7\"}";
    let request = format!("POST {{{{host}}}}/echo?x={{{{id}}}}\n{body}");
    shop.passes_with(&sends(&request, &[sent, "query=x=7\n"]), &given)
        .await;
    let asserts = "GET {{host}}/json\nHTTP 200\n[Asserts]\njsonpath \"$.id\" == {{id}}\njsonpath \"$.id\" != \"{{id}}\"\n\
        jsonpath \"$.digits\" == \"{{id}}\"\njsonpath \"$.digits\" == {{digits}}\njsonpath \"$.ok\" == {{ok}}\n";
    shop.passes_with(asserts, &given).await;
    let host = vars(&[("host", shop.url.as_str().trim_end_matches('/'))]);
    shop.passes_with("GET {{host}}/json\nHTTP 200\n", &host)
        .await;
    let literal = format!("GET {}json\nHTTP 200\n", shop.url);
    shop.passes(&literal).await;
    let of_file = "GET {{host}}/echo\n[Options]\nvariable: who=me\nHTTP 200\n\nGET {{host}}/echo\nX-Own: {{who}}\nHTTP 200\n\
        [Asserts]\nbody contains \"x-own=me\"\n";
    shop.passes(of_file).await;
}

#[tokio::test]
async fn functions_are_new_wherever_they_stand() {
    let shop = Shop::open().await;
    let file = "GET {{host}}/echo?a={{newUuid}}&b={{newUuid}}\nX-Own: {{newDate}}\nHTTP 200\n[Asserts]\n\
        body matches /a=[0-9a-f-]{36}&b=[0-9a-f-]{36}/\nbody matches /x-own=20\\d\\d-\\d\\d-\\d\\dT[\\d:]{8}\\.\\d{6}Z/\n";
    shop.passes(file).await;
}

#[tokio::test]
async fn captures_and_cookies_go_on() {
    let shop = Shop::open().await;
    let file = "GET {{host}}/login\nHTTP 200\n[Captures]\ncsrf: regex /value=(\\w+)/\nagain: body regex \"session: (\\\\d+)\"\n\
        next: header \"X-Next\"\nsession: cookie \"session\"\nall: body\n\n\
        GET {{host}}/json\nHTTP 200\n[Captures]\nid: jsonpath \"$.id\"\nname: jsonpath \"$.name\" redact\n\
        tag: jsonpath \"$.tags\" nth 1\n[Asserts]\njsonpath \"$.id\" == 7\n\n\
        POST {{host}}{{next}}?tag={{tag}}\nX-Own: {{session}}\n{\"csrf\": \"{{csrf}}\", \"id\": {{id}}, \"text\": \"{{id}}\", \"a\": \"{{again}}\"}\n\
        HTTP 200\n[Captures]\nid: regex /query=(.*)/\n[Asserts]\n\
        body contains \"cookie=session=s3ss10n; theme=dark\"\nbody contains \"x-own=s3ss10n\"\n\
        body contains \"{\\\"csrf\\\":\\\"t0ken\\\",\\\"id\\\":7,\\\"text\\\":\\\"7\\\",\\\"a\\\":\\\"42\\\"}\"\n\n\
        GET {{host}}/echo?{{id}}\nHTTP 200\n[Asserts]\nbody contains \"query=tag=b\\n\"\n";
    shop.passes(file).await;
    let url = shop.url.as_str().trim_end_matches('/');
    shop.passes_with(file, &vars(&[("host", url)])).await;
    for missing in [
        "csrf: regex /nothing=(\\w+)/",
        "next: header \"X-None\"",
        "session: cookie \"none\"",
        "id: jsonpath \"$.none\"",
    ] {
        shop.fails(&format!(
            "GET {{{{host}}}}/login\nHTTP 200\n[Captures]\n{missing}\n"
        ))
        .await;
    }
    // Hurl makes a list of two values, which can't be used.
    shop.fails("GET {{host}}/text\nHTTP 200\n[Captures]\ntwo: header \"X-Two\"\n")
        .await;
    // Hurl takes the first of two, and a jar keeps the last.
    shop.fails("GET {{host}}/themes\nHTTP 200\n[Captures]\na: cookie \"theme\"\n")
        .await;
    // The answer itself has to set the cookie.
    shop.fails("GET {{host}}/login\nHTTP 200\n\nGET {{host}}/text\nHTTP 200\n[Captures]\na: cookie \"session\"\n")
        .await;
}

#[tokio::test]
async fn secrets_are_masked() {
    let shop = Shop::open().await;
    let given = Inputs {
        vars: Vec::new(),
        secrets: vec![("password".to_owned(), "env:PASSWORD".to_owned())],
    };
    let file = "GET {{host}}/echo\n[BasicAuth]\ndemo: {{password}}\nHTTP 200\n[Asserts]\n\
        body contains \"authorization=Basic ZGVtbzpodW50ZXIyMg==\"\n";
    shop.passes_with(file, &given).await;
    let wrong =
        "GET {{host}}/echo\nX-Own: {{password}}\nHTTP 200\n[Asserts]\nbody contains \"nothing\"\n";
    let outcome = shop.verdict(wrong, &given).await;
    let report = format!("{:?}", outcome.report);
    assert!(report.contains("x-own=***"), "{report}");
    assert!(!report.contains("hunter22"), "{report}");
}

#[tokio::test]
async fn an_entry_is_tried_again_and_a_step_has_its_limit() {
    let shop = Shop::open().await;
    let flaky = |options: &str| format!("GET {{{{host}}}}/flaky\n[Options]\n{options}\nHTTP 200\n");
    shop.passes(&flaky("retry: 2\nretry-interval: 1ms")).await;
    let later = |options: &str| format!("GET {{{{host}}}}/reset\n\n{}", flaky(options));
    shop.passes(&later("retry: 2\nretry-interval: 1ms")).await;
    shop.fails(&later("retry: 1\nretry-interval: 1ms")).await;
    shop.fails(&later("location: false")).await;
    let slow = |options: &str| format!("GET {{{{host}}}}/slow\n[Options]\n{options}\nHTTP 200\n");
    shop.passes(&slow("max-time: 5s")).await;
    shop.fails(&slow("max-time: 100")).await;
}

#[tokio::test]
async fn a_place_that_was_captured_is_at_the_release() {
    let shop = Shop::open().await;
    let followed = |path: &str| {
        format!(
            "GET {{{{host}}}}{path}\nHTTP 201\n[Captures]\nloc: header \"Location\"\n\n\
             GET {{{{host}}}}{{{{loc}}}}?a=1\nHTTP 200\n[Asserts]\njsonpath \"$.id\" == 7\n"
        )
    };
    shop.passes(&followed("/place")).await;
    // Hurl puts it behind the address, so that there is no such host.
    shop.fails(&followed("/away")).await;
    shop.fails(&followed("/place/of/all")).await;
    let by_json = |path: &str, capture: &str| {
        format!(
            "GET {{{{host}}}}/login\nHTTP 200\n\nGET {{{{host}}}}{path}\nHTTP 200\n[Captures]\nloc: {capture}\n\n\
             GET {{{{host}}}}{{{{loc}}}}\nHTTP 200\n"
        )
    };
    shop.fails(&by_json("/json", "jsonpath \"$.name\"")).await;
    let refused = hurl_suite::suite(
        "shop.hurl",
        &by_json("/login", "regex /=(.)/"),
        &Inputs::default(),
    );
    insta::assert_snapshot!(refused.unwrap_err(), @"shop.hurl:9:5: {{host}} stands for --url only where / or nothing follows; write {{host}}/…, or give --var host=URL, and the file asks that address only");
    shop.passes_with(
        "GET {{host}}{{path}}\nHTTP 200\n",
        &vars(&[("path", "/json")]),
    )
    .await;
}
