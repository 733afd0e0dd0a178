//! Requests go over the wire as they are written, and the client's own faults are not the target's.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::wire::{Asked, Wire, reply};
use super::*;

async fn ask(wire: &Wire, checks: &str, lines: &str) -> Outcome {
    let shop = Shop::open().await;
    let mut trial = Trial::of(&shop, checks);
    trial.base_url = wire.url.clone();
    trial.with(lines).run().await
}

fn one(request: &str) -> String {
    format!("  - name: it\n    retries: 0\n    http: {request}")
}

#[allow(clippy::unnecessary_wraps, reason = "what a server is opened with")]
fn fine(_: &Asked) -> Option<Vec<u8>> {
    Some(reply("200 OK", &[], b"ok"))
}

#[tokio::test]
async fn paths_are_sent_as_they_are_written() {
    let wire = Wire::open(fine).await;
    let paths = [
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/a/../../b/./c//d",
        "/a\\..\\b%2Fc%zz",
        "/a?",
        "/a?q=%20+'x'&empty=&b=../c",
    ];
    for path in paths {
        let outcome = ask(
            &wire,
            &one(&format!("'GET {}'", path.replace('\'', "''"))),
            "",
        )
        .await;
        assert!(outcome.verdict.passed, "{path}: {}", summary(&outcome));
    }
    let asked: Vec<String> = wire
        .asked()
        .iter()
        .map(|asked| asked.path().to_owned())
        .collect();
    assert_eq!(asked, paths);
}

#[tokio::test]
async fn a_traversal_that_is_served_is_found() {
    let wire = Wire::open(|asked| {
        let above = asked.path().contains("%2e%2e");
        Some(if above {
            reply("200 OK", &[], b"root:x:0:0")
        } else {
            reply("404 Not Found", &[], b"no")
        })
    })
    .await;
    let check = "  - name: it\n    retries: 0\n    http: GET /static/%2e%2e/%2e%2e/etc/passwd\n    expect: [{ status: [400, 403, 404] }]";
    insta::assert_snapshot!(summary(&ask(&wire, check, "").await), @r#"
    failed
    check "it" failed: expected status 400 or 403 or 404, got 200
    "#);
}

#[tokio::test]
async fn what_a_variable_brings_in_is_sent_as_it_is_or_not_at_all() {
    let wire = Wire::open(fine).await;
    let with = async |value: &str| {
        let vars = format!("vars: {{ part: '{value}' }}");
        summary(&ask(&wire, &one("'GET /x/{{ part }}'"), &vars).await)
    };
    assert!(with("../%2e/a").await.starts_with("passed"));
    assert_eq!(wire.asked()[0].path(), "/x/../%2e/a");
    insta::assert_snapshot!(with("a b").await, @r#"
    failed
    check "it" errored: "/x/a b" can't be asked for: ' ' can't be sent as it is; write /x/a%20b
    "#);
    assert!(with("grün").await.contains("write /x/gr%C3%BCn"));
    assert!(
        with("a#b")
            .await
            .contains("it has a fragment, which is never sent")
    );
    assert_eq!(wire.asked().len(), 1);
}

#[tokio::test]
async fn a_request_without_a_body_says_so() {
    let wire = Wire::open(|asked| {
        let silent = asked.header("content-length").is_none() && !asked.line.starts_with("GET");
        Some(if silent {
            reply("411 Length Required", &[], b"")
        } else {
            reply("204 No Content", &[], b"")
        })
    })
    .await;
    for request in [
        "POST /admin/reload",
        "PUT /x",
        "PATCH /x",
        "{ method: POST, url: /admin/reload, body: '' }",
        "{ method: POST, url: /x, form: {} }",
    ] {
        let outcome = ask(&wire, &one(request), "").await;
        assert!(outcome.verdict.passed, "{request}: {}", summary(&outcome));
    }
    ask(&wire, &one("GET /"), "").await;
    let asked = wire.asked();
    assert!(
        asked[..5]
            .iter()
            .all(|asked| asked.header("content-length") == Some("0"))
    );
    assert_eq!(asked[5].header("content-length"), None);
}

const TWO: &str = "  - { name: first, http: GET /a, retries: 0 }
  - { name: second, http: GET /b, retries: 0 }";

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_not_the_targets_fault() {
    let wire = Wire::open(|asked| (asked.number == 1).then(|| reply("200 OK", &[], b"ok"))).await;
    let outcome = ask(&wire, TWO, "limits: { concurrency: 1 }").await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let notes: Vec<String> = outcome
        .report
        .checks
        .iter()
        .flat_map(|check| check.rounds[0].tries[0].notes.clone())
        .collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].starts_with("the server had closed the connection; GET"),
        "{notes:?}"
    );
}

#[tokio::test]
async fn a_408_on_a_kept_connection_is_not_an_answer() {
    let wire = Wire::open(|asked| {
        Some(if asked.number == 1 {
            reply("200 OK", &[], b"ok")
        } else {
            reply("408 Request Timeout", &["connection: close"], b"")
        })
    })
    .await;
    let outcome = ask(&wire, TWO, "limits: { concurrency: 1 }").await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let wire =
        Wire::open(|_| Some(reply("408 Request Timeout", &["connection: close"], b""))).await;
    let text = summary(&ask(&wire, &one("GET /"), "").await);
    assert!(text.contains("expected status 2xx, got 408"), "{text}");
    assert_eq!(wire.asked().len(), 1);
}

#[tokio::test]
async fn a_new_connection_that_is_closed_is_the_targets_fault() {
    let wire = Wire::open(|_| None).await;
    let text = summary(&ask(&wire, &one("GET /"), "").await);
    assert!(
        text.contains("connection closed before message completed"),
        "{text}"
    );
    assert_eq!(wire.asked().len(), 1);
    // And so is one that is closed twice.
    let answers = AtomicUsize::new(0);
    let wire = Wire::open(move |_| {
        (answers.fetch_add(1, Ordering::SeqCst) == 0).then(|| reply("200 OK", &[], b"ok"))
    })
    .await;
    let outcome = ask(&wire, TWO, "limits: { concurrency: 1 }").await;
    assert!(!outcome.verdict.passed);
    assert_eq!(wire.asked().len(), 3);
}

#[tokio::test]
async fn what_can_not_be_repeated_gets_a_connection_of_its_own() {
    let wire = Wire::open(|asked| (asked.number == 1).then(|| reply("200 OK", &[], b"ok"))).await;
    let checks = "  - { name: first, http: GET /a, retries: 0 }
  - { name: second, http: POST /b, retries: 0 }
  - { name: third, http: { method: PATCH, url: /c, body: x }, retries: 0 }";
    let outcome = ask(&wire, checks, "limits: { concurrency: 1 }").await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let connections: std::collections::BTreeSet<usize> =
        wire.asked().iter().map(|asked| asked.connection).collect();
    assert_eq!((wire.asked().len(), connections.len()), (3, 3));
}

#[tokio::test]
async fn too_many_headers_of_an_answer_are_named() {
    let many: Vec<String> = (0..2_000).map(|n| format!("x-{n}: {n}\r\n")).collect();
    let answer = format!("HTTP/1.1 200 OK\r\n{}\r\n", many.concat());
    let wire = Wire::open(move |_| Some(answer.clone().into_bytes())).await;
    let text =
        summary(&ask(&wire, &one("GET /"), "").await).replace(&wire.address.to_string(), "IT");
    insta::assert_snapshot!(text, @r#"
    failed
    check "it" errored: the answer from IT has more headers than are read (500, or 256 KiB)
    "#);
}

#[tokio::test]
async fn a_kept_connection_on_which_the_release_hangs_takes_its_time() {
    let wire = Wire::open(|asked| {
        if asked.number == 1 {
            return Some(reply("200 OK", &[], b"ok"));
        }
        std::thread::sleep(Duration::from_millis(400));
        None
    })
    .await;
    let shop = Shop::open().await;
    let checks = "  - { name: a, http: GET /, retries: 0 }\n  - { name: b, http: GET /, retries: 0, expect: [{ latency: < 300ms }] }";
    let mut trial = Trial::of(&shop, checks).with("limits: { concurrency: 1 }");
    trial.base_url = wire.url.clone();
    let outcome = trial.run().await;
    let why = summary(&outcome);
    assert!(
        why.contains("check \"b\" failed: expected latency < 300ms"),
        "{why}"
    );
}

#[tokio::test]
async fn files_beside_the_suite_are_sent_byte_for_byte() {
    let wire = Wire::open(fine).await;
    let shop = Shop::open().await;
    let bytes: Vec<u8> = b"{{ not.a.reference }}\r\n\0\xff".repeat(1_000);
    let text = "version: 1\nname: shop\nchecks:\n  - name: whole\n    http: { method: PUT, url: /whole, body_file: a.bin }\n  - name: part\n    http: { method: POST, url: /part, multipart: { scan: { content_file: files/a.bin } } }\n";
    let suite = crate::suite::SuiteReader::new("shop.yaml", text).finish(|_| Ok(bytes.clone()));
    let mut trial = Trial::of(&shop, "  - { name: it, http: GET / }");
    trial.base_url = wire.url.clone();
    let outcome = trial.run_changed(|own| *own = suite.unwrap()).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    let asked = wire.asked();
    let at = |path: &str| asked.iter().find(|asked| asked.path() == path).unwrap();
    assert_eq!(at("/whole").body, bytes);
    assert_eq!(at("/whole").header("content-type"), None);
    let part = &at("/part").body;
    assert!(part.windows(bytes.len()).any(|window| window == bytes));
    let head = String::from_utf8_lossy(&part[..200]);
    assert!(head.contains(r#"name="scan"; filename="a.bin""#), "{head}");
    let files: Vec<&str> = outcome
        .report
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(files, ["shop.yaml", "a.bin", "files/a.bin"]);
    assert!(report::html(&outcome.report).contains("SHA-256 of files/a.bin"));
}
