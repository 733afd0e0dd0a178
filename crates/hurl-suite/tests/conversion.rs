//! What a file is converted to, as people read it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use gate::{Stage, Suite};
use hurl_suite::Inputs;
use proptest::prelude::*;

const CHECKOUT: &str = r#"# A reader logs in and buys a book.
POST {{host}}/login
[Form]
user: {{user}}
password: {{password}}
HTTP 200
Content-Type: application/json
[Captures]
session: jsonpath "$.token" redact
[Asserts]
jsonpath "$.roles" includes "reader"
duration < 800

POST {{host}}/cart
Authorization: Bearer {{session}}
{
  "book": 7,
  "note": "smoke {{newUuid}}"
}
HTTP 201
[Captures]
cart: jsonpath "$.id"
[Asserts]
jsonpath "$.items" count == 1
jsonpath "$.total" > 0

# Followed to the receipt.
POST {{host}}/pay
[Options]
location: true
{ "cart": "{{cart}}" }
HTTP 200
[Asserts]
url contains "/receipt"
body contains "Thank you"

GET {{host}}/logout
"#;

fn given() -> Inputs {
    Inputs {
        vars: vec![("user".to_owned(), "demo".to_owned())],
        secrets: vec![("password".to_owned(), "ssm:/shop/password".to_owned())],
    }
}

#[test]
fn a_file_becomes_a_suite_that_people_can_go_on_with() {
    let yaml = hurl_suite::yaml("suites/checkout.hurl", CHECKOUT, &given()).unwrap();
    insta::assert_snapshot!(yaml, @r#"
    version: 1
    name: checkout
    vars: { user: demo, nothing: "" }
    secrets: { password: "ssm:/shop/password" }
    defaults:
      http:
        timeout: "5m"
        headers: { accept-encoding: identity }
    checks:
      - name: checkout
        retries: 0
        journey:
          - name: "line 2: POST {host}/login"
            http:
              method: POST
              url: /login
              form: { user: "{{ user }}", password: "{{ password }}" }
            expect:
              - { status: 200 }
              - { header: { name: Content-Type, equals: application/json } }
              - { json: { path: $.roles, type: array, contains: reader } }
              - { latency: "< 800ms" }
              - { json: { path: $.token, type: string } }
            capture: { session: { json: $.token, secret: true } }
          - name: "line 14: POST {host}/cart"
            http:
              method: POST
              url: /cart
              headers: { Authorization: "Bearer {{ session }}" }
              json: { book: 7, note: "smoke {{ uuid('1') }}" }
            expect:
              - { status: 201 }
              - { json: { path: $.items, type: array, length: "1" } }
              - { json: { path: $.total, greater_than: 0 } }
              - json:
                  path: $.id
                  type: [string, number, boolean]
            capture: { cart: { json: $.id } }
          - name: "line 28: POST {host}/pay"
            http:
              method: POST
              url: /pay
              json: { cart: "{{ cart }}{{ nothing }}" }
              follow_redirects: true
            expect:
              - { status: 200 }
              - redirects: { url: { contains: /receipt } }
              - { body: { contains: "Thank you" } }
          - name: "line 37: GET {host}/logout"
            http: { method: GET, url: /logout }
            expect:
              - { status: "100-599" }
    "#);
    let suite = Suite::parse("checkout.yaml", &yaml).unwrap();
    assert_eq!(suite.name, "checkout");
    assert_eq!(suite.required_checks_at(Stage::PreTraffic), 1);
    assert!(suite.preflight().problems.is_empty());
}

#[test]
fn what_is_beyond_the_bounds_of_yaml_is_refused() {
    let long = vec!["1"; 60_000].join(",");
    let file = format!("POST {{{{host}}}}/\n[{long}]\n");
    assert!(hurl_suite::suite("a.hurl", &file, &given()).is_ok());
    let refused = hurl_suite::yaml("a.hurl", &file, &given()).unwrap_err();
    insta::assert_snapshot!(refused, @"a.hurl:1:1: as YAML it is no suite: more than 50000 values, with aliases written out; split the suite, or use fewer aliases");
}

#[test]
fn a_changed_file_is_another_suite() {
    let fingerprint = |text: &str| {
        hurl_suite::suite("a.hurl", text, &given())
            .unwrap()
            .fingerprint
    };
    assert_ne!(
        fingerprint(CHECKOUT),
        fingerprint(&CHECKOUT.replace("800", "900"))
    );
}

#[test]
fn a_great_deal_of_one_thing_is_answered_soon() {
    let request = "POST {{host}}/\n";
    for (before, piece) in [
        ("", request),
        (request, "A: b\n"),
        (
            "GET {{host}}/\nHTTP 200\n[Asserts]\n",
            "jsonpath \"$.a\" == 1\n",
        ),
        (
            "GET {{host}}/\nHTTP 200\n[Captures]\n",
            "a: jsonpath \"$.a\"\n",
        ),
        ("POST {{host}}/\n[", "1,"),
        ("POST {{host}}/\n<a>", "<b></b>"),
        ("POST {{host}}/\n```\n", "{{x}}"),
        ("POST {{host}}/\n`", "\\u{1F600}"),
        ("GET {{host}}/", "{{"),
        ("", "\n"),
    ] {
        let text = before.to_owned() + &piece.repeat((250 * 1024 - before.len()) / piece.len());
        let begun = std::time::Instant::now();
        let _ = hurl_suite::yaml("a.hurl", &text, &given());
        let took = begun.elapsed();
        println!("{piece:?}: {took:?}");
        assert!(
            took < std::time::Duration::from_secs(20),
            "{piece:?}: {took:?}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s)((GET|POST) \\{\\{host\\}\\}/)?.{0,80}") {
        let _ = hurl_suite::yaml("a.hurl", &text, &given());
    }

    #[test]
    fn no_mistake_makes_it_panic(
        at in 0..CHECKOUT.len(),
        length in 0..12_usize,
        instead in "[ \\n\"{}\\[\\]`/:=#<>a0\\\\-]{0,4}",
    ) {
        let mut text = CHECKOUT.to_owned();
        text.replace_range(at..(at + length).min(CHECKOUT.len()), &instead);
        // Where it is still right, what it becomes is a suite.
        if let Ok(yaml) = hurl_suite::yaml("a.hurl", &text, &given()) {
            prop_assert!(Suite::parse("a.yaml", &yaml).is_ok());
        }
    }
}
