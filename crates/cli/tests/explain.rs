//! `explain` as people call it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;

const SUITE: &str = "\
version: 1
name: shop
secrets: { password: \"ssm:/shop/password\" }
traffic: { bake: 5m, every: 30s }
checks:
  - name: the version deployed is served
    http: GET /version
    expect: [{ status: 200 }, { json: { path: $.version, equals: \"{{ target.version }}\" } }]
  - name: a reader signs in
    on: pre-traffic
    severity: advisory
    within: 20s
    journey:
      - name: opens the form
        http: GET /login
        expect: [{ status: 200 }]
      - http: { method: POST, url: /login, form: { password: \"{{ password }}\" } }
        expect: [{ status: 303 }]
  - name: no alarm rings
    on: post-traffic
    alarms: [shop-5xx]
";

fn explain(suite: &str, args: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .args(["explain", "-"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(suite.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "{}{}(ends with {})",
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap()
    )
}

#[test]
fn both_stages_are_explained_without_a_request_or_a_secret() {
    assert_snapshot!(told(&explain(SUITE, &[])), @r#"
    shop pre-traffic: 2 checks, one round, at most 10 at once, in this order
      the version deployed is served  must pass
        http GET /version
        2 expectations, up to 3 tries of 5s, 1s apart
        facts: target.version
      a reader signs in               advisory: reported, never blocks
        journey
          1. opens the form: GET /login
          2. POST /login
        2 expectations, up to 3 tries of 10s, 1s apart, within 20s
        secrets: password

    shop post-traffic: 2 checks, 11 rounds in 5m, every 30s, at most 10 at once, in this order
      the version deployed is served  must pass
        http GET /version
        2 expectations, up to 3 tries of 5s, 1s apart
        facts: target.version
      no alarm rings                  must pass
        alarms shop-5xx
        1 expectation, up to 3 tries of 5s, 1s apart, also where no request reaches the release
    (ends with 0)
    "#);
}

#[test]
fn one_stage_for_programs() {
    assert_snapshot!(told(&explain(SUITE, &["--stage", "post-traffic", "--json"])), @r#"
    {
      "suite": "shop",
      "stages": [
        {
          "stage": "post-traffic",
          "rounds": "11 rounds in 5m, every 30s",
          "concurrency": 10,
          "shared_facts": [],
          "shared_secrets": [],
          "checks": [
            {
              "name": "the version deployed is served",
              "line": 7,
              "severity": "required",
              "probe": "http",
              "asks": [
                "GET /version"
              ],
              "expectations": 2,
              "tries": "up to 3 tries of 5s, 1s apart",
              "needs_traffic": true,
              "facts": [
                "version"
              ],
              "secrets": []
            },
            {
              "name": "no alarm rings",
              "line": 21,
              "severity": "required",
              "probe": "alarms",
              "asks": [
                "shop-5xx"
              ],
              "expectations": 1,
              "tries": "up to 3 tries of 5s, 1s apart",
              "needs_traffic": false,
              "facts": [],
              "secrets": []
            }
          ]
        }
      ]
    }
    (ends with 0)
    "#);
}

#[test]
fn a_wrong_suite_is_refused_with_all_its_problems() {
    let wrong = SUITE.replace("GET /version", "FETCH /version");
    assert_snapshot!(told(&explain(&wrong, &[])), @r#"
    -:7:11: unknown method "FETCH"; write one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS
    (ends with 3)
    "#);
    assert_snapshot!(told(&explain(&wrong, &["--json"])), @r#"
    {
      "problems": [
        {
          "file": "-",
          "line": 7,
          "column": 11,
          "message": "unknown method \"FETCH\"",
          "remedy": "write one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        }
      ]
    }
    (ends with 3)
    "#);
}

#[test]
fn a_stage_without_checks_says_so() {
    let only = SUITE.replace(
        "  - name: the version deployed is served\n",
        "  - name: the version deployed is served\n    on: post-traffic\n",
    );
    let only = only.replace(
        "    on: pre-traffic\n    severity",
        "    on: post-traffic\n    severity",
    );
    assert_snapshot!(told(&explain(&only, &["--stage", "pre-traffic"])), @"
    shop pre-traffic: no check
    (ends with 0)
    ");
}

#[test]
fn what_every_check_needs_is_named_and_nothing_moves_the_cursor() {
    let hostile = "\
version: 1
name: \"shop \\e[31m\"
secrets: { ca: \"ssm:/shop/ca\" }
ca_certificates: \"{{ ca }}\"
revision: { header: { name: x-version, equals: \"{{ target.version }}\" } }
checks:
  - name: \"evil \\e]0;pwn\\a name\"
    http: GET /
";
    let explained = explain(hostile, &["--stage", "pre-traffic"]);
    assert_snapshot!(told(&explained), @"
    shop �[31m pre-traffic: 1 check, one round, at most 10 at once, in this order
      facts: target.version (of every check)
      secrets: ca (of every check)
      evil �]0;pwn� name  must pass
        http GET /
        1 expectation, up to 3 tries of 5s, 1s apart
    (ends with 0)
    ");
}
